"""Notices that are there already, and what only resembles them: a second run adds nothing, a quotation counts for nothing."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import (
    EITHER,
    PDF,
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
    qp,
)
from tests.corpus.notices import ENGLISH, POLISH

_PAGE = "<html><body>\n<p>Hello Anna</p>\n{notice}\n</body></html>\n"
_BLOCK = "\n\n" + ENGLISH.text
_DONE = _PAGE.format(notice=ENGLISH.html.replace("><", ">\n<"))
_HEADERS = tuple(f"{name}: {value}" for name, value in ENGLISH.headers)
_OLD = ENGLISH.text.replace("AQGx7", "AQOld")
_ONCE = "RFC 8058 3.1"


CASES: tuple[Case, ...] = (
    case("twice_text", _ONCE, "the same notice is there already", SPLICED, "1", mail(plain(TEXT + _BLOCK), *_HEADERS), already="1", notice="english"),
    case("twice_text_qp", _ONCE, "the same notice in quoted-printable", SPLICED, "1", mail(plain(qp(TEXT + _BLOCK), "quoted-printable"), *_HEADERS), already="1", notice="english"),
    case("twice_text_base64", _ONCE, "the same notice in base64", SPLICED, "1", mail(plain(b64(TEXT + _BLOCK), "base64")), already="1", notice="english"),
    case("twice_html", _ONCE, "the same notice in HTML, in lines", EITHER, "1", mail(html(_DONE), *_HEADERS), already="1", notice="english"),
    case("twice_html_base64", _ONCE, "the same notice in HTML in base64", SPLICED, "1", mail(html(b64(_PAGE.format(notice=ENGLISH.html)), "base64"), *_HEADERS), already="1", notice="english"),
    case("twice_alternative", _ONCE, "the same notice in both branches", SPLICED, "1 2", mail(alternative(plain(TEXT + _BLOCK), html(b64(_PAGE.format(notice=ENGLISH.html)), "base64")), *_HEADERS), already="1 2", notice="english"),
    case("twice_half", _ONCE, "the notice is in the text, not in the HTML", SPLICED, "1 2", mail(alternative(plain(TEXT + _BLOCK), html())), already="1", notice="english"),
    case("twice_other_half", _ONCE, "the notice is in the HTML, not in the text", SPLICED, "1 2", mail(alternative(plain(), html(b64(_PAGE.format(notice=ENGLISH.html)), "base64"))), already="2", notice="english"),
    case("twice_polish_base64", _ONCE, "the same notice in UTF-8", SPLICED, "1", mail(plain(b64(TEXT + "\n\n" + POLISH.text), "base64")), already="1", notice="polish"),
    case("twice_flowed", "RFC 3676 4", "the same notice in flowed text", SPLICED, "1", mail(leaf("text/plain; charset=us-ascii; format=flowed", TEXT + "\n\n" + ENGLISH.text.replace("From", " From"))), already="1", notice="english"),
    case("quoted_notice", "RFC 3676 4.5", "an answer quotes an older notice", SPLICED, "1", mail(plain("Yes.\n\n" + "".join(f"> {line}\n" for line in (TEXT + _OLD).splitlines())))),
    case("quoted_notice_html", "RFC 2854 2", "an answer quotes an older notice with its marks", SPLICED, "1", mail(html("<html><body><p>Yes.</p><blockquote>" + ENGLISH.html.replace("AQGx7", "AQOld").replace("><", ">\n<") + "</blockquote></body></html>\n"))),
    case("quoted_notice_forwarded", "RFC 5322 2.3", "an older notice in a forwarded text, words below it", SPLICED, "1", mail(plain("See below.\n\n" + _OLD + "\n\nand this comes after\n"))),
    case("older_notice_at_the_end", _ONCE, "a notice of an earlier campaign stands where ours will", EITHER, "1", mail(plain(TEXT + "\n\n" + _OLD))),
    case("older_notice_at_the_end_html", _ONCE, "a notice of an earlier campaign at the end of the page", EITHER, "1", mail(html(b64(_PAGE.format(notice=ENGLISH.html.replace("AQGx7", "AQOld"))), "base64"))),
    case("marks_of_a_stranger", _ONCE, "elements that say nothing carry all our marks", EITHER, "1", mail(html("<p>Hello</p>" + "".join(f"<i data-penstock='{mark}'></i>\n" for mark in ("identity", "reason", "source", "rights", "objection", "optout", "contact"))))),
    case("marks_hidden", _ONCE, "the very notice is there, but nobody sees it", EITHER, "1", mail(html(b64("<p>Hello</p><div style='display:none'>" + ENGLISH.html.replace("AQGx7", "AQOld") + "</div>\n"), "base64"))),
    case("attached_notice", "RFC 2046 5.2.1", "an attached mail holds the very notice", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/rfc822", mail(plain(TEXT + _BLOCK), *_HEADERS))))),
    case("attached_notice_text", "RFC 2183 2.2", "an attached text file holds the very notice", SPLICED, "1", mail(multi("mixed", plain(), leaf("text/plain", TEXT + _BLOCK, None, "Content-Disposition: attachment; filename=a.txt")))),
    case("notice_in_comment", "RFC 1866 3.2.5", "the very notice, but in a comment of the page", EITHER, "1", mail(html(b64("<html><body><p>Hello</p><!-- " + ENGLISH.html + " --></body></html>\n"), "base64")), shown=False, notice="polish"),
    case("dashes_of_the_writer", "RFC 5322 2.3", "a line of 40 dashes that is not ours", SPLICED, "1", mail(plain("Prices\n" + "-" * 40 + "\n\n20 EUR\n"))),
    case("dashes_at_the_end", "RFC 5322 2.3", "the text ends in a line of 40 dashes", SPLICED, "1", mail(plain("Prices\n" + "-" * 40 + "\n"))),
    case("dashes_of_a_list", "RFC 3676 4.3", "another list's footer stands at the end", SPLICED, "1", mail(multi("mixed", plain(TEXT + "\n" + "_" * 47 + "\nlist@other.example\nunsubscribe: https://other.example/u\n"), PDF))),
    case("unsubscribe_words_of_the_writer", "RFC 2369 3.2", "the page has a link to unsubscribe of its own", SPLICED, "1", mail(html('<p>Hello</p><a href="https://other.example/u">Unsubscribe</a>\n'))),
    case("headers_of_ours_only", _ONCE, "our fields are there, the notice is not", SPLICED, "1", mail(plain(), *_HEADERS)),
    case("headers_of_ours_twice", _ONCE, "our fields stand twice", SPLICED, "1", octets("".join(f"{each}\n" for each in _HEADERS)) + mail(plain(), *_HEADERS)),
)
