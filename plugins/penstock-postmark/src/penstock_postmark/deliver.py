"""Mails to Postmark, up to 500 by `POST /email/batch`, and what its answers mean.

Sources: the pages API overview, Email API, Server API and Message Streams API of postmarkapp.com/developer, with the
support articles on size limits, metadata, error 300 and managing one's own unsubscribe process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from penstock.adapters.http import APART, Exchange, HttpRequest, HttpResponse, Refusal, json_octets, json_of
from penstock.errors import AdapterUnavailable
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import Capabilities
from penstock_postmark.payload import payload

__all__ = ["Postmark"]

MOST_MAILS = 500
"""In one batch."""
MOST_OCTETS = 10 * 1024 * 1024
"""Of one mail with its attachments in base64."""
MOST_OF_A_BATCH = 50_000_000
_RECEIPT = re.compile(r"[A-Za-z0-9-]{1,64}")
_ACCOUNT = {
    10: "the server token is refused",
    400: "the sender is no sender signature of the account",
    401: "the sender signature is not confirmed",
    405: "the account may not send: credits or approval are missing",
    409: "this does not speak Postmark's interface",
    410: "the batch is larger than Postmark takes",
    412: "the account is pending: it may write to its own domain only",
    413: "the account may not send",
    1226: "there is no such message stream",
    1235: "there is no such message stream",
    1236: "the message stream takes no mail to send",
}
"""Error codes that a person must see to; no mail is at fault."""
_LATER = {100: "Postmark is under maintenance", 429: "too much at once"}
_WHOLE: tuple[tuple[Literal["account", "later"], Mapping[int, str]], ...] = (("account", _ACCOUNT), ("later", _LATER))
_MESSAGE = {300: "the mail is invalid", 402: "the JSON is invalid", 403: "the JSON does not fit"}


class Postmark:
    """Requests to one message stream of a Postmark server, and what its answers mean."""

    capabilities = Capabilities(
        max_batch=MOST_MAILS,
        raw_message=False,
        smtputf8=False,
        envelope_sender=False,
        idempotent=False,
        dkim="esp",
        permission="consent",
        message_id=True,
        date=False,
        null_sender=False,
        lost_headers=frozenset(
            {"cc", "date", "dkim-signature", "received", "return-path", "sender"}
            | {f"x-pm-{order}" for order in ("bounce-type", "keepid", "message-stream", "tag", "tracklinks")}
            | {"x-pm-trackopens"}
        ),
    )
    per_request = MOST_MAILS

    def __init__(self, key: str, stream: str = "outbound", *, reads_settings: bool = True) -> None:
        self._stream = stream
        self._reads_settings = reads_settings
        self._headers = {"X-Postmark-Server-Token": key, "Accept": "application/json"}

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """A batch, of one mail, too; Failed with why the first mail that cannot be expressed cannot."""
        items: list[bytes] = []
        for mail in mails:
            item = payload(mail, self._stream)
            if isinstance(item, Failed):
                return item
            try:
                octets = json_octets(item)
            except UnicodeError:
                return Failed("the mail holds half a character (a lone surrogate)")
            if len(octets) > MOST_OCTETS:
                return Failed("the mail is larger than the 10 MB that Postmark takes", "5.3.4")
            items.append(octets)
        body = b"[" + b",".join(items) + b"]"
        if len(body) > MOST_OF_A_BATCH:
            return APART
        return HttpRequest("/email/batch", body, {**self._headers, "Content-Type": "application/json"})

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """Each mail has an item of its own in an answer with status 200; receipts are Postmark's MessageIDs."""
        if response.status < 300:
            items = _items(response.body)
            if items is None or len(items) != len(mails):
                return [Uncertain("an answer that cannot be understood")] * len(mails)
            if any(_is_of_another(mail, item) for mail, item in zip(mails, items, strict=True)):
                return [Uncertain("an answer about other recipients")] * len(mails)
            return [_outcome(item) for item in items]
        if response.status in {408, 425}:
            return [Uncertain(f"HTTP {response.status}: the request may have been accepted")] * len(mails)
        return [APART] * len(mails) if len(mails) > 1 else [_refused(response)]

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """Codes about the account, of the whole request or of all its items; a spent pace and maintenance."""
        if response.status in {406, 415}:
            return Refusal("account", f"HTTP {response.status}: this does not speak Postmark's interface")
        if response.status < 300:
            codes = {_code(item) for item in _items(response.body) or ()}
        elif response.status < 500 or response.status == 503:
            codes = {_code(json_of(response.body))}
        else:
            return None
        for scope, meanings in _WHOLE:
            if codes and codes <= meanings.keys():
                code, meaning = next(each for each in meanings.items() if each[0] in codes)
                return Refusal(scope, f"Postmark's error {code}: {meaning}")
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """A server that counts opens does so against the request, and a stream may add its own unsubscribe links.

        Raises AdapterUnavailable when Postmark cannot be asked now.
        """
        if not self._reads_settings:
            return None
        server = await self._settings(exchange, "/server")
        if isinstance(server, str):
            return server
        if server.get("TrackOpens") is not False:
            return "open tracking is on for the Postmark server, or not told: switch it off there"
        stream = await self._settings(exchange, f"/message-streams/{self._stream}")
        return stream if isinstance(stream, str) else _unfit(stream)

    async def _settings(self, exchange: Exchange, path: str) -> dict[str, Any] | str:
        answer = await exchange.send(HttpRequest(path, b"", self._headers, "GET"))
        if not isinstance(answer, HttpResponse):
            raise AdapterUnavailable(f"Postmark's settings could not be read: {answer.why}")
        if answer.status == 429 or answer.status >= 500:
            raise AdapterUnavailable(f"Postmark's settings could not be read: HTTP {answer.status}")
        found = json_of(answer.body)
        if answer.status in {401, 403}:
            return f"HTTP {answer.status}: the server token is refused"
        if answer.status in {404, 422} and _code(found) in {1226, 1235}:
            return "the Postmark server has no such message stream"
        if answer.status != 200 or not isinstance(found, dict):
            return f"HTTP {answer.status}: this is not the address of Postmark's interface"
        return found


def _unfit(stream: Mapping[str, Any]) -> str | None:
    if stream.get("MessageStreamType") not in {"Transactional", "Broadcasts"} or stream.get("ArchivedAt"):
        return "the message stream is no stream to send through"
    handling = stream.get("SubscriptionManagementConfiguration")
    kind = handling.get("UnsubscribeHandlingType") if isinstance(handling, dict) else None
    if not isinstance(kind, str) or kind.lower() not in {"none", "custom"}:
        return "Postmark manages unsubscribes of the message stream, or does not tell: it would add links of its own"
    return None


def _outcome(item: Mapping[str, Any]) -> Outcome:
    code, message = _code(item), item.get("Message")
    if code == 0:
        receipt = item.get("MessageID")
        known = isinstance(receipt, str) and _RECEIPT.fullmatch(receipt)
        return Accepted(str(receipt)) if known else Uncertain("an answer without the mail's id")
    if code is None:
        return Uncertain("an answer without an error code")
    if code in _ACCOUNT:  # others of the same batch were taken, so that it may be about this sender only
        return TryLater(f"Postmark's error {code}: {_ACCOUNT[code]}")
    if code in _LATER:
        return TryLater(f"Postmark's error {code}: {_LATER[code]}", code=Code.RATE_BACKOFF)
    if code == 406:
        return Failed("Postmark's error 406: the recipient bounced, complained or unsubscribed there", "5.7.1")
    if code == 411:
        return Failed("Postmark's error 411: an attachment is of a forbidden type", "5.7.1")
    if code == 300 and "'to'" in str(message).lower():
        return Failed("Postmark's error 300: the recipient's address is refused", "5.1.3", Code.INVALID_ADDRESS)
    return Failed(f"Postmark's error {code}: {_MESSAGE.get(code, 'the mail is refused')}")


def _refused(response: HttpResponse) -> Outcome:
    """What a 4xx says about the only mail of a request."""
    answer = json_of(response.body)
    if response.status == 413:
        return Failed("HTTP 413: Postmark finds the mail too large", "5.3.4")
    if isinstance(answer, dict) and _code(answer):
        return _outcome(answer)
    return Failed(f"HTTP {response.status}: Postmark refuses the mail")


def _is_of_another(mail: Mail, item: Mapping[str, Any]) -> bool:
    """Whether an accepted item names somebody else, so that the order of the items is not to be trusted."""
    told = item.get("To")
    return _code(item) == 0 and isinstance(told, str) and mail.envelope.recipient.lower() not in told.lower()


def _code(item: object) -> int | None:
    """The error code, 0 for success; None where there is none. An unknown sender may hide behind the code 300."""
    code = item.get("ErrorCode") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(code, int) or isinstance(code, bool):
        return None
    return 400 if code == 300 and "sender signature" in str(item.get("Message")).lower() else code


def _items(body: bytes) -> list[dict[str, Any]] | None:
    found = json_of(body)
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else None
