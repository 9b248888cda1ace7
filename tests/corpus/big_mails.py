"""Mails too big to be stored: long, deep, wide, and such that a careless pattern never ends on them."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.corpus.eml import (
    EITHER,
    GERMAN,
    PDF,
    SPLICED,
    Case,
    alternative,
    b64,
    case,
    html,
    leaf,
    mail,
    multi,
    octets,
    plain,
    qp,
)

__all__ = ["BIG", "HOSTILE"]

_LIMIT = "RFC 2046 5.1.1"
_ROW = "<tr><td style='padding:4px'>M-1200 Größe 5</td><td>20 €</td></tr>\n"


def _page(kilobytes: int) -> str:
    rows = _ROW * (kilobytes * 1_024 // len(_ROW.encode()))
    return f"<html><body><table>\n{rows}</table>\n</body></html>\n"


def _nested(depth: int, inner: bytes) -> bytes:
    """Multiparts one in the other, written from outside inwards."""
    opening = b"".join(
        octets(f'Content-Type: multipart/mixed; boundary="n{level}"\n\n--n{level}\n') for level in range(depth)
    )
    closing = b"".join(octets(f"\n--n{level}--\n") for level in reversed(range(depth)))
    return mail(opening + inner + closing)


def _in_mails(depth: int) -> bytes:
    inner = b"Content-Type: message/rfc822\r\n\r\n" * depth + plain()
    return mail(multi("mixed", plain(), inner))


_DEEP = ".".join(["1"] * 20)

BIG: Mapping[str, Callable[[], Case]] = {
    "40_kb": lambda: case("40_kb", _LIMIT, "40 KB of HTML", SPLICED, "1 2", mail(alternative(plain(), html(_page(40), "8bit")))),
    "40_kb_base64": lambda: case("40_kb_base64", _LIMIT, "the same in base64, with a file", SPLICED, "1.1 1.2", mail(multi("mixed", alternative(plain(), html(b64(_page(40)), "base64")), PDF))),
    "2_mb_text": lambda: case("2_mb_text", _LIMIT, "2 MB of text", SPLICED, "1", mail(plain(qp(GERMAN * 18_000), "quoted-printable"))),
    "2_mb_page": lambda: case("2_mb_page", _LIMIT, "2 MB of HTML", SPLICED, "1", mail(html(_page(2_048), "8bit"))),
    "2_mb_file": lambda: case("2_mb_file", _LIMIT, "a file of 2 MB", SPLICED, "1.1 1.2", mail(multi("mixed", alternative(), leaf("application/pdf", b64(bytes(range(256)) * 6_000), "base64")))),
    "20_deep": lambda: case("20_deep", _LIMIT, "20 multiparts one in the other", SPLICED, _DEEP, _nested(20, plain())),
    "1000_deep": lambda: case("1000_deep", _LIMIT, "1,000 multiparts one in the other", EITHER, ".".join(["1"] * 1_000), _nested(1_000, plain())),
    "1000_deep_signed": lambda: case("1000_deep_signed", "RFC 1847 2.1", "a signed part below 1,000 multiparts", "refused", "", _nested(1_000, multi("signed", plain(), PDF))),
    "1000_mails_deep": lambda: case("1000_mails_deep", "RFC 2046 5.2.1", "1,000 mails one in the other, attached", SPLICED, "1", _in_mails(1_000)),
    "10000_parts": lambda: case("10000_parts", _LIMIT, "10,000 files", EITHER, "1", mail(multi("mixed", plain(), *[leaf("application/x-a", "a\n", "7bit", "Content-Disposition: attachment")] * 10_000))),
    "10000_empty_parts": lambda: case("10000_empty_parts", _LIMIT, "10,000 delimiters in a row", EITHER, "1", mail(octets('Content-Type: multipart/mixed; boundary="a"\n\n--a\n') + plain() + octets("\n--a\n" * 10_000 + "--a--\n"))),
    "65_boundaries_alike": lambda: case("65_boundaries_alike", _LIMIT, "65 deep, each boundary the prefix of the one outside", EITHER, ".".join(["1"] * 65), _alike(65)),
    "5000_fields": lambda: case("5000_fields", "RFC 5322 3.6", "5,000 fields", EITHER, "1", mail(plain(), *(f"X-Field-{n}: {n}" for n in range(5_000)))),
    "field_of_1_mb": lambda: case("field_of_1_mb", "RFC 5322 2.2.3", "one field in 13,000 lines", EITHER, "1", mail(plain(), "References:" + f"\n <{'a' * 70}@b.example>" * 13_000)),
}
"""By name, because making all of them takes a while. The judge reads the answers as it reads those of the stored mails."""


def _alike(depth: int) -> bytes:
    names = ["b" * (70 - level) for level in range(depth)]
    opening = b"".join(octets(f'Content-Type: multipart/mixed; boundary="{name}"\n\n--{name}\n') for name in names)
    return mail(opening + plain() + b"".join(octets(f"\n--{name}--\n") for name in reversed(names)))


def _html(text: str) -> bytes:
    return mail(html(b64(text), "base64"))


def _typed(value: str) -> bytes:
    return mail(octets(f"Content-Type: {value}\n\nHello\n"))


HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "comments that never end": lambda: _html("<body>" + "<!-- " * 60_000),
    "scripts that never end": lambda: _html("<body>" + "<script>" * 60_000),
    "tags that never end": lambda: _html("<body>" + "<a href='" * 60_000),
    "tags that never end, without quotes": lambda: _html("<body>" + "<a b" * 60_000),
    "angle brackets only": lambda: _html("<" * 300_000),
    "end tags that never end": lambda: _html("<body>" + "</body " * 60_000),
    "end tags of the body only": lambda: _html("</body>" * 60_000),
    "elements that are never closed": lambda: _html("<div>" * 60_000),
    "blanks before the end": lambda: _html("<body>" + " " * 300_000 + "x"),
    "line ends in the text": lambda: mail(plain("x" + "\n" * 300_000 + "x")),
    "blanks in the text": lambda: mail(plain(b64("x" + " " * 300_000 + "x"), "base64")),
    "armour that never ends": lambda: mail(plain("-----BEGIN PGP PUBLIC KEY BLOCK-----\n" * 10_000)),
    "dashes only": lambda: mail(plain(("-" * 900 + "\n") * 300)),
    "soft line breaks only": lambda: mail(plain("=\n" * 100_000, "quoted-printable")),
    "equals signs only": lambda: mail(plain(("=" * 76 + "\n") * 4_000, "quoted-printable")),
    "comments in the type": lambda: _typed("text/plain " + "\n (" * 20_000),
    "closed comments in the type": lambda: _typed("text/plain " + "\n (((" * 9_000 + "\n )))" * 9_000),
    "backslashes in a quoted boundary": lambda: _typed('multipart/mixed; boundary="' + "\n \\\\" * 20_000),
    "parameters": lambda: _typed("text/plain" + "".join(f";\n a{n}=b" for n in range(20_000))),
    "sections of a parameter": lambda: _typed("multipart/mixed" + "".join(f";\n boundary*{n}=b" for n in range(20_000))),
    "semicolons": lambda: _typed("text/plain" + ("\n " + ";" * 900) * 100),
    "blanks in the type": lambda: _typed("text/plain" + ("\n " + " " * 900 + "x") * 300),
    "delimiters that are none": lambda: mail(multi("mixed", plain("--=_b1x\n--=_b\n" * 30_000))),
}
"""Mails on which a pattern that goes back, or a search that begins anew, takes minutes."""
