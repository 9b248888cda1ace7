"""Signed calls with outcomes, taken by a real server that checks them on its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from penstock.config.settings import load_settings
from penstock.errors import ConfigError
from penstock.gate import open_gate
from penstock.outcomes.call import NotTaken, OutcomeCall, Taken
from penstock.outcomes.receiver_health import receiver_findings
from penstock.outcomes.telling import TellingOutcomes
from penstock.testing import FakeClock
from penstock.wiring import House

SECRET = b"0123456789abcdef0123456789abcdef"
KEY = f"whsec_{base64.b64encode(SECRET).decode()}"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def taken(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


def saying(status: int, headers: dict[str, str] | None = None) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


@dataclass
class Receiver:
    """A CRM. `answer` says what it makes of a call; what does not prove itself fails the test."""

    answer: Answer = taken
    secret: bytes = SECRET
    calls: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    elsewhere: int = 0
    url: str = ""

    async def hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        message, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        version, _, signature = request.headers["webhook-signature"].partition(",")
        expected = hmac.new(self.secret, b".".join((message.encode(), stamp.encode(), body)), hashlib.sha256)
        if version != "v1" or base64.b64decode(signature) != expected.digest():
            return web.Response(status=401)
        said = json.loads(body)
        assert (said["type"], request.content_type) == ("outcomes", "application/json")
        self.calls.append((message, said["data"]["events"]))
        self.bodies.append(body)
        self.stamps.append(int(stamp))
        return await self.answer(request)

    async def other(self, _request: web.Request) -> web.StreamResponse:
        self.elsewhere += 1
        return web.Response(status=200)

    @property
    def told(self) -> list[str]:
        return [event["contact_id"] for _, events in self.calls for event in events]


@asynccontextmanager
async def serving(receiver: Receiver) -> AsyncIterator[Receiver]:
    app = web.Application()
    app.router.add_post("/hook", receiver.hook)
    app.router.add_route("*", "/elsewhere", receiver.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def configured(folder: Path, url: str, more: str = "", key: str = KEY) -> Path:
    config = folder / "config.toml"
    config.write_text(f'[[outcomes]]\nname = "crm"\nurl = "{url}"\nkey = "{key}"\n{more}\n')
    return config


@asynccontextmanager
async def a_house(config: Path, clock: FakeClock | None = None) -> AsyncIterator[House]:
    async with open_gate(load_settings(config, {}), clock=clock or FakeClock()) as gate:
        yield gate.house


@asynccontextmanager
async def telling(house: House, **more: Any) -> AsyncIterator[TellingOutcomes]:
    teller = TellingOutcomes(house, jitter=lambda: 0.0, **more)
    try:
        yield teller
    finally:
        await teller.aclose()


async def happens(house: House, *names: str) -> None:
    for name in names:
        await house.store.ledger.append("consent_withdrawn", {"contact": name, "consents": 1})


async def test_batches_arrive_signed_in_order_and_once(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(250)]
    async with serving(Receiver()) as crm, a_house(configured(tmp_path, crm.url, "history = true")) as house:
        await happens(house, *names)
        async with telling(house) as teller:
            assert await teller.tell() == 3
            assert await teller.tell() == 0
            await happens(house, "new")
            assert await teller.tell() == 1
    assert [len(events) for _, events in crm.calls] == [100, 100, 50, 1]
    assert crm.told == [*names, "new"]
    assert len({message for message, _ in crm.calls}) == 4
    assert crm.stamps[0] == int(FakeClock().machine())


async def test_it_begins_with_what_happens_after_it_was_first_seen(tmp_path: Path) -> None:
    async with serving(Receiver()) as crm, a_house(configured(tmp_path, crm.url)) as house:
        await happens(house, "before")
        async with telling(house) as teller:
            assert await teller.tell() == 0
            await happens(house, "after")
            assert await teller.tell() == 1
    assert crm.told == ["after"]


async def test_a_key_of_plain_text_signs_too(tmp_path: Path) -> None:
    config = configured(tmp_path, "", key="sixteen letters!")
    async with serving(Receiver(secret=b"sixteen letters!")) as crm:
        config.write_text(config.read_text().replace('url = ""', f'url = "{crm.url}"'))
        async with a_house(config) as house, telling(house) as teller:
            await teller.tell()
            await happens(house, "a")
            assert await teller.tell() == 1


async def test_only_the_kinds_and_streams_that_are_wanted_are_told(tmp_path: Path) -> None:
    more = 'kinds = ["held", "opted_out"]\nstreams = ["newsletter"]\nhistory = true'
    async with serving(Receiver()) as crm, a_house(configured(tmp_path, crm.url, more)) as house:
        for number, (verdict, stream) in enumerate(
            [("hold", "newsletter"), ("hold", "customer"), ("block", "newsletter")]
        ):
            facts = {"mail": f"{number:032x}", "verdict": verdict, "stream": stream, "contact": f"c{number}"}
            await house.store.ledger.append("decision", facts)
        facts = {"mail": f"{8:032x}", "event": "unsubscribed", "stream": "customer", "contact": "c8"}
        await house.store.ledger.append("event", facts)
        await happens(house, "c9")
        async with telling(house) as teller:
            assert await teller.tell() == 1
    assert [(event["kind"], event["contact_id"]) for event in crm.calls[0][1]] == [
        ("held", "c0"),
        ("opted_out", "c8"),
        ("opted_out", "c9"),
    ]


async def test_what_was_not_taken_is_repeated_unchanged_after_growing_pauses(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        serving(Receiver(saying(500))) as crm,
        a_house(configured(tmp_path, crm.url, "history = true"), clock) as house,
        telling(house) as teller,
    ):
        await happens(house, "a", "b")
        assert await teller.tell() == 0
        await happens(house, "c")
        for pause in (5, 10, 20, 40):
            clock.advance(timedelta(seconds=pause - 1))
            before = len(crm.calls)
            await teller.tell()
            assert len(crm.calls) == before
            clock.advance(timedelta(seconds=1))
            await teller.tell()
            assert len(crm.calls) == before + 1
        for _ in range(9):
            clock.advance(timedelta(hours=1))
            await teller.tell()
        assert len(crm.calls) == 14
        ((state, says),) = await receiver_findings(house)
        assert (state, "HTTP 500" in says) == ("warn", True)
        crm.answer = taken
        clock.advance(timedelta(hours=1))
        assert await teller.tell() == 2
        assert (await receiver_findings(house))[0][0] == "ok"
    assert len({message for message, _ in crm.calls[:-1]}) == 1
    assert len(set(crm.bodies[:-1])) == 1
    assert [event["contact_id"] for event in crm.calls[-1][1]] == ["c"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
async def test_a_receiver_is_waited_for_as_long_as_it_asks(tmp_path: Path, status: int, as_date: bool) -> None:
    clock = FakeClock()
    after = format_datetime(clock.now() + timedelta(seconds=300), usegmt=True) if as_date else "300"
    async with (
        serving(Receiver(saying(status, {"Retry-After": after}))) as crm,
        a_house(configured(tmp_path, crm.url, "history = true"), clock) as house,
        telling(house) as teller,
    ):
        await happens(house, "a")
        await teller.tell()
        clock.advance(timedelta(seconds=299))
        await teller.tell()
        assert len(crm.calls) == 1
        clock.advance(timedelta(seconds=1))
        await teller.tell()
        assert len(crm.calls) == 2


async def test_a_redirect_is_not_followed_and_not_an_answer(tmp_path: Path) -> None:
    async with (
        serving(Receiver(saying(307, {"Location": "/elsewhere"}))) as crm,
        a_house(configured(tmp_path, crm.url, "history = true")) as house,
        telling(house) as teller,
    ):
        await happens(house, "a")
        assert await teller.tell() == 0
        states, _ = await house.store.receivers.states()
    assert (len(crm.calls), crm.elsewhere, states["crm"].fault) == (1, 0, "HTTP 307")


async def test_who_answers_gone_is_told_nothing_more_until_somebody_says_so(tmp_path: Path) -> None:
    clock = FakeClock()
    async with serving(Receiver(saying(410))) as crm:
        config = configured(tmp_path, crm.url, "history = true")
        async with a_house(config, clock) as house, telling(house) as teller:
            await happens(house, "a")
            await teller.tell()
            clock.advance(timedelta(days=2))
            await teller.tell()
            assert len(crm.calls) == 1
            ((state, says),) = await receiver_findings(house)
            assert (state, "penstock events resume crm" in says) == ("fail", True)
            crm.answer = taken
            assert await house.store.receivers.resume("crm")
            assert not await house.store.receivers.resume("nobody")
            assert await teller.tell() == 1
    assert crm.told == ["a", "a"]
    assert len({message for message, _ in crm.calls}) == 1


async def test_another_address_lifts_a_stop(tmp_path: Path) -> None:
    clock = FakeClock()
    async with serving(Receiver(saying(410))) as crm, serving(Receiver()) as moved:
        for each in (crm, moved):
            async with a_house(configured(tmp_path, each.url, "history = true"), clock) as house:
                await happens(house, "a")
                async with telling(house) as teller:
                    await teller.tell()
    assert crm.told == ["a"]
    assert moved.told == ["a", "a"]


async def test_a_receiver_that_is_down_or_silent_keeps_no_other_waiting(tmp_path: Path) -> None:
    async def for_ever(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(Receiver(for_ever)) as silent, serving(Receiver()) as crm:
        others = "".join(
            f'[[outcomes]]\nname = "{name}"\nurl = "{url}"\nkey = "{KEY}"\nhistory = true\n'
            for name, url in {"silent": silent.url, "down": "http://127.0.0.1:9/hook"}.items()
        )
        async with a_house(configured(tmp_path, crm.url, f"history = true\n{others}")) as house:
            stop = asyncio.Event()
            running = asyncio.create_task(TellingOutcomes(house, look=0.01).run(stop))
            for number in range(20):
                await happens(house, f"c{number}")
                await asyncio.sleep(0.01)
            await until(lambda: len(crm.told) == 20)
            states, _ = await house.store.receivers.states()
            began = asyncio.get_running_loop().time()
            stop.set()
            await running
            assert asyncio.get_running_loop().time() - began < 1
            left, _ = await house.store.receivers.states()
    assert len(silent.calls) == 1
    assert (states["down"].tries, states["down"].fault) == (1, "ClientConnectorError")
    assert {each.lease_until for each in left.values()} == {0.0}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 — what is awaited happens in a server
            await asyncio.sleep(0.01)


async def test_nobody_to_be_told_is_no_work(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    async with a_house(tmp_path / "config.toml") as house:
        await TellingOutcomes(house).run(asyncio.Event())


async def test_of_two_processes_one_tells_and_the_other_takes_over(tmp_path: Path) -> None:
    clock, numbers = FakeClock(), count()
    async with (
        serving(Receiver(saying(500))) as crm,
        a_house(configured(tmp_path, crm.url, "history = true"), clock) as house,
    ):
        one = TellingOutcomes(house, jitter=lambda: 0.0, new_id=lambda: f"id{next(numbers)}")
        async with telling(house) as other:
            await happens(house, "a")
            await one.tell()
            clock.advance(timedelta(seconds=10))
            crm.answer = taken
            assert await other.tell() == 0
            assert len(crm.calls) == 1
            clock.advance(timedelta(seconds=55))
            assert await other.tell() == 1
            assert await one.tell() == 0
            await happens(house, "b")
            await other.aclose()
            assert await one.tell() == 1
        await one.aclose()
    assert crm.told == ["a", "a", "b"]
    assert crm.calls[0][0] == crm.calls[1][0] == "msg_id1"


async def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_long(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        serving(Receiver(saying(500))) as crm,
        a_house(configured(tmp_path, crm.url, "history = true"), clock) as house,
    ):
        async with telling(house) as teller:
            await happens(house, "a")
            await teller.tell()
        clock.advance(timedelta(days=-2))
        crm.answer = taken
        async with telling(house) as teller:
            assert await teller.tell() == 1


CRASHING = """
import asyncio, sys
from penstock.config.settings import load_settings
from penstock.gate import open_gate
from penstock.outcomes.telling import TellingOutcomes

async def main():
    async with open_gate(load_settings(sys.argv[1], {})) as gate:
        await TellingOutcomes(gate.house).tell()

asyncio.run(main())
"""


async def test_a_crash_after_the_call_repeats_it_under_the_same_id(tmp_path: Path) -> None:
    async with serving(Receiver()) as crm:
        config = configured(tmp_path, crm.url, "history = true")
        async with a_house(config, FakeClock(datetime.now(UTC))) as house:
            await happens(house, "a", "b")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", CRASHING, str(config))

        async def die(_request: web.Request) -> web.StreamResponse:
            process.kill()
            return web.Response(status=200)

        crm.answer = die
        assert await process.wait() == -signal.SIGKILL
        crm.answer = taken
        async with a_house(config, FakeClock(datetime.now(UTC) + timedelta(minutes=2))) as house:
            await happens(house, "c")
            async with telling(house) as teller:
                assert await teller.tell() == 2
    assert [[event["contact_id"] for event in events] for _, events in crm.calls] == [["a", "b"], ["a", "b"], ["c"]]
    assert crm.calls[0][0] == crm.calls[1][0] != crm.calls[2][0]
    assert crm.bodies[0] == crm.bodies[1]


async def test_the_answer_is_the_status_whatever_follows(tmp_path: Path) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 65_536)
                await asyncio.sleep(0.01)
        except ConnectionError:
            return answer

    async with serving(Receiver(drip)) as crm:
        call = OutcomeCall(crm.url, SECRET)
        assert await call.post("msg_1", b'{"type": "outcomes", "data": {"events": []}}', 1.0) == Taken()
        await call.aclose()


async def test_a_receiver_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    async def for_ever(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(Receiver(for_ever)) as crm:
        call = OutcomeCall(crm.url, SECRET, seconds=0.1)
        answer = await call.post("msg_1", b'{"type": "outcomes", "data": {"events": []}}', 1.0)
        assert answer == NotTaken("no answer in time")
        await call.aclose()


@pytest.mark.parametrize("key", ["too short", "whsec_not base64!", "whsec_c2hvcnQ=", "env:NOT_SET"])
async def test_a_key_that_proves_nothing_is_a_fault_of_the_config(tmp_path: Path, key: str) -> None:
    async with a_house(configured(tmp_path, "https://crm.example/hook", key=key)) as house:
        with pytest.raises(ConfigError) as caught:
            TellingOutcomes(house)
        ((state, says),) = await receiver_findings(house)
    assert state == "fail"
    assert key.removeprefix("whsec_") not in f"{caught.value} {says}" or key.startswith("env:")


async def test_neither_key_nor_address_is_written_anywhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with serving(Receiver(saying(500))) as crm:
        secret_url = f"{crm.url}?token=hidden"
        async with a_house(configured(tmp_path, secret_url, "history = true")) as house, telling(house) as teller:
            await happens(house, "a")
            await teller.tell()
            states, _ = await house.store.receivers.states()
            shown = f"{house.settings.outcomes!r} {states} {await receiver_findings(house)}"
    printed = "".join(capfd.readouterr())
    assert len(crm.calls) == 1
    assert "outcomes_not_taken" in printed
    assert "hidden" not in printed
    assert KEY not in printed + shown
