"""Whom a submission goes to: what the store knows of each recipient, and what the client brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from penstock.acceptance.submission_rules import Admitted, refused
from penstock.erased_people import erasures_against
from penstock.law.countries import country_code
from penstock.model.address import Address
from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.merging import merged
from penstock.ports import ContactRow, Refusal, RefusalKind
from penstock.sources.rows import RowReader
from penstock.store.contacts import StoredContact
from penstock.wiring import House

__all__ = ["ContactsAtHand", "People", "Who"]

_UNKNOWN = refused(RefusalKind.BLOCKED, "nobody knows whom this advertising goes to", "CONTACT_UNKNOWN")


@dataclass(frozen=True, slots=True)
class Who:
    """One recipient. `known`: there is a contact record, or the client brings one; else `contact` holds the bare
    address. `identity` is that of `contact` with its company.
    """

    contact: Contact
    identity: Identity
    contact_id: str | None = None
    known: bool = False


def _nothing(_scope: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class People:
    """The recipients of one submission, in order.

    `brought` is the contact that comes with it, to be kept where it is taken; `refuses` answers for the scope of an
    erasure whether it stands against that.
    """

    all: Sequence[Who]
    brought: Sequence[tuple[Contact, Identity]] = ()
    refuses: Callable[[str], bool] = _nothing


class ContactsAtHand:
    """One look-up for all recipients of a batch; none where nobody advertises. Keeps nothing."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def of(self, admitted: Sequence[Admitted]) -> list[People | Refusal]:
        """The recipients of each submission, in order; what a client brings is merged with what is known. Raises
        Unavailable.
        """
        identity_of = self._house.identifier.of_address
        named = [[(address, identity_of(address)) for address in each.recipients] for each in admitted]
        asked = [
            identity
            for each, people in zip(admitted, named, strict=True)
            if each.campaign is not None
            for _, identity in people
        ]
        stored = iter(await self._house.store.contacts.find(asked))
        answers: list[People | Refusal] = []
        for each, people in zip(admitted, named, strict=True):
            if each.campaign is None:
                answers.append(People([_bare(*who) for who in people]))
            else:
                answers.append(self._known(each, [self._who(*who, next(stored)) for who in people]))
        return answers

    def _known(self, admitted: Admitted, people: Sequence[Who]) -> People | Refusal:
        if admitted.submission.contact is not None:
            return self._brought(admitted, people)
        unknown = not all(who.known for who in people)
        if unknown and (admitted.submission.client.unknown_contact == "refuse" or not admitted.submission.data):
            return _UNKNOWN
        return People(people)

    def _brought(self, admitted: Admitted, people: Sequence[Who]) -> People | Refusal:
        assert admitted.campaign is not None
        if len(people) != 1:
            return refused(RefusalKind.INVALID, "a contact belongs to a single recipient")
        (who,) = people
        fields = {**(admitted.submission.contact or {}), "address": who.contact.address}
        read = RowReader({}, country_code).read(1, fields)
        if not isinstance(read, ContactRow):
            return refused(RefusalKind.INVALID, f"the contact cannot be used: {read.why}")
        contact, identity = read.contact, self._house.identifier.of(read.contact)
        both = merged(who.contact, contact) if who.known else contact
        whole = self._house.identifier.of(both) if who.known else identity
        known = Who(both, whole, who.contact_id, known=True)
        return People([known], [(contact, identity)], erasures_against(self._house, admitted.campaign))

    def _who(self, address: Address, identity: Identity, stored: StoredContact | None) -> Who:
        if stored is None:
            return _bare(address, identity)
        contact, exact = stored.contact, str(address)
        if contact.address != exact:  # what is stored may be another form than the client's
            contact = replace(contact, address=exact)
        whole = self._house.identifier.at_company(identity, address, contact.company)
        return Who(contact, whole, stored.id, known=True)


def _bare(address: Address, identity: Identity) -> Who:
    return Who(Contact(str(address)), identity)
