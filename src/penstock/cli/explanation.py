"""One decision on one screen, for a lawyer and a salesperson alike."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from penstock.cli.data_used import DERIVED, STORE, DataUsed, Datum, shown
from penstock.cli.one_contact import DecidedOne
from penstock.cli.remedies import remedies
from penstock.cli.tables import MARKS
from penstock.decision_line import iso, line
from penstock.law.version import POLICY
from penstock.model.campaign import Basis
from penstock.model.mail import Message
from penstock.model.verdict import Decision, Reason, Verdict
from penstock.ports import Phase, Services, Stage

__all__ = ["explained", "record", "width_of_screen"]

_NAME = 24
_NARROWEST, _WIDEST = 72, 140
_UNREACHED = "–"
_BASES = {
    Basis.CONSENT: "consent",
    Basis.LEGITIMATE_INTEREST: "legitimate interest",
    Basis.CUSTOMER: "the customer relation",
}
_SAID_ELSEWHERE = frozenset({"address", "id", "audience"})


def width_of_screen() -> int:
    """Columns to fill; a pipe counts as 120."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((120, 24)).columns))


def explained(one: DecidedOne, stages: Sequence[Stage], services: Services, width: int) -> list[str]:
    """The lines: who and what, every stage with its data and rule, and what would have to change.

    `stages` is the effective pipeline; those that the mail did not reach are named, too.
    """
    data = DataUsed(one, services)
    body = [text for stage in stages for text in _stage(stage, one.decision, data, width)]
    return [*_head(one, services), "", *body, *_later(one, stages, width), "", *_end(one, stages, services, width)]


def record(one: DecidedOne, services: Services) -> dict[str, Any]:
    """The decision line of `check`, with where the record came from, the data used and what would have to change."""
    data = DataUsed(one, services)
    contact = one.mail.contact
    return {
        **line(one.mail, one.decision),
        "record": {
            "from": STORE if one.file is None else str(one.file),
            "line": None if one.file is None else one.row.line,
            "method": shown(contact.source.method) if contact else None,
            "reference": contact.source.reference if contact else None,
            "collected_at": iso(contact.source.collected_at) if contact else None,
        },
        "data": [
            {"stage": reason.stage, "code": reason.code, "field": each.field, "value": each.value,
             "from": each.origin or None}
            for reason in one.decision.reasons for each in data.of(reason)
        ],
        "to_send": [each._asdict() for each in remedies(one.mail, one.decision, services)],
    }  # fmt: skip


def _head(one: DecidedOne, services: Services) -> Iterator[str]:
    mail, decision, verdict = one.mail, one.decision, one.decision.verdict
    yield f"{MARKS[verdict]} {verdict.upper()}{f'  {decision.code}' if decision.code else ''}   {mail.address}"
    contact, campaign = mail.contact, mail.campaign
    if contact is not None:
        name = " ".join(filter(None, (contact.given_name, contact.family_name)))
        role = " at ".join(filter(None, (contact.title, contact.company.name)))
        whom = ", ".join(filter(None, (name, role, contact.country)))
        yield f"  whom      {whom or 'nothing but the address is known'}"
        yield f"  record    {_origin(one)}"
    if campaign is not None:
        known = services.controllers.get(mail.controller)
        who = mail.controller if known is None else known.legal_name
        yield f"  campaign  {campaign.id} of {who}: {mail.stream}, rests on {_BASES[campaign.basis]}"
    today = services.clock.now()
    contacted = "first contact" if decision.variant == "first" else "no first contact"
    yield f"  judged    as a {mail.kind.replace('_', ' ')} mailbox, {contacted}, on {today:%Y-%m-%d}, by table {POLICY}"
    if decision.until:
        yield f"  not before {iso(decision.until)}"


def _origin(one: DecidedOne) -> str:
    where = "the store" if one.file is None else f"{one.file.name}, line {one.row.line}"
    if one.file is not None and one.mail.contact_id is not None:
        where += ", joined with the store"
    assert one.mail.contact is not None
    source = one.mail.contact.source
    if source.method is None and not source.reference:
        return f"{where}; it does not say where the data come from"
    day = f" on {shown(source.collected_at)}" if source.collected_at else ""
    by = f" by {source.collected_by}" if source.collected_by else ""
    method = source.method.replace("_", " ") if source.method else "source"
    return f"{where}; obtained{day}{by}: {method}, {source.reference or 'no reference'}"


def _stage(stage: Stage, decision: Decision, data: DataUsed, width: int) -> Iterator[str]:
    for reason in decision.reasons:
        if reason.stage == stage.name:
            yield from _reason(reason, data.of(reason), width)


def _reason(reason: Reason, used: Sequence[Datum], width: int) -> Iterator[str]:
    head = f"  {MARKS[reason.verdict]} {reason.stage:{_NAME - 4}}"
    why = _sentence(reason.why or str(reason.verdict))
    if reason.code:
        why = f"{reason.code}: {why}"
    yield from _wrapped(head, f"{why} [{reason.rule}]" if reason.rule else why, width)
    told = used if reason.verdict is not Verdict.SEND else [each for each in used if _tells(each)]
    parts = []
    for origin, group in groupby(sorted(told, key=lambda each: _place(each, told)), key=lambda each: each.origin):
        listed = ", ".join(f"{each.field} {each.value}" if each.origin else each.field for each in group)
        parts.append(f"{origin}: {listed}" if origin else f"not stated: {listed}")
    if parts:
        yield from _wrapped(" " * _NAME, "; ".join(parts), width)


def _tells(datum: Datum) -> bool:
    """Whether a datum adds something where nothing stands against the mail: the head and the sentence say the rest."""
    return datum.value is not None and datum.origin != DERIVED and datum.field not in _SAID_ELSEWHERE


def _sentence(text: str) -> str:
    return text if text.endswith((".", "…")) else f"{text[:1].upper()}{text[1:]}."


def _place(datum: Datum, told: Sequence[Datum]) -> int:
    """Origins in the order in which they first come; what nothing states last."""
    return next(at for at, each in enumerate(told) if each.origin == datum.origin) if datum.origin else len(told)


def _later(one: DecidedOne, stages: Sequence[Stage], width: int) -> Iterator[str]:
    """Stages that said nothing: edits that made the mail, or what it never came to."""
    spoke = {reason.stage for reason in one.decision.reasons}
    silent = ", ".join(stage.name for stage in stages if stage.name not in spoke and stage.phase > Phase.JUDGE)
    if not silent:
        return
    content = one.mail.content
    if isinstance(content, Message):
        language = content.letter.language if content.letter else "unknown"
        text = f"{silent}: they made the mail (language {language}, {len(content.data)} octets)."
        yield from _wrapped(f"  {MARKS['send']} ", text, width)
    else:
        yield from _wrapped(f"  {_UNREACHED} ", f"{silent}: not looked at, as the mail stops before.", width)


def _end(one: DecidedOne, stages: Sequence[Stage], services: Services, width: int) -> Iterator[str]:
    decision, mail = one.decision, one.mail
    if decision.may_go:
        yield from _wrapped("  ", f"No rule of table {POLICY} forbids this mail. This is not legal advice.", width)
        return
    yield "  What would have to change for “send”:"
    for each in remedies(mail, decision, services):
        yield from _wrapped(f"    {each.code:{_NAME}}", each.change, width)
    against = [reason for reason in decision.reasons if reason.verdict is not Verdict.SEND]
    edits = {stage.name for stage in stages if hasattr(stage, "edit")}
    if decision.verdict is Verdict.HOLD and not edits & {reason.stage for reason in against}:
        text = f"Or a person answers for it, once `send` has held it: penstock holds release {mail.id} --why …"
        yield from _wrapped("    ", text, width)
    number = "1 reason stands" if len(against) == 1 else f"{len(against)} reasons stand"
    yield from _wrapped("  ", f"{number} against it, decided by table {POLICY}. This is not legal advice.", width)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    """The text behind its head, further lines below where it began."""
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
