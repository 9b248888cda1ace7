"""Whichever door a letter comes in by, it is judged the same and leaves as the same octets, but for ids and times."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
import smtplib
import sqlite3
import tomllib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.relay.advertising import ADVERTISING, CAMPAIGNS
from tests.corpus.relay.letter import FROM, Case
from tests.corpus.relay.orders import ORDERS
from tests.corpus.relay.transactional import TRANSACTIONAL
from tests.e2e.conftest import MOMENT
from tests.e2e.staying import staying, until

import penstock
from penstock.acceptance.accepting import Accepting
from penstock.errors import InvalidInput
from penstock.gate import Gate
from penstock.law.countries import country_code
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.suppression import SuppressionReason
from penstock.ports import Client, ContactRow
from penstock.sources.rows import RowReader
from penstock.suppression_list import SuppressionList

Person = Callable[..., dict[str, Any]]

CASES = {case.name: case for case in (*TRANSACTIONAL, *ADVERTISING, *ORDERS)}
EXPECTED = tomllib.loads((Path(__file__).parents[1] / "corpus" / "relay" / "verdicts.toml").read_text("utf-8"))
"""`verdicts` is what the doors say: a line for each mail, or why it was not taken. `smtp`: what only that door says."""
OPEN_ENDED = ("dots", "no-last-line-end")
"""In SMTP every line has an end (RFC 5321 section 4.1.1.4)."""
OURS = re.compile(rb"(?im)^(?:x-penstock-[^:]*|bcc|return-path):.*\r\n(?:[ \t].*\r\n)*")
DOORS = ("library", "http", "smtp")
SENDER = "eva.berg@nordlicht.example"
NETWORK = Client("", frozenset(Stream))
NOW = datetime.fromisoformat(MOMENT)
_USUAL = re.compile(r"^550 5\.(?:6\.0|7\.1) ")
_TRACE = re.compile(rb"Received: by nordlicht\.example with penstock id\s+ID; [^\r]+\r\n")


@dataclass(frozen=True)
class Story:
    """What one door made of one case: its refusals, a line for each mail, the octets that left, and the dry run."""

    refused: tuple[str, ...]
    lines: tuple[str, ...]
    left: tuple[bytes | None, ...]
    rehearsed: tuple[str, ...] = ()

    @property
    def told(self) -> list[str]:
        return [*self.lines, *self.refused]


@dataclass(frozen=True)
class Said:
    """What a door answered to one case."""

    refused: tuple[str, ...] = ()
    rehearsed: tuple[str, ...] = ()


@pytest.fixture(scope="module")
async def stocked(sample: Path, person: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house that knows the corpus's people and campaigns; each door gets a copy with the same keys."""
    house = shutil.copytree(sample, tmp_path_factory.mktemp("golden") / "house")
    head, _, _ = (house / "campaigns" / "purchasing.toml").read_text("utf-8").partition("[message]")
    for name, changes in CAMPAIGNS.items():
        text = head.replace('id = "purchasing-2026"', f'id = "{name}"')
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (house / "campaigns" / f"{name}.toml").write_text(
            f"{text}[message]\nfrom = '{FROM}'\nrelayed = true\n", "utf-8"
        )
    files = ", ".join(f'"campaigns/{name}.toml"' for name in (*CAMPAIGNS, "purchasing"))
    relay = f'[relay]\nstreams = {json.dumps([*Stream])}\nlook_ups = "100000/min"\ncampaigns = [{files}]\n'
    config = house / "config.toml"
    config.write_text(config.read_text("utf-8").replace("?smtputf8=no", "") + relay, "utf-8")
    async with penstock.open(config, now=NOW) as gate:
        for case in CASES.values():
            await _make_known(gate, case, person)
    return house


async def _make_known(gate: Gate, case: Case, person: Person) -> None:
    if case.contact is not None:
        given = person(case.name, **case.contact)
        row = RowReader({}, country_code).read(1, given | {"address": case.to[0]})
        assert isinstance(row, ContactRow), row
        await gate.house.store.contacts.upsert([(row.contact, gate.house.identifier.of(row.contact))])
    if case.suppressed:
        await SuppressionList(gate.house).add(case.to[0], SuppressionReason(case.suppressed[-1]), scope="all")


@pytest.fixture(scope="module")
async def stories(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Story]]:
    """By door and case: every letter is handed in at every door of a house of its own."""
    told = {}
    for door, hand_in in zip(DOORS, (by_library, by_http, by_smtp), strict=True):
        house = shutil.copytree(stocked, tmp_path_factory.mktemp(door) / "house")
        said = await hand_in(house)
        told[door] = await _stories(house, said)
    return told


async def by_library(house: Path) -> dict[str, Said]:
    """By `gate.submit`, which sends while it is open."""
    said = {}
    async with penstock.open(house / "config.toml", now=NOW) as gate:
        for case in CASES.values():
            refused = []
            for _ in range(case.times):
                try:
                    await gate.submit(case.data, stream="")
                except InvalidInput as fault:
                    refused.append(f"{fault.what} {fault.where if fault.where.isupper() else ''}".strip())
            said[case.name] = Said(tuple(refused))
    return said


async def by_http(house: Path) -> dict[str, Said]:
    """Each case raw, or in JSON where it is said so; asked for a dry run before."""
    with staying(house, "relay", "--only", "http,worker", lines=2) as relay:
        (url,) = relay.urls
        place = url.split("/")[2]
        with closing(http.client.HTTPConnection(place, timeout=30)) as client:
            said = {case.name: _posted(client, case) for case in CASES.values()}
        await asyncio.to_thread(until, lambda: _still(house) == 0, 60)
        assert relay.stop() == 0
    return said


def _posted(client: http.client.HTTPConnection, case: Case) -> Said:
    asked, rehearsed = _post(client, case, "?dry_run=1")
    refused = []
    for _ in range(case.times):
        status, answer = _post(client, case, "")
        if status != 202:
            refused.append(f"{answer['detail']} {answer.get('code', '')}".strip())
            assert rehearsed == answer
    lines = rehearsed["decisions"] if asked == 200 else []
    return Said(tuple(refused), tuple(_verdict(line) for line in lines))


def _post(client: http.client.HTTPConnection, case: Case, query: str) -> tuple[int, dict[str, Any]]:
    kind = "application/json" if case.order else "message/rfc822"
    body = json.dumps(case.order).encode() if case.order else case.data
    client.request("POST", f"/api/v1/mails{query}", body, {"Content-Type": kind})
    answer = client.getresponse()
    return answer.status, json.loads(answer.read())


async def by_smtp(house: Path) -> dict[str, Said]:
    """Each case in a session of its own, octet by octet."""
    with staying(house, "relay", "--only", "smtp,worker", lines=2) as relay:
        said = {case.name: await asyncio.to_thread(_mailed, relay.smtp, case) for case in CASES.values()}
        await asyncio.to_thread(until, lambda: _still(house) == 0, 60)
        assert relay.stop() == 0
    return said


def _mailed(port: int, case: Case) -> Said:
    refused = []
    for _ in range(case.times):
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.ehlo("crm.example")
            assert client.mail(SENDER, ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
            assert all(client.rcpt(each)[0] == 250 for each in case.to)
            code, text = client.data(case.data)
        if code != 250:
            refused.append(_USUAL.sub("", f"{code} {text.decode()}"))
    return Said(tuple(refused))


def _still(house: Path) -> int:
    """The mails that are not yet decided or on their way."""
    with closing(sqlite3.connect(house / "penstock.db")) as base:
        (number,) = base.execute("SELECT count(*) FROM mails WHERE state IN ('queued', 'begun')").fetchone()
    return int(number)


def _ids(house: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(house / "penstock.db")) as base:
        for id_, recipient in base.execute("SELECT lower(hex(id)), recipient FROM mails ORDER BY seq"):
            found.setdefault(recipient, []).append(id_)
    return found


async def _stories(house: Path, said: Mapping[str, Said]) -> dict[str, Story]:
    stories, ids = {}, _ids(house)
    async with penstock.open(house / "config.toml", now=NOW, read_only=True) as gate:
        accepting = Accepting(gate.house)
        for case in CASES.values():
            lines, left = [], []
            for each in case.to:
                address = parse_address(each)
                assert isinstance(address, Address)
                for id_ in ids.pop(str(address), []):
                    found = await accepting.look_up(NETWORK, id_)
                    assert found is not None
                    lines.append(f"{_verdict(found['decision'])}: {found['state']}")
                    left.append(_left(house, id_, case))
            stories[case.name] = Story(said[case.name].refused, tuple(lines), tuple(left), said[case.name].rehearsed)
    assert ids == {}
    return stories


def _verdict(line: Mapping[str, Any]) -> str:
    assert line["code"] == (line["codes"] or [None])[0]
    return " ".join([line["verdict"], *line["codes"]])


def _left(house: Path, id_: str, case: Case) -> bytes | None:
    """The finished mail without what differs by nature: its id, and times that the letter itself does not say."""
    file = house / "outbox" / f"{id_}.eml"
    if not file.exists():
        return None
    data, count = _TRACE.subn(b"", file.read_bytes().replace(id_.encode(), b"ID"))
    assert count == 1
    if b"Date: " not in case.data:
        data = re.sub(rb"Date: [^\r]+\r\n", b"", data, count=1)
    if b"Message-ID: " not in case.data:
        data = re.sub(rb"Message-ID: <ID\.[0-9a-f]{12}@", b"Message-ID: <ID@", data, count=1)
    return data


def test_the_corpus_is_whole() -> None:
    assert len(CASES) == len(TRANSACTIONAL) + len(ADVERTISING) + len(ORDERS)
    assert [*EXPECTED["verdicts"]] == [*CASES]


@pytest.mark.parametrize("door", DOORS)
def test_every_letter_is_judged_as_the_corpus_says(stories: Mapping[str, Mapping[str, Story]], door: str) -> None:
    expected = EXPECTED["verdicts"] | (EXPECTED["smtp"] if door == "smtp" else {})
    assert {name: story.told for name, story in stories[door].items()} == expected


@pytest.mark.parametrize("name", CASES)
def test_what_leaves_is_the_same_octets_by_every_door(stories: Mapping[str, Mapping[str, Story]], name: str) -> None:
    """Where the SMTP door refuses what the others mend, those two are compared."""
    library, by_http, by_smtp = (stories[door][name] for door in DOORS)
    assert [each is not None for each in library.left] == [line.endswith(": accepted") for line in library.lines]
    assert by_http.left == library.left
    if name in OPEN_ENDED:
        assert by_smtp.left == tuple((each or b"") + b"\r\n" for each in library.left)
    elif name not in EXPECTED["smtp"]:
        assert by_smtp.left == library.left
    else:
        assert by_smtp.left == ()


@pytest.mark.parametrize("name", [case.name for case in TRANSACTIONAL if case.name != "no-date-no-id"])
def test_a_transactional_letter_leaves_as_it_came_but_for_what_was_said_to_us(
    stories: Mapping[str, Mapping[str, Story]], name: str
) -> None:
    head, blank, body = re.sub(rb"\r\n|\r|\n", b"\r\n", CASES[name].data).partition(b"\r\n\r\n")
    as_it_came = OURS.sub(b"", head + b"\r\n") + blank[2:] + body
    assert {each for each in stories["library"][name].left if each is not None} <= {as_it_came}


def test_a_dry_run_says_what_really_comes(stories: Mapping[str, Mapping[str, Story]]) -> None:
    for name, story in stories["http"].items():
        really = [line.partition(":")[0] for line in story.lines]
        assert [*story.rehearsed] * (len(really) // len(story.rehearsed or "1")) == really, name


def test_stray_line_ends_are_mended_where_nothing_can_be_smuggled_and_refused_by_smtp(
    stories: Mapping[str, Mapping[str, Story]],
) -> None:
    for name in ("bare-lf", "bare-cr", "smuggled"):
        assert stories["smtp"][name].told == ["a CR or LF stands alone, or a NUL octet"]
        (left,) = stories["library"][name].left
        assert left is not None
        assert re.search(rb"[^\r]\n|\r[^\n]", left) is None
