"""The data that a reason rests on, with its values and where each came from: `explain` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from operator import attrgetter
from typing import Any

from penstock.cli.one_contact import DecidedOne
from penstock.model.campaign import Campaign, Range
from penstock.model.codes import Code
from penstock.model.contact import Consent, Contact, Mechanism
from penstock.model.verdict import Reason
from penstock.ports import Services

__all__ = ["DERIVED", "MECHANISMS", "STORE", "DataUsed", "Datum", "shown"]

FILE, STORE, DERIVED = "the contact file", "the store", "derived"
_CAMPAIGN = "the campaign"
MECHANISMS = {
    Mechanism.DOUBLE_OPT_IN: "double opt-in",
    Mechanism.SINGLE_OPT_IN: "single opt-in",
    Mechanism.WRITTEN: "in writing",
    Mechanism.ORAL: "by word of mouth",
    Mechanism.PRE_TICKED: "a pre-ticked box",
}
"""How a consent was given, in words."""

_CONTACT = frozenset(each.name for each in fields(Contact))
_LONGEST = 90


@dataclass(frozen=True, slots=True)
class Datum:
    """One thing looked at. `value` is None where nothing states it; then `origin` is empty."""

    field: str
    value: str | None
    origin: str


class DataUsed:
    """Answers for one decided contact."""

    def __init__(self, one: DecidedOne, services: Services) -> None:
        self._one = one
        self._services = services
        self._given = FILE if one.file else STORE

    def of(self, reason: Reason) -> list[Datum]:
        """Fields first, in the reason's order, then records: entries, rows of law, suppliers, earlier mails."""
        found = [datum for name in reason.facts.fields for datum in self._field(name)]
        return list(dict.fromkeys((*found, *self._records(reason), *self._past(reason))))

    def _field(self, name: str) -> Iterator[Datum]:
        mail = self._one.mail
        group, _, rest = name.partition(".")
        match group:
            case "campaign" if mail.campaign is not None:
                yield _datum(rest, self._of_campaign(mail.campaign, rest), _CAMPAIGN)
            case "lia" if mail.campaign is not None and mail.campaign.lia_document is not None:
                yield _datum(rest, getattr(mail.campaign.lia_document, rest, None), "the assessment")
            case "recipient_kind" if mail.contact is not None and mail.contact.recipient_kind is None:
                yield Datum(name, mail.kind.value, DERIVED)
            case "campaign" | "lia":
                yield Datum(name, None, "")
            case "web":
                yield _datum(name, self._services.base_url, "the config")
            case _ if mail.contact is not None and group in _CONTACT:  # parts of the finished mail have no value
                yield from self._of_contact(name, mail.contact)

    def _of_campaign(self, campaign: Campaign, name: str) -> Any:
        if name == "controller":
            known = self._services.controllers.get(campaign.controller)
            return campaign.controller if known is None else known.legal_name
        return getattr(campaign, name, None)

    def _of_contact(self, name: str, contact: Contact) -> Iterator[Datum]:
        """A field, or all that is stated of a group such as `published`."""
        value = attrgetter(name)(contact)
        if is_dataclass(value) and not isinstance(value, type):
            stated = [f"{name}.{each.name}" for each in fields(value) if getattr(value, each.name) is not None]
            for each in stated:
                yield from self._of_contact(each, contact)
            if not stated:
                yield Datum(name, None, "")
            return
        from_row = attrgetter(name)(self._one.row.contact)
        yield _datum(name, value, self._given if from_row == value else STORE)

    def _records(self, reason: Reason) -> Iterator[Datum]:
        today = self._services.clock.now().date()
        for record in reason.facts.records:
            kind, _, name = record.partition(":")
            match kind:
                case "jurisdiction":
                    table = self._services.jurisdictions
                    signed = table.of(name, today).signed_off
                    says = "not signed off" if signed is None else f"signed off by {signed.by} on {signed.at}"
                    yield Datum(f"row {name}", says, f"the table of law {table.version}")
                case "supplier":
                    supplier = self._services.suppliers.get(name)
                    yield _datum(f"supplier {name}", None if supplier is None else supplier.status, "the config")
                case "lia":
                    yield Datum("assessment", name, _CAMPAIGN)
                case "register":
                    yield Datum("register", name, "the config")

    def _past(self, reason: Reason) -> Iterator[Datum]:
        history = self._one.mail.history
        match reason.stage:
            case "suppression":
                entries = ", ".join(reason.facts.records)
                yield Datum("do-not-mail list", f"entry {entries}" if entries else "no entry", STORE)
            case "duplicate":
                sent = history.sent_at
                yield Datum("mail of this campaign", f"went on {shown(sent)}" if sent else "none", STORE)
            case "frequency_cap" | "freshness":
                person, company = len(history.person), len(history.company)
                earlier = f"{person} to the person, {company} to the company" if person or company else "none"
                yield Datum("earlier mails", earlier, STORE)
                if reason.code is Code.FREQUENCY_CAP and self._one.file is not None:
                    yield Datum("rows before this one", "counted", FILE)


def _datum(name: str, value: Any, origin: str) -> Datum:
    text = shown(value)
    return Datum(name, text, origin if text is not None else "")


def shown(value: Any) -> str | None:
    """A value in words; None for one that says nothing."""
    match value:
        case None | "" | ():
            return None
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value)
        case datetime():
            return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M} UTC"
        case date():
            return value.isoformat()
        case Consent():
            return _consent(value)
        case Range():
            return f"{value.min or 0} to {value.max or 'any number'}"
        case tuple():
            return ", ".join(filter(None, map(shown, value)))
        case _ if is_dataclass(value):
            parts = ((each.name, shown(getattr(value, each.name))) for each in fields(value))
            return "; ".join(f"{name} {text}" for name, text in parts if text) or None
        case _:
            text = " ".join(str(value).split())
            text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
            return f"“{text}”" if " " in text else text


def _consent(consent: Consent) -> str:
    given = shown(consent.given_at) or "an unknown day"
    how = f", {MECHANISMS[consent.mechanism]}" if consent.mechanism else ""
    whom = f" to {consent.controller}" if consent.controller else ""
    what = f" for “{consent.purpose}”" if consent.purpose else ""
    proof = "" if consent.evidence else ", no evidence"
    ended = f", withdrawn on {shown(consent.withdrawn_at)}" if consent.withdrawn_at else ""
    return f"given on {given} for {consent.channel or 'some channel'}{whom}{what}{how}{proof}{ended}"
