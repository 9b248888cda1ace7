"""penstock policy: the table of law, seen, compared and signed off."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

Run = Callable[..., "CompletedProcess[str]"]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
Records = Callable[[Path, Iterable[Mapping[str, Any]]], Path]

SHIPPED = resources.files("penstock.law") / "data" / "jurisdictions.csv"


def own_rows(path: Path, **rows: dict[str, str]) -> Path:
    """A file with some countries' shipped rows, changed."""
    known = {row["cc"]: row for row in csv.DictReader(SHIPPED.read_text("utf-8").splitlines())}
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*known["SE"], "signed_by", "signed_at"])
        writer.writeheader()
        writer.writerows(known[cc] | changes for cc, changes in rows.items())
    return path


def test_a_country_is_shown_with_what_it_asks_for(penstock: Run, house: Path) -> None:
    done = penstock("policy", "show", "Belgium", cwd=house)
    assert done.returncode == 0, done.stderr
    for words in ("BE Belgium", "art. XII.13", "meant for legal persons", "acknowledged by e-mail", "Not legal advice"):
        assert words in done.stdout


def test_all_countries_are_shown_as_a_table_and_as_json(penstock: Run, house: Path) -> None:
    shown = penstock("policy", "show", cwd=house).stdout
    assert "Not legal advice" in shown
    records = [json.loads(line) for line in penstock("policy", "show", "--json", cwd=house).stdout.splitlines()]
    assert len(records) == 36
    for record in records:
        assert f"\n{record['cc']:3} " in shown
        assert record["table"] == "2026-11"
        assert record["signed_off"] is None
        assert "Not legal advice" in record["notice"]


def test_a_country_without_a_row_shows_the_strictest_rule(penstock: Run, refusal: Refusal, house: Path) -> None:
    done = penstock("policy", "show", "BR", "--json", cwd=house)
    (record,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (record["country"], record["cc"], record["named"]["kind"]) == ("BR", "**", "in")
    assert "is no country" in refusal("policy", "show", "Atlantis", cwd=house)


def test_a_sign_off_is_written_down_and_shown(penstock: Run, house: Path) -> None:
    done = penstock("policy", "signoff", "--by", "Lena Roth", "--at", "2026-11-20", "SE", cwd=house)
    assert done.returncode == 0, done.stderr
    assert "Lena Roth" in (house / "policies" / "signoffs.csv").read_text(encoding="utf-8")
    shown = {cc: penstock("policy", "show", cc, cwd=house).stdout for cc in ("SE", "FR")}
    assert "Lena Roth, 2026-11-20" in shown["SE"]
    assert "warning" not in shown["SE"]
    assert "no lawyer has signed off the rules of table 2026-11 for FR" in shown["FR"]


def test_a_sign_off_needs_a_name_a_past_day_and_a_row(refusal: Refusal, house: Path) -> None:
    for args, words in (
        (["--by", " ", "--at", "2026-11-20"], "--by"),
        (["--by", "Lena Roth", "--at", "2031-01-01"], "lies in the future"),
        (["--by", "Lena Roth", "--at", "yesterday"], "--at"),
        (["--by", "Lena Roth", "--at", "2026-11-20", "BR"], "no row of table 2026-11"),
    ):
        assert words in refusal("policy", "signoff", *args, cwd=house)
    assert not (house / "policies").exists()


def test_a_laxer_row_that_nobody_signed_is_refusal(penstock: Run, refusal: Refusal, house: Path) -> None:
    own = own_rows(house / "policies" / "own.csv", DE={"generic": "out"})
    told = refusal("policy", "show", "DE", cwd=house)
    assert "own.csv:2" in told
    assert "laxer" in told
    own_rows(own, DE={"generic": "out", "signed_by": "Lena Roth", "signed_at": "2026-11-10"})
    assert "allowed until refusal" in penstock("policy", "show", "DE", cwd=house).stdout


def test_the_contacts_that_another_table_treats_otherwise_are_named(
    penstock: Run, person: Person, contact_file: Records, house: Path
) -> None:
    contacts = contact_file(house / "people.jsonl", [person("anna"), person("bo", country="FI"), person("carl")])
    stricter = own_rows(house / "stricter.csv", SE={"named": "in"})
    done = penstock("policy", "diff", "shipped", stricter, "--contacts", contacts, "--json", cwd=house)
    assert done.returncode == 0, done.stderr
    *changed, total = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["line"], each["old"], each["new"]) for each in changed] == [(1, "out", "in"), (3, "out", "in")]
    assert total == {"rows": 3, "changed": 2, "changes": [{"old": "out", "new": "in", "contacts": 2}]}
    same = penstock("policy", "diff", "shipped", "shipped", "--contacts", contacts, cwd=house)
    assert "0 of 3 contacts" in same.stdout


def test_the_decisions_of_a_campaign_are_compared(
    penstock: Run, person: Person, contact_file: Records, house: Path
) -> None:
    contacts = contact_file(house / "people.jsonl", [person("anna"), person("bo", country="FI")])
    folder = own_rows(house / "draft" / "stricter.csv", FI={"named": "in"}).parent
    arguments = ["shipped", folder, "--contacts", contacts, "--campaign", house / "campaigns" / "short.toml", "--json"]
    done = penstock("policy", "diff", *arguments, cwd=house)
    assert done.returncode == 0, done.stderr
    *changed, total = [json.loads(line) for line in done.stdout.splitlines()]
    assert (total["rows"], total["changed"]) == (2, 1)
    assert (changed[0]["line"], changed[0]["old"], changed[0]["new"]) == (2, "send", "block CONSENT_REQUIRED")
