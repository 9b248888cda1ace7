"""DKIM signatures (RFC 6376, RFC 8301, RFC 8463)."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from penstock.compose.relaxed import Relaxed, relaxed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["GOOD_FOR", "LEAST_BITS", "DkimKey", "DkimSigner"]

GOOD_FOR = 14 * 86_400
"""Seconds from `t=` to `x=`: the five days that we try, as many in the next hop's queue, and some to spare."""
LEAST_BITS = 1_024
"""Verifiers take no shorter RSA key (RFC 8301 section 3.2)."""
_SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding", b"list-id", b"list-unsubscribe",
    b"list-unsubscribe-post", b"feedback-id", b"cfbl-address", b"cfbl-feedback-id", b"auto-submitted",
)  # fmt: skip
_ONCE_MORE = frozenset({b"from", b"to", b"subject", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post"})
"""Named once more than they stand there, so that nobody can add another (RFC 6376 section 8.15)."""
_LINE = 78
_CHUNK = 76
_KNOWN = 512


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key with the selector its public half is found by: rsa-sha256 or ed25519-sha256.

    Raises ValueError for an RSA key of less than 1024 bits.
    """

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    def __post_init__(self) -> None:
        bits = getattr(self.private, "key_size", None)
        if bits is not None and bits < LEAST_BITS:
            raise ValueError(f"an RSA key of {bits} bits proves nothing")

    def __repr__(self) -> str:
        return f"DkimKey({self.selector!r}, {self.algorithm})"

    @property
    def algorithm(self) -> str:
        """As `a=` names it."""
        return "rsa-sha256" if hasattr(self.private, "key_size") else "ed25519-sha256"

    def sealer(self) -> Callable[[bytes], bytes]:
        """What signs octets with this key; the same octets always give the same signature."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = self.private
        if isinstance(private, Ed25519PrivateKey):
            # RFC 8463 section 3: what is signed is the digest.
            return lambda octets: private.sign(hashlib.sha256(octets).digest())
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        padding, algorithm = PKCS1v15(), SHA256()
        return lambda octets: private.sign(octets, padding, algorithm)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which fields are signed in which order, and how the signature names them."""

    places: tuple[int, ...]
    names: bytes
    unfolded: bytes


class DkimSigner:
    """Signs for one domain with one key, or several side by side: relaxed/relaxed, the whole body, no `l=`.

    `domain` is in A-labels.
    """

    def __init__(self, domain: str, keys: Sequence[DkimKey]) -> None:
        self.domain = domain
        self._keys = tuple((*_opening(domain, key), key.sealer()) for key in keys)
        self._plans: dict[tuple[tuple[bytes, ...], frozenset[str] | None], _Plan] = {}

    def signature(self, data: bytes, at: datetime, headers: frozenset[str] | None = None, /) -> bytes:
        """The DKIM-Signature fields to put before the message; see `penstock.ports.Signer`."""
        message = relaxed(data)
        plan = self._plan(message, headers)
        signed = b"\r\n".join([message.fields[place] for place in plan.places])
        moment = int(at.timestamp())
        times = b"t=%d; x=%d;" % (moment, moment + GOOD_FOR)
        body_hash = binascii.b2a_base64(message.body_hash, newline=False)
        folded = b"%b\r\n %b\r\n bh=%b;\r\n b=" % (times, plan.names, body_hash)
        unfolded = b"%b %b bh=%b; b=" % (times, plan.unfolded, body_hash)
        pieces = []
        for opening, relaxed_opening, seal in self._keys:
            sealed = seal(b"%b\r\n%b%b" % (signed, relaxed_opening, unfolded))
            pieces += [opening, folded, _folded_seal(binascii.b2a_base64(sealed, newline=False))]
        return b"".join(pieces)

    def _plan(self, message: Relaxed, headers: frozenset[str] | None) -> _Plan:
        key = (message.names, headers)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _KNOWN:
                self._plans.clear()
            plan = self._plans[key] = _plan(message.names, headers)
        return plan


def _plan(names: Sequence[bytes], headers: frozenset[str] | None) -> _Plan:
    if b"from" not in names:
        raise ValueError("a message without From cannot be signed")
    places: list[int] = []
    listed: list[bytes] = []
    for name in _SIGNED:
        if headers is not None and name != b"from" and name.decode("ascii") not in headers:
            continue
        # Of several the last is looked at first (RFC 6376 section 5.4.2).
        found = [place for place in range(len(names) - 1, -1, -1) if names[place] == name]
        places += found
        listed += [name] * (len(found) + (name in _ONCE_MORE))
    names_tag = _folded_names(listed)
    return _Plan(tuple(places), names_tag, names_tag.replace(b"\r\n", b""))


def _folded_names(names: Sequence[bytes]) -> bytes:
    lines, line = [], b"h="
    for number, name in enumerate(names):
        piece = name + (b";" if number == len(names) - 1 else b":")
        if len(line) + len(piece) + 1 > _LINE:
            lines.append(line)
            line = b""
        line += piece
    return b"\r\n ".join([*lines, line])


def _opening(domain: str, key: DkimKey) -> tuple[bytes, bytes]:
    """The field up to its times, on lines of at most 78 characters where the domain lets it, and its relaxed form."""
    written = ""
    line = "DKIM-Signature: v=1;"
    for tag in (f"a={key.algorithm};", "c=relaxed/relaxed;", f"d={domain};", f"s={key.selector};"):
        if len(line) + 1 + len(tag) > _LINE:
            written += f"{line}\r\n"
            line = ""
        line += f" {tag}"
    opening = f"{written}{line}\r\n "
    value = opening.partition(": ")[2].replace("\r\n", "")
    return opening.encode("ascii"), f"dkim-signature:{value}".encode("ascii")


def _folded_seal(seal: bytes) -> bytes:
    """The base64 of `b=`, folded, with the field's CRLF."""
    first = _CHUNK - len(b"b=")
    pieces = [seal[:first], *[seal[place : place + _CHUNK] for place in range(first, len(seal), _CHUNK)]]
    return b"\r\n ".join(pieces) + b"\r\n"
