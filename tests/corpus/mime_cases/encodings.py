"""Content-Transfer-Encoding: odd spellings, odd lines, odd ends (RFC 2045 6, RFC 4648)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import (
    EITHER,
    GERMAN,
    PAGE,
    PDF,
    REFUSED,
    SPLICED,
    TEXT,
    Case,
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

_UTF8 = "text/plain; charset=utf-8"
_CTE = "RFC 2045 6.1"
_B64 = "RFC 2045 6.8"
_QP = "RFC 2045 6.7"
_FLOW = "RFC 3676 4"
_ONE = b64(GERMAN, width=9_999).strip()

_SPELLINGS = (
    case("cte_absent", _CTE, "no encoding field: 7bit", SPLICED, "1", mail(leaf("text/plain", TEXT))),
    case("cte_7bit", _CTE, "7bit", SPLICED, "1", mail(leaf(_UTF8, TEXT, "7bit"))),
    case("cte_7bit_upper", _CTE, "7BIT in capitals", SPLICED, "1", mail(leaf(_UTF8, TEXT, "7BIT"))),
    case("cte_8bit", "RFC 6152 3", "8bit octets", SPLICED, "1", mail(leaf(_UTF8, GERMAN, "8bit"))),
    case("cte_8bit_odd_case", _CTE, "8BiT", SPLICED, "1", mail(leaf(_UTF8, GERMAN, "8BiT"))),
    case("cte_binary", "RFC 3030 3", "binary, though the lines are short", SPLICED, "1", mail(leaf(_UTF8, GERMAN, "binary"))),
    case("cte_quoted_printable_odd_case", _CTE, "Quoted-PrintABLE", SPLICED, "1", mail(leaf(_UTF8, qp(GERMAN), "Quoted-PrintABLE"))),
    case("cte_base64_upper", _CTE, "BASE64", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "BASE64"))),
    case("cte_comment_after", "RFC 2045 2.1", "base64 (by hand)", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "base64 (by hand)"))),
    case("cte_comment_before", "RFC 2045 2.1", "a nested comment before the word", SPLICED, "1", mail(leaf(_UTF8, qp(GERMAN), "(so (it) is) quoted-printable"))),
    case("cte_folded", "RFC 5322 2.2.3", "the word stands on the next line", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "\n base64"))),
    case("cte_white_space_around", "RFC 5322 3.2.2", "tabs before, blanks after", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "\t base64  "))),
    case("cte_without_space", "RFC 5322 3.6.8", "nothing between colon and word", SPLICED, "1", mail(octets(f"Content-Type:{_UTF8}\nContent-Transfer-Encoding:base64\n\n") + b64(GERMAN))),
    case("cte_before_type", "RFC 2045 3", "the encoding stands above the type", SPLICED, "1", mail(leaf(None, qp(GERMAN), "quoted-printable", f"Content-Type: {_UTF8}"))),
    case("cte_semicolon", _CTE, "quoted-printable; with a semicolon too many", EITHER, "1", mail(leaf(_UTF8, qp(GERMAN), "quoted-printable;"))),
    case("cte_in_quotes", _CTE, "the word in quotation marks", EITHER, "1", mail(leaf(_UTF8, b64(GERMAN), '"base64"'))),
    case("cte_8_dash_bit", _CTE, "8-bit, which is no word of the RFC", EITHER, "1", mail(leaf(_UTF8, GERMAN, "8-bit"))),
    case("cte_utf8", _CTE, "a charset in place of an encoding", EITHER, "1", mail(leaf(_UTF8, GERMAN, "utf-8"))),
    case("cte_empty", _CTE, "the field is empty", EITHER, "1", mail(leaf(_UTF8, TEXT, ""))),
    case("cte_unknown", "RFC 2045 6.4", "an encoding nobody knows: to be seen as octets", REFUSED, "", mail(leaf(_UTF8, TEXT, "x-rot47"))),
    case("cte_uuencode", "RFC 2045 6.3", "x-uuencode", EITHER, "1", mail(leaf(_UTF8, "begin 644 a.txt\n#:&D*\n`\nend\n", "x-uuencode"))),
    case("cte_unknown_on_attachment", "RFC 2045 6.4", "the attachment's encoding is nobody's business", SPLICED, "1", mail(multi("mixed", plain(), leaf("application/x-thing", "??=\n", "x-own")))),
    case("cte_7bit_with_8bit", "RFC 2045 6.2", "declared 7bit, holds 8-bit octets", EITHER, "1", mail(leaf(_UTF8, GERMAN, "7bit"))),
    case("cte_twice_the_same", "RFC 2045 3", "the same field twice", EITHER, "1", mail(leaf(_UTF8, b64(GERMAN), "base64", "Content-Transfer-Encoding: base64"))),
    case("cte_twice_contradicting", "RFC 2045 3", "base64 and 7bit at once", REFUSED, "", mail(leaf(_UTF8, b64(GERMAN), "base64", "Content-Transfer-Encoding: 7bit"))),
    case("cte_base64_on_multipart", "RFC 2045 6.4", "a multipart said to be base64", REFUSED, "", mail(octets("Content-Transfer-Encoding: base64\n") + multi("mixed", plain(), PDF))),
    case("cte_qp_on_multipart", "RFC 2045 6.4", "a multipart said to be quoted-printable", EITHER, "1", mail(octets("Content-Transfer-Encoding: quoted-printable\n") + multi("mixed", plain(), PDF))),
    case("cte_8bit_on_multipart", "RFC 2045 6.4", "an 8bit multipart with an 8bit leaf", SPLICED, "1 2", mail(octets("Content-Transfer-Encoding: 8bit\n") + multi("alternative", plain(GERMAN, "8bit"), html(PAGE, "8bit")))),
    case("cte_7bit_on_multipart", "RFC 2045 6.4", "a 7bit multipart must stay so inside", SPLICED, "1 2", mail(octets("Content-Transfer-Encoding: 7bit\n") + multi("alternative", plain(TEXT, "7bit"), html(PAGE, "7bit")))),
)

_BASE64 = (
    case("base64_plain", _B64, "lines of 76", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "base64"))),
    case("base64_html", _B64, "HTML in base64", SPLICED, "1", mail(html(b64(PAGE), "base64"))),
    case("base64_one_line", _B64, "one line longer than 76", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN * 4, width=990), "base64"))),
    case("base64_line_over_998", "RFC 5322 2.1.1", "one line of more than 998 octets", EITHER, "1", mail(leaf(_UTF8, b64(GERMAN * 9, width=9_999), "base64"))),
    case("base64_lines_of_4", _B64, "four octets a line", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN, width=4), "base64"))),
    case("base64_lines_of_5", _B64, "lines break inside a group of four", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN, width=5), "base64"))),
    case("base64_lines_of_1", _B64, "one octet a line", SPLICED, "1", mail(leaf(_UTF8, b64("Grüße\n", width=1), "base64"))),
    case("base64_indented", _B64, "blanks and tabs before and after each line", SPLICED, "1", mail(leaf(_UTF8, b"".join(b" \t" + line + b" \r\n" for line in b64(GERMAN).split()), "base64"))),
    case("base64_blank_lines", _B64, "blank lines between the lines and after them", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN).replace(b"\r\n", b"\r\n\r\n") + b"\r\n\r\n", "base64"))),
    case("base64_no_last_line_end", _B64, "the data ends without a line end", SPLICED, "1", mail(leaf(_UTF8, _ONE, "base64"))),
    case("base64_padded_twice", _B64, "two padding characters", SPLICED, "1", mail(leaf(_UTF8, b64("Hello Anna.\n"), "base64"))),
    case("base64_no_padding_needed", _B64, "a multiple of three octets", SPLICED, "1", mail(leaf(_UTF8, b64("Hello Anna\n"), "base64"))),
    case("base64_padding_missing", "RFC 4648 3.2", "padding left out", EITHER, "1", mail(leaf(_UTF8, b64("Hello Anna!!\n").replace(b"=", b""), "base64"))),
    case("base64_data_after_padding", _B64, "two encoded texts in a row", EITHER, "1", mail(leaf(_UTF8, b64("Hello Anna!!\n") + b64("Good bye Anna\n"), "base64"))),
    case("base64_foreign_characters", _B64, "characters outside the alphabet", EITHER, "1", mail(leaf(_UTF8, b64(GERMAN, width=20).replace(b"\r\n", b"*\r\n"), "base64"))),
    case("base64_one_character_too_many", "RFC 4648 3.3", "five characters: no octets", EITHER, "1", mail(leaf(_UTF8, b"SGVsb\r\n", "base64"))),
    case("base64_empty", _B64, "an empty body", SPLICED, "1", mail(leaf(_UTF8, "", "base64"))),
    case("base64_of_lf_lines", "RFC 2045 6.8", "the text inside has LF line ends", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN.encode()), "base64"))),
    case("base64_of_no_last_line_end", _B64, "the text inside ends in the middle of a line", SPLICED, "1", mail(leaf(_UTF8, b64("Grüße von Eva"), "base64"))),
    case("base64_of_white_space", _B64, "only white space inside", SPLICED, "1", mail(leaf(_UTF8, b64(" \n\t\n \n"), "base64"))),
    case("base64_as_words", _B64, "8bit text that looks like base64", SPLICED, "1", mail(leaf(_UTF8, b64(GERMAN), "8bit"))),
    case("base64_in_multipart_without_line_end", "RFC 2046 5.1.1", "the delimiter follows the data at once", SPLICED, "1 2", mail(multi("alternative", plain(_ONE, "base64"), html(b64(PAGE, width=9_999).strip(), "base64")))),
)

_QUOTED = (
    case("qp_soft_breaks", _QP, "one paragraph over many soft line breaks", SPLICED, "1", mail(leaf(_UTF8, qp(GERMAN.replace("\n", " ") * 5), "quoted-printable"))),
    case("qp_lower_hex", _QP, "lower-case hexadecimal digits", SPLICED, "1", mail(leaf(_UTF8, qp(GERMAN).replace(b"=C3=BC", b"=c3=bc"), "quoted-printable"))),
    case("qp_trailing_blanks", _QP, "blanks at line ends that transport added", SPLICED, "1", mail(leaf(_UTF8, qp(GERMAN).replace(b"\r\n", b"  \r\n"), "quoted-printable"))),
    case("qp_encoded_blank_at_end", _QP, "=20 and =09 at line ends", SPLICED, "1", mail(leaf(_UTF8, b"Hello=20\r\nAnna=09\r\n", "quoted-printable"))),
    case("qp_equals_at_end", _QP, "the body ends in a soft line break", SPLICED, "1", mail(leaf(_UTF8, b"Gr=C3=BC=C3=9Fe von Eva=\r\n", "quoted-printable"))),
    case("qp_equals_at_very_end", _QP, "the body ends in = without a line end", SPLICED, "1", mail(leaf(_UTF8, b"Gr=C3=BC=C3=9Fe von Eva=", "quoted-printable"))),
    case("qp_equals_before_delimiter", "RFC 2046 5.1.1", "a soft line break right before the delimiter", SPLICED, "1 2", mail(multi("alternative", plain(b"Gr=C3=BC=C3=9Fe=", "quoted-printable"), html(b"<p>Gr=C3=BC=C3=9Fe</p>=", "quoted-printable")))),
    case("qp_no_last_line_end", _QP, "the last line has no line end", SPLICED, "1", mail(leaf(_UTF8, b"Gr=C3=BC=C3=9Fe", "quoted-printable"))),
    case("qp_blank_after_equals", _QP, "transport added blanks after the =", SPLICED, "1", mail(leaf(_UTF8, b"Hello =  \r\nAnna\r\n", "quoted-printable"))),
    case("qp_split_character", _QP, "a soft break between the octets of one letter", SPLICED, "1", mail(leaf(_UTF8, b"Gr=C3=\r\n=BC=C3=9Fe\r\n", "quoted-printable"))),
    case("qp_only_equals_lines", _QP, "lines that hold nothing but =", SPLICED, "1", mail(leaf(_UTF8, b"Hello\r\n=\r\n=\r\nAnna\r\n", "quoted-printable"))),
    case("qp_encoded_line_ends", _QP, "=0D=0A inside a line", SPLICED, "1", mail(leaf(_UTF8, b"Hello=0D=0AAnna=0D=0A", "quoted-printable"))),
    case("qp_encoded_lf", _QP, "=0A alone inside a line", SPLICED, "1", mail(leaf(_UTF8, b"Hello=0AAnna=0A", "quoted-printable"))),
    case("qp_bad_hex", _QP, "=ZZ is no octet", EITHER, "1", mail(leaf(_UTF8, b"5 =ZZ 6\r\n", "quoted-printable"))),
    case("qp_bare_equals", _QP, "an = that nobody encoded", EITHER, "1", mail(leaf(_UTF8, b"price = 20\r\n", "quoted-printable"))),
    case("qp_line_over_76", _QP, "a line of 200", SPLICED, "1", mail(leaf(_UTF8, b"Gr=C3=BC=C3=9Fe " * 11 + b"\r\n", "quoted-printable"))),
    case("qp_8bit_octets", _QP, "octets that should have been encoded", EITHER, "1", mail(leaf(_UTF8, "Grüße =C3=BC\n", "quoted-printable"))),
    case("qp_dot_lines", "RFC 5321 4.5.2", "lines of dots are not stuffed in a file", SPLICED, "1", mail(leaf(_UTF8, b".\r\n..\r\n=2E\r\n.a\r\n", "quoted-printable"))),
    case("qp_encoded_delimiter", "RFC 2046 5.1.1", "the text shows the delimiter, encoded", SPLICED, "1", mail(multi("mixed", plain(b"=2D-=3D_b1\r\n=2D-=3D_b1--\r\n", "quoted-printable"), PDF))),
    case("qp_html_split_tag", _QP, "a soft break inside </body>", SPLICED, "1", mail(html(b"<html><body><p>Hello</p></bo=\r\ndy></html>\r\n", "quoted-printable"))),
    case("qp_html_encoded_tag", _QP, "every < is encoded", SPLICED, "1", mail(html(qp(PAGE).replace(b"<", b"=3C"), "quoted-printable"))),
    case("qp_html_all_encoded", _QP, "every octet is encoded", SPLICED, "1", mail(html(b"=\r\n".join(b"".join(b"=%02X" % octet for octet in PAGE.encode()[at : at + 24]) for at in range(0, len(PAGE), 24)), "quoted-printable"))),
)

_FLOWED = (
    case("flowed_plain", _FLOW, "soft and hard lines", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed", "Hello Anna, here is \nthe offer we \nspoke about.\n\nEva\n"))),
    case("flowed_soft_last_line", _FLOW, "the last line is soft: what follows would flow into it", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed", "Hello Anna, here is \nthe offer \n"))),
    case("flowed_soft_last_line_no_end", _FLOW, "the last line is soft and has no line end", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed", "Hello Anna, here is \nthe offer "))),
    case("flowed_delsp", _FLOW, "delsp=yes: the blank before the break does not count", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed; delsp=yes", "価格は次の \nとおりです。\n", "8bit"))),
    case("flowed_stuffed", "RFC 3676 4.4", "space-stuffed lines", SPLICED, "1", mail(leaf("text/plain; format=flowed", " From the start\n  indented\n > no quote\n"))),
    case("flowed_quoted_soft", "RFC 3676 4.5", "the text ends in a soft quoted line", SPLICED, "1", mail(leaf("text/plain; format=flowed", "Yes.\n\n> would you \n> send it \n"))),
    case("flowed_signature", "RFC 3676 4.3", "the mark of a signature is no soft line", SPLICED, "1", mail(leaf("text/plain; format=flowed", "Hello \nAnna\n-- \nEva Berg\n"))),
    case("flowed_signature_mark_last", "RFC 3676 4.3", "the text ends in the mark of a signature", SPLICED, "1", mail(leaf("text/plain; format=flowed", "Hello Anna\n-- \n"))),
    case("flowed_in_capitals", "RFC 3676 4", "FORMAT=Flowed", SPLICED, "1", mail(leaf("text/plain; FORMAT=Flowed; Charset=UTF-8", "Hello \nAnna \n"))),
    case("flowed_quoted_value", "RFC 2045 5.1", 'format="flowed"', SPLICED, "1", mail(leaf('text/plain; format="flowed"; charset="utf-8"', "Hello \nAnna \n"))),
    case("flowed_qp", _FLOW, "soft lines in quoted-printable", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed", b"Gr=C3=BC=C3=9Fe an=20\r\nFrau=20\r\nM=C3=BCller\r\n", "quoted-printable"))),
    case("flowed_base64", _FLOW, "soft lines in base64", SPLICED, "1", mail(leaf("text/plain; charset=utf-8; format=flowed", b64("Grüße an \nFrau \nMüller \n"), "base64"))),
    case("flowed_in_alternative", _FLOW, "the flowed branch of an alternative", SPLICED, "1 2", mail(multi("alternative", leaf("text/plain; format=flowed", "Hello \nAnna \n"), html()))),
    case("format_fixed", _FLOW, "format=fixed with blanks at line ends", SPLICED, "1", mail(leaf("text/plain; format=fixed", "Hello \nAnna \n"))),
)

CASES: tuple[Case, ...] = (*_SPELLINGS, *_BASE64, *_QUOTED, *_FLOWED)
