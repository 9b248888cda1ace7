"""A campaign through `failover(…)` while the first ESP dies in the middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import penstock
from penstock.config.settings import Settings, load_settings
from penstock.testing.esp import FakeEsp, Mood
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.esps.sendgrid import FakeSendGrid

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = 60


def by_both(house: Path, first: FakeEsp, second: FakeEsp, **more: str) -> Settings:
    return load_settings(
        house / "config.toml",
        {
            "PENSTOCK__ADAPTERS__SG__URL": "sendgrid:",
            "PENSTOCK__ADAPTERS__SG__API_KEY": first.key,
            "PENSTOCK__ADAPTERS__SG__ENDPOINT": first.url,
            "PENSTOCK__ADAPTERS__SG__AUP_EXCEPTION": "contract 7",
            "PENSTOCK__ADAPTERS__MG__URL": "mailgun:mg.nordlicht.example",
            "PENSTOCK__ADAPTERS__MG__API_KEY": second.key,
            "PENSTOCK__ADAPTERS__MG__ENDPOINT": second.url,
            "PENSTOCK__ADAPTERS__MG__AUP_EXCEPTION": "contract 8",
            "PENSTOCK__ROUTES__DEFAULT": "failover(sg mg)",
            **more,
        },
    )


async def test_nobody_twice_nobody_lost_and_what_is_in_doubt_is_listed(
    house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person(f"p{n}") for n in range(PEOPLE)])
    lines: list[dict[str, Any]] = []
    dying = [*[Mood.ACCEPT] * 20, Mood.HANG_UP, Mood.ACCEPT_THEN_ERROR, Mood.SERVER_ERROR, *[Mood.BAD_KEY] * 99]
    async with FakeSendGrid(moods=dying) as first, FakeMailgun() as second:
        async with penstock.open(by_both(house, first, second), now=MOMENT) as gate:
            await gate.send(house / "campaigns" / "purchasing.toml", house / "people.jsonl", wait=0, emit=lines.append)
            uncertain = await gate.house.store.mails.uncertain("", 100)
        assert first.refused == second.refused == []
    ends = Counter(line["outcome"] for line in lines)
    arrived = Counter(each.recipient for each in (*first.arrived, *second.arrived))
    assert set(arrived.values()) == {1}
    assert len(second.arrived) >= 30
    assert len(lines) == PEOPLE
    assert ends["accepted"] + ends["uncertain"] == PEOPLE
    doubtful = {line["address"] for line in lines if line["outcome"] == "uncertain"}
    assert len(uncertain) == len(doubtful) == 3
    assert {line["address"] for line in lines if line["outcome"] == "accepted"} <= arrived.keys()
    assert len(arrived.keys() | doubtful) == PEOPLE


async def test_an_esp_whose_terms_ask_for_consent_gets_no_other_advertising(
    house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    async with FakeSendGrid() as first, FakeMailgun() as second:
        settings = by_both(house, first, second, PENSTOCK__ADAPTERS__MG__AUP_EXCEPTION="")
        async with penstock.open(settings, now=MOMENT) as gate:
            (decision,) = await gate.check(house / "campaigns" / "purchasing.toml", house / "people.jsonl")
        assert first.requests == second.requests == []
    assert decision.code == "NO_LEGAL_BASIS"
