"""From an export's record to our columns: which list the file is, whom a row names, why, since when."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.model.suppression import SuppressionReason
from penstock.ports import RowFault
from penstock.sources.suppression_formats.export_records import ExportRecord, ending_of, export_records, header_of
from penstock.sources.suppression_formats.shape import HASH_COLUMNS, ListShape, Meaning, Service, Words, plain_name
from penstock.sources.suppression_formats.written_moment import read_moment

__all__ = ["LeftOut", "SuppressionRow", "columns_of", "foreign_rows", "shape_of"]

_LONGEST = 1000
_HEX = re.compile(r"[0-9a-fA-F]+")
_HASH_BY_LENGTH = {32: "md5", 64: "sha256"}
_LETTERS = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """A row that names somebody: what it comes to in our own columns, once for each reason it gives."""

    line: int
    entries: tuple[Mapping[str, str], ...] = field(repr=False)
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is understood and is no suppression. `why` says it in words, without naming anybody."""

    line: int
    why: str


SuppressionRows = Generator[SuppressionRow | LeftOut | RowFault, None, None]


def columns_of(path: Path, pages: frozenset[str], headerless: tuple[str, ...] = ()) -> frozenset[str]:
    """The plain names of the header, or of the first entry of a JSON file. Raises InvalidInput."""
    if ending_of(path) == ".csv":
        return header_of(path, headerless)
    records = export_records(path, pages)
    try:
        first = next((each for each in records if isinstance(each, ExportRecord)), None)
    finally:
        records.close()
    return frozenset(first.values) if first else frozenset()


def shape_of(path: Path, service: Service, columns: frozenset[str]) -> ListShape:
    """Which of the service's lists the file is, by its columns and its name.

    Raises InvalidInput where that cannot be told and where the list is none of suppressions.
    """
    hinted = [shape for shape in service.shapes if _named(path.name, shape)]
    fitting = [shape for shape in service.shapes if shape.fits(columns)]
    by_name = [shape for shape in fitting if shape in hinted]
    chosen = _best(by_name) or _best([shape for shape in fitting if not shape.by_name])
    if chosen is None:
        lists = ", ".join(dict.fromkeys(shape.name for shape in service.shapes if not shape.refused))
        what = f"no list of {service.name} has these columns, or the file's name has to tell which it is"
        raise InvalidInput(what, where=str(path), mend=f"known: {lists}")
    named = {shape.name for shape in by_name} or ({shape.name for shape in hinted} if chosen.named else set())
    if named - {chosen.name}:
        both = " and ".join(sorted(named | {chosen.name}))
        raise InvalidInput(f"name and columns of the file say {both}", where=str(path), mend="name it by what it holds")
    if chosen.refused:
        raise InvalidInput(chosen.refused, where=str(path))
    return chosen


def _named(name: str, shape: ListShape) -> bool:
    """By a word of the file's name, or by two in a row ("opt-out")."""
    words = _LETTERS.findall(name.lower())
    words += [first + second for first, second in pairwise(words)]
    return any(word.startswith(shape.named) for word in words) if shape.named else False


def _best(shapes: list[ListShape]) -> ListShape | None:
    return max(shapes, key=lambda shape: len(shape.columns), default=None)


def foreign_rows(path: Path, service: Service, shape: ListShape) -> SuppressionRows:
    """One item for each record of the file. A JSON record of another list of the service is read as that list's."""
    is_csv = ending_of(path) == ".csv"
    for record in export_records(path, service.pages, service.headerless):
        if isinstance(record, RowFault):
            yield record
            continue
        columns = shape.columns if is_csv else frozenset(record.values)
        if is_csv or shape.fits(columns):
            yield _row(record, service, shape)
        else:
            others = [each for each in service.shapes if each.fits(columns) and not each.by_name]
            yield _row(record, service, _best(others))


def _row(record: ExportRecord, service: Service, shape: ListShape | None) -> SuppressionRow | LeftOut | RowFault:
    if shape is None:
        return RowFault(record.line, f"no list of {service.name} has these fields", raw=record.raw)
    if shape.refused:
        return LeftOut(record.line, shape.refused)
    try:
        meanings = _meanings(shape, record.values)
        reasons = [each for each in meanings if isinstance(each, SuppressionReason)]
        if not reasons:
            return LeftOut(record.line, str([*meanings][-1]))
        values = {**_subject(shape, record.values), **_at(shape, service, record.values)}
    except ValueError as fault:
        return RowFault(record.line, str(fault), raw=record.raw)
    return SuppressionRow(record.line, tuple({**values, "reason": reason.value} for reason in reasons), record.raw)


def _meanings(shape: ListShape, values: Mapping[str, str]) -> dict[Meaning, None]:
    """All that the row says, each once. Raises ValueError for a word nobody has told us of."""
    if shape.always is not None:
        return {shape.always: None}
    told: dict[Meaning, None] = {}
    exact = {column for words in shape.says if not words.begins for column in words.columns}
    for words in shape.says:
        if words.begins:
            cells = [[text] for name, text in values.items() if name.startswith(words.columns) and name not in exact]
        else:
            cells = [[_cell(values, name) for name in words.columns]]
        for each in cells:
            told |= _meaning(words, each)
    return told


def _meaning(words: Words, cells: list[str]) -> dict[Meaning, None]:
    parts = cells[0].split(",") if words.listed else ["/".join(map(plain_name, cells))]
    told: dict[Meaning, None] = {}
    for part in parts:
        meaning = words.meanings.get(plain_name(part) if words.listed else part, words.otherwise)
        if meaning is None:
            raise ValueError(f"an unknown word in {words.columns[0]}")
        told[meaning] = None
    return told


def _subject(shape: ListShape, values: Mapping[str, str]) -> dict[str, str]:
    text = _cell(values, shape.address)
    if text and not _HEX.fullmatch(text):
        return {shape.subject: text}
    digest = text or next((_cell(values, name) for name in sorted(HASH_COLUMNS) if values.get(name)), "")
    if not digest:
        raise ValueError("names no address, domain or hash")
    kind = _HASH_BY_LENGTH.get(len(digest))
    if kind is None or not _HEX.fullmatch(digest):
        raise ValueError("neither an address nor an md5 or sha256 hash")
    return {"hash": f"{kind}:{digest}"}


def _at(shape: ListShape, service: Service, values: Mapping[str, str]) -> dict[str, str]:
    for name in shape.at:
        if text := _cell(values, name):
            try:
                moment = read_moment(text, service.dates)
            except ValueError as fault:
                raise ValueError(f"the date in {name}: {fault}") from None
            return {"at": moment.isoformat()} if moment else {}
    return {}


def _cell(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    if len(text) > _LONGEST or any(ord(each) < 0x20 for each in text):
        raise ValueError(f"{name} cannot be read")
    return text
