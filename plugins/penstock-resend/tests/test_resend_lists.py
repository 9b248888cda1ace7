from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, ErasureReceipt, Listed
from penstock.testing import FakeClock
from penstock.testing.described import deviations
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.resend import FakeResend
from penstock.testing.lists_contract import ListsContract, erased_by, pulled_by, pushed_by
from penstock.testing.scripted_http import scripted_http
from penstock_resend import adapter

HERE = Path(__file__).parent
DESCRIPTION = json.loads((HERE / "description/resend_returns.json").read_text(encoding="utf-8"))
TOPIC = "b6d24b8e-af0b-4c3c-be0c-359bbd97381e"
EMPTY = {"object": "list", "has_more": False, "data": []}
NOT_FOUND = {"statusCode": 404, "name": "not_found", "message": "Contact not found"}
Reply = Callable[[str, str, Any], tuple[int, Any]]


def sample(name: str) -> Any:
    return json.loads((HERE / f"samples/{name}.json").read_text(encoding="utf-8"))


def an_adapter(endpoint: str, topic: str = TOPIC, key: str = "test-key") -> HttpAdapter:
    options = {"topic": topic} if topic else {}
    return adapter(AdapterAddress("main", "", FakeClock(), options, lambda: key, endpoint=endpoint))


class TestContract(ListsContract):
    """What every plugin promises of lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        "bounce": SuppressionReason.BOUNCE,
        "complaint": SuppressionReason.COMPLAINT,
        "manual": SuppressionReason.OTHER,
    }
    pushes_to = TOPIC
    erases = True

    def fake(self) -> FakeEsp:
        return FakeResend()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key)


class Server:
    """Answers as a test says, and keeps what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, Any]] = []
        self.wait = "0"
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append((request.method, request.path_qs, body))
        status, answer = self.reply(request.method, request.path_qs, body)
        headers = {"retry-after": self.wait} if status == 429 else {}
        if isinstance(answer, str):
            return web.Response(text=answer, status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[Server]:
    server = Server(reply)
    async with scripted_http(server.serve) as server.url:
        yield server


def samples(method: str, path: str, body: Any) -> tuple[int, Any]:
    return 200, sample("suppressions" if path.startswith("/suppressions") else "contacts")


async def pulled(server: Server) -> list[Listed]:
    return await pulled_by(an_adapter(server.url))


async def pushed(server: Server, *addresses: str, topic: str = TOPIC) -> None:
    await pushed_by(an_adapter(server.url, topic), *addresses)


async def erased(server: Server, *addresses: str) -> list[ErasureReceipt]:
    return await erased_by(an_adapter(server.url), *addresses)


def test_the_samples_are_as_described() -> None:
    assert deviations(sample("suppressions"), DESCRIPTION["answers"]["GET /suppressions"]) == []
    assert deviations(sample("contacts"), DESCRIPTION["answers"]["GET /contacts"]) == []


async def test_suppressions_and_contacts_that_unsubscribed_are_read() -> None:
    async with serving(samples) as server:
        found = await pulled(server)
    assert [(each.address.partition("@")[0], each.reason.value, each.list_name) for each in found] == [
        ("anna.keller", "bounce", "bounce"),
        ("bo", "complaint", "complaint"),
        ("cleo", "other", "manual"),
        ("dora", "unsubscribe", "contacts"),
    ]
    assert [each.at.isoformat() if each.at else "" for each in found] == ["2026-10-06T23:47:56.678000+00:00"] * 3 + [""]
    assert [path for _, path, _ in server.asked] == ["/suppressions?limit=100", "/contacts?limit=100"]


async def test_an_origin_that_is_new_still_means_do_not_mail() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        item = {"id": "1", "email": "x@firm.example", "origin": "unsubscribed"}
        return 200, {**EMPTY, "data": [item] if path.startswith("/suppressions") else []}

    async with serving(reply) as server:
        (one,) = await pulled(server)
    assert (one.reason, one.list_name, one.at) == (SuppressionReason.OTHER, "suppressions", None)


async def test_pages_are_followed_by_their_last_id() -> None:
    def contact(number: int) -> dict[str, Any]:
        return {"id": f"c {number}", "email": f"p{number}@firm.example", "unsubscribed": True}

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.startswith("/suppressions"):
            return 200, EMPTY
        start = int(path.partition("after=c%20")[2] or -1) + 1
        return 200, {"object": "list", "data": [contact(number) for number in range(start, min(start + 100, 250))]}

    async with serving(reply) as server:
        assert len(await pulled(server)) == 250
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>",
        "",
        "[" * 100_000,
        [],
        {},
        {"data": None},
        {"data": ["x"]},
        {"data": [{}], "has_more": False},
        {"data": [{"id": "1", "email": "nobody", "origin": "bounce"}]},
        {"data": [{"id": "1", "email": "x@firm.example", "origin": 7}]},
        {"data": [], "has_more": True},
        {"data": [{"email": "x@firm.example", "origin": "bounce"}], "has_more": True},
        {"data": [{"id": "1", "email": "x@firm.example", "origin": "bounce"}], "has_more": True},
        {"data": [{"id": "1", "email": "x@firm.example", "origin": "bounce"}], "has_more": "no"},
    ],
)
async def test_a_page_that_cannot_be_understood_is_not_the_end(page: Any) -> None:
    async with serving(lambda method, path, body: (200, page)) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(server)
    assert "@" not in str(told.value)
    assert len(server.asked) <= 2


async def test_a_contact_that_does_not_say_whether_it_unsubscribed_is_not_understood() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        return 200, EMPTY if path.startswith("/supp") else {**EMPTY, "data": [{"id": "1", "email": "x@firm.example"}]}

    async with serving(reply) as server:
        with pytest.raises(AdapterUnavailable):
            await pulled(server)


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (401, {"name": "restricted_api_key"}, "full access"),
        (401, {"name": "missing_api_key"}, "HTTP 401: the key is refused"),
        (403, {"name": "invalid_api_key"}, "HTTP 403: the key is refused"),
        (404, NOT_FOUND, "cannot be understood"),
        (404, "<html></html>", "HTTP 404"),
        (422, {"name": "validation_error", "message": "x@firm.example"}, "HTTP 422"),
        (500, {}, "HTTP 500"),
        (301, {}, "HTTP 301"),
    ],
)
async def test_other_answers_are_told(status: int, answer: Any, why: str) -> None:
    async with serving(lambda method, path, body: (status, answer)) as server:
        with pytest.raises(AdapterUnavailable, match=why) as told:
            await pulled(server)
    assert "@" not in str(told.value)
    assert "adapters.main" in str(told.value)


async def test_it_waits_when_asked_a_few_times() -> None:
    left = 3

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        nonlocal left
        left -= 1
        return (429, {"name": "rate_limit_exceeded"}) if left >= 0 else samples(method, path, body)

    async with serving(reply) as server:
        assert len(await pulled(server)) == 4
        server.asked.clear()
        left = 1_000
        with pytest.raises(AdapterUnavailable, match="429"):
            await pulled(server)
    assert len(server.asked) == 5


async def test_nobody_home_is_told() -> None:
    async with serving(samples) as server:
        pass
    with pytest.raises(AdapterUnavailable, match="no answer"):
        await pulled(server)


async def test_who_is_a_contact_is_opted_out_and_who_is_none_becomes_one() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        known = path.startswith("/contacts/anna")
        if method == "PATCH":
            answer = {"object": "contact_topics", "contact_id": "1", "topics": body["topics"]}
            return (200, answer) if known else (404, NOT_FOUND)
        return 201, {"object": "contact", "id": "2"}

    async with serving(reply) as server:
        await pushed(server, "anna@firm.example", "o'b/o+x%y@firm.example", "anna@firm.example")
    topics = [{"id": TOPIC, "subscription": "opt_out"}]
    assert [(method, body) for method, _, body in server.asked] == [
        ("PATCH", {"topics": topics}),
        ("PATCH", {"topics": topics}),
        ("POST", {"email": "o'b/o+x%y@firm.example", "topics": topics}),
    ]
    assert "%2F" in server.asked[1][1]
    assert "%25" in server.asked[1][1]
    for method, path, body in server.asked:
        described = "/contacts/{contact_id}/topics" if path.endswith("/topics") else path
        assert deviations(body, DESCRIPTION["requests"][f"{method} {described}"]) == []


async def test_a_topic_that_is_not_there_is_told() -> None:
    async with serving(lambda method, path, body: (404, NOT_FOUND)) as server:
        with pytest.raises(AdapterUnavailable, match="topic"):
            await pushed(server, "anna@firm.example")


async def test_without_a_topic_nothing_is_pushed() -> None:
    async with serving(samples) as server:
        await pushed(server, "anna@firm.example", topic="")
        way_out = an_adapter(server.url, "")
        assert way_out.lists is not None
        assert way_out.lists.pushes_to == ""
        await way_out.aclose()
    assert server.asked == []


@pytest.mark.parametrize("topic", ["a b", "a/b", "x" * 65, "é"])
def test_what_is_no_id_of_a_topic_is_refused_at_start(topic: str) -> None:
    with pytest.raises(ConfigError, match="topic"):
        an_adapter("", topic)


async def test_contacts_are_deleted_and_those_that_are_none_are_done() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        gone = {"object": "contact", "deleted": True}
        known = {"anna": {**gone, "id": "520784e2"}, "bo": {**gone, "contact": "520784e3"}}
        name = path.removeprefix("/contacts/").partition("@")[0].partition("%40")[0]
        return (200, known[name]) if name in known else (404, NOT_FOUND)

    async with serving(reply) as server:
        receipts = await erased(server, "anna@firm.example", "bo@firm.example", "cleo@firm.example")
    assert receipts == [
        ErasureReceipt("520784e2", done=True),
        ErasureReceipt("520784e3", done=True),
        ErasureReceipt("no such contact", done=True),
    ]
    assert {method for method, _, _ in server.asked} == {"DELETE"}
    answer = {"object": "contact", "id": "520784e2", "deleted": True}
    assert deviations(answer, DESCRIPTION["answers"]["DELETE /contacts/{id}"]) == []


@pytest.mark.parametrize(
    "answer",
    [{}, {"id": "1"}, {"id": "1", "deleted": False}, {"deleted": True}, {"id": "a@firm.example", "deleted": True}],
)
async def test_a_deletion_that_is_not_confirmed_is_no_receipt(answer: Any) -> None:
    async with serving(lambda method, path, body: (200, answer)) as server:
        with pytest.raises(AdapterUnavailable, match="not confirmed"):
            await erased(server, "anna@firm.example")
