"""Which parts of a message its reader sees first."""

from __future__ import annotations

import time

import pytest

from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.part_tree import first_seen
from penstock.model.codes import Code

TEXT = "Content-Type: text/plain\n\n{0}"
HTML = "Content-Type: text/html\n\n{0}"
FILE = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\n{0}"
IMAGE = "Content-Type: image/png\nContent-ID: <{0}>\nContent-Transfer-Encoding: base64\n\nAAAA"
MAIL = "Content-Type: message/rfc822\n\nSubject: {0}\n\nenclosed"
CALENDAR = "Content-Type: text/calendar; method=REQUEST\n\n{0}"


def multipart(kind: str, *parts: str, boundary: str = "", more: str = "", close: str = "--") -> str:
    """Boundaries differ by what they enclose, and begin one another."""
    boundary = boundary or "b" * (1 + max(part.count("boundary=") for part in parts))
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\n\npreamble\n{inner}--{boundary}{close}\nepilogue'
    )


def bodies(message: str) -> list[str] | SpliceFault:
    data = message.replace("\n", "\r\n").encode()
    found = first_seen(data)
    if isinstance(found, SpliceFault):
        return found
    return [data[leaf.block.body : leaf.end].decode().replace("\r\n", "\n") for leaf in found]


def test_a_message_of_one_text_is_its_own_leaf() -> None:
    assert bodies("From: a\n\nbody\n") == ["body\n"]
    assert bodies(HTML.format("x")) == ["x"]
    assert bodies("Subject: s\n") == [""]


NAMED = "Content-Type: text/html\nContent-Disposition: inline; filename=a.html\n\n{0}"


def test_a_form_or_a_root_is_shown_whatever_its_name_or_disposition() -> None:
    assert bodies(multipart("alternative", TEXT.format("t"), NAMED.format("h"))) == ["t", "h"]
    assert bodies(multipart("alternative", TEXT.format("t"), FILE.format("f"))) == ["t", "f"]
    assert bodies(multipart("related", NAMED.format("h"), IMAGE.format("i"))) == ["h"]
    named = multipart("related", NAMED.format("h"), IMAGE.format("i"))
    assert bodies(multipart("alternative", TEXT.format("t"), named)) == ["t", "h"]
    assert bodies(multipart("mixed", NAMED.format("h"), TEXT.format("t"))) == ["t"]
    mixture = multipart("mixed", FILE.format("f"), HTML.format("h"))
    assert bodies(multipart("alternative", TEXT.format("t"), mixture)) == ["t", "h"]


OTHER = "Content-Type: {0}\n\nx"


@pytest.mark.parametrize(
    "form",
    [
        *map(OTHER.format, ["text/x-amp-html", "text/watch-html", "text/enriched", "application/pdf", "image/png"]),
        MAIL.format("m"),
        multipart("mixed", FILE.format("f"), IMAGE.format("i")),
        multipart("related", IMAGE.format("i"), HTML.format("h")),
        multipart("mixed", IMAGE.format("i"), multipart("alternative", OTHER.format("text/x-amp-html"))),
    ],
)
def test_a_form_without_a_place_makes_the_whole_untouchable(form: str) -> None:
    for forms in ((TEXT.format("t"), form, HTML.format("h")), (TEXT.format("t"), HTML.format("h"), form)):
        data = multipart("alternative", *forms).replace("\n", "\r\n").encode()
        fault = first_seen(data, whole=True)
        assert isinstance(fault, SpliceFault), forms
        assert fault.code is Code.MESSAGE_UNTOUCHABLE
        seen = bodies(multipart("alternative", *forms))
        assert not isinstance(seen, SpliceFault)
        assert len(seen) == 2


def test_the_whole_of_a_usual_message_is_read_like_any() -> None:
    both = multipart("related", multipart("alternative", TEXT.format("t"), HTML.format("h")), IMAGE.format("i"))
    invited = multipart("alternative", TEXT.format("t"), HTML.format("h"), CALENDAR.format("c"))
    for message in (TEXT.format("t"), both, invited, multipart("mixed", invited, FILE.format("f"), IMAGE.format("i"))):
        data = message.replace("\n", "\r\n").encode()
        assert first_seen(data, whole=True) == first_seen(data)


def test_of_an_alternative_each_form_is_taken() -> None:
    assert bodies(multipart("alternative", TEXT.format("t"), HTML.format("h"), CALENDAR.format("c"))) == ["t", "h"]


def test_of_a_mixture_the_first_that_holds_text_is_taken() -> None:
    parts = IMAGE.format("i"), FILE.format("f"), MAIL.format("m"), TEXT.format("one"), TEXT.format("two")
    assert bodies(multipart("mixed", *parts)) == ["one"]
    assert bodies(multipart("x-unknown", *parts)) == ["one"]


def test_a_mixture_may_begin_with_an_alternative() -> None:
    both = multipart("alternative", TEXT.format("t"), multipart("related", HTML.format("h"), IMAGE.format("i")))
    assert bodies(multipart("mixed", both, TEXT.format("footer"))) == ["t", "h"]


def test_an_alternative_without_text_is_passed_over() -> None:
    empty = multipart("alternative", CALENDAR.format("c"))
    assert bodies(multipart("mixed", empty, TEXT.format("t"))) == ["t"]


def test_a_branch_may_be_a_mixture() -> None:
    mixture = multipart("mixed", HTML.format("h1"), IMAGE.format("i"), HTML.format("h2"))
    assert bodies(multipart("alternative", TEXT.format("t"), mixture)) == ["t", "h1"]


def test_of_related_parts_the_root_is_taken() -> None:
    named = HTML.format("h").replace("\n\n", "\nContent-ID: <root@x>\n\n", 1)
    assert bodies(multipart("related", HTML.format("h"), TEXT.format("t"))) == ["h"]
    assert bodies(multipart("related", TEXT.format("t"), named, more='; start="<root@x>"')) == ["h"]
    assert bodies(multipart("related", TEXT.format("t"), named, more='; start="<none@x>"')) == ["t"]


def test_a_digest_has_messages_where_a_mixture_has_texts() -> None:
    fault = bodies(multipart("digest", "\nSubject: s\n\nenclosed"))
    assert isinstance(fault, SpliceFault)
    assert fault.code is Code.MESSAGE_UNTOUCHABLE
    assert bodies(multipart("mixed", TEXT.format("t"), multipart("digest", "\nSubject: s\n\n"))) == ["t"]


@pytest.mark.parametrize(
    "message",
    [
        multipart("signed", TEXT.format("t"), IMAGE.format("i")),
        multipart("encrypted", TEXT.format("t")),
        multipart("mixed", multipart("signed", TEXT.format("t")), TEXT.format("footer")),
        multipart("alternative", TEXT.format("t"), multipart("signed", HTML.format("h"))),
        multipart("report", TEXT.format("t")),
        "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Disposition: attachment\n\nAAAA",
        "Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nAAAA",
        'Content-Type: application/octet-stream; name="smime.p7m"\n\nAAAA',
        'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="smime.p7m"\n\nAAAA',
        "Content-Type: message/partial; id=a; number=1\n\n",
        IMAGE.format("i"),
        FILE.format("f"),
        MAIL.format("m"),
        CALENDAR.format("c"),
        "Content-Type: text/enriched\n\n<bold>t</bold>",
        multipart("mixed", IMAGE.format("i"), FILE.format("f")),
        multipart("form-data", TEXT.format("t")),
    ],
)
def test_what_must_not_change_or_has_no_place_is_untouchable(message: str) -> None:
    fault = bodies(message)
    assert isinstance(fault, SpliceFault)
    assert fault.code is Code.MESSAGE_UNTOUCHABLE


def test_what_is_signed_behind_the_text_does_not_matter() -> None:
    assert bodies(multipart("mixed", TEXT.format("t"), multipart("signed", TEXT.format("s")))) == ["t"]


@pytest.mark.parametrize(
    "message",
    [
        "Content-Type: text\n\n",
        "Content-Type: text/plain\nContent-Type: text/html\n\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: 7bit\n\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: 7bit (a\n\n",
        "Content-Type: multipart/mixed\n\n--\n\nt\n----\n",
        'Content-Type: multipart/mixed; boundary=""\n\n--\n\nt\n----\n',
        "Content-Type: multipart/mixed; boundary=b\n\nno delimiter\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--bb\n\nt\n--bb--\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b--\n\n--b\n\nt\n",
        "Content-Type: multipart/mixed; boundary=b\n\ntext --b\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b",
        "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nt\n--b--\n",
        multipart("mixed", "no header at all\nno, none\n\nt"),
        multipart("mixed", multipart("mixed", TEXT.format("t"), boundary="same"), boundary="same"),
    ],
)
def test_what_can_be_read_in_more_ways_than_one_is_a_fault(message: str) -> None:
    fault = bodies(message)
    assert isinstance(fault, SpliceFault)
    assert fault.code is Code.HEADER_INVALID


def test_a_last_part_without_closing_delimiter_ends_with_its_multipart() -> None:
    data = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nt\nmore\n"
    assert bodies(data) == ["t\nmore\n"]
    inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nt\nmore"
    assert bodies(multipart("mixed", inner, TEXT.format("x"), boundary="b")) == ["t\nmore"]


def test_one_boundary_may_begin_another() -> None:
    inner = multipart("alternative", TEXT.format("t"), HTML.format("h"), boundary="bb")
    assert bodies(multipart("mixed", inner, IMAGE.format("i"), boundary="b")) == ["t", "h"]
    inner = multipart("alternative", TEXT.format("t"), HTML.format("h"), boundary="b")
    assert bodies(multipart("mixed", inner, IMAGE.format("i"), boundary="bb")) == ["t", "h"]


def test_white_space_may_follow_a_delimiter() -> None:
    data = "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\nt\n--b-- \nepilogue"
    assert bodies(data) == ["t"]


def test_a_part_may_be_empty() -> None:
    assert bodies("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n") == [""]
    assert bodies("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b--\n") == [""]
    assert bodies("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n--b--\n") == [""]


def test_between_two_delimiters_in_a_row_there_is_no_part() -> None:
    head = "Content-Type: multipart/mixed; boundary=b\n\n"
    assert bodies(f"{head}--b\n--b\n\nt\n--b--\n") == ["t"]
    found = bodies(f"{head}--b\n--b--\n")
    assert isinstance(found, SpliceFault)
    assert found.code is Code.HEADER_INVALID


@pytest.mark.parametrize(
    ("disposition", "body"),
    [
        ("inline", "first"),
        ("inline; filename=a.txt", "second"),
        ("Inline (shown); FILENAME*0*=us-ascii''a; filename*1=.txt", "second"),
        ('inline; filename=""', "first"),
        ('inline; x="; filename=a.txt"', "first"),
        ("inline; filename=a b.txt", "second"),
        ("inline; size=1 2", "first"),
        ("attachment", "second"),
    ],
)
def test_a_text_with_a_file_name_is_no_letter(disposition: str, body: str) -> None:
    first = f"Content-Type: text/plain\nContent-Disposition: {disposition}\n\nfirst"
    assert bodies(multipart("mixed", first, TEXT.format("second"))) == [body]


def test_a_leaf_knows_all_delimiters_around_it() -> None:
    inner = multipart("related", HTML.format("x"), boundary="i")
    data = multipart("alternative", TEXT.format("t"), inner, boundary="o").replace("\n", "\r\n").encode()
    found = first_seen(data)
    assert not isinstance(found, SpliceFault)
    assert [leaf.delimiters for leaf in found] == [(b"--o",), (b"--o", b"--i")]


def test_the_boundary_may_be_written_in_pieces() -> None:
    data = "Content-Type: multipart/mixed; boundary*0*=us-ascii''a%20; boundary*1=b (comment)\n\n--a b\n\nt\n--a b--\n"
    assert bodies(data) == ["t"]


def nested(levels: int) -> str:
    heads = "".join(f"Content-Type: multipart/mixed; boundary=b{level}.\n\n--b{level}.\n" for level in range(levels))
    return heads + TEXT.format("t\n") + "".join(f"--b{level}.--\n" for level in reversed(range(levels)))


def test_parts_are_nested_in_fifty_levels_at_most() -> None:
    assert bodies(nested(49)) == ["t"]
    for levels in (50, 1_000):
        fault = bodies(nested(levels))
        assert isinstance(fault, SpliceFault)
        assert fault.code is Code.HEADER_INVALID


def test_there_is_an_end_to_how_many_parts_are_looked_at() -> None:
    files, texts = [FILE.format("f")], [TEXT.format("t")]
    assert bodies(multipart("mixed", *files * 9_000, *texts)) == ["t"]
    assert bodies(multipart("alternative", *texts * 100)) == ["t"] * 100
    for message in (multipart("mixed", *files * 10_000, *texts), multipart("alternative", *texts * 101)):
        fault = bodies(message)
        assert isinstance(fault, SpliceFault)
        assert fault.code is Code.HEADER_INVALID


def test_a_message_full_of_dashes_takes_no_great_time() -> None:
    start = time.process_time()
    data = ("Content-Type: multipart/mixed; boundary=----\n\n" + "-" * 2_000_000 + "\n" + "--\n" * 200_000).encode()
    assert isinstance(first_seen(data.replace(b"\n", b"\r\n")), SpliceFault)
    assert time.process_time() - start < 5


def test_how_a_part_is_written_is_told() -> None:
    data = b"Content-Type: TEXT/html;\r\n charset=Latin1\r\nContent-Transfer-Encoding: Base64 (b)\r\n\r\n"
    found = first_seen(data)
    assert isinstance(found, list)
    (leaf,) = found
    assert leaf.html
    assert leaf.encoding == "base64"
    assert leaf.type.values["charset"] == "Latin1"
    assert leaf.type_field is leaf.block.fields[0]
    assert leaf.encoding_field is leaf.block.fields[1]
