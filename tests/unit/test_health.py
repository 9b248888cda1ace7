"""What `doctor` and the metrics tell of ESPs that are to call back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from penstock.demo.sample import MOMENT
from penstock.gate import Gate
from penstock.health import examine
from penstock.listening import Listening
from penstock.model.event import Event, EventKind
from penstock.ports import Told
from penstock.testing.esps.sendgrid import FakeSendGrid

Person = Callable[..., dict[str, Any]]
Open = Callable[..., AbstractAsyncContextManager[Gate]]

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
HOUR = timedelta(hours=1)


def calling_back(
    house: Path, url: str = "resend:", key: str = KEY, *, api_key: str = "re_1", endpoint: str = "http://127.0.0.1:9"
) -> Path:
    """The config, its adapter led to an ESP."""
    config = house / "config.toml"
    adapter = (
        f'url = "{url}"\napi_key = "{api_key}"\nendpoint = "{endpoint}"\naup_exception = "contract 7"\n'
        f'[adapters.main.webhook]\nkey = "{key}"\n'
    )
    text = re.sub(r'url = "file:.*\n', lambda _: adapter, config.read_text())
    config.write_text(text.replace("[inbound]", "[inbound]\nsync_hours = 0"))
    return config


async def told(config: Path, after: timedelta) -> tuple[str, str]:
    """The one line on what comes back, so long after the sample's moment."""
    (finding,) = [each for each in await examine(config, MOMENT + after) if each.what == "returns"]
    return finding.state, finding.says


async def tell(gate: Gate, mark: str) -> None:
    """A call with two events, neither of our mails."""
    returns = gate.house.store.returns
    await returns.save("main", mark, mark.encode())
    (call,) = await returns.unread(9, ["main"])
    kinds = (EventKind.DELIVERED, EventKind.DEFERRED)
    await returns.take_in(
        call, [Told(Event(kind, kind, MOMENT, mail_id="0" * 32), frozenset(), None) for kind in kinds]
    )


@pytest.fixture
async def handed(house: Path, campaign: Path, opened: Open, person: Person) -> Path:
    """The config of a house that listened, and an hour later handed a mail to an ESP that told nothing."""
    async with FakeSendGrid() as fake:
        config = calling_back(house, "sendgrid:", fake.webhook_key, api_key=fake.key, endpoint=fake.url)
        async with opened() as gate:
            await gate.house.store.returns.open_door(["main"])
        async with opened(MOMENT + HOUR) as gate:
            report = await gate.send(campaign, [person("anna")], wait=0)
    assert report.outcomes == {"accepted": 1}
    return config


async def test_an_adapter_whose_esp_does_not_call_has_no_line(house: Path) -> None:
    assert "returns" not in {each.what for each in await examine(house / "config.toml", MOMENT)}


async def test_a_door_that_nobody_opened_is_told(house: Path) -> None:
    state, says = await told(calling_back(house), HOUR)
    assert state == "warn"
    assert "main: nobody listens yet: penstock relay" in says


async def test_it_tells_when_an_esp_told_last_and_how_much(house: Path, opened: Open) -> None:
    async with opened() as gate:
        await gate.house.store.returns.open_door(["main"])
    config = calling_back(house)
    assert await told(config, HOUR) == ("ok", "main: told nothing yet")
    async with opened() as gate:
        await tell(gate, "one")
    assert await told(config, timedelta(minutes=3)) == (
        "ok",
        "main: last told 3 min ago (calls 1, events 2, not of our mails 2)",
    )
    for passed, words in ((timedelta(), "just now"), (5 * HOUR, "5 h ago"), (50 * HOUR, "2 days ago")):
        assert f"last told {words} (" in (await told(config, passed))[1]


async def test_a_silent_esp_is_a_warning(handed: Path) -> None:
    assert (await told(handed, 24 * HOUR))[0] == "ok"
    state, says = await told(handed, 26 * HOUR)
    assert state == "warn"
    assert "main: told nothing since 2026-11-23 09:00 UTC of mail it was given; advertising by it waits" in says
    handed.write_text(handed.read_text().replace("[inbound]", "[inbound]\nsilent_after_hours = 0"))
    assert (await told(handed, 26 * HOUR))[0] == "ok", "nobody is watched"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "no secret"}, "no signing secret of Resend"),
        ({"key": "env:NOT_SET"}, "the environment variable is not set"),
        ({"url": "file:outbox"}, "nothing here reads what this adapter's ESP calls (installed: "),
        ({"url": "mailgun://mg.nordlicht.example"}, "need a secret path (path = "),
    ],
)
async def test_a_door_that_stays_shut_is_a_failure_with_its_mend(
    house: Path, change: dict[str, str], words: str
) -> None:
    state, says = await told(calling_back(house, **change), HOUR)
    assert state == "fail"
    assert says.startswith("main: ")
    assert words in says


async def test_a_shut_door_is_told_where_the_house_stays_shut_too(house: Path) -> None:
    config = calling_back(house, key="no secret")
    config.write_text(config.read_text() + '[adapters.other]\nurl = "carrier-pigeon:"\n')
    assert (await told(config, HOUR))[0] == "fail"


async def test_the_metrics_show_who_is_silent(handed: Path, opened: Open) -> None:
    async def shown(**environ: str) -> list[str]:
        async with opened(MOMENT + 26 * HOUR, WEB__LISTEN="127.0.0.1:0", **environ) as gate:
            stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
            listening = asyncio.create_task(Listening(gate.house).run(stop, ready=url.set_result))
            try:
                address = await asyncio.wait_for(url, 5)
                async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
                    return [line for line in (await answer.text()).splitlines() if "adapter_silent{" in line]
            finally:
                stop.set()
                await asyncio.wait_for(listening, 10)

    assert await shown() == ['penstock_adapter_silent{adapter="main"} 1.0']
    assert await shown(INBOUND__SILENT_AFTER_HOURS="48") == ['penstock_adapter_silent{adapter="main"} 0.0']
    assert await shown(INBOUND__SILENT_AFTER_HOURS="0") == []


async def test_advertising_to_a_silent_esp_waits(handed: Path, campaign: Path, opened: Open, person: Person) -> None:
    """The check as the house wires it."""
    async with opened(MOMENT + 26 * HOUR) as gate:
        decided = await gate.check(campaign, [person("bo"), person("cia")])
    said = [[(each.verdict, each.code) for each in one.reasons if each.stage == "silent_adapter"] for one in decided]
    assert said == [[("send", None)], [("defer", "RATE_BACKOFF")]]
