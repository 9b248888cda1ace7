"""What `/metrics` and `/readyz` say of the whole relay, and how answers are counted."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Scope

from penstock.errors import StoreUnavailable
from penstock.observe.backlog import Backlog
from penstock.observe.metrics import Tallies
from penstock.ports import ReturnCount
from penstock.web.answered import CountingApplication
from penstock.web.health import health_routes


async def counts() -> list[ReturnCount]:
    return []


async def silences() -> Mapping[str, bool]:
    return {}


async def backlog() -> Backlog:
    return Backlog(7, 12.5, 2, 1, {"NOT_RELEVANT": 3}, 0.001)


async def answer(app: CountingApplication | Starlette, path: str, method: str = "GET") -> tuple[int, str]:
    """As a server would ask the application."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [],
                    "client": ("127.0.0.1", 9), "root_path": ""}  # fmt: skip
    await app(scope, receive, send)
    return said[0]["status"], b"".join(each.get("body", b"") for each in said).decode()


async def test_what_lies_in_the_store_stands_beside_what_was_counted() -> None:
    tallies = Tallies()
    tallies.accepted("smtp", "newsletter", 4)
    app = Starlette(routes=health_routes(counts, silences, backlog=backlog, tallies=tallies))
    status, text = await answer(app, "/metrics")
    assert status == 200
    lines = text.splitlines()
    for line in ("penstock_queue 7.0", "penstock_queue_oldest_seconds 12.5", "penstock_begun 2.0",
                 "penstock_uncertain 1.0", 'penstock_held{code="NOT_RELEVANT"} 3.0', "penstock_store_seconds 0.001",
                 'penstock_accepted_total{door="smtp",stream="newsletter"} 4.0'):  # fmt: skip
        assert line in lines


async def test_a_relay_with_a_process_missing_is_not_ready_and_says_which() -> None:
    missing = ["worker-1"]
    app = Starlette(routes=health_routes(counts, silences, missing=lambda: ", ".join(missing)))
    assert await answer(app, "/readyz") == (503, "not there: worker-1\n")
    assert await answer(app, "/healthz") == (200, "ok\n")
    missing.clear()
    assert await answer(app, "/readyz") == (200, "ok\n")


async def test_a_store_that_can_be_read_and_not_written_is_not_ready() -> None:
    full = [True]

    async def trial() -> None:
        if full:
            raise StoreUnavailable("the disk is full")

    app = Starlette(routes=health_routes(counts, silences, trial=trial))
    assert await answer(app, "/readyz") == (503, "the store cannot be written to\n")
    full.clear()
    assert await answer(app, "/readyz") == (200, "ok\n")


async def test_answers_count_by_the_pattern_of_the_route() -> None:
    told: list[tuple[str, str, int]] = []

    async def page(_request: Request) -> Response:
        return PlainTextResponse("ok")

    routes = [Route("/u/{token}", page, methods=["GET"])]
    app = CountingApplication(Starlette(routes=routes), routes, lambda *each: told.append(each))
    for path, method in (("/u/secret", "GET"), ("/u/secret", "POST"), ("/other/secret", "GET"), ("/u/x", "MADE-UP")):
        await answer(app, path, method)
    assert told == [("/u/{token}", "GET", 200), ("/u/{token}", "POST", 405), ("", "GET", 404), ("/u/{token}", "", 405)]
