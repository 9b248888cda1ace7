from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.suppression import SuppressionReason
from penstock.ports import AdapterAddress, Listed
from penstock.testing import FakeClock
from penstock.testing.described import deviations
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.lists_contract import ListsContract, pulled_by, pushed_by
from penstock.testing.scripted_http import scripted_http
from penstock_sendgrid import adapter

DESCRIPTION = Path(__file__).parents[3] / "tests/esp/sendgrid/description.json"
ANSWERS = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["answers"]
SAMPLES = json.loads((Path(__file__).parent / "samples/lists.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
AT = datetime(2026, 11, 21, 8, 59, 30, tzinfo=UTC)


def made(endpoint: str, key: str = "test-key", **options: str) -> HttpAdapter:
    return adapter(AdapterAddress("main", "", FakeClock(NOW), options, lambda: key, endpoint=endpoint))


class TestContract(ListsContract):
    """What every plugin promises of lists and erasure, against the bundled fake."""

    lists: ClassVar[Mapping[str, SuppressionReason | None]] = {
        "bounces": SuppressionReason.BOUNCE,
        "invalid_emails": SuppressionReason.BOUNCE,
        "spam_reports": SuppressionReason.COMPLAINT,
        "unsubscribes": SuppressionReason.UNSUBSCRIBE,
        "blocks": None,
        "group-7": SuppressionReason.UNSUBSCRIBE,
    }
    pushes_to: ClassVar[str] = "group-7"
    erases: ClassVar[bool] = True

    def fake(self) -> FakeEsp:
        return FakeSendGrid()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return made(fake.url, key, group="7")


Answer = tuple[int, Any]
WAIT_NO_TIME = {"retry-after": "0"}


@dataclass
class Server:
    """Answers by path what it was told to, the first of several once each; remembers what was asked."""

    answers: dict[str, list[Answer]]
    headers: Mapping[str, str] = field(default_factory=lambda: WAIT_NO_TIME)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append((request.method, request.path_qs, json.loads(body) if body else None))
        several = self.answers[request.path]
        status, content = several.pop(0) if len(several) > 1 else several[0]
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return web.Response(status=status, body=data, headers=self.headers, content_type="application/json")


@asynccontextmanager
async def serving(**changed: list[Answer]) -> AsyncIterator[Server]:
    """The samples, each list with one entry; `changed` by the last part of the path."""
    answers: dict[str, list[Answer]] = {
        f"/v3/suppression/{name}": changed.get(name, [(200, SAMPLES[name])])
        for name in ("bounces", "invalid_emails", "spam_reports", "unsubscribes")
    }
    answers["/v3/asm/groups"] = changed.get("groups", [(200, SAMPLES["groups"])])
    answers["/v3/asm/groups/10/suppressions"] = changed.get("suppressions", [(200, SAMPLES["suppressions"])])
    answers["/v3/recipients/erasejob"] = changed.get("erasejob", [(202, SAMPLES["erasejob"])])
    server = Server(answers)
    async with scripted_http(server.serve) as server.url:
        yield server


async def pulled(server: Server, **options: str) -> list[Listed]:
    return await pulled_by(made(server.url, **options))


async def pushed(server: Server, addresses: Sequence[str], **options: str) -> None:
    await pushed_by(made(server.url, **options), *addresses)


async def erased(server: Server, addresses: Sequence[str]) -> list[tuple[str, bool]]:
    sending = made(server.url)
    assert sending.erasure is not None
    try:
        return [(each.reference, each.done) for each in await sending.erasure.erase(addresses)]
    finally:
        await sending.aclose()


@pytest.mark.parametrize(
    ("name", "operation", "status"),
    [
        ("bounces", "GET /v3/suppression/bounces", "200"),
        ("invalid_emails", "GET /v3/suppression/invalid_emails", "200"),
        ("spam_reports", "GET /v3/suppression/spam_reports", "200"),
        ("unsubscribes", "GET /v3/suppression/unsubscribes", "200"),
        ("groups", "GET /v3/asm/groups", "200"),
        ("suppressions", "GET /v3/asm/groups/{group_id}/suppressions", "200"),
        ("pushed", "POST /v3/asm/groups/{group_id}/suppressions", "201"),
        ("erasejob", "POST /v3/recipients/erasejob", "202"),
    ],
)
def test_the_samples_are_as_described(name: str, operation: str, status: str) -> None:
    assert deviations(SAMPLES[name], ANSWERS[operation][status]) == []


async def test_each_list_has_its_reason_and_blocks_are_never_asked_for() -> None:
    async with serving() as server:
        found = await pulled(server)
        assert [(each.address, each.reason, each.list_name, each.at) for each in found] == [
            ("anna@firm.example", SuppressionReason.BOUNCE, "bounces", AT),
            ("bo@nowhere.example", SuppressionReason.BOUNCE, "invalid_emails", AT),
            ("cy@firm.example", SuppressionReason.COMPLAINT, "spam_reports", AT),
            ("di@firm.example", SuppressionReason.UNSUBSCRIBE, "unsubscribes", AT),
            ("ed@firm.example", SuppressionReason.UNSUBSCRIBE, "asm group 10", None),
        ]
        assert not any("blocks" in path for _, path, _ in server.asked)
        assert {method for method, _, _ in server.asked} == {"GET"}


async def test_pages_follow_each_other_until_one_is_not_full() -> None:
    people = [{"created": 1795251570, "email": f"p{number}@firm.example", "ip": "192.0.2.1"} for number in range(450)]
    pages: list[Answer] = [(200, people[at : at + 200]) for at in (0, 200, 400)]
    async with serving(spam_reports=pages) as server:
        found = [each.address for each in await pulled(server) if each.reason is SuppressionReason.COMPLAINT]
        assert found == [each["email"] for each in people]
        paths = [path for _, path, _ in server.asked if "spam_reports" in path]
        assert paths == [f"/v3/suppression/spam_reports?limit=200&offset={at}" for at in (0, 200, 400)]


async def test_a_time_that_cannot_be_read_is_none() -> None:
    entries = [{"email": f"p{number}@firm.example", "created": at} for number, at in enumerate((None, "x", -1, True))]
    async with serving(unsubscribes=[(200, entries)]) as server:
        found = [each for each in await pulled(server) if each.list_name == "unsubscribes"]
        assert [each.at for each in found] == [None] * 4


@pytest.mark.parametrize(
    "changed",
    [
        {"bounces": [(200, b"[")]},
        {"bounces": [(200, b"[" * 100_000)]},
        {"bounces": [(200, b"<html>")]},
        {"bounces": [(200, {"errors": []})]},
        {"bounces": [(200, [7])]},
        {"bounces": [(200, [{"email": 7}])]},
        {"bounces": [(200, [{"email": " "}])]},
        {"bounces": [(500, [])]},
        {"bounces": [(404, [])]},
        {"bounces": [(302, [])]},
        {"bounces": [(401, {"errors": [{"message": "anna@firm.example"}]})]},
        {"unsubscribes": [(200, [{"created": 1, "email": f"p{number}@firm.example"} for number in range(200)])]},
        {
            "unsubscribes": [
                (200, [{"created": 1, "email": f"p{number}@firm.example"} for number in range(201)]),
                (200, []),
            ]
        },
        {"groups": [(200, {})]},
        {"groups": [(200, [{"name": "Offers"}])]},
        {"groups": [(200, [{"id": "10/../11"}])]},
        {"suppressions": [(200, {"email": "x"})]},
        {"suppressions": [(200, [None])]},
        {"suppressions": [(403, [])]},
    ],
)
async def test_what_cannot_be_understood_is_told_and_not_taken_for_the_whole(changed: dict[str, list[Answer]]) -> None:
    async with serving(**changed) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await pulled(server)
        assert "@" not in str(told.value)


async def test_no_connection_is_told() -> None:
    async with serving() as server:
        pass
    with pytest.raises(AdapterUnavailable, match="no answer"):
        await pulled(server)


async def test_too_much_at_once_is_waited_for() -> None:
    slow: list[Answer] = [(429, {})] * 4 + [(200, SAMPLES["bounces"])]
    async with serving(bounces=slow) as server:
        assert len(await pulled(server)) == 5


@pytest.mark.parametrize("headers", [WAIT_NO_TIME, {"x-ratelimit-reset": "0"}, {"x-ratelimit-reset": "1795251599"}])
async def test_too_much_at_once_again_and_again_is_told(headers: Mapping[str, str]) -> None:
    async with serving(bounces=[(429, {})]) as server:
        server.headers = headers
        with pytest.raises(AdapterUnavailable, match="429"):
            await pulled(server)
        assert len(server.asked) == 5


async def test_objections_go_into_the_group_a_thousand_at_a_time() -> None:
    people = [f"p{number}@firm.example" for number in range(1_001)]
    async with serving(suppressions=[(201, SAMPLES["pushed"])]) as server:
        await pushed(server, people, group="10")
        looked, first, second = server.asked
        assert looked == ("GET", "/v3/asm/groups", None)
        assert first == ("POST", "/v3/asm/groups/10/suppressions", {"recipient_emails": people[:1_000]})
        assert second[2] == {"recipient_emails": people[1_000:]}


async def test_nothing_is_pushed_to_a_group_that_is_gone() -> None:
    """SendGrid would put it on the global list, which stops transactional mail too."""
    async with serving() as server:
        with pytest.raises(AdapterUnavailable, match="does not exist"):
            await pushed(server, ["fay@firm.example"], group="11")
        assert [method for method, _, _ in server.asked] == ["GET"]


async def test_without_a_group_nothing_is_pushed() -> None:
    async with serving() as server:
        sending = made(server.url)
        assert sending.lists is not None
        assert sending.lists.pushes_to == ""
        with pytest.raises(AdapterUnavailable, match="no group"):
            await sending.lists.push(["fay@firm.example"])
        await sending.lists.push([])
        await sending.aclose()
        assert server.asked == []


async def test_pushing_that_is_refused_is_told() -> None:
    async with serving(suppressions=[(400, {"errors": [{"message": "fay@firm.example"}]})]) as server:
        with pytest.raises(AdapterUnavailable, match="HTTP 400") as told:
            await pushed(server, ["fay@firm.example"], group="10")
        assert "@" not in str(told.value)


async def test_erasing_is_a_job_whose_end_is_not_told() -> None:
    async with serving() as server:
        assert await erased(server, ["anna@firm.example", "bo@firm.example", "anna@firm.example"]) == [
            ("12a975bd-c742-4713-8f47-cb3ae4e56c74", False)
        ]
        sent = {"email_addresses": ["anna@firm.example", "bo@firm.example"]}
        assert server.asked == [("POST", "/v3/recipients/erasejob", sent)]


@pytest.mark.parametrize(("count", "length", "jobs"), [(5_000, 5, 1), (5_001, 5, 2), (3_000, 190, 3)])
async def test_one_job_has_at_most_5000_addresses_and_256_kilobytes(count: int, length: int, jobs: int) -> None:
    people = [f"{number:0{length}d}@firm.example" for number in range(count)]
    async with serving() as server:
        assert len(await erased(server, people)) == jobs
        sent = [body["email_addresses"] for _, _, body in server.asked]
        assert [each for some in sent for each in some] == people
        assert all(len(some) <= 5_000 and len(json.dumps(some)) <= 256_000 for some in sent)


@pytest.mark.parametrize(
    "answer",
    [
        (202, {}),
        (202, []),
        (202, {"job_id": 7}),
        (202, {"job_id": "anna@firm.example"}),
        (202, b""),
        (400, {}),
        (403, {}),
    ],
)
async def test_without_the_id_of_a_job_nothing_is_promised(answer: Answer) -> None:
    async with serving(erasejob=[answer]) as server:
        with pytest.raises(AdapterUnavailable) as told:
            await erased(server, ["anna@firm.example"])
        assert "@" not in str(told.value)


@pytest.mark.parametrize("group", ["", "0", "offers", "-1", "1.5", "１", "1" * 11, "10/../11"])
def test_a_group_is_a_number(group: str) -> None:
    with pytest.raises(ConfigError, match="group"):
        made("http://127.0.0.1:9", group=group)
