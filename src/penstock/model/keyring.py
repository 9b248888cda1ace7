"""The secrets that live outside the database, and what is computed with them. Loading is the config room's work."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

__all__ = ["Keyring", "Secret"]

_CANARY = b"penstock canary 1"


@dataclass(frozen=True, slots=True)
class Secret:
    """One key of 32 octets with the short id under which it is named in the store."""

    id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Peppers, token keys and ledger keys, newest first; old ones stay for matching and verifying.

    The oldest pepper is the anchor of mail ids and of the person a cap counts by: they must survive a rotation.
    """

    peppers: tuple[Secret, ...]
    tokens: tuple[Secret, ...]
    ledgers: tuple[Secret, ...]

    def __post_init__(self) -> None:
        if not (self.peppers and self.tokens and self.ledgers):
            raise ValueError("a keyring needs at least one pepper, one token key and one ledger key")

    def anchor(self, text: str) -> bytes:
        """HMAC-SHA-256 under the oldest pepper: 32 octets that never change for the same text."""
        return hmac.digest(self.peppers[-1].value, text.encode(), "sha256")

    @property
    def oldest(self) -> int:
        """The place of the oldest pepper's key among `fingerprints`."""
        return len(self.peppers) - 1

    def fingerprints(self, text: str) -> tuple[bytes, ...]:
        """HMAC-SHA-256 under every pepper, newest first; the last one never changes for the same text."""
        data = text.encode()
        if len(self.peppers) == 1:
            return (hmac.digest(self.peppers[0].value, data, "sha256"),)
        return tuple(hmac.digest(pepper.value, data, "sha256") for pepper in self.peppers)

    def mail_id(self, step: str, person: bytes) -> str:
        """32 hex digits: the keyed hash of campaign step and person."""
        return hmac.digest(self.peppers[-1].value, b"mail\0" + step.encode() + b"\0" + person, "sha256")[:16].hex()

    def canaries(self) -> dict[str, str]:
        """Key id to a proof of possession that reveals nothing: `pepper:<id>`, `token:<id>`, `ledger:<id>`."""
        named = [("pepper", self.peppers), ("token", self.tokens), ("ledger", self.ledgers)]
        return {
            f"{kind}:{secret.id}": hmac.digest(secret.value, _CANARY + kind.encode(), "sha256").hex()
            for kind, secrets in named
            for secret in secrets
        }

    def chain(self, before: bytes, digests: list[bytes]) -> bytes:
        """The ledger's batch digest: HMAC under the newest ledger key over the previous one and the rows' digests."""
        return self.chain_under(self.ledgers[0].id, before, digests)

    def chain_under(self, key_id: str, before: bytes, digests: list[bytes]) -> bytes:
        """The same under the named ledger key, for verifying. Raises KeyError when the key is not at hand."""
        secret = next((s for s in self.ledgers if s.id == key_id), None)
        if secret is None:
            raise KeyError(key_id)
        return hmac.digest(secret.value, before + hashlib.sha256(b"".join(digests)).digest(), "sha256")
