"""Tables of law of one's own: `policies/*.csv` laid over the shipped one, and who signed rows off."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from penstock.config.toml_document import read_text
from penstock.errors import ConfigError, InvalidInput
from penstock.law.jurisdiction import SignOff
from penstock.law.jurisdiction_rows import TableRow, mark_of, read_rows, read_table
from penstock.law.jurisdictions import Table
from penstock.law.strictness import laxer_columns

__all__ = ["SIGNOFFS", "add_signoffs", "laid_over", "read_policies", "signoffs_for"]

SIGNOFFS = "signoffs.csv"
"""The file of the folder that holds sign-offs and no rows."""

_COLUMNS = ("cc", "signed_by", "signed_at", "table", "row")
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}")
_MARK = re.compile(r"[0-9a-f]{16}")


def read_policies(folder: Path, *, checked: bool = True) -> Table:
    """The shipped table below the CSV files of the folder, which need not be there.

    Their rows are as strict as the shipped ones, or signed off in `signed_by` and `signed_at`; a laxer one goes from
    that day on. Raises ConfigError with file and line for a file that cannot be used and for a laxer row that nobody
    signed; without `checked` that row goes, too, to see what it would do.
    """
    shipped = Table.load()
    if not folder.is_dir():
        return shipped
    try:
        rows = [row for path in _files(folder) for row in read_rows(read_text(path, ConfigError), str(path), own=True)]
        own = laid_over(shipped, rows, checked=checked)
        return shipped.over(own, _by_country(_read_signoffs(folder)))
    except InvalidInput as fault:
        raise ConfigError(fault.what, where=fault.where, mend=fault.mend) from None


def _files(folder: Path) -> list[Path]:
    """In the order of their names; hidden ones, as editors and spreadsheets leave them, are none."""
    found = (path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    return sorted(path for path in found if path.name != SIGNOFFS and not path.name.startswith((".", "~")))


def laid_over(shipped: Table, rows: Iterable[TableRow], *, checked: bool = True) -> list[TableRow]:
    """Own rows with the day each goes from. Raises InvalidInput for two of a country and day, ConfigError as above."""
    seen: dict[tuple[str, date], str] = {}
    placed = []
    for row in rows:
        key = (row.rule.cc, row.rule.effective_from)
        if (other := seen.setdefault(key, row.where)) != row.where:
            raise InvalidInput(f"the same country and day as {other}", where=row.where)
        placed.append(_placed(shipped, row, checked=checked))
    return placed


def _placed(shipped: Table, row: TableRow, *, checked: bool) -> TableRow:
    below = [each for each in shipped.rows if each.rule.cc == row.rule.cc]
    # before the first shipped row nothing is known of the country; an own row does not reach back further
    since = max([row.rule.effective_from, *([min(each.applies_from for each in below)] if below else [])])
    below = [shipped.row(row.rule.cc, since), *(each for each in below if each.applies_from > since)]
    found = {column: each.where for each in below for column in laxer_columns(row.rule, each.rule)}
    signed = row.rule.signed_off
    if found and signed is not None:
        since = max(since, signed.at)
    elif found and checked:
        what = f"the row for {row.rule.cc} is laxer than the shipped table in {', '.join(found)}"
        mend = "fill signed_by and signed_at with the lawyer who says so and the day, or be as strict"
        raise ConfigError(what, where=row.where, mend=mend)
    return replace(row, own=True, applies_from=since)


def _read_signoffs(folder: Path) -> list[tuple[str, SignOff]]:
    path = folder / SIGNOFFS
    if not path.exists():
        return []
    found = []
    for _, cells in read_table(read_text(path, ConfigError), str(path), _COLUMNS[:-1], _COLUMNS[-1:]):
        table = cells.form("table", _VERSION, "the version of a table such as 2026-11")
        row = cells.form("row", _MARK, "16 hexadecimal digits, or nothing", empty=True) if "row" in cells.record else ""
        sign_off = SignOff(cells.text("signed_by"), cells.day("signed_at"), table, row)
        found.append((cells.country("cc", other="*"), sign_off))
    return found


def _by_country(given: Iterable[tuple[str, SignOff]]) -> dict[str, list[SignOff]]:
    found: dict[str, list[SignOff]] = {}
    for cc, sign_off in given:
        found.setdefault(cc, []).append(sign_off)
    return found


def signoffs_for(table: Table, cc: str | None, by: str, at: date, on: date) -> list[tuple[str, SignOff]]:
    """What to write down when the row of a country, or without one the whole table, is signed off.

    One line for all shipped rows; each own row in force needs its own, which ends with the next change of the row.
    """
    if cc is not None:
        return [(cc, SignOff(by, at, table.version, mark_of(table.row(cc, on).rule)))]
    own = [table.row(country, on) for country in table.countries]
    lines = [(row.rule.cc, SignOff(by, at, table.version, mark_of(row.rule))) for row in own if row.own]
    return [("*", SignOff(by, at, table.version)), *lines]


def add_signoffs(folder: Path, given: Sequence[tuple[str, SignOff]]) -> Path:
    """Append to the folder's sign-offs, all or nothing; earlier ones stay. Answers the file.

    Raises ConfigError and InvalidInput for a file that cannot be read or written.
    """
    path = folder / SIGNOFFS
    lines = [*_read_signoffs(folder), *given]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((cc, each.by, each.at.isoformat(), each.table, each.row) for cc, each in lines)
    part = folder / f".{SIGNOFFS}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as fault:
        raise InvalidInput(f"cannot be written: {fault.strerror}", where=str(path), mend="make room for it") from None
    return path
