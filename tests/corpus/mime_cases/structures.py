"""Which leaves a reader sees: alternatives, related, mixed, nested, attachments, other people's mails (RFC 2046, 2387)."""

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
    alternative,
    attached,
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

_IMAGE = leaf("image/png", b64(b"\x89PNG\r\n\x1a\n" + bytes(64)), "base64", "Content-ID: <logo@nordlicht.example>", "Content-Disposition: inline")
_ICS = octets("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@nordlicht.example\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR\n")
_CALENDAR = leaf("text/calendar; charset=utf-8; method=REQUEST", _ICS, "8bit")
_AMP = leaf("text/x-amp-html; charset=utf-8", "<!doctype html>\n<html amp4email><head></head><body>Hello</body></html>\n")
_WATCH = leaf("text/watch-html; charset=utf-8", "<b>Hello</b>\n")
_OTHER = mail(alternative(plain("> other\n"), html("<p>other</p>\n"), boundary="other"), "DKIM-Signature: v=1; d=other.example; b=AAAA", "List-Unsubscribe: <https://other.example/u>", without="Subject")
_RFC822 = leaf("message/rfc822", _OTHER)
_ALT = alternative()
_M = "RFC 2046 5.1.3"
_A = "RFC 2046 5.1.4"
_R = "RFC 2387 3"
_D = "RFC 2183 2.2"

_SINGLE = (
    case("single_text", "RFC 2046 4.1.3", "one text", SPLICED, "1", mail(plain())),
    case("single_html", "RFC 2854 2", "one page of HTML", SPLICED, "1", mail(html())),
    case("single_html_capitals", "RFC 2045 5.1", "Text/HTML", SPLICED, "1", mail(leaf("Text/HTML; Charset=UTF-8", PAGE))),
    case("single_text_inline", _D, "an inline disposition without a name", SPLICED, "1", mail(leaf("text/plain; charset=utf-8", TEXT, None, "Content-Disposition: inline"))),
    case("single_text_with_name", _D, "the only body has a file name", EITHER, "1", mail(attached("text/plain", TEXT, "body.txt", how="inline"))),
    case("single_text_attachment", _D, "the only body is an attachment", EITHER, "1", mail(attached("text/plain", TEXT, "body.txt"))),
    case("single_pdf", "RFC 2046 4.5", "nothing but a PDF: nowhere to say anything", REFUSED, "", mail(PDF)),
    case("single_image", "RFC 2046 4.2", "nothing but an image", REFUSED, "", mail(_IMAGE)),
    case("single_calendar", "RFC 5545 8.1", "nothing but a calendar", REFUSED, "", mail(_CALENDAR)),
    case("single_unknown_text", "RFC 2046 4.1.4", "text/x-unknown: like plain, by the RFC", EITHER, "1", mail(leaf("text/x-unknown; charset=utf-8", TEXT))),
    case("single_enriched", "RFC 1896", "text/enriched", EITHER, "1", mail(leaf("text/enriched", TEXT))),
    case("single_markdown", "RFC 7763 2", "text/markdown", EITHER, "1", mail(leaf("text/markdown; charset=utf-8", TEXT))),
    case("single_unknown_type", "RFC 2045 5", "a main type nobody knows", REFUSED, "", mail(leaf("thing/unknown", TEXT))),
    case("single_rfc822", "RFC 2046 5.2.1", "the mail is nothing but another mail", REFUSED, "", mail(_RFC822)),
    case("single_partial", "RFC 2046 5.2.2", "a fragment of a mail", REFUSED, "", mail(leaf('message/partial; id="a@nordlicht.example"; number=2; total=3', TEXT))),
    case("single_partial_first", "RFC 2046 5.2.2.1", "the first fragment, with the fields of the whole inside", REFUSED, "", mail(leaf('message/partial; id="a@nordlicht.example"; number=1; total=2', mail(plain())))),
    case("single_external_body", "RFC 2046 5.2.3", "the body lies elsewhere", REFUSED, "", mail(leaf('message/external-body; access-type=URL; URL="https://nordlicht.example/a"', "Content-Type: text/plain\nContent-ID: <a@nordlicht.example>\n\n"))),
)

_ALTERNATIVES = (
    case("alternative", _A, "text and HTML", SPLICED, "1 2", mail(_ALT)),
    case("alternative_html_first", _A, "the wrong way round", SPLICED, "1 2", mail(alternative(html(), plain()))),
    case("alternative_text_only", _A, "one branch, text", SPLICED, "1", mail(alternative(plain()))),
    case("alternative_html_only", _A, "one branch, HTML", SPLICED, "1", mail(alternative(html()))),
    case("alternative_text_empty", _A, "the text branch is empty", SPLICED, "1 2", mail(alternative(plain(""), html()))),
    case("alternative_two_texts", _A, "two texts in two languages", EITHER, "1 2 3", mail(alternative(plain(), plain(GERMAN), html())), some=True),
    case("alternative_calendar", "RFC 5546 3.2", "an invitation as third branch", SPLICED, "1 2", mail(alternative(plain(), html(), _CALENDAR))),
    case("alternative_calendar_second", "RFC 5546 3.2", "an invitation between text and HTML", SPLICED, "1 3", mail(alternative(plain(), _CALENDAR, html()))),
    case("alternative_amp", _A, "text, AMP and HTML", SPLICED, "1 3", mail(alternative(plain(), _AMP, html()))),
    case("alternative_watch", _A, "text, page for watches, HTML", SPLICED, "1 3", mail(alternative(plain(), _WATCH, html()))),
    case("alternative_enriched", "RFC 1896", "text, enriched, HTML", SPLICED, "1 3", mail(alternative(plain(), leaf("text/enriched", "<bold>Hello</bold>\n"), html()))),
    case("alternative_rtf", _A, "text and RTF", SPLICED, "1", mail(alternative(plain(), leaf("text/rtf", "{\\rtf1 Hello}\n")))),
    case("alternative_pdf", _A, "text and PDF", SPLICED, "1", mail(alternative(plain(), leaf("application/pdf", b64(b"%PDF-1.4\n"), "base64")))),
    case("alternative_related", _R, "text; HTML with its image", SPLICED, "1 2.1", mail(alternative(plain(), multi("related", html(), _IMAGE, boundary="rel")))),
    case("alternative_mixed", _A, "text; HTML with a file, as one client writes it", SPLICED, "1 2.1", mail(alternative(plain(), multi("mixed", html(), PDF, boundary="mix")))),
    case("alternative_in_alternative", _A, "an alternative inside an alternative", SPLICED, "1.1 1.2", mail(alternative(multi("alternative", plain(), html(), boundary="in")))),
    case("alternative_unknown_only", _A, "no branch that could hold a notice", REFUSED, "", mail(alternative(_CALENDAR, _AMP))),
    case("alternative_languages", "RFC 8255 3", "multipart/multilingual: preface and two languages", EITHER, "1", mail(multi("multilingual", plain(), _RFC822))),
)

_RELATED = (
    case("related", _R, "HTML with its image", SPLICED, "1", mail(multi("related", html(), _IMAGE))),
    case("related_alternative", _R, "text and HTML around one image", SPLICED, "1.1 1.2", mail(multi("related", _ALT, _IMAGE, params='; type="multipart/alternative"'))),
    case("related_start", "RFC 2387 3.2", "the root is named by start and stands second", SPLICED, "2", mail(multi("related", _IMAGE, leaf("text/html", PAGE, None, "Content-ID: <root@nordlicht.example>"), params='; type="text/html"; start="<root@nordlicht.example>"'))),
    case("related_start_among_pages", "RFC 2387 3.2", "two pages; start names the second", SPLICED, "2", mail(multi("related", leaf("text/html", "<p>frame</p>\n", None, "Content-ID: <a@nordlicht.example>"), leaf("text/html", PAGE, None, "Content-ID: <b@nordlicht.example>"), params='; start="<b@nordlicht.example>"'))),
    case("related_start_unknown", "RFC 2387 3.2", "start names a part that is not there", EITHER, "1", mail(multi("related", html(), _IMAGE, params='; start="<nobody@nordlicht.example>"'))),
    case("related_second_page", "RFC 2557", "a second page is an object, not the root", SPLICED, "1", mail(multi("related", html(), leaf("text/html", "<p>frame</p>\n", None, "Content-Location: https://nordlicht.example/f.html")))),
    case("related_text_root", _R, "the root is plain text", SPLICED, "1", mail(multi("related", plain(), _IMAGE))),
    case("related_style_sheet", "RFC 2318", "a style sheet as object", SPLICED, "1", mail(multi("related", html(), leaf("text/css", "p { color: red }\n", None, "Content-ID: <c@nordlicht.example>")))),
)

_MIXED = (
    case("mixed_pdf", _M, "text and a file", SPLICED, "1", mail(multi("mixed", plain(), PDF))),
    case("mixed_alternative", _M, "text and HTML, then a file", SPLICED, "1.1 1.2", mail(multi("mixed", _ALT, PDF))),
    case("mixed_deep", _M, "alternative in related in mixed in mixed", SPLICED, "1.1.1.1 1.1.1.2", mail(multi("mixed", multi("mixed", multi("related", _ALT, _IMAGE, boundary="r"), PDF, boundary="m2"), PDF, boundary="m1"))),
    case("mixed_deep_other_way", _M, "related in alternative in mixed", SPLICED, "1.1 1.2.1", mail(multi("mixed", alternative(plain(), multi("related", html(), _IMAGE, boundary="r")), PDF))),
    case("mixed_only_part", _M, "a mixed of one text", SPLICED, "1", mail(multi("mixed", plain()))),
    case("mixed_file_first", _M, "the file stands before the text", SPLICED, "2", mail(multi("mixed", PDF, plain()))),
    case("mixed_image_first", _M, "an inline image stands before the text", SPLICED, "2", mail(multi("mixed", _IMAGE, plain(), PDF))),
    case("mixed_text_attachment", _D, "a text file attached", SPLICED, "1", mail(multi("mixed", plain(), attached("text/plain; charset=utf-8", GERMAN, "notes.txt", "8bit")))),
    case("mixed_text_attachment_first", _D, "a text file attached before the text", SPLICED, "2", mail(multi("mixed", attached("text/plain", TEXT, "notes.txt"), plain()))),
    case("mixed_html_attachment", _D, "a page attached", SPLICED, "1", mail(multi("mixed", plain(), attached("text/html", PAGE, "page.html")))),
    case("mixed_html_attachment_first", _D, "a page attached before the page that is the body", SPLICED, "2", mail(multi("mixed", attached("text/html", PAGE, "page.html"), html()))),
    case("mixed_inline_with_name", _D, "a text file shown inline, with its name", SPLICED, "1", mail(multi("mixed", plain(), attached("text/plain", TEXT, "notes.txt", how="inline")))),
    case("mixed_inline_with_name_first", _D, "a named inline text before the body", SPLICED, "2", mail(multi("mixed", attached("text/plain", TEXT, "notes.txt", how="inline"), plain()))),
    case("mixed_attachment_capitals", _D, "ATTACHMENT in capitals, no name", SPLICED, "2", mail(multi("mixed", leaf("text/plain", TEXT, None, "CONTENT-DISPOSITION: ATTACHMENT"), plain()))),
    case("mixed_attachment_unknown_kind", "RFC 2183 2.8", "a disposition nobody knows counts as attachment", SPLICED, "2", mail(multi("mixed", leaf("text/plain", TEXT, None, "Content-Disposition: parcel; filename=a.txt"), plain()))),
    case("mixed_attachment_name_extended", "RFC 2231 4", "filename* with umlauts", SPLICED, "1", mail(multi("mixed", plain(), leaf("text/plain", TEXT, None, "Content-Disposition: attachment;\n filename*0*=utf-8''Angebot%20f%C3%BCr;\n filename*1*=%20Sie.txt")))),
    case("mixed_attachment_comment", "RFC 2183 2", "a comment before the word attachment", SPLICED, "2", mail(multi("mixed", leaf("text/plain", TEXT, None, "Content-Disposition: (a file) attachment"), plain()))),
    case("mixed_name_in_type_only", "RFC 2045 5.1", "the first text has a name in its type, no disposition", EITHER, "1", mail(multi("mixed", leaf('text/plain; name="a.txt"', TEXT), PDF))),
    case("mixed_two_texts", _M, "a footer of another list as second text", SPLICED, "1", mail(multi("mixed", plain(), leaf("text/plain; charset=us-ascii", "_____\nlist footer\n", "7bit", "Content-Disposition: inline")))),
    case("mixed_text_image_text", _M, "text, image, text, as one client writes it", SPLICED, "1", mail(multi("mixed", plain(), _IMAGE, plain("Eva\n")))),
    case("mixed_html_footer", _M, "an alternative, then a footer in HTML", SPLICED, "1.1 1.2", mail(multi("mixed", _ALT, html("<p>list footer</p>\n")))),
    case("mixed_rfc822", "RFC 2046 5.2.1", "another mail attached: its own notices and signatures stay", SPLICED, "1", mail(multi("mixed", plain(), _RFC822))),
    case("mixed_rfc822_first", "RFC 2046 5.2.1", "the other mail stands first", SPLICED, "2", mail(multi("mixed", _RFC822, plain()))),
    case("mixed_rfc822_base64", "RFC 2046 5.2.1", "another mail, against the rule in base64", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/rfc822", b64(_OTHER), "base64")))),
    case("mixed_global", "RFC 6532 3.7", "message/global attached", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/global", octets("Subject: Grüße\n\nhej\n"), "8bit")))),
    case("mixed_rfc822_same_boundary", "RFC 2046 5.1.2", "the attached mail is a multipart cut off before its end", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/rfc822", mail(multi("mixed", plain(), boundary="in", close=False)))))),
    case("mixed_partial", "RFC 2046 5.2.2", "a fragment attached", SPLICED, "1", mail(multi("mixed", plain(), leaf('message/partial; id="a@b.example"; number=1; total=2', "Subject: x\n\nhello\n")))),
    case("mixed_external_body", "RFC 2046 5.2.3", "a body that lies elsewhere attached", SPLICED, "1", mail(multi("mixed", plain(), leaf('message/external-body; access-type=URL; URL="https://nordlicht.example/a"', "Content-Type: text/plain\n\n")))),
    case("mixed_calendar_attached", "RFC 5545 8.1", "an invitation attached", SPLICED, "1.1 1.2", mail(multi("mixed", _ALT, attached("text/calendar; charset=utf-8", _ICS, "invite.ics", "8bit")))),
    case("mixed_calendar_first", "RFC 5545 8.1", "an invitation before the text", SPLICED, "2", mail(multi("mixed", _CALENDAR, plain()))),
    case("mixed_csv_and_vcard", "RFC 4180 3", "text/csv and text/vcard are no words to readers", SPLICED, "3", mail(multi("mixed", leaf("text/csv", "a,b\n"), leaf("text/vcard", "BEGIN:VCARD\nEND:VCARD\n"), plain()))),
    case("mixed_only_files", _M, "two files, no body", REFUSED, "", mail(multi("mixed", PDF, attached("text/plain", TEXT, "a.txt")))),
    case("mixed_base64_odd_lines", "RFC 2045 6.8", "the file's base64 is odd and stays so", SPLICED, "1", mail(multi("mixed", plain(), leaf("application/pdf", b64(bytes(range(200)), width=61).replace(b"A", b"A ", 3), "base64")))),
    case("mixed_qp_odd_attachment", "RFC 2045 6.7", "the file's quoted-printable is wrong and stays so", SPLICED, "1", mail(multi("mixed", plain(), leaf("text/x-log", b"=zz a=  \r\n=c3 b \r\n", "quoted-printable", "Content-Disposition: attachment")))),
    case("mixed_attachment_with_our_fields", "RFC 2045 9", "a part has fields that are dropped in the header of a mail", SPLICED, "1", mail(multi("mixed", plain(), leaf("application/pdf", b64(b"%PDF"), "base64", "X-Penstock-Tag: a", "DKIM-Signature: v=1", "List-Unsubscribe: <https://other.example/u>")))),
    case("mixed_attachment_folded_oddly", "RFC 5322 2.2.3", "fields of parts folded in every way", SPLICED, "1", mail(multi("mixed", plain(), leaf("application/pdf;\n\t  name=\n  a.pdf", b64(b"%PDF"), "base64", "Content-Description: a\n \tb\n   c", "content-disposition:attachment")))),
    case("mixed_types_without_subtype", "RFC 2045 5.1", "a multipart without a known subtype counts as mixed", SPLICED, "1", mail(multi("x-own", plain(), PDF))),
    case("mixed_parallel", "RFC 2046 5.1.6", "multipart/parallel", SPLICED, "1", mail(multi("parallel", plain(), _IMAGE))),
    case("mixed_form_data", "RFC 7578 4", "multipart/form-data is no letter", EITHER, "1", mail(multi("form-data", plain()))),
    case("mixed_signature_of_words", "RFC 3676 4.3", "text that ends in a signature", SPLICED, "1", mail(multi("mixed", plain(TEXT + "-- \nEva Berg\nNordlicht\n"), PDF))),
    case("mixed_qp_and_base64", "RFC 2045 6", "every leaf has another encoding", SPLICED, "1.1 1.2", mail(multi("mixed", alternative(plain(qp(GERMAN), "quoted-printable"), html(b64(PAGE), "base64")), PDF))),
    case("digest", "RFC 2046 5.1.5", "nothing but mails, without a type each", REFUSED, "", mail(multi("digest", b"\r\n" + _OTHER, b"\r\n" + _OTHER))),
    case("digest_after_text", "RFC 2046 5.1.5", "words, then a digest", SPLICED, "1", mail(multi("mixed", plain(), multi("digest", b"\r\n" + _OTHER, boundary="dig")))),
    case("digest_with_text", "RFC 2046 5.1.5", "a digest whose first part says text/plain", EITHER, "1", mail(multi("digest", plain(), b"\r\n" + _OTHER))),
    case("report_delivery", "RFC 6522 3", "words, delivery-status, the mail", EITHER, "1", mail(multi("report", plain(), leaf("message/delivery-status", "Reporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; b@c.example\nAction: failed\nStatus: 5.1.1\n"), _RFC822, params="; report-type=delivery-status"))),
    case("report_disposition", "RFC 8098 3", "a receipt of reading", EITHER, "1", mail(multi("report", plain(), leaf("message/disposition-notification", "Final-Recipient: rfc822;a@b.example\nDisposition: manual-action/MDN-sent-manually; displayed\n"), params="; report-type=disposition-notification"))),
    case("report_voice", "RFC 3801", "multipart/voice-message without words", REFUSED, "", mail(multi("voice-message", leaf("audio/32KADPCM", b64(bytes(30)), "base64")))),
    case("appledouble", "RFC 1740", "a file in two forks, then the text", SPLICED, "2", mail(multi("mixed", multi("appledouble", leaf("application/applefile", b64(bytes(9)), "base64"), leaf("application/pdf", b64(b"%PDF"), "base64"), boundary="apl"), plain()))),
)

CASES: tuple[Case, ...] = (*_SINGLE, *_ALTERNATIVES, *_RELATED, *_MIXED)
