"""`penstock lint`: faults of the campaign itself, before any contact is touched."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Edited = Callable[..., Path]
Refusal = Callable[..., str]

CAMPAIGN = "campaigns/purchasing.toml"
TEXT = "campaigns/letters/purchasing.txt.j2"


def append(file: Path, text: str) -> int:
    """Adds a line; answers its number."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")
    return len(file.read_text(encoding="utf-8").splitlines())


def errors(records: Records, house: Path) -> list[str]:
    """The errors that lint finds in the campaign, as `where: what`."""
    lines = records("lint", CAMPAIGN, cwd=house, code=2)
    assert all({"level", "where", "what"} <= line.keys() for line in lines)
    return [f"{line['where']}: {line['what']}" for line in lines if line["level"] == "error"]


def test_all_faults_are_found_in_one_go_each_with_its_place(records: Records, house: Path, edited: Edited) -> None:
    unknown = append(house / TEXT, "Hello {{ given_nmae }}")
    undeclared = append(house / TEXT, "{{ title }}")
    edited(
        house / CAMPAIGN,
        ('"purchasing without spreadsheets" = "inköp utan kalkylark"', ""),
        ('from = "Eva Berg, Nordlicht Software AB <', 'from = "Eva Berg <'),
        ('reply_to = "eva.berg@', 'reply_to = "no-reply@'),
        ('subject = "', 'subject = "Re: '),
    )
    edited(house / "config.toml", ('base_url = "https://mail.nordlicht.example"', ""))
    found = errors(records, house)
    for words in (
        (f"purchasing.txt.j2:{unknown}:", "given_nmae"),
        (f"purchasing.txt.j2:{undeclared}:", "title", "declared"),
        ("translation", "sv"),
        ("[message] from", "company"),
        ("[message] reply_to", "no-reply"),
        ("subject", "answer or forward"),
        ("base_url",),
    ):
        assert any(all(word in each for word in words) for each in found), (words, found)


def warnings(records: Records, house: Path, **options: Any) -> list[str]:
    """The warnings of a campaign without errors, as `where: what`."""
    lines = records("lint", CAMPAIGN, cwd=house, **options)
    return [f"{line['where']}: {line['what']}" for line in lines if line["level"] == "warning"]


def test_the_assessment_the_table_of_law_and_the_professions_are_looked_at(
    penstock: Run, records: Records, house: Path, edited: Edited
) -> None:
    assert any("no lawyer has signed off" in each for each in warnings(records, house))
    signed = penstock("policy", "signoff", "--by", "M. Ostrander", "--at", "2026-11-20", cwd=house)
    assert signed.returncode == 0, signed.stderr
    assert not any("lawyer" in each or "LIA" in each for each in warnings(records, house))
    late = warnings(records, house, now="2027-12-23T09:00:00Z")
    assert any("LIA_EXPIRED" in each for each in late)
    assert any("older than 12 months" in each for each in late)
    edited(house / CAMPAIGN, ('functions = ["purchasing"]', "functions = []"), ('lia = "lia/p', 'lia = "lia/gone-p'))
    found = warnings(records, house)
    assert any("LIA_MISSING" in each for each in found)
    assert any("FR, FI, IE" in each or "FR, IE, FI" in each for each in found if "functions" in each), found


def test_a_syntax_error_is_named_with_file_and_line(records: Records, house: Path) -> None:
    line = append(house / TEXT, "{% if given_name %}never closed {{")
    assert any(f"purchasing.txt.j2:{line}" in each for each in errors(records, house))


def test_an_endless_loop_ends_within_its_limit(records: Records, house: Path) -> None:
    append(house / TEXT, "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    began = time.monotonic()
    assert errors(records, house)
    assert time.monotonic() - began < 20


def test_send_lints_first_and_sends_nothing(penstock: Run, house: Path) -> None:
    append(house / TEXT, "{{ given_nmae }}")
    done = penstock("send", CAMPAIGN, "--contacts", "contacts.csv", "--wait", "0", cwd=house)
    assert done.returncode == 2
    assert "given_nmae" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("penstock: ")
    assert not (house / "outbox").exists()


FAULTY: dict[tuple[str, str], tuple[str, ...]] = {
    ('channel = "email"', 'channel = "fax"'): ("purchasing.toml:", "channel"),
    ('stream = "prospecting"', 'stream = "prospektion"'): ("purchasing.toml:", "stream", "prospecting"),
    ('controller = "Nordlicht Software AB"', 'controller = "Nordlich Software AB"'): ("controller", "nordlicht"),
    ('text = "letters/purchasing.txt.j2"', 'text = "letters/gone.txt.j2"'): ("purchasing.toml:", "gone.txt.j2"),
    ('unknown = "hold"', 'unknow = "hold"'): ("purchasing.toml:", "unknow", "'unknown'"),
    ('person = ["1/7d"', 'person = ["1/7x"'): ("purchasing.toml:", "caps.person"),
    ('fields = ["given_name"', 'fields = ["given_nam"'): ("fields", "'given_name'"),
    ("[campaign]", "[campaign"): ("purchasing.toml:2", "not TOML"),
    ("starts_at = 2026-11-20T", "starts_at = 2027-11-20T"): ("purchasing.toml:", "expires_at"),
}


@pytest.fixture(scope="module")
def said(
    sample: Path, refusal: Refusal, edited: Edited, at_once: AtOnce, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """What the program says to each faulty campaign file."""

    def say(change: tuple[str, str]) -> str:
        house = shutil.copytree(sample, tmp_path_factory.mktemp("campaign") / "house")
        edited(house / CAMPAIGN, change)
        return refusal("lint", CAMPAIGN, cwd=house)

    return dict(zip(FAULTY, at_once(partial(say, change) for change in FAULTY), strict=True))


@pytest.mark.parametrize("change", FAULTY, ids=lambda change: change[1])
def test_a_campaign_file_that_cannot_be_understood_is_one_clear_line(
    said: dict[tuple[str, str], Future[str]], change: tuple[str, str]
) -> None:
    line = said[change].result()
    assert all(word in line for word in FAULTY[change]), line
