"""Reading calls that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from penstock.errors import InvalidInput
from penstock.inbound.event_reader import EventReader
from penstock.model.address import Address
from penstock.model.event import Event, EventKind
from penstock.model.suppression import SuppressionReason
from penstock.ports import Genuine, WebhookCall
from penstock.testing import FakeClock
from penstock.testing.fakes import FakeReturns

CLOCK = FakeClock()


@dataclass
class Codec:
    answers: list[Sequence[Event] | Exception] = field(default_factory=list)
    signed: bool = True
    needs_path: bool = False
    refused: int = 403

    async def verify(self, call: WebhookCall, /) -> Genuine:
        return Genuine("m")

    def events(self, body: bytes, /) -> Sequence[Event]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        return []


def keys(address: Address) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    person = str(address).encode()
    return (person, person + b"-old"), (person,)


def event(kind: EventKind, recipient: str = "anna@firm.example", key: str = "k") -> Event:
    return Event(kind, key, CLOCK.now(), "0" * 32, "", recipient)


async def read(*answers: Sequence[Event] | Exception) -> FakeReturns:
    returns = FakeReturns()
    for number in range(len(answers)):
        await returns.save("sg", f"m{number}", b"%d" % number)
    number = await EventReader({"sg": Codec([*answers])}, returns, keys, CLOCK).read()
    assert number == len(answers)
    assert await returns.unread(99, ["sg"]) == []
    return returns


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (EventKind.BOUNCED_HARD, SuppressionReason.BOUNCE),
        (EventKind.COMPLAINED, SuppressionReason.COMPLAINT),
        (EventKind.UNSUBSCRIBED, SuppressionReason.UNSUBSCRIBE),
    ],
)
async def test_what_ends_it_brings_an_entry_for_the_person_named(kind: EventKind, reason: SuppressionReason) -> None:
    returns = await read([event(kind)])
    (told,) = returns.told
    assert told.entry is not None
    assert (told.entry.reason, told.entry.subject, told.entry.keys) == (
        reason,
        "anna@firm.example",
        (b"anna@firm.example",),
    )
    assert told.keys == {b"anna@firm.example", b"anna@firm.example-old"}


async def test_nothing_else_brings_an_entry() -> None:
    others = set(EventKind) - {EventKind.BOUNCED_HARD, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED}
    returns = await read([event(kind, key=kind) for kind in others])
    assert [told.entry for told in returns.told] == [None] * len(others)


@pytest.mark.parametrize("recipient", ["", "nonsense", "a@b@c"])
async def test_an_address_that_cannot_be_read_names_nobody(recipient: str) -> None:
    (told,) = (await read([event(EventKind.COMPLAINED, recipient)])).told
    assert told.keys == frozenset()
    assert told.entry is not None
    assert told.entry.keys == ()
    assert told.entry.subject is None


@pytest.mark.parametrize("fault", [InvalidInput("not theirs"), KeyError("x"), RecursionError()])
async def test_a_call_that_cannot_be_read_does_not_stop_those_behind(fault: Exception) -> None:
    returns = await read(fault, [event(EventKind.COMPLAINED)])
    assert len(returns.told) == 1
    assert returns.set_aside == [0]


async def test_a_call_of_an_adapter_that_this_process_does_not_know_is_left_to_others() -> None:
    returns = FakeReturns()
    await returns.save("old", "m", b"x")
    assert await EventReader({"sg": Codec()}, returns, keys, CLOCK).read() == 0
    assert returns.set_aside == []
    assert len(await returns.unread(9, ["old"])) == 1


async def test_an_event_that_cannot_be_kept_does_not_stop_those_behind() -> None:
    returns = await read([event(EventKind.COMPLAINED, key="\ud800")], [event(EventKind.COMPLAINED)])
    assert returns.set_aside == [0]
    assert len(returns.told) == 1


async def test_an_event_from_the_future_counts_from_now() -> None:
    late = Event(EventKind.COMPLAINED, "k", CLOCK.now() + timedelta(days=900), "0" * 32, "", "anna@firm.example")
    (told,) = (await read([late])).told
    assert told.entry is not None
    assert told.entry.at == CLOCK.now()
