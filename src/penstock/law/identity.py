"""From an address and a company to the keyed hashes that suppression, caps and the ledger work with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from penstock.law.canonical import Canonical, address_forms, organisation_key
from penstock.law.keyed_hash import KeyedHash
from penstock.law.mailboxes import Mailboxes
from penstock.model.address import Address, parse_address
from penstock.model.contact import Company, Contact
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring

__all__ = ["Identifier"]

_CACHE = 5_000  # domains: rows of one company mostly stand together, and many more would not stay at hand anyhow


class Identifier:
    """Makes identities. `foreign` names hash kinds (`sha256`, `md5`) that the store holds entries of.

    Forms are named before hashing so that a domain can never be taken for a person: `p:` person, `d:` domain,
    `o:` organisation, `f:` foreign hash.
    """

    def __init__(
        self,
        keyring: Keyring,
        canonical: Canonical,
        mailboxes: Mailboxes,
        foreign: Iterable[str] = (),
    ) -> None:
        self._keyring = keyring
        self._hashed = KeyedHash(pepper.value for pepper in keyring.peppers)
        self._canonical = canonical
        self._mailboxes = mailboxes
        self._foreign = tuple(sorted(foreign))
        self._companies: dict[str, tuple[tuple[bytes, ...], bytes | None]] = {}

    def of(self, contact: Contact) -> Identity:
        """The identity of a contact. Raises ValueError when its address is not in exact form."""
        address = parse_address(contact.address)
        if not isinstance(address, Address):
            raise ValueError("not an exact address")
        return self.of_address(address, contact.company)

    def of_exact(self, contact: Contact) -> Identity:
        """The same, unchecked, for a contact whose address was written from an `Address`, as sources do."""
        local, _, domain = contact.address.rpartition("@")
        return self.of_address(Address(local, domain), contact.company)

    def of_address(self, address: Address, company: Company | None = None) -> Identity:
        """The identity of an address, with what is known of the company."""
        return self._at(address.domain, self.person_keys(address), company)

    def at_company(self, identity: Identity, address: Address, company: Company) -> Identity:
        """The identity of this address, made before without its company, with what is known of that."""
        return self._at(address.domain, identity.person_keys, company)

    def _at(self, home: str, person_keys: tuple[bytes, ...], company: Company | None) -> Identity:
        keys, unit = self._domain(home)
        organisation = None
        if company is not None:
            for domain in company.domains:
                if domain != home:
                    keys += self._domain(domain.lower().strip().strip("."))[0]
            if company.id and (name := organisation_key(company.id)):
                prints = self._hashed.of("o:" + name)
                organisation = prints[-1]
                keys += prints
        return Identity(
            person=person_keys[self._keyring.oldest],
            person_keys=person_keys,
            company_keys=tuple(dict.fromkeys(keys)),
            company=unit,
            organisation=organisation,
        )

    def person_keys(self, address: Address) -> tuple[bytes, ...]:
        """All keys of an address: person, exact and provider form under every pepper, and foreign hashes.

        The person form comes first, so that its key under the oldest pepper stands at `keyring.oldest`.
        """
        forms = address_forms(address)
        if len(forms) == 1 and not self._foreign:
            return self._hashed.of("p:" + forms[0])
        keys = [key for form in forms for key in self._hashed.of("p:" + form)]
        person, exact = forms[0], str(address)
        for kind in self._foreign:
            for form in dict.fromkeys((exact, exact.lower(), person)):
                keys.extend(
                    self.foreign_keys(kind, hashlib.new(kind, form.encode(), usedforsecurity=False).hexdigest())
                )
        return tuple(keys)

    def entry_keys(self, address: Address) -> tuple[bytes, ...]:
        """The keys under which an objection of this address is stored: all forms, the newest pepper."""
        forms = dict.fromkeys((str(address), *address_forms(address)))
        return tuple(self._hashed.of("p:" + form)[0] for form in forms)

    def of_keys(self, keys: tuple[bytes, ...]) -> Identity:
        """An identity for looking up a domain, a company or a hash: every key counts, nobody is meant."""
        return Identity(person=b"", person_keys=keys, company_keys=keys, company=None, organisation=None)

    def foreign_keys(self, kind: str, digest: str) -> tuple[bytes, ...]:
        """Keys of a plain hash of an address that somebody else made."""
        return self._hashed.of(f"f:{kind}:{digest.lower()}")

    def of_domain(self, domain: str) -> Identity:
        """An identity for looking up a domain: entries for it and for its parent domains count, nobody is meant."""
        return self.of_keys(self._domain(domain)[0])

    def domain_keys(self, domain: str) -> tuple[bytes, ...]:
        """Keys of one domain itself, as a suppression entry stores them."""
        return self._hashed.of("d:" + domain)

    def organisation_keys(self, company_id: str) -> tuple[bytes, ...]:
        """Keys of a company id, as a suppression entry stores them."""
        return self._hashed.of("o:" + organisation_key(company_id))

    def is_public_suffix(self, domain: str) -> bool:
        """Whether companies register below the domain, so that it is nobody's own (`gov.uk`, `co.uk`)."""
        return self._canonical.registrable(domain) is None

    def refresh(self, foreign: Iterable[str]) -> None:
        """Take up the hash kinds that the store holds by now: another process may have added the first of its kind."""
        self._foreign = tuple(sorted(foreign))

    def is_provider(self, domain: str) -> bool:
        """Whether the domain belongs to a public mail provider, so that it is nobody's company."""
        return self._mailboxes.is_provider(domain)

    def _domain(self, domain: str) -> tuple[tuple[bytes, ...], bytes | None]:
        if (found := self._companies.get(domain)) is None:
            keys: tuple[bytes, ...] = ()
            for form in self._canonical.domains(domain):
                keys += self._hashed.of("d:" + form)
            # The last key is the registrable domain's under the oldest pepper: what caps count by.
            found = (keys, None if self.is_provider(domain) else keys[-1])
            if len(self._companies) >= _CACHE:
                self._companies.clear()
            self._companies[domain] = found
        return found
