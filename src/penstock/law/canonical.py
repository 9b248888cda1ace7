"""The canonical forms of an address and a company by which an objection is recognised again.

Matching a refusal is wider than sending: a mail goes to the exact form, a refusal hits on any form. Nothing here
touches the database; the forms are hashed by `penstock.law.identity`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from penstock.law.public_suffixes import PublicSuffixes
from penstock.model.address import Address

__all__ = ["Canonical", "address_forms", "organisation_key", "person_form", "provider_form"]

# Domains that deliver to one mailbox under several names, and what else their provider ignores in the local part.
_SAME_MAILBOX = {
    "googlemail.com": "gmail.com",
    "pm.me": "proton.me",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "ya.ru": "yandex.ru",
    "yandex.com": "yandex.ru",
    "yandex.by": "yandex.ru",
    "yandex.kz": "yandex.ru",
    "yandex.ua": "yandex.ru",
}
_IGNORED_IN_LOCAL = {"gmail.com": ".", "proton.me": ".-_"}
_HYPHEN_TAGS = frozenset(
    {
        "yahoo.com",
        "yahoo.co.uk",
        "yahoo.de",
        "yahoo.fr",
        "yahoo.es",
        "yahoo.it",
        "ymail.com",
        "rocketmail.com",
    }
)
_SIGNS = {code: None for code in range(128) if not chr(code).isalnum()}
_TAG_IN_SUBDOMAIN = (".fastmail.com", ".fastmail.fm", ".messagingengine.com")


def person_form(address: Address) -> str:
    """Local part casefolded in NFKC without its sub-address, at the lower-case A-label domain. Idempotent."""
    return f"{_person_local(address)}@{address.domain}"


def provider_form(address: Address) -> str:
    """The person form with what the mailbox provider is known to ignore taken away; the same elsewhere."""
    return _provider_form(_person_local(address), address.domain)


def _provider_form(local: str, domain: str) -> str:
    if domain.endswith(_TAG_IN_SUBDOMAIN):
        # user@anything.fastmail.com and anything@user.fastmail.com both exist; the sub-domain names the user.
        host = next(host for host in _TAG_IN_SUBDOMAIN if domain.endswith(host))
        return f"{domain.removesuffix(host).rpartition('.')[2]}@{host[1:]}"
    domain = _SAME_MAILBOX.get(domain, domain)
    for character in _IGNORED_IN_LOCAL.get(domain, ""):
        local = local.replace(character, "")
    return f"{local}@{domain}"


def address_forms(address: Address) -> tuple[str, ...]:
    """The person, exact and provider form, each once, in this order."""
    local, domain = _person_local(address), address.domain
    person, exact, provider = f"{local}@{domain}", str(address), _provider_form(local, domain)
    if person == exact == provider:
        return (person,)
    return tuple(dict.fromkeys((person, exact, provider)))


def _person_local(address: Address) -> str:
    local = address.local
    if local.isascii():
        local = local.lower()
    else:
        local = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local).casefold())
    if "+" in local:
        local = _without_tag(local, "+")
    return _without_tag(local, "-") if address.domain in _HYPHEN_TAGS else local


def _without_tag(local: str, mark: str) -> str:
    head = local.split(mark, 1)[0]
    return head or local


def organisation_key(company_id: str) -> str:
    """A VAT or registry number with nothing but its letters and digits, upper case."""
    if company_id.isascii():
        return company_id.upper().translate(_SIGNS)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", company_id).upper()))


@dataclass(frozen=True, slots=True)
class Canonical:
    """Domain forms, by the public suffix list given as `registrable` (A-label domain to registrable domain or None)."""

    registrable: Callable[[str], str | None]

    @classmethod
    def load(cls) -> Canonical:
        """With the public suffix list that is shipped."""
        return cls(PublicSuffixes.load().registrable)

    def domains(self, domain: str) -> tuple[str, ...]:
        """The domain and its parents down to the registrable one: an entry for any of them covers the address."""
        top = self.registrable(domain)
        if top is None or top == domain:
            return (domain,)
        found = [domain]
        while found[-1] != top:
            found.append(found[-1].partition(".")[2])
        return tuple(found)
