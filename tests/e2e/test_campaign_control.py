"""`penstock campaign`: what one process decides binds all others at once."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.e2e.by_smtp import arrived, copies, way_out
from tests.integration.scripted_sink import ScriptedSink, running

import penstock as library
from penstock.campaign_desk import CampaignDesk
from penstock.config.settings import load_settings

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]

ID = "purchasing-2026"
CAMPAIGN = "campaigns/short.toml"
SEND = ("send", CAMPAIGN, "--contacts", "people.jsonl", "--wait", "0")
PEOPLE = 600


def opened(house: Path, environ: Mapping[str, str] = MappingProxyType({})) -> Any:
    settings = load_settings(house / "config.toml", environ)
    return library.open(settings, now=datetime(2026, 11, 23, 9, tzinfo=UTC))


def begun(house: Path) -> int:
    """How often a mail began, as the ledger has it."""
    with closing(sqlite3.connect(f"file:{house / 'penstock.db'}?mode=ro", uri=True)) as store:
        number: int = store.execute("SELECT count(*) FROM ledger WHERE kind = 'begin'").fetchone()[0]
        return number


async def test_a_pause_from_another_process_stops_a_running_send_within_a_second_and_resume_completes_it(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person(f"p{n}") for n in range(PEOPLE)])
    async with running(ScriptedSink(delay=0.01)) as sink:
        options: dict[str, Any] = {"cwd": house, "env": way_out(sink)}
        sending = asyncio.create_task(asyncio.to_thread(records, *SEND, **options))
        await asyncio.wait_for(arrived(sink, 20), 30)
        paused = await asyncio.to_thread(penstock, "campaign", "pause", ID, **options)
        assert (paused.returncode, paused.stdout) == (0, f"{ID}: paused\n")
        await asyncio.sleep(1)
        one_second_later = begun(house)
        lines = await sending
        assert len(lines) == PEOPLE
        assert begun(house) == one_second_later == len(sink.received) < PEOPLE
        assert {line["code"] for line in lines} == {None, "CAMPAIGN_PAUSED"}
        assert sum(line["outcome"] == "accepted" for line in lines) == one_second_later

        resumed = await asyncio.to_thread(penstock, "campaign", "resume", ID, **options)
        assert f"{PEOPLE - one_second_later} mails" in resumed.stdout
        sink.delay = 0
        assert (await asyncio.to_thread(penstock, *SEND, **options)).returncode == 0
        assert len(copies(sink)) == PEOPLE
        assert set(copies(sink).values()) == {1}


async def test_a_paused_campaign_holds_its_mails_and_the_list_says_so(
    penstock: Run, records: Records, house: Path, person: Person
) -> None:
    early = await asyncio.to_thread(penstock, "campaign", "pause", ID, cwd=house)  # never sent, and yet it counts
    assert (early.returncode, "nothing of a campaign with this id was ever sent" in early.stdout) == (0, True)
    lines: list[dict[str, Any]] = []
    async with opened(house) as gate:
        people = [person("anna"), person("bo", company={"employees": None})]
        await gate.send(house / CAMPAIGN, people, wait=0, emit=lines.append)
    anna, bo = sorted(lines, key=lambda line: str(line["address"]))
    assert (anna["verdict"], anna["code"]) == ("hold", "CAMPAIGN_PAUSED")
    assert bo["codes"] == ["NOT_RELEVANT", "CAMPAIGN_PAUSED"]
    (row,) = await asyncio.to_thread(records, "campaign", "list", cwd=house)
    assert len(row.pop("form")) == 12
    assert row == {
        "campaign": ID,
        "state": "paused",
        "approved": False,
        "approved_by": None,
        "starts_at": "2026-11-20T08:00:00Z",
        "expires_at": "2026-12-20T18:00:00Z",
        "first_sent_at": None,
        "mails": {"held": 2},
    }


async def test_what_cannot_be_done_is_one_clear_line(refusal: Refusal, house: Path, at_once: AtOnce) -> None:
    async with opened(house) as gate:
        desk = CampaignDesk(gate.house)
        await desk.offer(gate.campaign(house / CAMPAIGN))
        await desk.cancel(ID)
    said = {
        ("resume", "autumn"): "no campaign is called 'autumn' here",
        ("approve", "campaigns/none.toml", "--by", "A. Lind"): "No such file",
        ("pause", ID): f"campaign {ID} is cancelled",
        ("cancel", ID): f"campaign {ID} is cancelled",
    }
    lines = await asyncio.to_thread(at_once, [partial(refusal, "campaign", *words, cwd=house) for words in said])
    for line, what in zip(lines, said.values(), strict=True):
        assert what in line.result()


async def test_with_four_eyes_a_campaign_waits_for_a_second_person(
    penstock: Run, records: Records, house: Path, person: Person
) -> None:
    environ = {"PENSTOCK__SAFETY__FOUR_EYES": "true"}
    async with opened(house, environ) as gate:
        report = await gate.send(house / CAMPAIGN, [person("anna")], wait=0)
        assert report.decisions == {("hold", "CAMPAIGN_PAUSED"): 1}
    options: dict[str, Any] = {"cwd": house, "env": environ}
    (done,) = await asyncio.to_thread(records, "campaign", "approve", CAMPAIGN, "--by", "A. Lind", **options)
    assert re.match("approved in the form [0-9a-f]{12}; 1 mails", done["done"])
    async with opened(house, environ) as gate:
        assert (await gate.send(house / CAMPAIGN, [person("anna")], wait=0)).outcomes == {"accepted": 1}
    listed = await asyncio.to_thread(penstock, "campaign", "list", **options)
    assert "approved by A. Lind" in listed.stdout
