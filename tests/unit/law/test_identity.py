"""One identity, whichever way it is made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.canonical import Canonical
from penstock.law.identity import Identifier
from penstock.law.mailboxes import Mailboxes
from penstock.model.address import Address, parse_address
from penstock.model.contact import Company, Contact
from penstock.model.keyring import Keyring, Secret

KEYRING = Keyring(
    (Secret("p2", b"2" * 32), Secret("p1", b"1" * 32)), (Secret("t", b"t" * 32),), (Secret("l", b"l" * 32),)
)
CANONICAL, MAILBOXES = Canonical.load(), Mailboxes.load()
PLAIN = Identifier(KEYRING, CANONICAL, MAILBOXES)
HASHING = Identifier(KEYRING, CANONICAL, MAILBOXES, ["sha256", "md5"])

locals_ = st.text(min_size=1, max_size=12) | st.sampled_from(["Anna+x", "a.n", "an-na", "Jörg", "anna"])
domains = st.sampled_from(
    ["firm.example", "gmail.com", "a.b.firm.co.uk", "x.fastmail.com", "müller.example", "yahoo.de"]
)
companies = st.builds(
    Company,
    id=st.none() | st.sampled_from(["FR 123", "fr123", "-", ""]),
    domains=st.lists(st.sampled_from(["firm.example", " Other.Example.", "gmail.com"]), max_size=3).map(tuple),
)


@pytest.mark.parametrize("identifier", [PLAIN, HASHING], ids=["plain", "hashing"])
@given(locals_, domains, companies)
def test_a_contact_as_sources_read_it_needs_no_second_look_at_its_address(
    identifier: Identifier, local: str, domain: str, company: Company
) -> None:
    address = parse_address(f"{local}@{domain}")
    if isinstance(address, Address):
        contact = Contact(str(address), company=company)
        found = identifier.of_exact(contact)
        assert found == identifier.of(contact) == identifier.of_address(address, company)
        assert found == identifier.at_company(identifier.of_address(address), address, company)
        assert set(identifier.entry_keys(address)) <= set(found.person_keys)
        assert found.person == found.person_keys[KEYRING.oldest]


def test_every_key_stands_for_each_pepper_and_each_domain_once() -> None:
    company = Company(id="FR 123", domains=("firm.co.uk", "mail.firm.co.uk", "other.example"))
    found = PLAIN.of(Contact("anna@mail.firm.co.uk", company=company))
    keys = [PLAIN.domain_keys(each) for each in ("mail.firm.co.uk", "firm.co.uk", "other.example")]
    assert found.company_keys == (*keys[0], *keys[1], *keys[2], *PLAIN.organisation_keys("fr-123"))
    assert found.company == keys[1][-1]
    assert found.organisation == PLAIN.organisation_keys("FR123")[-1]
    assert PLAIN.of(Contact("anna@gmail.com")).company is None


def test_more_domains_than_are_remembered_have_the_same_keys_when_they_come_again() -> None:
    def company(number: int) -> bytes | None:
        return PLAIN.of(Contact(f"a@firm{number}.example")).company

    first = [company(number) for number in range(10)]
    assert len({company(number) for number in range(6_000)}) == 6_000
    assert [company(number) for number in range(10)] == first


def test_an_address_that_is_not_exact_is_refused() -> None:
    with pytest.raises(ValueError, match="exact"):
        PLAIN.of(Contact("not an address"))
