"""People whose data were erased: a file that names them again brings nothing of them back (GDPR Art. 17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.checking import judge_contacts
from penstock.law.suppression_codes import binding_codes
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail
from penstock.model.suppression import Hit, SuppressionKind, SuppressionReason, scope_covers
from penstock.model.verdict import Decision
from penstock.ports import RowFault
from penstock.run_tally import RunTally
from penstock.wiring import House

__all__ = ["erased_row", "erasures_against", "turned_away", "without_erased"]

_WHY = "this person's data were erased and are not taken in again (GDPR Art. 17(1))"


def erasures_against(house: House, campaign: Campaign) -> Callable[[str], bool]:
    """Whether an erasure of a scope stands against the campaign's mails, as the check of suppressions judges it."""
    controller = house.services.controllers.get(campaign.controller)
    names = (campaign.controller, *((controller.legal_name,) if controller is not None else ()))
    now = house.clock.now()

    def stands(scope: str) -> bool:
        hit = Hit("", SuppressionKind.PERSON, scope, SuppressionReason.ERASURE, now)
        covered = any(scope_covers(scope, controller=name) for name in names)
        return covered and bool(binding_codes(hit, campaign.stream))

    return stands


async def turned_away(house: House, campaign: Campaign, contacts: Sequence[Contact]) -> list[tuple[Mail, Decision]]:
    """The decisions about people who may not be stored, as `check` makes them; on record without what they used."""
    if not contacts:
        return []
    decided = await judge_contacts(house, house.pipeline(peek=True), campaign, contacts, RunTally())
    await house.store.ledger.record(decided)
    return decided


def erased_row(line: int) -> RowFault:
    """A row that is refused: of somebody who was erased no more than the number of the row is kept."""
    return RowFault(line, _WHY, code=Code.ERASED_TOMBSTONE.value)


async def without_erased(house: House, faults: Sequence[RowFault]) -> list[RowFault]:
    """Rows that cannot be used, as they may be set aside: nothing is kept of those who were erased.

    One look-up for all of them; none where no row has a readable address.
    """
    addresses = [parse_address(fault.address) if fault.address else None for fault in faults]
    people = [house.identifier.of_address(each) for each in addresses if isinstance(each, Address)]
    hits = iter(await house.store.suppressions.hits(people))
    return [
        erased_row(fault.line)
        if isinstance(address, Address) and any(_is_erasure(hit) for hit in next(hits))
        else fault
        for fault, address in zip(faults, addresses, strict=True)
    ]


def _is_erasure(hit: Hit) -> bool:
    return hit.kind is SuppressionKind.PERSON and hit.reason is SuppressionReason.ERASURE
