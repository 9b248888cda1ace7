"""What another table of law would change for given contacts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.policy_card import permission_words
from penstock.errors import InvalidInput
from penstock.law.jurisdiction import Permission, stricter
from penstock.law.jurisdictions import Table

if TYPE_CHECKING:
    from penstock.checking import Decided
    from penstock.gate import Gate
    from penstock.law.mailboxes import Mailboxes
    from penstock.model.campaign import Campaign
    from penstock.model.contact import Contact
    from penstock.ports import Source
    from penstock.wiring import House

__all__ = ["Compared", "decisions_compared", "named_table", "permissions_compared"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One contact under both tables: short words to count by and, where they differ, a sentence each."""

    line: int
    address: str
    country: str | None
    old: str
    new: str
    why_old: str
    why_new: str

    @property
    def changed(self) -> bool:
        """Whether the tables say different things; conditions differ by their sentence."""
        return self.old != self.new or (self.old == "cond" and self.why_old != self.why_new)


def named_table(word: str) -> Table:
    """`shipped`, a CSV file laid over the shipped table, or a folder of such files.

    Laxer rows that nobody signed are taken as well: one wants to see what they would do. Raises InvalidInput and
    ConfigError.
    """
    from penstock.config.policies import laid_over, read_policies
    from penstock.config.toml_document import read_text
    from penstock.law.jurisdiction_rows import read_rows

    if word == "shipped":
        return Table.load()
    path = Path(word)
    if path.is_dir():
        return read_policies(path, checked=False)
    shipped = Table.load()
    rows = read_rows(read_text(path, InvalidInput), word, own=True)
    return shipped.over(laid_over(shipped, rows, checked=False), {})


async def permissions_compared(
    source: Source, mailboxes: Mailboxes, old: Table, new: Table, on: date
) -> AsyncIterator[Compared]:
    """The permission to mail each contact without asking, by its countries and kind of mailbox alone."""
    from penstock.checking import rows_of
    from penstock.ports import ContactRow

    async for chunk in rows_of(source, None):
        for row in chunk:
            if isinstance(row, ContactRow):
                before, after = (_permission(row.contact, mailboxes, table, on) for table in (old, new))
                country = row.contact.workplace_country or row.contact.country
                words = permission_words(before), permission_words(after)
                yield Compared(row.line, row.contact.address, country, before.kind, after.kind, *words)


def _permission(contact: Contact, mailboxes: Mailboxes, table: Table, on: date) -> Permission:
    from penstock.law.recipient_kind import recipient_kind

    kind = recipient_kind(contact, mailboxes)
    seat = table.of(contact.country, on).permission(kind)
    if contact.workplace_country is None:
        return seat
    work = table.of(contact.workplace_country, on).permission(kind)
    return work if contact.country is None else stricter(seat, work)


async def decisions_compared(
    gate: Gate, campaign: Campaign, sources: tuple[Source, Source], old: Table, new: Table
) -> AsyncIterator[Compared]:
    """The decision on each contact of a campaign as `check` makes it, without composing mails."""
    from penstock.checking import decisions
    from penstock.ports import Phase

    before, after = (
        decisions(_with(gate.house, table), campaign, source, last=Phase.JUDGE)
        for source, table in zip(sources, (old, new), strict=True)
    )
    async for one in before:
        other = await anext(after)
        if one.mail is not None and one.mail.contact is not None:
            contact = one.mail.contact
            country = contact.workplace_country or contact.country
            yield Compared(one.line, contact.address, country, _word(one), _word(other), _why(one), _why(other))


def _word(decided: Decided) -> str:
    return " ".join([decided.verdict, *decided.codes])


def _why(decided: Decided) -> str:
    return next((reason.why for reason in decided.reasons if reason.verdict is decided.verdict and reason.why), "")


def _with(house: House, table: Table) -> House:
    """The same house under another table of law."""
    if not hasattr(house.services, "jurisdictions"):
        mend = "without it the permissions of the tables are compared"
        raise InvalidInput("decisions by a table of law are not in this version", where="--campaign", mend=mend)
    parts: dict[str, Any] = {"jurisdictions": table}
    return replace(house, services=replace(house.services, **parts))
