"""What stays of a contact when a newer record of the same person comes in (contract section 2)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

from penstock.model.contact import Company, Consent, Contact, Published, Relationship, Source

__all__ = ["merged"]

_Record = TypeVar("_Record", Company, Consent, Published, Relationship, Source)
_ConsentKey = tuple[str | None, str | None, str | None, datetime | None]

_OWN_RULE = frozenset(
    {"address", "flags", "company", "source", "consents", "relationship", "published", "notice_given_at"}
)


def merged(old: Contact, new: Contact) -> Contact:
    """One contact out of two records of the same person; `new` is the later import.

    The newer value wins wherever it says something, the exact address included. What protects the person or
    proves something only grows: consents are added, a withdrawal stays at its earliest date, flags stay, the
    first `source.collected_at` and the earliest `notice_given_at` stay. Merging the same record again changes
    nothing.
    """
    plain: dict[str, Any] = {
        field.name: _newer(getattr(old, field.name), getattr(new, field.name))
        for field in fields(Contact)
        if field.name not in _OWN_RULE
    }
    source = _overlaid(old.source, new.source)
    if old.source.collected_at is not None:
        source = replace(source, collected_at=old.source.collected_at)
    return Contact(
        address=new.address,
        flags=tuple(dict.fromkeys((*old.flags, *new.flags))),
        company=_overlaid(old.company, new.company),
        source=source,
        consents=_all_consents(old.consents + new.consents),
        relationship=_overlaid(old.relationship, new.relationship),
        published=_overlaid(old.published, new.published),
        notice_given_at=_earliest(old.notice_given_at, new.notice_given_at),
        **plain,
    )


def _newer(old: Any, new: Any) -> Any:
    return old if new is None or new == () else new


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _overlaid(old: _Record, new: _Record) -> _Record:
    if old == new:
        return new
    return type(new)(
        **{field.name: _newer(getattr(old, field.name), getattr(new, field.name)) for field in fields(new)}
    )


def _all_consents(consents: tuple[Consent, ...]) -> tuple[Consent, ...]:
    kept: dict[_ConsentKey, Consent] = {}
    for consent in consents:
        key = (consent.channel, consent.controller, consent.purpose, consent.given_at)
        if (known := kept.get(key)) is None:
            kept[key] = consent
        else:
            withdrawn = _earliest(known.withdrawn_at, consent.withdrawn_at)
            kept[key] = replace(_overlaid(known, consent), withdrawn_at=withdrawn)
    return tuple(kept.values())
