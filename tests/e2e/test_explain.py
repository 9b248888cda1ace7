"""`penstock explain`: why one person is, or is not, mailed."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Contents = Callable[[Path], dict[str, bytes]]

CAMPAIGN = "campaigns/purchasing.toml"
CONTENT_FREE = ["suppression", "address", "schedule", "relevance", "duplicate", "frequency_cap"]


@pytest.fixture(scope="module")
def addresses(demo: Path) -> list[str]:
    with (demo / "contacts.csv").open(encoding="utf-8", newline="") as file:
        return [row["address"] for row in csv.DictReader(file)]


def test_it_shows_every_stage_its_reason_and_the_rule(penstock: Run, demo: Path) -> None:
    """An objector: every check speaks although the first one already blocks."""
    done = penstock("explain", CAMPAIGN, "maelle.dufraisne@gondremont-froid.example", cwd=demo)
    assert done.returncode == 0, done.stderr
    assert "SUPPRESSED_PERSON" in done.stdout.splitlines()[0]
    assert "GDPR Art. 21(3)" in done.stdout
    assert "2026-09-14" in done.stdout
    assert all(stage in done.stdout for stage in CONTENT_FREE)
    assert "lawful" not in done.stdout.lower()


def test_its_line_is_the_line_of_check(records: Records, demo: Path) -> None:
    """The entry was made for another form of the address: with capitals, without the tag."""
    file = ("--contacts", "contacts.csv")
    (told,) = records("explain", CAMPAIGN, "emma.wikmark@fjallmoa-skogsmaskin.example", *file, cwd=demo)
    checked = records("check", CAMPAIGN, *file, cwd=demo)
    assert told in checked
    assert {reason["stage"] for reason in told["reasons"]} >= set(CONTENT_FREE)
    assert all({"stage", "verdict", "code", "why", "rule", "policy"} <= reason.keys() for reason in told["reasons"])
    assert told["code"] == "SUPPRESSED_PERSON"


def test_where_nothing_stands_against_it_names_the_table_and_never_says_lawful(
    penstock: Run, sample: Path, contents: Contents
) -> None:
    before = contents(sample)
    who = "priya.inglethorpe@wharncote-crushers.example"
    done = penstock("explain", CAMPAIGN, who, "--contacts", "contacts.csv", cwd=sample)
    assert done.returncode == 0, done.stderr
    assert "No rule of table 2026-11 forbids" in done.stdout
    assert "lawful" not in done.stdout.lower()
    after = contents(sample)
    assert {file: after[file] for file in before} == before


def test_a_mail_that_went_is_explained_as_sent_before(records: Records, demo: Path) -> None:
    (line,) = records("explain", CAMPAIGN, "priya.inglethorpe@wharncote-crushers.example", cwd=demo)
    assert (line["verdict"], line["code"]) == ("block", "DUPLICATE")
    assert line["contact_id"]


def test_an_address_that_is_nowhere_is_one_clear_line(refusal: Refusal, demo: Path) -> None:
    line = refusal("explain", CAMPAIGN, "nobody@nowhere.example", "--contacts", "contacts.csv", cwd=demo)
    assert "contacts.csv" in line


def test_a_row_that_cannot_be_read_is_explained_by_its_line(refusal: Refusal, demo: Path) -> None:
    line = refusal(
        "explain", CAMPAIGN, "heather..patelson@foxlow-gears.example", "--contacts", "contacts.csv", cwd=demo
    )
    assert "line 13" in line
