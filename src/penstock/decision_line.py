"""One decision as the contract shows it: the JSON line of check, send and explain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from penstock.law.version import POLICY
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Outcome, word
from penstock.model.verdict import Decision, Reason, Verdict
from penstock.ports import RowFault
from penstock.store.desk import MailState
from penstock.store.ledger_rows import LedgerRow

__all__ = ["Line", "fault_line", "iso", "line", "stored_line", "waiting_line"]

Line = dict[str, Any]


def iso(moment: datetime | None) -> str | None:
    """UTC, to the second, with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def line(mail: Mail, decision: Decision, outcome: Outcome | None = None) -> Line:
    """The line of one decided mail."""
    return {
        "address": mail.address,
        "contact_id": mail.contact_id,
        "campaign": mail.campaign.id if mail.campaign else None,
        "mail_id": mail.id,
        "verdict": decision.verdict.value,
        "code": decision.code,
        "codes": list(decision.codes),
        "until": iso(decision.until),
        "variant": decision.variant,
        "reasons": [_reason(reason) for reason in decision.reasons],
        "outcome": word(outcome) if outcome is not None else None,
    }


def _reason(reason: Reason) -> Line:
    return {
        "stage": reason.stage,
        "verdict": reason.verdict.value,
        "code": reason.code,
        "why": reason.why,
        "rule": reason.rule,
        "policy": POLICY,
        "fields": list(reason.facts.fields),
        "until": iso(reason.facts.until),
    }


def stored_line(campaign: str, address: str | None, state: MailState, rows: Sequence[LedgerRow]) -> Line:
    """The line of a mail that another process is over with: its ledger rows, which keep no `why`."""
    decided = next((row.body for row in reversed(rows) if "verdict" in row.body), {})
    reasons = [
        {"stage": stage, "verdict": verdict, "code": code, "why": "", "rule": rule, "policy": decided["policy"],
         "fields": fields, "until": None}
        for stage, verdict, code, fields, _records, rule in decided.get("reasons", ())
    ]  # fmt: skip
    return {
        "address": address,
        "contact_id": state.contact_id,
        "campaign": campaign,
        "mail_id": state.mail_id,
        "verdict": decided.get("verdict", Verdict.HOLD.value),
        "code": decided.get("code"),
        "codes": list(decided.get("codes", ())),
        "until": iso(state.until),
        "variant": decided.get("variant"),
        "reasons": reasons,
        "outcome": state.outcome,
    }


def fault_line(fault: RowFault, campaign: str) -> Line:
    """The line of a row that cannot be used: verdict reject, with the row's number."""
    code = Code(fault.code) if fault.code else None
    reason = Reason("contacts", Verdict.REJECT, code, fault.why)
    return {
        "address": fault.address,
        "contact_id": None,
        "campaign": campaign,
        "mail_id": None,
        "verdict": Verdict.REJECT.value,
        "code": code,
        "codes": [code] if code else [],
        "until": None,
        "variant": None,
        "reasons": [_reason(reason)],
        "outcome": None,
        "line": fault.line,
        "why": fault.why,
    }


def waiting_line(campaign: str, mail_id: str, address: str | None, until: str | None) -> Line:
    """A mail that waits for our own pace and stays queued."""
    why = "waits for our own rate limit or an earlier turn; it stays queued"
    reason = {
        "stage": "queue",
        "verdict": "defer",
        "code": Code.RATE_BACKOFF,
        "why": why,
        "rule": None,
        "policy": POLICY,
    }
    return {
        "address": address,
        "contact_id": None,
        "campaign": campaign,
        "mail_id": mail_id,
        "verdict": "defer",
        "code": Code.RATE_BACKOFF,
        "codes": [Code.RATE_BACKOFF],
        "until": until,
        "variant": None,
        "reasons": [reason],
        "outcome": None,
    }
