from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from penstock.adapters.http import Exchange, HttpAdapter
from penstock.errors import AdapterUnavailable
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, ErasureReceipt, Listed
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.mailjet import FakeMailjet
from penstock.testing.lists_contract import ListsContract, erased_by, pulled_by, pushed_by
from penstock.testing.scripted_http import scripted_http
from penstock_mailjet import adapter
from penstock_mailjet.account import MailjetAccount
from penstock_mailjet.lists import COMPLAINING, EXCLUDED, MailjetLists

SAMPLES = Path(__file__).parent / "samples"
NOT_FOUND = {"ErrorInfo": "", "ErrorMessage": "Object not found", "StatusCode": 404}
NO_RESOURCE = {"ErrorMessage": "The requested resource does not exist.", "StatusCode": 404}
Reply = Callable[[str, str, Any], tuple[int, Any]]


def an_adapter(endpoint: str, key: str = "test-key", **options: str) -> HttpAdapter:
    return adapter(AdapterAddress("main", "", FakeClock(), options, lambda: key, lambda: "test-secret", endpoint))


class TestContract(ListsContract):
    """What every plugin promises of lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        EXCLUDED: SuppressionReason.UNSUBSCRIBE,
        COMPLAINING: SuppressionReason.COMPLAINT,
    }
    pushes_to = EXCLUDED
    erases = True

    def fake(self) -> FakeEsp:
        """Mailjet makes a contact of everybody who was sent a mail; others cannot be erased."""
        fake = FakeMailjet()
        for number in range(120):
            fake.contacts.met(f"e{number}@firm.example")
        return fake

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key, exclude="yes")


class Server:
    """Answers as a test says, and keeps what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, Any]] = []
        self.logins: set[str] = set()
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append((request.method, request.path_qs, body))
        self.logins.add(request.headers["Authorization"])
        status, answer = self.reply(request.method, request.raw_path, body)
        headers = {"retry-after": "0"} if status == 429 else {}
        if isinstance(answer, str):
            return web.Response(text=answer, status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[Server]:
    server = Server(reply)
    async with scripted_http(server.serve) as server.url:
        yield server


def page(*contacts: Mapping[str, Any]) -> dict[str, Any]:
    return {"Count": len(contacts), "Data": list(contacts), "Total": len(contacts)}


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {"ID": number, "Email": f"p{number}@firm.example", EXCLUDED: False, COMPLAINING: False, **more}


def samples(method: str, path: str, body: Any) -> tuple[int, Any]:
    if "Offset=0" in path:
        return 200, json.loads((SAMPLES / "contacts.json").read_text(encoding="utf-8"))
    return 200, page()


async def pulled(server: Server) -> list[Listed]:
    return await pulled_by(an_adapter(server.url))


async def pushed(server: Server, *addresses: str, **options: str) -> None:
    await pushed_by(an_adapter(server.url, **options), *addresses)


async def erased(server: Server, *addresses: str) -> list[ErasureReceipt]:
    return await erased_by(an_adapter(server.url), *addresses)


async def test_who_is_excluded_or_complained_is_read_and_nobody_else() -> None:
    async with serving(samples) as server:
        found = await pulled(server)
    assert [(each.address.partition("@")[0], each.reason.value, each.list_name) for each in found] == [
        ("anna.keller", "unsubscribe", EXCLUDED),
        ("bo", "complaint", COMPLAINING),
        ("cleo", "complaint", COMPLAINING),
        ("dora", "unsubscribe", EXCLUDED),
    ]  # neither eve nor the one who was erased
    assert [each.at.isoformat() if each.at else "" for each in found] == ["2026-06-10T08:47:28+00:00", "", "", ""]
    assert server.logins == {"Basic dGVzdC1rZXk6dGVzdC1zZWNyZXQ="}
    assert [path for _, path, _ in server.asked] == [
        "/v3/REST/contact?Limit=500&Offset=0",
        "/v3/REST/contact?Limit=500&Offset=6",
    ]


async def test_pages_are_followed_to_the_empty_one_even_if_mailjet_makes_them_shorter() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        start = int(path.rpartition("Offset=")[2])
        return 200, page(*(contact(number, **{EXCLUDED: True}) for number in range(start, min(start + 100, 250))))

    async with serving(reply) as server:
        found = await pulled(server)
    assert [each.address for each in found] == [f"p{number}@firm.example" for number in range(250)]
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        "<html></html>",
        "",
        "[" * 100_000,
        [],
        {},
        {"Count": 0},
        {"Data": [], "Total": 0},
        {"Count": 1, "Data": None},
        {"Count": 1, "Data": ["x"]},
        {"Count": 2, "Data": [contact(1)]},
        page({"ID": 1, "Email": "p1@firm.example"}),
        page({"ID": 1, "Email": "p1@firm.example", EXCLUDED: True}),
        page(contact(1, **{EXCLUDED: "yes"})),
        page(contact(1, **{COMPLAINING: None})),
        page(contact(1, **{COMPLAINING: ["true"]})),
        page(contact(1, Email="nobody", **{EXCLUDED: True})),
        page(contact(1, Email=None, **{COMPLAINING: True})),
        page(contact(1)),
    ],
)
async def test_a_page_that_cannot_be_understood_is_not_the_end(answer: Any) -> None:
    """The last one comes again whatever offset is asked for."""
    async with serving(lambda method, path, body: (200, answer)) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(server)
    assert "@" not in str(told.value)
    assert len(server.asked) <= 2


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (401, {"ErrorMessage": "API key authentication/authorization failure."}, "HTTP 401: the key is refused"),
        (403, {}, "HTTP 403: the key is refused"),
        (404, NOT_FOUND, "HTTP 404"),
        (400, {"ErrorMessage": "p1@firm.example"}, "HTTP 400"),
        (500, {}, "HTTP 500"),
        (301, {}, "HTTP 301"),
        (304, "", "HTTP 304"),
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
        return (429, {}) if left >= 0 else samples(method, path, body)

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


MANY = "/v3/REST/contact/managemanycontacts"


async def a_push(url: str, *addresses: str) -> None:
    exchange = Exchange(url)
    try:
        account = MailjetAccount(exchange, {"Authorization": "Basic eA=="}, "adapters.main")
        await MailjetLists(account, exclude=True, pauses=[0.0, 0.0]).push(addresses)
    finally:
        await exchange.aclose()


async def test_people_are_excluded_by_jobs_that_are_waited_for() -> None:
    words = iter(["Allocated", "Importing", "Completed", "Completed"])

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, page({"JobID": 35800 + len(body["Contacts"])})
        return 200, page({"Status": next(words), "Count": 1, "Error": "", "ErrorFile": ""})

    people = [f"p{number}@firm.example" for number in range(502)]
    async with serving(reply) as server:
        await a_push(server.url, people[0], *people)
        await a_push(server.url)
    assert [(method, path) for method, path, _ in server.asked] == [
        ("POST", MANY),
        *[("GET", f"{MANY}/36300")] * 3,
        ("POST", MANY),
        ("GET", f"{MANY}/35802"),
    ]
    excluded = [each for _, _, body in server.asked if body for each in body["Contacts"]]
    assert excluded == [{"Email": address, EXCLUDED: True} for address in people]


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (200, page({"Status": "Error", "Error": "p1@firm.example"}), "errors"),
        (200, page({"Status": "Abort"}), "errors"),
        (200, page({"Status": "Completed", "Error": "", "ErrorFile": "https://api.mailjet.example/1"}), "errors"),
        (200, page({"Status": "Prepare"}), "not ended"),
        (200, page({}), "not ended"),
        (404, NOT_FOUND, "not ended"),
        (200, page(), "cannot be understood"),
        (500, {}, "HTTP 500"),
    ],
)
async def test_a_job_that_does_not_end_well_is_told(status: int, answer: Any, why: str) -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (201, page({"JobID": 1})) if method == "POST" else (status, answer)

    async with serving(reply) as server:
        with pytest.raises(AdapterUnavailable, match=why) as told:
            await a_push(server.url, "p1@firm.example")
    assert "@" not in str(told.value)
    assert len(server.asked) <= 4


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (201, page({"JobID": "x"})),
        (201, page({"JobID": True})),
        (201, page({})),
        (400, {"ErrorMessage": "p1@firm.example"}),
        (401, {}),
        (404, NO_RESOURCE),
        (404, NOT_FOUND),
        (404, "<html></html>"),
    ],
)
async def test_a_push_that_makes_no_job_is_told(status: int, answer: Any) -> None:
    async with serving(lambda method, path, body: (status, answer)) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await pushed(server, "p1@firm.example", exclude="yes")
    assert "@" not in str(told.value)
    assert len(server.asked) == 1


async def test_nobody_is_excluded_unless_the_address_says_so() -> None:
    async with serving(samples) as server:
        await pushed(server, "anna@firm.example")
        way_out = an_adapter(server.url, exclude="no")
        assert way_out.lists is not None
        assert way_out.lists.pushes_to == ""
        await way_out.aclose()
    assert server.asked == []


async def test_contacts_are_deleted_by_their_number_and_those_that_are_none_are_done() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            return 200, page(contact(1, Email="\\xae872d76@domain.invalid"))
        if "anna" in path:
            return 200, page(contact(21339837, Email="Anna@firm.example"))
        return (200, page(contact(0, ID="7", Email="bo@firm.example"))) if "/bo@" in path else (404, NOT_FOUND)

    async with serving(reply) as server:
        receipts = await erased(server, "anna@firm.example", "bo@firm.example", "cleo@firm.example", "bo@firm.example")
    assert receipts == [
        ErasureReceipt("21339837", done=False),
        ErasureReceipt("7", done=False),
        ErasureReceipt("no such contact", done=True),
    ]
    assert [path for method, path, _ in server.asked if method == "DELETE"] == [
        "/v4/contacts/21339837",
        "/v4/contacts/7",
    ]


@pytest.mark.parametrize(
    "found",
    [
        page(),
        page(contact(1), contact(2)),
        page(contact(1, Email="other@firm.example")),
        page(contact(1, ID="../contact")),
        page(contact(1, ID=True)),
        page(contact(1, ID=None)),
        {},
    ],
)
async def test_nobody_is_deleted_in_the_place_of_another(found: Any) -> None:
    async with serving(lambda method, path, body: (200, found)) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await erased(server, "p1@firm.example")
    assert "@" not in str(told.value)
    assert [method for method, _, _ in server.asked] == ["GET"]


@pytest.mark.parametrize("status", [202, 204, 304, 400, 401, 404, 500])
async def test_a_deletion_that_is_not_confirmed_is_no_receipt(status: int) -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (status, NOT_FOUND if status == 404 else "") if method == "DELETE" else (200, page(contact(1)))

    async with serving(reply) as server:
        with pytest.raises(AdapterUnavailable):
            await erased(server, "p1@firm.example")


async def test_a_contact_that_went_in_the_meantime_is_done() -> None:
    gone = False

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        nonlocal gone
        if method == "DELETE" or gone:
            gone = True
            return 404, NOT_FOUND
        return 200, page(contact(1))

    async with serving(reply) as server:
        assert await erased(server, "p1@firm.example") == [ErasureReceipt("no such contact", done=True)]


@pytest.mark.parametrize("answer", [(404, NO_RESOURCE), (404, "<html></html>"), (404, {"ErrorMessage": 7})])
async def test_a_404_in_other_words_does_not_mean_that_nobody_is_there(answer: tuple[int, Any]) -> None:
    async with serving(lambda method, path, body: answer) as server:
        with pytest.raises(AdapterUnavailable, match="HTTP 404"):
            await erased(server, "p1@firm.example")
