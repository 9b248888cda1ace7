"""One contact of a file or the store, decided or composed: what explain and preview work on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.context import say
from penstock.errors import InvalidInput
from penstock.law.canonical import person_form
from penstock.model.address import Address, parse_address
from penstock.model.mail import Mail, Message
from penstock.model.verdict import Decision, Verdict, decide
from penstock.pipeline import Pipeline
from penstock.ports import ContactRow, Phase, RowFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.gate import Gate

__all__ = ["DecidedOne", "compose_one", "decide_one"]


@dataclass(frozen=True, slots=True)
class DecidedOne:
    """A decided mail, the row that it was made of, and the row's file (None: the store)."""

    mail: Mail
    decision: Decision
    row: ContactRow
    file: Path | None


class _UpTo:
    """A source that ends with the wanted contact, so that earlier rows count for caps as they would in `send`."""

    def __init__(self, rows: Sequence[ContactRow | RowFault]) -> None:
        self._rows = rows
        self.dropped_columns: Mapping[str, int] = {}

    async def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        for at in range(0, len(self._rows), size):
            yield self._rows[at : at + size]


async def decide_one(
    gate: Gate, campaign: Path, address: str, contacts: Path | None, mapping: Mapping[str, str]
) -> DecidedOne:
    """The decision on the first row of that person, rows before it counted. Raises InvalidInput when there is none."""
    read = gate.campaign(campaign)
    rows = await _rows_up_to(gate, address, contacts, {**read.columns, **mapping})
    found: DecidedOne | None = None
    row = rows[-1]
    assert isinstance(row, ContactRow)
    async for decided in gate.decisions(read, _UpTo(rows)):
        if decided.mail is not None and decided.decision is not None:
            found = DecidedOne(decided.mail, decided.decision, row, contacts)
    assert found is not None
    return found


async def compose_one(
    gate: Gate, campaign: Path, address: str, contacts: Path | None, mapping: Mapping[str, str]
) -> tuple[Mail, bytes]:
    """The finished mail, whatever was decided; the decision is told on standard error."""
    one = await decide_one(gate, campaign, address, contacts, mapping)
    mail, decision = one.mail, one.decision
    if isinstance(mail.content, Message) and decision.may_go:
        return mail, mail.content.data
    say(f"this mail would not be sent: {decision.verdict} {decision.code or ''}".rstrip(), error=True)
    judged = gate.house.pipeline(peek=True)
    making = Pipeline([stage for stage in judged.stages if stage.phase >= Phase.COMPOSE])
    (made,) = await making.run([mail.with_reasons(())])
    if not isinstance(made.content, Message):
        why = decide(made.reasons, made.variant)
        first = next(reason for reason in why.reasons if reason.verdict is not Verdict.SEND)
        raise InvalidInput(f"the mail cannot be composed: {why.code}: {first.why}")
    return made, made.content.data


async def _rows_up_to(
    gate: Gate, address: str, contacts: Path | None, mapping: Mapping[str, str]
) -> list[ContactRow | RowFault]:
    parsed = parse_address(address)
    wanted = person_form(parsed) if isinstance(parsed, Address) else None
    rows: list[ContactRow | RowFault] = []
    async for chunk in gate.source(contacts, mapping).chunks(500):
        for row in chunk:
            rows.append(row)
            if isinstance(row, RowFault):
                if row.address and row.address.strip() == address.strip():
                    raise InvalidInput(row.why, where=f"line {row.line}", mend="mend the row, then ask again")
                continue
            candidate = parse_address(row.contact.address)
            if wanted and isinstance(candidate, Address) and person_form(candidate) == wanted:
                return rows
    where = str(contacts) if contacts else "the store"
    raise InvalidInput("no contact has this address", where=where, mend="name the file with --contacts FILE")
