"""The records of an exported file, CSV or JSON, with plain column names and the texts as they stand."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from penstock.errors import InvalidInput
from penstock.ports import RowFault
from penstock.sources.csv_header import delimiter_of
from penstock.sources.csv_record import CsvRecord, csv_records
from penstock.sources.lines import file_lines
from penstock.sources.suppression_formats.shape import plain_name

__all__ = ["ENDINGS", "LARGEST_JSON", "ExportRecord", "ending_of", "export_records", "header_of"]

ENDINGS = (".csv", ".jsonl", ".json")
LARGEST_JSON = 64 * 1024 * 1024
"""Octets of a .json file, which is read as a whole."""

_SHOWN = 1000
_DEEPEST = 4
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One entry. `line` is its line, in a .json file its number, from 1."""

    line: int
    values: Mapping[str, str] = field(repr=False)
    raw: str = field(default="", repr=False)


Records = Generator[ExportRecord | RowFault, None, None]


def ending_of(path: Path) -> str:
    """One of `ENDINGS`, compressed or not; empty for any other."""
    return next((each for each in ENDINGS if path.name.lower().removesuffix(".gz").endswith(each)), "")


def export_records(path: Path, pages: frozenset[str], headerless: tuple[str, ...] = ()) -> Records:
    """Every entry, or why it cannot be read. Raises InvalidInput for what breaks off or is no such file at all."""
    match ending_of(path):
        case ".csv":
            return _csv(path, headerless)
        case ".jsonl":
            return _jsonl(path, pages)
        case ".json":
            return _json(path, pages)
    mend = f"expected {', '.join(ENDINGS)}, or these with .gz"
    raise InvalidInput("neither CSV nor JSON", where=str(path), mend=mend)


def header_of(path: Path, headerless: tuple[str, ...] = ()) -> frozenset[str]:
    """The plain column names of a CSV file. Raises InvalidInput where it is empty or begins with data."""
    return frozenset(_opened_csv(path, headerless)[0])


def _opened_csv(path: Path, headerless: tuple[str, ...]) -> tuple[list[str], Iterator[CsvRecord]]:
    """Column names and the records below them."""
    lines = file_lines(path)
    first = next((line for line in lines if line.data.strip()), None)
    if first is None:
        raise InvalidInput("the file is empty", where=str(path), mend="expected a header line")
    delimiter = delimiter_of(first.data)
    if first.data.count(b"\t") > first.data.count(delimiter.encode()):
        delimiter = "\t"
    records = csv_records(chain([first], lines), delimiter)
    header = next(records)
    if not any("@" in cell for cell in header.cells):
        return [plain_name(cell) for cell in header.cells], records
    if len(header.cells) != len(headerless):
        where = f"{path}:{header.line}"
        raise InvalidInput("the first line holds data", where=where, mend="begin the file with a header line")
    return list(headerless), chain([header], records)


def _csv(path: Path, headerless: tuple[str, ...]) -> Records:
    names, records = _opened_csv(path, headerless)
    for record in records:
        if record.fault:
            yield RowFault(record.line, record.fault, raw=record.raw)
        elif len(record.cells) != len(names):
            why = f"{len(record.cells)} cells where the header has {len(names)}"
            yield RowFault(record.line, why, raw=record.raw)
        else:
            values: dict[str, str] = {}
            for name, cell in zip(names, record.cells, strict=True):
                if not values.get(name):  # a column that stands there twice: the one that is filled
                    values[name] = cell.strip()
            yield ExportRecord(record.line, values, record.raw)


def _jsonl(path: Path, pages: frozenset[str]) -> Records:
    for line in file_lines(path):
        if not line.data.strip():
            continue
        raw = line.data[:_SHOWN].decode("utf-8", "replace")
        try:
            found = orjson.loads(line.data)
        except orjson.JSONDecodeError:
            yield RowFault(line.number, "too long" if line.cut else "not JSON", raw=raw)
            continue
        for entry, name in _entries(found, pages):
            yield _record(line.number, entry, name, raw)


def _json(path: Path, pages: frozenset[str]) -> Records:
    try:
        found = orjson.loads(_whole(path))
    except orjson.JSONDecodeError as fault:
        where = f"{path}:{fault.lineno}"
        raise InvalidInput("not JSON", where=where, mend="one object per line? name the file .jsonl") from None
    for number, (entry, name) in enumerate(_entries(found, pages), start=1):
        yield _record(number, entry, name, "")


def _whole(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_packed = path.suffix.lower() == ".gz"
            data = (gzip.GzipFile(fileobj=file) if is_packed else file).read(LARGEST_JSON + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InvalidInput("the gzip stream is damaged", where=str(path)) from None
    except OSError as fault:
        raise InvalidInput(f"cannot be read: {fault.strerror}", where=str(path)) from None
    if len(data) > LARGEST_JSON:
        mend = "split it, or write one entry per line into a .jsonl file"
        raise InvalidInput(f"more than {LARGEST_JSON} octets", where=str(path), mend=mend)
    return data.removeprefix(b"\xef\xbb\xbf")


def _entries(found: Any, pages: frozenset[str]) -> Iterator[tuple[Any, str]]:
    """What a document or line holds: a list, a page of an interface's answer, or one entry; and what a text there is.

    A list of answers is as good as one.
    """
    if isinstance(found, list):
        for each in found:
            yield from _entries(each, pages) if isinstance(each, dict) else [(each, "recipient")]
        return
    if isinstance(found, dict):
        for key, value in found.items():
            if plain_name(key) in pages and isinstance(value, list):
                yield from ((each, plain_name(key).removesuffix("s")) for each in value)
                return
            if plain_name(key) == "recipientemails" and isinstance(value, list):
                yield from ((each, "recipientemail") for each in value)
                return
    yield found, "recipient"


def _record(line: int, entry: Any, name: str, raw: str) -> ExportRecord | RowFault:
    if isinstance(entry, str):
        return ExportRecord(line, {name: entry.strip()}, raw)
    if not isinstance(entry, dict):
        return RowFault(line, "neither an object nor an address", raw=raw)
    values: dict[str, str] = {}
    _flatten(entry, "", values, 0, listed=False)
    return ExportRecord(line, values, raw)


def _flatten(value: Any, name: str, values: dict[str, str], depth: int, *, listed: bool) -> None:
    """`{"reason": {"code": "x"}}` becomes `reasoncode`; what stands in lists is joined by commas."""
    match value:
        case dict() if depth < _DEEPEST:
            for key, inner in value.items():
                # HubSpot's interface wraps what its files have as columns
                added = "" if key == "properties" else plain_name(key[:_LONGEST_NAME])
                _flatten(inner, name + added, values, depth + 1, listed=listed)
        case list() if depth < _DEEPEST:
            values.setdefault(name, "")
            for inner in value:
                _flatten(inner, name, values, depth + 1, listed=True)
        case dict() | list() | None:
            values.setdefault(name, "")
        case _:
            text = ("true" if value else "false") if isinstance(value, bool) else str(value).strip()
            before = values.get(name, "")
            if listed and before:
                values[name] = f"{before},{text}"
            else:
                values[name] = before or text
