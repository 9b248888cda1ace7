"""Contacts are put together unseen; what the model asks of its fields must hold all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from penstock.model.contact import Company, Contact, Flag, Published
from penstock.ports import ContactRow, RowFault
from penstock.sources.cell import contact_readers
from penstock.sources.contact_builder import contact_builder
from penstock.sources.rows import RowReader

ANNA = "anna.keller@muster-werk.example"
CHECKED = TypeAdapter(Contact)
READERS = contact_readers({"France": "FR"}.get)

cells = st.sampled_from(
    ["x", " ", "0", "-1", "7", "-0.5", "1.5", "true", "no", "2026-11-10", "2026-11-10T09:00:00+02:00", "fr-FR",
     "France", "minor|restricted", "named", "company", "purchasing", "head", "own_site", "public",
     "muster.example, Müller.example",
     '[{"channel": "email", "mechanism": "written", "given_at": "2026-10-01"}, {}]', 0, -3, 12, 1.25, True, False,
     ["minor"], ["a.example"], [{"purpose": "offers", "withdrawn_at": "2026-11-01"}], date(2020, 2, 29),
     datetime(2026, 11, 1, tzinfo=UTC)]
)  # fmt: skip
rows = st.dictionaries(st.sampled_from(sorted(READERS)), cells, max_size=12)


def read(row: Mapping[str, Any]) -> ContactRow | RowFault:
    return RowReader({}, {"France": "FR"}.get).read(1, {"address": ANNA, **row})


@given(rows)
def test_a_contact_that_was_read_is_the_one_that_the_model_would_make(row: dict[str, Any]) -> None:
    found = read(row)
    if isinstance(found, ContactRow):
        again = CHECKED.validate_python(asdict(found.contact))
        assert (again, repr(again), hash(again)) == (found.contact, repr(found.contact), hash(found.contact))


def test_tables_stand_in_their_place_and_what_is_missing_is_unknown() -> None:
    build = contact_builder()
    assert build({"address": ANNA}) == Contact(ANNA)
    assert build({"address": ANNA, "company.name": None}) == Contact(ANNA)
    given = {"address": ANNA, "title": "Buyer", "flags": (Flag.MINOR,), "company.employees": 3, "published.url": "u"}
    company, published = Company(employees=3), Published(url="u")
    assert build(given) == Contact(ANNA, title="Buyer", flags=(Flag.MINOR,), company=company, published=published)


@pytest.mark.parametrize("field", ["company.employees", "company.revenue"])
@pytest.mark.parametrize("value", [-1, "-1", "-1 "])
def test_a_number_below_its_least_is_named(field: str, value: Any) -> None:
    found = read({field: value})
    assert isinstance(found, RowFault)
    assert found.why == f"{field}: input should be greater than or equal to 0"


def limits(kind: type[Any], prefix: str = "") -> dict[str, list[str]]:
    """What the model asks of a field beyond its type, by dotted name."""
    found: dict[str, list[str]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if isinstance(hint, type) and is_dataclass(hint):
            found |= limits(hint, f"{prefix}{name}.")
        for arm in (hint, *get_args(hint)):
            if get_origin(arm) is Annotated:
                marks = [mark for mark in arm.__metadata__ if hasattr(mark, "metadata")]
                found[f"{prefix}{name}"] = [repr(each) for mark in marks for each in mark.metadata]
    return {name: marks for name, marks in found.items() if marks}


def test_the_model_asks_nothing_of_a_field_that_readers_do_not_know() -> None:
    assert {field.name for field in fields(Contact)} >= {"company", "consents"}
    asked = limits(Contact)
    assert asked.keys() == {"company.employees", "company.revenue"}
    assert asked["company.employees"] == ["Ge(ge=0)"]
    assert asked["company.revenue"][0] == "Ge(ge=0)"  # and no infinity, which no cell can say
