"""Ready-made messages with headers and notices put in."""

from __future__ import annotations

import base64
import email
import email.policy
from email.message import EmailMessage

import pytest

from penstock.compose.notice_text import DASHES
from penstock.compose.splice.splicer import Additions, SpliceFault, splice
from penstock.model.codes import Code

TEXT = f"{DASHES}\n\nNordlicht AB writes this.\n\nNo more: https://m.example/u/t1\n"
HTML = (
    '<p data-penstock="identity">Nordlicht AB writes this.</p>\n'
    '<p data-penstock="optout"><a href="https://m.example/u/t1">No more</a></p>\n'
)
ADDED = Additions(text=TEXT, html=HTML)
GERMAN = Additions(text=TEXT.replace("writes", "schreibt für Łódź"), html=HTML.replace("writes", "schreibt für Łódź"))
HEAD = b"From: a@b.example\r\nSubject: s\r\n"
CRLF_TEXT = TEXT.replace("\n", "\r\n").encode()
CRLF_HTML = HTML.replace("\n", "\r\n").encode()


def done(data: bytes, additions: Additions = ADDED) -> bytes:
    """Spliced, and the same when spliced again."""
    made = splice(data, additions)
    assert isinstance(made, bytes), made
    assert splice(made, additions) == made
    return made


def fault(data: bytes, additions: Additions = ADDED) -> SpliceFault:
    made = splice(data, additions)
    assert isinstance(made, SpliceFault)
    assert "secret" not in made.what
    return made


def body_of(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert [defect for part in message.walk() for defect in part.defects] == []
    return message


# --- the header block


def test_a_new_header_comes_last_and_nothing_else_changes() -> None:
    data = b"From: a@b.example\r\nsubject:  folded\r\n\tso\r\nX-Odd:\xff\r\n\r\nbody"
    made = done(data, Additions((("X-New", "1"), ("X-Other", "2"))))
    assert made == data.replace(b"\r\n\r\n", b"\r\nX-New: 1\r\nX-Other: 2\r\n\r\n")


def test_a_header_of_the_same_name_is_replaced_where_it_stands() -> None:
    data = b"List-ID: <a.example>\r\n more\r\nFrom: a@b.example\r\nlist-id: <b.example>\r\n\r\nbody"
    made = done(data, Additions((("List-Id", "<c.example>"),)))
    assert made == b"List-Id: <c.example>\r\nFrom: a@b.example\r\n\r\nbody"


def test_headers_of_one_name_are_all_written() -> None:
    made = done(b"X-A: 0\r\nFrom: a@b.example\r\n\r\n", Additions((("X-A", "1"), ("X-B", "2"), ("X-A", "3"))))
    assert made == b"X-A: 1\r\nX-A: 3\r\nFrom: a@b.example\r\nX-B: 2\r\n\r\n"


def test_headers_are_dropped_by_name_and_by_prefix() -> None:
    data = (
        b"X-Penstock-Stream: a\r\n b\r\nBcc: c@d.example\r\nX-Penstockings: 1\r\nContent-Type: text/plain\r\n\r\nbody"
    )
    made = done(data, Additions(drop=frozenset({"x-penstock-*", "bcc", "content-*"})))
    assert made == b"X-Penstockings: 1\r\nContent-Type: text/plain\r\n\r\nbody"


def test_a_message_that_has_everything_is_the_very_same_octets() -> None:
    data = HEAD + b"DKIM-Signature: v=1\r\nX-New: 1\r\n\r\nbody"
    assert splice(data, Additions((("X-New", "1"),), frozenset({"bcc"}))) is data
    assert splice(data, Additions()) is data


def test_the_signature_that_no_longer_holds_is_taken_out_and_an_arc_set_stays() -> None:
    data = (
        b"DKIM-Signature: v=1;\r\n b=abc\r\nReceived: from x\r\nARC-Seal: i=1\r\nARC-Message-Signature: i=1\r\n"
        b"ARC-Authentication-Results: i=1\r\nAuthentication-Results: m.example; dkim=pass\r\ndkim-signature: v=1\r\n"
        b"From: a@b.example\r\n\r\nbody"
    )
    kept = data[data.index(b"Received") : data.index(b"dkim-signature")] + b"From: a@b.example\r\n"
    assert done(data, Additions((("X-New", "1"),))) == kept + b"X-New: 1\r\n\r\nbody"
    assert done(data).startswith(kept + b"\r\nbody\r\n\r\n---")


def test_a_message_without_a_body_gets_one() -> None:
    assert done(HEAD) == HEAD + b"\r\n" + CRLF_TEXT
    assert done(HEAD + b"\r\n") == HEAD + b"\r\n" + CRLF_TEXT
    assert done(b"\r\nbody") == b"\r\nbody\r\n\r\n" + CRLF_TEXT
    assert done(HEAD, Additions((("X-A", "1"),), text=TEXT)) == HEAD + b"X-A: 1\r\n\r\n" + CRLF_TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"secret\r\n\r\n",
        HEAD + b"secret without a colon\r\n\r\nbody",
        HEAD[:-2],
        HEAD + b"\r\nbare\nsecret\r\n",
        HEAD + b"\r\nbare\rsecret\r\n",
        HEAD + b"X: \0\r\n\r\nbody",
        HEAD + b"Content-Type: text/plain\r\nContent-Type: secret/html\r\n\r\nbody",
        HEAD + b"Content-Type: multipart/mixed; boundary=secret\r\n\r\nbody",
    ],
)
def test_a_message_that_is_not_safely_read_is_refused(data: bytes) -> None:
    assert fault(data).code is Code.HEADER_INVALID


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "a\r\nBcc: c@d.example"),
        ("X-A", "a\nb"),
        ("X-A", "a\0"),
        ("X-A", "\ud800"),
        ("X A", "a"),
        ("X-A:", "a"),
        ("Reply-To", "not one <address"),
        ("Content-Type", "text/html"),
        ("content-transfer-encoding", "8bit"),
    ],
)
def test_a_header_that_cannot_be_written_is_refused(header: tuple[str, str]) -> None:
    assert fault(HEAD + b"\r\nbody", Additions((header,))).code is Code.HEADER_INVALID


@pytest.mark.parametrize("sign", ["\r", "\0", "\x1b", "\x7f", "\x85", "\ud800"])
def test_a_notice_that_cannot_be_written_is_refused(sign: str) -> None:
    assert fault(HEAD + b"\r\nbody", Additions(text=f"{TEXT}a{sign}b")).code is Code.RENDER_FAILED
    assert fault(HEAD + b"\r\nbody", Additions(html=f"{HTML}a{sign}b")).code is Code.RENDER_FAILED


# --- one part


def test_a_text_gets_the_blocks_below_an_empty_line() -> None:
    data = HEAD + b"\r\nHello\r\n-- \r\nEva\r\n"
    assert done(data) == data + b"\r\n" + CRLF_TEXT
    assert done(data[:-2]) == data + b"\r\n" + CRLF_TEXT


def test_html_gets_the_blocks_before_the_end_of_its_body() -> None:
    data = HEAD + b"Content-Type: text/html\r\n\r\n<html><body>Hello</body></html>\r\n"
    assert done(data) == data.replace(b"</body>", b"\r\n" + CRLF_HTML + b"</body>")


def test_only_the_block_that_fits_the_part_is_added() -> None:
    assert b"data-penstock" not in done(HEAD + b"\r\nHello\r\n")
    data = HEAD + b"Content-Type: text/html\r\n\r\nHello\r\n"
    assert DASHES.encode() not in done(data)
    assert splice(data, Additions(text=TEXT)) == data


def test_a_part_that_has_the_blocks_is_left_alone() -> None:
    text = HEAD + b"\r\nHello\r\n\r\n" + CRLF_TEXT + b"\r\nforwarded by a list\r\n"
    html = (
        HEAD + b"Content-Type: text/html\r\n\r\n<body><div>" + CRLF_HTML.replace(b"\r\n", b" ") + b"</div></body>\r\n"
    )
    assert splice(text, ADDED) == text
    assert splice(html, ADDED) == html


def test_the_blocks_of_an_earlier_mail_do_not_count() -> None:
    text = HEAD + b"\r\nHello\r\n\r\n" + CRLF_TEXT.replace(b"/t1", b"/t0")
    html = (
        HEAD + b"Content-Type: text/html\r\n\r\n<blockquote>" + CRLF_HTML.replace(b"/t1", b"/t0") + b"</blockquote>\r\n"
    )
    assert b"/t1" in done(text)
    assert b"/t1" in done(html)


def test_blocks_in_a_comment_do_not_count() -> None:
    head = HEAD + b"Content-Type: text/html\r\n\r\n<body>a"
    for comment in (b"<!-- " + CRLF_HTML + b"-->", b"<!--" + CRLF_HTML.replace(b"\r\n", b" ") + b"-->"):
        assert done(head + comment + b"</body>\r\n") == head + comment + b"\r\n" + CRLF_HTML + b"</body>\r\n"
    noted = head + b"<!-- note -->" + CRLF_HTML + b"</body>\r\n"
    assert splice(noted, ADDED) == noted


def test_a_header_is_added_though_the_blocks_are_there() -> None:
    once = done(HEAD + b"\r\nHello\r\n")
    made = done(once, Additions((("X-New", "1"),), text=TEXT, html=HTML))
    assert made == once.replace(b"\r\n\r\n", b"\r\nX-New: 1\r\n\r\n", 1)


@pytest.mark.parametrize(
    "body",
    [b"-----BEGIN PGP SIGNED MESSAGE-----", b"Hello\r\n-----BEGIN PGP MESSAGE-----", b" -----BEGIN PGP MESSAGE-----"],
)
def test_a_text_signed_within_is_untouchable(body: bytes) -> None:
    assert fault(HEAD + b"\r\n" + body + b"\r\nsecret").code is Code.MESSAGE_UNTOUCHABLE
    coded = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(body) + b"\r\n"
    assert fault(coded).code is Code.MESSAGE_UNTOUCHABLE
    html = HEAD + b"Content-Type: text/html\r\n\r\n<pre>" + body
    assert fault(html).code is Code.MESSAGE_UNTOUCHABLE


def test_a_quoted_or_mentioned_signature_signs_nothing() -> None:
    body = b"> -----BEGIN PGP SIGNED MESSAGE-----\r\nThe line -----BEGIN PGP MESSAGE----- begins it.\r\n"
    assert body in done(HEAD + b"\r\n" + body)


def test_a_signed_message_can_be_given_headers_alone() -> None:
    data = HEAD + b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nt\r\n--b--\r\n"
    assert done(data, Additions((("X-New", "1"),))) == data.replace(b"\r\n\r\n", b"\r\nX-New: 1\r\n\r\n", 1)
    assert fault(data).code is Code.MESSAGE_UNTOUCHABLE


# --- character sets and transfer encodings


def typed(charset: str, encoding: str, body: bytes, kind: str = "text/plain", more: str = "") -> bytes:
    fields = ("MIME-Version: 1.0", f"Content-Type: {kind}; charset={charset}{more}")
    lines = "\r\n".join([*fields, f"Content-Transfer-Encoding: {encoding}", "", ""])
    return HEAD + lines.encode() + body


def text_of(data: bytes) -> str:
    part = body_of(data)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode(part.get_content_charset("us-ascii")).replace("\r\n", "\n")


WORDS = {
    "us-ascii": "Hello there",
    "iso-8859-1": "Grüße aus Malmö",
    "windows-1252": "Grüße – “Malmö” €",
    "windows-1251": "Привет из Софии",
    "iso-8859-2": "Dobrý den, Łódź",
    "koi8-r": "Привет",
    "utf-8": "Grüße 👋 漢字",
    "gb18030": "采购 🙂 镕",
    "gb2312": "采购",
    "big5": "採購",
    "shift_jis": "購買の表",
    "euc-jp": "購買の表",
    "iso-2022-jp": "購買の表 ABC",
    "iso-2022-kr": "구매",
    "euc-kr": "구매",
    "hz": "采购",
    "utf-7": "Grüße & 漢字",
    "utf-16": "Grüße 👋",
    "utf-16le": "Grüße 👋",
    "utf-32": "Grüße 👋",
    "ibm037": "Hello there",
}
WIDE = {"utf-16", "utf-16le", "utf-32", "ibm037"}


def encoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(body).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return b"".join(b"=%02X" % octet + b"=\r\n" * (place % 20 == 0) for place, octet in enumerate(body))
    return body


@pytest.mark.parametrize("additions", [ADDED, GERMAN])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", WORDS)
def test_a_text_in_any_set_and_encoding_gets_the_blocks(charset: str, encoding: str, additions: Additions) -> None:
    words = WORDS[charset]
    body = f"{words}\r\n{words}\r\n".encode(charset)
    if encoding not in {"quoted-printable", "base64"} and (
        charset in WIDE or (encoding == "7bit" and not body.isascii())
    ):
        encoding = "base64"
    made = done(typed(charset, encoding, encoded(body, encoding)), additions)
    expected = f"{words}\n{words}\n\n{additions.text}"
    assert text_of(made).replace("\n\n\n", "\n\n").rstrip("\n") == expected.rstrip("\n")


def test_a_set_that_holds_the_blocks_is_kept() -> None:
    data = typed("windows-1252", "quoted-printable", b"Gr=FC=DFe =96 bis dann\r\n")
    made = done(data, Additions(text="Für Sie"))
    assert made == data + b"\r\nF=FCr Sie\r\n"


def test_a_part_whose_set_cannot_hold_the_blocks_becomes_utf8_with_its_fields() -> None:
    data = typed('"iso-8859-1"', "7bit", b"Hello\r\n", more='; format=flowed;\r\n\tname="a b"')
    made = done(data, GERMAN)
    assert b'Content-Type: text/plain; charset="utf-8";\r\n format=flowed;\r\n name="a b"\r\n' in made
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in made
    assert text_of(made) == f"Hello\n\n{GERMAN.text}"


def test_ascii_that_becomes_utf8_stays_as_it_is_written() -> None:
    made = done(typed("us-ascii", "quoted-printable", b"Hell=6F=\r\n there\r\n"), GERMAN)
    assert b'charset="utf-8"\r\n' in made
    assert b"\r\n\r\nHell=6F=\r\n there\r\n\r\n---" in made


def test_a_text_with_a_nul_is_not_written_in_8bit() -> None:
    made = done(typed("iso-8859-1", "8bit", b"Gr\xf6\0\xdfe\r\n"), GERMAN)
    assert b"\0" not in made
    assert text_of(made) == f"Grö\0ße\n\n{GERMAN.text}"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("quoted-printable", b"a=0Ab=0A"), ("base64", base64.b64encode(b"a\nb\n")), ("7bit", b"a\r\nb")],
)
def test_a_message_ends_with_a_line_end(encoding: str, body: bytes) -> None:
    made = done(typed("utf-8", encoding, body), GERMAN)
    assert made.endswith(b"\r\n")
    assert text_of(made) == f"a\nb\n\n{GERMAN.text}"


def test_a_part_in_8bit_stays_in_8bit_as_utf8() -> None:
    made = done(typed("iso-8859-1", "8bit", "Größe\r\n".encode("latin-1")), GERMAN)
    assert b"Content-Transfer-Encoding: 8bit\r\n" in made
    assert "Größe\r\n\r\n---".encode() in made


def test_a_message_without_mime_fields_gets_them_when_it_must() -> None:
    made = done(HEAD + b"\r\nHello\r\n", GERMAN)
    assert made.startswith(HEAD + b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset="utf-8"\r\n')
    assert text_of(made) == f"Hello\n\n{GERMAN.text}"
    given = done(HEAD + b"\r\nHello\r\n", Additions((("MIME-Version", "1.0"),), text=GERMAN.text))
    assert given.count(b"MIME-Version") == 1


def test_eight_bits_where_seven_were_promised_are_read_as_utf8_when_they_are() -> None:
    made = done(HEAD + "\r\nGröße\r\n".encode(), GERMAN)
    assert text_of(made) == f"Größe\n\n{GERMAN.text}"
    assert fault(HEAD + b"\r\nGr\xf6\xdfe\r\n", GERMAN).code is Code.RENDER_FAILED
    data = HEAD + b"\r\nGr\xf6\xdfe\r\n"
    assert done(data) == data + b"\r\n" + CRLF_TEXT


@pytest.mark.parametrize(
    ("charset", "encoding", "body"),
    [
        ("x-unknown", "7bit", b"secret"),
        ("base64", "7bit", b"secret"),
        ("unicode_escape", "7bit", b"secret"),
        ("utf-8", "x-uuencode", b"secret"),
        ("utf-8", "base64", b"c2VjcmV0*"),
        ("utf-8", "base64", b"c2VjcmV0\r\n\r\n-- \r\na footer that somebody appended"),
        ("utf-16", "base64", b"YQ=="),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(charset: str, encoding: str, body: bytes) -> None:
    assert fault(typed(charset, encoding, body), GERMAN).code is Code.RENDER_FAILED


def test_no_line_that_is_written_is_too_long() -> None:
    for encoding, size in (("7bit", 2_000), ("8bit", 2_000), ("7bit", 998), ("8bit", 998)):
        line = "long " * (size // 5) + "x" * (size % 5)
        made = done(typed("us-ascii", encoding, b"Hello"), Additions(text=f"{DASHES}\n\n{line}\n"))
        assert max(map(len, made.split(b"\r\n"))) <= 998
        assert line in text_of(made)
        assert (b"quoted-printable" in made) is (size > 998)


def test_html_on_one_line_is_not_made_longer() -> None:
    body = b"<body>" + b"x" * 980 + b"</body>\r\n"
    made = done(typed("us-ascii", "7bit", body, "text/html"))
    assert max(map(len, made.split(b"\r\n"))) <= 998
    assert made.replace(b"\r\n" + CRLF_HTML, b"") == typed("us-ascii", "7bit", body, "text/html")


def test_a_digest_of_the_body_that_was_goes() -> None:
    data = typed("us-ascii", "7bit", b"Hello\r\n").replace(b"\r\n\r\n", b"\r\nContent-MD5: abc\r\n\r\n")
    assert b"MD5" not in done(data)


def test_a_flowed_part_stays_valid() -> None:
    data = typed("us-ascii", "7bit", b"Hello \r\nthere \r\n", more="; format=flowed; delsp=yes")
    made = done(data, Additions(text=f"{DASHES}\n\nline \n> no quote\nFrom us\n"))
    tail = made.removeprefix(data)
    assert tail == f"\r\n\r\n{DASHES}\r\n\r\nline\r\n > no quote\r\n From us\r\n".encode()


# --- more parts


def test_both_forms_get_their_block_and_everything_else_stays() -> None:
    data = HEAD + (
        b"Content-Type: multipart/mixed; boundary=o\r\nContent-Length: 7\r\n\r\nThis is a preamble\r\n--o\r\n"
        b"Content-Type: multipart/alternative;\r\n boundary=oo\r\n\r\n--oo\r\n\r\nText|\r\n--oo \r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/html\r\n\r\n<b>=\r\nx</b>|</body>\r\n"
        b"--oo--\r\n\r\n--o\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nkept =\x80\r\n"
        b"--o--\r\nepilogue\r\n"
    )
    html_block = b'<p data-penstock="identity">Nordlicht</p>'
    text, html = b"\r\n\r\n" + CRLF_TEXT, b"\r\n" + html_block.replace(b"=", b"=3D") + b"\r\n"
    first, second, rest = data.split(b"|")
    assert (
        done(first + second + rest, Additions(text=TEXT, html=html_block.decode()))
        == first + text + second + html + rest
    )


def test_a_part_of_fields_alone_gets_a_body() -> None:
    data = HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
    made = done(data + b"--b\r\nContent-Type: text/plain\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n")
    html = b"Content-Type: text/html\r\n\r\n" + CRLF_HTML
    assert (
        made == data + b"--b\r\nContent-Type: text/plain\r\n\r\n" + CRLF_TEXT + b"\r\n--b\r\n" + html + b"\r\n--b--\r\n"
    )
    text, markup = body_of(made).iter_parts()
    assert text.get_content().replace("\r\n", "\n") == TEXT
    assert markup.get_content().replace("\r\n", "\n") == HTML


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("dashes", [1, 10, 36, 38])
def test_a_notice_does_not_end_the_part_that_it_stands_in(dashes: int, encoding: str) -> None:
    boundary = b"-" * dashes
    text = base64.b64encode(b"Text\r\n") if encoding == "base64" else b"Text\r\n"
    fields = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    inner = b"--%b\r\n%b%b\r\n--%b--\r\n" % (boundary, fields, text, boundary)
    outer = b"--o\r\nContent-Type: multipart/alternative; boundary=%b\r\n\r\n%b--o--\r\n" % (boundary, inner)
    made = done(HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n" + outer)
    ((leaf,),) = [list(part.iter_parts()) for part in body_of(made).iter_parts()]
    assert leaf.get_content().replace("\r\n", "\n").rstrip("\n") == f"Text\n\n{TEXT}".rstrip("\n")
    assert [line for line in made.split(b"\r\n") if line.startswith(b"--" + boundary)] == [
        b"--" + boundary,
        b"--" + boundary + b"--",
    ]


def test_a_part_that_becomes_utf8_takes_no_other_with_it() -> None:
    other = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n"
    inner = b"--b\r\n\r\nText\r\n--b\r\n" + other + b"--b--\r\n"
    data = HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" + inner
    made = done(data, GERMAN)
    assert made.startswith(data.partition(b"--b")[0])
    assert other in made
    text, html = body_of(made).iter_parts()
    assert text.get_content().replace("\r\n", "\n") == f"Text\n\n{GERMAN.text}"
    assert html.get_content().replace("\r\n", "\n") == f"x\n{GERMAN.html}"


def test_a_mail_of_great_size_takes_time_and_memory_in_proportion() -> None:
    import tracemalloc

    line = "Förfrågningar, offerter och beställningar <b>på ett ställe</b>.\r\n"
    html = ("<html><body>" + line * 30_000 + "</body></html>\r\n").encode("windows-1252")
    for encoding, additions in (("8bit", ADDED), ("base64", ADDED), ("base64", GERMAN), ("quoted-printable", GERMAN)):
        data = typed("windows-1252", encoding, base64.encodebytes(html).replace(b"\n", b"\r\n"), "text/html")
        if encoding == "8bit":
            data = typed("windows-1252", encoding, html, "text/html")
        if encoding == "quoted-printable":
            data = typed("windows-1252", encoding, html.replace(b"\xe4", b"=E4").replace(b"\xf6", b"=F6"), "text/html")
        splice(HEAD + b"\r\n", additions)
        tracemalloc.start()
        made = splice(data, additions)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(made, bytes)
        assert peak <= 3 * len(data)


# --- what is told in a short way


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\r", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\ud800"])
def test_no_control_character_is_put_in(sign: str) -> None:
    assert fault(HEAD + b"\r\nbody\r\n", Additions(text=f"{TEXT}{sign}\n")).code is Code.RENDER_FAILED


@pytest.mark.parametrize("sign", ["\t", "\xa0", "«", "Â", "’", "\u2028", "\U0001f600"])
def test_any_other_sign_is(sign: str) -> None:
    text = TEXT.replace("writes", f"wri{sign}tes")
    assert f"wri{sign}tes" in body_of(done(HEAD + b"\r\nbody\r\n", Additions(text=text))).get_content()


def test_a_part_that_only_begins_like_the_notice_gets_it() -> None:
    body = CRLF_TEXT.replace(b"u/t1", b"u/other")
    made = done(HEAD + b"\r\n" + body)
    assert made.count(DASHES.encode()) == 2
    assert CRLF_TEXT in made
