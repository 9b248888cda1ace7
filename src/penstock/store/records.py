"""Contacts and campaigns as JSON octets and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

import orjson
from pydantic import TypeAdapter

from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Company, Consent, Contact, Published, Relationship, Source

__all__ = ["CampaignRecord", "ContactRecord", "contact_octets", "contact_values"]


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a kind of record: their names, what reads their values, and the values of an empty record."""

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    empty: tuple[Any, ...] = ()

    def said(self, record: Any) -> dict[str, Any]:
        """What is known, by name."""
        found = self.read(record)
        if found == self.empty:
            return {}
        return {name: value for name, value in zip(self.names, found, strict=True) if value is not None and value != ()}


def _fields(kind: type[Any], but: Collection[str] = ()) -> _Fields:
    names = tuple(field.name for field in fields(kind) if field.name not in but)
    return _Fields(names, attrgetter(*names))


def _fields_of_part(kind: Callable[[], Any]) -> _Fields:
    known = _fields(type(kind()))
    return replace(known, empty=known.read(kind()))


_PARTS = {
    "company": _fields_of_part(Company),
    "source": _fields_of_part(Source),
    "relationship": _fields_of_part(Relationship),
    "published": _fields_of_part(Published),
}
_CONSENT = _fields(Consent)
_CONTACT = _fields(Contact, {*_PARTS, "consents"})


def contact_values(contact: Contact) -> dict[str, Any]:
    """The contact as JSON has it; what is unknown or empty is left out."""
    values = _CONTACT.said(contact)
    for name, part in _PARTS.items():
        if said := part.said(getattr(contact, name)):
            values[name] = said
    if contact.consents:
        values["consents"] = [_CONSENT.said(consent) for consent in contact.consents]
    return values


def contact_octets(contact: Contact) -> bytes:
    """The contact's JSON. Equal contacts have equal octets."""
    return orjson.dumps(contact_values(contact))


class ContactRecord:
    """Reads contacts back; the validators are built once."""

    def __init__(self) -> None:
        self._one = TypeAdapter(Contact)
        self._all = TypeAdapter(list[Contact | None])

    def read(self, data: bytes) -> Contact:
        """The contact that `contact_octets` wrote."""
        return self._one.validate_json(data)

    def read_all(self, array: str | None) -> Sequence[Contact | None]:
        """The contacts of a JSON array of records, and None for each null; none where there is no array."""
        return self._all.validate_json(array) if array is not None else []


class CampaignRecord:
    """Writes a campaign with its templates apart, by content hash, and reads it back."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Campaign)

    def write(self, campaign: Campaign) -> tuple[bytes, dict[str, str]]:
        """The campaign's JSON with hashes in the place of templates, and the templates by SHA-256 (hex)."""
        sources: dict[str, str] = {}
        stored: list[TemplateFile] = []
        for template in campaign.message.templates:
            digest = hashlib.sha256(template.source.encode()).hexdigest()
            sources[digest] = template.source
            stored.append(replace(template, source=digest))
        slim = replace(campaign, message=replace(campaign.message, templates=tuple(stored)))
        return orjson.dumps(slim), sources

    def template_digests(self, data: bytes) -> list[str]:
        """The hashes of the templates that a stored campaign uses."""
        record: dict[str, Any] = orjson.loads(data)
        return [template["source"] for template in record["message"]["templates"]]

    def read(self, data: bytes, sources: dict[str, str]) -> Campaign:
        """The campaign, its templates put back."""
        slim = self._adapter.validate_json(data)
        templates = tuple(replace(template, source=sources[template.source]) for template in slim.message.templates)
        return replace(slim, message=replace(slim.message, templates=templates))
