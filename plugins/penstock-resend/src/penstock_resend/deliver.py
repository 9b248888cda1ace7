"""Mails to Resend: one by `POST /emails`, up to 100 by `POST /emails/batch`.

Sources: resend-openapi 1.5.0 and the pages errors, rate-limit, idempotency-keys, attachments and send-batch-emails of
resend.com/docs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from penstock.adapters.http import (
    APART,
    Exchange,
    HttpAdapter,
    HttpRequest,
    HttpResponse,
    Refusal,
    json_octets,
    json_of,
)
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_resend.account import ResendAccount
from penstock_resend.lists import ResendErasure, ResendLists
from penstock_resend.payload import payload

__all__ = ["Resend", "adapter"]

ENDPOINT = "https://api.resend.com"
MOST_MAILS = 100
"""In one batch."""
MOST_OCTETS = 40_000_000
"""Of one mail with its attachments in base64."""
_PAGES = 50
_YES = {"yes": "yes", "no": ""}
_DOMAIN = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY_ERRORS = frozenset({"missing_api_key", "restricted_api_key", "invalid_api_key", "suspended_api_key"})
_QUOTA_ERRORS = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})
_ERRORS = frozenset(
    {
        "concurrent_idempotent_requests",
        "invalid_access",
        "invalid_attachment",
        "invalid_from_address",
        "invalid_idempotency_key",
        "invalid_idempotent_request",
        "invalid_parameter",
        "invalid_region",
        "missing_required_field",
        "security_error",
        "validation_error",
    }
)
"""Names that may stand in our own words; Resend's messages may quote an address."""


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`resend:[DOMAIN][?batch=yes|no&sandbox=no|yes&settings=read|unread&topic=ID]` with an api_key.

    Raises ConfigError.
    """
    where = f"adapters.{address.name}"
    address.knows("batch", "sandbox", "settings", "topic")
    if address.place and not _DOMAIN.fullmatch(address.place.lower()):
        raise ConfigError("no domain stands before the options", where=f"{where}.url", mend='"resend:DOMAIN"')
    key = address.key()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("this is no key of Resend", where=f"{where}.api_key")
    topic = address.options.get("topic", "")
    if "topic" in address.options and not _TOPIC.fullmatch(topic):
        raise ConfigError("topic: expected the id of a topic at Resend", where=f"{where}.url")
    esp = Resend(
        key,
        address.place.lower(),
        batch=bool(address.option("batch", _YES)),
        sandbox=bool(address.option("sandbox", {"no": "", "yes": "yes"})),
        reads_settings=bool(address.option("settings", {"read": "yes", "unread": ""})),
    )
    exchange = Exchange(address.endpoint or ENDPOINT)
    account = ResendAccount(exchange, key, where)
    return HttpAdapter(
        address.name, esp, exchange, address.clock, lists=ResendLists(account, topic), erasure=ResendErasure(account)
    )


class Resend:
    """Requests to Resend and what its answers mean."""

    def __init__(
        self, key: str, domain: str = "", *, batch: bool = True, sandbox: bool = False, reads_settings: bool = True
    ) -> None:
        self.capabilities = Capabilities(
            max_batch=MOST_MAILS if batch else 50,
            raw_message=False,
            smtputf8=False,
            envelope_sender=False,
            # An Idempotency-Key holds for a day only, and a repeat may be grouped otherwise.
            idempotent=False,
            dkim="esp",
            permission="consent",
            message_id=False,
            date=False,
            null_sender=False,
            lost_headers=frozenset({"cc", "date", "message-id", "sender"}),
        )
        self.per_request = MOST_MAILS if batch else 1
        self._domain = domain
        self._sandbox = sandbox
        self._reads_settings = reads_settings
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The request; Failed with why the first mail that cannot be expressed, or not in a batch, cannot."""
        items: list[dict[str, object]] = []
        for mail in mails:
            item = payload(mail, domain=self._domain, sandbox=self._sandbox, alone=len(mails) == 1)
            if isinstance(item, Failed):
                return item
            items.append(item)
        path, content = ("/emails", items[0]) if len(items) == 1 else ("/emails/batch", items)
        try:
            body = json_octets(content)
        except UnicodeError:
            return Failed("the mail holds half a character (a lone surrogate)")
        if len(body) > MOST_OCTETS:
            return Failed("larger than the 40 MB that Resend takes", "5.3.4")
        key = f"penstock-{hashlib.sha256(body).hexdigest()}"
        return HttpRequest(path, body, {**self._headers, "Content-Type": "application/json", "Idempotency-Key": key})

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """Receipts are Resend's ids. A conflict of keys means that the same mails are or were under way."""
        if response.status < 300:
            return _taken(len(mails), json_of(response.body))
        if response.status in {408, 409, 425}:
            return [Uncertain(f"HTTP {response.status}: the same request may have been accepted")] * len(mails)
        if len(mails) > 1:
            return [APART] * len(mails)
        return [_refused(response)]

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """Keys and quotas. Resend answers a wrong key with 400 too, and a spent quota with 429."""
        if response.status < 400:
            return None
        name, message = _error(response.body)
        if name in _KEY_ERRORS or "api key is invalid" in message.lower():
            return Refusal("account", f"HTTP {response.status}: the key is refused")
        if name in _QUOTA_ERRORS:
            return Refusal("account", f"HTTP {response.status}: {name}")
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Tracking is a setting of the domain that no request can override: a domain that tracks is refused.

        Raises AdapterUnavailable when Resend cannot be asked now.
        """
        if not self._reads_settings:
            return None
        after, known = "", False
        for _ in range(_PAGES):
            path = f"/domains?limit=100{after and '&after=' + quote(after, safe='')}"
            page = await self._page(exchange, path)
            if isinstance(page, str):
                return page
            for domain in page["data"]:
                if self._domain in {"", str(domain.get("name", "")).lower()}:
                    known = True
                    if fault := _tracks(domain):
                        return fault
            after = str(page["data"][-1].get("id", "")) if page.get("has_more") and page["data"] else ""
            if not after:
                break
        return None if known or not self._domain else "the Resend account has no such domain to send from"

    async def _page(self, exchange: Exchange, path: str) -> dict[str, Any] | str:
        answer = await exchange.send(HttpRequest(path, b"", self._headers, "GET"))
        if not isinstance(answer, HttpResponse):
            raise AdapterUnavailable(f"Resend's settings could not be read: {answer.why}")
        if answer.status == 429 or answer.status >= 500:
            raise AdapterUnavailable(f"Resend's settings could not be read: HTTP {answer.status}")
        if _error(answer.body)[0] == "restricted_api_key":
            return (
                "the key may only send: use one with full access, or settings=unread where tracking is known to be off"
            )
        page = json_of(answer.body)
        if answer.status in {401, 403} or self.refusal(answer):
            return f"HTTP {answer.status}: the key is refused"
        if answer.status != 200 or not isinstance(page, dict) or _objects(page.get("data")) is None:
            return f"HTTP {answer.status}: this is not the address of Resend's interface"
        return page


def _tracks(domain: dict[str, Any]) -> str | None:
    """What a domain would do to mails; an answer that does not say is no answer that it does not."""
    on = [word for word in ("open", "click") if domain.get(f"{word}_tracking") is not False]
    return f"{' and '.join(on)} tracking is on for the domain, or not told: switch it off at Resend" if on else None


def _taken(count: int, answer: object) -> list[Outcome]:
    """What a 2xx says. Errors of single mails come first: in them `data` leaves those mails out."""
    doubt: list[Outcome] = [Uncertain("an answer that cannot be understood")] * count
    if not isinstance(answer, dict):
        return doubt
    if count == 1 and "data" not in answer:
        return [_accepted(answer)]
    data, errors = _objects(answer.get("data")), _objects(answer.get("errors") or [])
    if data is None or errors is None:
        return doubt
    bad = {index for error in errors if isinstance(index := error.get("index"), int) and 0 <= index < count}
    if len(bad) != len(errors) or len(data) not in {count, count - len(bad)}:
        return doubt
    whole = len(data) == count
    ids = iter(data)
    outcomes: list[Outcome] = []
    for index in range(count):
        item = next(ids) if whole or index not in bad else {}
        refused = index in bad
        outcomes.append(Failed("Resend refused this mail of the batch") if refused else _accepted(item))
    return outcomes


def _accepted(item: dict[str, Any]) -> Outcome:
    receipt = item.get("id")
    if isinstance(receipt, str) and receipt and "@" not in receipt:
        return Accepted(receipt)
    return Uncertain("an answer without the mail's id")


def _refused(response: HttpResponse) -> Failed:
    name, message = _error(response.body)
    why = f"Resend refused the mail: HTTP {response.status}{' ' + name if name in _ERRORS else ''}"
    return Failed(f"{why}, its address", "5.1.3") if "`to`" in message else Failed(why)


def _error(body: bytes) -> tuple[str, str]:
    """(name, message) of an error, empty where there is none."""
    answer = json_of(body)
    if not isinstance(answer, dict):
        return "", ""
    return str(answer.get("name", "")), str(answer.get("message", ""))


def _objects(value: object) -> list[dict[str, Any]] | None:
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else None
