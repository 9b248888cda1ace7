"""Lines of a file, plain or gzipped, never more than one of bounded length in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from penstock.errors import InvalidInput

__all__ = ["LONGEST_LINE", "Line", "file_lines", "refuse_unreadable"]

LONGEST_LINE = 1_048_576
"""Octets."""

_BLOCK = 262_144
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end; numbers start at 1. `cut`: too long, only its beginning is kept."""

    number: int
    data: bytes
    cut: bool = False


def file_lines(path: Path) -> Iterator[Line]:
    """All lines, no byte order mark. Raises InvalidInput, naming the line reached, when reading fails."""
    number = 0
    try:
        with _opened(path) as file:
            while data := file.readline(LONGEST_LINE + 1):
                number += 1
                cut = len(data) > LONGEST_LINE and not data.endswith(b"\n")
                if cut:
                    data = data[:_BLOCK]
                    while (more := file.readline(_BLOCK)) and not more.endswith(b"\n"):
                        pass
                if number == 1:
                    data = data.removeprefix(_BOM)
                yield Line(number, data.removesuffix(b"\n").removesuffix(b"\r"), cut)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InvalidInput("the gzip stream is damaged", where=f"{path}:{number + 1}") from None
    except OSError as fault:
        raise InvalidInput(f"cannot be read: {fault.strerror}", where=f"{path}:{number + 1}") from None


def refuse_unreadable(path: Path) -> None:
    """Raises InvalidInput for a file that is missing, a folder or forbidden."""
    try:
        with path.open("rb"):
            return
    except OSError as fault:
        raise InvalidInput(f"cannot be read: {fault.strerror}", where=str(path)) from None
    except ValueError:
        raise InvalidInput("no usable file name", where="--contacts") from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb", buffering=_BLOCK)
