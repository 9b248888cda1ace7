"""`penstock suppress`: whoever said no is never mailed again, in whatever spelling they come back."""

from __future__ import annotations

import csv
import json
import shlex
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
Outbox = Callable[[Path], dict[str, bytes]]

CAMPAIGN = "campaigns/short.toml"
# Whom somebody spoke for, how, and in which spellings the same person, domain or company comes back.
ENTRIES = {
    "Anna.Berg+news@Maskin.EXAMPLE": ["anna.berg@maskin.example", "ANNA.BERG+other@maskin.example"],
    "b.o.lund@gmail.com": ["bolund@gmail.com", "Bo.Lund+x@googlemail.com"],
    "lyft.example": ["anybody@lyft.example", "x@mail.lyft.example", "y@a.b.LYFT.example"],
    "FR-123456789": ["FR-123456789", "fr 123 456 789"],
}
SPELLED = [spelled for spellings in ENTRIES.values() for spelled in spellings]
FREE = ["anna.bergman@maskin.example", "b.lund@gmail.com", "x@notlyft.example", "x@lyft.example.test", "FR-123456780"]
OBJECTED = {"SUPPRESSED_PERSON", "SUPPRESSED_COMPANY"}


def found(records: Records, house: Path, person: Person, contact_file: ContactFile) -> list[str]:
    """Which of all those spellings, brought in by a contact file, the list stops."""
    people = []
    for number, spelled in enumerate([*SPELLED, *FREE]):
        record = person(f"n{number}")
        by_id = record | {"company": record["company"] | {"id": spelled}}
        people.append(record | {"address": spelled} if "@" in spelled else by_id)
    contact_file(house / "back.jsonl", people)
    lines = records("check", CAMPAIGN, "--contacts", "back.jsonl", cwd=house)
    stopped = [bool(OBJECTED & set(line["codes"])) for line in lines]
    return [spelled for spelled, hit in zip([*SPELLED, *FREE], stopped, strict=True) if hit]


def is_suppressed(records: Records, house: Path, subject: str) -> bool:
    (answer,) = records("suppress", "check", subject, cwd=house)
    assert answer["suppressed"] == bool(answer["entries"])
    return bool(answer["suppressed"])


@pytest.fixture(scope="module")
def listed(sample: Path, penstock: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with the entries above."""
    house = shutil.copytree(sample, tmp_path_factory.mktemp("listed") / "house")
    for subject in ENTRIES:
        done = penstock("suppress", "add", subject, "--reason", "objection", cwd=house)
        assert done.returncode == 0, done.stderr
    return house


def test_an_entry_holds_for_every_spelling_and_for_nobody_else(
    listed: Path, records: Records, person: Person, contact_file: ContactFile
) -> None:
    assert found(records, listed, person, contact_file) == SPELLED


def test_check_answers_for_a_person_a_domain_and_a_company(listed: Path, records: Records, at_once: AtOnce) -> None:
    asked = ["ANNA.BERG+other@maskin.example", "LYFT.example", "fr123456789", FREE[0]]
    answers = at_once(partial(is_suppressed, records, listed, each) for each in asked)
    assert [each.result() for each in answers] == [True, True, True, False]


def test_a_sub_domain_of_a_listed_domain_is_answered_as_suppressed(listed: Path, records: Records) -> None:
    assert is_suppressed(records, listed, "mail.lyft.example")


def test_no_mail_leaves_to_anybody_on_the_list_and_no_import_shortens_it(
    listed: Path, records: Records, penstock: Run, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    people = [
        person("a") | {"address": "anna.berg+2026@maskin.example"},
        person("b") | {"address": "sales@mail.lyft.example"},
        person("c", company={"id": "FR123456789"}),
        person("free"),
    ]
    contact_file(listed / "again.jsonl", people)
    assert penstock("contacts", "import", "again.jsonl", cwd=listed).returncode == 0
    lines = records("send", CAMPAIGN, "--contacts", "again.jsonl", cwd=listed)
    assert sorted((line["verdict"], line["code"] or "") for line in lines) == [
        ("block", "SUPPRESSED_COMPANY"),
        ("block", "SUPPRESSED_COMPANY"),
        ("block", "SUPPRESSED_PERSON"),
        ("send", ""),
    ]
    assert len(outbox(listed)) == 1
    assert len(records("suppress", "list", cwd=listed)) == len(ENTRIES)


@pytest.mark.parametrize("more", [(), ("--hashed",)])
def test_a_plain_and_a_hashed_export_keep_every_hit(
    listed: Path, sample: Path, penstock: Run, records: Records, person: Person, contact_file: ContactFile,
    tmp_path: Path, more: tuple[str, ...],
) -> None:  # fmt: skip
    out = tmp_path / "list.csv"
    assert penstock("suppress", "export", *more, "--out", out, cwd=listed).returncode == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert ("@" in out.read_text()) == (not more)
    house = shutil.copytree(sample, tmp_path / "house")  # the same keys
    (report,) = records("suppress", "import", out, cwd=house)
    assert report["faults"] == []
    assert found(records, house, person, contact_file) == SPELLED


def test_a_hash_of_other_keys_is_refused_and_never_silently_useless(
    listed: Path, penstock: Run, records: Records, tmp_path: Path
) -> None:
    assert penstock("suppress", "export", "--hashed", "--out", tmp_path / "hashed.csv", cwd=listed).returncode == 0
    assert penstock("init", "stranger", cwd=tmp_path).returncode == 0
    (report,) = records("suppress", "import", tmp_path / "hashed.csv", cwd=tmp_path / "stranger")
    with (tmp_path / "hashed.csv").open(encoding="utf-8", newline="") as file:
        hashed = [row for row in csv.DictReader(file) if row["hash"]]
    assert len(report["faults"]) == len(hashed) > 0
    assert all("pepper" in fault["why"] for fault in report["faults"])


def test_remove_takes_the_same_argument_asks_why_and_stays_on_record(
    penstock: Run, records: Records, refusal: Refusal, house: Path
) -> None:
    address = ("anna.berg@maskin.example",)
    assert penstock("suppress", "add", *address, "--reason", "other", cwd=house).returncode == 0
    assert penstock("suppress", "remove", *address, cwd=house).returncode != 0  # nobody there to say why
    assert "--why" in refusal("suppress", "remove", *address, "--why", " ", cwd=house)
    done = penstock("suppress", "remove", *address, "--why", "typed by mistake", cwd=house)
    assert (done.returncode, done.stdout) == (0, "1 entry removed\n")
    assert not is_suppressed(records, house, *address)
    told = [json.loads(line) for line in penstock("ledger", "export", cwd=house).stdout.splitlines()]
    assert len(told) == 2


def test_a_scope_binds_one_controller_or_all(
    penstock: Run, records: Records, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile
) -> None:
    with (house / "config.toml").open("a", encoding="utf-8") as config:
        config.write('\n[controllers.sud]\nlegal_name = "Sud SARL"\naddress = "1 rue X, Lyon"\ncountry = "FR"\n')
    scopes = {"anna": "controller:Nordlicht Software AB", "bo": "controller:sud", "carl": "channel:email"}
    rows = [f"{name}.berg@{name}-maskin.example,objection,{scope}" for name, scope in scopes.items()]
    (house / "no.csv").write_text("\n".join(["address,reason,scope", *rows]))
    assert penstock("suppress", "import", "no.csv", "--strict", cwd=house).returncode == 0
    contact_file(house / "people.jsonl", [person(name) for name in scopes])
    lines = records("check", CAMPAIGN, "--contacts", "people.jsonl", cwd=house)
    assert [line["code"] for line in lines] == ["SUPPRESSED_PERSON", None, "SUPPRESSED_PERSON"]
    wrong = ("suppress", "add", "dora@maskin.example", "--reason", "objection", "--scope")
    assert "nordlicht" in refusal(*wrong, "controller:Nordlich", cwd=house)
    assert "controller:NAME" in refusal(*wrong, "everybody", cwd=house)


def test_a_public_mail_provider_is_nobodys_company(refusal: Refusal, sample: Path) -> None:
    line = refusal("suppress", "add", "gmail.com", "--reason", "objection", cwd=sample)
    assert "gmail.com" in line
    assert "provider" in line


@pytest.mark.parametrize("nothing", ["a@@b.example", "", "anna.berg maskin.example", "Anna Berg"])
def test_an_objection_that_would_protect_nobody_is_refused(refusal: Refusal, house: Path, nothing: str) -> None:
    """A mistyped address must not be kept as if it were the id of a company."""
    assert "suppression" in refusal("suppress", "add", nothing, "--reason", "objection", cwd=house)


def test_good_rows_of_a_file_count_and_bad_ones_are_told_and_hold_all_mail_until_settled(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    (house / "no.csv").write_text(
        "address,domain,company_id,hash,reason,scope,at\n"
        "anna@maskin.example,,,,objection,all,2026-09-14T08:12:00Z\n"
        "broken..dots@maskin.example,,,,objection,all,\n"
        ",gmail.com,,,objection,all,\n"
        "bo@maskin.example,,,,because,all,\n"
        "carl@maskin.example,,,,objection,all,yesterday\n"
        ",,,,objection,all,\n"
        ",,,sha256:1234,objection,all,\n"
        ",,FR-1,,,,\n"
        ",,,md5:" + "0" * 32 + ",unsubscribe,all,\n"
        "dora@maskin.example\n"
    )
    done = penstock("suppress", "import", "no.csv", "--strict", cwd=house)
    assert done.returncode == 1
    told = [line.split(": ")[0] for line in done.stderr.splitlines() if line.startswith("no.csv:")]
    assert told == [f"no.csv:{number}" for number in (3, 4, 5, 6, 7, 8, 11)]
    assert "3 of 10 rows are on the list" in done.stdout
    first, *_ = records("suppress", "list", cwd=house)
    assert first["at"].startswith("2026-09-14T08:12:00")
    assert is_suppressed(records, house, "ANNA@maskin.example")

    assert "suppress import --resolve" in done.stderr
    contact_file(house / "one.jsonl", [person("erik")])
    (line,) = records("check", CAMPAIGN, "--contacts", "one.jsonl", cwd=house)
    assert (line["verdict"], line["code"]) == ("hold", "IMPORT_UNRESOLVED")
    resolve = next(line for line in done.stderr.splitlines() if "suppress import --resolve" in line)
    assert penstock(*shlex.split(resolve[resolve.index("suppress") :]), cwd=house).returncode == 0
    (line,) = records("check", CAMPAIGN, "--contacts", "one.jsonl", cwd=house)
    assert line["verdict"] == "send"
