"""Rows for another program: CSV or JSONL, to standard output or into a file that only its owner reads."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from penstock.cli.context import emit
from penstock.errors import InvalidInput, StoreUnavailable

__all__ = ["RowsOut", "write_out"]


def write_out(path: Path, data: bytes) -> None:
    """Write one file that only its owner reads. Raises InvalidInput where it cannot be made."""
    with _told(path), os.fdopen(_opened(path), "wb") as stream:
        stream.write(data)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A full disk and its like as one clear line."""
    try:
        yield
    except OSError as fault:
        mend = "make room, then run the same command again"
        raise StoreUnavailable(f"cannot be written: {fault.strerror}", where=str(path), mend=mend) from None


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as fault:
        raise InvalidInput(
            f"cannot be written: {fault.strerror}", where=str(path), mend="choose another place"
        ) from None


class RowsOut:
    """A context manager; `write` takes one mapping per row.

    Raises InvalidInput where the file cannot be made, StoreUnavailable where it cannot be filled.
    """

    def __init__(self, path: Path | None, columns: Sequence[str], *, json: bool) -> None:
        self._path = path
        self._json = json or (path is not None and path.suffix == ".jsonl")
        self._columns = columns
        self._stream: IO[str] = sys.stdout
        self._csv: csv.DictWriter[str] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._stream = os.fdopen(_opened(self._path), "w", encoding="utf-8", newline="")
        if not self._json:
            self._csv = csv.DictWriter(self._stream, self._columns, lineterminator="\n")
            self._csv.writeheader()
        return self

    def write(self, row: Mapping[str, Any]) -> None:
        """One row."""
        if self._csv is not None and self._path is not None:
            with _told(self._path):
                self._csv.writerow(row)
        elif self._csv is not None:
            self._csv.writerow(row)
        elif self._path is None:
            emit(row)
        else:
            import orjson

            with _told(self._path):
                self._stream.write(orjson.dumps(row).decode() + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None:
            with _told(self._path):
                self._stream.close()
