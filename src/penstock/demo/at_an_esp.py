"""The demo through an ESP's plugin: a local server stands in for the ESP, takes the mails and calls back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.errors import InvalidInput
from penstock.gate import Gate
from penstock.listening import Listening
from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, FakeEsp, Happening
from penstock.testing.esps import NAMES, fake_of, settings_for

__all__ = ["EspDemo", "Heard"]

_ADAPTER = "main"
_LOOK_SECONDS = 0.05
_CONTRACT = "sample contract of the demo"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the ESP got and told: mails that arrived, what broke its description, and events that were taken by kind."""

    esp: str
    arrived: int
    refused: int
    events: Mapping[str, int]


class EspDemo:
    """One local server. Use `environ` for the settings while the server runs."""

    def __init__(self, esp: str) -> None:
        """Raises InvalidInput for an ESP that there is no local server for."""
        if esp not in NAMES:
            raise InvalidInput("there is no local server for this ESP", where=f"--adapter {esp}", mend=", ".join(NAMES))
        self.esp = esp
        self.fake: FakeEsp = fake_of(esp)
        self._path, self._login = secrets.token_hex(16), f"esp:{secrets.token_hex(16)}"

    @property
    def environ(self) -> dict[str, str]:
        """The adapter as environment variables, with the exception without which most ESPs take no advertising."""
        told = {name.upper(): value for name, value in settings_for(self.esp, self.fake).items()}
        told["AUP_EXCEPTION"] = _CONTRACT
        if self._calls_back:
            told |= {"WEBHOOK__PATH": self._path, "WEBHOOK__LOGIN": self._login, "WEBHOOK__KEY": self.fake.webhook_key}
        settings = {f"PENSTOCK__ADAPTERS__MAIN__{name}": value for name, value in told.items()}
        return {**settings, "PENSTOCK__WEB__LISTEN": "127.0.0.1:0", "PENSTOCK__INBOUND__SYNC_HOURS": "0"}

    async def listen(self, gate: Gate) -> Heard:
        """Serve the door, let the server call back about what it took, and let every event have its effect."""
        happened = _told(self.fake.arrived, gate)
        if self._calls_back and happened:
            await self._called(gate, happened)
        counts = {each.what: each.number for each in await gate.house.store.returns.counts()}
        events = {kind.value: counts[kind] for kind in EventKind if counts.get(kind)}
        return Heard(self.esp, len(self.fake.arrived), len(self.fake.refused), events)

    async def _called(self, gate: Gate, happened: list[Happening]) -> None:
        listening, stop, ready = Listening(gate.house), asyncio.Event(), asyncio.Event()
        urls: list[str] = []

        def told(url: str) -> None:
            urls.append(url)
            ready.set()

        serving = asyncio.create_task(listening.run(stop, ready=told))
        serving.add_done_callback(lambda _task: ready.set())
        try:
            await ready.wait()
            for url in urls:  # none: what `serving` raises below says why it could not begin
                door = f"http://{self._login}@{urlsplit(url).netloc}/webhooks/{_ADAPTER}/{self._path}"
                await self.fake.post(door, happened, gate.house.clock.now())
                while await gate.house.store.returns.unread(1, [_ADAPTER]):  # noqa: ASYNC110 — the listener reads, and tells nobody
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            stop.set()
        await serving

    @property
    def _calls_back(self) -> bool:
        """Calls of SES are proved by a certificate that lies at Amazon, which no local server can have."""
        return self.esp != "ses"


def _told(arrived: list[Arrived], gate: Gate) -> list[Happening]:
    """All were delivered but two: one mailbox is gone, and one person complained."""
    now = gate.house.clock.now()
    kinds = {0: EventKind.BOUNCED_HARD, 1: EventKind.COMPLAINED}
    return [
        Happening(kinds.get(place, EventKind.DELIVERED), each, f"demo-{place}", now)
        for place, each in enumerate(arrived)
    ]
