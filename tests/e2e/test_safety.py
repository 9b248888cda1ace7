"""`[safety]`: the brakes bind every mail, whatever the campaign says."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.e2e.by_smtp import copies, way_out
from tests.integration.scripted_sink import ScriptedSink, running

import penstock
from penstock.config.settings import load_settings

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]

MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ME = "me@nordlicht.example"
SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")
CHECK = ("check", "campaigns/short.toml", "--contacts", "people.jsonl")


def invoice(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "billing@nordlicht.example"
    message["To"] = to
    message["Subject"] = "Invoice"
    message.set_content("Attached.")
    return message


async def test_redirected_mails_reach_nobody_else_and_the_real_run_still_sends_the_first_message(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    people = [person("anna"), person("bo")]
    contact_file(house / "people.jsonl", people)
    async with running(ScriptedSink()) as sink:
        trial = way_out(sink, SAFETY__REDIRECT_ALL_TO=ME)
        done = await asyncio.to_thread(penstock, *SEND, cwd=house, env=trial)
        assert done.returncode == 0
        assert f"every mail went to {ME}; the real run still sends" in done.stdout
        assert copies(sink) == {ME: 2}
        assert all(f"To: {name} Berg <{ME}>".encode() in each.data for name, each in named(sink))

        sink.received.clear()
        real = await asyncio.to_thread(records, *SEND, cwd=house, env=way_out(sink))
        assert {(line["verdict"], line["variant"], line["outcome"]) for line in real} == {("send", "first", "accepted")}
        assert copies(sink) == dict.fromkeys((each["address"] for each in people), 1)
        async with penstock_open(house, way_out(sink)) as gate:
            again = await gate.send(house / "campaigns" / "short.toml", people, wait=0)
        assert (again.already_sent, len(sink.received)) == (2, 2)


def penstock_open(house: Path, environ: Mapping[str, str]) -> Any:
    return penstock.open(load_settings(house / "config.toml", environ), now=MOMENT)


def named(sink: ScriptedSink) -> list[tuple[str, Any]]:
    return sorted(("Anna" if b"Dear Anna" in each.data else "Bo", each) for each in sink.received)


async def test_what_happens_to_a_redirected_mail_says_nothing_of_the_person(
    house: Path, person: Person, contact_file: ContactFile
) -> None:
    """A mailbox for trials that does not exist makes nobody's address dead."""
    anna = person("anna")
    async with running(ScriptedSink({"RCPT": ["550 5.1.1 no such user"]})) as sink:
        for environ in (way_out(sink, SAFETY__REDIRECT_ALL_TO=ME), way_out(sink)):
            settings = load_settings(house / "config.toml", environ)
            async with penstock.open(settings, now=MOMENT) as gate:
                report = await gate.send(house / "campaigns" / "short.toml", [anna], wait=0)
                assert await gate.house.store.suppressions.count() == 0
        assert report.outcomes == {"accepted": 1}
        assert copies(sink) == {anna["address"]: 1}


async def test_a_ready_made_message_is_redirected_and_keeps_whom_it_is_meant_for(house: Path) -> None:
    async with running(ScriptedSink()) as sink:
        trial = load_settings(house / "config.toml", way_out(sink, SAFETY__REDIRECT_ALL_TO=ME))
        async with penstock.open(trial, now=MOMENT) as gate:
            await gate.submit(invoice("anna@maskin.example"))
            gate.stop.set()  # before the courier set out
        assert copies(sink) == {}
        async with penstock.open(trial, now=MOMENT) as gate:
            await gate.submit(invoice("bo@maskin.example"))
        assert copies(sink) == {ME: 2}
        sink.received.clear()
        async with penstock.open(trial, now=MOMENT) as gate:
            await gate.submit(invoice("carl@maskin.example"))
            gate.stop.set()
        async with penstock.open(load_settings(house / "config.toml", way_out(sink)), now=MOMENT) as gate:
            await gate.submit(invoice("dora@maskin.example"))
        assert copies(sink) == {"carl@maskin.example": 1, "dora@maskin.example": 1}


async def test_nothing_leaves_but_to_those_who_are_allowed(
    records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    people = [person("anna"), person("bo"), person("carl", address="carl@sub.bo-maskin.example")]
    contact_file(house / "people.jsonl", people)
    environ = {"PENSTOCK__SAFETY__ALLOW_RECIPIENTS": '["Anna.Berg@anna-maskin.example", "@bo-maskin.example"]'}
    for words in (CHECK, SEND):
        lines = await asyncio.to_thread(records, *words, cwd=house, env=environ)
        said = {line["address"].partition(".")[0]: (line["verdict"], line["code"]) for line in lines}
        assert said == {"anna": ("send", None), "bo": ("send", None), "carl@sub": ("hold", "SAFETY_BRAKE")}
    assert len(outbox(house)) == 2
    async with penstock_open(house, environ) as gate:
        (held,) = await gate.house.store.mails.held("", 9)
        assert await gate.house.store.mails.release([held.mail_id], "it is fine")
        again = await gate.send(house / "campaigns" / "short.toml", people, wait=0)
    assert again.decisions == {("block", "DUPLICATE"): 2, ("hold", "SAFETY_BRAKE"): 1}
    assert len(outbox(house)) == 2  # a brake is let off in the config, not by a release


async def test_the_brakes_bind_ready_made_messages_too(house: Path, outbox: Outbox) -> None:
    environ = {
        "PENSTOCK__SAFETY__ALLOW_RECIPIENTS": '["maskin.example", "bücher.example"]',
        "PENSTOCK__SAFETY__DAILY_CEILING": "2",
    }
    async with penstock.open(load_settings(house / "config.toml", environ), now=MOMENT) as gate:
        ids = [
            (await gate.submit(invoice(f"{name}@{domain}"))).mail_ids[0]
            for name, domain in (("anna", "maskin.example"), ("bo", "other.example"), ("carl", "bücher.example"))
        ]
    assert outbox(house).keys() == {f"{ids[0]}.eml", f"{ids[2]}.eml"}
    async with penstock.open(load_settings(house / "config.toml", environ), now=MOMENT) as gate:
        (held,) = await gate.house.store.mails.held("", 9)
        assert (held.mail_id, held.code) == (ids[1], penstock.Code.SAFETY_BRAKE)
        late = await gate.submit(invoice("dora@maskin.example"))
    assert f"{late.mail_ids[0]}.eml" not in outbox(house)


def test_a_daily_ceiling_defers_the_rest_to_midnight_utc_and_the_next_day_goes_on(
    records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    contact_file(house / "people.jsonl", [person(f"p{n}") for n in range(5)])
    options: dict[str, Any] = {"cwd": house, "env": {"PENSTOCK__SAFETY__DAILY_CEILING": "3"}}
    first = records(*SEND, **options)
    assert Counter(line["code"] for line in first) == {None: 3, "RATE_BACKOFF": 2}
    assert {line["until"] for line in first if line["code"]} == {"2026-11-24T00:00:00Z"}
    assert len(outbox(house)) == 3
    next_day = records(*SEND, now="2026-11-24T00:00:00Z", **options)
    assert Counter(line["code"] for line in next_day) == {None: 2, "DUPLICATE": 3}
    assert len(outbox(house)) == 5


async def test_two_processes_keep_one_ceiling(
    records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    files = [
        contact_file(house / f"{name}.jsonl", [person(f"{name}{n}") for n in range(120)]) for name in ("one", "two")
    ]
    options: dict[str, Any] = {"cwd": house, "env": {"PENSTOCK__SAFETY__DAILY_CEILING": "100"}}
    await asyncio.gather(
        *(
            asyncio.to_thread(records, "send", "campaigns/short.toml", "--contacts", file, "--wait", "0", **options)
            for file in files
        )
    )
    assert len(outbox(house)) == 100
