"""Why a ready-made message is left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.model.codes import Code

__all__ = ["SpliceFault", "failed", "unreadable", "untouchable"]


@dataclass(frozen=True, slots=True)
class SpliceFault:
    """A message that nothing is added to. `what` is one sentence that quotes nothing of it.

    MESSAGE_UNTOUCHABLE: an addition would break a signature, or there is no part that could carry it; HEADER_INVALID:
    readers would not agree on what the message holds; RENDER_FAILED: the text of a part, or an addition, cannot be
    written.
    """

    code: Code
    what: str


def untouchable(what: str) -> SpliceFault:
    """The message must not be changed."""
    return SpliceFault(Code.MESSAGE_UNTOUCHABLE, what)


def unreadable(what: str) -> SpliceFault:
    """The structure of the message is in doubt."""
    return SpliceFault(Code.HEADER_INVALID, what)


def failed(what: str) -> SpliceFault:
    """A text cannot be read or written."""
    return SpliceFault(Code.RENDER_FAILED, what)
