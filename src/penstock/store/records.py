"""Contacts and campaigns as JSON octets and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

import orjson
from pydantic import TypeAdapter

from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Company, Consent, Contact, Published, Relationship, Source

__all__ = ["CampaignRecord", "ContactRecord", "contact_octets", "contact_values"]


def _fields(kind: type[Any], but: Collection[str] = ()) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of the fields, and what reads their values."""
    names = tuple(field.name for field in fields(kind) if field.name not in but)
    return names, attrgetter(*names)


def _said(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """What is known, by name. Most of it is text, and that much is seen at the first look."""
    return {
        name: value
        for name, value in zip(names, values, strict=True)
        if value or (value is not None and value != ())
    }  # fmt: skip


_KINDS: tuple[tuple[str, type[Any]], ...] = (
    ("company", Company),
    ("source", Source),
    ("relationship", Relationship),
    ("published", Published),
)
_PARTS = [(name, *_fields(kind), _fields(kind)[1](kind())) for name, kind in _KINDS]
_CONSENT, _READ_CONSENT = _fields(Consent)
_CONTACT, _READ_CONTACT = _fields(Contact, {*dict(_KINDS), "consents"})


def contact_values(contact: Contact) -> dict[str, Any]:
    """The contact as JSON has it; what is unknown or empty is left out."""
    values = _said(_CONTACT, _READ_CONTACT(contact))
    for part, names, read, empty in _PARTS:
        found = read(getattr(contact, part))
        if found != empty:
            values[part] = _said(names, found)
    if contact.consents:
        values["consents"] = [_said(_CONSENT, _READ_CONSENT(consent)) for consent in contact.consents]
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
    """Writes a campaign with its templates and files apart, by content hash, and reads it back."""

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
        slim = replace(campaign, message=replace(campaign.message, templates=tuple(stored))).slim()
        return orjson.dumps(slim, default=bytes.decode), sources

    def used(self, data: bytes) -> tuple[list[str], list[str]]:
        """The hashes of the templates and of the files that a stored campaign uses."""
        message: dict[str, Any] = orjson.loads(data)["message"]
        enclosures = message.get("enclosures", ())  # older records have none
        return [each["source"] for each in message["templates"]], [each["digest"] for each in enclosures]

    def read(self, data: bytes, sources: Mapping[str, str], enclosed: Mapping[str, bytes]) -> Campaign:
        """The campaign, its templates and files put back."""
        slim = self._adapter.validate_json(data)
        templates = tuple(replace(each, source=sources[each.source]) for each in slim.message.templates)
        enclosures = tuple(replace(each, data=enclosed[each.digest]) for each in slim.message.enclosures)
        return replace(slim, message=replace(slim.message, templates=templates, enclosures=enclosures))
