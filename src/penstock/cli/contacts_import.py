"""penstock contacts import: a file into the store, and what is to be said about its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, PROBLEMS, Globals, emit, say, with_gate

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.importing.import_report import ImportReport, Quarantined

__all__ = ["import_"]

_SHOWN = 20


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".csv or .jsonl, also .gz.")],
    mapped: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help='E.g. --map "E-Mail=address".')
    ] = None,
    supplier: Annotated[
        str | None,
        typer.Option("--supplier", metavar="NAME", help="Where rows name no supplier: they come from this one."),
    ] = None,
    campaign: Annotated[
        list[Path] | None,
        typer.Option(
            "--campaign", metavar="FILE", help="Tell which fields these campaigns do not use; else those of the store."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when a row could not be used or is quarantined.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")] = False,
) -> None:
    """Keep the contacts of a file; the same person is merged, and nothing that protects anybody is lost."""

    async def work(gate: Gate) -> int:
        from penstock.cli.campaign_commands import mapping_of
        from penstock.importing.contact_import import import_contacts

        def tell(row: Quarantined) -> None:
            if json:
                emit(row.record())

        campaigns = [gate.campaign(each) for each in campaign or ()]
        report = await import_contacts(gate, file, mapping_of(mapped), supplier, campaigns=campaigns, tell=tell)
        if json:
            emit(report.record())
        _say(file, report, json=json)
        return PROBLEMS if strict and (report.unusable or report.quarantined) else DONE

    with_gate(Globals.of(context), work)


def _say(file: Path, report: ImportReport, *, json: bool) -> None:
    if not json:
        for text in _lines(report):
            say(text)
    for fault in report.faults:
        say(f"{file}:{fault.line}: {fault.why}", error=True)
    if report.unusable > len(report.faults):
        say(f"{file}: {report.unusable - len(report.faults)} more rows that cannot be used", error=True)


def _lines(report: ImportReport) -> Iterator[str]:
    """The report as people read it."""
    from penstock.cli.tables import dropped_lines

    yield f"{report.new} new, {report.known} known, {report.unusable} not usable of {report.rows} rows"
    if report.quarantined:
        yield f"  {report.quarantined} rows are kept in quarantine; no mail goes to them until they are completed:"
        for (code, why), rows in report.quarantine_reasons.most_common():
            yield f"    {rows:8}  {code:18} {why}"
    yield from dropped_lines(report.dropped_columns)
    yield from _special_category_lines(report)
    yield from _unused_lines(report)
    if report.reject_file:
        yield f"  rows that could not be read are in {report.reject_file}"


def _special_category_lines(report: ImportReport) -> Iterator[str]:
    if report.flagged:
        yield f"  {report.flagged} rows are marked as special category (GDPR Art. 9)"
    for column, hint in report.column_hints.items():
        yield f"  the name of column {column!r} hints at special category data: {hint.category} (GDPR Art. 9)"
    if report.hinted:
        yield f"  {report.hinted} values hint at special category data (GDPR Art. 9); no flag is set, please look:"
    for line, field, category in report.hints[:_SHOWN]:
        yield f"    line {line}: {field}, {category}"
    if report.hinted > _SHOWN:
        yield f"    and {report.hinted - _SHOWN} more"


def _unused_lines(report: ImportReport) -> Iterator[str]:
    if report.use is None or not report.use.rows:
        return
    number = len(report.use.campaigns)
    yield f"  unused for every campaign known here ({number}); what nobody needs should go (GDPR Art. 5(1)(c)):"
    for field, rows in report.use.rows.most_common():
        yield f"    {field} ({rows} rows had a value)"
