"""The rows of an import that could not be used, set aside as JSON lines so that somebody can mend them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from penstock.errors import StoreUnavailable
from penstock.ports import RowFault

__all__ = ["RejectFile"]


class RejectFile:
    """An async context manager that takes faults and shows the file, mode 0600 and on disk, when it is left.

    Each line is an object with `line`, `why`, `code`, `address` and `raw`. Without a fault no file is made;
    when the block ends by an exception nothing is left. `path` is replaced. Raises StoreUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part: Path | None = None
        self._file: BinaryIO | None = None
        self.count = 0
        """Faults taken so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            await self._told(lambda: self._close(file, keep=kind is None))

    async def add(self, faults: Iterable[RowFault]) -> None:
        """Write the faults."""
        if rows := tuple(faults):
            await self._told(lambda: self._write(rows))

    async def _told(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except OSError as fault:
            what, mend = f"cannot be written: {fault.strerror}", "make room, then run the same command again"
            raise StoreUnavailable(what, where=str(self._path), mend=mend) from None

    def _write(self, faults: tuple[RowFault, ...]) -> None:
        if self._file is None:
            # a name of its own: several runs of one campaign may set rows aside at the same time
            handle, name = tempfile.mkstemp(".part", f".{self._path.name}.", self._path.parent)
            self._part = Path(name)
            self._file = os.fdopen(handle, "wb")
        for fault in faults:
            self._file.write(_encoded(fault) + b"\n")
        self.count += len(faults)

    def _close(self, file: BinaryIO, *, keep: bool) -> None:
        part, kept = self._part, False
        try:
            with file:
                if keep:
                    file.flush()
                    os.fsync(file.fileno())
            if keep and part is not None:
                part.replace(self._path)
                kept = True
        finally:
            if part is not None and not kept:
                part.unlink(missing_ok=True)  # half a file of people's data serves nobody
        if not kept:
            return
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _encoded(fault: RowFault) -> bytes:
    return orjson.dumps(
        {
            "line": fault.line,
            "why": fault.why,
            "code": fault.code,
            "address": fault.address,
            "raw": fault.raw.encode("utf-8", "replace").decode(),
        }
    )
