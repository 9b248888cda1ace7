"""Splits lines into CSV records and finds its feet again after a wrong quote."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock.sources.lines import LONGEST_LINE, Line

__all__ = ["CsvRecord", "csv_records"]


class CsvRecord(NamedTuple):
    """The row that starts at `line`: its cells, or in `fault` why it has none. `raw`: as it stands."""

    line: int
    raw: str
    cells: Sequence[str] = ()
    fault: str = ""


def csv_records(lines: Iterator[Line], delimiter: str) -> Iterator[CsvRecord]:
    """Every record, blank lines left out.

    A quote that is opened and never rightly closed costs its first line only; the next line is read anew.
    """
    waiting: deque[Line] = deque()
    while (line := _next(waiting, lines)) is not None:
        if line.cut:
            yield CsvRecord(line.number, _shown(line.data), fault=f"longer than {LONGEST_LINE} octets")
            continue
        if not line.data.strip():
            continue
        record = _parsed([line], delimiter)
        if not record.fault:  # nearly every line is a record of its own
            yield record
            continue
        block, closed = _block(line, waiting, lines, delimiter.encode())
        record = _parsed(block, delimiter) if closed else _unclosed(line)
        if len(block) > 1 and record.fault:
            waiting.extendleft(reversed(block[1:]))
            record = _unclosed(line)
        yield record


def _next(waiting: deque[Line], lines: Iterator[Line]) -> Line | None:
    return waiting.popleft() if waiting else next(lines, None)


def _block(line: Line, waiting: deque[Line], lines: Iterator[Line], delimiter: bytes) -> tuple[list[Line], bool]:
    """The line and those its open quote reaches into; whether the quote was closed in good time."""
    block = [line]
    size = len(line.data)
    quoted = b'"' in line.data and _quoted_after(line.data, delimiter, quoted=False)
    while quoted and size <= LONGEST_LINE and (more := _next(waiting, lines)) is not None:
        block.append(more)
        size += len(more.data)
        if more.cut:
            break
        quoted = _quoted_after(more.data, delimiter, quoted=True)
    return block, not quoted


def _quoted_after(data: bytes, delimiter: bytes, *, quoted: bool) -> bool:
    """Whether the end of the line lies inside quotes. Only a quote at a cell's start opens (RFC 4180)."""
    at = 0
    while (at := data.find(b'"', at)) >= 0:
        if not quoted:
            quoted = at == 0 or data[at - 1 : at] == delimiter
        elif data[at + 1 : at + 2] == b'"':
            at += 1
        else:
            quoted = False
        at += 1
    return quoted


def _parsed(block: list[Line], delimiter: str) -> CsvRecord:
    first = block[0].number
    data = block[0].data if len(block) == 1 else b"\n".join(line.data for line in block)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return CsvRecord(first, _shown(data), fault="not UTF-8")
    if "\0" in text:
        return CsvRecord(first, text, fault="contains a NUL octet")
    if '"' not in text:
        return CsvRecord(first, text, text.split(delimiter))
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        what = "a cell is too long" if "limit" in str(error) else "wrong quoting"
        return CsvRecord(first, text, fault=what)
    return CsvRecord(first, text, cells)


def _unclosed(line: Line) -> CsvRecord:
    return CsvRecord(line.number, _shown(line.data), fault="wrong quoting: a quote is not closed")


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")
