"""penstock events: what became of mails, for a CRM."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.context import DONE, WRONG_USE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput
from penstock.model.outcome_event import COLUMNS, WHOLE_ROW, OutcomeKind, Place, read_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from penstock.gate import Gate
    from penstock.model.outcome_event import OutcomeEvent
    from penstock.store.receivers import ReceiverState

__all__ = ["app"]

app = typer.Typer(name="events", help="Outcomes for a CRM: as a file, and who is told of them.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


class Format(StrEnum):
    """How events leave."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def export(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="T|ID", help="From this ISO 8601 time on, or behind the event of this id.")
    ] = "",
    format_: Annotated[Format | None, typer.Option("--format", help="jsonl, the default, or csv.")] = None,
    kinds: Annotated[
        list[OutcomeKind] | None, typer.Option("--kind", metavar="KIND", help="Only this kind; may be given again.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here (0600); else standard output.")
    ] = None,
    json: Json = False,
) -> None:
    """Outcomes of mails, opt-outs and erasures, oldest first. Nothing new: no line."""

    async def work(gate: Gate) -> int:
        from penstock.cli.rows_out import RowsOut

        events = _events(gate, after, moment, frozenset(kinds or OutcomeKind))
        first = await anext(events, None)
        if first is None and out is None:
            return DONE
        with RowsOut(out, COLUMNS, json=format_ is not Format.CSV) as target:
            if first is not None:
                target.write(first.record())
            async for event in events:
                target.write(event.record())
        return DONE

    try:
        after, moment = _start(since)
        if json and format_ is Format.CSV:
            raise InvalidInput("excludes --format csv", where="--json")
    except InvalidInput as fault:
        say(f"penstock: {fault}", error=True)
        raise typer.Exit(WRONG_USE) from None
    with_gate(Globals.of(context), work, read_only=True)


async def _events(
    gate: Gate, after: Place | None, since: datetime | None, kinds: frozenset[OutcomeKind]
) -> AsyncIterator[OutcomeEvent]:
    from penstock.outcomes.events import OutcomeEvents

    events = OutcomeEvents(gate.house.store.outcomes)
    async for event in events.walk(after or Place(0, WHOLE_ROW), since):
        if event.kind in kinds:
            yield event


def _start(text: str) -> tuple[Place | None, datetime | None]:
    """An event's place or a time; neither for an empty text."""
    if not text:
        return None, None
    place = read_place(text)
    if place is not None:
        return place, None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        mend = "write 2026-11-20T08:00:00Z, or the id of an event"
        raise InvalidInput("is neither an ISO 8601 time nor the id of an event", where="--since", mend=mend) from None
    return None, moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@app.command()
def receivers(context: typer.Context, json: Json = False) -> None:
    """Who is told by signed calls ([[outcomes]]), how far, and what is wrong where somebody is not."""

    async def work(gate: Gate) -> int:
        states, head = await gate.house.store.receivers.states()
        for each in gate.settings.outcomes:
            record = _record(each.name, states.get(each.name), head)
            if json:
                emit(record)
            else:
                since = f", last told {record['told_at']}" if record["told_at"] else ""
                fault = f": {record['fault']}, {record['tries']} tries" if record["fault"] else ""
                say(f"{each.name:20} {record['state']:10} {record['behind']} rows behind{since}{fault}")
        if not gate.settings.outcomes and not json:
            say("nobody: the config has no [[outcomes]]")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def _record(name: str, state: ReceiverState | None, head: int) -> dict[str, Any]:
    from penstock.decision_line import iso

    if state is None:
        return {"name": name, "state": "new", "behind": head, "told_at": None, "tries": 0, "fault": None}
    word = "stopped" if state.stopped else "failing" if state.fault else "told"
    return {
        "name": name,
        "state": word,
        "behind": max(0, head - state.after.seq),
        "told_at": iso(state.told_at),
        "tries": state.tries,
        "fault": state.fault or None,
    }


@app.command()
def resume(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of an [[outcomes]].")],
    json: Json = False,
) -> None:
    """Tell a receiver again at once: one that answered 410 (Gone), or that is waited for."""

    async def work(gate: Gate) -> int:
        if not await gate.house.store.receivers.resume(name):
            raise InvalidInput("nobody of this name was ever told", where="NAME", mend="penstock events receivers")
        if json:
            emit({"name": name, "resumed": True})
        else:
            say(f"{name} is told again from where it was")
        return DONE

    with_gate(Globals.of(context), work)
