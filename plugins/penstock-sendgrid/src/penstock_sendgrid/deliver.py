"""Mails to requests and answers to outcomes, for SendGrid's v3 Mail Send.

Source: the published description (twilio/sendgrid-oai, mail_v3), with the pages "Limitations" and "Errors" of the same
interface. One request is one mail: personalizations of one request share their text, and each of our mails has its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from email.header import Header as EncodedHeader
from email.utils import getaddresses
from typing import Any

from penstock.adapters.http import (
    Exchange,
    HttpAdapter,
    HttpRequest,
    HttpResponse,
    MailFields,
    Refusal,
    json_octets,
    json_of,
    mail_fields,
)
from penstock.errors import ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Header, Mail
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_sendgrid.lists import Account, SendGridErasure, SendGridLists

__all__ = ["MAIL_ID", "SendGrid", "adapter"]

MAIL_ID = "penstock_mail_id"
"""The custom argument that carries our mail id; every event brings it back."""

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_YES_NO = {"no": "", "yes": "yes"}
_MOST_OCTETS = 30_000_000
"""Of a whole mail, attachments included."""
_MOST_CONNECTIONS = 200
_POOL = range(2, 65)
"""How long the name of an IP pool may be."""
_GROUP = re.compile(r"[1-9][0-9]{0,9}")
_TAKEN = frozenset({"x-sg-id", "x-sg-eid", "received", "x-smtpapi"})
"""Header fields that SendGrid sets itself or would read as orders to itself; those with a field of their own and
content-… are gone already."""
_LOST = _TAKEN | {"date", "dkim-signature", "sender", "return-path"}
_RECEIPT = re.compile(r"[A-Za-z0-9._-]{1,200}")
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_ONE_MAILBOX = re.compile(r"[^\s,<>]+")
_OFF = {"enable": False}
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": _OFF,
    "subscription_tracking": _OFF,
    "ganalytics": _OFF,
}
_ACCOUNT_WORDS = (
    ("credits exceeded", "the account's credits are used up"),
    ("sender identity", "the sender is no verified sender identity"),
    ("access forbidden", "the key may not send mail"),
)
"""What stands in a 401 or 403 → what it means."""


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`sendgrid:` with the options region, sandbox, pool, group and connections. Raises ConfigError."""
    where = f"adapters.{address.name}"
    address.knows("region", "sandbox", "pool", "group", "connections")
    if address.place:
        raise ConfigError("nothing stands between 'sendgrid:' and '?'", where=f"{where}.url", mend='"sendgrid:"')
    host = address.option("region", {word: word for word in _HOSTS})
    sandbox = bool(address.option("sandbox", _YES_NO))
    pool = address.options.get("pool")
    if pool is not None and len(pool) not in _POOL:
        raise ConfigError("pool: a name of 2 to 64 characters is expected", where=f"{where}.url")
    group = address.options.get("group")
    if group is not None and not _GROUP.fullmatch(group):
        raise ConfigError("group: the number of an unsubscribe group is expected", where=f"{where}.url")
    written = address.options.get("connections", "10")
    connections = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ConfigError(f"connections: 1 to {_MOST_CONNECTIONS} are expected", where=f"{where}.url")
    key = address.key()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("the api_key holds characters that no key has", where=f"{where}.api_key")
    exchange = Exchange(address.endpoint or _HOSTS[host], connections=connections)
    account = Account(address.name, key, exchange, address.clock)
    return HttpAdapter(
        address.name,
        SendGrid(key, sandbox=sandbox, pool=pool),
        exchange,
        address.clock,
        connections=connections,
        lists=SendGridLists(account, None if group is None else int(group)),
        erasure=SendGridErasure(account),
    )


class SendGrid:
    """SendGrid's v3 Mail Send. `sandbox`: requests are checked there and nothing is delivered."""

    capabilities = Capabilities(
        raw_message=False,
        smtputf8=False,
        envelope_sender=False,
        idempotent=False,
        dkim="esp",
        permission="consent",
        message_id=True,
        date=False,
        null_sender=False,
        lost_headers=_LOST,
    )
    per_request = 1

    def __init__(self, key: str, *, sandbox: bool = False, pool: str | None = None) -> None:
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._sandbox = sandbox
        self._fixed: dict[str, Any] = {"tracking_settings": _TRACKING, "mail_settings": {"footer": _OFF}}
        if sandbox:
            self._fixed["mail_settings"] = {"footer": _OFF, "sandbox_mode": {"enable": True}}
        if pool is not None:
            self._fixed["ip_pool_name"] = pool

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The request for one mail; Failed for what SendGrid has no words for."""
        (mail,) = mails
        if not mail.envelope.sender:
            return Failed("SendGrid takes no mail with the null sender")
        fields = mail_fields(mail)
        if fields is None:
            return Failed("the message cannot be taken apart without loss, and SendGrid takes no finished one")
        if fault := _inexpressible(fields):
            return Failed(fault)
        headers = _headers(fields.headers)
        if isinstance(headers, Failed):
            return headers
        asked = {
            "personalizations": [{"to": [{"email": fields.recipient}], "custom_args": {MAIL_ID: mail.id}}],
            "from": _mailbox(fields.sender_name, fields.sender),
            **_reply_to(fields),
            "subject": fields.subject,
            "content": _content(fields),
            **({"attachments": list(map(_attachment, fields.attachments))} if fields.attachments else {}),
            **({"headers": headers} if headers else {}),
            **self._fixed,
        }
        try:
            body = json_octets(asked)
        except UnicodeError:
            return Failed("the mail holds half a character (a lone surrogate)")
        if len(body) > _MOST_OCTETS:
            return Failed("the mail is larger than the 30 MB that SendGrid takes", "5.3.4")
        return HttpRequest("/v3/mail/send", body, self._headers)

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """202 with an empty body is yes; 4xx is no, with the field that is at fault."""
        return [self._outcome(response)] * len(mails)

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """What an answer says about our account rather than about a mail."""
        status = response.status
        if status in {401, 403}:
            words = " ".join(message for _, message in _errors(response)).lower()
            meant = next((meaning for sign, meaning in _ACCOUNT_WORDS if sign in words), None)
            return Refusal("account", f"HTTP {status}: {meant}") if meant else None
        if status == 400 and any(field.startswith("ip_pool") for field, _ in _errors(response)):
            return Refusal("account", "HTTP 400: the IP pool is refused")
        if status in {406, 415}:
            return Refusal("account", f"HTTP {status}: this does not speak SendGrid's v3 interface")
        if status == 408:
            return Refusal("later", "HTTP 408: the request did not get there in time")
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Refuse an account whose legacy template is on: it wraps every mail, and no request can switch it off.

        A key that may only send cannot read this setting; then nothing is known and nothing is refused.
        """
        answer = await exchange.send(HttpRequest("/v3/mail_settings/template", b"", self._headers, "GET"))
        if isinstance(answer, HttpResponse) and answer.status == 200:
            found = json_of(answer.body)
            if isinstance(found, dict) and found.get("enabled") is True:
                return "the account's legacy template is on: it would change every mail; switch it off"
        return None

    def _outcome(self, response: HttpResponse) -> Outcome:
        status, receipt = response.status, response.headers.get("x-message-id", "")
        receipt = receipt if _RECEIPT.fullmatch(receipt) else ""
        empty = not response.body.strip()
        if status == 202 and (receipt or empty):
            return Accepted(receipt)
        if status == 200 and self._sandbox and empty:
            return Accepted(receipt or "sandbox")
        if status < 400:
            return Uncertain(f"HTTP {status} with an answer that is not SendGrid's")
        if status == 413:
            return Failed("HTTP 413: SendGrid finds the mail too large", "5.3.4")
        errors = _errors(response)
        if any(field.startswith("personalizations") and ".to" in field for field, _ in errors):
            return Failed(f"HTTP {status}: SendGrid refuses the recipient's address", "5.1.3", Code.INVALID_ADDRESS)
        fields = sorted({field for field, _ in errors if field})
        return Failed(f"HTTP {status}: SendGrid refuses the mail" + (f" ({', '.join(fields[:5])})" if fields else ""))


def _inexpressible(fields: MailFields) -> str | None:
    if not fields.sender.isascii() or not fields.recipient.isascii():
        return "SendGrid takes no addresses that are not ASCII"
    if not fields.sender:
        return "the mail names no sender"
    if not fields.subject:
        return "SendGrid takes no mail without a subject"
    if not (fields.text or fields.html):
        return "SendGrid takes no mail without a text"
    if not all(attachment.data for attachment in fields.attachments):
        return "SendGrid takes no empty attachment"
    return None


def _mailbox(name: str, address: str) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _reply_to(fields: MailFields) -> dict[str, Any]:
    name, address = fields.reply_to_name, fields.reply_to
    if not address:
        return {}
    if _ONE_MAILBOX.fullmatch(address) and "<" not in name:
        return {"reply_to": _mailbox(name, address)}
    several = getaddresses([f"{name} <{address}>" if name else address])
    return {"reply_to_list": [_mailbox(*each) for each in several if each[1]]}


def _content(fields: MailFields) -> list[dict[str, str]]:
    """Text first, then HTML: the order that is asked for. A type has no parameters here."""
    parts = (("text/plain", fields.text), ("text/html", fields.html), ("text/calendar", fields.calendar))
    return [{"type": kind, "value": value} for kind, value in parts if value]


def _attachment(attachment: Attachment) -> dict[str, str]:
    given = {
        "content": b64encode(attachment.data).decode("ascii"),
        "type": attachment.type,
        "filename": attachment.name,
        "disposition": "inline" if attachment.cid else "attachment",
    }
    return {**given, "content_id": attachment.cid} if attachment.cid else given


def _headers(headers: tuple[Header, ...]) -> dict[str, str] | Failed:
    """By name: one value each. References begins with our Message-ID, so that a reply names the mail even if
    SendGrid should put an id of its own in its place."""
    kept: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in headers:
        lowered = name.lower()
        if lowered in _TAKEN:
            continue
        if lowered in seen:
            return Failed("a header stands there twice, and SendGrid takes each once")
        seen.add(lowered)
        kept[name] = value if value.isascii() else _encoded(value)
    own = next((value for name, value in kept.items() if name.lower() == "message-id"), "")
    if own:
        name = next((name for name in kept if name.lower() == "references"), "References")
        kept[name] = f"{own} {kept[name]}" if name in kept else own
    return kept


def _encoded(value: str) -> str:
    """As encoded words (RFC 2047): SendGrid takes header values as they are. What stands in <> at the end stays."""
    phrase, bracket, rest = value.rpartition("<")
    if not (bracket and rest.endswith(">") and rest.isascii() and phrase.strip()):
        phrase, rest = value, ""
    words = EncodedHeader(phrase.strip(), "utf-8").encode(linesep="", maxlinelen=75)
    return f"{words} <{rest}" if rest else words


def _errors(response: HttpResponse) -> list[tuple[str, str]]:
    """(field, message) of each error; the field is empty where it is none of SendGrid's names."""
    found = json_of(response.body)
    errors = found.get("errors") if isinstance(found, Mapping) else None
    if not isinstance(errors, list):
        return []
    pairs = []
    for error in errors:
        if isinstance(error, Mapping):
            field, message = error.get("field"), error.get("message")
            named = field if isinstance(field, str) and field != "null" and _FIELD.fullmatch(field) else ""
            pairs.append((named, message if isinstance(message, str) else ""))
    return pairs
