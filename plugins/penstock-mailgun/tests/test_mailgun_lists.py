from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, ErasureReceipt, Listed
from penstock.testing import FakeClock
from penstock.testing.described import deviations
from penstock.testing.esp import FakeEsp, OnList
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.lists_contract import ListsContract, erased_by, pulled_by
from penstock.testing.scripted_http import scripted_http
from penstock_mailgun import adapter

SAMPLES = Path(__file__).parent / "samples"
DESCRIPTION = json.loads((Path(__file__).parents[3] / "tests/esp/mailgun/description.json").read_text("utf-8"))
DOMAIN = "mg.nordlicht.example"
ROOT = f"/v3/{DOMAIN}"
AT = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)
LISTS = ("bounces", "complaints", "unsubscribes")


def an_adapter(url: str, *, key: str = "test-key", tag: str = "prospecting", **options: str) -> HttpAdapter:
    named = {"unsubscribe_tag": tag} if tag else {}
    place = AdapterAddress("main", DOMAIN, FakeClock(), {**named, **options}, api_key=lambda: key, endpoint=url)
    return adapter(place)


class TestContract(ListsContract):
    """The promises of every plugin's lists; inherited."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        "bounces": SuppressionReason.BOUNCE,
        "complaints": SuppressionReason.COMPLAINT,
        "unsubscribes": SuppressionReason.UNSUBSCRIBE,
    }
    pushes_to: ClassVar[str] = "unsubscribes.prospecting"
    erases: ClassVar[bool] = True

    def fake(self) -> FakeEsp:
        return FakeMailgun()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key)

    async def test_erasing_reaches_every_address_and_gives_receipts(self) -> None:
        """Mailgun has no job that takes any address: an entry of its list goes, and objections stay."""
        addresses = [f"e{n}@firm.example" for n in range(120)]
        async with self.fake() as fake:
            objections = [OnList("complaints", addresses[0], AT), OnList("unsubscribes", addresses[1], AT)]
            fake.listed += [*objections, *(OnList("bounces", each, AT) for each in addresses)]
            adapter = self.adapter(fake)
            assert adapter.erasure is not None
            receipts = await adapter.erasure.erase(addresses)
            assert await adapter.erasure.erase([]) == []
            assert adapter.erasure.erases
            assert fake.listed == objections
            assert fake.refused == []
            await adapter.aclose()
        assert receipts == [ErasureReceipt("bounces: removed", done=True)] * len(addresses)


@dataclass
class Asked:
    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    headers: Mapping[str, str]


@dataclass
class Door:
    """A server of this test's own. It answers by path what it was told, one after the other, else the end of a list."""

    answers: dict[str, list[web.Response]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        query = parse_qs(request.query_string, keep_blank_values=True)
        self.asked.append(
            Asked(request.method, request.raw_path, query, json.loads(body) if body else None, request.headers)
        )
        told = self.answers.get(request.path.removeprefix(f"{ROOT}/"))
        return told.pop(0) if told else of("list_end")

    def requests(self, name: str, method: str = "GET") -> list[Asked]:
        return [each for each in self.asked if each.method == method and each.path.startswith(f"{ROOT}/{name}")]


def of(name: str) -> web.Response:
    return web.Response(body=(SAMPLES / f"{name}.json").read_bytes(), content_type="application/json")


def said(message: str, status: int = 200, **headers: str) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)


def page(items: object, following: object) -> web.Response:
    return web.json_response({"items": items, "paging": {"next": following}})


@asynccontextmanager
async def a_door(**answers: list[web.Response]) -> AsyncIterator[Door]:
    door = Door(answers)
    async with scripted_http(door.answer) as door.url:
        yield door


async def pulled(door: Door) -> list[Listed]:
    return await pulled_by(an_adapter(door.url))


async def pushed(door: Door, *addresses: str, tag: str = "prospecting") -> list[dict[str, Any]]:
    """The entries that were written."""
    way = an_adapter(door.url, tag=tag)
    assert way.lists is not None
    try:
        await way.lists.push(addresses)
    finally:
        await way.aclose()
    return [entry for each in door.requests("unsubscribes", "POST") for entry in each.body]


async def erased(door: Door, *addresses: str) -> list[ErasureReceipt]:
    return await erased_by(an_adapter(door.url), *addresses)


async def test_an_entry_says_whom_and_why_and_since_when() -> None:
    async with a_door(bounces=[of("list_bounces")], unsubscribes=[of("list_unsubscribes")]) as door:
        found = await pulled(door)
    opted_out = SuppressionReason.UNSUBSCRIBE
    assert found == [
        Listed("gone@firm.example", SuppressionReason.BOUNCE, "bounces", AT),
        Listed("all@firm.example", opted_out, "unsubscribes", AT),
        Listed("none@firm.example", opted_out, "unsubscribes", AT),
        Listed("both@firm.example", opted_out, "unsubscribes", AT),
        Listed("Some@firm.example", opted_out, "unsubscribes.newsletter,winter", None),
        Listed("ours@firm.example", opted_out, "unsubscribes.prospecting", None),
    ]


async def test_the_next_page_is_where_mailgun_says_and_the_host_is_ours() -> None:
    """The sample names Mailgun's host; the key stays with the one that is configured."""
    async with a_door(bounces=[of("list_bounces"), of("list_bounces")]) as door:
        with pytest.raises(AdapterUnavailable):
            await pulled(door)
        first, second = door.requests("bounces")
    assert first.query == {"limit": ["300"]}
    assert second.query == {"page": ["next"], "address": ["gone@firm.example"], "limit": ["300"]}


async def test_the_allowlist_is_not_read() -> None:
    async with a_door() as door:
        assert await pulled(door) == []
    assert [each.path.removeprefix(f"{ROOT}/").partition("?")[0] for each in door.asked] == [*LISTS]


async def test_requests_are_as_the_description_describes() -> None:
    async with a_door(unsubscribes=[of("list_unsubscribes"), of("list_end"), said("1 address added")]) as door:
        written = await pushed(door, "Bo+1@firm.example")
        await erased(door, "bo@firm.example")
        await pulled(door)
    operations = DESCRIPTION["operations"]
    for asked in door.asked:
        if asked.method == "GET":
            name = asked.path.split("/")[3].partition("?")[0]
            # Bounces are paged as the other two; the description forgot their `address`.
            assert set(asked.query) <= {*operations[f"GET /v3/{{domain_name}}/{name}"]["query"], "address"}
    (item,) = (each for each in written)
    schema = operations["POST /v3/{domain_name}/unsubscribes"]["request"]["application/json"]["items"]
    assert set(schema["required"]) == set(item)
    # A time is "object" there by its Go type, and a string in every example.
    schema["properties"]["created_at"] = {"type": "string"}
    assert deviations(item, schema) == []
    (post,) = door.requests("unsubscribes", "POST")
    assert post.headers["Content-Type"] == "application/json"
    assert "DELETE /v3/{domain_name}/bounces/{address}" in operations


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>Welcome</html>", content_type="text/html"),
        web.Response(text="Mailgun Magnificent API"),
        web.Response(body=b"[" * 100_000),
        web.json_response([]),
        web.json_response({}),
        web.json_response({"items": {}}),
        web.json_response({"items": ["gone@firm.example"]}),
        web.json_response({"items": [{"address": "gone@firm.example", "created_at": ""}]}),
        page([{"address": 7}], "/v3/mg.nordlicht.example/bounces?page=next"),
        page([{"address": "nobody"}], "/v3/mg.nordlicht.example/bounces?page=next"),
        page([{"address": "a@firm.example"}], None),
        page([{"address": "a@firm.example"}], ""),
        page([{"address": "a@firm.example"}], "https://[::1/v3"),
        page([{"address": "a@firm.example"}], "/v3/mg.nordlicht.example/bounces"),
        page([{"address": "a@firm.example"}], "/v3/mg.nordlicht.example/whitelists?page=next"),
        page([{"address": "a@firm.example"}], "/v3/other.example/bounces?page=next"),
        page([{"address": "a@firm.example"}], "/v3/mg.nordlicht.example/bounces?limit=300"),
        said("Domain not found", 404),
        said("Internal Server Error", 500),
        web.Response(status=302, headers={"Location": "https://elsewhere.example/"}),
    ],
)
async def test_a_page_that_cannot_be_understood_is_told(answer: web.Response) -> None:
    async with a_door(bounces=[answer]) as door:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(door)
    assert "@" not in str(told.value)
    assert len(door.asked) == 1


@pytest.mark.parametrize("tags", [None, "prospecting", [7], {}])
async def test_an_unsubscription_without_readable_tags_is_told(tags: object) -> None:
    item = {"address": "a@firm.example", "tags": tags}
    async with a_door(unsubscribes=[page([item], "/v3/mg.nordlicht.example/unsubscribes?page=next")]) as door:
        with pytest.raises(AdapterUnavailable):
            await pulled(door)


async def test_nobody_there_is_told() -> None:
    async with a_door() as door:
        pass
    with pytest.raises(AdapterUnavailable):
        await pulled(door)


async def test_a_limit_is_waited_for_as_asked() -> None:
    limited = [
        said("slow", 429, **{"Retry-After": "0.02"}),
        said("limit exceeded, try again after 0 seconds", 429),
    ]
    async with a_door(bounces=[*limited, of("list_bounces"), of("list_end")]) as door:
        assert len(await pulled(door)) == 1
        assert len(door.requests("bounces")) == 4


async def test_a_limit_that_does_not_end_is_told() -> None:
    async with a_door(bounces=[said("slow down", 429, **{"Retry-After": "0"}) for _ in range(9)]) as door:
        with pytest.raises(AdapterUnavailable):
            await pulled(door)
    assert len(door.asked) == 4


async def test_objections_go_to_the_tag_and_what_is_there_stays() -> None:
    """Written again, an entry could lose what it had: who is unsubscribed from more keeps it."""
    async with a_door(unsubscribes=[of("list_unsubscribes"), of("list_end")]) as door:
        wanted = ("all@firm.example", "none@firm.example", "both@firm.example", "ours@firm.example")
        entries = await pushed(door, *wanted, "some@firm.example", "New@firm.example", "new@firm.example")
    at = "Mon, 23 Nov 2026 09:00:00 UTC"
    assert entries == [
        {"address": "some@firm.example", "tags": ["newsletter", "winter", "prospecting"], "created_at": at},
        {"address": "new@firm.example", "tags": ["prospecting"], "created_at": at},
    ]


async def test_nothing_to_say_is_not_said() -> None:
    async with a_door(unsubscribes=[of("list_unsubscribes"), of("list_end")]) as door:
        assert await pushed(door) == []
        assert door.asked == []
        assert await pushed(door, "ours@firm.example") == []


async def test_one_request_writes_at_most_500() -> None:
    async with a_door(unsubscribes=[of("list_end")]) as door:
        assert len(await pushed(door, *(f"p{n}@firm.example" for n in range(1_001)))) == 1_001
        assert [len(each.body) for each in door.requests("unsubscribes", "POST")] == [500, 500, 1]


async def test_without_a_tag_nothing_is_pushed() -> None:
    async with a_door() as door:
        assert await pushed(door, "new@firm.example", tag="") == []
        assert door.asked == []
        way = an_adapter(door.url, tag="")
        assert way.lists is not None
        assert way.lists.pushes_to == ""
        await way.aclose()


async def test_a_push_that_is_refused_is_told() -> None:
    async with a_door(unsubscribes=[of("list_end"), said("Batch size should be less than 1000", 400)]) as door:
        with pytest.raises(AdapterUnavailable):
            await pushed(door, "new@firm.example")


@pytest.mark.parametrize(
    "options",
    [
        {"tag": "transactional"},
        {"tag": "notice"},
        {"tag": "*"},
        {"tag": "winter"},
        {"tag": "prospecting", "more": "winter"},
    ],
)
def test_a_tag_that_would_stop_other_mail_is_refused(options: dict[str, str]) -> None:
    address = {"unsubscribe_tag": options["tag"], **({"tag": options["more"]} if "more" in options else {})}
    with pytest.raises(ConfigError) as told:
        adapter(AdapterAddress("main", DOMAIN, FakeClock(), address, api_key=lambda: "k"))
    assert told.value.where == "adapters.main.url"
    assert "unsubscribe_tag" in told.value.what


async def test_erasing_removes_the_bounce_and_leaves_objections() -> None:
    async with a_door() as door:
        door.answers = {
            "bounces/a/b+1@firm.example": [said("Bounced addresses for this domain have been removed")],
            "bounces/bo@firm.example": [said("Address not found in bounces table", 404)],
        }
        receipts = await erased(door, "a/b+1@firm.example", "bo@firm.example")
    assert receipts == [ErasureReceipt("bounces: removed", done=True), ErasureReceipt("bounces: not listed", done=True)]
    assert [(each.method, each.path) for each in door.asked] == [
        ("DELETE", f"{ROOT}/bounces/a%2Fb%2B1@firm.example"),
        ("DELETE", f"{ROOT}/bounces/bo@firm.example"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        said("Domain not found", 404),
        web.Response(status=404, text="404 page not found"),
        web.json_response({}, status=404),
        said("Forbidden", 401),
        said("Internal Server Error", 500),
    ],
)
async def test_what_was_perhaps_not_erased_is_no_receipt(answer: web.Response) -> None:
    async with a_door() as door:
        door.answers = {"bounces/bo@firm.example": [answer]}
        with pytest.raises(AdapterUnavailable) as told:
            await erased(door, "bo@firm.example")
    assert "@" not in str(told.value)
