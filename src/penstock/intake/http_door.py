"""`/api/v1/mails`: the HTTP door (contract section 6)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.errors import Unavailable
from penstock.intake.api_document import api_document
from penstock.intake.credentials import caller_key
from penstock.intake.http_answers import MailState
from penstock.intake.http_body import BodyRoom
from penstock.intake.http_handing import Handing, Wish
from penstock.intake.http_letter import Handed
from penstock.intake.http_look_ups import LookUps
from penstock.intake.http_problem import NO_STORE, Problem, RequestError, answered, nearest, problem_of
from penstock.intake.http_raw import RAW_PARAMETERS
from penstock.model.window import Window
from penstock.observe.log import get_logger
from penstock.ports.intake import Acceptance, Client, Doorkeeper

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["HttpRules", "http_routes"]

_log = get_logger("intake.http")

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_FROM_A_PAGE = "origin"
"""Browsers send it with what a page hands in: the address of a machine is no proof for the pages seen on it."""
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="penstock", Basic realm="penstock", charset="UTF-8"'}
_JSON, _RAW = "application/json", "message/rfc822"
_YES, _NO = ("1", "true"), ("0", "false")
_MOST_KEY = 255
_MOST_ID = 128
_UNKNOWN = "no such mail"

Work = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class HttpRules:
    """What the door takes. `size_limit` are octets of a message; a body may be a third and 1 MiB larger.

    `look_ups`: how often a client may ask for verdicts and states. `seconds` is how long a body may take.
    `trusts_proxies`: the listener rewrites the caller's address from trusted proxies; without it who came through a
    proxy has to log in.
    """

    size_limit: int
    look_ups: Window
    seconds: float = 30.0
    trusts_proxies: bool = False

    @property
    def body_limit(self) -> int:
        """Octets of one body."""
        return self.size_limit * 4 // 3 + (1 << 20)


def http_routes(acceptance: Acceptance, doorkeeper: Doorkeeper, rules: HttpRules) -> list[Route]:
    """The routes under `/api`, for one listener. All answers are JSON; those of 400 and above are problem documents."""
    door = _Door(acceptance, doorkeeper, rules)
    return [
        Route("/api/v1/mails", _Endpoint({"POST": door.hand_in})),
        Route("/api/v1/mails/{id}", _Endpoint({"GET": door.look_up, "HEAD": door.look_up})),
        Route("/api/v1/openapi.json", _Endpoint({"GET": door.describe, "HEAD": door.describe})),
        Route("/api/{rest:path}", _Endpoint({})),
    ]


class _Endpoint:
    """Answers by method; what goes wrong becomes a problem document, and what is not foreseen a temporary one."""

    def __init__(self, methods: Mapping[str, Work]) -> None:
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            work = self._methods.get(request.method)
            if work is None:
                raise self._no_such(request.method)
            return await work(request)
        except RequestError as fault:
            return answered(problem_of(fault), fault.headers)
        except ClientDisconnect:
            return Response(status_code=408)
        except Unavailable as fault:
            _log.warning("request_put_off", fault=type(fault).__name__)
        except Exception as fault:  # noqa: BLE001 — unknown is temporary, and tells nothing
            _log.error("request_failed", fault=type(fault).__name__)
        return answered(problem_of(RequestError(503, "cannot be done at present; nothing was saved")))

    def _no_such(self, method: str) -> RequestError:
        if not self._methods:
            return RequestError(404, "there is nothing here", mend="GET /api/v1/openapi.json says what there is")
        allowed = ", ".join(self._methods)
        return RequestError(405, f"takes {allowed}", where=method[:20], headers={"Allow": allowed})


class _Door:
    """The three things that can be asked of it."""

    def __init__(self, acceptance: Acceptance, doorkeeper: Doorkeeper, rules: HttpRules) -> None:
        self._acceptance = acceptance
        self._doorkeeper = doorkeeper
        self._rules = rules
        self._handing = Handing(acceptance, size_limit=rules.size_limit, most=2 * rules.body_limit)
        self._room = BodyRoom(rules.body_limit, rules.seconds)
        self._look_ups = LookUps(rules.look_ups)
        self._document = b""

    async def hand_in(self, request: Request) -> Response:
        """Who, what kind, how much: all is looked at before the body is read."""
        client = await self._client(request)
        kind = _kind(request)
        wish = Wish(kind == _RAW, _dry_run(request, kind), request.query_params)
        key = _key(request)
        async with self._room.body(request) as body:
            # In a thread, where it may take long: other requests wait for nobody's attachments.
            handed = Handed(client, key, await _digest(request, body) if key else b"")
            made = await self._handing.made(body, wish, handed)
            # What is made of it is held until there is an answer, and so is its room.
            if not wish.dry_run:
                return _said(*await self._handing.taken(made))
            number = sum(len(each.recipients) for each in made.submissions)
            self._count(request, client, number)
            _log.info("dry_run", client=client.name, mails=number)
            return _said(*await self._handing.judged(made))

    async def look_up(self, request: Request) -> Response:
        """State, decision and outcome of the client's own mail."""
        client = await self._client(request)
        _only(request, ())
        self._count(request, client, 1)
        mail_id = request.path_params["id"]
        usable = mail_id.isascii() and mail_id.isprintable() and len(mail_id) <= _MOST_ID
        found = await self._acceptance.look_up(client, mail_id) if usable else None
        _log.info("looked_up", client=client.name, mail_id=mail_id if found else "", found=found is not None)
        if found is None:
            raise RequestError(404, _UNKNOWN, where="id")
        return _said(200, MailState.told(found, client))

    async def describe(self, request: Request) -> Response:
        """The OpenAPI document, for everybody; made when it is first asked for."""
        del request
        if not self._document:
            self._document = await asyncio.to_thread(api_document, self._rules.body_limit)
        return Response(self._document, media_type=_JSON)

    async def _client(self, request: Request) -> Client:
        caller = request.client.host if request.client else ""
        given = request.headers.get("authorization")
        if given is None:
            client = None if self._is_covered(request) else self._doorkeeper.neighbour(caller)
        else:
            client = await self._login(given, caller)
        if client is None:
            raise RequestError(401, "log in", where="Authorization", headers={**_CHALLENGE, "Connection": "close"})
        return client

    async def _login(self, given: str, caller: str) -> Client | None:
        scheme, _, value = given.partition(" ")
        match scheme.lower():
            case "bearer":
                return await self._doorkeeper.bearer(value.strip(" "), caller)
            case "basic":
                try:
                    name, _, secret = base64.b64decode(value.strip(" "), validate=True).decode().partition(":")
                except (ValueError, binascii.Error):
                    return None
                return await self._doorkeeper.login(name, secret, caller)
        return None

    def _is_covered(self, request: Request) -> bool:
        """Whether the address may be a proxy's or the request a web page's."""
        proxied = not self._rules.trusts_proxies and any(name in request.headers for name in _FORWARDED)
        return proxied or _FROM_A_PAGE in request.headers

    def _count(self, request: Request, client: Client, number: int) -> None:
        """Takes the look-ups from what the client may do. Raises RequestError 429; 413 for more than it ever may."""
        if number > self._look_ups.most:
            raise RequestError(413, f"asks for more than {self._look_ups.most} verdicts", mend="ask for fewer at once")
        caller = caller_key(request.client.host) if request.client else ""
        name = f"name {client.name}" if client.name else f"caller {caller}"
        wait = self._look_ups.wait(name, number, asyncio.get_running_loop().time())
        if wait:
            _log.warning("too_many_look_ups", client=client.name)
            raise RequestError(429, "too many look-ups", headers={"Retry-After": str(int(wait) + 1)})


def _said(status: int, answer: BaseModel | Sequence[BaseModel]) -> Response:
    if isinstance(answer, Problem):
        return answered(answer)
    if isinstance(answer, BaseModel):
        text = answer.model_dump_json(exclude_none=not isinstance(answer, MailState), exclude_unset=True)
    else:
        text = f"[{','.join(each.model_dump_json(exclude_none=True) for each in answer)}]"
    return Response(text, status, NO_STORE, media_type=_JSON)


def _kind(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {_JSON, _RAW}:
        what = "is no media type that is taken here" if kind else "is missing"
        raise RequestError(415, what, where="Content-Type", mend=f"{_JSON} or {_RAW}", headers={"Connection": "close"})
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "is not taken", where="Content-Encoding", headers={"Connection": "close"})
    return kind


def _dry_run(request: Request, kind: str) -> bool:
    """Whether only the decision is asked for; a misspelt wish must not send anything."""
    _only(request, ("dry_run", *(RAW_PARAMETERS if kind == _RAW else ())))
    asked = [("?dry_run", word) for word in request.query_params.getlist("dry_run")]
    asked += [("X-Penstock-Dry-Run", word) for word in request.headers.getlist("x-penstock-dry-run")]
    for where, word in asked:
        if word.lower() not in _YES + _NO:
            raise RequestError(400, "is neither 1 nor 0", where=where)
    return any(word.lower() in _YES for _, word in asked)


def _only(request: Request, known: Sequence[str]) -> None:
    for name in request.query_params:
        if name not in known:
            shown = name[:60] if name.isprintable() else ""
            raise RequestError(400, "unknown parameter", where=f"?{shown}", mend=nearest(name, known) if known else "")
        if name != "to" and len(request.query_params.getlist(name)) > 1:
            raise RequestError(400, "stands there twice", where=f"?{name}")


def _key(request: Request) -> str:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return ""
    if len(given) > 1 or not 0 < len(given[0]) <= _MOST_KEY or not (given[0].isascii() and given[0].isprintable()):
        what = f"is not one key of 1 to {_MOST_KEY} printable ASCII characters"
        raise RequestError(400, what, where="Idempotency-Key")
    return given[0]


async def _digest(request: Request, body: bytearray) -> bytes:
    """SHA-256 of method, query and body, each with its length before it."""
    digest = hashlib.sha256()
    for each in (request.method.encode(), request.scope.get("query_string", b""), body):
        digest.update(len(each).to_bytes(8, "big"))
        await asyncio.to_thread(digest.update, each) if len(each) > 1 << 20 else digest.update(each)
    return digest.digest()
