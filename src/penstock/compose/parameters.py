"""Parameters of structured header fields: file names of any length and script (RFC 2045 section 5.1, RFC 2231)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

__all__ = ["ascii_name", "parameter"]

_LINE = 78
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
_OTHER = re.compile(r"[^A-Za-z0-9 ._()+-]+")
_FALLBACK_CHARACTERS = 56
_ENDING_CHARACTERS = 12
_CHARSET = "UTF-8''"


def parameter(name: str, value: str) -> str:
    """`;` and the folded parameter, to be put behind a field's value. Lines have at most 78 characters.

    A short ASCII value stands in quotes; any other as `name*=UTF-8''…`, or in numbered pieces where it is too long for
    one line. No piece ends inside a character. Raises UnicodeEncodeError for half a character.
    """
    if _PLAIN.fullmatch(value) and "=?" not in value and len(name) + len(value) + 5 <= _LINE:
        return f';\r\n {name}="{value}"'
    whole = quote(value, safe="")
    if len(name) + len(_CHARSET) + len(whole) + 4 <= _LINE:
        return f";\r\n {name}*={_CHARSET}{whole}"
    return "".join(f";\r\n {piece}" for piece in _pieces(name, value))


def _pieces(name: str, value: str) -> Iterator[str]:
    """Always at least one whole character each (12 octets in percent form), so that readers may decode each alone."""
    number, piece = 0, f"{name}*0*={_CHARSET}"
    for character in value:
        more = quote(character, safe="")
        if len(piece) + len(more) + 2 > _LINE:
            yield piece
            number += 1
            piece = f"{name}*{number}*="
        piece += more
    yield piece


def ascii_name(name: str) -> str:
    """A file name for programs that do not know RFC 2231: short, plain ASCII, with the same ending."""
    plain = _OTHER.sub("_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii"))
    stem, dot, ending = plain.rpartition(".")
    ending = ending.strip(" ")
    if not dot or not ending or len(ending) > _ENDING_CHARACTERS:
        stem, ending = plain, ""
    stem = stem.strip(" ._")[:_FALLBACK_CHARACTERS].strip(" ._") or "file"
    return f"{stem}.{ending}" if ending else stem
