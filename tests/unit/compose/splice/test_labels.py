"""Labels that stand above everything else in a ready-made message."""

from __future__ import annotations

import base64
import email
import email.policy
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compose.notice_text import DASHES
from penstock.compose.splice.html_place import comments
from penstock.compose.splice.html_top import html_top
from penstock.compose.splice.splicer import Additions, SpliceFault, splice
from penstock.model.codes import Code

HEAD = b"From: a@b.example\r\nMIME-Version: 1.0\r\n"
PAGE = b"<html><body class=x>Hello</body></html>\r\n"
LABEL = Additions(label_text="Reklama\n", label_html="<p>Reklama</p>")
WIDE = Additions(label_text="Ogłoszenie – реклама", label_html="<p>Ogłoszenie – реклама</p>")
BOTH = Additions(
    (("X-New", "1"),), text=f"{DASHES}\n\nA\n", html="<p data-penstock=a>A</p>", label_text="L", label_html="<p>L</p>"
)


def done(data: bytes, additions: Additions = LABEL) -> bytes:
    """Spliced, and the same when spliced again."""
    made = splice(data, additions)
    assert isinstance(made, bytes), made
    assert splice(made, additions) is made
    return made


def typed(kind: str, encoding: str, body: bytes) -> bytes:
    return HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


def coded(encoding: str, content: bytes) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(content).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return content


def content_of(data: bytes) -> str:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message.defects == []
    content = message.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


# --- text


def test_a_text_gets_its_label_on_the_first_line_above_an_empty_one() -> None:
    assert done(HEAD + b"\r\nHello\r\n") == HEAD + b"\r\nReklama\r\n\r\nHello\r\n"
    assert done(HEAD + b"\r\n") == HEAD + b"\r\nReklama\r\n\r\n"


@pytest.mark.parametrize("body", ["Reklama\r\nHello\r\n", "Reklama", "\r\n Reklama\r\n\r\nHello\r\n"])
def test_a_text_that_begins_with_the_label_is_left_alone(body: str) -> None:
    data = HEAD + b"\r\n" + body.encode() + b"\r\n"
    assert splice(data, LABEL) is data


@pytest.mark.parametrize("body", ["Reklamacja\r\n", "Hello\r\nReklama\r\n", "> Reklama\r\n", "Reklama ?\r\n"])
def test_the_word_anywhere_else_is_no_label(body: str) -> None:
    assert done(HEAD + b"\r\n" + body.encode()) == HEAD + b"\r\nReklama\r\n\r\n" + body.encode()


def test_a_label_stands_behind_a_byte_order_mark() -> None:
    data = typed("text/plain; charset=utf-8", "8bit", b"\xef\xbb\xbfHello\r\n")
    assert done(data).endswith(b"\r\n\r\n\xef\xbb\xbfReklama\r\n\r\nHello\r\n")


@pytest.mark.parametrize("additions", [LABEL, WIDE])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "utf-8", "iso-2022-jp", "utf-16", "gb18030"])
def test_a_label_is_put_above_a_text_in_any_set(charset: str, encoding: str, additions: Additions) -> None:
    encoding = "base64" if charset == "utf-16" else encoding
    content = "Hello = there\r\n" * 40
    made = done(typed(f"text/plain; charset={charset}", encoding, coded(encoding, content.encode(charset))), additions)
    assert (
        content_of(made).rstrip("\n")
        == f"{additions.label_text.strip()}\n\n" + "Hello = there\n" * 39 + "Hello = there"
    )


# --- HTML


TOPS = [
    "<html><body>|a</body></html>",
    "<HTML><BODY class='>'>|a",
    "<!doctype html>\n<html lang=en><head><title><body></title></head>\n<body\nid=x>|a",
    "|<p>a</p>",
    "|a<body>b",
    "|",
    "\ufeff|a",
    "\ufeff<body>|a",
    "<!doctype html>|<p>a",
    "<?xml version='1.0'?><html>|<p>a",
    "<html><head></head>|<p>a",
    "<html><head><meta charset=utf-8></head>|a",
    "<head>|<title>a</title><p>b",
    "<head><o:p>x</o:p> y<style>a > b</style></head><body>|a",
    "<!-- <body> --><body>|a",
    "<html><!-- <body> --><script>'<body>'</script><body>|a",
    "<head><!-- <body> -->a<title>b</title><body>|c",
    "<html>|<!-- never closed <body>",
    "<html>|<body class='never closed>",
    "<html>|<script>never closed<body>",
    "|<style>p{}</style><p>a</p><body>b",
    "|a < b",
]


@pytest.mark.parametrize("case", TOPS)
def test_the_place_is_where_the_body_begins(case: str) -> None:
    assert html_top(case.replace("|", "").encode()) == len(case[: case.index("|")].encode())


@pytest.mark.parametrize("case", ["<frameset>", "<html><head></head><FRAMESET cols=*>", "<head><frameset cols=1>"])
def test_a_set_of_frames_has_no_place(case: str) -> None:
    assert html_top(case.encode()) is None
    made = splice(typed("text/html", "7bit", case.encode() + b"\r\n"), LABEL)
    assert isinstance(made, SpliceFault)
    assert made.code is Code.MESSAGE_UNTOUCHABLE


PIECES = st.sampled_from(
    [
        "<html>",
        "<head>",
        "</head>",
        "<body>",
        "<p>",
        "a",
        "<!-- <body> -->",
        "<title><body></title>",
        "\r\n",
        "<!doctype x>",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=10).map("".join))
def test_the_place_is_in_no_comment_and_stays_when_a_label_stands_there(document: str) -> None:
    view = document.encode()
    place = html_top(view)
    assert place is not None
    assert all(not start < place < end for start, end in comments(view))
    assert html_top(view[:place] + b"\r\n<p>L</p>\r\n" + view[place:]) in range(place + 1)


@pytest.mark.parametrize("piece", ["<!-- a -->", "<head>", "<head><", "<!x", "<style></style>", "<title>"])
def test_a_large_document_takes_time_in_proportion(piece: str) -> None:
    document = (piece * 200_000).encode()
    assert html_top(document) is not None


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("additions", [LABEL, WIDE])
def test_html_gets_its_label_behind_the_tag_of_its_body(encoding: str, additions: Additions) -> None:
    made = done(typed("text/html; charset=us-ascii", encoding, coded(encoding, PAGE)), additions)
    page = PAGE.decode().replace("\r\n", "\n").replace("Hello", f"\n{additions.label_html}\nHello")
    assert content_of(made).rstrip("\n") == page.rstrip("\n")


# --- with the rest


def test_a_label_and_blocks_stand_in_both_forms_and_headers_are_added_once() -> None:
    data = HEAD + (
        b"DKIM-Signature: v=1\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\n\r\nText\r\n--b\r\nContent-Type: text/html\r\n\r\n" + PAGE + b"--b--\r\n"
    )
    assert done(data, BOTH) == data.replace(b"DKIM-Signature: v=1\r\n", b"").replace(
        b"boundary=b\r\n", b"boundary=b\r\nX-New: 1\r\n"
    ).replace(b"Text", f"L\r\n\r\nText\r\n\r\n{DASHES}\r\n\r\nA\r\n".encode()).replace(
        b"Hello", b"\r\n<p>L</p>\r\nHello\r\n<p data-penstock=a>A</p>\r\n"
    )


def test_a_label_that_would_end_its_part_is_encoded() -> None:
    data = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    made = done(data + b"<body>--b\r\n</body>\r\n--b--\r\n")
    (part,) = email.message_from_bytes(made, policy=email.policy.default).iter_parts()
    assert part.get_content().replace("\r\n", "\n").strip() == "<body>\n<p>Reklama</p>\n--b\n</body>"


def test_a_label_that_cannot_be_written_is_refused() -> None:
    for additions in (Additions(label_text="a\0"), Additions(label_html="<p>\r</p>"), Additions(label_text="\ud800")):
        made = splice(HEAD + b"\r\nHello\r\n", additions)
        assert isinstance(made, SpliceFault)
        assert made.code is Code.RENDER_FAILED


def test_a_signed_message_gets_no_label() -> None:
    data = HEAD + b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nt\r\n--b--\r\n"
    made = splice(data, LABEL)
    assert isinstance(made, SpliceFault)
    assert made.code is Code.MESSAGE_UNTOUCHABLE
