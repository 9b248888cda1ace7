"""A file of contacts into the store of a whole house: what comes in, what is told about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import InvalidInput
from penstock.gate import Gate
from penstock.importing.contact_import import CHUNK, import_contacts
from penstock.importing.import_report import MOST_TOLD, Quarantined
from penstock.model.address import Address

Row = dict[str, Any]
Person = Callable[..., Row]
Open = Callable[..., AbstractAsyncContextManager[Gate]]
READY = {"method": "own_site", "reference": "https://maskin.example/team", "collected_at": "2026-11-10"}


def written(house: Path, rows: list[Row | str]) -> Path:
    file = house / "people.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


async def test_rows_that_lack_what_law_asks_are_kept_and_told_by_line_and_contact(
    house: Path, opened: Open, person: Person
) -> None:
    rows = [
        person("anna"),
        person("bo", source=READY | {"reference": None}, country=None),
        person("carl", source=READY | {"supplier": "Nobody Ltd"}),
        person("dora", flags=["special_category"]),
    ]
    told: list[Quarantined] = []
    async with opened() as gate:
        report = await import_contacts(gate, written(house, list(rows)), {}, tell=told.append)
        assert (report.rows, report.new, report.known, report.unusable) == (4, 4, 0, 0)
        assert (report.quarantined, report.flagged) == (3, 1)
        assert [row.line for row in told] == [2, 3, 4]
        assert [[str(reason.code) for reason in row.reasons] for row in told] == [
            ["SOURCE_MISSING", "COUNTRY_UNKNOWN"],
            ["SOURCE_FORBIDDEN"],
            ["SPECIAL_CATEGORY"],
        ]
        kept = await gate.house.store.contacts.load([row.contact_id for row in told])
        assert [each.contact.given_name for each in kept if each] == ["Bo", "Carl", "Dora"]
        assert sum(report.quarantine_reasons.values()) == 4
        (row,) = await gate.house.store.ledger.rows(0, 10)
        counts = {"rows": 4, "new": 4, "known": 0, "unusable": 0, "quarantined": 3}
        assert row.kind == "imported"
        assert {name: row.body[name] for name in counts} == counts


async def test_a_contact_that_is_complete_by_now_is_not_quarantined(house: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await import_contacts(gate, written(house, [person("anna")]), {})
        again = {"address": person("anna")["address"], "title": "Inköpschef"}
        assert (await import_contacts(gate, written(house, [again]), {})).quarantined == 0


async def test_an_import_never_lifts_a_restriction(house: Path, opened: Open, person: Person) -> None:
    told: list[Quarantined] = []
    async with opened() as gate:
        await import_contacts(gate, written(house, [person("anna", flags=["restricted"])]), {})
        report = await import_contacts(gate, written(house, [person("anna", flags=[])]), {}, tell=told.append)
        assert (report.known, report.quarantined) == (1, 1)
        assert [str(reason.code) for reason in told[0].reasons] == ["RESTRICTED"]


async def test_hints_at_special_categories_are_told_and_flag_nobody(house: Path, opened: Open, person: Person) -> None:
    rows = [
        person("anna", title="Betriebsrat", Religion="x"),
        person("bo"),
        person("carl", company={"activity": "church supplies"}),
    ]
    async with opened() as gate:
        report = await import_contacts(gate, written(house, list(rows)), {})
        assert [(hint.line, hint.field, hint.category) for hint in report.hints] == [
            (1, "title", "union"),
            (3, "company.activity", "religion"),
        ]
        assert {column: hint.category for column, hint in report.column_hints.items()} == {"Religion": "religion"}
        assert (report.flagged, report.quarantined) == (0, 0)


async def test_fields_that_no_campaign_known_here_uses_are_counted(
    house: Path, opened: Open, campaign: Path, person: Person
) -> None:
    file = written(house, [person("anna", company={"revenue": 1e6, "activity": "pumps"}), person("bo")])
    async with opened() as gate:
        assert (await import_contacts(gate, file, {})).record()["unused_fields"] is None
        read = gate.campaign(campaign)
        report = await import_contacts(gate, file, {}, campaigns=[read])
        assert report.use is not None
        assert report.use.rows == {"company.revenue": 1, "company.activity": 1}
        await gate.house.store.campaigns.save(read)
        assert (await import_contacts(gate, file, {})).record()["unused_fields"]["campaigns"] == [read.id]


async def test_the_report_stays_small_however_many_rows_are_bad(house: Path, opened: Open) -> None:
    number = MOST_TOLD + CHUNK + 7
    async with opened() as gate:
        report = await import_contacts(gate, written(house, ["{"] * number), {})
        assert (report.rows, report.unusable, len(report.faults)) == (number, number, MOST_TOLD)
        assert not any(fault.raw for fault in report.faults)
        assert report.reject_file is not None
        assert len(report.reject_file.read_text().splitlines()) == number


async def test_more_rows_than_a_chunk_come_in_once_each(house: Path, opened: Open) -> None:
    rows: list[Row | str] = [{"address": f"p{n}@maskin.example"} for n in range(2 * CHUNK + 3)]
    async with opened() as gate:
        report = await import_contacts(gate, written(house, rows), {})
        assert report.new == await gate.house.store.contacts.count() == len(rows)


async def test_a_file_that_breaks_off_keeps_what_was_read_before(house: Path, opened: Open) -> None:
    import gzip

    packed = gzip.compress(b"".join(b'{"address": "p%d@maskin.example"}\n' % n for n in range(50_000)))
    file = house / "cut.jsonl.gz"
    file.write_bytes(packed[: len(packed) * 3 // 4])
    async with opened() as gate:
        with pytest.raises(InvalidInput, match="damaged"):
            await import_contacts(gate, file, {})
        assert await gate.house.store.contacts.count() % CHUNK == 0


async def test_an_interrupted_import_stops_between_two_chunks(house: Path, opened: Open) -> None:
    rows: list[Row | str] = [{"address": f"p{n}@maskin.example"} for n in range(5 * CHUNK)]
    async with opened() as gate:
        gate.stop.set()
        with pytest.raises(KeyboardInterrupt):
            await import_contacts(gate, written(house, rows), {})
        assert await gate.house.store.contacts.count() == CHUNK
        (known,) = await gate.house.store.contacts.find(
            [gate.house.identifier.of_address(Address("p0", "maskin.example"))]
        )
        assert known is not None
