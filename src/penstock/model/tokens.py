"""Signed tokens for opt-out links and return paths (RFC 8058 section 3: opaque and hard to forge)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from penstock.model.keyring import Keyring, Secret

__all__ = ["PURPOSES", "SignedTokens"]

# The place in this list is part of every token ever given out.
PURPOSES = ("header", "body", "page", "mailto", "test-header", "bounce", "test-body", "test-page", "test-mailto")
_VERSION = 1
_HEAD = 3  # version, key id, purpose
_MAIL_ID = 16
_MAC = 23  # makes 42 octets: 56 characters without padding


class SignedTokens:
    """Version, key id, purpose, mail id and a truncated HMAC-SHA-256: 56 URL-safe characters.

    A token holds no personal data and does not expire; it stays readable after a key rotation as long as the old key
    is kept.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keys: Sequence[Secret] = keyring.tokens

    def sign(self, purpose: str, mail_id: str) -> str:
        """A token for one of `PURPOSES` and a mail id of 32 hex digits. Raises ValueError for anything else."""
        key = self._keys[0]
        payload = bytes((_VERSION, _key_byte(key), PURPOSES.index(purpose))) + bytes.fromhex(mail_id)
        if len(payload) != _HEAD + _MAIL_ID:
            raise ValueError("a mail id has 32 hex digits")
        return base64.urlsafe_b64encode(payload + _mac(key, payload)).decode()

    def read(self, token: str) -> tuple[str, str] | None:
        """(purpose, mail id) of a genuine token; None for anything else, without saying what is wrong with it."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        if len(raw) != _HEAD + _MAIL_ID + _MAC or raw[0] != _VERSION or raw[2] >= len(PURPOSES):
            return None
        payload, mac = raw[:-_MAC], raw[-_MAC:]
        for key in self._keys:
            if _key_byte(key) == raw[1] and hmac.compare_digest(_mac(key, payload), mac):
                return PURPOSES[raw[2]], payload[_HEAD:].hex()
        return None


def _key_byte(key: Secret) -> int:
    return hashlib.sha256(key.id.encode()).digest()[0]


def _mac(key: Secret, payload: bytes) -> bytes:
    return hmac.digest(key.value, b"token\0" + payload, "sha256")[:_MAC]
