"""What a ledger row says: ids, codes, names of fields and digests.

Never an address, a name, a subject or a body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, word
from penstock.model.verdict import Decision, Reason
from penstock.ports import Ending
from penstock.store.chain import outside_word
from penstock.store.instants import maybe_iso
from penstock.store.snapshots import Kept

__all__ = ["LedgerRow", "decision_row", "ending_row"]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row as shown to people: its place, what is indexed, and all it says."""

    seq: int
    batch: int
    kind: str
    mail_id: str | None
    at: str
    code: str | None
    body: dict[str, Any]


_BASIS = "basis:"
_REPLY = re.compile(r"\b[245]\d\d [245]\.\d{1,3}\.\d{1,3}(?= to )", re.ASCII)
"""Reply code and status, as the adapter for mail servers tells them."""


def decision_row(
    kind: str, mail: Mail, decision: Decision, *, at: str, under: Mapping[str, str], kept: Kept | None
) -> dict[str, Any]:
    """The decision on one mail: every reason with the fields and records it rests on, without its `why`.

    `under` names what was in force (`HouseRules.marks`); `kept` is what the decision used, as far as it is kept.
    """
    return {
        **_about(kind, mail, at),
        "stream": mail.stream,
        "controller": mail.controller,
        "contact": mail.contact_id,
        "verdict": decision.verdict,
        "code": decision.code,
        "codes": decision.codes,
        "until": maybe_iso(decision.until),
        "variant": decision.variant,
        **under,
        "basis": _basis(decision.reasons),
        "provenance": None if kept is None else kept.provenance,
        "snapshot": None if kept is None else kept.digest,
        "reasons": [
            (
                reason.stage,
                reason.verdict,
                reason.code,
                reason.facts.fields,
                reason.facts.records,
                reason.rule,
            )
            for reason in decision.reasons
        ],
    }


def _basis(reasons: Sequence[Reason]) -> str | None:
    """The one basis that a reason names in its records (GDPR Art. 6(1)); None for a mail that needs none."""
    for reason in reasons:
        for record in reason.facts.records:
            if record.startswith(_BASIS):
                return record[len(_BASIS) :]
    return None


def ending_row(ending: Ending, *, at: str, attempt: int) -> dict[str, Any]:
    """How a begun mail ended. Words of the next hop are cut to what can hold no address."""
    outcome = ending.outcome
    row = _about("outcome", ending.mail, at)
    row.update(outcome=word(outcome), code=_code(outcome), attempt=attempt)
    match outcome:
        case Accepted(receipt):
            row["receipt"] = outside_word(receipt)
        case Failed(why, status=status):
            row["status"] = outside_word(status)
            if seen := _REPLY.search(why):
                row["reply"] = seen[0]
        case TryLater(attempt_used=used):
            row.update(attempt_used=used, until=maybe_iso(ending.due))
    return row


def _about(kind: str, mail: Mail, at: str) -> dict[str, Any]:
    campaign = mail.campaign
    return {
        "kind": kind,
        "at": at,
        "mail": mail.id,
        "campaign": None if campaign is None else campaign.digest,
        "step": None if campaign is None else campaign.id,
    }


def _code(outcome: Outcome) -> str | None:
    return outcome.code if isinstance(outcome, Failed | TryLater) else None
