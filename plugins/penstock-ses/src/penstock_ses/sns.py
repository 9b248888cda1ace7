"""Calls of Amazon SNS: what is in them, and what proves that they come from there and from a topic of ours.

Sources: the SNS developer guide, "Parsing Amazon SNS message formats", "Verifying the signatures of Amazon SNS
messages" and "Amazon SNS message delivery retries".
"""

from __future__ import annotations

import asyncio
import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from penstock.adapters.http import object_of
from penstock.errors import WebhookRejected
from penstock.ports import Genuine, WebhookCall

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

__all__ = ["Certificates", "SnsProof", "moment", "sns_fields"]

NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
_CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: _CONFIRMED,
    "UnsubscribeConfirmation": _CONFIRMED,
}
"""What is signed of each type of message, in this order. Subject is left out where there is none."""
_HEADERS: Mapping[str, str] = {
    "x-amz-sns-message-id": "MessageId",
    "x-amz-sns-message-type": "Type",
    "x-amz-sns-topic-arn": "TopicArn",
}
"""Headers that repeat a field."""
_PAST, _AHEAD = timedelta(hours=24, minutes=30), timedelta(minutes=5)
"""Of the signed time, which is that of publishing: SNS repeats a call for up to an hour with the time it had, and a
queue or a proxy before our door may hold it longer."""
_MOST_OCTETS = 2 << 20
"""Messages have at most 256 KiB, which escapes in JSON make six times as long."""
_MOST_OF_A_SIGNATURE = 2_048
_HOST = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(rf"https://{_HOST.pattern}/[A-Za-z0-9_-]{{1,120}}\.pem")
_SUBSCRIBE = re.compile(rf"https://{_HOST.pattern}/\?[\x21-\x7e]{{1,1500}}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_MOST_CERTIFICATES = 8
_ATTEMPTS = 2
_SMALLEST_KEY = 2_048


class Certificates:
    """The keys of SNS's certificates, each fetched once from SNS's own host."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]]) -> None:
        self._fetch = fetch
        self._known: dict[str, RSAPublicKey] = {}
        self._one = asyncio.Lock()

    async def key(self, address: str) -> RSAPublicKey:
        """The public key of the certificate there. Raises WebhookRejected, also for an address that is not SNS's."""
        if not _CERTIFICATE.fullmatch(address):
            raise WebhookRejected("not proven")
        if found := self._known.get(address):
            return found
        # One at a time: forged calls cannot make many requests at once of us.
        async with self._one:
            if found := self._known.get(address):
                return found
            found = _public_key(await self._fetched(address))
            if len(self._known) >= _MOST_CERTIFICATES:
                del self._known[next(iter(self._known))]
            self._known[address] = found
            return found

    async def _fetched(self, address: str) -> bytes:
        """Twice if need be: SNS does not repeat a call that was answered 403."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._fetch(address)
            except WebhookRejected:
                continue
        return await self._fetch(address)


class SnsProof:
    """Proves calls of the topics that are allowed, by SNS's signature of version 1 or 2."""

    def __init__(self, topics: frozenset[str], certificates: Certificates) -> None:
        self._topics = topics
        self._certificates = certificates

    async def genuine(self, call: WebhookCall) -> Genuine:
        """The mark is SNS's id of the message, which its repetitions share. Raises WebhookRejected."""
        if call.headers.get("x-amz-sns-topic-arn", next(iter(self._topics))) not in self._topics:
            raise WebhookRejected("not proven")
        fields = sns_fields(call.body)
        signed = _signed(fields)
        if fields["TopicArn"] not in self._topics or not _MESSAGE_ID.fullmatch(fields["MessageId"]):
            raise WebhookRejected("not proven")
        if any(call.headers.get(name, fields[field]) != fields[field] for name, field in _HEADERS.items()):
            raise WebhookRejected("not proven")
        at = moment(fields["Timestamp"])
        if at is None or not -_AHEAD <= call.received_at - at <= _PAST:
            raise WebhookRejected("not proven")
        algorithm, signature = _algorithm(fields.get("SignatureVersion")), _signature(fields.get("Signature"))
        key = await self._certificates.key(_text(fields.get("SigningCertURL")))
        _verified(key, signature, signed, algorithm)
        visit = _subscribe_url(fields) if fields["Type"] == CONFIRMATION else ""
        return Genuine(f"sns:{fields['MessageId']}", visit)


def sns_fields(body: bytes) -> dict[str, Any]:
    """The object in a call's body; empty where there is none or it is larger than any of SNS's."""
    return (object_of(body) or {}) if len(body) <= _MOST_OCTETS else {}


def moment(text: object) -> datetime | None:
    """A time as SNS and SES write it (ISO 8601, in UTC); None for anything else."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _signed(fields: Mapping[str, Any]) -> bytes:
    """The octets that are signed: each field's name and value on lines of their own."""
    names = _SIGNED.get(_text(fields.get("Type")))
    if names is None:
        raise WebhookRejected("not proven")
    lines: list[str] = []
    for name in names:
        if name == "Subject" and fields.get(name) is None:
            continue
        lines += (name, _text(fields.get(name)))
    try:
        return "".join(f"{line}\n" for line in lines).encode()
    except UnicodeEncodeError:
        raise WebhookRejected("not proven") from None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise WebhookRejected("not proven")


def _algorithm(version: object) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    match version:
        case "1":
            # SNS's default until a topic is set to version 2; verifying needs no resistance to collisions that we make.
            return hashes.SHA1()  # noqa: S303
        case "2":
            return hashes.SHA256()
    raise WebhookRejected("not proven")


def _signature(written: object) -> bytes:
    text = _text(written)
    if len(text) > _MOST_OF_A_SIGNATURE:
        raise WebhookRejected("not proven")
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRejected("not proven") from None


def _public_key(pem: bytes) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_x509_certificate(pem).public_key()
    except Exception:  # noqa: BLE001 — whatever a certificate holds, it proves nothing then
        raise WebhookRejected("not proven") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise WebhookRejected("not proven")
    return key


def _verified(key: RSAPublicKey, signature: bytes, signed: bytes, algorithm: HashAlgorithm) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    try:
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except InvalidSignature:
        raise WebhookRejected("not proven") from None


def _subscribe_url(fields: Mapping[str, Any]) -> str:
    """Where the subscription is confirmed: at SNS itself, and that of the topic which asks."""
    address = _text(fields.get("SubscribeURL"))
    if not _SUBSCRIBE.fullmatch(address):
        raise WebhookRejected("not proven")
    asked = parse_qs(urlsplit(address).query)
    if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [fields["TopicArn"]]:
        raise WebhookRejected("not proven")
    return address
