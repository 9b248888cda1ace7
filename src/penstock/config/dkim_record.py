"""A new DKIM key with what DNS and the config are to say of it (RFC 6376 section 3.6, RFC 8463)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

from penstock.config.sender_section import is_selector
from penstock.errors import InvalidInput
from penstock.model.address import Address, parse_address

__all__ = ["NewKey", "make_key"]

_STRING = 255
"""Octets of one string of a TXT record (RFC 1035 section 3.3)."""
_LEAST_BITS, _MOST_BITS = 2_048, 4_096


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """`pem` is the private key in PKCS#8, `public` the `p=` of the record. `domain` is in A-labels."""

    domain: str
    selector: str
    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    pem: bytes
    public: str

    @property
    def name(self) -> str:
        """Where verifiers look for the record, without a dot at the end."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def value(self) -> str:
        """The record as one text."""
        return f"v=DKIM1; k={self.algorithm.partition('-')[0]}; p={self.public}"

    @property
    def strings(self) -> list[str]:
        """The record as TXT takes it: strings of at most 255 octets, which verifiers put together again."""
        return [self.value[at : at + _STRING] for at in range(0, len(self.value), _STRING)]

    def config(self, reference: str) -> str:
        """What makes the key at `reference` (such as `file:keys/dkim-s1.pem`) sign."""
        table = f'{{ selector = "{self.selector}", key = "{reference}" }}'
        if self.algorithm == "ed25519-sha256":
            return f"# in the dkim table of the RSA key of {self.domain}:\ned25519 = {table}"
        return f'[[sender]]\ndomain = "{self.domain}"\ndkim = {table}'


def make_key(domain: str, selector: str, *, bits: int | None = _LEAST_BITS) -> NewKey:
    """Make an RSA key of that length, with `bits` None an Ed25519 key. Raises InvalidInput."""
    seen = parse_address(f"x@{domain.strip().removesuffix('.')}")
    if not isinstance(seen, Address):
        raise InvalidInput(f"no domain: {seen.why}", where="DOMAIN", mend="expected one such as nordlicht.example")
    if not is_selector(selector.lower()):
        raise InvalidInput("no selector", where="--selector", mend="letters, digits, '-' and '.', such as s1")
    if bits is not None and not _LEAST_BITS <= bits <= _MOST_BITS:
        mend = "2048 is what all verifiers take"
        raise InvalidInput(f"expected {_LEAST_BITS} to {_MOST_BITS}", where="--bits", mend=mend)
    if bits is None:
        pem, public = _ed25519()
        return NewKey(seen.domain, selector.lower(), "ed25519-sha256", pem, public)
    pem, public = _rsa(bits)
    return NewKey(seen.domain, selector.lower(), "rsa-sha256", pem, public)


def _ed25519() -> tuple[bytes, str]:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    return pem, b64encode(public).decode()


def _rsa(bits: int) -> tuple[bytes, str]:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    key = generate_private_key(65537, bits)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return pem, b64encode(public).decode()
