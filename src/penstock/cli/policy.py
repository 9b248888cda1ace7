"""penstock policy: the table of law: see it, compare it, sign it off."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, guarded, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.cli.policy_diff import Compared
    from penstock.gate import Gate
    from penstock.law.jurisdictions import Table

__all__ = ["app"]

app = typer.Typer(
    name="policy",
    help="The table of law: see it, compare it with another, sign it off. Not legal advice.",
    no_args_is_help=True,
)

Country = Annotated[str | None, typer.Argument(metavar="CC", help="A country's code (or name); else all.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


@app.command()
def show(context: typer.Context, country: Country = None, json: Json = False) -> None:
    """Who may be mailed on which condition: a card of one country, or all as a table."""
    guarded(lambda: _show(Globals.of(context), country, json))


def _show(options: Globals, country: str | None, json: bool) -> int:
    from penstock.cli.policy_card import NOT_ADVICE, card, record, table_line, table_title
    from penstock.law.jurisdictions import ANY, policy_warnings

    table, _ = _own_table(options)
    on = _today(options)
    cc = _code(country) if country else None
    known = table.countries if cc is None else (cc,)
    shown = (*known, ANY) if cc is None else known
    if json:
        for each in shown:
            emit(record(each, table.of(each, on), table.version, table.row(each, on).where))
        return DONE
    if cc is None:
        say(table_title())
        for each in shown:
            say(table_line(table.of(each, on)))
    else:
        say("\n".join(card(cc, table.of(cc, on), table.version, table.row(cc, on).where)))
    say("")
    for text in policy_warnings(table, known, on):
        say(f"warning: {text}")
    say("The strictest of the recipient's, the place of work's and the sender's country applies.")
    say(NOT_ADVICE)
    return DONE


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="shipped, a CSV file, or a folder of them.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Likewise; files are laid over the shipped table.")],
    contacts: Annotated[
        Path | None,
        typer.Option("--contacts", metavar="FILE", help="Contact file; else the contacts of the store."),
    ] = None,
    campaign: Annotated[
        Path | None,
        typer.Option("--campaign", metavar="FILE", help="Compare its decisions; else what the tables permit."),
    ] = None,
    json: Json = False,
) -> None:
    """Whom another table would treat otherwise; nothing is sent, nothing is written."""

    async def work(gate: Gate) -> int:
        from penstock.cli.policy_diff import decisions_compared, named_table, permissions_compared

        tables = named_table(old), named_table(new)
        if campaign is None:
            on = gate.house.clock.now().date()
            compared = permissions_compared(gate.source(contacts), gate.house.mailboxes, *tables, on)
        else:
            read = gate.campaign(campaign)
            sources = gate.source(contacts, read.columns), gate.source(contacts, read.columns)
            compared = decisions_compared(gate, read, sources, *tables)
        counts: Counter[tuple[str, str]] = Counter()
        rows = 0
        async for each in compared:
            rows += 1
            if each.changed:
                counts[each.old, each.new] += 1
                _tell(each, json)
        _sum_up(rows, counts, json)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def _tell(each: Compared, json: bool) -> None:
    if json:
        emit({"line": each.line, "address": each.address, "country": each.country, "old": each.old, "new": each.new,
              "why_old": each.why_old, "why_new": each.why_new})  # fmt: skip
    else:
        say(f"{each.address:44} {each.country or '??'}  {each.old} → {each.new}  — {each.why_new}")


def _sum_up(rows: int, counts: Counter[tuple[str, str]], json: bool) -> None:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if json:
        changes = [{"old": old, "new": new, "contacts": number} for (old, new), number in ordered]
        emit({"rows": rows, "changed": counts.total(), "changes": changes})
        return
    say(f"{counts.total()} of {rows} contacts are treated otherwise")
    for (old, new), number in ordered:
        say(f"  {number:6}  {old} → {new}")


@app.command()
def signoff(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="The lawyer who confirms it.")],
    at: Annotated[str, typer.Option("--at", metavar="DATE", help="The day of it, such as 2026-11-20.")],
    country: Country = None,
    json: Json = False,
) -> None:
    """Write down that a lawyer confirmed a country's row, or the whole table, of this version."""
    guarded(lambda: _signoff(Globals.of(context), by.strip(), at, country, json))


def _signoff(options: Globals, by: str, at: str, country: str | None, json: bool) -> int:
    from penstock.config.policies import add_signoffs, signoffs_for

    table, folder = _own_table(options)
    today, day = _today(options), _day(at)
    if not by or not by.isprintable():
        raise InvalidInput("a name is needed", where="--by")
    if day > today:
        raise InvalidInput(f"{day} lies in the future", where="--at", mend="a sign-off counts from the day it is given")
    cc = _code(country) if country else None
    if cc is not None and not table.listed(cc):
        raise InvalidInput(f"no row of table {table.version} is for {cc}", where="CC", mend="penstock policy show")
    given = signoffs_for(table, cc, by, day, today)
    path = add_signoffs(folder, given)
    if json:
        for code, each in given:
            emit({"cc": code, "signed_by": each.by, "signed_at": each.at.isoformat(), "table": each.table,
                  "row": each.row or None, "file": str(path)})  # fmt: skip
        return DONE
    rows = f"the row for {cc}" if cc else "every row"
    say(f"signed off: {rows} of table {table.version}, by {by} on {day} ({path})")
    return DONE


def _own_table(options: Globals) -> tuple[Table, Path]:
    """The table in force under this config, and the folder of its own part."""
    from penstock.config.policies import read_policies
    from penstock.config.settings import load_settings

    folder = load_settings(options.config, os.environ).path("policies")
    return read_policies(folder), folder


def _today(options: Globals) -> date:
    from penstock.clock import SystemClock

    return (options.now or SystemClock().now()).date()


def _code(country: str) -> str:
    from penstock.law.countries import country_code
    from penstock.law.jurisdictions import ANY

    cc = ANY if country == ANY else country_code(country)
    if cc is None:
        raise InvalidInput(f"{country!r} is no country", where="CC", mend="a code such as SE, or a name")
    return cc


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("no day of the calendar", where="--at", mend="such as 2026-11-20") from None
