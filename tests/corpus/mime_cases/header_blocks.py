"""Header blocks: folded, doubled, broken, long, foreign; fields that must go, stay or be replaced (RFC 5322, 6532)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import (
    EITHER,
    FIELDS,
    INVALID,
    PAGE,
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

_DKIM = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\n\th=from:to:subject; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n"
    "\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR"
)
_ARC = (
    "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=list.example; s=s1; b=AAAA",
    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=list.example;\n s=s1; h=from:to; bh=BBBB; b=CCCC",
    "ARC-Authentication-Results: i=1; list.example; spf=pass",
)
_USUAL = octets("".join(f"{each}\n" for each in FIELDS))
_TYPE = "RFC 2045 5.1"
_DEFAULT = "RFC 2045 5.2"
_FIELD = "RFC 5322 2.2"


def _text(*fields: str | bytes, without: str = "") -> bytes:
    return mail(plain(), *fields, without=without)


def _typed(value: str, body: str = TEXT) -> bytes:
    return mail(leaf(value, body))


_TYPES = (
    case("type_comments", "RFC 5322 3.2.2", "comments between all words", SPLICED, "1", _typed("(a (nested) one) text/html (b); (c) charset=(d)utf-8 (\\) e)", PAGE)),
    case("type_folded_everywhere", "RFC 5322 2.2.3", "folded at every place", SPLICED, "1", _typed("\n text/html;\n\t charset=\n  utf-8", PAGE)),
    case("type_no_space", "RFC 5322 3.6.8", "Content-Type:text/html", SPLICED, "1", mail(octets("Content-Type:text/html;charset=utf-8\n\n" + PAGE))),
    case("type_field_name_capitals", _FIELD, "CONTENT-TYPE", SPLICED, "1", mail(octets("CONTENT-TYPE: text/html; charset=utf-8\n\n" + PAGE))),
    case("type_semicolon_at_end", _TYPE, "text/plain;", SPLICED, "1", _typed("text/plain; charset=utf-8;")),
    case("type_semicolons", _TYPE, "text/plain;; charset=utf-8", EITHER, "1", _typed("text/plain;; charset=utf-8")),
    case("type_blank_around_equals", _TYPE, "charset = utf-8", EITHER, "1", _typed("text/plain; charset = utf-8")),
    case("type_parameter_without_value", _TYPE, "text/plain; charset", EITHER, "1", _typed("text/plain; charset")),
    case("type_quote_open", _TYPE, 'charset="utf-8 without the second mark', EITHER, "1", _typed('text/plain; charset="utf-8')),
    case("type_missing", _DEFAULT, "no type at all", SPLICED, "1", mail(leaf(None, TEXT))),
    case("type_garbage", _DEFAULT, "Content-Type: garbage", EITHER, "1", _typed("garbage")),
    case("type_text_alone", _DEFAULT, "Content-Type: text", EITHER, "1", _typed("text")),
    case("type_empty", _DEFAULT, "Content-Type:", EITHER, "1", _typed("")),
    case("type_slash_alone", _DEFAULT, "Content-Type: /", EITHER, "1", _typed("/")),
    case("type_twice_the_same", "RFC 2045 3", "the same type twice", EITHER, "1", mail(octets("Content-Type: text/plain; charset=utf-8\n") + plain())),
    case("type_twice_contradicting", "RFC 2045 3", "text/plain and text/html at once", INVALID, "", mail(octets("Content-Type: text/plain; charset=utf-8\n") + html())),
    case("type_twice_leaf_and_multipart", "RFC 2045 3", "text/plain and a multipart at once", INVALID, "", mail(octets("Content-Type: text/plain\n") + alternative())),
    case("type_twice_in_a_part", "RFC 2045 3", "a part has two types", REFUSED, "", mail(multi("mixed", octets("Content-Type: text/plain\n") + html()))),
    case("type_twice_in_attachment", "RFC 2045 3", "an attachment has two types", EITHER, "1", mail(multi("mixed", plain(), octets("Content-Type: text/x-a\nContent-Type: text/x-b\nContent-Disposition: attachment\n\nx\n")))),
    case("version_missing", "RFC 2045 4", "text/html without MIME-Version", EITHER, "1", mail(html(), without="MIME-Version")),
    case("version_missing_no_mime", "RFC 5322 2.3", "a mail from before MIME", SPLICED, "1", mail(leaf(None, TEXT), without="MIME-Version")),
    case("version_missing_multipart", "RFC 2045 4", "a multipart without MIME-Version", EITHER, "1 2", mail(alternative(), without="MIME-Version")),
    case("version_comment", "RFC 2045 4", "1.0 (produced by MetaSend)", SPLICED, "1", _text("MIME-Version: (a) 1.(b)0 (produced by hand)", without="MIME-Version")),
    case("version_2", "RFC 2045 4", "MIME-Version: 2.0", EITHER, "1", _text("MIME-Version: 2.0", without="MIME-Version")),
    case("version_in_a_part", "RFC 2045 4", "MIME-Version in a part's header", SPLICED, "1", mail(multi("mixed", leaf("text/plain; charset=utf-8", TEXT, None, "MIME-Version: 1.0")))),
    case("content_fields_of_a_leaf", "RFC 2045 8", "Content-ID, -Description, -Language, -Location stay", SPLICED, "1", mail(multi("mixed", leaf("text/plain; charset=utf-8", TEXT, "7bit", "Content-ID: <a@nordlicht.example>", "Content-Description: a\n letter", "Content-Language: en", "Content-Location: a.txt", "X-Own: 1")))),
    case("content_md5", "RFC 1864 2", "a digest of the body that will no longer be true", EITHER, "1", mail(leaf("text/plain; charset=utf-8", TEXT, None, "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ=="))),
    case("content_length", "RFC 5322 3.6.8", "a Content-Length from a mailbox", EITHER, "1", _text("Content-Length: 64")),
)

_ODD = (
    case("field_folded_subject", "RFC 5322 2.2.3", "folded with tabs and many blanks", SPLICED, "1", _text("Subject: An offer\n\t for\n      your purchasing", without="Subject")),
    case("field_folded_name_value", "RFC 5322 2.2.3", "the value begins on the second line", SPLICED, "1", _text("Subject:\n An offer", without="Subject")),
    case("field_blank_continuation", "RFC 5322 4.2", "a continuation of white space only", EITHER, "1", _text("Subject: An offer\n \t\n for you", without="Subject")),
    case("field_blank_before_colon", "RFC 5322 4.5", "Subject : x, obsolete", EITHER, "1", _text("Subject : An offer", without="Subject")),
    case("field_without_colon", _FIELD, "a line in the header that is no field", INVALID, "", _text("this is no field")),
    case("field_without_name", _FIELD, "a line begins with the colon", EITHER, "1", _text(": value")),
    case("field_name_8bit", _FIELD, "a field name beyond ASCII", EITHER, "1", _text("X-Größe: 1")),
    case("field_empty_value", _FIELD, "fields without a value", SPLICED, "1", _text("X-Empty:", "X-Blank: ")),
    case("field_encoded_words", "RFC 2047 2", "encoded words in three charsets", SPLICED, "1", _text("Subject: =?iso-2022-jp?B?GyRCJSIlcyVKGyhC?=\n =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?KOI8-R?B?8NLJ18XU?=", without="Subject")),
    case("field_encoded_word_broken", "RFC 2047 6.3", "an encoded word that is none", SPLICED, "1", _text("Subject: =?utf-8?b?!!!!?= =?x?", without="Subject")),
    case("field_8bit", _FIELD, "Latin-1 octets in the subject", EITHER, "1", _text("Subject: Grüße".encode("latin-1"), without="Subject")),
    case("field_utf8", "RFC 6532 3.2", "UTF-8 in subject and names", SPLICED, "1", _text("Subject: Grüße 東京 😀", "Reply-To: Łukasz <łukasz@nordlicht.example>", without="Subject")),
    case("field_utf8_folded", "RFC 6532 3.2", "UTF-8 in a folded field", SPLICED, "1", _text("Comments: Grüße\n aus Århus")),
    case("field_nul", "RFC 5322 4.1", "a NUL in a field", REFUSED, "", _text(b"Comments: a\x00b")),
    case("field_controls", "RFC 5322 4.1", "control characters in a field", EITHER, "1", _text(b"Comments: a\x07\x1bb")),
    case("field_bare_cr", "RFC 5322 2.2", "a CR alone in a field", REFUSED, "", _text(b"Comments: a\rBcc: b")),
    case("field_bare_lf", "RFC 5322 2.2", "an LF alone in a field", EITHER, "1", _text(b"Comments: a\nX-B: b")),
    case("field_998", "RFC 5322 2.1.1", "a field of just 998 octets", SPLICED, "1", _text("Comments: " + "x" * 988)),
    case("field_999", "RFC 5322 2.1.1", "a field of 999 octets", EITHER, "1", _text("Comments: " + "x" * 989)),
    case("field_of_20_kb", "RFC 5322 2.2.3", "one field in 300 lines", SPLICED, "1", _text("References:" + "".join(f"\n <{n}.20261123.abcdefghijklmnopqrstuvwxyz@nordlicht.example>" for n in range(300)))),
    case("fields_60_received", "RFC 5321 4.4", "sixty Received fields above all", SPLICED, "1", octets("".join(f"Received: from a{n}.example by b.example with ESMTP id {n};\n\tMon, 23 Nov 2026 10:00:00 +0100\n" for n in range(60))) + mail(plain())),
    case("fields_unordered", "RFC 5322 3.6", "Content fields first, the others after", SPLICED, "1 2", octets("Content-Type: multipart/alternative;\n boundary=\"=_alt\"\n") + _USUAL + alternative()[alternative().index(b"\r\n\r\n") + 2 :]),
    case("fields_group_and_comments", "RFC 5322 3.4", "a group and comments in addresses", SPLICED, "1", _text("To: A Group (x):Anna <anna@muster-werk.example>,\n \"b, c\" <b@muster-werk.example>;", without="To")),
    case("fields_twice", "RFC 5322 3.6", "two subjects", EITHER, "1", _text("Subject: another")),
    case("fields_resent", "RFC 5322 3.6.6", "two blocks of Resent fields", SPLICED, "1", octets("Resent-From: a@nordlicht.example\nResent-Date: Mon, 23 Nov 2026 10:00:00 +0100\nResent-From: b@nordlicht.example\n") + _text()),
)

_WHOLE = (
    case("whole_empty", "RFC 5322 3.5", "no octet at all", INVALID, "", b""),
    case("whole_crlf", "RFC 5322 3.5", "nothing but a line end", EITHER, "1", b"\r\n"),
    case("whole_header_only", "RFC 5322 3.5", "the mail ends with its last field", SPLICED, "1", _USUAL + b"Content-Type: text/plain; charset=utf-8\r\n"),
    case("whole_header_only_cut", "RFC 5322 3.5", "the last field has no line end", EITHER, "1", _USUAL + b"X-Last: cut"),
    case("whole_header_and_blank", "RFC 5322 3.5", "header, blank line, nothing", SPLICED, "1", mail(plain(""))),
    case("whole_body_only", "RFC 5322 3.5", "a blank line, then text", EITHER, "1", b"\r\nHello Anna\r\n"),
    case("whole_no_field", "RFC 5322 2.1", "text from the first line on", INVALID, "", b"Hello Anna, this is no field\r\nnor this\r\n"),
    case("whole_continuation_first", "RFC 5322 2.2.3", "the first line is a continuation", EITHER, "1", b" folded: from nowhere\r\n" + _text()),
    case("whole_mbox_line", "RFC 4155", "a From line of a mailbox above the header", EITHER, "1", b"From eva@nordlicht.example Mon Nov 23 10:00:00 2026\r\n" + _text()),
    case("whole_blank_lines_first", "RFC 5322 2.1", "a blank line above the fields: all is body", EITHER, "1", b"\r\n" + _text()),
    case("whole_lf_only", "RFC 5322 2.3", "LF instead of CR LF everywhere", EITHER, "1 2", mail(alternative()).replace(b"\r\n", b"\n")),
    case("whole_cr_only", "RFC 5322 2.3", "CR instead of CR LF everywhere", EITHER, "1", _text().replace(b"\r\n", b"\r")),
    case("body_bare_lf", "RFC 5322 2.3", "an LF alone in the text", EITHER, "1", mail(plain(b"Hello\nAnna\r\n"))),
    case("body_bare_cr", "RFC 5322 2.3", "a CR alone in the text", EITHER, "1", mail(plain(b"Hello\rAnna\r\n"))),
    case("body_bare_lf_in_attachment", "RFC 5322 2.3", "an LF alone in an attachment that must stay", EITHER, "1", mail(multi("mixed", plain(), leaf("application/x-a", b"a\nb\r\n", "binary", "Content-Disposition: attachment")))),
    case("body_nul", "RFC 5322 4.1", "a NUL in the text", EITHER, "1", mail(plain(b"Hello\x00Anna\r\n"))),
    case("body_line_998", "RFC 5322 2.1.1", "a line of just 998 octets", SPLICED, "1", mail(plain("x" * 998 + "\n"))),
    case("body_line_999", "RFC 5322 2.1.1", "a line of 999 octets", EITHER, "1", mail(plain("x" * 999 + "\n"))),
    case("body_line_998_without_end", "RFC 5322 2.1.1", "998 octets and no line end", SPLICED, "1", mail(plain("x" * 998))),
    case("body_line_2000_attached", "RFC 5322 2.1.1", "an attachment has a line of 2,000 octets", EITHER, "1", mail(multi("mixed", plain(), leaf("application/x-a", "x" * 2_000 + "\n", "7bit", "Content-Disposition: attachment")))),
    case("body_dots", "RFC 5321 4.5.2", "lines of dots, one alone at the end", SPLICED, "1", mail(plain(".\n..\n.a\n.\n"))),
    case("body_from_lines", "RFC 4155", "lines that begin with From", SPLICED, "1", mail(plain("From now on\n>From then\nFrom: x\n"))),
    case("body_looks_like_a_header", "RFC 5322 2.1", "the text reads like a header", SPLICED, "1", mail(plain("Subject: no\nDKIM-Signature: no\nX-Penstock-Tag: no\n\nContent-Type: text/html\n"))),
    case("body_blank_lines", "RFC 5322 2.3", "nothing but blank lines", SPLICED, "1", mail(plain("\n\n \n\t\n\n"))),
    case("body_without_line_end", "RFC 5322 2.3", "the last line has no end", SPLICED, "1", mail(plain("Hello Anna"))),
    case("body_form_feed", "RFC 5322 2.3", "vertical tab, form feed, NEL and line separators", SPLICED, "1", mail(leaf("text/plain; charset=utf-8", b64("a\x0bb\x0cc\x85d\u2028e\u2029f\x1cg\n"), "base64"))),
)

_GOING = (
    case("dkim_one", "RFC 6376 3.5", "a signature that would break", SPLICED, "1", octets(_DKIM.format(domain="nordlicht.example") + "\n") + _text()),
    case("dkim_several", "RFC 6376 3.5", "three signatures among the fields", SPLICED, "1", octets(_DKIM.format(domain="a.example") + "\n") + _text(_DKIM.format(domain="b.example"), _DKIM.format(domain="c.example"))),
    case("dkim_odd_case", "RFC 6376 3.5", "dkim-signature and DKIM-SIGNATURE", SPLICED, "1", _text("dkim-signature: v=1; b=AA", "DKIM-SIGNATURE:v=1;\n\tb=AA")),
    case("dkim_blank_before_colon", "RFC 5322 4.5", "DKIM-Signature : with the obsolete blank", EITHER, "1", _text("DKIM-Signature : v=1; b=AA")),
    case("dkim_last_field", "RFC 6376 3.5", "the signature is the last field", SPLICED, "1", mail(octets("Content-Type: text/plain; charset=utf-8\n" + _DKIM.format(domain="a.example") + "\n\n" + TEXT))),
    case("dkim_likeness", "RFC 6376 3.5", "X-Google-DKIM-Signature and DKIM-Signature-Old stay", SPLICED, "1", _text("X-Google-DKIM-Signature: v=1; b=AA", "DKIM-Signature-Old: b=AA")),
    case("dkim_in_text", "RFC 6376 3.5", "another field's continuation reads DKIM-Signature:", SPLICED, "1", _text("Comments: x\n DKIM-Signature: v=1\n\tDKIM-Signature: v=2")),
    case("arc_set", "RFC 8617 4.1", "an ARC set and Authentication-Results stay", SPLICED, "1", octets("".join(f"{each}\n" for each in _ARC)) + _text("Authentication-Results: list.example; dkim=pass")),
    case("arc_sets_and_dkim", "RFC 8617 4.1", "two ARC sets around a signature", SPLICED, "1", octets("".join(f"{each}\n" for each in (*_ARC, _DKIM.format(domain="a.example"), *(each.replace("i=1", "i=2") for each in _ARC)))) + _text()),
    case("request_fields", "RFC 5322 3.6.8", "requests to the relay", SPLICED, "1", octets("X-Penstock-Stream: prospecting\n") + _text("X-Penstock-Campaign: purchasing", "X-Penstock-Tag: a", "X-Penstock-Tag: b")),
    case("request_fields_folded", "RFC 5322 2.2.3", "a folded request", SPLICED, "1", _text("X-Penstock-Tag: a\n b\n\tc")),
    case("request_fields_odd_case", _FIELD, "x-penstock-TAG", SPLICED, "1", _text("x-penstock-TAG: a", "X-PENSTOCK-MAIL-ID:b")),
    case("request_fields_last", _FIELD, "a request as the last field", SPLICED, "1", mail(octets("Content-Type: text/plain\nX-Penstock-Stream: prospecting\n\n" + TEXT))),
    case("request_fields_likeness", _FIELD, "X-Penstock and X-Penstocks-Tag are no requests", SPLICED, "1", _text("X-Penstock: a", "X-Penstocks-Tag: b", "Y-X-Penstock-Tag: c")),
    case("bcc", "RFC 5322 3.6.3", "Bcc in three forms", SPLICED, "1", _text("Bcc: a@muster-werk.example,\n b@muster-werk.example", "BCC:", "bcc: c@muster-werk.example")),
    case("unsubscribe_there", "RFC 2369 3.2", "the mail has a List-Unsubscribe", SPLICED, "1", _text("List-Unsubscribe: <https://other.example/u>")),
    case("unsubscribe_several", "RFC 2369 4", "three of them, one folded", SPLICED, "1", octets("LIST-UNSUBSCRIBE: <mailto:a@other.example>\n") + _text("list-unsubscribe:\n <https://other.example/u>", "List-Unsubscribe: <https://other.example/v>,\n\t<mailto:b@other.example>")),
    case("unsubscribe_post_there", "RFC 8058 3.1", "List-Unsubscribe-Post and List-Id are there", SPLICED, "1", _text("List-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Id: <other.example>", "Feedback-ID: a:b:c:d", "List-Help: <https://other.example/h>")),
    case("unsubscribe_blank_before_colon", "RFC 5322 4.5", "List-Unsubscribe : with the obsolete blank", EITHER, "1", _text("List-Unsubscribe : <https://other.example/u>")),
    case("unsubscribe_in_attached_mail", "RFC 2046 5.2.1", "fields of an attached mail are its own", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/rfc822", _text("List-Unsubscribe: <https://other.example/u>", "X-Penstock-Tag: a", "Bcc: x@y.example"))))),
)

CASES: tuple[Case, ...] = (*_TYPES, *_ODD, *_WHOLE, *_GOING)
