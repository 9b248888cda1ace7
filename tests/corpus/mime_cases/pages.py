"""HTML that hides where its body ends (RFC 2854, RFC 1866 and what browsers made of them)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import EITHER, SPLICED, Case, alternative, b64, case, html, mail, plain, qp

_H = "RFC 2854 2"
_T = "RFC 1866 3.2"
_C = "RFC 1866 3.2.5"


def _page(inner: str, end: str = "\n</body></html>\n") -> bytes:
    return mail(html(f"<html><head><title>Offer</title></head><body>\n{inner}{end}"))


CASES: tuple[Case, ...] = (
    case("html_fragment", _T, "no html, no body", SPLICED, "1", mail(html("<p>Hello Anna</p>\n"))),
    case("html_words_only", _T, "no tag at all", SPLICED, "1", mail(html("Hello Anna\n"))),
    case("html_empty", _H, "nothing", SPLICED, "1", mail(html(""))),
    case("html_white_space", _H, "blank lines only", SPLICED, "1", mail(html("\n \n\n"))),
    case("html_body_open", _T, "body and html are never closed", SPLICED, "1", _page("<p>Hello</p>", "\n")),
    case("html_only_html_closed", _T, "</html> without </body>", SPLICED, "1", _page("<p>Hello</p>", "</html>\n")),
    case("html_no_body_tags", _T, "html and head, the body is implied", SPLICED, "1", mail(html("<html><head><title>x</title></head><p>Hello</p></html>\n"))),
    case("html_capitals", _T, "</BODY></HTML>", SPLICED, "1", mail(html("<HTML><HEAD><TITLE>x</TITLE></HEAD><BODY><P>Hello</P></BODY></HTML>\n"))),
    case("html_odd_case", _T, "</BoDy>", SPLICED, "1", _page("<p>Hello</p>", "</BoDy></HtmL>\n")),
    case("html_end_tag_with_blanks", _T, "</body   > over two lines", SPLICED, "1", _page("<p>Hello</p>", "</body \n\t></html >\n")),
    case("html_two_bodies", _H, "two documents in a row", SPLICED, "1", mail(html("<html><body><p>one</p></body></html>\n<html><body><p>two</p></body></html>\n"))),
    case("html_body_closed_early", _H, "much stands after </body></html>", SPLICED, "1", _page("<p>one</p>", "</body></html>\n<p>two</p>\n<div>three\n")),
    case("html_tag_in_comment", _C, "</body> inside a comment before the end", SPLICED, "1", _page("<!-- </body> --><p>Hello</p>")),
    case("html_tag_in_comment_after", _C, "the last </body> stands in a comment", SPLICED, "1", _page("<p>Hello</p>", "</body></html>\n<!-- </body></html> -->\n")),
    case("html_comment_not_closed", _C, "a comment that never ends", EITHER, "1", _page("<p>Hello</p><!-- cut")),
    case("html_comment_closed_at_once", _C, "<!--> is a whole comment", SPLICED, "1", _page("<!--><p>Hello</p>")),
    case("html_comment_of_outlook", _C, "</body> in a conditional comment", SPLICED, "1", _page("<!--[if mso]><table><tr><td></body><![endif]--><p>Hello</p><!--[if !mso]><!--><p>all</p><!--<![endif]-->")),
    case("html_declaration", _T, "a DOCTYPE with an internal quotation", SPLICED, "1", mail(html('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n<html><body><p>Hello</p></body></html>\n'))),
    case("html_xml", "RFC 3236 2", "an XML declaration and empty elements", SPLICED, "1", mail(html('<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><body><br/><p>Hello</p></body></html>\n'))),
    case("html_tag_in_script", _H, "</body> inside a script", SPLICED, "1", _page("<script>document.write('</body></html>');</script><p>Hello</p>")),
    case("html_tag_in_script_after", _H, "a script with </body> after the end", SPLICED, "1", _page("<p>Hello</p>", "</body></html><script>var a = '</body>';</script>\n")),
    case("html_script_not_closed", _H, "a script that never ends", EITHER, "1", _page("<p>Hello</p><script>var a = 1;", "\n")),
    case("html_tag_in_style", _H, "</body> in a style sheet's comment", SPLICED, "1", mail(html("<html><head><style>/* </body> */ p { color: black }</style></head><body><p>Hello</p></body></html>\n"))),
    case("html_tag_in_title", _H, "</body> in the title", SPLICED, "1", mail(html("<html><head><title>a </body> b</title></head><body><p>Hello</p></body></html>\n"))),
    case("html_tag_in_attribute", _T, "</body> in an attribute", SPLICED, "1", _page("<p title=\"</body>\">Hello</p><img alt='</body></html>' src='cid:a'>")),
    case("html_tag_in_textarea", _H, "</body> in a text field", SPLICED, "1", _page("<textarea></body></textarea><p>Hello</p>")),
    case("html_tag_in_textarea_last", _H, "the last </body> is in a text field", SPLICED, "1", _page("<p>Hello</p>", "<textarea></body></textarea>\n")),
    case("html_textarea_not_closed", _H, "a text field that never ends", EITHER, "1", _page("<p>Hello</p><textarea>", "</body></html>\n")),
    case("html_plaintext", _H, "<plaintext>: nothing is a tag any more", EITHER, "1", _page("<p>Hello</p><plaintext>", "</body></html>\n")),
    case("html_xmp", _H, "</body> in <xmp>", SPLICED, "1", _page("<xmp></body></xmp><p>Hello</p>")),
    case("html_srcdoc", _H, "a page in an attribute of a frame", SPLICED, "1", _page('<iframe srcdoc="<body>a</body>"></iframe><p>Hello</p>')),
    case("html_template", _H, "</body> in a template element", EITHER, "1", _page("<template><p>x</body></template><p>Hello</p>")),
    case("html_escaped_tag", _T, "&lt;/body&gt; is text", SPLICED, "1", _page("<p>&lt;/body&gt;</p>")),
    case("html_tag_like_names", _T, "</bodyx>, </body-part> and <body2> are other names", SPLICED, "1", _page("<body2></bodyx></body-part><p>Hello</p>")),
    case("html_slash_in_end_tag", _T, "</body/>", SPLICED, "1", _page("<p>Hello</p>", "</body/></html>\n")),
    case("html_attributes_in_end_tag", _T, '</body class="a>b">', EITHER, "1", _page("<p>Hello</p>", '</body class="a>b"></html>\n')),
    case("html_cut_in_a_tag", _T, "the page ends inside a tag", EITHER, "1", _page("<p>Hello</p><p class='a", "")),
    case("html_table_open", _T, "a table that is never closed", SPLICED, "1", _page("<table><tr><td>Hello", "</body></html>\n")),
    case("html_frameset", _H, "frames: a page without a body", EITHER, "1", mail(html("<html><head><title>x</title></head><frameset cols='50%,50%'><frame src='cid:a'><noframes><body><p>Hello</p></body></noframes></frameset></html>\n")), shown=False),
    case("html_hidden_preheader", _H, "a hidden line above the words", SPLICED, "1", _page('<div style="display:none">preview</div><p>Hello</p>')),
    case("html_hidden_to_the_end", _H, "a hidden element around everything that is never closed", EITHER, "1", _page('<p>Hello</p><div style="display:none">', "</body></html>\n"), shown=False),
    case("html_noscript", _H, "</body> in noscript", EITHER, "1", _page("<p>Hello</p><noscript></body></noscript>")),
    case("html_svg_title", _H, "an SVG with a title", SPLICED, "1", _page("<svg><title>logo</title><path d='M0 0'/></svg><p>Hello</p>")),
    case("html_cdata", _H, "a CDATA section with </body>", EITHER, "1", _page("<![CDATA[ </body> ]]><p>Hello</p>")),
    case("html_one_line", "RFC 5322 2.1.1", "the page is one line of 990 octets", SPLICED, "1", mail(html("<html><body>" + "<p>Hello</p>" * 79 + "</body></html>\n"))),
    case("html_line_over_998", "RFC 5322 2.1.1", "one line of 4,000 octets", EITHER, "1", mail(html("<html><body>" + "<p>Hello</p>" * 333 + "</body></html>\n"))),
    case("html_pre", _T, "the page ends in preformatted text", SPLICED, "1", _page("<pre>\n  a\n    b\n</pre>")),
    case("html_references", _T, "characters as references, some broken", SPLICED, "1", _page("<p>Gr&uuml;&szlig;e &#8364; &#x20AC; &unknown; & &amp;amp;</p>")),
    case("html_template_marks", _T, "{{ }} and {% %} are words here", SPLICED, "1", _page("<p>{{ name }} {% if %} %s %(a)s {0} \\1 \\g<0> $1</p>")),
    case("html_own_marks_of_others", _H, "another program's data- attributes", SPLICED, "1", _page("<p data-pen='identity' data-stock='x'>Hello</p>")),
    case("html_mark_in_comment", _C, "data-penstock in a comment marks nothing", SPLICED, "1", _page("<!-- data-penstock=\"identity\" --><p>data-penstock=identity</p>")),
    case("html_base64_and_text", "RFC 2045 6.8", "an HTML branch in base64 whose last </body> is in a comment", SPLICED, "1 2", mail(alternative(plain(), html(b64("<body><p>Grüße</p></body><!-- </body> -->\n"), "base64")))),
    case("html_quoted_printable_comment", "RFC 2045 6.7", "soft breaks inside comment marks", SPLICED, "1", mail(html(qp("<body><p>Grüße</p>").rstrip() + b"<!=\r\n-- </body> --=\r\n></body>\r\n", "quoted-printable"))),
    case("html_lang_and_direction", _T, "a page from right to left", SPLICED, "1", mail(html('<html dir="rtl" lang="he"><body><p>שלום</p></body></html>\n', "8bit"))),
)
