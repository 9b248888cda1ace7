"""What came of handing one mail to an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from penstock.model.codes import Code

__all__ = ["Accepted", "Failed", "Outcome", "OutcomeWord", "TryLater", "Uncertain", "word"]

OutcomeWord = Literal["accepted", "try_later", "failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next hop took responsibility. `receipt` is its id or reply, without an address.

    `via` is the adapter that handed it over, where what comes back will name the mail by that adapter.
    """

    receipt: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Certainly not sent, may be tried again. `after` as the next hop asks, else None for our own schedule.

    `attempt_used` is False when the mail was not even offered (our way out was closed).
    """

    why: str
    after: timedelta | None = None
    code: Code | None = None
    attempt_used: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """Certainly not sent, and trying again would not help. `status` as in RFC 3463 where known."""

    why: str
    status: str = ""
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """May have been sent. Never retried blindly, never failed over. `via` as with `Accepted`."""

    why: str
    via: str = ""


Outcome = Accepted | TryLater | Failed | Uncertain

_WORDS: dict[type, OutcomeWord] = {
    Accepted: "accepted",
    TryLater: "try_later",
    Failed: "failed",
    Uncertain: "uncertain",
}


def word(outcome: Outcome) -> OutcomeWord:
    """The outcome's word in the contract."""
    return _WORDS[type(outcome)]
