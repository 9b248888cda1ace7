"""The Amazon SNS topic of the fake Amazon SES: how its messages look as HTTP calls, and how they are signed.

Source: SNS developer guide, "Parsing Amazon SNS message formats", "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from penstock.testing.esp import PostedCall

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["SnsKey", "SnsTopic", "moment", "uuid_of"]

_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""The members that are signed, in byte order; others may be changed on the way."""


@dataclass(frozen=True, slots=True)
class SnsKey:
    """A key pair of SNS with the certificate that `SigningCertURL` names."""

    private: RSAPrivateKey
    certificate: str
    """PEM."""

    @property
    def name(self) -> str:
        """What the certificate is called in its address."""
        return hashlib.sha256(self.certificate.encode()).hexdigest()[:32]

    @classmethod
    def new(cls) -> SnsKey:
        """With a key of its own: RSA, 2048 bits."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import NameOID

        private = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Amazon RSA 2048 M01")])
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
            .sign(private, hashes.SHA256())
        )
        return cls(private, built.public_bytes(Encoding.PEM).decode())

    def signature(self, text: str, version: str) -> str:
        """In base64: version 1 is of SHA-1, version 2 of SHA-256, both RSA with PKCS #1 v1.5."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        kind = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 — as SNS still signs by default
        return base64.b64encode(self.private.sign(text.encode(), padding.PKCS1v15(), kind)).decode()


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """A topic, subscribed to by one HTTPS endpoint. `version` is its attribute SignatureVersion."""

    arn: str
    key: SnsKey
    version: str = "1"

    @property
    def host(self) -> str:
        """Where the certificate and the confirmation stand."""
        return f"https://sns.{self.arn.split(':')[3]}.amazonaws.com"

    def notification(self, message: str, subject: str, key: str, at: datetime) -> PostedCall:
        """What was published, sent at that moment; the message id is the same for the same `key`."""
        member = {
            "Type": "Notification",
            "MessageId": uuid_of(f"notification {key}"),
            "TopicArn": self.arn,
            "Subject": subject,
            "Message": message,
            "Timestamp": moment(at),
        }
        end = {"UnsubscribeURL": f"{self.host}/?Action=Unsubscribe&SubscriptionArn={self._subscription}"}
        return self._call(member, end)

    def confirmation(self, at: datetime) -> PostedCall:
        """The question, when somebody subscribes the endpoint, whether it wants that."""
        token = hashlib.sha256(f"token {self.arn}".encode()).hexdigest() * 4
        text = f"You have chosen to subscribe to the topic {self.arn}.\nTo confirm, visit the SubscribeURL."
        member = {
            "Type": "SubscriptionConfirmation",
            "MessageId": uuid_of(f"confirmation {self.arn}"),
            "Token": token,
            "TopicArn": self.arn,
            "Message": text,
            "SubscribeURL": f"{self.host}/?Action=ConfirmSubscription&TopicArn={self.arn}&Token={token}",
            "Timestamp": moment(at),
        }
        return self._call(member, {})

    @property
    def _subscription(self) -> str:
        return f"{self.arn}:{uuid_of(f'subscription {self.arn}')}"

    def _call(self, member: Mapping[str, str], end: Mapping[str, str]) -> PostedCall:
        kind = member["Type"]
        text = "".join(f"{name}\n{member[name]}\n" for name in _SIGNED[kind])
        body = {
            **member,
            "SignatureVersion": self.version,
            "Signature": self.key.signature(text, self.version),
            "SigningCertURL": f"{self.host}/SimpleNotificationService-{self.key.name}.pem",
            **end,
        }
        headers = {
            "content-type": "text/plain; charset=UTF-8",
            "user-agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-id": member["MessageId"],
            "x-amz-sns-message-type": kind,
            "x-amz-sns-topic-arn": self.arn,
        }
        if kind == "Notification":
            headers["x-amz-sns-subscription-arn"] = self._subscription
        return PostedCall(headers, json.dumps(body, indent=2, separators=(",", " : ")).encode())


def moment(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid_of(text: str) -> str:
    """In the shape of a UUID, the same for the same text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
