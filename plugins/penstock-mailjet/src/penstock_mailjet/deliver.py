"""Mails to Mailjet's Send API v3.1, up to 50 in one request, and what its answers mean.

Sources: mailjet/api-documentation (guides, Send API v3.1) and dev.mailjet.com (Send API v3.1, rate limits).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Literal

from penstock.adapters.http import APART, Exchange, HttpAdapter, HttpRequest, HttpResponse, Refusal, json_of
from penstock.errors import ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_mailjet.account import MailjetAccount
from penstock_mailjet.lists import MailjetErasure, MailjetLists
from penstock_mailjet.payload import FORBIDDEN, payload

__all__ = ["Mailjet", "adapter"]

HOSTS = {"global": "https://api.mailjet.com", "us": "https://api.us.mailjet.com"}
MOST_MAILS = 50
"""In one request."""
_ACCOUNT_ERRORS = {
    "mj-0001": "the API key is suspended",
    "mj-0015": "the key is refused",
    "send-0006": "the key may not use a Sender",
    "send-0007": "the sender is not validated",
    "send-0008": "the sender is not authorised",
}
_CODE = re.compile(r"[a-z]{2,8}-\d{4}")
_RELATED = re.compile(r"[A-Za-z]{1,30}(\[(\d{1,3}|\"[A-Za-z0-9-]{1,60}\")\])?(\.[A-Za-z0-9]{1,30})?")
_RECIPIENT = re.compile(r"(To|Email)\b")
_UNREADABLE = Uncertain("an answer that cannot be understood")


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`mailjet:[?region=global|us&sandbox=no|yes&exclude=no|yes]` with api_key and password (the secret key).

    Raises ConfigError.
    """
    where = f"adapters.{address.name}"
    address.knows("region", "sandbox", "exclude")
    if address.place:
        raise ConfigError("nothing stands between 'mailjet:' and '?'", where=f"{where}.url", mend='"mailjet:"')
    host = address.option("region", HOSTS)
    sandbox = bool(address.option("sandbox", {"no": "", "yes": "yes"}))
    exclude = bool(address.option("exclude", {"no": "", "yes": "yes"}))
    key, secret = address.key(), address.password()
    if not secret:
        raise ConfigError("no password is set: the secret key", where=f"{where}.password", mend='use "env:NAME"')
    for name, value in (("api_key", key), ("password", secret)):
        if not value.isascii() or not value.isprintable() or " " in value or ":" in value:
            raise ConfigError("this is no key of Mailjet", where=f"{where}.{name}")
    esp, exchange = Mailjet(key, secret, sandbox=sandbox), Exchange(address.endpoint or host)
    account = MailjetAccount(exchange, _login(key, secret), where)
    return HttpAdapter(
        address.name,
        esp,
        exchange,
        address.clock,
        lists=MailjetLists(account, exclude=exclude),
        erasure=MailjetErasure(account),
    )


class Mailjet:
    """Requests to Mailjet and what its answers mean. `sandbox`: requests are checked there and nothing is sent."""

    capabilities = Capabilities(
        max_batch=MOST_MAILS,
        raw_message=False,
        smtputf8=False,
        envelope_sender=False,
        idempotent=False,
        dkim="esp",
        permission="consent",
        message_id=False,
        date=False,
        null_sender=False,
        lost_headers=FORBIDDEN - {"from", "to", "subject", "reply-to"},
    )
    per_request = MOST_MAILS

    def __init__(self, key: str, secret: str, *, sandbox: bool = False) -> None:
        self._headers = {**_login(key, secret), "Content-Type": "application/json"}
        self._sandbox = sandbox
        self._end = b'],"SandboxMode":true}' if sandbox else b"]}"

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The request; Failed with why the first mail that cannot be expressed cannot."""
        items: list[bytes] = []
        for mail in mails:
            item = payload(mail)
            if isinstance(item, Failed):
                return item
            items.append(item)
        return HttpRequest("/v3.1/send", b'{"Messages":[' + b",".join(items) + self._end, self._headers)

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """Receipts are Mailjet's message ids. Several mails that were refused as a whole are `APART`."""
        if (messages := _messages(response.body)) is not None:
            return self._each(mails, messages)
        if response.status < 400 or response.status in {408, 409, 425}:
            return [_UNREADABLE] * len(mails)
        if len(mails) > 1:
            return [APART] * len(mails)
        code = _code(json_of(response.body))
        why = f"HTTP {response.status}{' ' + code if code else ''}: Mailjet refuses the request"
        return [Failed(why, "5.3.4" if code == "mj-0011" or response.status == 413 else "")]

    def refusal(self, response: HttpResponse, /) -> Refusal | Literal["each"] | None:
        """What Mailjet says of the account or of our pace: of the request as a whole, or of every mail in it.

        Mailjet answers 4xx also where some mails of the request were taken: such a status says nothing of the whole.
        """
        status = response.status
        messages = _messages(response.body)
        if status >= 500 and not (status == 503 and messages):
            return None
        if messages is None:
            why = _ACCOUNT_ERRORS.get(_code(json_of(response.body)))
            return Refusal("account", f"HTTP {status}: {why}") if why and status >= 400 else None
        whys = [_account_why(message) for message in messages]
        if all(whys):
            return Refusal("account", f"Mailjet refuses every mail: {whys[0]}")
        if all(_too_much(message) for message in messages):
            return Refusal("later", "Mailjet refuses every mail: too much at once")
        return "each" if status >= 400 else None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Nothing: every request switches tracking off, and no setting of the account overrides that."""
        del exchange
        return None

    def _each(self, mails: Sequence[Mail], messages: list[dict[str, Any]]) -> list[Outcome]:
        """Answers come in the order of the mails; one that names another mail puts all of them in doubt."""
        named = [message.get("CustomID") for message in messages]
        if len(mails) != len(messages) or any(
            name and name != mail.id for name, mail in zip(named, mails, strict=False)
        ):
            return [_UNREADABLE] * len(mails)
        return [self._outcome(message) for message in messages]

    def _outcome(self, message: dict[str, Any]) -> Outcome:
        status, errors = str(message.get("Status", "")).lower(), _objects(message.get("Errors") or [])
        if status == "error" and errors:
            return _refused(message, errors)
        if status != "success" or errors is None or errors:
            return _UNREADABLE
        if self._sandbox:
            return Accepted("sandbox")
        recipients = _objects(message.get("To"))
        receipt = recipients[0].get("MessageID") if recipients and len(recipients) == 1 else None
        if isinstance(receipt, int) and not isinstance(receipt, bool) and receipt > 0:
            return Accepted(str(receipt))
        return Uncertain("an answer without the mail's id")


def _refused(message: dict[str, Any], errors: list[dict[str, Any]]) -> Outcome:
    """Of one mail. Errors that time or a person mends come before those that are the mail's own."""
    statuses = [error.get("StatusCode") for error in errors]
    codes = sorted({_code(error) for error in errors} - {""})
    if any(isinstance(status, int) and status >= 500 for status in statuses):
        return Uncertain("Mailjet had an error of its own with this mail: it may have accepted it")
    if why := _account_why(message):
        return TryLater(f"Mailjet refuses the mail: {why}")
    if _too_much(message):
        return TryLater("too much at once", code=Code.RATE_BACKOFF)
    related = [each for error in errors for each in _related(error)]
    if "mj-0013" in codes and any(_RECIPIENT.match(each) for each in related):
        return Failed("mj-0013: Mailjet refuses the recipient's address", "5.1.3", Code.INVALID_ADDRESS)
    words = ", ".join([*codes, *sorted(set(related))][:6])
    return Failed(f"Mailjet refuses the mail{f' ({words})' if words else ''}")


def _account_why(message: dict[str, Any]) -> str:
    """What of the account is at fault, where that alone is why a mail was refused."""
    errors = _objects(message.get("Errors")) or []
    whys = []
    for error in errors:
        named = _ACCOUNT_ERRORS.get(_code(error), "")
        whys.append(named or ("HTTP 401 or 403" if error.get("StatusCode") in {401, 403} else ""))
    return whys[0] if whys and all(whys) else ""


def _too_much(message: dict[str, Any]) -> bool:
    return any(error.get("StatusCode") == 429 for error in _objects(message.get("Errors")) or [])


def _login(key: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{key}:{secret}".encode()).decode("ascii")}


def _messages(body: bytes) -> list[dict[str, Any]] | None:
    """The answers for single mails, None where there are none."""
    answer = json_of(body)
    return (_objects(answer.get("Messages")) or None) if isinstance(answer, dict) else None


def _code(error: object) -> str:
    """An error's code, empty where it is none of Mailjet's form: what Mailjet says may quote an address."""
    code = error.get("ErrorCode") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _related(error: dict[str, Any]) -> list[str]:
    related = error.get("ErrorRelatedTo")
    several = related if isinstance(related, list) else []
    return [each for each in several if isinstance(each, str) and _RELATED.fullmatch(each)]


def _objects(value: object) -> list[dict[str, Any]] | None:
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else None
