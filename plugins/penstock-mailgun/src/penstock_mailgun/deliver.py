"""Mails to Mailgun as the bytes they are (POST /v3/DOMAIN/messages.mime), and what its answers mean.

Source: Mailgun's OpenAPI description, tags Messages and Domain Tracking (2026-07).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse, Refusal, object_of
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_mailgun.lists import MailgunErasure, MailgunLists, Suppressions

__all__ = ["MAIL_ID", "Mailgun", "Options", "adapter", "receipt_of"]

MAIL_ID = "penstock-mail-id"
"""The variable that names the mail in Mailgun's events (`user-variables`)."""

_HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
_YES_NO = {"no": "no", "yes": "yes"}
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE)
_TAG = re.compile(r"[!-+\--~]{1,128}")
"""Mailgun's tags: ASCII, at most 128 characters; a comma would be two headers' worth of tags."""
_PLAIN_RECIPIENT = re.compile(r"[^\s,;:<>()\"\\@\[\]]+@[^\s,;:<>()\"\\@\[\]]+")
"""`to` is a list with commas and friendly names: only an address that cannot be read as either goes into it."""
_MOST_OCTETS = 25 << 20
_OWN_HEADER = re.compile(rb"(?:\A|[\r\n])x-mailgun-", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"domain \S+ is not allowed to send\b", re.IGNORECASE)
_AFTER = re.compile(r"\btry again after (\d{1,6}) seconds?\b", re.IGNORECASE)
_DAY = 86_400
_LIMIT = re.compile(r"\blimit exceeded\b|\btry again after\b", re.IGNORECASE)
_BAD_RECIPIENT = re.compile(r"^'?to'? parameter is not a valid address", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Options:
    """`domain` is the sending domain; `tag` goes with each mail, empty: the stream's name."""

    domain: str
    testmode: bool = False
    dkim: Literal["esp", "ours"] = "esp"
    settings_read: bool = True
    """Whether the domain's settings are looked at first; a key that may only send cannot."""
    tag: str = ""


class Mailgun:
    """One mail, one request: a request answers for all its recipients at once."""

    per_request = 1

    def __init__(self, options: Options, key: str) -> None:
        self._options = options
        self.capabilities = Capabilities(
            raw_message=True,
            smtputf8=False,
            envelope_sender=False,
            idempotent=False,
            dkim=options.dkim,
            permission="consent",
            null_sender=False,
        )
        self._path = f"/v3/{options.domain}/messages.mime"
        self._authorization = authorization(key)

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The message as a file, beside it what Mailgun must know. Identical for the identical mail."""
        (mail,) = mails
        content = mail.content
        if not isinstance(content, Message):
            return Failed("no finished message")
        if failed := _unsendable(mail, content.data):
            return failed
        boundary = f"penstock-{mail.id}"
        while boundary.encode() in content.data:
            boundary += "x"
        headers = {
            "Authorization": self._authorization,
            "Content-Type": f'multipart/form-data; boundary="{boundary}"',
        }
        return HttpRequest(self._path, self._form(mail, content.data, boundary), headers)

    def _form(self, mail: Mail, data: bytes, boundary: str) -> bytes:
        """The fields of `messages.mime` (RFC 7578).

        The header X-Mailgun-Variables would show our variables to the recipient, so it is taken away; X-Mailgun-Sid
        stays, as Mailgun finds complaints by it.
        """
        fields = {
            "to": mail.envelope.recipient,
            "o:tracking": "no",
            "o:tracking-clicks": "no",
            "o:tracking-opens": "no",
            "o:dkim": "yes" if self._options.dkim == "esp" else "no",
            "o:tag": self._options.tag or mail.stream.value,
            "o:suppress-headers": "X-Mailgun-Variables,X-Mailgun-Tag",
            f"v:{MAIL_ID}": mail.id,
        }
        if self._options.testmode:
            fields["o:testmode"] = "yes"
        dash = f"--{boundary}\r\n"
        text = "".join(
            f'{dash}Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        )
        file = (
            f'{dash}Content-Disposition: form-data; name="message"; filename="message.eml"\r\n'
            "Content-Type: message/rfc822\r\n\r\n"
        )
        return b"".join(((text + file).encode(), data, f"\r\n--{boundary}--\r\n".encode()))

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """200 with an id is accepted; a 4xx refuses this mail."""
        told = _told(response)
        if response.status < 300:
            identity, message = told.get("id"), told.get("message")
            # Mailgun queues, and says so; what it says else is not known to mean that.
            if isinstance(identity, str) and identity and str(message).startswith("Queued"):
                return [Accepted(receipt_of(identity))] * len(mails)
            return [Uncertain("an answer without an id")] * len(mails)
        return [_failed(response.status, told.get("message"))] * len(mails)

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """A domain that may not send, no credit, limits, and the welcome of a wrong address, which comes as 200."""
        if response.status == 200:
            if b"Mailgun Magnificent API" in response.body[:200]:
                return Refusal("account", "this is not the address of Mailgun's interface")
            return None
        if response.status == 402:
            return Refusal("account", "HTTP 402: the account has no credit")
        if 400 <= response.status < 500:
            message = str(_told(response).get("message"))
            if response.status == 429 or (_NOT_ALLOWED.match(message) and _LIMIT.search(message)):
                asked = _AFTER.search(message)
                after = timedelta(seconds=min(int(asked[1]), _DAY)) if asked else None
                return Refusal("later", "a sending limit is reached", after)
            if _NOT_ALLOWED.match(message):
                return Refusal("account", f"HTTP {response.status}: the domain is not allowed to send")
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Unsubscribe tracking of the domain, which no request can switch off: it puts links of Mailgun's own in.

        Raises AdapterUnavailable where nothing can be learnt just now.
        """
        if not self._options.settings_read:
            return None
        path = f"/v3/domains/{self._options.domain}/tracking"
        answer = await exchange.send(HttpRequest(path, b"", {"Authorization": self._authorization}, "GET"))
        status = answer.status if isinstance(answer, HttpResponse) else 0
        if status in {401, 403}:
            return f"HTTP {status}: the key is refused, or may not read the domain's settings"
        if status == 404:
            return "HTTP 404: Mailgun does not know the domain in this region"
        told = _told(answer) if isinstance(answer, HttpResponse) and status == 200 else {}
        tracking = told.get("tracking")
        unsubscribe = tracking.get("unsubscribe") if isinstance(tracking, dict) else None
        active = unsubscribe.get("active") if isinstance(unsubscribe, dict) else None
        if active in (False, "no", "false"):
            return None
        if active is None:
            raise AdapterUnavailable("the domain's settings could not be read")
        return "unsubscribe tracking is on for the domain: switch it off at Mailgun"


def adapter(address: AdapterAddress) -> HttpAdapter:
    """The adapter for `mailgun:DOMAIN[?region=eu&testmode=yes&dkim=ours&unsubscribe_tracking=off&tag=WORD]`, or with
    `unsubscribe_tag=STREAM` in place of `tag`.

    Raises ConfigError for a missing key or domain and for options that are not understood.
    """
    address.knows("region", "testmode", "dkim", "unsubscribe_tracking", "tag", "unsubscribe_tag")
    where = f"adapters.{address.name}.url"
    if not _DOMAIN.fullmatch(address.place):
        raise ConfigError("no sending domain is named", where=where, mend='for example "mailgun:mg.nordlicht.example"')
    tag = address.options.get("tag", "")
    if "tag" in address.options and not _TAG.fullmatch(tag):
        raise ConfigError("tag: expected 1 to 128 ASCII characters, no space or comma", where=where)
    options = Options(
        domain=address.place.lower(),
        testmode=address.option("testmode", _YES_NO) == "yes",
        dkim="ours" if address.option("dkim", {"esp": "esp", "ours": "ours"}) == "ours" else "esp",
        settings_read=address.option("unsubscribe_tracking", {"read": "read", "off": "off"}) == "read",
        tag=tag,
    )
    objections = _objections(address)
    host = address.option("region", _HOSTS)
    exchange = Exchange(address.endpoint or host)
    suppressions = Suppressions(options.domain, authorization(address.key()), exchange)
    return HttpAdapter(
        address.name,
        Mailgun(options, address.key()),
        exchange,
        address.clock,
        lists=MailgunLists(suppressions, objections, address.clock),
        erasure=MailgunErasure(suppressions),
    )


def authorization(key: str) -> str:
    """HTTP Basic as Mailgun takes it: the user is `api`."""
    return "Basic " + b64encode(f"api:{key}".encode()).decode()


def _objections(address: AdapterAddress) -> str:
    """The tag from which objectors are unsubscribed: one that mails have and that transactional mail has not."""
    if "unsubscribe_tag" not in address.options:
        return ""
    if "tag" in address.options:
        where = f"adapters.{address.name}.url"
        raise ConfigError("unsubscribe_tag: with tag= all mails carry one tag, the transactional ones too", where=where)
    return address.option("unsubscribe_tag", {stream.value: stream.value for stream in Stream if stream.commercial})


def _unsendable(mail: Mail, data: bytes) -> Failed | None:
    if len(data) > _MOST_OCTETS:
        return Failed("larger than the 25 MiB that Mailgun takes", "5.3.4")
    if not mail.envelope.recipient.isascii():
        return Failed("Mailgun takes ASCII addresses only", "5.6.7", Code.SMTPUTF8_UNSUPPORTED)
    if not _PLAIN_RECIPIENT.fullmatch(mail.envelope.recipient):
        return Failed("the address cannot be told from a list of addresses", "5.1.3")
    end = data.find(b"\r\n\r\n")
    if _OWN_HEADER.search(data, 0, len(data) if end < 0 else end):
        return Failed("the message has a header X-Mailgun-…, which would command Mailgun", "5.6.0")
    return None


def _failed(status: int, message: object) -> Failed:
    """What a 4xx says of this mail, in our words: Mailgun's may hold the address."""
    if status == 413:
        return Failed(f"HTTP {status}: too large", "5.3.4")
    if status == 400 and isinstance(message, str) and _BAD_RECIPIENT.match(message):
        return Failed("HTTP 400: the recipient is not a valid address", "5.1.3", Code.INVALID_ADDRESS)
    return Failed(f"HTTP {status}: the message is refused")


def receipt_of(identity: str) -> str:
    """What stands before the @ of the Message-ID that Mailgun answers: the whole would be taken for an address."""
    return identity.strip().strip("<>").partition("@")[0]


def _told(response: HttpResponse) -> dict[str, object]:
    return object_of(response.body) or {}
