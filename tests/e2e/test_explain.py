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
CONTENT_FREE = ["suppression", "address", "schedule", "legal_basis", "external_register", "legitimate_interest",
                "impact_assessment", "provenance", "freshness", "relevance", "duplicate", "frequency_cap",
                "over_solicited"]  # fmt: skip
ADDED = {"record", "data", "to_send"}


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
    """The entry was made for another form of the address: with capitals, without the tag. Keys are only added."""
    file = ("--contacts", "contacts.csv")
    (told,) = records("explain", CAMPAIGN, "emma.wikmark@fjallmoa-skogsmaskin.example", *file, cwd=demo)
    checked = records("check", CAMPAIGN, *file, cwd=demo)
    assert {key: value for key, value in told.items() if key not in ADDED} in checked
    assert told.keys() >= ADDED
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


GERMAN = "jana.dollinghaus@erlengrund-werkzeugmaschinen.example"


def test_it_shows_the_values_and_where_they_came_from(penstock: Run, demo: Path) -> None:
    """A German without consent, from the file and then, as the demo stored her, from the store."""
    from_file = ("--contacts", "contacts.csv"), ("contacts.csv, line ", "the contact file: ")
    for file, words in (from_file, ((), ("record the store; obtained", "the store: "))):
        done = penstock("explain", CAMPAIGN, GERMAN, *file, cwd=demo)
        assert done.returncode == 0, done.stderr
        text = " ".join(done.stdout.split())
        assert all(word in text for word in words)
        assert "event, https://maschinentage-mitte.example/2026/speakers" in text
        assert "country DE" in text
        assert "the table of law 2026-11: row DE not signed off" in text
        assert "not stated: consents" in text
        assert "[DE UWG § 7" in text


def test_it_ends_with_what_would_have_to_change(penstock: Run, demo: Path) -> None:
    done = penstock("explain", CAMPAIGN, GERMAN, "--contacts", "contacts.csv", cwd=demo)
    end = " ".join(done.stdout.partition("What would have to change")[2].split())
    assert "CONSENT_REQUIRED Record a consent to e-mail from Nordlicht Software AB" in end
    assert "double opt-in or in writing" in end
    assert end.endswith("1 reason stands against it, decided by table 2026-11. This is not legal advice.")


def test_what_a_person_may_release_names_the_command_and_what_nobody_may_does_not(penstock: Run, demo: Path) -> None:
    """A hold of a check, a hold of an edit (no letter in the language), and a block."""
    told = {
        who: penstock("explain", CAMPAIGN, who, "--contacts", "contacts.csv", cwd=demo).stdout
        for who in (
            "marcus.oldershaw@umberleigh-west-food-machinery.example",
            "jukka.tuulisaari@kivipolku-nosturit.example",
            "maelle.dufraisne@gondremont-froid.example",
        )
    }
    assert ["holds release" in text for text in told.values()] == [True, False, False]
    assert "company.legal_form" in told["marcus.oldershaw@umberleigh-west-food-machinery.example"]


@pytest.mark.parametrize("columns", ["72", "200"])
def test_it_fills_the_terminal_and_no_more(penstock: Run, demo: Path, columns: str) -> None:
    done = penstock("explain", CAMPAIGN, GERMAN, "--contacts", "contacts.csv", cwd=demo, env={"COLUMNS": columns})
    _, _, body = done.stdout.partition("\n\n")
    lines = [line for line in body.splitlines() if "https://" not in line]  # an address is not broken
    assert max(map(len, lines)) <= max(72, min(int(columns), 140))


def test_as_json_it_adds_the_data_and_the_changes(records: Records, demo: Path) -> None:
    (told,) = records("explain", CAMPAIGN, GERMAN, "--contacts", "contacts.csv", cwd=demo)
    assert told["record"]["method"] == "event"
    assert told["record"]["from"] == "contacts.csv"
    country = next(each for each in told["data"] if each["stage"] == "legal_basis" and each["field"] == "country")
    assert country == {
        "stage": "legal_basis",
        "code": "CONSENT_REQUIRED",
        "field": "country",
        "value": "DE",
        "from": "the contact file",
    }
    assert [each["code"] for each in told["to_send"]] == ["CONSENT_REQUIRED"]
