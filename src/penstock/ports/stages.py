"""What checks and edits promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Protocol

from penstock.model.campaign import COMMERCIAL, Stream
from penstock.model.mail import Mail
from penstock.model.verdict import Reason

__all__ = ["ALL_STREAMS", "COMMERCIAL_STREAMS", "Check", "Edit", "NoOptions", "Phase", "Stage"]


ALL_STREAMS = frozenset(Stream)
COMMERCIAL_STREAMS = COMMERCIAL


class Phase(IntEnum):
    """Where in the walk a stage stands. Start-up refuses a list that is not sorted by phase."""

    JUDGE = 1  # needs no content
    PACE = 2  # rate limits
    COMPOSE = 3  # draft → letter
    COMPLETE = 4  # notices and headers on the letter
    WRITE = 5  # letter → bytes, once
    VERIFY = 6  # checks of the finished mail
    SIGN = 7  # prepends headers, changes nothing else


@dataclass(frozen=True, slots=True)
class NoOptions:
    """For stages that have nothing to configure."""


class Stage(Protocol):
    """What checks and edits share.

    A stage is a class found through the entry-point group `penstock.stages` and made by `cls(options, services)`, where
    `options` is an instance of `cls.Options` (a frozen dataclass; an unknown key in `[[stage]]` is a ConfigError).
    """

    Options: ClassVar[type]
    name: str
    """Its name in the config, the docs and the metrics."""
    phase: Phase
    streams: frozenset[Stream]
    """It is asked only about mails of these streams."""
    reads: tuple[str, ...]
    """Contact and campaign fields it looks at, for `penstock stages` and `explain`."""
    needs: tuple[str, ...]
    """Attributes of `Services` it uses."""


class Check(Stage, Protocol):
    """Judges; cannot change: mails are frozen.

    A check may say `hears = False`: it does not look at what earlier checks said, so that the reasons need not be on
    the mails yet when it is asked.
    """

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """One non-empty sequence of reasons per mail, in order. Makes a fixed number of store calls per batch."""
        ...


class Edit(Stage, Protocol):
    """Changes content; cannot redirect or drop. Stops a mail only by answering a Reason."""

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The mail with new content, or the reason why it stops; one per mail, in order."""
        ...
