"""One decision on one screen, for a lawyer and a salesperson alike."""

from __future__ import annotations

from penstock.cli.context import say
from penstock.cli.tables import MARKS
from penstock.decision_line import iso
from penstock.law.version import POLICY
from penstock.model.mail import Mail
from penstock.model.verdict import Decision, Verdict

__all__ = ["show"]


def show(mail: Mail, decision: Decision) -> None:
    """Every stage with its mark, what it found, the rule and the fields it looked at."""
    verdict = decision.verdict
    say(f"{MARKS[verdict]} {verdict.upper()}{f'  {decision.code}' if decision.code else ''}   {mail.address}")
    if mail.campaign is not None:
        say(f"  campaign {mail.campaign.id} · {mail.stream} · {mail.kind} mailbox · {decision.variant} contact")
    if decision.until:
        say(f"  not before {iso(decision.until)}")
    say("")
    for reason in decision.reasons:
        code = f" {reason.code}" if reason.code else ""
        say(f"  {MARKS[reason.verdict]} {reason.stage}{code}: {reason.why or reason.verdict}")
        if reason.rule:
            say(f"      rule: {reason.rule}")
        if reason.facts.fields and reason.verdict is not Verdict.SEND:
            say(f"      looked at: {', '.join(reason.facts.fields)}")
    say("")
    if decision.may_go:
        say(f"  No rule of table {POLICY} forbids this mail. This is not legal advice.")
    else:
        against = [r for r in decision.reasons if r.verdict is not Verdict.SEND]
        say(f"  {len(against)} reason(s) stand against it, decided by table {POLICY}. This is not legal advice.")
