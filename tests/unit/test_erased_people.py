"""A file that names somebody who was erased: nothing of the person comes back, and whoever reads the report is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.erased_people import erasures_against, without_erased
from penstock.gate import Gate
from penstock.importing.contact_import import CHUNK, import_contacts
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.ports import RowFault
from penstock.suppression_list import SuppressionList

Row = dict[str, Any]
Person = Callable[..., Row]
Open = Callable[..., AbstractAsyncContextManager[Gate]]
Line = dict[str, Any]


def written(house: Path, rows: Sequence[Row | str]) -> Path:
    file = house / "people.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


async def erase(gate: Gate, address: str, scope: str = "all") -> None:
    parsed, now = parse_address(address), gate.house.clock.now()
    assert isinstance(parsed, Address)
    keys = gate.house.identifier.entry_keys(parsed)
    mark = Suppression(SuppressionKind.PERSON, keys, scope, SuppressionReason.ERASURE, now)
    await gate.house.store.suppressions.add([mark])


async def kept(gate: Gate) -> list[str]:
    return sorted(stored.contact.address for stored in await gate.house.store.contacts.page("", 100))


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_an_import_refuses_a_person_who_was_erased_in_whatever_form(
    house: Path, opened: Open, person: Person
) -> None:
    erased = person("carl")["address"]
    forms = [erased, erased.upper(), erased.replace("@", "+new@"), f"Carl <{erased}>"]
    rows = [person("anna"), *(person("carl", address=form) for form in forms), person("bo")]
    file = written(house, rows)
    async with opened() as gate:
        await erase(gate, erased)
        report = await import_contacts(gate, file, {})
        assert (report.rows, report.new, report.unusable, report.erased) == (6, 2, 4, 4)
        assert await kept(gate) == [person("anna")["address"], person("bo")["address"]]
        record = report.record()
        assert record["erased"] == 4
        assert [(each["line"], each["code"]) for each in record["faults"]] == [
            (line, "ERASED_TOMBSTONE") for line in (2, 3, 4, 5)
        ]
        (row,) = [row for row in await gate.house.store.ledger.rows(0, 10) if row.kind == "imported"]
        assert row.body["erased"] == 4
    file.unlink()
    assert report.reject_file is not None
    lines = [json.loads(line) for line in report.reject_file.read_text().splitlines()]
    assert [(line["line"], line["code"]) for line in lines] == [(line, "ERASED_TOMBSTONE") for line in (2, 3, 4, 5)]
    assert not any(line["address"] or line["raw"] for line in lines)
    assert b"carl" not in everything_in(report.reject_file.parent).lower()


async def test_a_row_that_has_another_fault_leaves_no_trace_of_an_erased_person_either(
    house: Path, opened: Open, person: Person
) -> None:
    anna, carl = person("anna", born="yesterday"), person("carl", born="yesterday")
    rows: list[Row | str] = [person("carl"), anna, carl, "{", person("bo")]
    async with opened() as gate:
        await erase(gate, carl["address"])
        report = await import_contacts(gate, written(house, rows), {})
        assert (report.unusable, report.erased, report.new) == (4, 2, 1)
    assert report.reject_file is not None
    whole, faulty, both, broken = [json.loads(line) for line in report.reject_file.read_text().splitlines()]
    assert (faulty["line"], faulty["address"]) == (2, anna["address"])
    for row, line in ((whole, 1), (both, 3)):
        assert (row["line"], row["code"], row["address"], row["raw"]) == (line, "ERASED_TOMBSTONE", None, "")
    assert (broken["line"], broken["raw"]) == (4, "{")


async def test_who_only_objected_is_imported_as_before(house: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await SuppressionList(gate.house).add(person("anna")["address"], SuppressionReason.OBJECTION)
        await SuppressionList(gate.house).add("bo-maskin.example", SuppressionReason.OTHER)
        report = await import_contacts(gate, written(house, [person("anna"), person("bo")]), {})
        assert (report.new, report.erased, report.reject_file) == (2, 0, None)


async def test_an_erasure_that_one_controller_owes_holds_for_the_record_that_all_share(
    house: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await erase(gate, person("anna")["address"], "controller:somebody-else")
        assert (await import_contacts(gate, written(house, [person("anna")]), {})).erased == 1


async def test_the_rows_about_an_erased_one_are_looked_at_in_more_chunks_than_one(house: Path, opened: Open) -> None:
    rows = [{"address": f"p{n}@maskin.example"} for n in range(CHUNK + 10)]
    async with opened() as gate:
        for n in (0, CHUNK - 1, CHUNK, CHUNK + 9):
            await erase(gate, f"p{n}@maskin.example")
        report = await import_contacts(gate, written(house, rows), {})
        assert [fault.line for fault in report.faults] == [1, CHUNK, CHUNK + 1, CHUNK + 10]
        assert await gate.house.store.contacts.count() == report.new == CHUNK + 6


async def test_send_decides_about_an_erased_person_as_check_does_and_keeps_nothing(
    house: Path, campaign: Path, opened: Open, person: Person
) -> None:
    rows = [person("anna"), person("carl"), person("bo")]
    lines: list[Line] = []
    async with opened() as gate:
        await erase(gate, person("carl")["address"])
        (_, before, _) = await gate.check(campaign, rows)
        report = await gate.send(campaign, rows, wait=0, emit=lines.append)
        assert (report.rows, report.verdicts) == (3, {"send": 2, "block": 1})
        assert await kept(gate) == [person("anna")["address"], person("bo")["address"]]
        (said,) = [line for line in lines if line["verdict"] == "block"]
        assert (said["code"], said["contact_id"], said["outcome"]) == ("ERASED_TOMBSTONE", None, None)
        assert said["codes"] == list(before.codes)
        (row,) = await gate.house.store.ledger.show(said["mail_id"])
        assert (row.kind, row.code) == ("decision", "ERASED_TOMBSTONE")
        assert await gate.house.store.mails.load([said["mail_id"]]) == [None]
    assert len([*(house / "outbox").rglob("*.eml")]) == 2
    assert b"carl-maskin" not in everything_in(house).lower()


async def test_the_next_run_says_the_same_and_a_row_that_comes_twice_is_told_once(
    campaign: Path, opened: Open, person: Person
) -> None:
    rows = [person("carl"), person("carl")]
    async with opened() as gate:
        await erase(gate, person("carl")["address"])
        for _ in range(2):
            lines: list[Line] = []
            await gate.send(campaign, rows, wait=0, emit=lines.append)
            assert [line["code"] for line in lines] == ["DUPLICATE", "ERASED_TOMBSTONE"]
        assert await kept(gate) == []


async def test_an_erasure_owed_by_another_controller_does_not_stop_this_ones_mail(
    campaign: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await erase(gate, person("anna")["address"], "controller:somebody-else")
        report = await gate.send(campaign, [person("anna")], wait=0)
        assert report.outcomes == {"accepted": 1}


async def test_rejects_of_a_run_keep_no_address_of_an_erased_person(
    campaign: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await erase(gate, person("carl")["address"])
        report = await gate.send(campaign, [person("carl", born="yesterday")], wait=0)
    assert report.reject_file is not None
    assert "carl" not in report.reject_file.read_text().lower()


@pytest.mark.parametrize(
    ("scope", "stream", "stands"),
    [
        ("all", Stream.PROSPECTING, True),
        ("all", Stream.TRANSACTIONAL, True),
        ("all", Stream.NOTICE, False),
        ("channel:email", Stream.CUSTOMER, True),
        ("channel:phone", Stream.CUSTOMER, False),
        ("controller:nordlicht", Stream.NEWSLETTER, True),
        ("controller:Nordlicht Software AB", Stream.NEWSLETTER, True),
        ("controller:sodlicht", Stream.NEWSLETTER, False),
    ],
)
async def test_an_erasure_stands_against_the_mails_it_binds(
    campaign: Path, opened: Open, scope: str, stream: Stream, stands: bool
) -> None:
    async with opened() as gate:
        read = replace(gate.campaign(campaign), stream=stream)
        assert erasures_against(gate.house, read)(scope) is stands


async def test_faults_without_a_readable_address_stay_as_they_are(opened: Open) -> None:
    faults = [RowFault(1, "not JSON", raw="{"), RowFault(2, "address: has no @", address="anna", raw="x")]
    async with opened() as gate:
        assert await without_erased(gate.house, faults) == faults
        assert await without_erased(gate.house, []) == []
