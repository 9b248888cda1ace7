"""What a request to a compatible door comes to: submissions that are taken together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from penstock.intake.compat_wishes import Wishes
from penstock.ports.intake import Client, Recipient, Submission

__all__ = ["Bounds", "CompatOrder", "Sender", "submissions_for"]

_MOST_OF_ONE = 500
"""Recipients of one submission."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Octets of one message and of all messages of a request, and the moment at which it came."""

    size_limit: int
    most: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands in, where MAIL FROM is `address`, and what was said to Penstock."""

    client: Client
    address: str
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class CompatOrder:
    """The submissions of one request, in order. `sandbox`: it was only to be looked at."""

    submissions: Sequence[Submission]
    sandbox: bool = False


def submissions_for(sender: Sender, addresses: Sequence[str], data: bytes) -> list[Submission]:
    """One message for all these; more than one submission where they are many."""
    return [
        _submission(sender, addresses[place : place + _MOST_OF_ONE], data)
        for place in range(0, len(addresses), _MOST_OF_ONE)
    ]


def _submission(sender: Sender, addresses: Sequence[str], data: bytes) -> Submission:
    wishes = sender.wishes
    return Submission(
        sender.client, sender.address, tuple(map(Recipient, addresses)), data, stream=wishes.stream.lower(),
        campaign=wishes.campaign, controller=wishes.controller, tag=wishes.tag, together=True,
    )  # fmt: skip
