"""Letters with images, attachments and a calendar object in all scripts, against the standard library's parser."""

from __future__ import annotations

import email
import email.policy
import re
import unicodedata
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.compose.scripts import SCRIPTS, Script

from penstock.compose.calendar_object import completed_calendar
from penstock.compose.mime import BodyFault, MimeWriter, serialise
from penstock.compose.mime_files import EncodedFiles
from penstock.model.mail import Attachment, Letter

BOUNDARY = "=_a1b2c3d4e5f607181234abcd"
PIXELS = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Nordlicht//Visit//EN
METHOD:PUBLISH
BEGIN:VEVENT
UID:visit-1@nordlicht.example
DTSTAMP:20261120T080000Z
DTSTART:20261201T090000Z
SUMMARY:%s
END:VEVENT
END:VCALENDAR
"""
EMOJI = Script("", "👩‍👩‍👧‍👦 says 🏳️‍🌈 and 🇸🇪!", "Zoë 🦊", "offer 🎁")
scripts = st.sampled_from([*SCRIPTS, EMOJI])
octets = st.binary(max_size=60) | st.sampled_from([PIXELS * 4, b"\0" * 57, b"\xff" * 58, b"x" * 114])


def calendar(summary: str) -> str:
    made = completed_calendar(EVENT % summary.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,"), "e.ics")
    assert isinstance(made, str)
    return made


@st.composite
def letters(draw: st.DrawFn) -> tuple[Letter, Script]:
    """One script in every place: subject, name, both bodies, names of files, calendar."""
    script = draw(scripts)
    words = " ".join(draw(st.lists(st.just(script.sentence), min_size=1, max_size=40)))
    headers = (
        ("From", f"{script.name} <eva.berg@nordlicht.example>"),
        ("To", f"{script.name} <anna@muster-werk.example>"),
        ("Subject", words),
        ("MIME-Version", "1.0"),
    )
    files = [
        Attachment(f"{script.file} {n}.pdf", "application/pdf", draw(octets)) for n in range(draw(st.integers(0, 2)))
    ]
    images = [
        Attachment(f"{script.file}.png", "image/png", draw(octets), f"i{n}@x") for n in range(draw(st.integers(0, 2)))
    ]
    html = draw(st.none() | st.just(f"<p>{script.sentence}</p>\n" * draw(st.integers(1, 30))))
    event = draw(st.none() | st.just(calendar(script.sentence)))
    text = f"{script.sentence}\n" * draw(st.integers(0, 30))
    return Letter(headers, text, html, "xx", "t1", None, (*images, *files), event), script


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def written(made: Letter) -> bytes:
    data = serialise(made, boundary=BOUNDARY)
    assert isinstance(data, bytes), data
    return data


def tree(part: MIMEPart) -> str:
    """`mixed(alternative(plain, html), pdf)`."""
    if not part.is_multipart():
        return part.get_content_subtype()
    return f"{part.get_content_subtype()}({', '.join(tree(each) for each in part.iter_parts())})"


def defects(message: EmailMessage) -> Iterator[object]:
    for part in message.walk():
        yield from part.defects
        for name in ("Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Content-ID"):
            yield from getattr(part[name], "defects", ())


def plain(text: object) -> str:
    return str(text).replace("\r\n", "\n").rstrip("\n")


def sample(*files: Attachment, html: str | None = "<p>x</p>\n", event: str | None = None) -> Letter:
    headers = (("From", "a@n.example"), ("To", "b@m.example"), ("Subject", "x"), ("MIME-Version", "1.0"))
    return Letter(headers, "x\n", html, "en", "t1", None, files, event)


def test_thirty_scripts_are_what_they_say() -> None:
    assert len({script.key for script in SCRIPTS}) >= 30
    for script in SCRIPTS:
        for text in (script.sentence, script.name, script.file):
            letters_of_it = [c for c in text if unicodedata.category(c) in {"Lo", "Ll", "Lu"}]
            ours = [c for c in letters_of_it if unicodedata.name(c).startswith(script.key)]
            assert len(ours) == len(letters_of_it) > 0, (script.key, text)


@given(letters())
def test_the_standard_library_reads_every_part_back_in_every_script(pair: tuple[Letter, Script]) -> None:
    letter, script = pair
    message = parsed(written(letter))
    assert not [*defects(message)]
    assert message["Subject"] == letter.header("Subject")
    assert not message["Subject"].defects
    for header in ("From", "To"):
        assert not message[header].defects
        # Some Pythons keep a space between two encoded-words of a phrase.
        assert message[header].addresses[0].display_name.replace(" ", "") == script.name.replace(" ", "")
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert plain(text.get_content()) == plain(letter.text)
    assert (html is None) == (letter.html is None)
    assert html is None or plain(html.get_content()) == plain(letter.html)
    files = [part for part in message.walk() if part.get_filename()]
    assert [part.get_filename() for part in files] == [file.name for file in letter.attachments]
    assert [part.get_payload(decode=True) for part in files] == [file.data for file in letter.attachments]
    assert [str(part["Content-ID"] or "") for part in files] == [
        f"<{f.cid}>" if f.cid else "" for f in letter.attachments
    ]
    events = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    assert [plain(part.get_content()) for part in events] == ([plain(letter.calendar)] if letter.calendar else [])
    assert all(part["Content-Type"].params["method"] == "PUBLISH" for part in events)


@given(letters())
def test_lines_keep_the_limits_and_boundaries_stand_where_they_belong(pair: tuple[Letter, Script]) -> None:
    data = written(pair[0])
    assert data.isascii()
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(len(line) <= 78 for line in lines)
    assert all(len(line) <= 76 for line in lines if re.fullmatch(rb"[A-Za-z0-9+/=]+", line))
    declared = re.findall(rb'boundary="([^"]+)"', data)
    assert len(set(declared)) == len(declared)
    assert not any(a != b and a.startswith(b) for a in declared for b in declared)
    for boundary in declared:
        parts = [line for line in lines if line.startswith(b"--" + boundary)]
        assert set(parts) == {b"--" + boundary, b"--" + boundary + b"--"}
        assert parts.count(b"--" + boundary + b"--") == 1


@given(letters())
def test_a_used_writer_gives_the_same_octets_as_a_fresh_one(pair: tuple[Letter, Script]) -> None:
    files = EncodedFiles()
    first = MimeWriter(files).serialise(pair[0], boundary=BOUNDARY)
    assert first == MimeWriter(files).serialise(pair[0], boundary=BOUNDARY) == written(pair[0])
    assert files.encoded == len(set(pair[0].attachments))


PNG = Attachment("logo.png", "image/png", PIXELS, "logo.1@penstock")
PDF = Attachment("a.pdf", "application/pdf", b"%PDF")


@pytest.mark.parametrize(
    ("letter", "structure"),
    [
        (sample(), "alternative(plain, html)"),
        (sample(html=None), "plain"),
        (sample(PNG), "alternative(plain, related(html, png))"),
        (sample(PDF), "mixed(alternative(plain, html), pdf)"),
        (sample(PDF, html=None), "mixed(plain, pdf)"),
        (sample(PNG, PDF, PDF), "mixed(alternative(plain, related(html, png)), pdf, pdf)"),
        (sample(event=calendar("x")), "alternative(plain, html, calendar)"),
        (sample(html=None, event=calendar("x")), "alternative(plain, calendar)"),
        (sample(PNG, PDF, event=calendar("x")), "mixed(alternative(plain, related(html, png), calendar), pdf)"),
        (sample(PNG, html=None), "mixed(plain, png)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_there_are_only_the_levels_that_are_needed(letter: Letter, structure: str) -> None:
    data = written(letter)
    message = parsed(data)
    assert tree(message) == structure
    assert data.count(b"boundary=") == structure.count("(")
    assert (f'boundary="{BOUNDARY}"'.encode() in data) == (structure.count("(") == 1)
    assert not [*defects(message)]


def test_without_files_and_calendar_the_octets_are_what_they_always_were() -> None:
    assert written(sample()) == (
        b"From: a@n.example\r\nTo: b@m.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative;\r\n boundary="' + BOUNDARY.encode() + b'"\r\n\r\n'
        b"--" + BOUNDARY.encode() + b'\r\nContent-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n\r\nx\r\n\r\n"
        b"--" + BOUNDARY.encode() + b'\r\nContent-Type: text/html; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n\r\n<p>x</p>\r\n\r\n--" + BOUNDARY.encode() + b"--\r\n"
    )


def test_an_image_says_how_it_goes_and_an_attachment_likewise() -> None:
    message = parsed(written(sample(PNG, PDF)))
    png, pdf = [part for part in message.walk() if part.get_filename()]
    assert (png.get_content_disposition(), str(png["Content-ID"])) == ("inline", "<logo.1@penstock>")
    assert png["Content-Transfer-Encoding"] == "base64"
    assert (pdf.get_content_disposition(), pdf["Content-ID"]) == ("attachment", None)
    related = next(part for part in message.walk() if part.get_content_subtype() == "related")
    assert related["Content-Type"].params["type"] == "text/html"


def test_a_text_file_says_its_charset_only_when_it_is_utf_8() -> None:
    utf8 = Attachment("a.csv", "text/csv", "naïve".encode())
    latin = Attachment("b.csv", "text/csv", "naïve".encode("latin-1"))
    first, second = [part for part in parsed(written(sample(utf8, latin))).walk() if part.get_filename()]
    assert first.get_content() == "naïve"
    assert (first.get_content_charset(), second.get_content_charset()) == ("utf-8", None)


@given(
    st.sampled_from(["\r", "\n", "\r\nBcc: x@y.example", "\0", "\t", "\x85", "\u2028", "\ud800", "/", "\\", "\u202e"])
)
def test_a_name_that_would_break_a_header_or_deceive_is_a_fault(bad: str) -> None:
    fault = serialise(sample(Attachment(f"a{bad}b.pdf", "application/pdf", b"x")), boundary=BOUNDARY)
    assert isinstance(fault, BodyFault)
    assert fault.part == "attachment"
    assert bad not in fault.what or bad in "/\\"


@pytest.mark.parametrize(
    "kind", ["pdf", "application/pdf; x=1", "a/b\r\nX: y", "multipart/mixed", "message/rfc822", ""]
)
def test_a_type_that_is_none_or_cannot_be_encoded_is_a_fault(kind: str) -> None:
    assert isinstance(serialise(sample(Attachment("a.pdf", kind, b"x")), boundary=BOUNDARY), BodyFault)


@pytest.mark.parametrize("cid", ["logo", "a b@x", "a@b\r\n", "<a@b>", "a@b>"])
def test_an_id_that_no_cid_address_can_hold_is_a_fault(cid: str) -> None:
    assert isinstance(serialise(sample(Attachment("a.png", "image/png", b"x", cid)), boundary=BOUNDARY), BodyFault)


@pytest.mark.parametrize("event", ["", "BEGIN:VCALENDAR\nEND:VCALENDAR\n", "METHOD:a b\n", "x\ud800\nMETHOD:PUBLISH\n"])
def test_a_calendar_without_method_or_with_half_a_character_is_a_fault(event: str) -> None:
    assert isinstance(serialise(sample(event=event), boundary=BOUNDARY), BodyFault)


def test_a_half_character_in_a_body_beside_files_is_a_fault() -> None:
    assert isinstance(serialise(sample(PDF, html="\ud800"), boundary=BOUNDARY), BodyFault)


@given(st.sampled_from([script.sentence for script in SCRIPTS]), st.integers(9_900, 10_100))
@example("x", 10_000)
@example("👩‍👩‍👧‍👦", 10_000)
@example("a b ", 10_000)
def test_a_subject_of_ten_thousand_characters_comes_back_in_short_lines(words: str, length: int) -> None:
    subject = (words * (length // len(words) + 1))[:length].strip(" ")
    letter = sample(PDF)
    data = written(letter.with_headers((*letter.headers[:2], ("Subject", subject), letter.headers[3])))
    message = parsed(data)
    assert message["Subject"] == subject
    assert not [*defects(message)]
    assert max(map(len, data.split(b"\r\n"))) <= 78


def test_encoded_files_keep_to_their_room_and_what_is_larger_is_not_kept() -> None:
    files = EncodedFiles(most=1_000)
    small = [Attachment(f"{n}.bin", "application/octet-stream", bytes([n]) * 300) for n in range(3)]
    large = Attachment("large.bin", "application/octet-stream", b"x" * 2_000)
    first = [files.part(each) for each in (small[0], small[0])]
    assert first[0] is first[1]
    assert files.encoded == 1
    for each in (small[1], small[2], small[0]):
        files.part(each)
    assert files.encoded == 4  # the first had to make room
    assert files.part(large) == files.part(large)
    assert files.encoded == 6
