"""Full disks, locked stores, folders that are none, and files made to do harm."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from email.utils import getaddresses
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

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")
HEADERS = {"date", "from", "to", "subject", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post",
           "list-id", "feedback-id", "mime-version", "content-type"}  # fmt: skip
CONTINUES = "nothing was lost, the same command continues"
FOR_NOBODY = [
    "", " ", "@", "a", "a@", "@maskin.example", "a@@maskin.example", "a b@maskin.example", "a..b@maskin.example",
    ".a@maskin.example", "a.@maskin.example", "a@maskin..example", "a@.example", "a@-maskin.example", "a@maskin",
    "a@localhost", "a@192.0.2.1", "a@[192.0.2.1]", "a@maskin.example,b@maskin.example",
    "a@maskin.example;b@maskin.example", "a@maskin.example b@maskin.example", "a@maskin.example\nBcc: b@maskin.example",
    "a@maskin.example\r\nBcc: b@maskin.example", "a@maskin.example\x00", "a@maskin\u2028.example",
    "l" * 65 + "@maskin.example", "a@" + "d" * 64 + ".example", "a@" + ".".join(["dddddddd"] * 30) + ".example",
    "a@ma_skin.example", "a@maskin.example/../x", "a(comment)@maskin.example", "a@maskin.example>",
    '"><script>"@maskin.example', "a@xn--.example", "a\u202e@maskin.example", "Anna <a@maskin.example", "<>",
]  # fmt: skip


def limited(octets: int) -> Callable[[], None]:
    """No file may grow beyond that size: how a full disk looks from inside."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))


def test_a_full_disk_under_the_store_stops_cleanly_and_the_same_command_continues(
    penstock: Run, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "people.jsonl", [person(f"p{n}") for n in range(300)])
    line = refusal(*SEND, cwd=house, code=3, preexec=limited(300_000))
    assert "disk" in line
    assert line.endswith(CONTINUES)
    before = outbox(house)
    done = penstock(*SEND, cwd=house)
    assert done.returncode == 0, done.stderr
    after = outbox(house)
    assert len(after) == 300
    assert {name: after[name] for name in before} == before
    assert penstock("ledger", "verify", cwd=house).returncode == 0


def test_a_full_disk_under_the_outbox_leaves_no_half_mail_and_the_same_command_continues(
    penstock: Run, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    """The mails are larger than what a file may be, the store is not."""
    letter = house / "campaigns" / "short.txt.j2"
    letter.write_text(
        letter.read_text("utf-8") + "{% for n in range(900) %}" + "long " * 120 + "\n{% endfor %}", "utf-8"
    )
    contact_file(house / "people.jsonl", [person("anna"), person("bo")])
    line = refusal(*SEND, cwd=house, code=3, preexec=limited(500_000))
    assert "outbox" in line
    assert line.endswith(CONTINUES)
    assert outbox(house) == {}
    done = penstock(*SEND, cwd=house)
    assert done.returncode == 0, done.stderr
    assert len(outbox(house)) == 2


@pytest.mark.parametrize("place", ["outbox", "rejects"])
def test_a_file_where_a_folder_should_be_stops_cleanly(
    penstock: Run, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox, place: str
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    (house / place).write_text("")
    line = refusal(*SEND, cwd=house, code=3)
    assert place in line
    assert line.endswith(CONTINUES)
    (house / place).unlink()
    assert penstock(*SEND, cwd=house).returncode == 0
    assert len(outbox(house)) == 1


NO_STORE = {
    "sqlite:////proc/penstock.db": {3},
    "sqlite:///contacts.csv": {2, 3},
    "sqlite:///gone/penstock.db": {2, 3},
    "sqlite:///campaigns": {2, 3},
}


@pytest.fixture(scope="module")
def without_store(
    sample: Path, penstock: Run, at_once: AtOnce, person: Person, contact_file: ContactFile,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # fmt: skip
    """What `send` says to each place, when it sent nothing and spoilt no file."""

    def say(url: str) -> subprocess.CompletedProcess[str]:
        house = shutil.copytree(sample, tmp_path_factory.mktemp("places") / "house")
        contact_file(house / "people.jsonl", [person("anna")])
        before = (house / "contacts.csv").read_bytes()
        done = penstock(*SEND, cwd=house, env={"PENSTOCK__STORE__URL": url})
        assert not (house / "outbox").exists()
        assert (house / "contacts.csv").read_bytes() == before
        return done

    return dict(zip(NO_STORE, at_once(partial(say, url) for url in NO_STORE), strict=True))


@pytest.mark.parametrize("url", NO_STORE)
def test_a_store_that_cannot_be_there_is_one_clear_line(
    without_store: dict[str, Future[subprocess.CompletedProcess[str]]], url: str
) -> None:
    done = without_store[url].result()
    assert done.returncode in NO_STORE[url], done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("penstock: ")
    assert "store" in line


def test_a_store_that_another_process_holds_is_waited_for_then_said_so(
    penstock: Run, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    with closing(sqlite3.connect(house / "penstock.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        line = refusal(*SEND, cwd=house, code=3)
        assert "another process" in line
        assert line.endswith(CONTINUES)
        looked = penstock("check", *SEND[1:], cwd=house)  # who only looks need not wait
        assert looked.returncode == 0, looked.stderr
        other.execute("ROLLBACK")
    assert outbox(house) == {}
    assert penstock(*SEND, cwd=house).returncode == 0
    assert len(outbox(house)) == 1


def test_a_damaged_store_is_one_clear_line(refusal: Refusal, house: Path) -> None:
    (house / "penstock.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    assert "store" in refusal("contacts", "list", cwd=house, code=3)
    assert "store" in refusal("suppress", "add", "a@maskin.example", "--reason", "other", cwd=house, code=3)


PREVIEW = (
    "preview",
    "campaigns/short.toml",
    "priya.inglethorpe@wharncote-crushers.example",
    "--contacts",
    "contacts.csv",
)
UNWRITABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "a full disk, many rows": (("ledger", "export"), "/dev/full"),
    "a full disk, few rows": (("suppress", "export"), "/dev/full"),
    "a full disk, a mail": (PREVIEW, "/dev/full"),
    "no folder, rows": (("contacts", "export"), "gone/file"),
    "no folder, a mail": (PREVIEW, "gone/file"),
}


@pytest.fixture(scope="module")
def unwritten(finished_demo: Path, sample: Path, penstock: Run, at_once: AtOnce) -> Any:
    """What each command that takes --out says."""
    jobs = [
        partial(penstock, *words, "--out", place, cwd=sample if words is PREVIEW else finished_demo)
        for words, place in UNWRITABLE.values()
    ]
    return dict(zip(UNWRITABLE, at_once(jobs), strict=True))


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_full_or_missing_place_for_an_export_is_one_clear_line(
    unwritten: dict[str, Future[subprocess.CompletedProcess[str]]], name: str
) -> None:
    done = unwritten[name].result()
    assert done.returncode in {2, 3}, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("penstock: ")
    assert UNWRITABLE[name][1] in line


def test_a_reader_that_goes_away_is_no_error(command: Callable[..., list[str]], finished_demo: Path) -> None:
    """`penstock ledger export | head -1`"""
    with subprocess.Popen(
        command("ledger", "export"), cwd=finished_demo, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_full_disk_under_the_output_is_one_clear_line_and_the_same_command_continues(
    command: Callable[..., list[str]], penstock: Run, house: Path, person: Person, contact_file: ContactFile,
    outbox: Outbox,
) -> None:  # fmt: skip
    """`penstock send --json > lines.jsonl` where there is no room."""
    contact_file(house / "people.jsonl", [person("anna"), person("bo")])
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*SEND, "--json"), cwd=house, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", timeout=60
        )
    assert done.returncode == 3, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("penstock: ")]
    assert len(told) == 1
    assert "internal error" not in told[0]
    assert penstock(*SEND, cwd=house).returncode == 0
    assert len(outbox(house)) == 2


def test_no_field_of_a_file_can_add_a_header_or_a_recipient(
    records: Records, penstock: Run, house: Path, person: Person, outbox: Outbox
) -> None:
    """Every text column of the contact file, each with every way we know to break a line."""
    breaks = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "%0d%0a", "=0D=0A", "=?utf-8?q?=0D=0A?=", "\\r\\n"]
    fields = ["given_name", "family_name", "company.name", "reason", "title", "source.reference", "source.why",
              "company.activity", "source.supplier"]  # fmt: skip
    rows = []
    for at, field in enumerate(fields):
        for number, cut in enumerate(breaks):
            record = person(f"x{at}y{number}")
            flat = {"address": record["address"], "given_name": "Anna", "family_name": "Berg", "language": "en",
                    "country": "SE", "function": "purchasing", "company.name": "Maskin AB", "company.industry": "C28",
                    "company.employees": "120", "company.legal_form": "company", "source.method": "own_site",
                    "source.reference": "https://maskin.example/team", "source.collected_at": "2026-11-10",
                    "verified_at": "2026-11-15", "reason": "your site shows a new plant"}  # fmt: skip
            rows.append({**flat, field: f"Evil{cut}Bcc: victim@evil.example{cut}{cut}<b>body</b>"})
    names = sorted({name for row in rows for name in row})
    with (house / "evil.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerows(rows)
    lines = records("send", "campaigns/purchasing.toml", "--contacts", "evil.csv", cwd=house)
    assert len(lines) == len(rows)
    mails = outbox(house)
    assert len(mails) == sum(line["outcome"] == "accepted" for line in lines) > 0
    for data in mails.values():
        mail = email.message_from_bytes(data, policy=email.policy.default)
        assert {name.lower() for name in mail.keys()} == HEADERS  # noqa: SIM118 — a message repeats its keys
        assert len(mail.keys()) == len(HEADERS)
        (recipient,) = getaddresses([mail["To"]])
        assert recipient[1].endswith("-maskin.example")
        assert "\nbcc" not in data.lower().decode()
        assert not [defect for part in mail.walk() for defect in part.defects]


def test_nothing_is_sent_to_an_address_that_is_none(
    records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person(f"p{n}") | {"address": a} for n, a in enumerate(FOR_NOBODY)])
    done = records("check", *SEND[1:], cwd=house)
    assert len(done) == len(FOR_NOBODY)
    taken = [(FOR_NOBODY[n], line["code"]) for n, line in enumerate(done) if line["verdict"] != "reject"]
    assert taken == []
    for line in done:
        shown = line["address"] or ""
        assert not any(ord(letter) < 32 or letter in "\u2028\u2029" for letter in shown)


def test_an_address_copied_with_its_name_or_brackets_is_the_same_person(
    records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    spelled = ["a.b@maskin.example", "Anna B <a.b@maskin.example>", "<a.b@maskin.example>", "mailto:a.b@maskin.example",
               " a.b@maskin.example ", "a.b@MASKIN.example", "a\u200b.b@maskin.example"]  # fmt: skip
    contact_file(house / "people.jsonl", [person(f"p{n}") | {"address": a} for n, a in enumerate(spelled)])
    done = records("check", *SEND[1:], cwd=house)
    assert [line["code"] for line in done] == [None] + ["DUPLICATE"] * (len(spelled) - 1)
    assert {line["address"] for line in done} == {"a.b@maskin.example"}


def test_no_error_shows_data_of_people_that_the_user_did_not_type(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna"), {"address": "secret..person@maskin.example", "title": "x"}])
    (house / "people.csv").write_text("secret.person@maskin.example,Anna\n")
    (house / "outbox").write_text("")
    for arguments in (SEND, ("contacts", "import", "people.jsonl"), ("contacts", "import", "people.csv")):
        done = penstock(*arguments, cwd=house)
        assert done.stderr
        assert "anna.berg" not in done.stderr
        assert "secret" not in done.stderr


def test_a_letter_that_is_too_large_or_endless_costs_its_mail_and_not_the_run(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    """Lint cannot see it: only one contact's data make it so."""
    letter = house / "campaigns" / "short.txt.j2"
    loops = "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}x"
    bomb = "{% if 'boom' in reason %}" + loops + "{% endfor %}" * 3 + "{% endif %}"
    letter.write_text(letter.read_text("utf-8") + bomb, "utf-8")
    contact_file(house / "people.jsonl", [person("anna"), person("bo", reason="they boomed in spring"), person("carl")])
    done = penstock(*SEND, "--json", cwd=house)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["address"].partition(".")[0]: line["code"] for line in lines} == {
        "anna": None,
        "bo": "RENDER_FAILED",
        "carl": None,
    }
    assert len(outbox(house)) == 2
