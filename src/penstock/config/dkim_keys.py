"""The private keys of `[[sender]] dkim`, and who signs with them when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from penstock.config.secret_text import SecretText
from penstock.config.sender_section import DkimSettings, SenderSettings
from penstock.config.senders import sender_of
from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.ports import SenderDomain, Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from penstock.compose.dkim import DkimKey, DkimSigner

__all__ = ["LEAST_BITS", "ConfiguredSenders", "read_signer"]

LEAST_BITS = 2_048
"""What a key of ours must have (RFC 8301 section 3.2: signers should use no less)."""
_KNOWN = 1_000
_MEND = "penstock dkim new DOMAIN makes one"


class ConfiguredSenders:
    """The `[[sender]]` tables as stages know them; see `penstock.ports.Senders`. Keys are read when first needed."""

    def __init__(self, settings: Settings, registrable: Callable[[str], str | None]) -> None:
        self._settings = settings
        self._registrable = registrable
        self._found: dict[str, tuple[SenderDomain, int] | None] = {}
        self._dated: dict[int, tuple[tuple[date, Signer], ...]] = {}

    def load(self) -> None:
        """Read every key. Raises ConfigError for one that cannot be used."""
        for place in range(len(self._settings.sender)):
            self._signers(place)

    def any(self) -> bool:
        """Whether there is a `[[sender]]`."""
        return bool(self._settings.sender)

    def of(self, domain: str, /) -> SenderDomain | None:
        """Who answers for a From of this domain."""
        found = self._place(domain)
        return None if found is None else found[0]

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        """The newest key whose day has come; None where there is none. Raises ConfigError like `load`."""
        found = self._place(domain)
        if found is None:
            return None
        today = at.astimezone(UTC).date()
        return next((signer for day, signer in self._signers(found[1]) if day <= today), None)

    def same_organisation(self, one: str, other: str, /) -> bool:
        """One registrable domain by the public suffix list, or the very same domain."""
        if one == other:
            return True
        top = self._registrable(one)
        return top is not None and top == self._registrable(other)

    def _place(self, domain: str) -> tuple[SenderDomain, int] | None:
        if domain not in self._found:
            if len(self._found) >= _KNOWN:
                self._found.clear()
            sender = sender_of(self._settings, domain)
            self._found[domain] = None if sender is None else (_known(sender), self._settings.sender.index(sender))
        return self._found[domain]

    def _signers(self, place: int) -> tuple[tuple[date, Signer], ...]:
        found = self._dated.get(place)
        if found is None:
            keys = self._settings.sender[place].dkim
            made = [(each.from_ or date.min, read_signer(self._settings, place, at)) for at, each in enumerate(keys)]
            found = self._dated[place] = tuple(sorted(made, key=lambda each: each[0], reverse=True))
        return found


def read_signer(settings: Settings, sender: int, number: int) -> DkimSigner:
    """Read one `dkim` table of one `[[sender]]`, by their places. Raises ConfigError that names file, key and mend."""
    from penstock.compose.dkim import DkimSigner

    section = settings.sender[sender]
    where = settings.where("sender", sender, "dkim", number, "key")
    return DkimSigner(section.domain, _keys(section.dkim[number], where))


def _keys(dkim: DkimSettings, where: str) -> list[DkimKey]:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from penstock.compose.dkim import DkimKey

    first, at = _private(dkim.key, where)
    if not isinstance(first, RSAPrivateKey):
        mend = "let an RSA key sign, and write ed25519 = { selector, key } beside it"
        raise ConfigError("an Ed25519 key alone is not verified by the large providers", where=at, mend=mend)
    if first.key_size < LEAST_BITS:
        what = f"the RSA key has {first.key_size} bits, fewer than {LEAST_BITS}"
        raise ConfigError(what, where=at, mend="penstock dkim new DOMAIN --selector ANOTHER makes a longer one")
    found = [DkimKey(dkim.selector, first)]
    if dkim.ed25519 is not None:
        second, at = _private(dkim.ed25519.key, where.removesuffix("key") + "ed25519.key")
        if isinstance(second, RSAPrivateKey):
            mend = "penstock dkim new DOMAIN --ed25519"
            raise ConfigError("expected an Ed25519 key, found an RSA key", where=at, mend=mend)
        found.append(DkimKey(dkim.ed25519.selector, second))
    return found


def _private(secret: SecretText, where: str) -> tuple[RSAPrivateKey | Ed25519PrivateKey, str]:
    """The key and its place, as faults name it: where the config says so, and the file or variable."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    named = secret.reference.startswith(("env:", "file:"))
    at = f"{where} {secret.reference}" if named else where
    if not secret:
        raise ConfigError("no key is named", where=at, mend='write key = "file:keys/dkim-s1.pem"')
    try:
        text = secret.reveal()
    except ConfigError as fault:
        raise ConfigError(fault.what, where=at, mend=fault.mend or _MEND) from None
    # A variable of a service file holds one line only.
    pem = (text if "\n" in text else text.replace("\\n", "\n")).encode()
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        what = "the key is encrypted with a password"
        raise ConfigError(what, where=at, mend="openssl pkey -in FILE -out FILE takes it off") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError("holds no private key (PEM: PKCS#1 or PKCS#8)", where=at, mend=_MEND) from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError("the key is neither RSA nor Ed25519", where=at, mend=_MEND)
    return key, at


def _known(sender: SenderSettings) -> SenderDomain:
    return SenderDomain(sender.domain, sender.return_path, sender.adapters)
