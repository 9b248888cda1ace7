"""Contacts from a file into the store, and what is to be said about them before any campaign touches them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from penstock.erased_people import erased_row, without_erased
from penstock.importing.field_use import FieldUse, unused_fields
from penstock.importing.import_report import FieldHint, ImportReport, Quarantined
from penstock.importing.quarantine import Quarantine
from penstock.law.special_categories import SpecialCategories
from penstock.model.campaign import Campaign
from penstock.model.contact import Contact, Flag
from penstock.model.standing import CampaignState
from penstock.ports import ContactRow, RowFault
from penstock.sources.reject_file import RejectFile
from penstock.stage_list import planned_stages

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.wiring import House

__all__ = ["import_contacts", "known_campaigns"]

CHUNK = 2_000  # rows of one transaction: less than a tenth of a second in which others who write must wait
_YOUNG = 200_000  # objects: more than the rows at hand are made of
_PAGE = 500
_HINTING = ("title", "company.activity")

Chunk = TypeVar("Chunk")


def _nobody(_row: Quarantined) -> None:
    return None


async def import_contacts(
    gate: Gate,
    file: Path,
    mapping: Mapping[str, str],
    supplier: str | None = None,
    *,
    campaigns: Sequence[Campaign] = (),
    tell: Callable[[Quarantined], None] = _nobody,
) -> ImportReport:
    """Merge every readable row into the store; the others go into a reject file. Stops cleanly at `gate.stop`.

    Rows that lack what law asks are kept all the same, told to `tell` and counted. Of a person whose data were erased
    nothing is kept: the reject file has number and code of the row only. `campaigns` are asked which fields they use,
    by default those of the store. The ledger keeps one row with the counts. Raises InvalidInput, Unavailable.
    """
    source, house = gate.source(file, mapping), gate.house
    review = _Review(house, campaigns or await known_campaigns(house), tell)
    report, path = review.report, gate.reject_path(file.name)
    with _rarely_collecting():
        async with RejectFile(path) as rejects:
            async for chunk in _read_ahead(source.chunks(CHUNK)):
                await _keep(house, chunk, supplier, review, rejects)
                if gate.stop.is_set():
                    raise KeyboardInterrupt
    review.look_at_columns(mapping, source.dropped_columns)
    report.reject_file = path if rejects.count else None
    await house.store.ledger.append("imported", review.counts())
    return report


async def _keep(
    house: House, chunk: Sequence[ContactRow | RowFault], supplier: str | None, review: _Review, rejects: RejectFile
) -> None:
    """Store what can be kept of one chunk, set aside the rest, and look at both."""
    rows = [_supplied(row, supplier) for row in chunk if isinstance(row, ContactRow)]
    identified = [(row.contact, house.identifier.of_exact(row.contact)) for row in rows]
    stored = await house.store.contacts.admit(identified, _whatever_its_scope)
    faults = await without_erased(house, [row for row in chunk if isinstance(row, RowFault)])
    for row, kept in zip(rows, stored, strict=True):
        if kept is None:
            faults.append(erased_row(row.line))
        else:
            review.look(row, kept.id, kept.contact, is_new=kept.is_new)
    faults.sort(key=attrgetter("line"))
    await rejects.add(faults)
    review.look_at_faults(faults)


async def known_campaigns(house: House) -> list[Campaign]:
    """The campaigns of the store that may still send: neither cancelled nor past their end."""
    found, after, now = [], "", house.clock.now()
    while ids := await house.store.campaigns.ids(after, _PAGE):
        after = ids[-1]
        for id_, standing in zip(ids, await house.store.standings.of(ids), strict=True):
            campaign = await house.store.campaigns.newest(id_)
            if campaign is None or standing.state is CampaignState.CANCELLED:
                continue
            if campaign.expires_at is None or campaign.expires_at > now:
                found.append(campaign)
    return found


class _Review:
    """Looks at what is kept, row by row."""

    def __init__(self, house: House, campaigns: Sequence[Campaign], tell: Callable[[Quarantined], None]) -> None:
        settings, services = house.settings, house.services
        reads = [(plan.name, plan.kind.reads) for plan in planned_stages(settings)]
        refresh = settings.policy.supplier_refresh_months
        self._quarantine = Quarantine(services.suppliers, house.clock.now(), refresh)
        self._words = SpecialCategories.load()
        self._use = FieldUse(campaigns, unused_fields(campaigns, reads))
        self._tell = tell
        self.report = ImportReport(use=self._use)

    def look(self, row: ContactRow, contact_id: str, kept: Contact, *, is_new: bool) -> None:
        """One row and the contact it became."""
        report, given = self.report, row.contact
        if is_new:
            report.new += 1
        else:
            report.known += 1
        if reasons := self._quarantine.reasons(kept):
            report.add_quarantined(reasons)
            self._tell(Quarantined(row.line, contact_id, reasons))
        if given.flags and Flag.SPECIAL_CATEGORY in given.flags:
            report.flagged += 1
        for field, text in zip(_HINTING, (given.title, given.company.activity), strict=True):
            if text and (hint := self._words.in_text(text)):
                report.add_hint(FieldHint(row.line, field, hint.category))
        self._use.count(given)

    def look_at_faults(self, faults: Sequence[RowFault]) -> None:
        """Rows that are not kept."""
        for fault in faults:
            self.report.add_fault(fault)

    def look_at_columns(self, mapping: Mapping[str, str], dropped: Mapping[str, int]) -> None:
        """The names that the file gives its columns, whether they are kept or not; and the sum of the rows."""
        report = self.report
        report.rows = report.new + report.known + report.unusable
        report.dropped_columns = dropped
        hints = {column: self._words.in_column(column) for column in (*mapping, *dropped)}
        report.column_hints = {column: hint for column, hint in hints.items() if hint is not None}

    def counts(self) -> dict[str, int]:
        """For the ledger."""
        report = self.report
        return {
            "rows": report.rows,
            "new": report.new,
            "known": report.known,
            "unusable": report.unusable,
            "erased": report.erased,
            "quarantined": report.quarantined,
        }


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Rows make no cycles, and the many that are at hand at a time would be searched for some over and over."""
    usual = gc.get_threshold()
    gc.set_threshold(max(usual[0], _YOUNG), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _whatever_its_scope(_scope: str) -> bool:
    """One record serves all controllers of a store, so an erasure that any of them owes holds for it."""
    return True


def _supplied(row: ContactRow, supplier: str | None) -> ContactRow:
    contact = row.contact
    if not supplier or contact.source.supplier is not None:
        return row
    return ContactRow(row.line, replace(contact, source=replace(contact.source, supplier=supplier)))


async def _read_ahead(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """The same chunks; the next one is read while this one is worked on and the disk is waited for."""

    async def following() -> Chunk | None:
        return await anext(chunks, None)

    ahead = asyncio.create_task(following())
    try:
        while (chunk := await ahead) is not None:
            ahead = asyncio.create_task(following())
            yield chunk
    finally:
        ahead.cancel()
        await asyncio.wait([ahead])
        if not ahead.cancelled():
            ahead.exception()  # of a row that nobody asks for any more
