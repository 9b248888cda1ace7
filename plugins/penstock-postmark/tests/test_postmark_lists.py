from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, ErasureReceipt, Listed
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.postmark import FakePostmark
from penstock.testing.lists_contract import ListsContract, erased_by, pulled_by, pushed_by
from penstock.testing.scripted_http import scripted_http
from penstock_postmark import adapter

SAMPLES = Path(__file__).parent / "samples"
AT = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ASKS = "privacy@nordlicht.example"
DUMP = "/message-streams/offers/suppressions/dump"
ADD = "/message-streams/offers/suppressions"
STREAM = "/message-streams/offers"


def an_adapter(
    url: str = "", *, key: str = "test-key", account: str = "test-account-key", **options: str
) -> HttpAdapter:
    named = {"stream": "offers", "unsubscribe_stream": "offers", **options}
    named |= {"requested_by": ASKS} if account and "requested_by" not in options else {}
    wanted = {name: value for name, value in named.items() if value}
    return adapter(AdapterAddress("main", "", FakeClock(NOW), wanted, lambda: key, lambda: account, endpoint=url))


class TestContract(ListsContract):
    """The promises of every plugin's lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        "broadcast.HardBounce": SuppressionReason.BOUNCE,
        "broadcast.SpamComplaint": SuppressionReason.COMPLAINT,
        "broadcast.ManualSuppression": SuppressionReason.UNSUBSCRIBE,
    }
    pushes_to: ClassVar[str] = "broadcast.ManualSuppression"
    erases: ClassVar[bool] = True

    def fake(self) -> FakeEsp:
        return FakePostmark()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key, stream="broadcast", unsubscribe_stream="broadcast")


Reply = Callable[["Asked"], web.Response]


@dataclass
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass
class Door:
    """A server of this test's own, which answers by path as it was told."""

    answers: dict[str, Reply]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        one = Asked(
            request.method, request.path, dict(request.query), json.loads(body) if body else None, request.headers
        )
        self.asked.append(one)
        reply = self.answers.get(request.path)
        return web.Response(status=404) if reply is None else reply(one)


def of(name: str) -> web.Response:
    return web.Response(body=(SAMPLES / f"{name}.json").read_bytes(), content_type="application/json")


def saying(answer: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: web.json_response(answer, status=status, headers=named)


def suppressing(asked: Asked) -> web.Response:
    told = [{**each, "Status": "Suppressed", "Message": None} for each in asked.body["Suppressions"]]
    return web.json_response({"Suppressions": told})


BROADCASTS = saying({"ID": "offers", "MessageStreamType": "Broadcasts"})


@asynccontextmanager
async def a_door(answers: dict[str, Reply]) -> AsyncIterator[Door]:
    door = Door(answers)
    async with scripted_http(door.answer) as door.url:
        yield door


async def pulled(door: Door, **options: str) -> list[Listed]:
    return await pulled_by(an_adapter(door.url, **options))


async def pushed(door: Door, *addresses: str) -> None:
    await pushed_by(an_adapter(door.url), *addresses)


async def erased(door: Door, *addresses: str) -> list[ErasureReceipt]:
    return await erased_by(an_adapter(door.url), *addresses)


async def test_a_dump_is_read_with_reasons_times_and_the_stream() -> None:
    async with a_door({DUMP: lambda asked: of("list_dump")}) as door:
        found = await pulled(door)
    assert found == [
        Listed("anna@firm.example", SuppressionReason.UNSUBSCRIBE, "offers.ManualSuppression", AT),
        Listed("bo@firm.example", SuppressionReason.BOUNCE, "offers.HardBounce", AT),
        Listed("cleo@firm.example", SuppressionReason.COMPLAINT, "offers.SpamComplaint", AT),
    ]
    (one,) = door.asked
    assert (one.method, one.query, one.headers["X-Postmark-Server-Token"]) == ("GET", {}, "test-key")
    assert one.headers["Accept"] == "application/json"
    assert "X-Postmark-Account-Token" not in one.headers


async def test_two_streams_are_both_read_and_one_of_both_names_once() -> None:
    other = "/message-streams/outbound/suppressions/dump"
    empty = saying({"Suppressions": []})
    async with a_door({DUMP: empty, other: empty}) as door:
        await pulled(door, stream="outbound")
        await pulled(door, unsubscribe_stream="")
    assert [each.path for each in door.asked] == [other, DUMP, DUMP]


async def test_a_reason_that_is_not_listed_still_means_do_not_mail() -> None:
    entry = {"EmailAddress": "anna@firm.example", "SuppressionReason": "Something New", "CreatedAt": "soon"}
    async with a_door({DUMP: saying({"Suppressions": [entry]})}) as door:
        assert await pulled(door) == [Listed("anna@firm.example", SuppressionReason.OTHER, "offers", None)]


REASONS = ("HardBounce", "SpamComplaint", "ManualSuppression")


def long_list(
    count: int, day: Callable[[int], date], reasons: Sequence[str] = REASONS
) -> tuple[list[dict[str, str]], Reply]:
    """A list that is answered whole, filtered as asked for."""
    origins = ("Recipient", "Customer", "Admin") if len(reasons) > 1 else ("Customer",)
    entries = [
        {
            "EmailAddress": f"p{number}@firm.example",
            "SuppressionReason": reasons[number % len(reasons)],
            "Origin": origins[number // 3 % len(origins)],
            "CreatedAt": f"{day(number).isoformat()}T08:58:33-05:00",
        }
        for number in range(count)
    ]

    def reply(asked: Asked) -> web.Response:
        since, until = asked.query.get("fromdate", "0"), asked.query.get("todate", "9")
        named = {each: asked.query.get(each) for each in ("SuppressionReason", "Origin")}
        wanted = [
            each
            for each in entries
            if since <= each["CreatedAt"][:10] <= until and all(v in {None, each[k]} for k, v in named.items())
        ]
        assert asked.query.keys() <= {"fromdate", "todate", "SuppressionReason", "Origin"}
        return web.json_response({"Suppressions": wanted})

    return entries, reply


@pytest.mark.parametrize("days", [1, 2, 40, 4_000])
async def test_a_list_longer_than_an_answer_is_read_in_parts_each_entry_once(days: int) -> None:
    entries, reply = long_list(17_000, lambda number: date(2026, 11, 22) - timedelta(days=number % days))
    async with a_door({DUMP: reply}) as door:
        found = await pulled(door)
    assert len(door.asked) > 2
    assert sorted(each.address for each in found) == sorted(each["EmailAddress"] for each in entries)


async def test_a_day_that_cannot_be_read_whole_is_told() -> None:
    _, reply = long_list(9_000, lambda number: date(2026, 11, 22), ["ManualSuppression"])
    async with a_door({DUMP: reply}) as door:
        with pytest.raises(AdapterUnavailable, match="longer"):
            await pulled(door)


@pytest.mark.parametrize(
    "answer",
    [
        "a page for people",
        [],
        None,
        {},
        {"Suppressions": None},
        {"Suppressions": {}},
        {"Suppressions": ["anna@firm.example"]},
        {"Suppressions": [{"EmailAddress": "anna", "SuppressionReason": "HardBounce"}]},
        {"Suppressions": [{"EmailAddress": 7, "SuppressionReason": "HardBounce"}]},
        {"Suppressions": [{"EmailAddress": "anna@firm.example", "SuppressionReason": None}]},
        {"Suppressions": [{"SuppressionReason": "HardBounce"}]},
    ],
)
async def test_a_dump_that_cannot_be_understood_is_told(answer: object) -> None:
    async with a_door({DUMP: saying(answer)}) as door:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(door)
    assert "anna" not in str(told.value)


async def test_deep_json_is_told() -> None:
    async with a_door({DUMP: lambda asked: web.Response(text="[" * 90_000)}) as door:
        with pytest.raises(AdapterUnavailable):
            await pulled(door)


@pytest.mark.parametrize("status", [301, 401, 404, 422, 500, 503])
async def test_another_status_is_told(status: int) -> None:
    async with a_door({DUMP: saying({"ErrorCode": 10, "Message": "anna@firm.example"}, status)}) as door:
        with pytest.raises(AdapterUnavailable, match=str(status)) as told:
            await pulled(door)
    assert "anna" not in str(told.value)
    assert len(door.asked) == 1


async def test_no_answer_is_told() -> None:
    async with a_door({}) as door:
        pass
    with pytest.raises(AdapterUnavailable, match="reached"):
        await pulled(door)


async def test_too_much_at_once_waits_and_asks_again() -> None:
    left = [saying({}, 429, Retry_After="0.01"), saying({}, 429, Retry_After="0")]

    def reply(asked: Asked) -> web.Response:
        return left.pop(0)(asked) if left else of("list_dump")

    async with a_door({DUMP: reply}) as door:
        assert len(await pulled(door)) == 3
    assert len(door.asked) == 3


async def test_who_asks_to_wait_for_ever_is_given_up() -> None:
    async with a_door({DUMP: saying({}, 429, Retry_After="0")}) as door:
        with pytest.raises(AdapterUnavailable, match="again and again"):
            await pulled(door)
    assert len(door.asked) == 4


async def test_objections_go_to_the_stream_50_at_a_time() -> None:
    async with a_door({STREAM: BROADCASTS, ADD: suppressing}) as door:
        await pushed(door, *(f"p{number}@firm.example" for number in range(101)))
    looked, *posts = door.asked
    assert (looked.method, looked.path) == ("GET", STREAM)
    assert [len(each.body["Suppressions"]) for each in posts] == [50, 50, 1]
    assert posts[0].body["Suppressions"][0] == {"EmailAddress": "p0@firm.example"}
    assert {each.method for each in posts} == {"POST"}
    assert posts[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["Transactional", "Inbound", None, "broadcasts"])
async def test_nothing_is_pushed_to_a_stream_that_carries_necessary_mail(kind: str | None) -> None:
    async with a_door({STREAM: saying({"ID": "offers", "MessageStreamType": kind}), ADD: suppressing}) as door:
        with pytest.raises(AdapterUnavailable, match="broadcasts"):
            await pushed(door, "anna@firm.example")
    assert [each.method for each in door.asked] == ["GET"]


async def test_without_a_stream_to_push_to_nothing_is_asked() -> None:
    async with a_door({}) as door:
        way = an_adapter(door.url, unsubscribe_stream="")
        assert way.lists is not None
        assert way.lists.pushes_to == ""
        await way.lists.push(["anna@firm.example"])
        await way.aclose()
        await pushed(door)
    assert door.asked == []


async def test_who_complained_or_has_no_real_address_needs_no_entry() -> None:
    async with a_door({STREAM: BROADCASTS, ADD: lambda asked: of("list_added")}) as door:
        await pushed(door, "anna@firm.example", "cleo@firm.example", "no-address")
    assert len(door.asked) == 2


@pytest.mark.parametrize(
    "states",
    [
        [],
        [{"EmailAddress": "anna@firm.example", "Status": "Suppressed"}] * 2,
        [{"EmailAddress": "anna@firm.example", "Status": "Failed", "Message": "Something went wrong."}],
        [{"EmailAddress": "anna@firm.example", "Status": "Deleted", "Message": None}],
        [{"EmailAddress": "anna@firm.example"}],
        None,
    ],
)
async def test_an_objection_that_was_not_taken_is_told(states: object) -> None:
    async with a_door({STREAM: BROADCASTS, ADD: saying({"Suppressions": states})}) as door:
        with pytest.raises(AdapterUnavailable) as told:
            await pushed(door, "anna@firm.example")
    assert "anna" not in str(told.value)


async def test_an_erasure_is_asked_for_with_the_accounts_token() -> None:
    answers = iter(({"ID": 1234, "Status": "Pending"}, {"ID": 1235, "Status": "Done"}))
    async with a_door({"/data-removals": lambda asked: web.json_response(next(answers))}) as door:
        receipts = await erased(door, "anna@firm.example", "bo@firm.example")
    assert receipts == [ErasureReceipt("data-removal 1234", False), ErasureReceipt("data-removal 1235", True)]
    assert door.asked[0].body == {
        "RequestedBy": ASKS,
        "RequestedFor": "anna@firm.example",
        "NotifyWhenCompleted": False,
    }
    assert door.asked[0].headers["X-Postmark-Account-Token"] == "test-account-key"
    assert "X-Postmark-Server-Token" not in door.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"ID": "x@y", "Status": "Done"}, 200),
        ({"ID": True, "Status": "Done"}, 200),
        ({"ID": 1, "Status": "Lost"}, 200),
        ({"ID": 1}, 200),
        ([], 200),
        ({"ErrorCode": 1302, "Message": "no permission"}, 422),
    ],
)
async def test_an_erasure_that_was_not_taken_is_told(answer: object, status: int) -> None:
    async with a_door({"/data-removals": saying(answer, status)}) as door:
        with pytest.raises(AdapterUnavailable):
            await erased(door, "anna@firm.example")


def test_what_the_adapter_has_depends_on_its_options() -> None:
    assert an_adapter().lists is not None
    assert an_adapter().erasure is not None
    assert an_adapter(account="").erasure is None
    assert an_adapter(sandbox="yes").lists is None


@pytest.mark.parametrize(
    ("account", "options"),
    [
        ("test-account-key", {"requested_by": ""}),
        ("test-account-key", {"requested_by": "somebody"}),
        ("test-account-key", {"requested_by": "a b@nordlicht.example"}),
        ("", {"requested_by": ASKS}),
        ("two words", {}),
        ("", {"unsubscribe_stream": "a/b"}),
    ],
)
def test_options_that_cannot_be_meant_are_refused_at_start(account: str, options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        an_adapter(account=account, **options)
