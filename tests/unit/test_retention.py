"""What is deleted beside contacts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from penstock.config.settings import load_settings
from penstock.gate import open_gate
from penstock.retention import Retention
from penstock.testing import FakeClock


@pytest.mark.parametrize(("dry_run", "left"), [(False, 1), (True, 2)])
async def test_old_calls_of_esps_go_and_a_dry_run_leaves_them(tmp_path: Path, *, dry_run: bool, left: int) -> None:
    clock = FakeClock()
    config = tmp_path / "config.toml"
    config.write_text("[inbound]\nkeep_calls_days = 30\n")
    async with open_gate(load_settings(config, {}), clock=clock) as gate:
        returns = gate.house.store.returns
        for mark in ("old", "new"):
            await returns.save("main", mark, mark.encode())
            (call,) = await returns.unread(9, ["main"])
            await returns.take_in(call, [])
            clock.advance(timedelta(days=20))
        await Retention(gate.house).run(dry_run=dry_run)
        kept = await gate.house.store.database.read(lambda each: each.execute("SELECT count(*) FROM webhook_calls").get)
    assert kept == left
