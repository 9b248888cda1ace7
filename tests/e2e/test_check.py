"""`penstock check`: decisions without sending and without leaving a trace."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Contents = Callable[[Path], dict[str, bytes]]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Edited = Callable[..., Path]

KEYS = ["address", "contact_id", "campaign", "mail_id", "verdict", "code", "codes", "until", "variant", "reasons",
        "outcome"]  # fmt: skip
REASON_KEYS = ["stage", "verdict", "code", "why", "rule", "policy"]
CAMPAIGN = "campaigns/short.toml"
TITLES = {
    "de": "Einkaufsleiter",
    "en": "Head of Procurement",
    "fr": "Responsable achats",
    "sv": "Inköpschef",
    "es": "Jefe de compras",
    "it": "Responsabile acquisti",
    "nl": "Inkoopmanager",
    "pl": "Kierownik działu zakupów",
    "da": "Indkøbschef",
    "fi": "Ostopäällikkö",
    "pt": "Diretor de compras",
}


@pytest.fixture(scope="module")
def bare(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample without store and keys: nothing was ever sent from here."""
    hide = shutil.ignore_patterns("penstock.db*", "keys")
    return shutil.copytree(sample, tmp_path_factory.mktemp("bare") / "house", ignore=hide)


@pytest.fixture(scope="module")
def decided(bare: Path, records: Records, person: Person, contact_file: ContactFile) -> dict[str, dict[str, Any]]:
    """One run over rows made for one rule each; lines by the name in the address."""
    titled = [person(f"title-{code}", function=None, title=title, language=code) for code, title in TITLES.items()]
    colleagues = [
        person(f"colleague{n}", company={"domains": ["big.example"], "id": "SE-1"})
        | {"address": f"colleague{n}@big.example"}
        for n in range(1, 8)
    ]
    twin = person("anna") | {"address": "Anna.BERG@anna-maskin.example"}
    file = contact_file(
        bare / "rules.jsonl",
        [
            person("anna"),
            twin,
            *colleagues,
            *titled,
            person("nofunction", function=None),
            person("nosize", company={"employees": None}),
            person("elsewhere", company={"industry": "C10"}),
            person("small", company={"employees": 3}),
            person("foreign", country="US"),
            person("unlisted", country="BR"),
            person("german", country="DE"),
            person("formless", company={"legal_form": None}),
            person("generic") | {"address": "info@generic-maskin.example", "given_name": None, "family_name": None},
            person("abuse") | {"address": "abuse@abuse-maskin.example"},
            person("minor", flags=["minor"]),
            person("restricted", flags=["restricted"]),
            person("private") | {"address": "private.berg@gmail.com"},
            person("confused") | {"address": "аnna@confused-maskin.example"},
            person("nosource", source={}),
        ],
    )
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"address": "broken..dots@maskin.example"}\nnot json\n{"given_name": "Nobody"}\n')
    lines = records("check", CAMPAIGN, "--contacts", file.name, cwd=bare)
    return {name(line): line for line in lines}


def name(line: dict[str, Any]) -> str:
    if line["address"] is None:
        return f"line {line['line']}"
    local, _, domain = str(line["address"]).partition("@")
    return local if domain == "big.example" or "Anna" in local or "private" in local else domain.partition("-maskin")[0]


def of(lines: dict[str, dict[str, Any]], who: str) -> tuple[str, str | None]:
    return lines[who]["verdict"], lines[who]["code"]


def test_every_line_has_the_promised_shape(decided: dict[str, dict[str, Any]]) -> None:
    for line in decided.values():
        assert [key for key in line if key in KEYS] == KEYS
        assert line["verdict"] in {"send", "defer", "hold", "block", "reject"}
        assert line["code"] == (line["codes"][0] if line["codes"] else None)
        assert line["reasons"]
        assert line["outcome"] is None
        for reason in line["reasons"]:
            assert [key for key in reason if key in REASON_KEYS] == REASON_KEYS
            assert reason["why"]
            assert reason["policy"] == "2026-11"
        assert line["contact_id"] is None


def test_a_purchasing_head_whom_nothing_forbids_is_sent_to_once(decided: dict[str, dict[str, Any]]) -> None:
    assert of(decided, "anna") == ("send", None)
    assert decided["anna"]["variant"] == "first"
    assert decided["anna"]["campaign"] == "purchasing-2026"
    assert of(decided, "Anna.BERG") == ("block", "DUPLICATE")


def test_the_sixth_colleague_under_five_in_thirty_days_waits(decided: dict[str, dict[str, Any]]) -> None:
    assert [of(decided, f"colleague{n}")[0] for n in range(1, 6)] == ["send"] * 5
    assert of(decided, "colleague6") == of(decided, "colleague7") == ("defer", "FREQUENCY_CAP")
    assert decided["colleague6"]["until"] == "2026-12-23T09:00:00Z"


def test_a_title_in_any_language_of_the_taxonomy_names_the_profession(decided: dict[str, dict[str, Any]]) -> None:
    found = {language: of(decided, f"title-{language}") for language in TITLES}
    assert found == dict.fromkeys(TITLES, ("send", None))


@pytest.mark.parametrize(
    ("who", "verdict", "code"),
    [
        ("nofunction", "hold", "NOT_RELEVANT"),
        ("nosize", "hold", "NOT_RELEVANT"),
        ("elsewhere", "block", "NOT_RELEVANT"),
        ("small", "block", "NOT_RELEVANT"),
        ("foreign", "block", "NOT_RELEVANT"),
        ("unlisted", "block", "COUNTRY_UNKNOWN"),
        ("german", "block", "CONSENT_REQUIRED"),
        ("formless", "hold", "LEGAL_FORM_UNKNOWN"),
        ("generic", "send", None),
        ("abuse", "block", "ROLE_ADDRESS_TECHNICAL"),
        ("minor", "block", "MINOR"),
        ("restricted", "block", "RESTRICTED"),
        ("private.berg", "block", "NOT_PROFESSIONAL"),
        ("confused", "hold", "INVALID_ADDRESS"),
        ("nosource", "hold", "SOURCE_MISSING"),
    ],
)
def test_each_rule_has_its_verdict_and_code(
    decided: dict[str, dict[str, Any]], who: str, verdict: str, code: str | None
) -> None:
    assert (decided[who]["verdict"], decided[who]["code"]) == (verdict, code)


def test_a_company_mailbox_is_no_person(decided: dict[str, dict[str, Any]]) -> None:
    assert decided["generic"]["variant"] == "regular"


def test_a_row_that_cannot_be_read_keeps_its_line_and_says_why(decided: dict[str, dict[str, Any]]) -> None:
    last = len(decided)
    for who, number in ((f"line {last - 1}", last - 1), (f"line {last}", last)):
        assert decided[who]["verdict"] == "reject"
        assert decided[who]["line"] == number
        assert decided[who]["why"]
    broken = decided["maskin.example"]
    assert (broken["verdict"], broken["code"], broken["line"]) == ("reject", "INVALID_ADDRESS", last - 2)
    assert broken["address"] == "broken..dots@maskin.example"


def test_the_strictest_verdict_and_the_first_code_lead(
    bare: Path, records: Records, person: Person, contact_file: ContactFile
) -> None:
    several = person("many", flags=["minor", "special_category"], company={"industry": "C10"})
    contact_file(bare / "several.jsonl", [several])
    (line,) = records("check", CAMPAIGN, "--contacts", "several.jsonl", cwd=bare)
    assert line["verdict"] == "block"
    assert line["codes"] == ["MINOR", "SPECIAL_CATEGORY", "DPIA_MISSING", "NOT_RELEVANT"]


def test_without_a_store_it_writes_nothing_at_all(bare: Path, penstock: Run, contents: Contents) -> None:
    """No store, no keys, no outbox, no reject file; also in a folder with no config whatever."""
    before = contents(bare)
    done = penstock("check", CAMPAIGN, "--contacts", "contacts.csv", "--limit", "3", cwd=bare)
    assert done.returncode == 0, done.stderr
    assert "3 rows" in done.stdout
    assert contents(bare) == before
    assert not (bare / "keys").exists()
    assert not (bare / "rejects").exists()


def test_with_a_store_it_writes_nothing_either(demo: Path, penstock: Run, contents: Contents) -> None:
    before = contents(demo)
    done = penstock("check", "campaigns/purchasing.toml", "--contacts", "contacts.csv", "--limit", "20", cwd=demo)
    assert done.returncode == 0, done.stderr
    after = contents(demo)
    assert after.keys() - before.keys() <= {"penstock.db-wal", "penstock.db-shm"}
    assert all(after[file] == before[file] for file in before)


def test_limit_takes_the_first_rows_and_strict_tells_by_the_exit_code(
    bare: Path, penstock: Run, person: Person, contact_file: ContactFile
) -> None:
    contact_file(bare / "three.jsonl", [person("anna"), person("bo"), person("carl", flags=["minor"])])
    three = ("check", CAMPAIGN, "--contacts", "three.jsonl", "--strict", "--json")
    first = penstock(*three, "--limit", "2", cwd=bare)
    assert first.returncode == 0, first.stderr
    assert [json.loads(line)["address"].partition(".")[0] for line in first.stdout.splitlines()] == ["anna", "bo"]
    assert penstock(*three, cwd=bare).returncode == 1


def test_a_campaign_may_let_unknown_dimensions_pass_but_never_a_mismatch(
    house: Path, records: Records, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    edited(house / CAMPAIGN, ('unknown = "hold"', 'unknown = "pass"'))
    people = [person("nosize", company={"employees": None}), person("small", company={"employees": 3})]
    contact_file(house / "people.jsonl", people)
    unknown, mismatch = records("check", CAMPAIGN, "--contacts", "people.jsonl", cwd=house)
    assert unknown["verdict"] == "send"
    assert (mismatch["verdict"], mismatch["code"]) == ("block", "NOT_RELEVANT")


@pytest.mark.parametrize("now", ["2026-11-19T08:00:00Z", "2026-12-21T08:00:00Z"])
def test_before_and_after_its_time_a_campaign_sends_nothing(
    bare: Path, records: Records, person: Person, contact_file: ContactFile, now: str
) -> None:
    contact_file(bare / "one.jsonl", [person("anna", notice_given_at="2026-11-12")])
    (line,) = records("check", CAMPAIGN, "--contacts", "one.jsonl", cwd=bare, now=now)
    early = now < "2026-11-20"
    assert (line["verdict"], line["code"]) == (("defer", "CAMPAIGN_NOT_DUE") if early else ("hold", "CAMPAIGN_STALE"))
    assert line["until"] == ("2026-11-20T08:00:00Z" if early else None)


def test_files_that_cannot_be_read_are_one_line_each(
    bare: Path, refusal: Callable[..., str], at_once: Callable[..., list[Future[str]]]
) -> None:
    (bare / "strange.xlsx").write_bytes(b"PK")
    pairs = [(CAMPAIGN, "missing.csv"), (CAMPAIGN, "strange.xlsx"), ("missing.toml", "contacts.csv")]
    jobs = [partial(refusal, "check", campaign, "--contacts", contacts, cwd=bare) for campaign, contacts in pairs]
    first, second, third = at_once(jobs)
    assert "missing.csv" in first.result()
    assert "strange.xlsx" in second.result()
    assert "missing.toml" in third.result()
