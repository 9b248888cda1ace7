"""Decisions without sending: what `check`, `explain` and a dry run walk through. Writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import islice

from penstock.delivery.portions import at_once
from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail
from penstock.model.merging import merged
from penstock.model.verdict import Decision, Reason, Verdict, decide
from penstock.pipeline import Pipeline
from penstock.ports import ContactRow, Phase, RowFault, Source
from penstock.run_tally import RunTally
from penstock.wiring import House

__all__ = ["Decided", "StoredContacts", "decisions", "judge_contacts", "rows_of"]

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Decided:
    """One row's result: a decided mail, or the fault of a row that cannot be used."""

    line: int
    mail: Mail | None
    decision: Decision | None
    fault: RowFault | None = None

    @property
    def verdict(self) -> Verdict:
        """The decision's verdict; `reject` for a row that cannot be used."""
        return self.decision.verdict if self.decision else Verdict.REJECT

    @property
    def codes(self) -> tuple[Code, ...]:
        """Every code that applies, the headline first."""
        if self.decision is not None:
            return self.decision.codes
        return (Code(self.fault.code),) if self.fault and self.fault.code else ()

    @property
    def code(self) -> Code | None:
        """The headline."""
        return self.codes[0] if self.codes else None

    @property
    def address(self) -> str | None:
        """The exact address; of a row that cannot be used as far as one can be made out."""
        return self.mail.address if self.mail else self.fault.address if self.fault else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What every stage said; empty for a row that cannot be used (its `fault` says why)."""
        return self.decision.reasons if self.decision else ()


class StoredContacts:
    """The contacts of the store as a source; a row's line is its place in the walk."""

    dropped_columns: dict[str, int]

    def __init__(self, house: House) -> None:
        self._contacts = house.store.contacts
        self.dropped_columns = {}

    async def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """All contacts, in the order of their ids."""
        after, line = "", 0
        while page := await self._contacts.page(after, size):
            yield [ContactRow(line + place, stored.contact) for place, stored in enumerate(page, 1)]
            after, line = page[-1].id, line + len(page)


async def rows_of(
    source: Source, limit: int | None, size: int = CHUNK
) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
    """The source's chunks of `size` rows, cut after the first `limit` rows."""
    left = limit
    async for chunk in source.chunks(size):
        if left is None:
            yield chunk
            continue
        cut = list(islice(chunk, left))
        left -= len(cut)
        if cut:
            yield cut
        if left <= 0:
            return


async def decisions(
    house: House,
    campaign: Campaign,
    source: Source,
    *,
    limit: int | None = None,
    last: Phase = Phase.SIGN,
) -> AsyncIterator[Decided]:
    """Decide every row in file order as `send` would, rows of this run counted for caps and duplicates."""
    pipeline = house.pipeline(peek=True)
    tally = RunTally()
    async for chunk in rows_of(source, limit, at_once(campaign, CHUNK)):
        rows = [row for row in chunk if isinstance(row, ContactRow)]
        decided = iter(await judge_contacts(house, pipeline, campaign, [row.contact for row in rows], tally, last))
        for row in chunk:
            if isinstance(row, RowFault):
                yield Decided(row.line, None, None, row)
            else:
                mail, decision = next(decided)
                yield Decided(row.line, mail, decision)


async def judge_contacts(
    house: House,
    pipeline: Pipeline,
    campaign: Campaign,
    contacts: Sequence[Contact],
    tally: RunTally,
    last: Phase = Phase.SIGN,
) -> list[tuple[Mail, Decision]]:
    """Judge one chunk against store and tally. What the store knows of a person joins what the row says."""
    if not contacts:
        return []
    await house.assembler.refresh()
    stored = await house.store.contacts.find([house.identifier.of(contact) for contact in contacts])
    mails = [
        house.assembler.mail(
            campaign, merged(known.contact, contact) if known else contact, known.id if known else None
        )
        for contact, known in zip(contacts, stored, strict=True)
    ]
    mails = tally.merge(await house.assembler.with_history(mails))
    walked = await pipeline.run(mails, last=last)
    decided = [(mail, decide(mail.reasons, mail.variant)) for mail in walked]
    tally.note([mail for mail, decision in decided if decision.may_go], house.clock.now())
    return decided
