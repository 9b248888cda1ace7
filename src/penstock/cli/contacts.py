"""penstock contacts: who is in the store and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.contacts_import import import_
from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(name="contacts", help="Contacts: import, list, show, export.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


app.command("import")(import_)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """All contacts of the store."""

    async def work(gate: Gate) -> int:
        number = 0
        async for stored in _all(gate):
            number += 1
            contact = stored.contact
            if json:
                emit(record_of(stored))
            else:
                company = contact.company.name or ""
                say(f"{contact.address:44} {contact.country or '–':3} {company}")
        if not json:
            say(f"{number} contacts")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def show(
    context: typer.Context, address: Annotated[str, typer.Argument(metavar="ADDRESS")], json: Json = False
) -> None:
    """One contact with everything that is known of it."""

    async def work(gate: Gate) -> int:
        from penstock.model.address import Address, parse_address

        parsed = parse_address(address)
        if not isinstance(parsed, Address):
            raise InvalidInput(f"not an address: {parsed.why}", where="ADDRESS")
        (stored,) = await gate.house.store.contacts.find([gate.house.identifier.of_address(parsed)])
        if stored is None:
            raise InvalidInput(
                "no contact of the store has this address", where="ADDRESS", mend="penstock contacts list"
            )
        record = record_of(stored)
        if json:
            emit(record)
        else:
            for name, value in flat(record):
                say(f"{name:32} {value}")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def export(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here (0600); else standard output.")
    ] = None,
) -> None:
    """All contacts as JSONL; `contacts import` reads it back."""

    async def work(gate: Gate) -> int:
        from penstock.cli.rows_out import RowsOut

        with RowsOut(out, (), json=True) as rows:
            async for stored in _all(gate):
                record = record_of(stored)
                del record["contact_id"]
                rows.write(record)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


async def _all(gate: Gate) -> Any:
    after = ""
    while page := await gate.house.store.contacts.page(after, 500):
        for stored in page:
            yield stored
        after = page[-1].id


def record_of(stored: Any) -> dict[str, Any]:
    """A contact as in a contact file, with its id in front."""
    import orjson

    return {"contact_id": stored.id, **orjson.loads(orjson.dumps(stored.contact))}


def flat(record: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted names and values; what is unknown is left out."""
    rows: list[tuple[str, Any]] = []
    for name, value in record.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{name}.")
        elif value not in (None, [], ()):
            rows.append((prefix + name, value))
    return rows
