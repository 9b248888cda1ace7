"""Reads the files that go with a campaign's letters: `[message] attachments` and `images`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, Any

from pydantic import BeforeValidator

from penstock.compose.enclosing import (
    MOST_ENCODED,
    MOST_OF_ONE,
    encoded_size,
    file_name_fault,
    media_type,
    megabytes,
    type_fault,
)
from penstock.config.sections import Filled, Section
from penstock.config.settings import Settings
from penstock.config.toml_document import KeyPath
from penstock.errors import InvalidInput
from penstock.model.campaign import Enclosure

__all__ = ["Attached", "AttachmentTable", "read_enclosures"]

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class AttachmentTable(Section):
    """One of `attachments`: a path relative to the campaign file, with the name and media type that people get."""

    path: Filled
    name: Filled | None = None
    type: Filled | None = None


def _table(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Attached = Annotated[AttachmentTable, BeforeValidator(_table)]
"""A path alone, or a table."""


def read_enclosures(
    folder: Path,
    attachments: Sequence[AttachmentTable],
    images: Mapping[str, str],
    where: Callable[[KeyPath], str],
    settings: Settings,
) -> tuple[Enclosure, ...]:
    """Attachments, then images, in the order of the file.

    Raises InvalidInput with the key for a file that is missing, unreadable, too large (10 MB alone, 15 MB together once
    encoded), of a kind that runs when it is opened, or under a name that no mail can carry; and for the config file and
    whatever lies in the keys folder of these settings, links followed: they are not for other people.
    """
    read: list[Enclosure] = []
    encoded = 0
    for key, table, path in _named(attachments, images):
        place = where(path)
        name, kind = _named_kind(key, table, place)
        data = _octets(folder / table.path, table.path, place, settings)
        encoded += encoded_size(len(data))
        if encoded > MOST_ENCODED:
            raise InvalidInput(
                f"with {_shown(name)} the files have {megabytes(encoded)} together once encoded",
                where=place,
                mend=f"at most {megabytes(MOST_ENCODED)}: link to what is large",
            )
        read.append(Enclosure(key, name, kind, hashlib.sha256(data).hexdigest(), data))
    return tuple(read)


def _named_kind(key: str, table: AttachmentTable, place: str) -> tuple[str, str]:
    """Name and media type of a file. Raises InvalidInput for what no mail may or can carry."""
    name = table.name or Path(table.path).name
    kind = (table.type or media_type(name)).lower()
    if key and not _KEY.fullmatch(key):
        raise InvalidInput("a key of images has letters, digits, - and _", where=place, mend='images = { logo = "…" }')
    for fault in (type_fault(Path(table.path).name, kind), type_fault(name, kind)):
        if fault:
            raise InvalidInput(f"{_shown(name)} {fault}", where=place)
    if fault := file_name_fault(name):
        raise InvalidInput(f"the file name {fault}", where=place, mend='{ path = "…", name = "plain.pdf" }')
    if key and not kind.startswith("image/"):
        raise InvalidInput(f"{_shown(name)} is no image ({kind})", where=place, mend="use a PNG, JPEG or GIF")
    return name, kind


def _named(
    attachments: Sequence[AttachmentTable], images: Mapping[str, str]
) -> Iterator[tuple[str, AttachmentTable, KeyPath]]:
    for number, table in enumerate(attachments):
        yield "", table, ("message", "attachments", number)
    for key, path in images.items():
        yield key, AttachmentTable(path=path), ("message", "images", key)


def _secret(path: Path, settings: Settings) -> str:
    """What the file is that must not leave the house; empty for any other, and for one that is not there."""
    try:
        found = path.resolve()
        if found.is_relative_to(settings.keys_folder.resolve()):
            return "in the keys folder"
        # Not by name alone: a hard link is the same file.
        config = Path(settings.where())
        return "the config file" if found == config.resolve() or found.samefile(config) else ""
    except (OSError, ValueError, RuntimeError):
        return ""  # whatever cannot be found is told by whoever reads it


def _octets(path: Path, name: str, where: str, settings: Settings) -> bytes:
    """The file, unless it is larger than one may be: then no more than its size is asked for."""
    if secret := _secret(path, settings):
        raise InvalidInput(f"{_shown(name)} is {secret}", where=where, mend="it must not leave in a mail")
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise InvalidInput(f"{_shown(name)} is no file", where=where, mend="paths start at the campaign file")
        if status.st_size > MOST_OF_ONE:
            raise _too_large(name, status.st_size, where)
        with path.open("rb") as file:
            data = file.read(MOST_OF_ONE + 1)
    except FileNotFoundError:
        mend = "paths start at the campaign file"
        raise InvalidInput(f"there is no file {_shown(name)}", where=where, mend=mend) from None
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else "no usable file name"
        raise InvalidInput(f"{_shown(name)} cannot be read: {why}", where=where) from None
    if len(data) > MOST_OF_ONE:
        raise _too_large(name, len(data), where)
    return data


def _too_large(name: str, octets: int, where: str) -> InvalidInput:
    what = f"{_shown(name)} has {megabytes(octets)}"
    return InvalidInput(what, where=where, mend=f"at most {megabytes(MOST_OF_ONE)} for one file")


def _shown(name: str) -> str:
    """The name on one line of a screen."""
    return name.encode("ascii", "backslashreplace").decode() if not name.isprintable() else name
