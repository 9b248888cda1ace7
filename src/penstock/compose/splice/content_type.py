"""Structured values of MIME fields: type, parameters, comments (RFC 2045 section 5.1, RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from penstock.compose.splice.charset import codec_of, in_utf8

__all__ = ["ContentType", "content_type", "without_comments"]

_TYPE = re.compile(r"\s*([^\s/;=\"]+)\s*/\s*([^\s/;=\"]+)\s*")
_PARAMETER = re.compile(r';\s*(?:([^\s=;"]+)\s*=\s*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s;"]+)\s*)?', re.DOTALL)
_NAME = re.compile(r"([^*]+)(?:\*([0-9]{1,4}))?(\*)?")
_PLAIN = re.compile(r'[^"\\(]+|\\.|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_COMMENT = re.compile(r"[^\\()]+|\\.", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_MOST_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class ContentType:
    """`kind` is `type/subtype` in lower case, `values` the parameters by lower-case name, decoded.

    `spelled` and `written` are the type and each parameter (with its name) as they stand.
    """

    kind: str
    values: Mapping[str, str]
    spelled: str = "text/plain"
    written: tuple[tuple[str, str], ...] = ()


def without_comments(value: str) -> str | None:
    """The value with a space in the place of each comment; None when one is not closed (RFC 5322 section 3.2.2)."""
    if "(" not in value:
        return value
    kept: list[str] = []
    place = depth = 0
    while place < len(value):
        found = (_COMMENT if depth else _PLAIN).match(value, place)
        if found is not None:
            place = found.end()
            kept.append("" if depth else found[0])
            continue
        sign = value[place]
        place += 1
        if sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
            kept.append(" ")
        else:
            return None
    return None if depth else "".join(kept)


@lru_cache(maxsize=256)
def content_type(value: str) -> ContentType | None:
    """The value of a Content-Type field; None when it cannot be read in one way only.

    Wider than the grammar: a value that is not quoted may hold any sign but white space, a quote and a semicolon.
    """
    plain = without_comments(value)
    found = _TYPE.match(plain) if plain is not None else None
    if plain is None or found is None:
        return None
    place = found.end()
    written: list[tuple[str, str]] = []
    read: list[tuple[str, str]] = []
    while place < len(plain):
        part = _PARAMETER.match(plain, place)
        if part is None or len(read) == _MOST_PARAMETERS:
            return None
        place = part.end()
        if part[1] is not None:
            written.append((part[1].lower(), part[0][1:].strip()))
            read.append((part[1].lower(), _unquoted(part[2])))
    values = _assembled(read)
    if values is None:
        return None
    return ContentType(f"{found[1]}/{found[2]}".lower(), values, f"{found[1]}/{found[2]}", tuple(written))


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:-1].replace("\r\n", "")
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def _assembled(read: list[tuple[str, str]]) -> dict[str, str] | None:
    """Parameters by name, with the pieces of RFC 2231 section 3 joined; None when a name is given twice."""
    values: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in read:
        found = _NAME.fullmatch(name)
        if found is None or name in values:
            return None
        if found[2] is None and found[3] is None:
            values[name] = value
        else:
            number, sections = int(found[2] or 0), pieces.setdefault(found[1], {})
            if number in sections:
                return None
            sections[number] = value, found[3] is not None
    for name, sections in pieces.items():
        whole = _extended([sections.get(number) for number in range(len(sections))])
        # A sender may give a plain file name beside the extended one (RFC 6266 section 4.3 shows the custom).
        if whole is None or (name in values and name not in {"name", "filename"}):
            return None
        values[name] = whole
    return values


def _extended(sections: list[tuple[str, bool] | None]) -> str | None:
    octets, charset = b"", "us-ascii"
    for number, section in enumerate(sections):
        if section is None:
            return None
        value, encoded = section
        if encoded and number == 0:
            if value.count("'") < 2:
                return None
            charset, _, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if encoded else value.encode("latin-1")
    codec = codec_of(charset or "us-ascii")
    text = None if codec is None else in_utf8(octets, codec)
    return octets.decode("latin-1") if text is None else b"".join(text).decode()
