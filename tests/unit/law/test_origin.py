from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.law.origin import FIRST_HAND, origin_gaps
from penstock.model.contact import Source, SourceMethod

AT = datetime(2026, 11, 10, tzinfo=UTC)


def source(**fields: Any) -> Source:
    full: dict[str, Any] = {"method": SourceMethod.OWN_SITE, "reference": "https://muster.example", "collected_at": AT}
    return Source(**full | fields)


def test_an_empty_record_answers_nothing() -> None:
    assert origin_gaps(Source()) == ("source.method", "source.collected_at", "source.reference")


@pytest.mark.parametrize("method", list(SourceMethod))
def test_a_full_record_has_no_gap(method: SourceMethod) -> None:
    assert origin_gaps(source(method=method, supplier="Contact Atlas")) == ()


@pytest.mark.parametrize("method", list(SourceMethod))
def test_a_colleague_who_met_the_person_is_reference_enough(method: SourceMethod) -> None:
    named = source(method=method, reference=" ", collected_by="e.berg", supplier="")
    gaps = set(origin_gaps(named)) - {"source.supplier"}
    assert gaps == (set() if method in FIRST_HAND else {"source.reference"})


def test_a_supplier_s_name_is_no_reference_and_a_supplier_must_be_named() -> None:
    assert origin_gaps(source(supplier="Contact Atlas", reference="contact ATLAS ")) == ("source.reference",)
    assert origin_gaps(source(method=SourceMethod.EVENT, supplier="X", reference=None, collected_by="e.berg")) == (
        "source.reference",
    )
    assert origin_gaps(source(method=SourceMethod.SUPPLIER)) == ("source.supplier",)
