"""`penstock send --test-to ME`: the finished mail in one's own mailbox, and nothing else has changed."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.by_smtp import copies, recipient, way_out
from tests.integration.scripted_sink import ScriptedSink, running

import penstock

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]

MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ME = "me@nordlicht.example"
SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")
TEST = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--test-to", ME)
TOKEN = re.compile(r"[A-Za-z0-9_-]{56}")
SENDER = '\n[[sender]]\ndomain = "nordlicht.example"\nreturn_path = "bounce.nordlicht.example"\n'


async def test_a_test_mail_is_marked_and_harmless_and_the_real_mail_still_is_the_first(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    contact_file(house / "people.jsonl", [person("anna"), person("bo")])
    edited(house / "config.toml", ("[web]", SENDER + "\n[web]"))
    async with running(ScriptedSink()) as sink:
        options: dict[str, Any] = {"cwd": house, "env": way_out(sink)}
        (made,) = await asyncio.to_thread(records, *TEST, "--as", "Bo.Berg@BO-maskin.example", **options)
        assert made == {
            "test": True,
            "as": "bo.berg@bo-maskin.example",
            "verdict": "send",
            "code": None,
            "until": None,
            "outcome": "accepted",
            "why": None,
        }
        (test,) = sink.received
        sink.received.clear()
        (row,) = await asyncio.to_thread(ledger, penstock, house)
        assert (row["kind"], row["step"], row["outcomes"]) == ("test", "purchasing-2026", ["accepted"])

        real = await asyncio.to_thread(records, *SEND, **options)
        assert [(line["variant"], line["outcome"]) for line in real] == [("first", "accepted")] * 2
        assert copies(sink) == {"anna.berg@anna-maskin.example": 1, "bo.berg@bo-maskin.example": 1}
    ids = {line["mail_id"] for line in real}
    mail = email.message_from_bytes(test.data, policy=email.policy.default)
    assert recipient(test.rcpt) == ME
    assert mail["To"] == f"Bo Berg <{ME}>"
    assert mail["Subject"] == "[TEST] purchasing for Bo Maskin AB"
    assert mail["X-Penstock-Test"] == "yes"
    assert not any(each in test.data.decode() for each in ids)
    async with open_quietly(house) as gate:
        tokens = [gate.house.services.tokens.read(each) for each in TOKEN.findall(unfolded(mail))]
        purposes = {purpose for purpose, mail_id in filter(None, tokens)}
        assert {"test-header", "test-body", "test-mailto"} == purposes - {"test-page"}
        assert not {mail_id for _, mail_id in filter(None, tokens)} & ids
        bounce = gate.house.services.tokens.read(recipient(test.mail).partition("@")[0].removeprefix("b+"))
        assert bounce is not None
        assert bounce[0] == "bounce"
        assert bounce[1] not in ids  # a bounce of the test says nothing of the person


def open_quietly(house: Path) -> Any:
    return penstock.open(house / "config.toml", now=MOMENT, read_only=True)


def unfolded(mail: Any) -> str:
    part = mail.get_body(("plain",))
    return f"{mail['List-Unsubscribe']}\n{part.get_content()}".replace(" ", "\n")


def ledger(run: Run, house: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("ledger", "export", cwd=house).stdout.splitlines()]


def test_the_first_mails_are_made_also_of_those_who_would_not_be_mailed(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    """The default is one; what the real mail would meet is told."""
    people = [person("anna"), {"address": "broken"}, person("bo", company={"employees": 3}), person("carl")]
    contact_file(house / "people.jsonl", people)
    told = penstock(*TEST, cwd=house)
    assert (told.returncode, told.stdout) == (0, "anna.berg@anna-maskin.example: test accepted; the real mail: send\n")
    lines = records(*TEST, "--limit", "2", cwd=house)
    assert [(line["as"][:2], line["verdict"], line["code"], line["outcome"]) for line in lines] == [
        ("an", "send", None, "accepted"),
        ("bo", "block", "NOT_RELEVANT", "accepted"),
    ]
    assert len(outbox(house)) == 3


async def test_a_test_mail_that_cannot_be_made_or_is_refused_is_exit_1(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    contact_file(house / "people.jsonl", [person("anna", company={"name": None}), person("bo")])
    edited(house / "campaigns" / "short.toml", ("{{ company.name|default('your team') }}", "{{ company.name }}"))
    async with running(ScriptedSink({"RCPT": ["550 5.1.1 no such user"]})) as sink:
        options: dict[str, Any] = {"cwd": house, "env": way_out(sink)}
        done = await asyncio.to_thread(penstock, *TEST, "--limit", "2", **options)
    assert done.returncode == 1
    anna, bo = done.stdout.splitlines()
    assert "test not made: RENDER_FAILED" in anna
    assert "test failed" in bo
    assert (await asyncio.to_thread(penstock, "suppress", "list", cwd=house)).stdout.startswith("0 ")


def test_without_a_way_out_it_is_exit_3(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile, unused_port: int
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    url = f"smtp://127.0.0.1:{unused_port}?tls=none"
    done = penstock(*TEST, cwd=house, env={"PENSTOCK__ADAPTERS__MAIN__URL": url})
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith("nothing was lost, the same command continues")


@pytest.fixture
def unused_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def test_to_another_mailbox_than_the_allowed_it_is_exit_2(
    refusal: Refusal, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    env = {"PENSTOCK__SAFETY__ALLOW_RECIPIENTS": '["maskin.example"]'}
    assert "allow_recipients" in refusal(*TEST, cwd=house, env=env)


def test_what_makes_no_sense_is_one_clear_line(
    penstock: Run, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile, at_once: Any
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    wrong = {
        (*TEST, "--as", "nobody@maskin.example"): "no contact has this address",
        ("send", "campaigns/short.toml", "--as", "anna@maskin.example"): "goes with --test-to only",
        (*TEST, "--dry-run"): "--dry-run sends nothing",
        ("send", "campaigns/short.toml", "--test-to", "me"): "--test-to: not an address",
    }
    lines = at_once([lambda words=words: refusal(*words, cwd=house) for words in wrong])
    for line, what in zip(lines, wrong.values(), strict=True):
        assert what in line.result()
