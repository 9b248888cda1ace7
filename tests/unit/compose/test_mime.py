"""The writer against the standard library's parser."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.headers import field_line, split_mailbox
from penstock.compose.mime import BodyFault, HeaderFault, MimeWriter, serialise
from penstock.model.mail import Letter

BOUNDARY = "=_a1b2c3d4e5f60718"
PRINTABLE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
SAMPLES = st.sampled_from(
    [
        "Größe",
        "Ångström",
        "Ελληνικά",
        "Русский текст",
        "עברית",
        "العربية",
        "日本語のテキスト",
        "한국어",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "e\u0301",
        "plain",
    ]
)
PHRASES = st.one_of(SAMPLES, st.text(PRINTABLE, max_size=80), st.lists(SAMPLES, max_size=30).map(" ".join))
BODIES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=400),
    st.lists(PHRASES, max_size=12).map("\n".join),
    st.lists(
        st.sampled_from(["", ".", "..", ".x", "From me", "From ", "end  ", "\ttab\t", "a=b", "=_", "x" * 77]),
        max_size=12,
    ).map("\n".join),
)


def letter(subject: str = "Hello", text: str = "Text\n", html: str | None = "<p>Text</p>\n", **headers: str) -> Letter:
    fields = [("From", "Eva Berg <eva@n.example>"), ("To", "anna@m.example"), ("Subject", subject)]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Letter((*fields, ("MIME-Version", "1.0")), text, html, "en", "t1")


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def written(made: Letter) -> bytes:
    data = serialise(made, boundary=BOUNDARY)
    assert isinstance(data, bytes)
    return data


def same(found: str, wanted: str) -> bool:
    return found.replace("\r\n", "\n").rstrip("\n") == wanted.replace("\r\n", "\n").rstrip("\n")


@given(PHRASES, BODIES, BODIES)
@example("a  b ", "x" * 10_000, "ü" * 10_000)
@example("=?utf-8?q?x?=", ".\n..\n", "From here\nFrom there  \n")
@example("x" * 2000, "", "\n")
@example(" ", " ", " ")
def test_the_standard_library_reads_back_what_was_written(subject: str, text: str, html: str) -> None:
    data = written(letter(subject, text, html))
    message = parsed(data)
    assert all(not part.defects for part in message.walk())
    assert message["Subject"] == subject
    plain, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert markup is not None
    assert same(plain.get_content(), text)
    assert same(markup.get_content(), html)


@given(PHRASES, BODIES)
def test_every_line_is_short_and_ends_with_crlf(subject: str, text: str) -> None:
    data = written(letter(subject, text))
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert data.isascii()
    head, _, body = data.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 78
    lines = head.split(b"\r\n")
    assert all(line.strip() for line in lines)
    assert all(len(line) <= 78 or b" " not in line[1:].partition(b": ")[2] for line in lines if b"=?" not in line)
    assert all(len(line) <= 76 for line in lines if b"=?utf-8?" in line)


NAMES = PHRASES.map(lambda text: " ".join(text.replace("<", "").replace(">", "").split())).filter(bool)


@given(NAMES)
@example('He said "no", \\ (really), O\'Brien; x: y@z')
@example("Jörg " * 40)
@example("a" * 70)
def test_display_names_come_back_and_the_address_is_never_encoded(name: str) -> None:
    data = written(letter(Reply_To=f"{name} <eva.berg@nordlicht.example>"))
    assert b"eva.berg@nordlicht.example" in data
    found = parsed(data)["Reply-To"]
    assert not found.defects
    assert [address.addr_spec for address in found.addresses] == ["eva.berg@nordlicht.example"]
    # The newer parser of some Python releases keeps the space between encoded-words of a phrase; this one does not.
    words, address = parseaddr(str(email.message_from_bytes(data)["Reply-To"]))
    assert address == "eva.berg@nordlicht.example"
    assert str(make_header(decode_header(words))).split() == name.split()


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: x@y.example", "a\nb", "a\0", "a\tb", "\x7f", "a\x85b", "a\u2028b", "\ud800"]
)
@pytest.mark.parametrize("header", ["Subject", "From", "Reply-To", "List-Unsubscribe", "X-Note"])
def test_control_characters_and_half_characters_in_a_header_are_never_written(bad: str, header: str) -> None:
    value = f"{bad} <a@b.example>" if header in {"From", "Reply-To"} else bad
    made = Letter(((header, value),), "t", None, "en", "t1")
    fault = serialise(made, boundary=BOUNDARY)
    assert isinstance(fault, HeaderFault)
    assert fault.header == header
    assert bad not in fault.what


def test_a_half_character_in_the_body_is_a_value() -> None:
    assert isinstance(serialise(letter(text="x\ud800"), boundary=BOUNDARY), BodyFault)


@pytest.mark.parametrize("name", ["Sub ject", "Sub:ject", "", "Größe", "X\n"])
def test_a_header_name_outside_the_grammar_is_refused(name: str) -> None:
    assert isinstance(field_line(name, "x"), HeaderFault)


def test_content_headers_cannot_be_given_twice() -> None:
    assert isinstance(serialise(letter(Content_Type="text/html"), boundary=BOUNDARY), HeaderFault)


def test_a_smtputf8_local_part_is_written_as_utf8() -> None:
    line = field_line("To", "Jörg <jörg@xn--mller-kva.example>")
    assert line == "To: =?utf-8?b?SsO2cmc=?= <jörg@xn--mller-kva.example>\r\n"
    message = parsed(written(letter(Reply_To="jörg@xn--mller-kva.example")).replace(b"1.0", b"1.0"))
    assert message["Reply-To"] == "jörg@xn--mller-kva.example"


@pytest.mark.parametrize(
    "value",
    [
        "a@b.example, c@d.example",
        "A <a@b.example>, C <c@d.example>",
        "A <>",
        "A <a b@c.example>",
        "a@müller.example",
    ],
)
def test_a_mailbox_header_holds_exactly_one_ascii_domain_address(value: str) -> None:
    line = field_line("To", value)
    if isinstance(line, str):  # text before the last `<` is a name, whatever stands in it
        assert len(parsed((line + "\r\n").encode())["To"].addresses) == 1
    else:
        assert line.header == "To"


def test_the_name_is_what_stands_before_the_last_bracket() -> None:
    assert split_mailbox("Eva Berg, Nordlicht Software AB <eva@n.example>") == (
        "Eva Berg, Nordlicht Software AB",
        "eva@n.example",
    )
    assert split_mailbox("eva@n.example") == ("", "eva@n.example")
    assert (
        field_line("From", "Eva Berg, Nordlicht AB <eva@n.example>")
        == 'From: "Eva Berg, Nordlicht AB" <eva@n.example>\r\n'
    )


def test_plain_ascii_with_short_lines_goes_as_it_is() -> None:
    data = written(letter(text="Short.\nLines.\n", html=None))
    assert b"Content-Transfer-Encoding: 7bit" in data
    assert data.endswith(b"\r\n\r\nShort.\r\nLines.\r\n")
    assert b"multipart" not in data


def test_a_script_outside_latin_goes_in_base64_and_german_in_quoted_printable() -> None:
    assert b"base64" in written(letter(text="Русский текст " * 20, html=None))
    assert b"quoted-printable" in written(letter(text="Schöne Grüße aus Köln an alle im Einkauf\n" * 5, html=None))


def test_headers_keep_their_order_and_long_uris_stay_whole() -> None:
    uri = (
        "<https://mail.nordlicht.example/u/"
        + "t" * 90
        + ">, <mailto:unsub+"
        + "t" * 60
        + "@r.example?subject=unsubscribe>"
    )
    data = written(letter(List_Unsubscribe=uri))
    names = [line.partition(b":")[0] for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "]
    assert names == [b"From", b"To", b"Subject", b"List-Unsubscribe", b"MIME-Version", b"Content-Type"]
    assert parsed(data)["List-Unsubscribe"] == uri


def test_the_same_letter_gives_the_same_bytes_and_a_used_writer_the_same_as_a_fresh_one() -> None:
    writer = MimeWriter()
    made = letter("Grüße", "Zeile ü\n" * 3, "<p>ü</p>\n" * 3)
    assert writer.serialise(made, boundary=BOUNDARY) == writer.serialise(made, boundary=BOUNDARY) == written(made)
