"""Questions to an SES account other than to send: one at a time, at the pace that SES lets us."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from penstock.adapters.http import Exchange, HttpRequest, HttpResponse, object_of
from penstock.errors import AdapterUnavailable
from penstock_ses.answers import error_name, refusal
from penstock_ses.signing import Signature

__all__ = ["SesAccount"]

_ATTEMPTS = 6
_LONGEST = 60.0
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_RIGHTS = "the key may not do this: lists need ses:ListSuppressedDestinations, with a contact list ses:ListContacts, "
_RIGHTS += "ses:CreateContact, ses:GetContact and ses:UpdateContact"


class SesAccount:
    """Asks, signed. Nothing that it raises holds an address."""

    def __init__(self, exchange: Exchange, signature: Signature, where: str, *, pause: float = 1.0) -> None:
        """`pause`: seconds to wait before a request that came too soon is repeated, doubled each time, since SES does
        not say how long.
        """
        self._exchange = exchange
        self._signature = signature
        self._where = where
        self._pause = pause

    async def ask(self, method: str, path: str, body: object = None, *, unless: str = "") -> dict[str, Any] | None:
        """The answer to 2xx; None for the error of that name. Waits a few times where that was too much at once.

        Raises AdapterUnavailable for every other answer.
        """
        octets = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        wait = 0.0
        for number in range(_ATTEMPTS):
            if number:
                await asyncio.sleep(wait)
            await self._signature.renew()
            headers = self._signature.headers(method, path, octets)
            answer = await self._exchange.send(HttpRequest(path, octets, headers, method))
            if not isinstance(answer, HttpResponse):
                raise self.fault(f"no answer: {answer.why}")
            if not _too_soon(answer):
                return self._read(answer, unless)
            wait = _asked(answer, self._pause * 2**number)
        raise self.fault("too much at once")

    def fault(self, what: str) -> AdapterUnavailable:
        """What went wrong, with the name of the adapter."""
        return AdapterUnavailable(f"SES's account: {what}", where=self._where)

    def _read(self, answer: HttpResponse, unless: str) -> dict[str, Any] | None:
        name = error_name(answer)
        if unless and answer.status >= 400 and name == unless:
            return None
        if name == "AccessDeniedException":
            raise self.fault(f"HTTP {answer.status}: {_RIGHTS}")
        if name == "NotFoundException":
            raise self.fault(f"HTTP {answer.status}: there is no such contact list or topic in this region")
        if refused := refusal(answer):
            raise self.fault(refused.why)
        if answer.status in {401, 403}:
            raise self.fault(f"HTTP {answer.status}: the key is refused")
        found = object_of(answer.body)
        if not 200 <= answer.status < 300 or found is None:
            raise self.fault(f"HTTP {answer.status}{name and ' ' + name}: an answer that is not as documented")
        return found


def _too_soon(answer: HttpResponse) -> bool:
    refused = refusal(answer)
    return answer.status == 429 or (refused is not None and refused.scope == "later")


def _asked(answer: HttpResponse, otherwise: float) -> float:
    """Seconds to wait."""
    said = answer.headers.get("retry-after", "")
    return min(float(said) if _SECONDS.fullmatch(said) else otherwise, _LONGEST)
