"""Hands rows over in chunks, read in a thread so that the event loop stays free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from penstock.ports import ContactRow, RowFault

__all__ = ["Row", "Rows", "in_chunks"]

Row = ContactRow | RowFault
Rows = Generator[Row, None, None]
Item = TypeVar("Item")


async def in_chunks(rows: Generator[Item, None, None], size: int) -> AsyncIterator[list[Item]]:
    """Lists of `size` rows, the last one shorter; the file is closed when the caller stops early."""
    if size < 1:
        raise ValueError("a chunk has at least one row")
    try:
        while chunk := await asyncio.to_thread(_take, rows, size):
            yield chunk
    finally:
        with suppress(ValueError):  # cancelled while the thread reads: the file is closed when it lets go
            rows.close()


def _take(rows: Generator[Item, None, None], size: int) -> list[Item]:
    return list(islice(rows, size))
