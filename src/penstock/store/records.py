"""Contacts and campaigns as JSON octets and back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Contact

__all__ = ["CampaignRecord", "ContactRecord", "contact_octets"]

# Quotes inside JSON strings are escaped, so `"name":null` can only be a member.
_LATER_NULL = re.compile(rb',"[a-z_]+":null')
_FIRST_NULL = re.compile(rb'\{"[a-z_]+":null,?')
_EMPTY = re.compile(rb',"[a-z_]+":(?:\{\}|\[\])')


def contact_octets(contact: Contact) -> bytes:
    """The contact's JSON; what is unknown is left out. Equal contacts have equal octets."""
    data = _LATER_NULL.sub(b"", orjson.dumps(contact))
    return _EMPTY.sub(b"", _FIRST_NULL.sub(b"{", data))


class ContactRecord:
    """Reads contacts back; the validator is built once."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Contact)

    def read(self, data: bytes) -> Contact:
        """The contact that `contact_octets` wrote."""
        return self._adapter.validate_json(data)


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
