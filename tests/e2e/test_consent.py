"""`penstock consent`: what people agreed to, and what they took back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

ANNA = "anna.berg@anna-maskin.example"
CAMPAIGN = "campaigns/purchasing.toml"
GIVEN = ("--channel", "email", "--controller", "Nordlicht Software AB", "--purpose", "purchasing software",
         "--wording", "v3", "--mechanism", "double_opt_in", "--evidence", "sha256:1")  # fmt: skip


def codes(records: Records, house: Path) -> list[str]:
    (line,) = records("check", CAMPAIGN, cwd=house)
    found: list[str] = line["codes"]
    return found


def test_consent_is_recorded_lifts_an_earlier_refusal_and_is_withdrawn_again(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    assert penstock("contacts", "import", "people.jsonl", cwd=house).returncode == 0
    earlier = "2026-11-20T09:00:00Z"
    assert penstock("suppress", "add", ANNA, "--reason", "objection", cwd=house, now=earlier).returncode == 0
    assert codes(records, house) == ["SUPPRESSED_PERSON"]

    (kept,) = records("consent", "record", ANNA, *GIVEN, cwd=house)
    assert (kept["is_new"], kept["lifted"], len(kept["standing"])) == (False, [], 1)
    (lifted,) = records("consent", "record", ANNA, *GIVEN, "--lift", cwd=house)
    assert (len(lifted["lifted"]), lifted["standing"]) == (1, [])
    assert codes(records, house) == []
    (consent,) = records("consent", "list", ANNA.upper(), cwd=house)
    assert (consent["mechanism"], consent["evidence"], consent["withdrawn_at"]) == ("double_opt_in", "sha256:1", None)

    done = penstock("consent", "withdraw", ANNA, "--channel", "email", cwd=house)
    assert (done.returncode, done.stdout) == (0, "1 consents withdrawn\n")
    assert codes(records, house) == ["CONSENT_WITHDRAWN"]
    assert "withdrawn 2026-11-23" in penstock("consent", "list", ANNA, cwd=house).stdout
    told = penstock("ledger", "export", cwd=house).stdout
    assert "consent_recorded" in told
    assert "consent_withdrawn" in told
    assert "anna" not in told


def test_whoever_withdraws_what_nobody_recorded_is_not_mailed_any_more(
    records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    (found,) = records("consent", "withdraw", ANNA, "--controller", "nordlicht", cwd=house)
    assert found["withdrawn"] == 0
    assert found["entry"]
    (line,) = records("check", CAMPAIGN, "--contacts", "people.jsonl", cwd=house)
    assert line["codes"] == ["SUPPRESSED_PERSON"]


def test_what_is_no_consent_is_one_clear_line(refusal: Refusal, house: Path) -> None:
    assert "--controller" in refusal("consent", "record", ANNA, *GIVEN[:3], "Nobody", *GIVEN[4:], cwd=house)
    assert "--given-at" in refusal("consent", "record", ANNA, *GIVEN, "--given-at", "soon", cwd=house)
    assert "--given-at" in refusal("consent", "record", ANNA, *GIVEN, "--given-at", "2027-01-01", cwd=house)
    assert "too old" in refusal("consent", "record", ANNA, *GIVEN, "--given-at", "2020-01-01", "--lift", cwd=house)
    assert "pre_ticked" in refusal("consent", "record", ANNA, *GIVEN, "--mechanism", "pre_ticked", cwd=house)
    assert "address" in refusal("consent", "list", "anna", cwd=house)
