"""What a process that listens does from time to time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from penstock.config.settings import load_settings
from penstock.gate import open_gate
from penstock.listening import Listening
from penstock.testing import FakeClock
from penstock.testing.esp import OnList
from penstock.testing.esps.sendgrid import FakeSendGrid

AT = datetime(2026, 10, 1, tzinfo=UTC)
ON_LIST = "dan.berg@dan-maskin.example"


@asynccontextmanager
async def a_house(
    folder: Path, fake: FakeSendGrid, clock: FakeClock, hours: int = 24
) -> AsyncIterator[Listening]:  # fmt: skip
    config = folder / "config.toml"
    config.write_text(
        f'[adapters.sg]\nurl = "sendgrid:"\napi_key = "{fake.key}"\nendpoint = "{fake.url}"\n'
        f'[routes]\ndefault = "sg"\n[inbound]\nsync_hours = {hours}\n'
    )
    async with open_gate(load_settings(config, {}), clock=clock) as gate:
        yield Listening(gate.house)


async def test_lists_are_synced_when_they_are_due(tmp_path: Path) -> None:
    clock = FakeClock()
    async with FakeSendGrid(listed=[OnList("bounces", ON_LIST, AT)]) as fake, a_house(tmp_path, fake, clock) as house:
        assert await house.sync() == ["sg"]
        clock.advance(timedelta(hours=23))
        assert await house.sync() == []
        clock.advance(timedelta(hours=2))
        assert await house.sync() == ["sg"]


async def test_zero_hours_never_sync(tmp_path: Path) -> None:
    async with FakeSendGrid() as fake, a_house(tmp_path, fake, FakeClock(), hours=0) as house:
        assert await house.sync() == []
        assert fake.requests == []


async def test_a_sync_that_fails_is_tried_again(tmp_path: Path) -> None:
    async with FakeSendGrid() as fake, a_house(tmp_path, fake, FakeClock()) as house:
        fake.key = "changed meanwhile"
        assert await house.sync() == []
        fake.key = "test-key"
        assert await house.sync() == ["sg"]
