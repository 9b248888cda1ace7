"""`/compat`: takes requests that were made for SendGrid or Mailgun (contract section 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.errors import Unavailable
from penstock.intake.compat_dialect import STATUS, Dialect, MailgunDialect, SendGridDialect
from penstock.intake.compat_order import Bounds
from penstock.intake.http_body import BodyRoom
from penstock.intake.http_problem import RequestError
from penstock.observe.log import get_logger
from penstock.ports.intake import Acceptance, Client, Doorkeeper, Receipt, Refusal, RefusalKind

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["CompatRules", "compat_routes"]

_log = get_logger("intake.compat")

_LONG_OCTETS = 1 << 14
"""From here on a body is worked on in a thread."""
_CLOSE = {"Connection": "close"}
_TOLD_TO_ALL = frozenset({RefusalKind.CONFLICT, RefusalKind.LATER})


@dataclass(frozen=True, slots=True)
class CompatRules:
    """What the doors take. `size_limit` are octets of a message; a body may be a third and 1 MiB larger.

    `now` is the moment that counts for times in a request. `knows_domain`: whether a client may send from a domain.
    `seconds` is how long a body may take.
    """

    size_limit: int
    now: Callable[[], datetime]
    knows_domain: Callable[[Client, str], bool]
    seconds: float = 30.0

    @property
    def body_limit(self) -> int:
        """Octets of one body."""
        return self.size_limit * 4 // 3 + (1 << 20)


def compat_routes(acceptance: Acceptance, doorkeeper: Doorkeeper, rules: CompatRules) -> list[Route]:
    """The routes under `/compat`, for one listener."""
    door = _Door(acceptance, doorkeeper, rules)
    sendgrid, fields, whole = SendGridDialect(), MailgunDialect(whole=False), MailgunDialect(whole=True)
    return [
        Route("/compat/sendgrid/v3/mail/send", _Endpoint(door, sendgrid)),
        Route("/compat/mailgun/v3/{domain}/messages", _Endpoint(door, fields)),
        Route("/compat/mailgun/v3/{domain}/messages.mime", _Endpoint(door, whole)),
        Route("/compat/sendgrid/{rest:path}", _Endpoint(None, sendgrid)),
        Route("/compat/{rest:path}", _Endpoint(None, fields)),
    ]


class _Endpoint:
    """Answers in its dialect, whatever goes wrong; without a door there is nothing."""

    def __init__(self, door: _Door | None, dialect: Dialect) -> None:
        self._door = door
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            if self._door is None:
                raise RequestError(404, "not found", headers=_CLOSE)
            if request.method != "POST":
                raise RequestError(405, "method not allowed", headers={"Allow": "POST", **_CLOSE})
            return await self._door.hand_in(request, self._dialect)
        except RequestError as fault:
            return self._dialect.fault(fault)
        except ClientDisconnect:
            return Response(status_code=408)
        except Unavailable as fault:
            _log.warning("request_put_off", fault=type(fault).__name__)
        except Exception as fault:  # noqa: BLE001 — unknown is temporary, and tells nothing
            _log.error("request_failed", fault=type(fault).__name__)
        return self._dialect.fault(RequestError(503, "cannot be done at present; nothing was saved"))


class _Door:
    """One request from its head to its answer."""

    def __init__(self, acceptance: Acceptance, doorkeeper: Doorkeeper, rules: CompatRules) -> None:
        self._acceptance = acceptance
        self._doorkeeper = doorkeeper
        self._rules = rules
        self._room = BodyRoom(rules.body_limit, rules.seconds)

    async def hand_in(self, request: Request, dialect: Dialect) -> Response:
        """Who, where from, what kind: all is looked at before the body is read. Raises RequestError, Unavailable."""
        client = await dialect.client(request, self._doorkeeper)
        if client is None:
            raise RequestError(401, "authorization required", headers=_CLOSE)
        domain = request.path_params.get("domain")
        if domain is not None and not self._rules.knows_domain(client, domain):
            shown = domain[:255] if domain.isascii() and domain.isprintable() else ""
            raise RequestError(404, f"Domain not found: {shown}", headers=_CLOSE)
        if fault := dialect.kind_fault(request):
            fault.headers |= _CLOSE
            raise fault
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestError(415, "compression is not enabled", where="Content-Encoding", headers=_CLOSE)
        return await self._handed_in(request, dialect, client)

    async def _handed_in(self, request: Request, dialect: Dialect, client: Client) -> Response:
        rules = self._rules
        bounds = Bounds(rules.size_limit, 2 * rules.body_limit, rules.now())
        kind = request.headers.get("content-type", "")
        async with self._room.body(request) as body:
            if len(body) > _LONG_OCTETS:
                order = await asyncio.to_thread(dialect.order, body, kind, client, bounds)
            else:
                order = dialect.order(body, kind, client, bounds)
            if order.sandbox:
                return dialect.taken(request, ())
            # The room is taken until the answer: while the store is slow, nothing piles up beyond it.
            answers = await self._acceptance.take(order.submissions)
        ids = [each.mail_id for answer in answers if isinstance(answer, Receipt) for each in answer.taken]
        if not ids:
            raise _told(next(each for each in answers if isinstance(each, Refusal)), client)
        return dialect.taken(request, ids)


def _told(refusal: Refusal, client: Client) -> RequestError:
    """No plainer than `detail` allows this client."""
    if client.detail == "bland" and refusal.kind not in _TOLD_TO_ALL:
        return RequestError(400, "not accepted")
    why = f"{refusal.why} ({refusal.code})" if refusal.code else refusal.why
    return RequestError(STATUS[refusal.kind], why or "not accepted")
