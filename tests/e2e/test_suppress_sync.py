"""Two lists that are kept equal without harming anybody: ours and an ESP's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Run
from tests.e2e.test_webhooks import sent, told

from penstock.testing.esp import OnList
from penstock.testing.esps.sendgrid import FakeSendGrid

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

AT = datetime(2026, 10, 1, tzinfo=UTC)


def rows(penstock: Run, house: Path, env: dict[str, str]) -> set[tuple[str, str]]:
    done = penstock("suppress", "list", "--json", cwd=house, env=env)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(row["subject"], row["reason"]) for row in found}


async def ask(penstock: Run, house: Path, env: dict[str, str], *words: str) -> str:
    done = await asyncio.to_thread(penstock, *words, cwd=house, env=env)
    assert done.returncode == 0, done.stderr
    assert "@" not in done.stdout
    return done.stdout


async def test_what_either_side_has_comes_to_the_other_and_nothing_goes(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    async with FakeSendGrid() as fake:
        env = told(fake, PENSTOCK__ADAPTERS__SG__URL="sendgrid:?group=7")
        await sent(house, person, contact_file, penstock, env, "anna", "bo")
        bo, carl, dan, eva = (f"{name}.berg@{name}-maskin.example" for name in ("bo", "carl", "dan", "eva"))
        for address in (bo, carl):
            await ask(penstock, house, env, "suppress", "add", address, "--reason", "objection", "--json")
        elsewhere = ("--reason", "phone", "--scope", "channel:post", "--json")
        await ask(penstock, house, env, "suppress", "add", "anna.berg@anna-maskin.example", *elsewhere)
        fake.listed += [OnList("spam_reports", dan, AT), OnList("blocks", eva, AT)]
        before = list(fake.listed)

        dry = await ask(penstock, house, env, "suppress", "sync", "sg", "--dry-run")
        assert "1 only there (spam_reports, complaint): would be added here" in dry
        assert "1 only here (objection): would be added there, on asm group 7" in dry
        assert fake.listed == before
        ours = {(bo, "objection"), (carl, "objection"), ("anna.berg@anna-maskin.example", "phone")}
        assert rows(penstock, house, env) == ours

        report = json.loads(await ask(penstock, house, env, "suppress", "sync", "sg", "--json"))
        assert (report["pulled"], report["pushed"]) == (1, 1)
        assert [(each.list_name, each.address) for each in fake.listed[len(before) :]] == [("group-7", bo)]
        assert fake.listed[: len(before)] == before
        assert rows(penstock, house, env) == {*ours, (dan, "complaint")}

        again = json.loads(await ask(penstock, house, env, "suppress", "sync", "sg", "--json"))
        assert (again["pulled"], again["pushed"], again["differences"]) == (0, 0, [])
        assert fake.refused == []


async def test_without_a_list_of_the_stream_nothing_is_pushed(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    async with FakeSendGrid() as fake:
        env = told(fake)
        await sent(house, person, contact_file, penstock, env, "anna")
        address = "anna.berg@anna-maskin.example"
        await ask(penstock, house, env, "suppress", "add", address, "--reason", "phone", "--json")
        said = await ask(penstock, house, env, "suppress", "sync", "sg")
        assert "1 only here (phone): this adapter names no list of the ESP that may take them" in said
        assert fake.listed == []


async def test_a_key_that_is_refused_changes_nothing(house: Path, penstock: Run) -> None:
    async with FakeSendGrid() as fake:
        env = told(fake, PENSTOCK__ADAPTERS__SG__API_KEY="wrong")
        done = await asyncio.to_thread(penstock, "suppress", "sync", "sg", cwd=house, env=env)
        assert done.returncode == 3
        assert "nothing was lost" in done.stderr


def test_an_adapter_without_lists_is_told(house: Path, penstock: Run) -> None:
    for name, what in (("main", "keeps no suppression list"), ("nobody", "no such adapter")):
        done = penstock("suppress", "sync", name, cwd=house)
        assert done.returncode == 2
        assert what in done.stderr
