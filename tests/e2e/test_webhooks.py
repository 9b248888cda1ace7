"""A campaign through an ESP that calls back: a real relay process takes the calls, and each has its effect once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.e2e.conftest import MOMENT, PROGRAM, Run, environment

from penstock.model.event import EventKind
from penstock.testing.esp import FakeEsp, Happening, Mood
from penstock.testing.esps.sendgrid import FakeSendGrid

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
NOW = datetime.fromisoformat(MOMENT)


def told(fake: FakeEsp, **own: str) -> dict[str, str]:
    """What the environment says of the adapter."""
    return {
        "PENSTOCK__ADAPTERS__SG__URL": "sendgrid:",
        "PENSTOCK__ADAPTERS__SG__API_KEY": fake.key,
        "PENSTOCK__ADAPTERS__SG__ENDPOINT": fake.url,
        "PENSTOCK__ADAPTERS__SG__AUP_EXCEPTION": "contract 7",
        "PENSTOCK__ADAPTERS__SG__WEBHOOK__KEY": fake.webhook_key,
        "PENSTOCK__ROUTES__DEFAULT": "sg",
        "PENSTOCK__WEB__LISTEN": "127.0.0.1:0",
        **own,
    }


@asynccontextmanager
async def listening(house: Path, env: Mapping[str, str], *, now: str | None = MOMENT) -> AsyncIterator[str]:
    """The address of `penstock relay --only web`, which ends cleanly afterwards."""
    words = [*(["--now", now] if now else []), "relay", "--only", "web"]
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM),
        *words,
        cwd=house,
        env=environment(house, env),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        if not line.startswith("listening at "):
            assert process.stderr is not None
            raise AssertionError((await process.stderr.read()).decode())
        yield line.split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        _, err = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, err.decode()
        assert "@" not in err.decode()


def happened(fake: FakeEsp, kinds: Mapping[str, EventKind], at: datetime = NOW) -> list[Happening]:
    """To each person (local part) that kind of event."""
    by_name = {each.recipient.partition(".")[0]: each for each in fake.arrived}
    return [Happening(kind, by_name[name], f"{name}-{kind}", at) for name, kind in kinds.items()]


async def until(ready: Callable[[], bool]) -> None:
    for _ in range(200):
        if await asyncio.to_thread(ready):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that within 10 s")


def unread(house: Path) -> int:
    with sqlite3.connect(f"file:{house / 'penstock.db'}?mode=ro", uri=True) as base:
        return int(base.execute("SELECT count(*) FROM webhook_calls WHERE state = 'new'").fetchone()[0])


async def sent(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run, env: Mapping[str, str], *names: str
) -> list[dict[str, Any]]:
    people = contact_file(house / "people.jsonl", [person(name) for name in names])
    campaign = house / "campaigns" / "purchasing.toml"
    words = ("send", campaign, "--contacts", people, "--wait", "0", "--json")
    done = await asyncio.to_thread(penstock, *words, cwd=house, env=env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(penstock: Run, house: Path, env: Mapping[str, str]) -> dict[str, str]:
    done = penstock("suppress", "list", "--json", cwd=house, env=env)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["subject"].partition(".")[0]: row["reason"] for row in rows}


async def test_what_people_say_to_the_esp_is_obeyed_here(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    async with FakeSendGrid() as fake:
        env = told(fake)
        await sent(house, person, contact_file, penstock, env, "anna", "bo", "cia", "dan")
        kinds = {"anna": EventKind.COMPLAINED, "bo": EventKind.BOUNCED_HARD, "cia": EventKind.CLICKED,
                 "dan": EventKind.UNSUBSCRIBED}  # fmt: skip
        async with listening(house, env) as url:
            for _ in range(2):
                assert await fake.post(f"{url}/webhooks/sg", happened(fake, kinds), NOW) == [200]
            await until(lambda: unread(house) == 0)
            async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
                metrics = await answer.text()
        assert 'penstock_returns_total{adapter="sg",what="taken"} 4.0' in metrics
        assert listed(penstock, house, env) == {"anna": "complaint", "bo": "bounce", "dan": "unsubscribe"}
        ledger = penstock("ledger", "verify", cwd=house, env=env)
        assert ledger.returncode == 0, ledger.stdout


async def test_doubts_are_settled_by_what_the_esp_tells(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    async with FakeSendGrid(moods=[Mood.ACCEPT_THEN_ERROR] * 2) as fake:
        env = told(fake)
        lines = await sent(house, person, contact_file, penstock, env, "anna", "bo")
        assert {line["outcome"] for line in lines} == {"uncertain"}
        async with listening(house, env) as url:
            kinds = {"anna": EventKind.DELIVERED, "bo": EventKind.REJECTED}
            await fake.post(f"{url}/webhooks/sg", happened(fake, kinds), NOW)
            await until(lambda: unread(house) == 0)
        left = penstock("uncertain", "list", "--json", cwd=house, env=env)
        assert left.stdout == ""


async def test_a_call_that_was_kept_before_a_crash_is_read_after_it(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    """The call lies in the store as if the process had died between keeping and reading."""
    async with FakeSendGrid() as fake:
        env = told(fake)
        await sent(house, person, contact_file, penstock, env, "anna")
        (call,) = fake.calls(happened(fake, {"anna": EventKind.COMPLAINED}), NOW)
        with sqlite3.connect(house / "penstock.db") as base:
            row = ("sg", "mark", b"\0" * 32, int(NOW.timestamp() * 1e6), call.body)
            base.execute("INSERT INTO webhook_calls (adapter, mark, digest, at, body) VALUES (?, ?, ?, ?, ?)", row)
        async with listening(house, env):
            await until(lambda: unread(house) == 0)
        assert listed(penstock, house, env) == {"anna": "complaint"}


async def test_forged_replayed_old_and_foreign_calls_change_nothing(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    async with FakeSendGrid() as fake, FakeSendGrid() as forger:
        env = told(fake)
        await sent(house, person, contact_file, penstock, env, "anna")
        complaint = happened(fake, {"anna": EventKind.COMPLAINED})
        async with listening(house, env) as url:
            door = f"{url}/webhooks/sg"
            assert await forger.post(door, complaint, NOW) == [403]
            assert await fake.post(door, complaint, NOW - timedelta(days=3)) == [403]
            stranger = Happening(EventKind.COMPLAINED, complaint[0].arrived, "x", NOW)
            foreign = fake.calls([stranger], NOW)[0].body.replace(b"penstock_mail_id", b"another_argument")
            async with aiohttp.ClientSession() as session:
                for body in (b"", b"\xff" * 100, foreign):
                    async with session.post(door, data=body) as answer:
                        assert answer.status == 403
            assert await fake.post(f"{url}/webhooks/sg/guess", complaint, NOW) == [404]
            assert await fake.post(f"{url}/webhooks/main", complaint, NOW) == [404]
        assert listed(penstock, house, env) == {}


def test_a_door_that_anybody_could_use_does_not_open(house: Path, penstock: Run) -> None:
    env = {"PENSTOCK__ADAPTERS__PM__URL": "postmark:", "PENSTOCK__ADAPTERS__PM__API_KEY": "k",
           "PENSTOCK__ADAPTERS__PM__WEBHOOK__LOGIN": "esp:word", "PENSTOCK__WEB__LISTEN": "127.0.0.1:0"}  # fmt: skip
    done = penstock("relay", "--only", "web", cwd=house, env=env)
    assert done.returncode == 2
    assert "secret path" in done.stderr
    done = penstock("relay", "--only", "web", cwd=house, env={**env, "PENSTOCK__ADAPTERS__PM__WEBHOOK__PATH": "p" * 20,
                    "PENSTOCK__ADAPTERS__PM__WEBHOOK__LOGIN": ""})  # fmt: skip
    assert done.returncode == 2
    assert "need a login" in done.stderr


@pytest.mark.parametrize("only", ["webb", "web,smpt", ""])
def test_roles_that_are_not_there_are_refused(house: Path, penstock: Run, only: str) -> None:
    done = penstock("relay", "--only", only, cwd=house)
    assert done.returncode == 2
    assert "penstock: " in done.stderr
