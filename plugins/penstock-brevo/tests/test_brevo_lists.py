from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, ErasureReceipt, Listed
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.brevo import FakeBrevo
from penstock.testing.lists_contract import ListsContract, erased_by, pulled_by
from penstock.testing.scripted_http import scripted_http
from penstock_brevo import adapter
from penstock_brevo.lists import REASONS

HERE = Path(__file__).parent
BLOCKED = json.loads((HERE / "samples/blocked.json").read_text(encoding="utf-8"))
NOT_FOUND = {"code": "document_not_found", "message": "anna@firm.example does not exist"}
Reply = Callable[[str, str], tuple[int, Any]]


def an_adapter(endpoint: str, key: str = "test-key") -> HttpAdapter:
    return adapter(AdapterAddress("main", "", FakeClock(), {"tracking": "off"}, lambda: key, endpoint=endpoint))


class TestContract(ListsContract):
    """What every plugin promises of lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = REASONS
    erases = True

    def fake(self) -> FakeEsp:
        return FakeBrevo()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key)


class Server:
    """Answers as a test says, and keeps what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str]] = []
        self.wait: dict[str, str] = {"x-sib-ratelimit-reset": "0"}
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.raw_path))
        assert request.headers["api-key"] == "test-key"
        status, answer = self.reply(request.method, request.raw_path)
        headers = self.wait if status == 429 else {}
        if answer is None or isinstance(answer, str):
            return web.Response(text=answer, status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[Server]:
    server = Server(reply)
    async with scripted_http(server.serve) as server.url:
        yield server


async def pulled(server: Server) -> list[Listed]:
    return await pulled_by(an_adapter(server.url))


async def erased(server: Server, *addresses: str) -> list[ErasureReceipt]:
    return await erased_by(an_adapter(server.url), *addresses)


def entry(number: int) -> dict[str, Any]:
    return {**BLOCKED["contacts"][0], "email": f"p{number}@firm.example"}


def paged(counts: list[int]) -> Reply:
    """Pages of a list that has these lengths, one after the other, when it is asked."""

    def reply(_method: str, path: str) -> tuple[int, Any]:
        start = int(parse_qs(urlsplit(path).query)["offset"][0])
        count = counts.pop(0) if len(counts) > 1 else counts[0]
        return 200, {"count": count, "contacts": [entry(number) for number in range(start, min(start + 100, count))]}

    return reply


async def test_blocked_contacts_are_read_with_their_reason() -> None:
    async with serving(lambda method, path: (200, BLOCKED)) as server:
        found = await pulled(server)
    assert [(each.address.partition("@")[0], each.reason.value, each.list_name) for each in found] == [
        ("anna.keller", "bounce", "hardBounce"),
        ("bo", "complaint", "contactFlaggedAsSpam"),
        ("cleo", "unsubscribe", "unsubscribedViaEmail"),
        ("dora", "unsubscribe", "unsubscribedViaApi"),
        ("emil", "unsubscribe", "unsubscribedViaMA"),
        ("finn", "other", "adminBlocked"),
    ]
    assert {each.at.isoformat() if each.at else "" for each in found} == {"2026-10-05T07:30:00+00:00"}
    assert server.asked == [("GET", "/v3/smtp/blockedContacts?limit=100&offset=0&sort=asc")]


@pytest.mark.parametrize("reason", [{"code": "legalHold"}, {"code": 7}, {}, None, "hardBounce"])
@pytest.mark.parametrize("at", ["soon", None, 7, "9" * 100, "0001-01-01T00:00:00+14:00"])
async def test_a_reason_that_is_new_still_means_do_not_mail(reason: Any, at: Any) -> None:
    item = {"email": "x@firm.example", "reason": reason, "blockedAt": at}
    async with serving(lambda method, path: (200, {"count": 1, "contacts": [item]})) as server:
        (one,) = await pulled(server)
    assert (one.reason, one.list_name, one.at) == (SuppressionReason.OTHER, "blockedContacts", None)


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (99, 1), (100, 1), (101, 2), (250, 3)])
async def test_pages_are_read_to_the_end(count: int, requests: int) -> None:
    async with serving(paged([count])) as server:
        assert len(await pulled(server)) == count
    assert len(server.asked) == requests


async def test_a_list_that_grows_is_read_to_its_new_end() -> None:
    async with serving(paged([150, 230])) as server:
        assert len(await pulled(server)) == 230


async def test_a_list_that_shrinks_is_not_taken_for_the_whole() -> None:
    async with serving(paged([250, 249])) as server:
        with pytest.raises(AdapterUnavailable, match="changed"):
            await pulled(server)


@pytest.mark.parametrize("page", [{"count": None, "contacts": None}, {"count": 0}, {"count": 0, "contacts": None}])
async def test_nothing_may_be_told_as_null(page: Any) -> None:
    async with serving(lambda method, path: (200, page)) as server:
        assert await pulled(server) == []


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>",
        "",
        "[" * 100_000,
        [],
        {},
        {"message": "welcome"},
        {"count": 1},
        {"count": 1, "contacts": None},
        {"count": 1, "contacts": []},
        {"count": 0, "contacts": [entry(1)]},
        {"count": "1", "contacts": [entry(1)]},
        {"count": True, "contacts": [entry(1)]},
        {"contacts": [entry(1)]},
        {"count": 1, "contacts": ["x"]},
        {"count": 1, "contacts": {"email": "x@firm.example"}},
        {"count": 1, "contacts": [{}]},
        {"count": 1, "contacts": [{"email": "nobody"}]},
    ],
)
async def test_a_page_that_cannot_be_understood_is_not_the_end(page: Any) -> None:
    async with serving(lambda method, path: (200, page)) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(server)
    assert "@" not in str(told.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (401, {"code": "unauthorized", "message": "Key not found"}, "HTTP 401: the key"),
        (403, {"code": "permission_denied"}, "HTTP 403: the key"),
        (404, "<html></html>", "HTTP 404"),
        (404, {"code": "not_found"}, "HTTP 404"),
        (404, NOT_FOUND, "cannot be understood"),
        (400, {"code": "invalid_parameter", "message": "x@firm.example"}, "HTTP 400"),
        (500, {}, "HTTP 500"),
        (301, {}, "HTTP 301"),
    ],
)
async def test_other_answers_are_told(status: int, answer: Any, why: str) -> None:
    async with serving(lambda method, path: (status, answer)) as server:
        with pytest.raises(AdapterUnavailable, match=why) as told:
            await pulled(server)
    assert "@" not in str(told.value)
    assert told.value.where == "adapters.main"


async def test_a_server_that_is_not_there_is_told() -> None:
    async with serving(paged([0])) as server:
        pass
    with pytest.raises(AdapterUnavailable, match="no answer"):
        await pulled(server)


async def test_too_much_at_once_waits_and_goes_on() -> None:
    answers = [(429, {"code": "too_many_requests"}), (429, None), (200, BLOCKED)]
    async with serving(lambda method, path: answers.pop(0)) as server:
        server.wait = {"x-sib-ratelimit-reset": "0.01"}
        assert len(await pulled(server)) == 6


async def test_waiting_has_an_end() -> None:
    async with serving(lambda method, path: (429, None)) as server:
        with pytest.raises(AdapterUnavailable, match="HTTP 429"):
            await pulled(server)
    assert len(server.asked) == 5


async def test_nothing_is_pushed_to_the_accounts_list() -> None:
    async with serving(paged([0])) as server:
        way_out = an_adapter(server.url)
        assert way_out.lists is not None
        await way_out.lists.push(["anna@firm.example"])
        await way_out.aclose()
        assert way_out.lists.pushes_to == ""
    assert server.asked == []


async def test_the_log_and_the_contact_of_each_address_are_deleted() -> None:
    def reply(_method: str, path: str) -> tuple[int, Any]:
        return (200, {"process_id": 352351}) if "/log/" in path else (204, None)

    async with serving(reply) as server:
        receipts = await erased(server, "a+b/c@firm.example", "bo@firm.example", "bo@firm.example")
    assert [(each.reference, each.done) for each in receipts] == [
        ("log: process 352351", False),
        ("contact: deleted", True),
    ] * 2
    assert server.asked == [
        ("DELETE", "/v3/smtp/log/a%2Bb%2Fc@firm.example"),
        ("DELETE", "/v3/contacts/a%2Bb%2Fc@firm.example?identifierType=email_id"),
        ("DELETE", "/v3/smtp/log/bo@firm.example"),
        ("DELETE", "/v3/contacts/bo@firm.example?identifierType=email_id"),
    ]


@pytest.mark.parametrize("answer", [None, {}, {"process_id": "anna@firm.example"}, {"process_id": True}])
async def test_a_deletion_without_a_job_was_asked_for(answer: Any) -> None:
    async with serving(lambda method, path: (202 if answer else 204, answer)) as server:
        receipts = await erased(server, "anna@firm.example")
    assert receipts[0] == ErasureReceipt("log: deletion asked for", done=False)


async def test_where_there_is_nothing_nothing_is_left_to_erase() -> None:
    async with serving(lambda method, path: (404, NOT_FOUND)) as server:
        receipts = await erased(server, "anna@firm.example")
    assert receipts == [ErasureReceipt("log: none", done=True), ErasureReceipt("contact: none", done=True)]


async def test_an_erasure_that_was_refused_is_told() -> None:
    async with serving(
        lambda method, path: (404, {"code": "not_found"}) if "contacts" in path else (204, None)
    ) as server:
        with pytest.raises(AdapterUnavailable, match="HTTP 404") as told:
            await erased(server, "anna@firm.example")
    assert "@" not in str(told.value)
