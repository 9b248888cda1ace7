"""Whom a submission goes to: what the store knows of each recipient, and what the client brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from penstock.erased_people import erasures_against
from penstock.law.countries import country_code
from penstock.model.address import Address
from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.merging import merged
from penstock.ports import ContactRow, Refusal, RefusalKind
from penstock.sources.rows import RowReader
from penstock.submission_rules import Admitted, refused
from penstock.wiring import House

__all__ = ["ContactsAtHand", "Who"]

_UNKNOWN = refused(RefusalKind.BLOCKED, "nobody knows whom this advertising goes to", "CONTACT_UNKNOWN")
_ERASED = refused(RefusalKind.BLOCKED, "this person's data were erased", "ERASED_TOMBSTONE")


@dataclass(frozen=True, slots=True)
class Who:
    """One recipient. `known`: there is a contact record; else `contact` holds the bare address."""

    contact: Contact
    identity: Identity
    contact_id: str | None = None
    known: bool = False


class ContactsAtHand:
    """One look-up for all recipients of a batch; none where nobody advertises."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def of(self, admitted: Sequence[Admitted], *, keep: bool) -> list[Sequence[Who] | Refusal]:
        """The recipients of each submission, in order. With `keep` a contact that a client brings is stored first,
        merged with what is known; without, it is only merged. Raises Unavailable.
        """
        bare = [[self._bare(address) for address in each.recipients] for each in admitted]
        asked = [
            who for each, people in zip(admitted, bare, strict=True) if each.campaign is not None for who in people
        ]
        stored = iter(await self._house.store.contacts.find([who.identity for who in asked]))
        answers: list[Sequence[Who] | Refusal] = []
        for each, people in zip(admitted, bare, strict=True):
            if each.campaign is None:
                answers.append(people)
                continue
            found = [
                who
                if known is None
                else Who(replace(known.contact, address=who.contact.address), who.identity, known.id, known=True)
                for who, known in ((who, next(stored)) for who in people)
            ]
            answers.append(await self._known(each, found, keep=keep))
        return answers

    async def _known(self, admitted: Admitted, people: Sequence[Who], *, keep: bool) -> Sequence[Who] | Refusal:
        brought = admitted.submission.contact
        if brought is not None:
            if len(people) != 1:
                return refused(RefusalKind.INVALID, "a contact belongs to a single recipient")
            read = RowReader({}, country_code).read(1, {**brought, "address": people[0].contact.address})
            if not isinstance(read, ContactRow):
                return refused(RefusalKind.INVALID, f"the contact cannot be used: {read.why}")
            one = await self._brought(admitted, people[0], read.contact, keep=keep)
            people = [] if one is None else [one]
            if one is None:
                return _ERASED
        unknown = not all(who.known for who in people)
        if unknown and (admitted.submission.client.unknown_contact == "refuse" or not admitted.submission.data):
            return _UNKNOWN
        return people

    async def _brought(self, admitted: Admitted, who: Who, contact: Contact, *, keep: bool) -> Who | None:
        assert admitted.campaign is not None
        identity = self._house.identifier.of(contact)
        if not keep:
            return Who(merged(who.contact, contact) if who.known else contact, identity, who.contact_id, known=True)
        refuses = erasures_against(self._house, admitted.campaign)
        (kept,) = await self._house.store.contacts.admit([(contact, identity)], refuses)
        return None if kept is None else Who(kept.contact, identity, kept.id, known=True)

    def _bare(self, address: Address) -> Who:
        return Who(Contact(str(address)), self._house.identifier.of_address(address))
