"""What a template sees of a contact: the fields that the campaign declares, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from penstock.compose.sandbox import Blank, Nest
from penstock.model.contact import Company, Contact, Published, Relationship, Source

__all__ = ["CONTACT_FIELDS", "FieldReader"]

_GROUPS: dict[str, type] = {
    "company": Company,
    "source": Source,
    "relationship": Relationship,
    "published": Published,
}
CONTACT_FIELDS = frozenset(
    [field.name for field in fields(Contact) if field.name not in _GROUPS and field.name != "consents"]
    + [f"{group}.{field.name}" for group, kind in _GROUPS.items() for field in fields(kind)],
)
"""Every name that `[message] fields` may hold, with dots."""


class FieldReader:
    """Turns a contact into a template's variables. Raises KeyError(name) for what is no field of a contact."""

    def __init__(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in CONTACT_FIELDS]
        if unknown:
            raise KeyError(unknown[0])
        self._read = [(*name.rpartition(".")[::2], attrgetter(name), Blank(name)) for name in dict.fromkeys(names)]
        self._groups = sorted({group for group, *_ in self._read if group})

    def values(self, contact: Contact) -> dict[str, Any]:
        """Variables by name; a field without a value is a Blank."""
        top: dict[str, Any] = {}
        nests: dict[str, dict[str, Any]] = {group: {} for group in self._groups}
        for group, name, read, blank in self._read:
            value = read(contact)
            (nests[group] if group else top)[name] = blank if value is None or value in ("", ()) else value
        for group, values in nests.items():
            top[group] = Nest(group, values)
        return top
