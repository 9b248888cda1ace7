"""Ready-made messages as they came: small ones in the store, large ones in files beside it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from penstock.errors import StoreUnavailable

__all__ = ["LARGE", "STRAY_SECONDS", "Bodies"]

LARGE = 1 << 20
"""Octets above which a message gets a file: a page of the store's log for each 4 KiB of it would cost more."""

STRAY_SECONDS = 3_600.0
"""Files younger than that may be named in a moment."""

_GONE = frozenset({errno.ENOENT, errno.EIO, errno.EISDIR})


class Bodies:
    """Files by the SHA-256 of their octets, each written whole and flushed before anything names it.

    Who names one makes sure of it once more in the transaction that does (`ensure`), and who deletes one looks in a
    transaction whether it is named: the one of the two that comes later sees what the other did.
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
        """Write those that lie in files; one that is there already is no stray from now on. Raises StoreUnavailable.

        Blocks: it is called in a thread.
        """
        for content in {id(each): each for each in contents}.values():
            if self.in_file(len(content)):
                digest = hashlib.sha256(content).digest()
                with suppress(OSError):
                    os.utime(self._path(digest))
                self.ensure(digest, content)

    def ensure(self, digest: bytes, content: bytes) -> None:
        """Write one unless a file of its size is there. Blocks. Raises StoreUnavailable."""
        path = self._path(digest)
        try:
            there = path.stat().st_size == len(content)
        except OSError:
            there = False
        if not there:
            self._write(path, content)

    def read(self, digest: bytes) -> bytes | None:
        """A message that lies in a file; None where that file is gone or damaged.

        Raises StoreUnavailable where it is not the file's fault: no handles, no rights, no folder.
        """
        try:
            data = self._path(digest).read_bytes()
        except OSError as fault:
            if fault.errno in _GONE and self._folder is not None and self._folder.is_dir():
                return None
            raise StoreUnavailable("the file of a message cannot be read", where="store") from fault
        return data if hashlib.sha256(data).digest() == digest else None

    def strays(self, before: float) -> Sequence[str]:
        """The names of files, also of dead drafts, not touched since that time (seconds since the epoch). Blocks."""
        if self._folder is None:
            return []
        found = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                        found.append(entry.name)
        return found

    def forget(self, names: Iterable[str], before: float) -> None:
        """Delete files that nothing names any more, unless they were touched since. Blocks."""
        if self._folder is None:
            return
        for name in names:
            with suppress(OSError):
                path = self._folder / name
                if path.stat().st_mtime < before:
                    path.unlink()

    def _path(self, digest: bytes) -> Path:
        assert self._folder is not None
        return self._folder / digest.hex()

    def _write(self, path: Path, content: bytes) -> None:
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
