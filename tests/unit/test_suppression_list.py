"""The suppression list as people handle it, on a real house in memory."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.config.settings import load_settings
from penstock.errors import InvalidInput
from penstock.model.suppression import SuppressionReason
from penstock.suppression_list import COLUMNS, SuppressionList
from penstock.testing import FakeClock
from penstock.wiring import House, open_house

CONFIG = {
    "store": {"url": "sqlite:///penstock.db"},
    "controllers": {
        "nordlicht": {"legal_name": "Nordlicht Software AB", "address": "Storgatan 1, Stockholm", "country": "SE"}
    },
}
OBJECTION = SuppressionReason.OBJECTION


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.chdir(tmp_path)
    house = await open_house(load_settings(CONFIG, {}), FakeClock())
    yield house
    await house.aclose()


@pytest.mark.parametrize(
    ("added", "asked"),
    [
        ("anna.keller@firm.example", "Anna.Keller+news@FIRM.example"),
        ("Anna <ANNA@firm.example>", "anna@firm.example"),
        ("an.na+x@googlemail.com", "anna@gmail.com"),
        ("anna@müller.example", "anna@xn--mller-kva.example"),
        ("ａｎｎａ@firm.example", "anna@firm.example"),
        ("firm.example", "anyone@mail.firm.example"),
        ("@firm.example", "anyone@firm.example"),
        ("firm.example", "mail.firm.example"),
        ("FR 123-456", "fr123456"),
    ],
)
async def test_a_refusal_hits_on_every_form(house: House, added: str, asked: str) -> None:
    entries = SuppressionList(house)
    await entries.add(added, OBJECTION)
    assert [hit.reason for hit in await entries.check(asked)] == [OBJECTION]


@pytest.mark.parametrize(
    ("added", "asked"),
    [
        ("a.b@firm.example", "ab@firm.example"),
        ("mail.firm.example", "anna@firm.example"),
        ("firm.example", "anna@other-firm.example"),
        ("anna@firm.example", "bert@firm.example"),
    ],
)
async def test_a_refusal_hits_nobody_else(house: House, added: str, asked: str) -> None:
    entries = SuppressionList(house)
    await entries.add(added, OBJECTION)
    assert await entries.check(asked) == ()


@pytest.mark.parametrize(
    "subject",
    [
        "gmail.com",
        "Anna Berg",
        "anna.berg firm.example",
        "GMX.de",
        "t-online.de",
        "x@",
        "",
        "  ",
        "sha256:abc",
        "hmac-sha256:no:00",
    ],
)
async def test_what_cannot_be_meant_is_refused(house: House, subject: str) -> None:
    with pytest.raises(InvalidInput):
        await SuppressionList(house).add(subject, OBJECTION)


async def test_a_scope_names_a_known_controller(house: House) -> None:
    entries = SuppressionList(house)
    await entries.add("anna@firm.example", OBJECTION, scope="controller:Nordlicht Software AB")
    (hit,) = await entries.check("anna@firm.example")
    assert hit.scope == "controller:nordlicht"
    with pytest.raises(InvalidInput, match="nordlicht"):
        await entries.add("anna@firm.example", OBJECTION, scope="controller:nobody")
    with pytest.raises(InvalidInput):
        await entries.add("anna@firm.example", OBJECTION, scope="everything")


async def test_removing_takes_exactly_the_entries_of_the_subject_and_tells_the_ledger(house: House) -> None:
    entries = SuppressionList(house)
    await entries.add("anna@firm.example", OBJECTION)
    await entries.add("firm.example", OBJECTION)
    assert await entries.remove("anna@firm.example", "asked to be mailed again by phone") == 1
    assert [hit.kind for hit in await entries.check("anna@firm.example")] == ["domain"]
    rows = await house.store.ledger.rows(0, 10)
    assert [row.kind for row in rows] == ["suppressed", "suppressed", "unsuppressed"]
    assert "phone" not in str(rows)
    (remark,) = await house.store.mails.remarks(rows[0].body["entry"])
    assert remark.why == "asked to be mailed again by phone"


SUBJECTS = ["anna@firm.example", "an.na@gmail.com", "blocked.example", "FR-123456789"]


@pytest.mark.parametrize("hashed", [False, True])
async def test_export_and_import_keep_every_hit(house: House, tmp_path: Path, hashed: bool) -> None:
    entries = SuppressionList(house)
    for subject in SUBJECTS:
        await entries.add(subject, OBJECTION)
    rows = [row async for row in entries.export(hashed=hashed)]
    assert ("anna@firm.example" in str(rows)) is not hashed
    file = tmp_path / "list.csv"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    for subject in SUBJECTS:
        await entries.remove(subject, "test")
    assert await entries.check(SUBJECTS[0]) == ()
    imported = await entries.import_file(file)
    assert imported.faults == ()
    for subject in SUBJECTS:
        assert await entries.check(subject)


async def test_good_rows_apply_and_bad_ones_are_named(house: House, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "address;reason;scope;at\n"
        "anna@firm.example;objection;all;2026-01-02\n"
        "broken@;objection;all;\n"
        "bert@firm.example;because;all;\n"
        "carl@firm.example;unsubscribe;controller:nobody;\n"
        ";objection;all;\n"
    )
    imported = await SuppressionList(house).import_file(file)
    assert (imported.rows, imported.added) == (5, 1)
    assert [fault.line for fault in imported.faults] == [3, 4, 5, 6]
    assert not {"anna", "bert", "broken", "carl"} & set(" ".join(f.why for f in imported.faults).split())


async def test_unusable_rows_hold_mail_until_somebody_settles_them(house: House, tmp_path: Path) -> None:
    entries, file, other = SuppressionList(house), tmp_path / "list.csv", tmp_path / "other" / "list.csv"
    file.write_text("address,scope\nbroken@,controller:nordlicht\nalso@,nonsense\n")
    await entries.import_file(file)
    assert await house.store.suppressions.unresolved() == ["all", "controller:nordlicht"]
    other.parent.mkdir()
    for clean in (other, file):
        clean.write_text("address,scope\nmended@firm.example,controller:nordlicht\n")
        assert (await entries.import_file(clean)).faults == ()
        assert await house.store.suppressions.unresolved() == ["all", "controller:nordlicht"]
    with pytest.raises(InvalidInput, match="waiting"):
        await entries.resolve(other)
    assert await entries.resolve(file) == 1
    assert await entries.resolve(None) == 0


async def test_an_import_that_breaks_off_holds_all_until_it_was_read_to_its_end(house: House, tmp_path: Path) -> None:
    entries, file = SuppressionList(house), tmp_path / "list.csv.gz"
    whole = gzip.compress(b"address\n" + b"".join(b"p%d@firm.example\n" % n for n in range(5000)))
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="gzip"):
        await entries.import_file(file)
    assert await house.store.suppressions.unresolved() == ["all"]
    file.write_bytes(whole)
    await entries.import_file(file)
    assert await house.store.suppressions.unresolved() == []


async def test_each_column_is_read_as_what_it_says(house: House, tmp_path: Path) -> None:
    entries, file = SuppressionList(house), tmp_path / "list.csv"
    file.write_text(
        "address,domain,company_id\n"
        "anna@firm.example,,GB-99990185\n"
        ",,NL1234.56.789.B01\n"
        "anna-muster-werk.example,,\n"
        ",gov.uk,\n"
    )
    imported = await entries.import_file(file)
    assert [fault.line for fault in imported.faults] == [4, 5]
    for subject in ("anna@firm.example", "GB-99990185", "NL1234.56.789.B01"):
        assert await entries.check(subject)


@pytest.mark.parametrize("scope", ["channel:e-mail", "channel:", "channel:emial"])
async def test_a_channel_that_protects_nobody_is_refused(house: House, scope: str) -> None:
    with pytest.raises(InvalidInput):
        await SuppressionList(house).add("anna@firm.example", OBJECTION, scope=scope)


async def test_the_mark_of_an_erased_person_is_not_removed_like_an_entry(house: House) -> None:
    entries = SuppressionList(house)
    await entries.add("anna@firm.example", SuppressionReason.ERASURE)
    assert await entries.remove("anna@firm.example", "why") == 0
    assert await entries.check("anna@firm.example")


async def test_a_foreign_hash_protects_at_once_and_survives_export(house: House, tmp_path: Path) -> None:
    entries, file = SuppressionList(house), tmp_path / "list.csv"
    digest = hashlib.sha256(b"anna@firm.example").hexdigest()
    await entries.add(f"sha256:{digest}", OBJECTION)
    assert await entries.check("Anna+x@firm.example")
    (row,) = [row async for row in entries.export(hashed=True)]
    assert row["hash"] == f"sha256:{digest}"
    assert file.parent.exists()


async def test_foreign_hashes_hit_once_the_store_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    digest = hashlib.sha256(b"anna@firm.example").hexdigest()
    for step in ("add", "check"):
        house = await open_house(load_settings(CONFIG, {}), FakeClock())
        entries = SuppressionList(house)
        if step == "add":
            await entries.add(f"sha256:{digest}", OBJECTION)
        else:
            assert await entries.check("Anna+x@firm.example")
        await house.aclose()
