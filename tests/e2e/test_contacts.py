"""`penstock contacts`: files as they really come, into the store and out again."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Contents = Callable[[Path], dict[str, bytes]]

GERMAN = ["E-Mail=address", "Vorname=given_name", "Nachname=family_name", "Firma=company.name",
          "Mitarbeiter=company.employees"]  # fmt: skip
MAPPED = tuple(word for pair in GERMAN for word in ("--map", pair))


def by_address(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["address"]: line for line in lines}


def test_a_german_file_with_mark_and_semicolons_comes_in_packed_too(
    penstock: Run, records: Records, house: Path
) -> None:
    text = (
        "E-Mail;Vorname;Nachname;Firma;Mitarbeiter;Notiz\r\n"
        "jörg.weiß@müller.example;Jörg;Weiß;Müller & Söhne GmbH;120;ruft zurück\r\n"
        'lena.groß@schäfer.example;Lena;Groß;"Schäfer; Partner";80;\r\n'
    )
    with gzip.open(house / "kontakte.csv.gz", "wb") as file:
        file.write(b"\xef\xbb\xbf" + text.encode())
    *quarantined, report = records("contacts", "import", "kontakte.csv.gz", *MAPPED, cwd=house)
    assert [(line["line"], line["quarantined"]) for line in quarantined] == [(2, True), (3, True)]
    assert (report["rows"], report["new"], report["known"], report["faults"]) == (2, 2, 0, [])
    assert report["dropped_columns"] == {"Notiz": 1}
    names = {line["company"]["name"]: line for line in records("contacts", "list", cwd=house)}
    assert names.keys() == {"Müller & Söhne GmbH", "Schäfer; Partner"}
    assert names["Schäfer; Partner"]["company"]["employees"] == 80
    again = penstock("contacts", "import", "kontakte.csv.gz", *MAPPED, cwd=house)
    assert again.stdout.splitlines()[0] == "0 new, 2 known, 0 not usable of 2 rows"


def test_each_bad_row_is_told_by_its_line_and_kept_and_the_good_ones_come_in(
    penstock: Run, records: Records, house: Path
) -> None:
    rows: list[tuple[bytes, bool]] = [
        (b"good.one@maskin.example,Anna,Berg,", True),
        ("latin.one@maskin.example,J\u00f6rg,Wei\u00df,".encode("latin-1"), False),
        ("good.two@maskin.example,Jörg,Weiß,".encode(), True),
        (b"nul@maskin.example,An\0na,Berg,", False),
        (b"huge@maskin.example," + b"x" * 10_000_000 + b",Berg,", False),
        (b"good.three@maskin.example,Bo,Berg,", True),
        (b'quote@maskin.example,"Bo" Berg",Berg,', False),
        (b'open@maskin.example,"Bo,Berg,', False),
        (b"good.four@maskin.example,Carl,Berg,", True),
        (b"few@maskin.example,Carl", False),
        (b"many@maskin.example,Carl,Berg,,,", False),
        (b"date@maskin.example,Carl,Berg,31.12.2026?", False),
        (b"not an address,Carl,Berg,", False),
        (b",Carl,Berg,", False),
        (b"good.five@maskin.example,Dora,Berg,2026-11-15", True),
    ]
    file = house / "mixed.csv"
    file.write_bytes(b"\r\n".join([b"address,given_name,family_name,verified_at", *(row for row, _ in rows)]) + b"\r\n")
    bad = [number for number, (_, good) in enumerate(rows, start=2) if not good]

    done = penstock("contacts", "import", "mixed.csv", "--strict", cwd=house)
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [f"mixed.csv:{number}" for number in bad]
    assert all(len(line) < 300 for line in done.stderr.splitlines())
    assert f"5 new, 0 known, {len(bad)} not usable of {len(rows)} rows" in done.stdout
    (rejects,) = (house / "rejects").iterdir()
    assert f"rejects/{rejects.name}" in done.stdout
    kept = [json.loads(line) for line in rejects.read_text("utf-8").splitlines()]
    assert [row["line"] for row in kept] == bad
    assert all(row["why"] for row in kept)
    assert rejects.stat().st_mode & 0o777 == 0o600
    listed = by_address(records("contacts", "list", cwd=house))
    assert sorted(listed) == sorted(f"good.{n}@maskin.example" for n in ("one", "two", "three", "four", "five"))
    assert listed["good.two@maskin.example"]["given_name"] == "Jörg"


def test_the_same_person_is_merged_and_nothing_that_protects_is_lost(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    consent = {
        "channel": "email",
        "controller": "Nordlicht Software AB",
        "given_at": "2026-10-01",
        "mechanism": "double_opt_in",
        "evidence": "sha256:1",
    }
    first = person("anna", consents=[consent], flags=["restricted"], title="Inköpare")
    newer = {
        "address": "Anna.Berg@anna-maskin.EXAMPLE",
        "title": "Inköpschef",
        "given_name": None,
        "source": {"method": "event", "collected_at": "2026-11-20"},
        "consents": [{**consent, "given_at": "2026-11-01", "evidence": "sha256:2"}],
    }
    contact_file(house / "first.jsonl", [first])
    contact_file(house / "newer.jsonl", [newer])
    for name in ("first.jsonl", "newer.jsonl", "newer.jsonl"):
        assert penstock("contacts", "import", name, cwd=house).returncode == 0
    (merged,) = records("contacts", "list", cwd=house)
    assert merged["title"] == "Inköpschef"
    assert merged["given_name"] == "Anna"
    assert merged["flags"] == ["restricted"]
    assert merged["source"]["collected_at"].startswith("2026-11-10")
    assert sorted(each["evidence"] for each in merged["consents"]) == ["sha256:1", "sha256:2"]
    (shown,) = records("contacts", "show", "ANNA.berg+tag@anna-maskin.example", cwd=house)
    assert shown == merged


def test_what_is_exported_comes_in_elsewhere_unchanged(
    penstock: Run, records: Records, sample: Path, demo: Path, tmp_path: Path
) -> None:
    house = shutil.copytree(sample, tmp_path / "elsewhere")
    out = tmp_path / "contacts.jsonl"
    assert penstock("contacts", "export", "--out", out, cwd=demo).returncode == 0
    assert out.stat().st_mode & 0o777 == 0o600
    *quarantined, report = records("contacts", "import", out, cwd=house)
    assert len(quarantined) == report["quarantined"]
    assert report["new"] == report["rows"] == len(out.read_text(encoding="utf-8").splitlines()) > 200
    assert report["dropped_columns"] == {}
    back = penstock("contacts", "export", cwd=house).stdout.splitlines()
    assert sorted(back) == sorted(out.read_text(encoding="utf-8").splitlines())


def test_a_supplier_named_for_a_file_is_the_source_of_its_rows(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "bought.jsonl", [person("anna")])
    assert penstock("contacts", "import", "bought.jsonl", "--supplier", "Contact Atlas", cwd=house).returncode == 0
    (line,) = records("contacts", "list", cwd=house)
    assert line["source"]["supplier"] == "Contact Atlas"


def test_what_law_asks_of_a_record_is_told_row_by_row_before_any_campaign(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    rows = [
        person("anna", Religion="x"),
        person("bo", country=None, company={"revenue": 1_000_000}),
        person("carl", title="Betriebsrat", flags=["special_category"]),
    ]
    contact_file(house / "people.jsonl", rows)
    asking = ("--campaign", "campaigns/purchasing.toml")
    *quarantined, report = records("contacts", "import", "people.jsonl", *asking, cwd=house)
    listed = by_address(records("contacts", "list", cwd=house))
    assert [(line["line"], line["contact_id"]) for line in quarantined] == [
        (2, listed["bo.berg@bo-maskin.example"]["contact_id"]),
        (3, listed["carl.berg@carl-maskin.example"]["contact_id"]),
    ]
    assert [reason["code"] for line in quarantined for reason in line["reasons"]] == [
        "COUNTRY_UNKNOWN",
        "SPECIAL_CATEGORY",
    ]
    assert (report["new"], report["quarantined"], report["dropped_columns"]) == (3, 2, {"Religion": 1})
    assert report["special_category"]["columns"] == {"Religion": "religion"}
    assert report["special_category"]["hints"] == [{"line": 3, "field": "title", "category": "union"}]
    unused = {"company.revenue": 1, "company.region": 3}
    assert report["unused_fields"] == {"campaigns": ["purchasing-2026"], "fields": unused}
    done = penstock("contacts", "import", "people.jsonl", *asking, "--strict", cwd=house)
    assert done.returncode == 1
    for text in ("2 rows are kept in quarantine", "COUNTRY_UNKNOWN", "line 3: title, union", "company.revenue (1 rows"):
        assert text in done.stdout


WRONG: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("Mail,Name\na@maskin.example,Anna\n", (), ("file0.csv:1", '--map "Mail=address"')),
    ("address,Name\n", ("--map", "Vorname=given_name"), ("--map", "vorname", "Name")),
    ("address,Name\n", ("--map", "Name=givenname"), ("--map", "given_name")),
    ("address,E-Mail\n", ("--map", "E-Mail=address"), ("file3.csv:1", "address")),
    ("", (), ("file4.csv", "empty")),
    ("anna@maskin.example,Anna\n", (), ("file5.csv:1", "header")),
]


@pytest.fixture(scope="module")
def refused(
    sample: Path, refusal: Refusal, at_once: AtOnce, tmp_path_factory: pytest.TempPathFactory
) -> list[Future[str]]:
    """What the import says to each wrong file."""
    house = shutil.copytree(sample, tmp_path_factory.mktemp("wrong") / "house")
    jobs = []
    for number, (content, more, _) in enumerate(WRONG):
        (house / f"file{number}.csv").write_text(content)
        jobs.append(partial(refusal, "contacts", "import", f"file{number}.csv", *more, cwd=house))
    return at_once(jobs)


@pytest.mark.parametrize("number", range(6))
def test_a_file_that_cannot_be_understood_is_one_clear_line(refused: list[Future[str]], number: int) -> None:
    assert len(refused) == 6
    line = refused[number].result()
    assert all(word.lower() in line.lower() for word in WRONG[number][2]), line


def test_a_damaged_archive_and_an_unknown_contact_are_one_clear_line(refusal: Refusal, house: Path) -> None:
    packed = gzip.compress(b"address\n" + b"a@maskin.example\n" * 1000)
    (house / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert "cut.csv.gz" in refusal("contacts", "import", "cut.csv.gz", cwd=house)
    assert "list" in refusal("contacts", "show", "nobody@nowhere.example", cwd=house)
    assert "address" in refusal("contacts", "show", "nobody", cwd=house)
