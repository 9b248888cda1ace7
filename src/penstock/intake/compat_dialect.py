"""How SendGrid and Mailgun are logged in to, asked and answered."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import Response

from penstock.intake.compat_form import read_form
from penstock.intake.compat_mailgun import mailgun_order
from penstock.intake.compat_order import Bounds, CompatOrder
from penstock.intake.compat_sendgrid import sendgrid_order
from penstock.intake.compat_sendgrid_request import RequestFaultsError
from penstock.intake.http_problem import LATER_SECONDS, NO_STORE, RequestError
from penstock.ports.intake import Client, Doorkeeper, RefusalKind

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["STATUS", "Dialect", "MailgunDialect", "SendGridDialect"]

STATUS = {
    RefusalKind.INVALID: 400,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.BLOCKED: 400,
    RefusalKind.CONFLICT: 409,
    RefusalKind.LATER: 503,
}
"""Neither of them knows 422."""
_UNREADABLE = 422
_LATER = 503
_TAKEN = 202


class Dialect(Protocol):
    """One service's own way, on one route."""

    async def client(self, request: Request, doorkeeper: Doorkeeper) -> Client | None:
        """Who asks; None for whoever is not known. Raises Unavailable."""
        ...

    def kind_fault(self, request: Request) -> RequestError | None:
        """What is wrong with the request before its body is read."""
        ...

    def order(self, body: bytearray, kind: str, client: Client, bounds: Bounds) -> CompatOrder:
        """What a body of that content type comes to; may take long. Raises RequestError."""
        ...

    def taken(self, request: Request, ids: Sequence[str]) -> Response:
        """The answer when all was taken; without ids it was only looked at."""
        ...

    def fault(self, fault: RequestError) -> Response:
        """The answer when nothing was."""
        ...


@dataclass(frozen=True, slots=True)
class SendGridDialect:
    """`POST /v3/mail/send`."""

    async def client(self, request: Request, doorkeeper: Doorkeeper) -> Client | None:
        """A bearer token."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return await doorkeeper.bearer(key.strip(" "), _caller(request))

    def kind_fault(self, request: Request) -> RequestError | None:
        """It has to be JSON."""
        if _kind(request) != "application/json":
            return RequestError(415, "Content-Type should be application/json.", where="Content-Type")
        return None

    def order(self, body: bytearray, kind: str, client: Client, bounds: Bounds) -> CompatOrder:
        """See `sendgrid_order`."""
        del kind
        return sendgrid_order(body, client, bounds)

    def taken(self, request: Request, ids: Sequence[str]) -> Response:
        """202 with the first id in a header and without a body; 200 in sandbox mode."""
        del request
        if not ids:
            return Response(status_code=200, headers=NO_STORE)
        return Response(status_code=_TAKEN, headers={**NO_STORE, "X-Message-Id": ids[0]})

    def fault(self, fault: RequestError) -> Response:
        """`{"errors": [{"message", "field", "help"}]}`."""
        if isinstance(fault, RequestFaultsError):
            errors = [_error(what, where) for what, where in fault.faults]
        else:
            errors = [_error(fault.what, fault.where, fault.mend)]
        return _said({"errors": errors}, fault)


@dataclass(frozen=True, slots=True)
class MailgunDialect:
    """`POST /v3/{domain}/messages`, or `…/messages.mime` when the message comes `whole`."""

    whole: bool

    async def client(self, request: Request, doorkeeper: Doorkeeper) -> Client | None:
        """Basic authentication as the user `api`."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, key = base64.b64decode(given.strip(" "), validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            return None
        return await doorkeeper.bearer(key, _caller(request)) if user == "api" else None

    def kind_fault(self, request: Request) -> RequestError | None:
        """It has to be a form."""
        if _kind(request) in {"multipart/form-data", "application/x-www-form-urlencoded"}:
            return None
        what = "is neither multipart/form-data nor application/x-www-form-urlencoded"
        return RequestError(415, what, where="Content-Type")

    def order(self, body: bytearray, kind: str, client: Client, bounds: Bounds) -> CompatOrder:
        """See `mailgun_order`."""
        return mailgun_order(read_form(body, kind), client, bounds, whole=self.whole)

    def taken(self, request: Request, ids: Sequence[str]) -> Response:
        """200; what stands before the @ is the first id."""
        id_ = f"<{ids[0] if ids else 'testmode'}@{request.path_params['domain'].lower()}>"
        return Response(json.dumps({"id": id_, "message": "Queued. Thank you."}), 200, NO_STORE, "application/json")

    def fault(self, fault: RequestError) -> Response:
        """`{"message"}`; a login that is not known is told in one word."""
        if fault.status == 401:
            return _said("Forbidden", fault)
        what = f"{fault.where} {fault.what}" if fault.where else fault.what
        return _said({"message": f"{what}; {fault.mend}" if fault.mend else what}, fault)


def _error(what: str, where: str, mend: str = "") -> dict[str, str | None]:
    return {"message": what, "field": where or None, "help": mend or None}


def _said(answer: Any, fault: RequestError) -> Response:
    status = 400 if fault.status == _UNREADABLE else fault.status
    more: Mapping[str, str] = {"Retry-After": str(LATER_SECONDS)} if status == _LATER else {}
    return Response(json.dumps(answer), status, {**NO_STORE, **more, **fault.headers}, "application/json")


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""
