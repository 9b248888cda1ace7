from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from aiohttp import web
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import CredentialRetrievalError  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from penstock.adapters.http import Exchange, HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, Listed
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp, OnList
from penstock.testing.esps.ses import FakeSES, SesAccount
from penstock.testing.lists_contract import ListsContract
from penstock_ses import adapter
from penstock_ses.account import SesAccount as Account
from penstock_ses.lists import SesLists, contact_path
from penstock_ses.signing import Signature

SUPPRESSED = "/v2/email/suppression/addresses"
CONTACTS = "/v2/email/contact-lists/people/contacts"
NONE: dict[str, Any] = {"SuppressedDestinationSummaries": []}
OPT_OUT = {"TopicName": "offers", "SubscriptionStatus": "OPT_OUT"}
AT = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)
MODEL = Session().get_service_model("sesv2")
Reply = Callable[[str, str, Any], tuple[int, Any]]


def an_adapter(endpoint: str, *, key: str = "test-key", **options: str) -> HttpAdapter:
    address = AdapterAddress(
        "main", "eu-west-1", FakeClock(), options, lambda: "AKIAEXAMPLE0000000000", lambda: key, endpoint=endpoint
    )
    return adapter(address)


class TestContract(ListsContract):
    """What every plugin promises of lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        "BOUNCE": SuppressionReason.BOUNCE,
        "COMPLAINT": SuppressionReason.COMPLAINT,
        "people": SuppressionReason.UNSUBSCRIBE,
        "people.offers": SuppressionReason.UNSUBSCRIBE,
        # Another topic of that list, and a list that the address does not name.
        "people.news": None,
        "others": None,
    }
    pushes_to = "people.offers"

    def fake(self) -> FakeEsp:
        topics = {"people": {"offers": "OPT_IN", "news": "OPT_IN", "quiet": "OPT_OUT"}, "others": {}}
        return FakeSES(account=SesAccount(contact_lists=topics))

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key, contact_list="people", topic="offers")


@dataclass
class Door:
    """A server of this test's own."""

    reply: Reply
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    retry_after: str = ""
    url: str = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        text = await request.text()
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
        body = json.loads(text) if text else None
        self.asked.append((request.method, request.raw_path, body))
        status, told = self.reply(request.method, request.raw_path, body)
        headers = {"retry-after": self.retry_after} if self.retry_after else {}
        if isinstance(told, dict) and "error" in told:
            headers["x-amzn-ErrorType"] = told["error"]
        return web.Response(text=told if isinstance(told, str) else json.dumps(told), status=status, headers=headers)


@asynccontextmanager
async def a_door(reply: Reply) -> AsyncIterator[Door]:
    door = Door(reply)
    runner = web.ServerRunner(web.Server(door.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    door.url = f"http://{host}:{port}"
    try:
        yield door
    finally:
        await runner.cleanup()


@asynccontextmanager
async def some_lists(door: Door, contact_list: str = "people", topic: str = "offers") -> AsyncIterator[SesLists]:
    exchange = Exchange(door.url)
    signature = Signature(Credentials("AKIAEXAMPLE", "secret"), "eu-west-1", door.url)
    try:
        yield SesLists(Account(exchange, signature, "adapters.main", pause=0.001), contact_list, topic)
    finally:
        await exchange.aclose()


async def pulled(door: Door, contact_list: str = "", topic: str = "") -> list[Listed]:
    async with some_lists(door, contact_list, topic) as lists:
        return [each async for page in lists.pull() for each in page]


def shape_of(operation: str, answer: Any) -> list[str]:
    """What botocore's model finds wrong with an answer of a test."""
    report = ParamValidator().validate(answer, MODEL.operation_model(operation).output_shape)
    return report.generate_report().splitlines() if report.has_errors() else []


async def test_entries_keep_their_reason_and_time() -> None:
    page = {
        "SuppressedDestinationSummaries": [
            {"EmailAddress": "anna@firm.example", "Reason": "BOUNCE", "LastUpdateTime": AT.timestamp()},
            {"EmailAddress": "bo@firm.example", "Reason": "COMPLAINT", "LastUpdateTime": 1.7e9},
        ]
    }
    assert shape_of("ListSuppressedDestinations", page) == []
    strange = {"EmailAddress": "cleo@firm.example", "Reason": "WHIM", "LastUpdateTime": 1e300}
    page["SuppressedDestinationSummaries"].append(strange)
    async with a_door(lambda method, path, body: (200, page)) as door:
        first, second, third = await pulled(door)
    assert first == Listed("anna@firm.example", SuppressionReason.BOUNCE, "BOUNCE", AT)
    assert (second.reason, second.list_name) == (SuppressionReason.COMPLAINT, "COMPLAINT")
    assert third == Listed("cleo@firm.example", SuppressionReason.OTHER, "suppression list", None)
    assert door.asked == [("GET", f"{SUPPRESSED}?PageSize=1000", None)]


async def test_pages_are_followed_by_their_tokens() -> None:
    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            number = int(body.get("NextToken", "0"))
            contact = {"EmailAddress": f"c{number}@firm.example", "UnsubscribeAll": True}
            return 200, {"Contacts": [contact], "NextToken": str(number + 1) if number < 2 else None}
        token = URL(path).query.get("NextToken", "")
        entry = {"EmailAddress": f"s{len(token)}@firm.example", "Reason": "BOUNCE"}
        following = {"NextToken": token + "/+= &"} if len(token) < 10 else {}
        return 200, {"SuppressedDestinationSummaries": [entry], **following}

    async with a_door(reply) as door:
        found = await pulled(door, "people")
    assert [each.address.partition("@")[0] for each in found] == ["s0", "s5", "s10", "c0", "c1", "c2"]
    assert [body for method, _, body in door.asked if method == "POST"] == [
        {"PageSize": 100},
        {"PageSize": 100, "NextToken": "1"},
        {"PageSize": 100, "NextToken": "2"},
    ]


@pytest.mark.parametrize(
    ("contact", "topic", "listed"),
    [
        ({"UnsubscribeAll": True}, "", True),
        ({"UnsubscribeAll": True, "TopicPreferences": []}, "offers", True),
        ({"UnsubscribeAll": False}, "offers", False),
        ({}, "offers", False),
        ({"TopicPreferences": [OPT_OUT]}, "offers", True),
        ({"TopicPreferences": [OPT_OUT]}, "", False),
        ({"TopicPreferences": [OPT_OUT]}, "news", False),
        ({"TopicPreferences": [{**OPT_OUT, "SubscriptionStatus": "OPT_IN"}]}, "offers", False),
        ({"TopicDefaultPreferences": [OPT_OUT]}, "offers", False),
    ],
)
async def test_who_opted_out_by_choice_is_read_from_the_contact_list(contact: Any, topic: str, listed: bool) -> None:
    page = {"Contacts": [{"EmailAddress": "anna@firm.example", **contact}]}
    assert shape_of("ListContacts", page) == []
    async with a_door(lambda method, path, body: (200, page if method == "POST" else NONE)) as door:
        found = await pulled(door, "people", topic)
    expected = [Listed("anna@firm.example", SuppressionReason.UNSUBSCRIBE, "people")]
    assert found == (expected if listed else [])


async def test_without_a_contact_list_only_the_suppression_list_is_asked_for() -> None:
    async with a_door(lambda method, path, body: (200, NONE)) as door:
        assert await pulled(door) == []
    assert [path for _, path, _ in door.asked] == [f"{SUPPRESSED}?PageSize=1000"]


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>",
        "",
        "[" * 100_000,
        [],
        {},
        {"SuppressedDestinationSummaries": None},
        {"SuppressedDestinationSummaries": ["x"]},
        {"SuppressedDestinationSummaries": [{}]},
        {"SuppressedDestinationSummaries": [{"EmailAddress": "nobody", "Reason": "BOUNCE"}]},
        {"SuppressedDestinationSummaries": [{"EmailAddress": "x@firm.example", "Reason": 7}]},
        {"SuppressedDestinationSummaries": [], "NextToken": 7},
        {"SuppressedDestinationSummaries": [], "NextToken": "the same"},
    ],
)
async def test_a_page_that_cannot_be_understood_is_not_the_end(page: Any) -> None:
    async with a_door(lambda method, path, body: (200, page)) as door:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(door)
    assert "@" not in str(told.value)
    assert len(door.asked) <= 2


@pytest.mark.parametrize(
    "contact",
    [{"EmailAddress": None}, {"EmailAddress": 7}, {"EmailAddress": "nobody"}, {"UnsubscribeAll": "no"},
     {"TopicPreferences": "none"}, {"TopicPreferences": [7]}],
)  # fmt: skip
async def test_a_contact_that_cannot_be_understood_is_told(contact: Any) -> None:
    contact = {"EmailAddress": "x@firm.example", "UnsubscribeAll": True, **contact}
    async with a_door(lambda method, path, body: (200, {"Contacts": [contact]} if method == "POST" else NONE)) as door:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(door, "people", "offers")
    assert "@" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "error", "why"),
    [
        (403, "AccessDeniedException", "ses:ListSuppressedDestinations"),
        (403, "InvalidClientTokenId", "does not know the access key"),
        (403, "SignatureDoesNotMatch", "the signature is refused"),
        (403, "", "HTTP 403: the key is refused"),
        (404, "NotFoundException:http://internal", "no such contact list or topic"),
        (400, "BadRequestException", "HTTP 400 BadRequestException"),
        (400, "InvalidNextTokenException", "HTTP 400 InvalidNextTokenException"),
        (500, "InternalFailure", "HTTP 500 InternalFailure"),
        (301, "", "HTTP 301"),
    ],
)
async def test_other_answers_are_told(status: int, error: str, why: str) -> None:
    told_by_ses = {"message": "x@firm.example", **({"error": error} if error else {})}
    async with a_door(lambda method, path, body: (status, told_by_ses)) as door:
        with pytest.raises(AdapterUnavailable, match=re.escape(why)) as told:
            await pulled(door)
    assert "@" not in str(told.value)
    assert "adapters.main" in str(told.value)
    assert len(door.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, "TooManyRequestsException"), (429, ""), (400, "ThrottlingException"), (503, "ServiceUnavailable")],
)
async def test_what_came_too_soon_is_repeated_a_few_times(status: int, error: str) -> None:
    left = 5

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        nonlocal left
        left -= 1
        return (status, {"error": error} if error else {}) if left >= 0 else (200, NONE)

    async with a_door(reply) as door:
        assert await pulled(door) == []
        door.asked.clear()
        left = 1_000
        with pytest.raises(AdapterUnavailable, match="too much at once"):
            await pulled(door)
    assert len(door.asked) == 6


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    answers = [(429, {}), (200, NONE)]
    async with a_door(lambda method, path, body: answers.pop(0)) as door:
        door.retry_after = "0.2"
        began = asyncio.get_running_loop().time()
        await pulled(door)
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_nobody_home_is_told() -> None:
    async with a_door(lambda method, path, body: (200, NONE)) as door:
        pass
    with pytest.raises(AdapterUnavailable, match="no answer"):
        await pulled(door)


async def test_keys_that_cannot_be_had_are_told() -> None:
    class NoKeys:
        def get_frozen_credentials(self) -> object:
            raise CredentialRetrievalError(provider="role", error_msg="arn:aws:iam::111122223333:role/x")

    exchange = Exchange("http://127.0.0.1:9")
    lists = SesLists(Account(exchange, Signature(NoKeys(), "eu-west-1", exchange.endpoint), "adapters.main"))
    with pytest.raises(AdapterUnavailable, match="CredentialRetrievalError"):
        _ = [page async for page in lists.pull()]
    await exchange.aclose()


def contacts(known: Any = None) -> Reply:
    """A contact list that knows everybody as this, or nobody."""

    def reply(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "GET" and known is None:
            return 404, {"error": "NotFoundException", "message": "x@firm.example"}
        return 200, known if method == "GET" else {}

    return reply


async def test_who_is_no_contact_yet_becomes_one_that_opted_out() -> None:
    async with a_door(contacts()) as door, some_lists(door) as lists:
        await lists.push(["anna@firm.example", "bo@firm.example", "anna@firm.example"])
    assert [each for each in door.asked if each[0] != "GET"] == [
        ("POST", CONTACTS, {"EmailAddress": f"{name}@firm.example", "TopicPreferences": [OPT_OUT]})
        for name in ("anna", "bo")
    ]
    shape = MODEL.operation_model("CreateContact").input_shape
    assert not ParamValidator().validate({"ContactListName": "people", **door.asked[1][2]}, shape).has_errors()


async def test_a_contact_list_that_is_not_there_is_told() -> None:
    missing = {"error": "NotFoundException", "message": "List with name: people doesn't exist."}
    async with a_door(lambda method, path, body: (404, missing)) as door, some_lists(door) as lists:
        with pytest.raises(AdapterUnavailable, match="no such contact list"):
            await lists.push(["anna@firm.example"])
    assert [method for method, _, _ in door.asked] == ["GET", "POST"]


async def test_of_a_contact_everything_else_stays() -> None:
    news = {"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}
    known = {
        "EmailAddress": "anna+x/y@firm.example",
        "TopicPreferences": [news, {"TopicName": "offers", "SubscriptionStatus": "OPT_IN"}],
        "UnsubscribeAll": False,
        "AttributesData": '{"Name": "Anna"}',
        "CreatedTimestamp": 1.7e9,
    }
    assert shape_of("GetContact", known) == []
    async with a_door(contacts(known)) as door, some_lists(door) as lists:
        await lists.push(["anna+x/y@firm.example"])
    path = f"{CONTACTS}/anna+x%2Fy@firm.example"
    changed = {
        "TopicPreferences": [news, OPT_OUT],
        "UnsubscribeAll": False,
        "AttributesData": '{"Name": "Anna"}',
    }
    assert door.asked == [("GET", path, None), ("PUT", path, changed)]
    shape = MODEL.operation_model("UpdateContact").input_shape
    named = {"ContactListName": "people", "EmailAddress": "anna@firm.example", **changed}
    assert not ParamValidator().validate(named, shape).has_errors()


@pytest.mark.parametrize("known", [{"TopicPreferences": [OPT_OUT]}, {"UnsubscribeAll": True}])
async def test_who_opted_out_already_is_not_written_again(known: Any) -> None:
    async with a_door(contacts(known)) as door, some_lists(door) as lists:
        await lists.push(["anna@firm.example"])
    assert [method for method, _, _ in door.asked] == ["GET"]


@pytest.mark.parametrize("known", [[], "<html></html>", {"UnsubscribeAll": "no"}, {"TopicPreferences": {}}])
async def test_a_contact_that_is_not_understood_is_not_overwritten(known: Any) -> None:
    async with a_door(contacts(known)) as door, some_lists(door) as lists:
        with pytest.raises(AdapterUnavailable):
            await lists.push(["anna@firm.example"])
    assert [method for method, _, _ in door.asked] == ["GET"]


async def test_without_a_topic_nothing_is_pushed() -> None:
    async with a_door(lambda method, path, body: (200, {})) as door:
        for contact_list in ("", "people"):
            async with some_lists(door, contact_list, "") as lists:
                assert lists.pushes_to == ""
                await lists.push(["anna@firm.example"])
    assert door.asked == []


async def test_the_fake_knows_contacts_with_strange_addresses_by_our_signed_paths() -> None:
    addresses = ["o'b+x@firm.example", "a=b&c!$*@firm.example", "a%41b@firm.example", "a/b?c#d@firm.example"]
    async with FakeSES(account=SesAccount(contact_lists={"people": {"offers": "OPT_IN", "news": "OPT_IN"}})) as fake:
        fake.listed = [OnList("people.news", address, AT) for address in addresses]
        way = an_adapter(fake.url, contact_list="people", topic="offers")
        assert way.lists is not None
        await way.lists.push(addresses)
        await way.aclose()
        assert fake.refused == []
    found = sorted((each.list_name, each.address) for each in fake.listed)
    assert found == sorted((name, each) for name in ("people.news", "people.offers") for each in addresses)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_what_is_signed_of_a_path_is_what_goes_out(local: str) -> None:
    path = contact_path(CONTACTS, f"{local}@firm.example")
    assert URL(f"https://email.eu-west-1.amazonaws.com{path}").raw_path == path


@pytest.mark.parametrize(
    "options",
    [{"topic": "offers"}, {"contact_list": "a b"}, {"contact_list": "a/b"}, {"contact_list": "x" * 65},
     {"contact_list": "people", "topic": "é"}, {"contact_list": "people", "topic": ""}, {"contact_list": ""}],
)  # fmt: skip
def test_what_names_no_list_is_refused_at_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"contact_list|topic"):
        an_adapter("http://127.0.0.1:9", **options)


def test_ses_has_no_interface_to_erase() -> None:
    assert an_adapter("http://127.0.0.1:9").erasure is None
