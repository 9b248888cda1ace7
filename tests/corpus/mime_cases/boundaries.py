"""Boundaries: how they are spelt, what they resemble, where they are missing (RFC 2046 5.1)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import (
    EITHER,
    INVALID,
    PDF,
    REFUSED,
    SPLICED,
    TEXT,
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
)

_B = "RFC 2046 5.1.1"
_P = "RFC 2045 5.1"
_TWO = (plain(), html())
_LONG = "0123456789" * 7


def _both(boundary: str, **rest: str) -> bytes:
    return mail(multi("alternative", *_TWO, boundary=boundary, **rest))  # type: ignore[arg-type]


def _nested(outer: str, inner: str, inner_close: bool = True, outer_close: bool = True) -> bytes:
    within = multi("alternative", *_TWO, boundary=inner, close=inner_close)
    return mail(multi("mixed", within, PDF, boundary=outer, close=outer_close))


_SPELT = (
    case("boundary_with_spaces", _B, "blanks inside the boundary", SPLICED, "1 2", _both("gc0y0 pkb 9ex")),
    case("boundary_all_characters", _B, "every punctuation that is allowed", SPLICED, "1 2", _both("'()+_,-./:=?")),
    case("boundary_like_a_regexp", _B, "(a+)?.(b,c)+", SPLICED, "1 2", _both("(a+)?.(b,c)+")),
    case("boundary_regexp_matches_all", _B, "a dot that as a pattern would match other lines", SPLICED, "1 2", mail(multi("alternative", plain("--abc\n--a.c.\n"), html(), boundary="a.c"))),
    case("boundary_of_70", _B, "the longest that is allowed", SPLICED, "1 2", _both(_LONG)),
    case("boundary_of_71", _B, "one more than is allowed", EITHER, "1 2", _both(_LONG + "x")),
    case("boundary_of_1", _B, "one character", SPLICED, "1 2", _both("0")),
    case("boundary_ends_in_space", _B, "a boundary must not end in a blank", EITHER, "1 2", _both("abc ", written='boundary="abc "')),
    case("boundary_unquoted", _P, "a token without quotation marks", SPLICED, "1 2", _both("abc123", written="boundary=abc123")),
    case("boundary_unquoted_special", _P, "----=_Part_1 without the quotation marks it needs", EITHER, "1 2", _both("----=_Part_1", written="boundary=----=_Part_1")),
    case("boundary_escaped", "RFC 5322 3.2.4", "quoted pairs inside", SPLICED, "1 2", _both("abc", written='boundary="\\a\\b\\c"')),
    case("boundary_with_quote_inside", _B, "an escaped quotation mark, which no boundary may have", EITHER, "1 2", _both('a"b', written='boundary="a\\"b"')),
    case("boundary_upper_parameter", _P, "BOUNDARY=", SPLICED, "1 2", _both("abc", written='BOUNDARY="abc"')),
    case("boundary_case_matters", _B, "a line differs from the delimiter by case only", SPLICED, "1 2", mail(multi("alternative", plain("--ABC\n--ABC--\n"), html(), boundary="abc"))),
    case("boundary_folded", "RFC 5322 2.2.3", "the parameter on its own line after a tab", SPLICED, "1 2", _both("abc", written='\n\tboundary="abc"')),
    case("boundary_comment_after", _P, "a comment after the boundary", SPLICED, "1 2", _both("abc", written='boundary="abc" (b(e)gin; boundary=no)')),
    case("boundary_comment_before", _P, "comments with semicolons before it", SPLICED, "1 2", _both("abc", written='(x; boundary="no") boundary=abc')),
    case("boundary_after_quoted_semicolon", _P, "another parameter has ; and = in quotation marks", SPLICED, "1 2", _both("abc", written='x="; boundary=no;"; boundary="abc"')),
    case("boundary_continued", "RFC 2231 3", "boundary*0 and boundary*1", SPLICED, "1 2", _both("abc.def", written='boundary*0="abc.";\n boundary*1="def"')),
    case("boundary_extended", "RFC 2231 4", "boundary*=us-ascii''a%2Eb", EITHER, "1 2", _both("a.b", written="boundary*=us-ascii''a%2Eb")),
    case("boundary_twice", _P, "two boundary parameters", EITHER, "1 2", _both("abc", written='boundary="abc"; boundary="def"')),
    case("boundary_empty", _P, 'boundary=""', REFUSED, "", _both("", written='boundary=""')),
    case("boundary_parameter_missing", _B, "a multipart without a boundary", INVALID, "", _both("abc", written="charset=utf-8")),
    case("boundary_8bit", _B, "octets beyond ASCII in the boundary", EITHER, "1 2", _both("größe")),
)

_LOOKALIKES = (
    case("boundary_inner_prefix_of_outer", _B, "inner abc, outer abcd", SPLICED, "1.1 1.2", _nested("abcd", "abc")),
    case("boundary_outer_prefix_of_inner", "RFC 2046 5.1.2", "outer abc, inner abcd: by the letter a delimiter of the outer", EITHER, "1.1 1.2", _nested("abc", "abcd")),
    case("boundary_inner_is_outer_closed", "RFC 2046 5.1.2", "outer abc, inner abc--", EITHER, "1.1 1.2", _nested("abc", "abc--")),
    case("boundary_the_same_twice", "RFC 2046 5.1.2", "inner and outer share the boundary", EITHER, "1.1 1.2", _nested("abc", "abc")),
    case("boundary_resembled_by_text", _B, "lines that almost are delimiters", SPLICED, "1 2", mail(multi("alternative", plain(" --abc\n-abc\n---abc\n- --abc\n--ab\n>--abc\n"), html(), boundary="abc"))),
    case("boundary_begins_a_text_line", _B, "a line begins with the delimiter and goes on", EITHER, "1 2", mail(multi("alternative", plain("--abcX\n--abc X\n"), html(), boundary="abc"))),
    case("boundary_delimiter_of_40_dashes", _B, "38 dashes: the notice's own first line is the delimiter", EITHER, "1 2", _both("-" * 38)),
    case("boundary_closed_by_40_dashes", _B, "36 dashes: the notice's first line closes the multipart", EITHER, "1 2", _both("-" * 36)),
    case("boundary_begins_40_dashes", _B, "four dashes: the notice's first line begins with the delimiter", EITHER, "1 2", _both("----")),
    case("boundary_of_dashes_in_quoted_printable", _B, "38 dashes, leaves in quoted-printable", EITHER, "1 2", mail(multi("alternative", plain(TEXT, "quoted-printable"), html("<p>Hello</p>\n", "quoted-printable"), boundary="-" * 38))),
    case("boundary_with_dashes_before", _B, "many dashes and a number, as one client writes it", SPLICED, "1 2", _both("------------030201060504")),
    case("boundary_in_base64", _B, "what the part decodes to holds the delimiter", SPLICED, "1", mail(multi("mixed", plain(b64("--abc\n--abc--\n"), "base64"), PDF, boundary="abc"))),
    case("boundary_in_the_header", _B, "a field above the body holds the delimiter", SPLICED, "1 2", mail(octets("X-Trace: a\n --abc\n --abc--\n") + multi("alternative", *_TWO, boundary="abc"))),
    case("boundary_of_digest_outside", "RFC 2046 5.1.5", "an attached mail holds a multipart with the same boundary escaped by base64", SPLICED, "1", mail(multi("mixed", plain(), leaf("application/octet-stream", b64(_both("=_b1")), "base64")))),
)

_FRAME = (
    case("preamble", _B, "words for old clients before the first delimiter", SPLICED, "1 2", _both("abc", before="This is a message in MIME format.\n\n")),
    case("preamble_empty_line", _B, "the preamble is an empty line", SPLICED, "1 2", _both("abc", before="\n")),
    case("preamble_looks_like_a_part", _B, "the preamble holds a field and a delimiter that is none", SPLICED, "1 2", _both("abc", before="Content-Type: text/plain\n\n--abcd\n --abc\n")),
    case("preamble_8bit", _B, "8-bit octets in the preamble", EITHER, "1 2", _both("abc", before="Grüße\n")),
    case("epilogue", _B, "words after the closing delimiter", SPLICED, "1 2", _both("abc", after="\nThis text is for nobody.\n")),
    case("epilogue_with_delimiters", _B, "the epilogue repeats delimiters", SPLICED, "1 2", _both("abc", after="--abc\nContent-Type: text/plain\n\nnobody sees me\n--abc--\n")),
    case("epilogue_without_line_end", _B, "the epilogue ends in the middle of a line", SPLICED, "1 2", _both("abc", after="\nend")),
    case("epilogue_of_inner", "RFC 2046 5.1.2", "the inner multipart has preamble and epilogue", SPLICED, "1.1 1.2", mail(multi("mixed", multi("alternative", *_TWO, boundary="in", before="before\n", after="after\n"), PDF))),
    case("closing_without_line_end", _B, "the mail ends with the closing delimiter", SPLICED, "1 2", _both("abc")[:-2]),
    case("closing_with_blanks", _B, "blanks and tabs after delimiters", SPLICED, "1 2", _both("abc").replace(b"--abc\r\n", b"--abc \t \r\n").replace(b"--abc--\r\n", b"--abc--\t \r\n")),
    case("closing_with_words", _B, "letters after the closing delimiter", EITHER, "1 2", _both("abc").replace(b"--abc--\r\n", b"--abc--end\r\n")),
    case("closing_missing", "RFC 2046 5.1.2", "no closing delimiter: the mail may have been cut", EITHER, "1 2", mail(multi("alternative", *_TWO, close=False))),
    case("closing_of_inner_missing", "RFC 2046 5.1.2", "the outer delimiter ends the inner multipart", SPLICED, "1.1 1.2", _nested("outer", "inner", inner_close=False)),
    case("closing_of_both_missing", "RFC 2046 5.1.2", "neither multipart is closed", EITHER, "1.1 1.2", _nested("outer", "inner", inner_close=False, outer_close=False)),
    case("closing_first", _B, "only a closing delimiter: no parts", REFUSED, "", mail(multi("mixed"))),
    case("closing_twice", _B, "the closing delimiter stands twice", SPLICED, "1 2", _both("abc") + b"--abc--\r\n"),
    case("delimiters_nowhere", _B, "the boundary never occurs", REFUSED, "", mail(leaf('multipart/mixed; boundary="abc"', TEXT))),
    case("delimiter_only_in_preamble_form", _B, "the boundary occurs, but never at the start of a line", REFUSED, "", mail(leaf('multipart/mixed; boundary="abc"', "x --abc\n\nHello\nx --abc--\n"))),
    case("part_of_nothing", _B, "two delimiters in a row: by the grammar no part between them", EITHER, "2", mail(octets('Content-Type: multipart/mixed; boundary="abc"\n\n--abc\n--abc\n') + plain() + b"\r\n--abc--\r\n")),
    case("part_of_blank_line", _B, "a part of neither fields nor text", EITHER, "1 2", mail(octets('Content-Type: multipart/mixed; boundary="abc"\n\n--abc\n\n--abc\n') + plain() + b"\r\n--abc--\r\n"), some=True),
    case("part_without_header", _B, "a part that begins with the blank line: plain ASCII", SPLICED, "1", mail(multi("mixed", leaf(None, TEXT), PDF))),
    case("part_without_blank_line", _B, "a part that is header only", EITHER, "1", mail(octets('Content-Type: multipart/mixed; boundary="abc"\n\n--abc\nContent-Type: text/plain\n--abc\n') + PDF + b"\r\n--abc--\r\n")),
    case("part_with_empty_body", _B, "header and blank line, no body", SPLICED, "1", mail(multi("mixed", plain(""), PDF))),
    case("part_ends_in_blank_lines", _B, "many line ends before the delimiter", SPLICED, "1 2", mail(alternative(plain(TEXT + "\n\n\n"), html("<p>Hello</p>\n\n\n")))),
    case("part_ends_without_line_end", _B, "the only line end belongs to the delimiter", SPLICED, "1 2", mail(alternative(plain("Hello"), html("<p>Hello</p>")))),
)

CASES: tuple[Case, ...] = (*_SPELT, *_LOOKALIKES, *_FRAME)
