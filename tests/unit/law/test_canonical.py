from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.canonical import Canonical, address_forms, organisation_key, person_form, provider_form
from penstock.model.address import Address, AddressFault, parse_address


def address(text: str) -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address), parsed
    return parsed


@pytest.mark.parametrize(
    ("raw", "exact"),
    [
        ("Anna.Keller@Firm.EXAMPLE", "Anna.Keller@firm.example"),
        ("  anna@firm.example ", "anna@firm.example"),
        ("Anna Keller <anna@firm.example>", "anna@firm.example"),
        ('"Keller, Anna" <anna@firm.example>', "anna@firm.example"),
        ("mailto:anna@firm.example?subject=x", "anna@firm.example"),
        ("<anna@firm.example>", "anna@firm.example"),
        ("an\u200bna@firm.example", "anna@firm.example"),
        ("anna@firm.example.", "anna@firm.example"),
        ("anna@müller-maschinen.example", "anna@xn--mller-maschinen-zvb.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("jose\u0301@firm.example", "josé@firm.example"),
    ],
)
def test_the_exact_form_is_what_a_mail_goes_to(raw: str, exact: str) -> None:
    assert str(address(raw)) == exact


@pytest.mark.parametrize(
    "raw",
    [
        "", "   ", "anna", "anna@", "@firm.example", "anna@firm", "anna@@firm.example", "an na@firm.example",
        ".anna@firm.example", "anna.@firm.example", "an..na@firm.example", "anna@firm..example", "anna@-firm.example",
        "anna@firm-.example", "anna@firm.example, bert@firm.example", "anna@[192.0.2.1]", '"an na"@firm.example',
        "anna@firm.example\r\nBcc: x@y.example", "anna\x00@firm.example", "a" * 65 + "@firm.example",
        "anna@" + "a" * 64 + ".example", "anna@" + ".".join(["abcdefgh"] * 32), "\ud800@firm.example",
        "é" * 33 + "@firm.example",
    ],
)  # fmt: skip
def test_broken_addresses_of_every_kind_are_faults_that_never_quote_them(raw: str) -> None:
    fault = parse_address(raw)
    assert isinstance(fault, AddressFault), fault
    assert "anna" not in fault.why


def test_lengths_are_counted_in_octets() -> None:
    assert isinstance(parse_address("é" * 32 + "@firm.example"), Address)
    assert isinstance(parse_address("é" * 33 + "@firm.example"), AddressFault)


@pytest.mark.parametrize(
    ("raw", "person", "provider"),
    [
        ("Anna.Keller@firm.example", "anna.keller@firm.example", "anna.keller@firm.example"),
        ("anna+news@firm.example", "anna@firm.example", "anna@firm.example"),
        ("anna-news@firm.example", "anna-news@firm.example", "anna-news@firm.example"),
        ("anna-news@yahoo.com", "anna@yahoo.com", "anna@yahoo.com"),
        ("an.na+x@googlemail.com", "an.na@googlemail.com", "anna@gmail.com"),
        ("a.b@firm.example", "a.b@firm.example", "a.b@firm.example"),
        ("tag@anna.fastmail.com", "tag@anna.fastmail.com", "anna@fastmail.com"),
        ("ａｎｎａ@firm.example", "anna@firm.example", "anna@firm.example"),
        ("STRASSE@firm.example", "strasse@firm.example", "strasse@firm.example"),
        ("straße@firm.example", "strasse@firm.example", "strasse@firm.example"),
        ("+tag@firm.example", "+tag@firm.example", "+tag@firm.example"),
    ],
)
def test_a_refusal_is_matched_on_the_person_and_the_provider_form(raw: str, person: str, provider: str) -> None:
    assert person_form(address(raw)) == person
    assert provider_form(address(raw)) == provider


@given(st.text(min_size=1, max_size=20), st.sampled_from(["firm.example", "gmail.com", "yahoo.com", "x.fastmail.com"]))
def test_canonicalisation_is_idempotent(local: str, domain: str) -> None:
    parsed = parse_address(f"{local}@{domain}")
    if not isinstance(parsed, Address):
        return
    assert parse_address(str(parsed)) == parsed
    for form in (person_form, provider_form):
        once = form(parsed)
        head, _, tail = once.rpartition("@")
        assert form(Address(head, tail)) == once


@pytest.mark.parametrize(
    ("raw", "forms"),
    [
        ("anna@firm.example", ("anna@firm.example",)),
        ("Anna+x@firm.example", ("anna@firm.example", "Anna+x@firm.example")),
        ("an.na+x@googlemail.com", ("an.na@googlemail.com", "an.na+x@googlemail.com", "anna@gmail.com")),
        ("a\uff20b@firm.example", ("a@b@firm.example", "a\uff20b@firm.example")),
    ],
)
def test_all_forms_of_an_address_stand_once_each_the_person_first(raw: str, forms: tuple[str, ...]) -> None:
    local, _, domain = raw.rpartition("@")
    assert address_forms(Address(local, domain)) == forms


def test_a_company_is_its_registrable_domain_and_every_domain_below() -> None:
    canonical = Canonical.load()
    assert canonical.domains("mail.eu.firm.co.uk") == ("mail.eu.firm.co.uk", "eu.firm.co.uk", "firm.co.uk")
    assert canonical.domains("firm.example") == ("firm.example",)
    assert canonical.domains("someone.github.io") == ("someone.github.io",)


def test_a_company_id_is_compared_without_its_punctuation() -> None:
    assert organisation_key("fr-123 456.789") == organisation_key("FR123456789")
    assert organisation_key(" nl_1234.56.789-B01\x7f") == "NL123456789B01"
    assert organisation_key("\uff26\uff32\u00a0123\u00b2") == "FR1232"
    assert organisation_key("§ -") == organisation_key("") == ""


@given(st.text())
def test_a_company_id_is_reduced_the_same_whatever_alphabet_it_is_written_in(text: str) -> None:
    kept = "".join(each for each in unicodedata.normalize("NFKC", text).upper() if each.isalnum())
    assert organisation_key(text) == kept
