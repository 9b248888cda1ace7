"""What the table of law asks of the mail itself."""

from __future__ import annotations

from datetime import date

import pytest

from penstock.law.jurisdictions import Table
from penstock.law.mail_duties import EEA, MailDuties, mail_duties

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.load()


def flags(duties: MailDuties) -> set[str]:
    names = ("unsolicited", "commercial", "plain_subject", "acknowledge", "postal_address")
    return {name for name in names if getattr(duties, name)}


@pytest.mark.parametrize(
    ("countries", "asked"),
    [
        (("FR",), set()),
        (("CZ",), {"commercial"}),
        (("BG",), {"unsolicited"}),
        (("AT",), {"plain_subject"}),
        (("BE",), {"acknowledge"}),
        (("SK",), {"acknowledge"}),
        (("US",), {"postal_address"}),
        (("CA",), {"postal_address"}),
        (("JP",), {"commercial", "postal_address"}),
        ((None,), {"commercial", "postal_address"}),
        (("FR", "CZ", "BE"), {"commercial", "acknowledge"}),
        ((), set()),
    ],
)
def test_the_duties_of_all_countries_add_up(table: Table, countries: tuple[str | None, ...], asked: set[str]) -> None:
    duties = mail_duties(table, countries, DAY)
    assert flags(duties) == asked
    if asked and countries != ("JP",) and None not in countries:
        assert duties.statutes
    assert "" not in duties.statutes


def test_a_statute_is_named_once_and_only_where_it_asks_for_something(table: Table) -> None:
    assert mail_duties(table, ("CZ", "FR", "CZ"), DAY).statutes == (table.of("CZ", DAY).statute,)


def test_the_eea_has_thirty_members_of_the_table(table: Table) -> None:
    assert len(EEA) == 30
    assert set(table.countries) > EEA
    assert not {"GB", "CH"} & EEA
