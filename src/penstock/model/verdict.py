"""What the pipeline says about one mail: reasons, and the decision they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from penstock.model.codes import Code, headline

__all__ = ["NO_FACTS", "Decision", "Facts", "Reason", "Variant", "Verdict", "decide", "strictest"]

Variant = Literal["first", "regular"]


class Verdict(StrEnum):
    """What a check says, from mild to strict: send < defer < hold < block < reject."""

    SEND = "send"
    DEFER = "defer"
    HOLD = "hold"
    BLOCK = "block"
    REJECT = "reject"

    @property
    def rank(self) -> int:
        """0 for send up to 4 for reject."""
        return _RANK[self]


_RANK = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reason rests on: names of fields and ids of records, never their values (those stay out of the ledger)."""

    fields: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    until: datetime | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing one stage has to say about one mail.

    `why` is a sentence for people and may quote values; it is shown, never stored. `rule` cites the law, standard or
    setting. `pace` marks waiting for our own rate limit: no decision, no ledger entry.
    """

    stage: str
    verdict: Verdict
    code: Code | None = None
    why: str = ""
    facts: Facts = NO_FACTS
    rule: str | None = None
    pace: bool = False


def strictest(reasons: Iterable[Reason]) -> Verdict:
    """The strictest verdict among the reasons; `send` when there is none."""
    worst = 0
    found = Verdict.SEND
    for reason in reasons:
        if reason.verdict is not Verdict.SEND and _RANK[reason.verdict] > worst:
            worst, found = _RANK[reason.verdict], reason.verdict
    return found


@dataclass(frozen=True, slots=True)
class Decision:
    """All reasons on one mail, with the headline. Recorded before anything leaves."""

    verdict: Verdict
    code: Code | None
    codes: tuple[Code, ...]
    until: datetime | None
    variant: Variant
    reasons: tuple[Reason, ...]
    paced: bool = False

    @property
    def may_go(self) -> bool:
        """True when nothing stands against sending now."""
        return self.verdict is Verdict.SEND


def decide(reasons: tuple[Reason, ...], variant: Variant) -> Decision:
    """Add reasons up: strictest verdict, headline by precedence, the latest of the dates to wait for.

    `until` is given for a deferral only; `paced` says that nothing but our own rate limit stands against the mail.
    """
    verdict = strictest(reasons)
    if verdict is Verdict.SEND:
        return Decision(verdict, None, (), None, variant, reasons)
    against = [reason for reason in reasons if reason.verdict is not Verdict.SEND]
    codes = headline({reason.code for reason in against if reason.code is not None})
    dates = [r.facts.until for r in against if r.facts.until is not None]
    until = max(dates) if verdict is Verdict.DEFER and dates else None
    paced = all(reason.pace for reason in against)
    return Decision(verdict, codes[0] if codes else None, codes, until, variant, reasons, paced)
