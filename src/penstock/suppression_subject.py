"""Whom a suppression entry is about, read from what people write: an address, a domain, a company id or a hash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from penstock.errors import InvalidInput
from penstock.law.canonical import organisation_key
from penstock.law.identity import Identifier
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Controller
from penstock.model.keyring import Keyring
from penstock.model.suppression import SuppressionKind

__all__ = ["HASH", "Subject", "SubjectReader"]

# A top level has letters only: "NL1234.56.789.B01" is a VAT number.
_DOMAIN = re.compile(r"(?:[^\s@.]+\.)+(?:[^\W\d_]+|xn--[a-z0-9-]+)", re.IGNORECASE)
CHANNELS = ("email", "phone", "post", "sms")
HASH = re.compile(r"(?P<kind>hmac-sha256:[^:\s]+|sha256|md5):(?P<hex>[0-9a-fA-F]+)")
_HEX_DIGITS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an entry is about: the keys it is stored under, and what may be shown of it."""

    kind: SuppressionKind
    keys: tuple[bytes, ...]
    plain: str | None = None
    foreign: str | None = None


class SubjectReader:
    """Raises InvalidInput for what cannot be meant; it never quotes an address."""

    def __init__(self, identifier: Identifier, keyring: Keyring, controllers: Iterable[Controller]) -> None:
        self._identifier = identifier
        self._keyring = keyring
        self._controllers = tuple(controllers)

    def read(self, subject: str) -> Subject:
        """Tell by its look what a subject is."""
        text = subject.strip()
        if HASH.fullmatch(text):
            return self.read_hash(text)
        if "@" in text and not text.startswith("@"):
            return self.read_address(text)
        if _DOMAIN.fullmatch(text.removeprefix("@")):
            return self.read_domain(text)
        return self.read_company(text)

    def read_hash(self, text: str) -> Subject:
        """A keyed hash of our own, or somebody else's plain one."""
        found = HASH.fullmatch(text.strip())
        if found is None:
            mend = "hmac-sha256:KEY-ID:HEX, sha256:HEX or md5:HEX"
            raise InvalidInput("is no hash", where="suppression", mend=mend)
        kind, digits = found["kind"], found["hex"].lower()
        foreign = kind if kind in _HEX_DIGITS else None
        plain = f"{kind}:{digits}" if foreign else None
        return Subject(SuppressionKind.PERSON, self._hash_keys(kind, digits), plain, foreign)

    def read_address(self, text: str) -> Subject:
        """One person, by any form of the address."""
        address = parse_address(text)
        if not isinstance(address, Address):
            raise InvalidInput(f"not an address: {address.why}", where="suppression")
        return Subject(SuppressionKind.PERSON, self._identifier.entry_keys(address), str(address))

    def read_domain(self, text: str) -> Subject:
        """An organisation's domain, with all below it."""
        domain = self._domain(text.strip().removeprefix("@"))
        return Subject(SuppressionKind.DOMAIN, self._identifier.domain_keys(domain)[:1], domain)

    def read_company(self, text: str) -> Subject:
        """A VAT or registry number."""
        if not any(character.isdigit() for character in organisation_key(text)):
            mend = "a company id is a VAT or registry number"
            raise InvalidInput("is no address, domain, company id or hash", where="suppression", mend=mend)
        return Subject(SuppressionKind.COMPANY, self._identifier.organisation_keys(text)[:1], text.strip())

    def _domain(self, text: str) -> str:
        probe = parse_address(f"x@{text}")
        if not isinstance(probe, Address):
            raise InvalidInput(f"not a domain: {probe.why}", where="suppression")
        if self._identifier.is_public_suffix(probe.domain):
            mend = "name the domains of the organisations below it"
            raise InvalidInput(f"companies register below {probe.domain}", where="suppression", mend=mend)
        if self._identifier.is_provider(probe.domain):
            raise InvalidInput(
                f"{probe.domain} is a public mail provider and nobody's company",
                where="suppression",
                mend="add the person's address instead",
            )
        return probe.domain

    def _hash_keys(self, kind: str, digits: str) -> tuple[bytes, ...]:
        if kind in _HEX_DIGITS:
            if len(digits) != _HEX_DIGITS[kind]:
                raise InvalidInput(f"a {kind} hash has {_HEX_DIGITS[kind]} hex digits", where="suppression")
            return self._identifier.foreign_keys(kind, digits)[:1]
        key_id = kind.partition(":")[2]
        if len(digits) != 64:
            raise InvalidInput("an hmac-sha256 hash has 64 hex digits", where="suppression")
        if key_id not in {pepper.id for pepper in self._keyring.peppers}:
            raise InvalidInput(
                f"the hash was made under pepper {key_id}, which is not here",
                where="suppression",
                mend="put that pepper into the keys folder as an old one, or export plain",
            )
        return (bytes.fromhex(digits),)

    def scope(self, scope: str) -> str:
        """`all`, `channel:NAME` or `controller:ID`; a controller may be named by its legal name."""
        kind, colon, name = scope.strip().partition(":")
        if kind == "all" and not colon:
            return "all"
        if kind == "channel" and name.lower() in CHANNELS:
            return f"channel:{name.lower()}"
        if kind == "channel":
            raise InvalidInput(f"no channel is called {name!r}", where="scope", mend=f"known: {', '.join(CHANNELS)}")
        if kind == "controller" and name:
            for controller in self._controllers:
                if name in {controller.id, controller.legal_name}:
                    return f"controller:{controller.id}"
            raise InvalidInput(
                f"no controller is called {name!r}",
                where="scope",
                mend=f"known: {', '.join(each.id for each in self._controllers)}",
            )
        raise InvalidInput(f"{scope!r} is no scope", where="scope", mend="all, controller:NAME or channel:NAME")
