"""Opens a file of suppressions: our own columns, or the export of a service, named or recognised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.ports import RowFault
from penstock.sources.chunk import in_chunks
from penstock.sources.lines import refuse_unreadable
from penstock.sources.plain_rows import PlainRow, open_plain_rows
from penstock.sources.suppression_formats.export_records import ending_of
from penstock.sources.suppression_formats.foreign_rows import (
    LeftOut,
    SuppressionRow,
    columns_of,
    foreign_rows,
    shape_of,
)
from penstock.sources.suppression_formats.services import SERVICES
from penstock.sources.suppression_formats.shape import Service, plain_name

__all__ = ["AUTO", "FORMATS", "SuppressionFile", "open_suppression_file"]

AUTO = "auto"
FORMATS = (AUTO, *SERVICES)
_CHUNK = 500
_SUBJECTS = ("address", "domain", "company_id", "hash")


@dataclass(frozen=True, slots=True)
class SuppressionFile:
    """A file about to be read. `format`: `auto` for our own columns; `list_name`: which list of the service it is."""

    format: str
    list_name: str
    chunks: AsyncIterator[list[SuppressionRow | LeftOut | RowFault]]


def open_suppression_file(path: Path, columns: Sequence[str], format_: str = AUTO) -> SuppressionFile:
    """Decide what the file is; nothing of it is used yet.

    `columns` are our own. With `auto` a file is a service's only where its header, or its first JSON entry, looks like
    no other. Raises InvalidInput for an unknown format, a file that cannot be read, one that is none of the format's
    and one of the service's lists that is none of suppressions.
    """
    if format_ not in FORMATS:
        raise InvalidInput(f"no format is called {format_!r}", where="--format", mend=", ".join(FORMATS))
    refuse_unreadable(path)
    if format_ != AUTO:
        service = SERVICES[format_]
        return _foreign(path, service, columns_of(path, service.pages, service.headerless))
    if ending_of(path):
        found = _columns(path)
        sure = [service for service in SERVICES.values() if _is_surely(found, service, columns)]
        if len(sure) == 1:
            return _foreign(path, sure[0], found)
        _refuse_nameless(path, found, columns)
    return SuppressionFile(AUTO, "", _own(path, columns))


def _foreign(path: Path, service: Service, columns: frozenset[str]) -> SuppressionFile:
    shape = shape_of(path, service, columns)
    return SuppressionFile(service.name, shape.name, in_chunks(foreign_rows(path, service, shape), _CHUNK))


def _columns(path: Path) -> frozenset[str]:
    """What the header, or the first JSON entry of whatever service, names; nothing where a file is not to be read as
    far as that: our own reader says why. Of a .json file, which is never ours, InvalidInput says it.
    """
    try:
        return columns_of(path, frozenset().union(*(service.pages for service in SERVICES.values())))
    except InvalidInput:
        if ending_of(path) == ".json":
            raise
        return frozenset()


def _is_surely(found: frozenset[str], service: Service, ours: Sequence[str]) -> bool:
    """Whether a list of the service looks so, and no column is one of ours that has another meaning there."""
    for shape in service.shapes:
        if shape.sure and shape.fits(found):
            # people's exports have a column for the postal address, the domain or a reason
            shared = set() if shape.address == "address" else {"address", "domain", "reason"}
            return not {plain_name(each) for each in ours} & found - shape.columns - shared
    return False


def _refuse_nameless(path: Path, found: frozenset[str], ours: Sequence[str]) -> None:
    name_it = f"a service's export? name it: --format {'|'.join(SERVICES)}"
    if ending_of(path) == ".json":
        raise InvalidInput("JSON that is surely no export we know", where=str(path), mend=name_it)
    known, subjects = ({plain_name(each) for each in names} for names in (ours, _SUBJECTS))
    if ending_of(path) == ".csv" and found & known and not found & subjects:
        mend = f"expected some of {', '.join(_SUBJECTS)}; {name_it}"
        raise InvalidInput("no column says who it is about", where=str(path), mend=mend)


async def _own(path: Path, columns: Sequence[str]) -> AsyncIterator[list[SuppressionRow | LeftOut | RowFault]]:
    async for chunk in open_plain_rows(path, columns):
        yield [SuppressionRow(each.line, (each.values,), each.raw) if isinstance(each, PlainRow) else each
               for each in chunk]  # fmt: skip
