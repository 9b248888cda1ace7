"""`penstock send`: the main job, again and again, interrupted and killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., list[str]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]

CAMPAIGN = "campaigns/short.toml"
MANY = 3000
SEND = ("send", CAMPAIGN, "--contacts", "many.jsonl")


def crowd(house: Path, number: int, person: Person, contact_file: ContactFile) -> None:
    contact_file(house / "many.jsonl", [person(f"p{n}") for n in range(number)])


@contextmanager
def started(command: Command, house: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A run under way; it does not outlive the block."""
    process = subprocess.Popen(
        command(*SEND, *more),
        cwd=house,
        env={"PATH": os.environ["PATH"], "HOME": str(house), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for_mails(house: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Until that many mails lie in the outbox, which is the middle of the work."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "it was faster than the test"
        if (house / "outbox").is_dir() and sum(1 for _ in (house / "outbox").iterdir()) >= number:
            return
        time.sleep(0.01)
    raise AssertionError("no mails came")


def accepted(penstock: Run, house: Path) -> list[str]:
    """The ids that the ledger calls accepted; one more than once when it was sent twice."""
    rows = map(json.loads, penstock("ledger", "export", cwd=house).stdout.splitlines())
    return [row["mail"] for row in rows if row.get("outcome") == "accepted"]


@pytest.fixture(scope="module")
def killed(
    command: Command, sample: Path, person: Person, contact_file: ContactFile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A run that was killed in the middle, and the run that continues it while the other tests go on.

    The killed one's leases run for up to half a minute by the machine's clock; nothing can shorten that.
    """
    house = shutil.copytree(sample, tmp_path_factory.mktemp("killed") / "house")
    crowd(house, 1200, person, contact_file)
    with started(command, house, "--wait", "0") as first:
        wait_for_mails(house, 120, first)
        first.kill()
        first.communicate()
    with started(command, house, "--json") as second:
        yield house, second


@pytest.mark.usefixtures("killed")
def test_it_sends_once_and_judges_anew_what_stood_still(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    people = [person("anna"), person("bo"), person("carl", company={"employees": None}), person("dora")]
    contact_file(house / "many.jsonl", people)
    assert penstock("suppress", "add", "dora.berg@dora-maskin.example", "--reason", "phone", cwd=house).returncode == 0
    first = {line["address"].partition(".")[0]: line for line in records(*SEND, cwd=house)}
    assert {name: (line["verdict"], line["code"], line["outcome"]) for name, line in first.items()} == {
        "anna": ("send", None, "accepted"),
        "bo": ("send", None, "accepted"),
        "carl": ("hold", "NOT_RELEVANT", None),
        "dora": ("block", "SUPPRESSED_PERSON", None),
    }
    assert all(line["contact_id"] for line in first.values())
    before = outbox(house)
    assert before.keys() == {f"{first[name]['mail_id']}.eml" for name in ("anna", "bo")}

    people[2] = person("carl")  # somebody looked the number up
    contact_file(house / "many.jsonl", people)
    again = {line["address"].partition(".")[0]: line for line in records(*SEND, cwd=house)}
    assert {name: (line["verdict"], line["code"], line["outcome"]) for name, line in again.items()} == {
        "anna": ("block", "DUPLICATE", None),
        "bo": ("block", "DUPLICATE", None),
        "carl": ("send", None, "accepted"),
        "dora": ("block", "SUPPRESSED_PERSON", None),
    }
    after = outbox(house)
    assert {name: after[name] for name in before} == before
    assert len(after) == 3

    last = penstock(*SEND, cwd=house)  # and nothing at all the third time, in people's words
    assert (last.returncode, outbox(house)) == (0, after)
    assert "3 were sent by an earlier run" in last.stdout


def test_an_objection_between_two_runs_stops_what_waited(
    records: Records, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox,
    edited: Edited,
) -> None:  # fmt: skip
    """Held for lack of data and deferred by the cap: both are judged by today's list when their time comes."""
    shared = {"domains": ["big.example"], "id": "SE-1"}
    colleagues = [person(f"c{n}", company=shared) | {"address": f"c{n}@big.example"} for n in range(6)]
    people = [*colleagues, person("held", company={"employees": None})]
    contact_file(house / "many.jsonl", people)
    first = records(*SEND, "--wait", "0", cwd=house)
    assert [line["verdict"] for line in first].count("send") == 5
    deferred = next(line for line in first if line["verdict"] == "defer")
    assert deferred["until"] == "2026-12-23T09:00:00Z"
    for address in (deferred["address"], "held.berg@held-maskin.example"):
        assert penstock("suppress", "add", address, "--reason", "objection", cwd=house).returncode == 0
    contact_file(house / "many.jsonl", [*colleagues, person("held")])
    edited(house / CAMPAIGN, ("expires_at = 2026-12-20T", "expires_at = 2027-01-20T"))
    later = records(*SEND, "--wait", "0", cwd=house, now="2026-12-24T09:00:00Z")
    stopped = {line["address"]: line["code"] for line in later if line["code"] != "DUPLICATE"}
    assert stopped == {
        deferred["address"]: "SUPPRESSED_PERSON",
        "held.berg@held-maskin.example": "SUPPRESSED_PERSON",
    }
    assert len(outbox(house)) == 5


def test_a_dry_run_and_a_limit_send_no_more_than_they_say(
    records: Records, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "many.jsonl", [person(f"p{n}") for n in range(4)])
    assert len(records(*SEND, "--dry-run", cwd=house)) == 4
    assert outbox(house) == {}
    assert len(records(*SEND, "--limit", "1", cwd=house)) == 1
    assert len(outbox(house)) == 1
    strict = penstock(*SEND, "--limit", "2", "--strict", cwd=house)
    assert strict.returncode == 1  # the first row was sent before
    assert len(outbox(house)) == 2


def test_a_limit_leaves_what_waits_from_an_earlier_run_where_it_is(
    records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "many.jsonl", [person(f"p{n}") for n in range(4)])
    first = records(*SEND, "--wait", "0", cwd=house, env={"PENSTOCK__ADAPTERS__MAIN__RATE": '["1/2s"]'})
    assert sorted(str(line["code"]) for line in first) == ["None", *["RATE_BACKOFF"] * 3]
    assert len(records(*SEND, "--limit", "2", cwd=house)) == 2
    assert len(outbox(house)) == 2
    assert len(records(*SEND, cwd=house)) == 4
    assert len(outbox(house)) == 4


def test_the_contacts_of_the_store_are_mailed_where_no_file_is_named(
    records: Records, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "many.jsonl", [person("anna"), person("bo")])
    assert penstock("contacts", "import", "many.jsonl", cwd=house).returncode == 0
    assert len(records("send", CAMPAIGN, cwd=house)) == 2
    assert len(outbox(house)) == 2


def test_rows_that_cannot_be_read_are_told_and_kept_apart(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "many.jsonl", [person("anna"), {"address": "a..b@maskin.example"}])
    done = penstock(*SEND, "--json", cwd=house)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(line["verdict"] for line in lines) == ["reject", "send"]
    assert "rejects/purchasing-2026.jsonl" in done.stderr
    (kept,) = (house / "rejects" / "purchasing-2026.jsonl").read_text().splitlines()
    assert json.loads(kept)["line"] == 2
    assert len(outbox(house)) == 1


def test_a_pace_that_is_set_is_kept_and_the_rest_waits(
    records: Records, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox,
    edited: Edited,
) -> None:  # fmt: skip
    edited(house / "config.toml", ('url = "file:outbox?smtputf8=no"', 'url = "file:outbox"\nrate = ["2/1h"]'))
    contact_file(house / "many.jsonl", [person(f"p{n}") for n in range(5)])
    lines = records(*SEND, "--wait", "0", cwd=house)
    assert sorted(line["code"] or "" for line in lines) == ["", "", "RATE_BACKOFF", "RATE_BACKOFF", "RATE_BACKOFF"]
    assert len(outbox(house)) == 2
    assert "3 waiting" in penstock("queue", "list", cwd=house).stdout


def test_interrupted_in_the_middle_it_ends_cleanly_and_the_same_command_completes(
    command: Command, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    crowd(house, MANY, person, contact_file)
    with started(command, house) as running:
        wait_for_mails(house, 200, running)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert told.splitlines()[-1] == "penstock: interrupted; the same command continues"
    before = outbox(house)
    assert 200 <= len(before) < MANY
    assert sorted(accepted(penstock, house)) == sorted(name.removesuffix(".eml") for name in before)

    done = penstock(*SEND, cwd=house)
    assert done.returncode == 0, done.stderr
    after = outbox(house)
    assert len(after) == MANY
    assert {name: after[name] for name in before} == before
    sent = accepted(penstock, house)
    assert len(sent) == len(set(sent)) == MANY
    assert "0 uncertain" in penstock("uncertain", "list", cwd=house).stdout


def test_interrupted_while_it_plans_it_loses_nothing(
    command: Command, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    crowd(house, 800, person, contact_file)
    with started(command, house) as running:
        until = time.monotonic() + 30
        while running.poll() is None and not (house / "penstock.db-wal").exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert penstock(*SEND, cwd=house).returncode == 0
    assert len(outbox(house)) == 800


def test_two_runs_at_once_send_each_mail_once(
    command: Command, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    crowd(house, 400, person, contact_file)
    with started(command, house, "--wait", "0") as one, started(command, house, "--wait", "0") as other:
        for each in (one, other):
            _, told = each.communicate(timeout=90)
            assert each.returncode == 0, told
    sent = accepted(penstock, house)
    assert len(sent) == len(set(sent)) == len(outbox(house)) == 400


def test_a_reader_that_goes_away_never_makes_half_a_run_look_whole(
    command: Command, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    """`penstock send --json | head -1`: exit 0 means that all is done."""
    crowd(house, 1200, person, contact_file)
    with started(command, house, "--json", "--wait", "0") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        told = running.stderr.read()
        running.stderr.close()
        code = running.wait(timeout=60)
    assert "Traceback" not in told
    assert code != 0 or len(outbox(house)) == 1200


def test_killed_in_the_middle_the_same_command_completes_and_doubles_nothing(
    killed: tuple[Path, subprocess.Popen[str]], penstock: Run, outbox: Outbox
) -> None:
    house, second = killed
    out, told = second.communicate(timeout=90)
    assert second.returncode == 0, told
    assert len(out.splitlines()) == 1200
    mails = outbox(house)
    sent = accepted(penstock, house)
    assert len(sent) == len(set(sent)) == len(mails) == 1200
    assert "0 uncertain" in penstock("uncertain", "list", cwd=house).stdout
    assert penstock("ledger", "verify", cwd=house).returncode == 0
