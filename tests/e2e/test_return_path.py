"""Who stands in From and MAIL FROM, what a mail server says of a recipient, and which addresses it carries."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.by_smtp import copies, recipient, way_out
from tests.integration.scripted_sink import EXTENSIONS, ScriptedSink, running

import penstock
from penstock.config.settings import load_settings
from penstock.gate import Gate

Run = Callable[..., subprocess.CompletedProcess[str]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Edited = Callable[..., Path]

MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")
SENDER = '[[sender]]\ndomain = "nordlicht.example"\nreturn_path = "bounce.nordlicht.example"\n\n[web]'
PATH = re.compile(r"b\+([A-Za-z0-9_-]{56})@bounce\.nordlicht\.example")


def opened(house: Path, environ: Mapping[str, str]) -> Any:
    return penstock.open(load_settings(house / "config.toml", environ), now=MOMENT)


def invoice(sender: str = "billing@nordlicht.example", to: str = "anna@maskin.example") -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = "Invoice"
    message.set_content("Attached.")
    return message


def named(gate: Gate, sender: str) -> tuple[str, str] | None:
    """Purpose and mail id that a MAIL FROM names."""
    found = PATH.fullmatch(sender)
    assert found, sender
    assert len(sender.partition("@")[0]) <= 64  # RFC 5321 section 4.5.3.1.1
    return gate.house.services.tokens.read(found[1])


async def test_every_mail_has_a_return_path_that_names_it(house: Path, person: Person, edited: Edited) -> None:
    edited(house / "config.toml", ("[web]", SENDER))
    lines: list[dict[str, Any]] = []
    async with running(ScriptedSink()) as sink, opened(house, way_out(sink)) as gate:
        people = [person("anna"), person("bo")]
        await gate.send(house / "campaigns" / "short.toml", people, wait=0, emit=lines.append)
        assert {recipient(each.rcpt): named(gate, recipient(each.mail)) for each in sink.received} == {
            line["address"]: ("bounce", line["mail_id"]) for line in lines
        }
        sink.received.clear()
        sink.arrived.clear()
        receipt = await gate.submit(invoice())
        await asyncio.wait_for(sink.arrived.wait(), 10)
        (each,) = sink.received
        assert named(gate, recipient(each.mail)) == ("bounce", receipt.mail_ids[0])
        assert b"From: billing@nordlicht.example\r\n" in each.data


async def test_without_a_return_path_the_from_address_stands_there(house: Path, person: Person) -> None:
    async with running(ScriptedSink()) as sink, opened(house, way_out(sink)) as gate:
        await gate.send(house / "campaigns" / "short.toml", [person("anna")], wait=0)
        assert [recipient(each.mail) for each in sink.received] == ["eva.berg@nordlicht.example"]


def test_a_campaign_whose_from_is_nobodys_or_may_not_go_this_way_is_one_clear_line(
    refusal: Refusal, house: Path, edited: Edited, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    other = '[adapters.second]\nurl = "file:second"\n[[sender]]\ndomain = "nordlicht.example"\nadapters = ["second"]\n'
    edited(house / "config.toml", ("[web]", f"{other}\n[web]"))
    said = refusal(*SEND, cwd=house)
    assert re.search(r"short\.toml:\d+ message\.from: mail from nordlicht\.example may not leave by .*main", said)
    assert "second" in said
    edited(house / "config.toml", ('domain = "nordlicht.example"', 'domain = "sued.example"'))
    said = refusal(*SEND, cwd=house)
    assert re.search(r"short\.toml:\d+ message\.from: the domain of From is in no \[\[sender\]\]", said)
    assert "sued.example" in said


@pytest.mark.parametrize(
    ("sender", "adapters", "what"),
    [("billing@sued.example", "[]", "in no"), ("billing@nordlicht.example", '["second"]', "may not leave")],
)
async def test_a_ready_made_message_is_refused_likewise(
    house: Path, edited: Edited, sender: str, adapters: str, what: str
) -> None:
    table = f'[adapters.second]\nurl = "file:second"\n[[sender]]\ndomain = "nordlicht.example"\nadapters = {adapters}\n'
    edited(house / "config.toml", ("[web]", f"{table}\n[web]"))
    async with opened(house, {}) as gate:
        with pytest.raises(penstock.InvalidInput, match=what):
            await gate.submit(invoice(sender))


async def test_who_does_not_exist_is_never_mailed_again_and_who_is_away_is(
    penstock: Run, house: Path, person: Person, edited: Edited
) -> None:
    people = [person("anna"), person("bo"), person("carl")]
    script = {"RCPT": ["550 5.1.1 no such user", "550 5.2.2 mailbox full", "450 4.2.1 try again later"]}
    campaign = house / "campaigns" / "short.toml"
    lines: list[dict[str, Any]] = []
    async with running(ScriptedSink(script)) as sink:
        async with opened(house, way_out(sink, "&connections=1")) as gate:
            await gate.send(campaign, people, wait=0, emit=lines.append)
            assert sorted(line["outcome"] for line in lines) == ["failed", "failed", "try_later"]
            (dead,) = await gate.house.store.suppressions.entries("", 9)
            assert (dead.entry.reason, dead.entry.scope) == ("bounce", "all")
        address = dead.entry.subject
        checked = await asyncio.to_thread(penstock, "suppress", "check", address, "--strict", cwd=house)
        assert checked.returncode == 1
        assert "bounce" in checked.stdout

        edited(campaign, ('id = "purchasing-2026"', 'id = "second-2026"'), ('"1/7d", "3/90d"', '"9/7d"'))
        async with opened(house, way_out(sink)) as gate:
            again = {each.address: each.code for each in await gate.check(campaign, people)}
            assert again == {each["address"]: "HARD_BOUNCED" if each["address"] == address else None for each in people}
            await gate.send(campaign, people, wait=0)
            assert copies(sink).keys() == {each["address"] for each in people} - {address}


@pytest.mark.parametrize("offered", [True, False])
async def test_with_smtputf8_auto_such_addresses_go_where_the_server_offers_it(
    house: Path, person: Person, offered: bool
) -> None:
    extensions = [each for each in EXTENSIONS if offered or each != "SMTPUTF8"]
    jörg = person("jorg", address="jörg@jorg-maskin.example")
    async with (
        running(ScriptedSink(extensions=extensions)) as sink,
        opened(house, way_out(sink, "&smtputf8=auto")) as gate,
    ):
        report = await gate.send(house / "campaigns" / "short.toml", [jörg, person("anna")], wait=0)
        wanted = {("send", ""): 2} if offered else {("send", ""): 1, ("hold", "SMTPUTF8_UNSUPPORTED"): 1}
        assert report.decisions == wanted
        assert copies(sink) == {"anna.berg@anna-maskin.example": 1, **({jörg["address"]: 1} if offered else {})}
        assert [" SMTPUTF8" in each.mail for each in sink.received if "jörg" in each.rcpt] == [True] * offered


async def test_a_ready_made_message_may_go_to_such_an_address(house: Path) -> None:
    async with running(ScriptedSink()) as sink:
        async with opened(house, way_out(sink, "&smtputf8=yes")) as gate:
            await gate.submit(invoice(to="Jörg Dahl <jörg@maskin.example>"))
        assert copies(sink) == {"jörg@maskin.example": 1}
