"""Opens a contact file by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.ports import Source
from penstock.sources.csv_file import CsvFile
from penstock.sources.jsonl_file import JsonlFile
from penstock.sources.lines import refuse_unreadable
from penstock.sources.rows import RowReader

__all__ = ["open_source"]


def open_source(path: Path, mapping: Mapping[str, str], countries: Callable[[str], str | None]) -> Source:
    """A source for a .csv or .jsonl file, also .gz.

    `mapping` and `countries` as for `RowReader`. Raises InvalidInput for another ending, a file that cannot
    be opened and a mapping to an unknown field; what is wrong inside shows when chunks are read.
    """
    name = path.name.lower().removesuffix(".gz")
    reader = RowReader(mapping, countries)
    if name.endswith(".csv"):
        refuse_unreadable(path)
        return CsvFile(path, reader)
    if name.endswith(".jsonl"):
        refuse_unreadable(path)
        return JsonlFile(path, reader)
    raise InvalidInput("not a contact file", where=str(path), mend="expected .csv, .jsonl, .csv.gz or .jsonl.gz")
