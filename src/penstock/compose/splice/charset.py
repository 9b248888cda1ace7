"""Character sets by the names that mails give them (RFC 2978), as Python's codecs."""

from __future__ import annotations

import codecs
import encodings
from collections.abc import Iterator
from encodings.aliases import aliases
from functools import lru_cache

__all__ = ["codec_of", "in_utf8", "searchable"]

_NO_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
)
_WITHOUT_ALIAS = frozenset({"cp720", "cp737", "cp856", "cp874", "iso8859_1", "koi8_t", "koi8_u", "mac_romanian"})
_KNOWN = frozenset({*aliases.values(), *_WITHOUT_ALIAS}) - _NO_CHARSETS
_MORE_NAMES = {
    "cp_850": "cp850",
    "iso_8859_6_i": "iso8859_6",
    "iso_8859_8_i": "iso8859_8",
    "unicode_1_1_utf_7": "utf_7",
    "utf_8_sig": "utf_8",
    "windows_874": "cp874",
    "x_gbk": "gbk",
    "x_mac_roman": "mac_roman",
    "x_sjis": "cp932",
}
_WIDER = {
    "ascii": "utf_8",
    "big5": "cp950",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso2022_jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
}
"""What senders use under the name of a smaller set, where the text shows that they did."""
_STATEFUL = ("iso2022", "hz", "utf_7")
_ASCII = bytes(range(128))
_CHUNK = 65_536
_LONGEST, _NAMES = 60, 256
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)


def codec_of(charset: str) -> str | None:
    """The codec for a text under that name; None when the name is unknown.

    Only names of Python's own tables are looked up: it would remember every other one for ever.
    """
    charset = charset.strip(" \t")
    return _codec_of(charset) if len(charset) <= _LONGEST else None


@lru_cache(maxsize=_NAMES)
def _codec_of(charset: str) -> str | None:
    # What is normalised loses its odd signs, a NUL too: readers would not agree on what such a name says.
    if not (charset.isascii() and charset.isprintable()):
        return None
    name = encodings.normalize_encoding(charset.lower())
    codec = _MORE_NAMES.get(name) or aliases.get(name) or name
    return codec if codec in _KNOWN else None


@lru_cache(maxsize=_NAMES)
def searchable(codec: str) -> bool:
    """Whether an octet below 128 that begins a character is that character of ASCII, whatever stands before."""
    if codec.startswith(_STATEFUL):
        return False
    try:
        return _ASCII.decode(codec) == _ASCII.decode("ascii")
    except UnicodeError:
        return False


def in_utf8(octets: bytes | memoryview, codec: str) -> list[bytes] | None:
    """The text in UTF-8, in pieces; None when the octets are no text in that set nor in the one it is mistaken for.

    UTF-16 and UTF-32 have the byte order of their mark, which is taken off; big-endian without one (RFC 2781 section
    4.3).
    """
    source = memoryview(octets)
    if codec in {"utf_16", "utf_32"}:
        found = [(mark, order) for mark, order in _MARKS if order.startswith(codec) and source[: len(mark)] == mark]
        mark, codec = found[0] if found else (b"", f"{codec}_be")
        source = source[len(mark) :]
    for each in (codec, _WIDER.get(codec)):
        if each is not None:
            try:
                return [*_recoded(source, each)]
            except UnicodeError:
                pass
    return None


def _recoded(source: memoryview, codec: str) -> Iterator[bytes]:
    """As a whole, a text may take four octets for each character."""
    decoder = codecs.getincrementaldecoder(codec)()
    for place in range(0, len(source), _CHUNK):
        yield decoder.decode(bytes(source[place : place + _CHUNK])).encode()
    yield decoder.decode(b"", final=True).encode()
