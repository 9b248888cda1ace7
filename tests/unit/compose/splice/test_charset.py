"""Character sets and the names of them."""

from __future__ import annotations

import pytest

from penstock.compose.splice.charset import codec_of, in_utf8, searchable


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("us-ascii", "ascii"),
        ("ANSI_X3.4-1968", "ascii"),
        ("UTF-8", "utf_8"),
        ("utf8", "utf_8"),
        (" iso-8859-1 ", "latin_1"),
        ("ISO-8859-15", "iso8859_15"),
        ("windows-1252", "cp1252"),
        ("cp1251", "cp1251"),
        ("koi8-u", "koi8_u"),
        ("ks_c_5601-1987", "euc_kr"),
        ("GB2312", "gb2312"),
        ("gb18030", "gb18030"),
        ("Shift_JIS", "shift_jis"),
        ("x-sjis", "cp932"),
        ("iso-2022-jp", "iso2022_jp"),
        ("UTF-16LE", "utf_16_le"),
    ],
)
def test_a_charset_of_mails_is_known(charset: str, codec: str) -> None:
    assert codec_of(charset) == codec


@pytest.mark.parametrize(
    "charset",
    [
        "",
        "x-unknown",
        "base64",
        "rot13",
        "zlib",
        "unicode_escape",
        "idna",
        "punycode",
        "undefined",
        "a" * 99,
        "utf-8é",
        "utf\08",
        "utf\t8",
    ],
)
def test_what_is_no_charset_is_unknown(charset: str) -> None:
    assert codec_of(charset) is None


def test_every_codec_that_is_known_reads_text() -> None:
    from penstock.compose.splice.charset import _KNOWN

    assert len(_KNOWN) > 80
    for codec in _KNOWN:
        assert isinstance(b"".decode(codec), str)


@pytest.mark.parametrize(
    "codec", ["ascii", "utf_8", "latin_1", "cp1252", "koi8_r", "gb18030", "big5", "euc_jp", "cp932"]
)
def test_in_these_sets_ascii_means_itself(codec: str) -> None:
    assert searchable(codec)


@pytest.mark.parametrize("codec", ["utf_16", "utf_16_le", "utf_32", "utf_7", "hz", "iso2022_jp", "iso2022_kr", "cp500"])
def test_in_these_sets_it_need_not(codec: str) -> None:
    assert not searchable(codec)


@pytest.mark.parametrize(
    ("octets", "codec", "text"),
    [
        ("grün".encode("utf-16"), "utf_16", "grün"),
        (b"\xfe\xff\x00a", "utf_16", "a"),
        (b"\x00a\x00b", "utf_16", "ab"),
        (b"\x00\x00\x00a", "utf_32", "a"),
        ("①".encode("cp932"), "shift_jis", "①"),
        ("镕".encode("gb18030"), "gb2312", "镕"),
        ("grün".encode(), "ascii", "grün"),
        (b"+AOQ-", "utf_7", "ä"),
        (b"", "utf_16", ""),
    ],
)
def test_text_comes_out_as_utf8(octets: bytes, codec: str, text: str) -> None:
    found = in_utf8(octets, codec)
    assert found is not None
    assert b"".join(found).decode() == text


def test_a_text_of_many_pieces_is_cut_in_no_character() -> None:
    text = "aö漢👋" * 50_000
    for codec in ("utf_8", "utf_16_be", "gb18030", "utf_7"):
        found = in_utf8(text.encode(codec), codec)
        assert found is not None
        assert len(found) > 2
        assert b"".join(found).decode() == text


@pytest.mark.parametrize(
    ("octets", "codec"), [(b"\xff", "utf_8"), (b"\xff", "ascii"), (b"a", "utf_16"), (b"\x81", "cp1252")]
)
def test_octets_that_are_no_text_are_told(octets: bytes, codec: str) -> None:
    assert in_utf8(octets, codec) is None
