"""Signed tokens for opt-out links and return paths (RFC 8058 section 3: opaque and hard to forge)."""

from __future__ import annotations

import binascii
import hashlib
import hmac

from penstock.model.keyring import Keyring, Secret

__all__ = ["PURPOSES", "SignedTokens"]

# The place in this list is part of every token ever given out.
PURPOSES = ("header", "body", "page", "mailto", "test-header", "bounce", "test-body", "test-page", "test-mailto")
_VERSION = 1
_HEAD = 3  # version, key id, purpose
_MAIL_ID = 16
_MAC = 23  # makes 42 octets: 56 characters without padding
_BLOCK = 64  # octets that SHA-256 takes at once
_URL_SAFE, _PLAIN = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


class SignedTokens:
    """Version, key id, purpose, mail id and a truncated HMAC-SHA-256: 56 URL-safe characters.

    A token holds no personal data and does not expire; it stays readable after a key rotation as long as the old key
    is kept.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keys = [_Key(secret) for secret in keyring.tokens]
        newest = self._keys[0]
        self._heads = {purpose: bytes((_VERSION, newest.octet, place)) for place, purpose in enumerate(PURPOSES)}

    def sign(self, purpose: str, mail_id: str) -> str:
        """A token for one of `PURPOSES` and a mail id of 32 hex digits. Raises ValueError for anything else."""
        head = self._heads.get(purpose)
        if head is None:
            raise ValueError("no token is for that purpose")
        payload = head + bytes.fromhex(mail_id)
        if len(payload) != _HEAD + _MAIL_ID:
            raise ValueError("a mail id has 32 hex digits")
        return _encoded(payload + self._keys[0].mac(payload)).decode()

    def read(self, token: str) -> tuple[str, str] | None:
        """(purpose, mail id) of a genuine token; None for anything else, without saying what is wrong with it."""
        try:
            spelled = token.encode("ascii")
            raw = binascii.a2b_base64(spelled.translate(_PLAIN))
        except (ValueError, binascii.Error):
            return None
        if len(raw) != _HEAD + _MAIL_ID + _MAC or raw[0] != _VERSION or raw[2] >= len(PURPOSES):
            return None
        if _encoded(raw) != spelled:  # other signs among it, padding behind it, or the other alphabet's
            return None
        payload, mac = raw[:-_MAC], raw[-_MAC:]
        for key in self._keys:
            if key.octet == raw[1] and hmac.compare_digest(key.mac(payload), mac):
                return PURPOSES[raw[2]], payload[_HEAD:].hex()
        return None


def _encoded(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False).translate(_URL_SAFE)


class _Key:
    """A token key whose two hashes (RFC 2104 section 4) are begun once: keying anew costs more than the message."""

    def __init__(self, secret: Secret) -> None:
        self.octet = hashlib.sha256(secret.id.encode()).digest()[0]
        whole = secret.value if len(secret.value) <= _BLOCK else hashlib.sha256(secret.value).digest()
        padded = whole.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + b"token\0")
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def mac(self, payload: bytes) -> bytes:
        """HMAC-SHA-256 of the payload in its own domain, truncated."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()[:_MAC]
