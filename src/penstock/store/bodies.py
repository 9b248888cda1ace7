"""Ready-made messages as they came: small ones in the store, large ones in files beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from penstock.errors import StoreUnavailable

__all__ = ["LARGE", "Bodies"]

LARGE = 1 << 20
"""Octets above which a message gets a file: a page of the store's log for each 4 KiB of it would cost more."""


class Bodies:
    """Files by the SHA-256 of their octets, each written whole and flushed before anything names it.

    Without a folder (a store in memory) every message stays in the store.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @classmethod
    def beside(cls, store: Path | None) -> Bodies:
        """For the store in that file, None for one in memory."""
        return cls(None if store is None else store.with_name(f"{store.name}-bodies"))

    def in_file(self, size: int) -> bool:
        """Whether a message of so many octets lies in a file."""
        return self._folder is not None and size > LARGE

    def keep(self, contents: Iterable[bytes]) -> None:
        """Write those that lie in files; one that is there already is left alone. Raises StoreUnavailable.

        Blocks: it is called in a thread.
        """
        for content in {id(each): each for each in contents}.values():
            if self.in_file(len(content)):
                self._write(hashlib.sha256(content).digest(), content)

    def read(self, digest: bytes) -> bytes:
        """A message that lies in a file. Raises StoreUnavailable for one that cannot be read or is another."""
        try:
            data = self._path(digest).read_bytes()
        except OSError as fault:
            raise StoreUnavailable("the file of a message cannot be read", where="store") from fault
        if hashlib.sha256(data).digest() != digest:
            raise StoreUnavailable("the file of a message is damaged", where="store")
        return data

    def forget(self, digests: Iterable[bytes]) -> None:
        """Delete files that nothing names any more."""
        if self._folder is None:
            return
        for digest in digests:
            with suppress(OSError):
                self._path(digest).unlink()

    def _path(self, digest: bytes) -> Path:
        assert self._folder is not None
        return self._folder / digest.hex()

    def _write(self, digest: bytes, content: bytes) -> None:
        path = self._path(digest)
        if path.exists():
            return
        draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
            _flush_folder(path.parent)
        except OSError as fault:
            with suppress(OSError):
                draft.unlink()
            mend = "check disk and rights of the folder beside the store"
            raise StoreUnavailable("a message cannot be written to its file", where="store", mend=mend) from fault


def _flush_folder(folder: Path) -> None:
    """A new name is durable when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
