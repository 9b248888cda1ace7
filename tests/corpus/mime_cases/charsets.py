"""Charsets: of many peoples, of many octets a letter, with states, unknown, wrong, missing (RFC 2046 4.1.2, RFC 2978)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from tests.corpus.eml import EITHER, GERMAN, PAGE, SPLICED, TEXT, Case, b64, case, html, leaf, mail, multi, octets, qp

_SAMPLES = (
    ("us-ascii", "RFC 2046 4.1.2", "Hello Anna, 20 pieces.\n", "7bit"),
    ("utf-8", "RFC 3629 3", "Grüße, Łódź, Αθήνα, София, 東京, 😀\n", "8bit"),
    ("iso-8859-1", "RFC 1345", "Grüße aus Århus\n", "8bit"),
    ("iso-8859-2", "RFC 1345", "Zażółć gęślą jaźń\n", "quoted-printable"),
    ("iso-8859-5", "RFC 1345", "Добрый день\n", "8bit"),
    ("iso-8859-7", "RFC 1947 3", "Καλημέρα Άννα\n", "quoted-printable"),
    ("iso-8859-8-i", "RFC 1556 2", "שלום אנה\n", "base64"),
    ("iso-8859-9", "RFC 1345", "Günaydın Şirin Hanım\n", "8bit"),
    ("iso-8859-15", "RFC 2978 2", "20 € für Žižek\n", "quoted-printable"),
    ("windows-1250", "RFC 2978 2", "Příliš žluťoučký kůň – 20 €\n", "8bit"),
    ("windows-1251", "RFC 2978 2", "Здравствуйте, Анна – „20“\n", "8bit"),
    ("windows-1252", "RFC 2978 2", "„Grüße“ – 20 €…\n", "quoted-printable"),
    ("windows-1253", "RFC 2978 2", "Καλημέρα – 20 €\n", "base64"),
    ("windows-1254", "RFC 2978 2", "Günaydın – 20 €\n", "8bit"),
    ("windows-1255", "RFC 2978 2", "שלום – 20 ₪\n", "base64"),
    ("windows-1256", "RFC 2978 2", "مرحبا آنا\n", "8bit"),
    ("windows-1257", "RFC 2978 2", "Labdien, Anna, šodien\n", "quoted-printable"),
    ("windows-1258", "RFC 2978 2", "Chào Anna â ê ô\n", "8bit"),
    ("koi8-r", "RFC 1489", "Здравствуйте, Анна\n", "8bit"),
    ("koi8-u", "RFC 2319", "Доброго дня, Ганно, їжак\n", "base64"),
    ("ibm850", "RFC 1345", "Grüße aus Ålesund\n", "quoted-printable"),
    ("cp866", "RFC 1345", "Здравствуйте\n", "8bit"),
    ("macintosh", "RFC 1345", "Grüße – “20” ƒ\n", "quoted-printable"),
    ("tis-620", "RFC 2978 2", "สวัสดีแอนนา\n", "8bit"),
    ("iso-2022-jp", "RFC 1468", "アンナ様\nお世話になっております。\n", "7bit"),
    ("iso-2022-kr", "RFC 1557", "안녕하세요 안나\n", "7bit"),
    ("shift_jis", "RFC 2978 2", "ソフト表示の予定です。能力\n", "8bit"),
    ("euc-jp", "RFC 2978 2", "お世話になっております。\n", "8bit"),
    ("gb2312", "RFC 1922", "您好，安娜\n", "8bit"),
    ("gbk", "RFC 2978 2", "您好，安娜，鎔\n", "base64"),
    ("gb18030", "RFC 2978 2", "您好 𠀀 ㈱ 〇\n", "8bit"),
    ("hz-gb-2312", "RFC 1843 2", "您好 ~ 安娜\n", "7bit"),
    ("big5", "RFC 1922", "您好，功許蓋\n", "8bit"),
    ("euc-kr", "RFC 1557", "안녕하세요 안나\n", "8bit"),
    ("ks_c_5601-1987", "RFC 1345", "안녕하세요\n", "base64"),
    ("utf-16", "RFC 2781 4.3", "Grüße 東京 😀\n", "base64"),
    ("utf-16le", "RFC 2781 4.2", "Grüße 東京 😀\n", "base64"),
    ("utf-16be", "RFC 2781 4.1", "Grüße 東京 😀\n", "quoted-printable"),
    ("utf-32", "RFC 2978 2", "Grüße 東京\n", "base64"),
    ("utf-7", "RFC 2152", "Grüße an A+B – 東京\n", "7bit"),
)
_ENCODE = {"8bit": octets, "7bit": octets, "base64": b64, "quoted-printable": qp}


def _by_charset() -> Iterator[Case]:
    for charset, rfc, sample, encoding in _SAMPLES:
        codec = {"macintosh": "mac-roman", "iso-8859-8-i": "iso-8859-8"}.get(charset, charset)
        page = f"<html><body><p>{sample.strip()}</p>\n</body></html>\n"
        if encoding == "quoted-printable" and codec.startswith("utf-16"):
            texts = [b"".join(b"=%02X" % each for each in octets(text, codec)) + b"=\r\n" for text in (sample, page)]
            bodies = [_soft(text) for text in texts]
        else:
            encode = _ENCODE[encoding]
            bodies = [encode(text, codec) for text in (sample, page)]
        parts = [
            leaf(f"text/{kind}; charset={charset}", body, encoding)
            for kind, body in zip(("plain", "html"), bodies, strict=True)
        ]
        name = charset.replace("-", "_")
        yield case(f"charset_{name}", rfc, f"text and HTML in {charset}", SPLICED, "1 2", mail(multi("alternative", *parts)))


def _soft(encoded: bytes) -> bytes:
    """Encoded octets in lines of 72 with soft breaks."""
    data = encoded.removesuffix(b"=\r\n")
    return b"=\r\n".join(data[at : at + 72] for at in range(0, len(data), 72)) + b"\r\n"


_JIS_TAG = "こんにちは".encode("iso-2022-jp")[:-3] + b"</body>x" + b"\x1b(B\r\n"
_LABELS = (
    case("charset_quoted", "RFC 2045 5.1", 'charset="iso-8859-1"', SPLICED, "1", mail(leaf('text/plain; charset="iso-8859-1"', octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_capitals", "RFC 2046 4.1.2", "CHARSET=ISO-8859-1", SPLICED, "1", mail(leaf("TEXT/PLAIN; CHARSET=ISO-8859-1", octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_comment", "RFC 2045 5.1", "charset=utf-8 (Unicode)", SPLICED, "1", mail(leaf("text/plain; charset=utf-8 (Unicode)", GERMAN, "8bit"))),
    case("charset_extended", "RFC 2231 4", "charset*=us-ascii'en'utf-8", SPLICED, "1", mail(leaf("text/plain; charset*=us-ascii'en'utf-8", GERMAN, "8bit"))),
    case("charset_continued", "RFC 2231 3", "the label in three sections", SPLICED, "1", mail(leaf('text/plain; charset*0="iso"; charset*1="-8859";\n charset*2=-1', octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_continued_out_of_order", "RFC 2231 3", "the sections the wrong way round", SPLICED, "1", mail(leaf('text/plain; charset*1="-8";\n charset*0=utf', GERMAN, "8bit"))),
    case("charset_folded", "RFC 5322 2.2.3", "every parameter on its line, with a tab", SPLICED, "1", mail(leaf("text/plain;\n\tformat=fixed;\n\tcharset=utf-8", GERMAN, "8bit"))),
    case("charset_with_neighbours", "RFC 2045 5.1", "unknown parameters around it stay", SPLICED, "1", mail(leaf('text/plain; reply-type="a;b \\"c\\""; charset=iso-8859-1; x-mac-type=54455854', octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_utf8_without_dash", "RFC 2978 2", "utf8, an alias nobody registered", SPLICED, "1", mail(leaf("text/plain; charset=utf8", GERMAN, "8bit"))),
    case("charset_missing", "RFC 2045 5.2", "text/plain without a charset, all ASCII", SPLICED, "1", mail(leaf("text/plain", TEXT))),
    case("charset_missing_8bit", "RFC 2045 5.2", "no charset, but 8-bit octets", EITHER, "1", mail(leaf("text/plain", octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_ascii_with_8bit", "RFC 2046 4.1.2", "us-ascii with 8-bit octets", EITHER, "1", mail(leaf("text/plain; charset=us-ascii", octets(GERMAN, "latin-1"), "8bit"))),
    case("charset_empty", "RFC 2045 5.1", 'charset=""', EITHER, "1", mail(leaf('text/plain; charset=""', TEXT))),
    case("charset_twice", "RFC 2045 5.1", "two charset parameters", EITHER, "1", mail(leaf("text/plain; charset=utf-8; charset=iso-8859-1", GERMAN, "8bit"))),
    case("charset_unknown", "RFC 2978 2", "x-martian, all ASCII", EITHER, "1", mail(leaf("text/plain; charset=x-martian", TEXT))),
    case("charset_unknown_8bit", "RFC 1428 3", "unknown-8bit with 8-bit octets", EITHER, "1", mail(leaf("text/plain; charset=unknown-8bit", b"Gr\xfc\xdfe\r\n", "8bit"))),
    case("charset_unknown_qp", "RFC 2978 2", "an unknown charset in quoted-printable", EITHER, "1", mail(leaf("text/plain; charset=x-user-defined", b"Gr=FC=DFe\r\n", "quoted-printable"))),
    case("charset_unknown_on_attachment", "RFC 2978 2", "only the attachment is unknown", SPLICED, "1", mail(multi("mixed", leaf("text/plain", TEXT), leaf("text/plain; charset=x-martian", b"\xff\xfe\r\n", "8bit", "Content-Disposition: attachment; filename=a.txt")))),
    case("charset_with_code_name", "RFC 2978 2", "names of Python codecs that are no charsets", EITHER, "1", mail(leaf("text/plain; charset=rot13", TEXT))),
    case("charset_with_codec_of_octets", "RFC 2978 2", "charset=base64, which Python knows as a codec", EITHER, "1", mail(leaf("text/plain; charset=base64", TEXT))),
    case("charset_punycode", "RFC 3492 1", "charset=punycode, which Python knows as a codec", EITHER, "1", mail(leaf("text/plain; charset=punycode", TEXT))),
    case("charset_idna", "RFC 3490 4", "charset=idna, which Python knows as a codec", EITHER, "1", mail(leaf("text/plain; charset=idna", TEXT))),
    case("charset_unicode_escape", "RFC 2978 2", "charset=unicode_escape, with backslashes in the text", EITHER, "1", mail(leaf("text/plain; charset=unicode_escape", "C:\\new\\u0041nna \\x41\n"))),
    case("charset_undefined", "RFC 2978 2", "charset=undefined, a codec that always fails", EITHER, "1", mail(leaf("text/plain; charset=undefined", TEXT))),
    case("charset_with_nul", "RFC 2045 5.1", "a charset with a percent-encoded NUL", EITHER, "1", mail(leaf("text/plain; charset*=us-ascii''utf%008", TEXT))),
    case("charset_with_line_of_nonsense", "RFC 2045 5.1", "a charset of 300 letters", EITHER, "1", mail(leaf(f"text/plain; charset={'x' * 300}", TEXT))),
    case("charset_utf8_broken", "RFC 3629 3", "octets that are no UTF-8", EITHER, "1", mail(leaf("text/plain; charset=utf-8", b"Gr\xc3 \xff\xfee\r\n", "8bit"))),
    case("charset_utf8_cut", "RFC 3629 3", "the last letter is cut in half", EITHER, "1", mail(leaf("text/plain; charset=utf-8", b"Gr\xc3\xbc\xc3\x9fe von Zo\xc3", "8bit"))),
    case("charset_utf8_bom", "RFC 3629 6", "a byte order mark before UTF-8", SPLICED, "1 2", mail(multi("alternative", leaf("text/plain; charset=utf-8", "\ufeff" + GERMAN, "8bit"), html("\ufeff" + PAGE, "8bit")))),
    case("charset_utf16_no_mark", "RFC 2781 4.3", "utf-16 without a byte order mark", EITHER, "1", mail(leaf("text/plain; charset=utf-16", b64(GERMAN, "utf-16be"), "base64"))),
    case("charset_utf16_big_endian_mark", "RFC 2781 4.3", "utf-16 with the mark of big-endian", SPLICED, "1", mail(leaf("text/plain; charset=utf-16", b64(b"\xfe\xff" + octets(GERMAN, "utf-16be")), "base64"))),
    case("charset_utf16_odd", "RFC 2781 2", "an odd number of octets", EITHER, "1", mail(leaf("text/plain; charset=utf-16le", b64(octets(TEXT, "utf-16le") + b"x"), "base64"))),
    case("charset_utf16_raw", "RFC 2046 4.1.1", "utf-16 without any encoding", EITHER, "1", mail(leaf("text/plain; charset=utf-16le", "Anna".encode("utf-16le"), "8bit"))),
    case("charset_jis_state_left_open", "RFC 1468", "the text ends without the escape back to ASCII", SPLICED, "1", mail(leaf("text/plain; charset=iso-2022-jp", "アンナ様".encode("iso-2022-jp")[:-3], "7bit"))),
    case("charset_jis_spells_a_tag", "RFC 1468", "the octets of Kanji read </body>", SPLICED, "1", mail(leaf("text/html; charset=iso-2022-jp", b"<html><body><p>" + _JIS_TAG + b"</p></body></html>\r\n", "7bit"))),
    case("charset_utf7_hides_a_tag", "RFC 2152", "</body> as +ADw-/body+AD4-", SPLICED, "1", mail(leaf("text/html; charset=utf-7", b"+ADw-html+AD4APA-body+AD4-Hello+ADw-/body+AD4APA-/html+AD4-\r\n", "7bit"))),
    case("charset_shift_jis_backslash", "RFC 2978 2", "letters whose second octet is a backslash or |", SPLICED, "1", mail(leaf("text/html; charset=shift_jis", octets("<html><body><p title='ソ|表'>十ソ</p></body></html>\n", "shift_jis"), "8bit"))),
    case("charset_big5_in_tag", "RFC 2978 2", "second octets that look like ASCII", SPLICED, "1", mail(leaf("text/html; charset=big5", octets("<body><p>功\\許蓋|</p></body>\n", "big5"), "8bit"))),
    case("charset_meta_contradicts", "RFC 2854 4", "the page's meta names another charset than the field", SPLICED, "1", mail(leaf("text/html; charset=utf-8", "<html><head><meta charset='iso-8859-1'></head><body>Grüße</body></html>\n", "8bit"))),
    case("charset_only_in_meta", "RFC 2854 4", "only the page's meta names it", EITHER, "1", mail(leaf("text/html", octets("<html><head><meta charset='iso-8859-1'></head><body>Grüße</body></html>\n", "latin-1"), "8bit"))),
    case("charset_differs_by_branch", "RFC 2046 5.1.4", "text in koi8-r, HTML in windows-1251", SPLICED, "1 2", mail(multi("alternative", leaf("text/plain; charset=koi8-r", octets("Здравствуйте\n", "koi8-r"), "8bit"), leaf("text/html; charset=windows-1251", qp("<p>Здравствуйте</p>\n", "windows-1251"), "quoted-printable")))),
    case("charset_ascii_in_base64", "RFC 2046 4.1.2", "us-ascii in base64", SPLICED, "1", mail(leaf("text/plain; charset=us-ascii", b64(TEXT), "base64"))),
    case("charset_old_ascii_name", "RFC 1345", "ANSI_X3.4-1968", SPLICED, "1", mail(leaf("text/plain; charset=ANSI_X3.4-1968", TEXT))),
)

CASES: tuple[Case, ...] = (*_by_charset(), *_LABELS)
