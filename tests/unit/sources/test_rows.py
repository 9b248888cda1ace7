from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InvalidInput
from penstock.model.contact import Contact, Flag, Function, LegalForm, Mechanism, Seniority, SourceMethod
from penstock.ports import ContactRow, RowFault
from penstock.sources.cell import contact_readers
from penstock.sources.rows import RowReader

COUNTRIES = {"france": "FR", "fr": "FR", "uk": "GB"}
ANNA = "anna.keller@muster-werk.example"


def countries(text: str) -> str | None:
    return COUNTRIES.get(text.lower())


def reader(mapping: dict[str, str] | None = None) -> RowReader:
    return RowReader(mapping or {}, countries)


def contact(row: dict[str, Any], mapping: dict[str, str] | None = None) -> Contact:
    found = reader(mapping).read(2, {"address": ANNA, **row})
    assert isinstance(found, ContactRow), found
    return found.contact


def fault(row: dict[str, Any]) -> RowFault:
    found = reader().read(2, {"address": ANNA, **row})
    assert isinstance(found, RowFault), found
    assert found.line == 2
    return found


def test_every_field_of_the_contract_is_read_from_flat_cells() -> None:
    found = contact(
        {
            "given_name": " Anna ",
            "language": "fr-FR",
            "country": "France",
            "workplace_country": "uk",
            "recipient_kind": "Named",
            "function": "PURCHASING",
            "seniority": "head",
            "born": "1980-01-31",
            "flags": "restricted|minor",
            "company.domains": "Muster-Werk.example; müller.example",
            "company.legal_form": "Sole Trader",
            "company.employees": "120",
            "company.revenue": "1200000.5",
            "source.method": "own_site",
            "source.collected_at": "2026-11-10",
            "verified_at": "2026-11-15T10:00:00+02:00",
            "consents": '[{"channel": "email", "mechanism": "double_opt_in", "given_at": "2026-10-01"}]',
            "relationship.similar_goods": "yes",
            "published.no_advertising": "0",
            "published.for_offers": "",
        }
    )
    assert (found.given_name, found.language) == ("Anna", "fr")
    assert (found.country, found.workplace_country) == ("FR", "GB")
    assert (found.function, found.seniority) == (Function.PURCHASING, Seniority.HEAD)
    assert (found.born, found.flags) == (date(1980, 1, 31), (Flag.RESTRICTED, Flag.MINOR))
    assert found.company.domains == ("muster-werk.example", "xn--mller-kva.example")
    assert found.company.legal_form is LegalForm.SOLE_TRADER
    assert (found.company.employees, found.company.revenue) == (120, 1200000.5)
    assert found.source.method is SourceMethod.OWN_SITE
    assert found.source.collected_at == datetime(2026, 11, 10, tzinfo=UTC)
    assert found.verified_at == datetime(2026, 11, 15, 8, tzinfo=UTC)
    assert found.consents[0].mechanism is Mechanism.DOUBLE_OPT_IN
    assert found.consents[0].given_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert (found.relationship.similar_goods, found.published.no_advertising) == (True, False)
    assert found.published.for_offers is None


def test_nested_objects_and_dotted_columns_mean_the_same() -> None:
    nested = {"company": {"name": "Muster Werk SA", "domains": ["muster-werk.example"], "employees": 120}}
    dotted = {
        "company.name": "Muster Werk SA",
        "company.domains": '["muster-werk.example"]',
        "company.employees": "120",
    }
    in_a_cell = {"company": '{"name": "Muster Werk SA", "domains": ["muster-werk.example"], "employees": 120}'}
    assert contact(nested) == contact(dotted) == contact(in_a_cell)


@pytest.mark.parametrize(
    "cell", ["minor;restricted", "minor, restricted", "MINOR|restricted|", '["minor", "restricted"]']
)
def test_lists_may_be_written_in_several_ways(cell: str) -> None:
    assert contact({"flags": cell}).flags == (Flag.MINOR, Flag.RESTRICTED)


def test_blank_cells_are_unknown() -> None:
    assert contact(
        {"given_name": "  ", "country": "", "flags": " ", "company": {"name": None}, "born": None}
    ) == Contact(ANNA)


def test_column_names_match_without_case_and_outer_space() -> None:
    assert contact({" Given_Name ": "Anna", "COMPANY.NAME": "Muster"}).company.name == "Muster"


def test_columns_are_renamed_by_the_mapping() -> None:
    rows = reader({"E-Mail": "address", "Firma": "company.name", "person.vorname": "given_name"})
    row = {"e-mail ": ANNA, "FIRMA": "Muster", "person": {"vorname": "Anna", "alter": 40}}
    found = rows.read(2, row)
    assert isinstance(found, ContactRow)
    assert (found.contact.company.name, found.contact.given_name) == ("Muster", "Anna")
    assert rows.dropped == {"person.alter": 1}


def test_a_mapping_to_no_field_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidInput, match=r"--map: 'adress' is no contact field \(did you mean 'address'\?\)"):
        reader({"E-Mail": "adress"})


def test_other_columns_are_dropped_and_counted_where_they_have_a_value() -> None:
    rows = reader()
    rows.read(2, {"address": ANNA, "phone": "1", "notes": "", "company": "Muster Werk", "x": None})
    rows.read(3, {"address": ANNA, "phone": "2", "notes": "line\nend", "source": {"phone": "3"}})
    assert rows.dropped == {"phone": 2, "notes": 1, "company": 1, "source.phone": 1}


def test_counting_dropped_columns_takes_bounded_memory() -> None:
    rows = reader()
    for number in range(1500):
        rows.read(number, {"address": ANNA, f"key {number}": "x"})
    assert len(rows.dropped) == 1001
    assert rows.dropped["(other columns)"] == 500


@pytest.mark.parametrize("given", [None, "", "   ", "\t"])
def test_a_row_without_an_address_says_so(given: str | None) -> None:
    found = reader().read(7, {"address": given, "given_name": "Anna"}, "raw row")
    assert found == RowFault(7, "no address", raw="raw row")


@pytest.mark.parametrize(
    "given",
    [
        "anna@",
        "anna",
        "a b@muster.example",
        "anna@muster",
        "an\r\nna@muster.example",
        "x" * 20_000 + "@a.example",
    ],
)
def test_an_address_that_is_none_is_rejected_with_its_code(given: str) -> None:
    found = reader().read(2, {"address": given})
    assert isinstance(found, RowFault)
    assert found.code == "INVALID_ADDRESS"
    assert found.address is not None
    assert len(found.address) <= 320
    assert found.address.isprintable()
    assert found.why.startswith("address: ")
    assert given not in found.why


def test_the_address_is_kept_in_its_exact_form() -> None:
    found = reader().read(2, {"address": " Anna Keller <Anna.Keller@MÜLLER.example> "})
    assert isinstance(found, ContactRow)
    assert found.contact.address == "Anna.Keller@xn--mller-kva.example"


@pytest.mark.parametrize(
    "bad", ["Anna\r\nBcc: x", "An\x00na", "An\nna", "An\x85na", "An\u2028na", "An\x1bna", "An\ud800na"]
)
@pytest.mark.parametrize("field", ["given_name", "company.name", "source.reference", "reason"])
def test_control_characters_are_refused_and_named(field: str, bad: str) -> None:
    found = fault({field: bad})
    assert found.why == f"control character in {field}"
    assert found.address == ANNA


def test_a_tab_inside_a_text_becomes_a_space() -> None:
    assert contact({"title": "head\tof purchasing"}).title == "head of purchasing"


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("function", "buyer", "expected one of purchasing, hr"),
        ("flags", "minor|unknown", "expected one of minor, special_category, restricted"),
        ("company.employees", "1 200", "expected a whole number"),
        ("company.employees", "1.200", "expected a whole number"),
        ("company.employees", -5, "greater than or equal to 0"),
        ("company.employees", 12.5, "expected a whole number"),
        ("company.employees", True, "expected text"),
        ("company.employees", "9" * 16, "expected a whole number"),
        ("company.revenue", "1e9", "expected a number"),
        ("company.domains", "muster", "expected domain names"),
        ("verified_at", "15.11.2026", "expected an ISO date"),
        ("verified_at", 20261115, "expected an ISO date"),
        ("born", "1980-01-31T00:00", "expected an ISO date"),
        ("born", "0", "expected an ISO date"),
        ("language", "German", "expected a language code"),
        ("country", "Narnia", "expected a country code"),
        ("relationship.similar_goods", "maybe", "expected true or false"),
        ("given_name", ["Anna"], "expected text"),
        ("flags", {"a": 1}, "expected a list"),
        ("consents", "yes", "expected JSON"),
        ("consents", '[["email"]]', "expected a list of objects"),
        ("consents", '[{"mechanism": "wink"}]', "mechanism: expected one of double_opt_in"),
        ("consents", [{"channel": "email", "Channel": "phone"}], "two keys mean channel"),
        ("reason", "x" * 10_001, "longer than 10000 characters"),
    ],
)
def test_a_wrong_value_names_the_field_and_what_was_expected_but_not_the_value(
    field: str, value: Any, what: str
) -> None:
    found = fault({field: value})
    assert found.why.startswith(f"{field}: ")
    assert what in found.why
    assert found.address == ANNA
    assert found.code is None
    assert "1 200" not in found.why
    assert "Narnia" not in found.why


def test_a_two_letter_country_that_is_unknown_is_kept() -> None:
    assert contact({"country": "zz"}).country == "ZZ"


def test_two_columns_for_one_field_are_no_guess() -> None:
    assert fault({"flags": "minor", "Flags ": "restricted"}).why == "two columns mean flags"
    assert fault({"company.name": "a", "company": {"name": "b"}}).why == "two columns mean company.name"


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([ANNA, "minor", "[", "{", '{"name": 1}', "2026-11-10", "true", "fr", "C28"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_columns = st.text(max_size=12) | st.sampled_from(["address", *contact_readers(countries), "company", "source"])


@given(st.dictionaries(_columns, _values, max_size=8))
def test_no_row_raises_whatever_it_holds(row: dict[str, Any]) -> None:
    found = reader().read(2, row, "raw")
    if isinstance(found, ContactRow):
        assert found.contact.address
    else:
        assert found.why


@given(st.text(), st.sampled_from(["given_name", "title", "company.name", "reason", "source.why"]))
def test_a_text_is_kept_as_it_is_or_refused(text: str, field: str) -> None:
    found = reader().read(2, {"address": ANNA, field: text})
    if isinstance(found, RowFault):
        assert found.why == f"control character in {field}"
        return
    group, _, leaf = field.partition(".")
    kept = getattr(getattr(found.contact, group), leaf) if leaf else getattr(found.contact, group)
    assert (kept or "") == text.strip().replace("\t", " ")
    assert all(char.isprintable() or ord(char) > 0x9F for char in kept or "")


def test_a_value_that_comes_again_reads_the_same_and_a_wrong_one_is_wrong_again() -> None:
    rows = reader()
    for _ in range(2):
        row = {"address": ANNA, "country": "France", "flags": ["minor"], "verified_at": "2026-11-15"}
        found = rows.read(2, row)
        assert isinstance(found, ContactRow)
        assert (found.contact.country, found.contact.flags) == ("FR", (Flag.MINOR,))
        wrong = rows.read(3, {"address": ANNA, "verified_at": "15.11.2026"})
        assert isinstance(wrong, RowFault)
        assert "verified_at" in wrong.why


def test_more_different_values_than_are_remembered_are_read_rightly() -> None:
    rows = reader()
    for number in [*range(6_000), 1]:
        found = rows.read(2, {"address": ANNA, "company.employees": str(number)})
        assert isinstance(found, ContactRow)
        assert found.contact.company.employees == number


@pytest.mark.parametrize("text", ["a\u00a0b", "a\u200bb", "a\tb", "\nab\n", "  ab  ", "漢字", "e\u0301"])
def test_text_with_odd_spaces_is_kept(text: str) -> None:
    assert contact({"title": text}).title == text.strip().replace("\t", " ")


def test_keys_that_are_no_text_and_columns_without_end_do_no_harm() -> None:
    rows = reader()
    for number in range(3_000):
        found = rows.read(2, {"address": ANNA, "company": {"name": "X", number: 1}, f"more{number}": {"a": 1}})
        assert isinstance(found, ContactRow)
    assert len(rows._fields) <= 1_001
    assert len(rows._fields_within) <= 1_001
