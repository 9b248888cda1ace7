"""What SQLite's errors mean to the caller: nothing happened, and what to do before trying again."""

from __future__ import annotations

import apsw

from penstock.errors import StoreUnavailable

__all__ = ["unavailable"]

_AGAIN = "then run the same command again"
_MEANINGS: tuple[tuple[type[apsw.Error], str, str], ...] = (
    (apsw.FullError, "the disk is full", f"free space, {_AGAIN}"),
    (
        apsw.ReadOnlyError,
        "the store may not be written to",
        f"give write access to the file and its folder, {_AGAIN}",
    ),
    (
        apsw.CantOpenError,
        "the store cannot be opened",
        f"check the path and the rights on file and folder, {_AGAIN}",
    ),
    (apsw.PermissionsError, "the store may not be used", f"check the rights on file and folder, {_AGAIN}"),
    (apsw.BusyError, "another process holds the store", f"let it finish, {_AGAIN}"),
    (apsw.LockedError, "another process holds the store", f"let it finish, {_AGAIN}"),
    (
        apsw.IOError,
        "the disk under the store does not answer as it should",
        f"check disk and file system, {_AGAIN}",
    ),
    (apsw.CorruptError, "the store file is damaged", "restore it from a backup"),
    (
        apsw.NotADBError,
        "the file is no SQLite database",
        "check store.url, or restore the file from a backup",
    ),
)


def unavailable(fault: BaseException) -> StoreUnavailable | None:
    """The error to raise for a fault of disk, rights or locks.

    None for anything else, which is a bug of ours.
    """
    for kind, what, mend in _MEANINGS:
        if isinstance(fault, kind):
            return StoreUnavailable(what, where="store", mend=mend)
    return None
