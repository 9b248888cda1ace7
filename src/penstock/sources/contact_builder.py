"""Puts a contact together from what the readers of its cells answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, make_dataclass
from operator import itemgetter
from typing import Any, cast

from penstock.model.contact import Contact

__all__ = ["contact_builder"]

Cells = dict[str, Any]
Make = Callable[[Cells], Any]


def contact_builder() -> Callable[[Cells], Contact]:
    """A function from cells by dotted field name to their contact.

    A field without a cell is unknown; `address` must be there. The values are not looked at again: they must be what
    the readers of `penstock.sources.cell` answer.
    """
    example = Contact("")
    unknown = {name: value for name, value in _values(example).items() if not is_dataclass(value)}
    tables = []
    for name, empty in _values(example).items():
        if is_dataclass(empty):
            cells = {f"{name}.{leaf}": value for leaf, value in _values(empty).items()}
            unknown |= cells
            tables.append((name, frozenset(cells), empty, _maker(type(empty), f"{name}.")))
    whole = _maker(Contact)

    def build(cells: Cells) -> Contact:
        given, filled = cells.keys(), unknown | cells
        for name, leaves, empty, make in tables:
            filled[name] = empty if given.isdisjoint(leaves) else make(filled)
        return cast("Contact", whole(filled))

    return build


def _values(record: Any) -> Cells:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _maker(kind: type[Any], prefix: str = "") -> Make:
    """What makes a record of that kind out of all its fields, called `prefix` and their name.

    A frozen record fills itself slot by slot through a look-up by name. One with the same slots that is not frozen
    does it directly, four times as fast, and is then closed by giving it its kind.
    """
    names = [field.name for field in fields(kind)]
    read = itemgetter(*(f"{prefix}{name}" for name in names))
    open_kind: type[Any] = make_dataclass(kind.__name__, [(name, Any) for name in names], slots=True, eq=False)

    def make(filled: Cells) -> Any:
        made = open_kind(*read(filled))
        made.__class__ = kind
        return made

    return make
