"""Mails to Brevo, one by one (`POST /v3/smtp/email`), and what its answers mean.

Sources: developers.brevo.com, the pages send-transac-email, how-it-works (error codes), limit-headers,
heterogenous-versions-batch-emails (idempotency), using-sandbox-mode and get-account.

A request could hold many versions of a mail (`messageVersions`), but a version has no headers: all its mails would have
the same List-Unsubscribe and the same id in their events. So each mail is a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse, Refusal, json_octets, json_of
from penstock.errors import ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_brevo.account import BrevoAccount
from penstock_brevo.lists import BrevoErasure, BrevoLists
from penstock_brevo.payload import LOST, payload
from penstock_brevo.receipt import receipt_of

__all__ = ["Brevo", "adapter"]

ENDPOINT = "https://api.brevo.com"
_MOST_CONNECTIONS = 200
_ACCOUNT = {
    "account_under_validation": "the account is under validation",
    "not_enough_credits": "the account's credits are used up",
    "permission_denied": "the account may not send",
    "unauthorized": "the key is refused, or this machine's IP address is not among the authorised ones",
}
"""Error codes that speak of our account → what they mean."""
_STATUS = {
    401: _ACCOUNT["unauthorized"],
    402: _ACCOUNT["not_enough_credits"],
    403: _ACCOUNT["permission_denied"],
    406: "this does not speak Brevo's v3 interface",
    415: "this does not speak Brevo's v3 interface",
}
_CODES = frozenset({"bad_request", "invalid_parameter", "missing_parameter", "out_of_range", "unprocessable_entity"})
"""Error codes that may stand in our own words; Brevo's messages may quote an address."""
_MAYBE = frozenset({408, 409, 425})
_REPEATED = frozenset({"duplicate_parameter", "duplicate_request"})
_BAD_SENDER = re.compile(
    r"validate your sender|authenticate your domain|\bsender\b.*\b(inactive|not (active|authorized|valid|verified))\b",
    re.IGNORECASE | re.DOTALL,
)
_BAD_RECIPIENT = re.compile(r"\b(in|of) to\b|\bto\b.{0,20}\b(invalid|not valid)\b", re.IGNORECASE)


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`brevo:?tracking=off[&sandbox=no|yes&connections=N]` with an api_key. Raises ConfigError.

    Brevo tracks opens and clicks by a setting of the account that no request overrides and no interface shows:
    `tracking=off` vouches that it is off, and without it there is no adapter.
    """
    where = f"adapters.{address.name}"
    address.knows("tracking", "sandbox", "connections")
    if address.place:
        raise ConfigError("nothing stands between 'brevo:' and '?'", where=f"{where}.url", mend='"brevo:?tracking=off"')
    if address.options.get("tracking") != "off":
        raise ConfigError(
            "Brevo may track opens and clicks, which no request can prevent",
            where=f"{where}.url",
            mend='see to it that tracking is off in the account, then write "brevo:?tracking=off"',
        )
    sandbox = bool(address.option("sandbox", {"no": "", "yes": "yes"}))
    written = address.options.get("connections", "10")
    connections = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ConfigError(f"connections: 1 to {_MOST_CONNECTIONS} are expected", where=f"{where}.url")
    key = address.key()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("the api_key holds characters that no key has", where=f"{where}.api_key")
    exchange = Exchange(address.endpoint or ENDPOINT, connections=connections)
    account = BrevoAccount(exchange, key, where)
    return HttpAdapter(
        address.name,
        Brevo(key, sandbox=sandbox),
        exchange,
        address.clock,
        connections=connections,
        lists=BrevoLists(account),
        erasure=BrevoErasure(account),
    )


class Brevo:
    """Brevo's transactional e-mail. `sandbox`: requests are checked there and nothing is delivered."""

    capabilities = Capabilities(
        raw_message=False,
        smtputf8=False,
        envelope_sender=False,
        # A repeat is refused for half an hour, and sent after that.
        idempotent=False,
        dkim="esp",
        permission="consent",
        message_id=False,
        date=False,
        null_sender=False,
        lost_headers=LOST,
    )
    per_request = 1

    def __init__(self, key: str, *, sandbox: bool = False) -> None:
        self._sandbox = sandbox
        self._headers = {"api-key": key, "Accept": "application/json"}

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The request for one mail. Its idempotency key is made of its content: the same mail has the same one."""
        (mail,) = mails
        item = payload(mail, sandbox=self._sandbox)
        if isinstance(item, Failed):
            return item
        try:
            key = UUID(bytes=sha256(json_octets(item)).digest()[:16], version=4)
            headers = item["headers"]
            assert isinstance(headers, dict)
            body = json_octets({**item, "headers": {**headers, "idempotencyKey": str(key)}})
        except UnicodeError:
            return Failed("the mail holds half a character (a lone surrogate)")
        return HttpRequest("/v3/smtp/email", body, {**self._headers, "Content-Type": "application/json"})

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """201 with an id is accepted; a repeat within half an hour is refused, and its first may have been sent."""
        if response.status < 300:
            return [_accepted(json_of(response.body))] * len(mails)
        code, message = _error(response.body)
        if response.status in _MAYBE or code in _REPEATED:
            return [Uncertain(f"HTTP {response.status}: the same request may have been accepted")] * len(mails)
        return [_refused(response.status, code, message)] * len(mails)

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """Key, credits, an account or a sender that is not validated."""
        status = response.status
        if not 400 <= status < 500:
            return None
        code, message = _error(response.body)
        if status in _STATUS or code in _ACCOUNT:
            return Refusal("account", f"HTTP {status}: {_ACCOUNT.get(code) or _STATUS[status]}")
        if _BAD_SENDER.search(message):
            return Refusal("account", f"HTTP {status}: the sender, or its domain, is not validated at Brevo")
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Refuse a wrong key, and an account whose transactional e-mail is switched off.

        Nothing else is refused for: an account that cannot be read now is met again by the first mail.
        """
        answer = await exchange.send(HttpRequest("/v3/account", b"", self._headers, "GET"))
        if not isinstance(answer, HttpResponse):
            return None
        if answer.status in {401, 403}:
            return f"HTTP {answer.status}: {_STATUS[answer.status]}"
        found = json_of(answer.body) if answer.status == 200 else None
        relay = found.get("relay") if isinstance(found, dict) else None
        if isinstance(relay, dict) and relay.get("enabled") is False:
            return "transactional e-mail is switched off in the Brevo account"
        return None


def _accepted(answer: object) -> Outcome:
    receipt = receipt_of(answer.get("messageId")) if isinstance(answer, dict) else ""
    return Accepted(receipt) if receipt else Uncertain("an answer without the mail's id")


def _refused(status: int, code: str, message: str) -> Failed:
    if status == 413:
        return Failed("HTTP 413: Brevo finds the mail too large", "5.3.4")
    if status == 400 and code in _CODES and _BAD_RECIPIENT.search(message):
        return Failed("HTTP 400: Brevo refuses the recipient's address", "5.1.3", Code.INVALID_ADDRESS)
    return Failed(f"HTTP {status}: Brevo refuses the mail" + (f" ({code})" if code in _CODES else ""))


def _error(body: bytes) -> tuple[str, str]:
    """(code, message) of an error, empty where there is none."""
    found = json_of(body)
    if not isinstance(found, dict):
        return "", ""
    return str(found.get("code", "")), str(found.get("message", ""))
