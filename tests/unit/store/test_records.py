"""Contacts and campaigns survive being written and read."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Campaign, Caps, Enclosure, MessageSpec, TemplateFile
from penstock.model.contact import (
    Company,
    Consent,
    Contact,
    Flag,
    Published,
    Relationship,
    Source,
    SourceMethod,
)
from penstock.store.records import CampaignRecord, ContactRecord, contact_octets

RECORDS = ContactRecord()

texts = (
    st.none()
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(['","a":null', '{"a":null}', '"flags":[]', ',"x":{}', "\\", "null"])
)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
PLAIN = {"str | None": texts, "Moment | None": moments, "bool | None": st.none() | st.booleans()}


def built(kind: type[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value in the fields of the plain types, and what is given for the others."""
    return st.builds(kind, **{f.name: PLAIN[str(f.type)] for f in fields(kind) if str(f.type) in PLAIN}, **more)


contacts = built(
    Contact,
    address=st.just("a@muster.example"),
    flags=st.lists(st.sampled_from(Flag), max_size=2).map(tuple),
    born=st.none() | st.dates(),
    company=built(Company, domains=st.lists(st.sampled_from(["a.example", "null"]), max_size=2).map(tuple)),
    source=built(Source, method=st.none() | st.sampled_from(SourceMethod)),
    consents=st.lists(built(Consent), max_size=2).map(tuple),
    relationship=built(Relationship),
    published=built(Published),
)


@given(contacts)
def test_a_contact_comes_back_as_it_went_and_says_nothing_unknown(contact: Contact) -> None:
    octets = contact_octets(contact)
    assert RECORDS.read(octets) == contact
    said = orjson.loads(octets)
    parts = (said, said.get("company", {}), said.get("published", {}), *said.get("consents", ()))
    assert not any(value is None or value in ([], {}) for part in parts for value in part.values())


@given(st.lists(st.none() | contacts, max_size=4))
def test_many_contacts_come_back_at_once(many: list[Contact | None]) -> None:
    array = b",".join(b"null" if each is None else contact_octets(each) for each in many)
    assert RECORDS.read_all(f"[{array.decode()}]") == many
    assert RECORDS.read_all(None) == []


def test_what_is_unknown_takes_no_room() -> None:
    assert contact_octets(Contact("a@muster.example")) == b'{"address":"a@muster.example"}'


def test_a_campaign_comes_back_with_its_templates() -> None:
    text = TemplateFile("text", "", "a.txt.j2", "Hello")
    french = TemplateFile("text", "fr", "a.fr.txt.j2", "Bonjour")
    spec = MessageSpec("Eva <eva@nordlicht.example>", "Offer", text="a.txt.j2", templates=(text, french))
    start = datetime(2026, 11, 20, tzinfo=UTC)
    campaign = Campaign(
        "autumn", "nordlicht", "offer", spec, starts_at=start, caps=Caps(("1/7d",)), translations={"fr": {"a": "b"}}
    )
    records = CampaignRecord()
    octets, sources = records.write(campaign)
    assert b"Bonjour" not in octets
    assert sorted(sources.values()) == ["Bonjour", "Hello"]
    used, files = records.used(octets)
    assert (sorted(used), files) == (sorted(sources), [])
    assert records.read(octets, sources, {}) == campaign


def test_a_campaign_comes_back_with_its_files_which_its_record_only_names() -> None:
    files = (
        Enclosure("logo", "logo.png", "image/png", "d1", b"\x89PNG\0\xff"),
        Enclosure("", "a.pdf", "application/pdf", "d2", b"%PDF"),
    )
    spec = MessageSpec("Eva <eva@nordlicht.example>", "Offer", calendar="visit.ics.j2", enclosures=files)
    campaign = Campaign("autumn", "nordlicht", "offer", spec)
    records = CampaignRecord()
    octets, sources = records.write(campaign)
    assert b"PDF" not in octets
    assert records.used(octets) == ([], ["d1", "d2"])
    assert records.read(octets, sources, {file.digest: file.data for file in files}) == campaign


def test_a_record_from_before_there_were_files_can_be_read() -> None:
    campaign = Campaign("autumn", "nordlicht", "offer", MessageSpec("Eva <eva@nordlicht.example>", "Offer"))
    records = CampaignRecord()
    octets, sources = records.write(campaign)
    old = orjson.loads(octets)
    for key in ("calendar", "enclosures"):
        del old["message"][key]
    assert records.used(orjson.dumps(old)) == ([], [])
    assert records.read(orjson.dumps(old), sources, {}) == campaign
