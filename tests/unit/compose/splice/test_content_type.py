"""Types and parameters as mails write them."""

from __future__ import annotations

import pytest

from penstock.compose.splice.content_type import content_type, without_comments


@pytest.mark.parametrize(
    ("value", "kind", "values"),
    [
        (" text/plain", "text/plain", {}),
        (" Text/HTML; Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        (' text/plain; charset="us-ascii";', "text/plain", {"charset": "us-ascii"}),
        (" text/plain; charset=us-ascii (Plain (very) text)", "text/plain", {"charset": "us-ascii"}),
        (" (a) multipart (b) /mixed(c); boundary=x", "multipart/mixed", {"boundary": "x"}),
        (' multipart/mixed; boundary="a;b=(c)\\"d"', "multipart/mixed", {"boundary": 'a;b=(c)"d'}),
        (" multipart/mixed;\r\n\tboundary=----=_Part_1?x", "multipart/mixed", {"boundary": "----=_Part_1?x"}),
        (' multipart/mixed; boundary="a\r\n b"', "multipart/mixed", {"boundary": "a b"}),
        (" multipart/mixed; boundary*0=ab; boundary*1=cd", "multipart/mixed", {"boundary": "abcd"}),
        (" multipart/mixed; boundary*=us-ascii'en'a%20b", "multipart/mixed", {"boundary": "a b"}),
        (" text/plain; charset*0*=''utf; charset*1*=%2D8", "text/plain", {"charset": "utf-8"}),
        (" a/b; name=x; name*=utf-8''%C3%B6", "a/b", {"name": "ö"}),
        (" a/b;; ;x=y", "a/b", {"x": "y"}),
    ],
)
def test_a_value_is_read(value: str, kind: str, values: dict[str, str]) -> None:
    found = content_type(value)
    assert found is not None
    assert (found.kind, found.values) == (kind, values)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " text",
        " text/plain charset=utf-8",
        " text/plain; charset=",
        " text/plain; charset",
        ' text/plain; charset="utf-8',
        " text/plain (open",
        " text/plain (a\\)",
        " multipart/mixed; boundary=a; boundary=b",
        " multipart/mixed; boundary=a; boundary*=''b",
        " multipart/mixed; boundary*0=a; boundary*2=c",
        " multipart/mixed; boundary*0=a; boundary*0=c",
        " multipart/mixed; boundary*=a",
        " text/plain" + "; a=b" * 201,
    ],
)
def test_what_can_be_read_in_more_ways_than_one_is_not_read(value: str) -> None:
    assert content_type(value) is None


def test_what_stands_in_quotes_is_no_comment() -> None:
    assert without_comments(' "a(b" (c"d) e') == ' "a(b"   e'
    assert without_comments("a (b") is None


def test_a_value_of_great_length_takes_no_great_time() -> None:
    assert content_type(" text/plain; a=" + '"' + "\\" * 400_000) is None
    assert content_type(" text/plain " + "(" * 400_000) is None
    assert content_type(" text/plain" + ";" * 400_000) is not None


def test_parameters_are_kept_as_they_are_written() -> None:
    found = content_type(' text/plain; Name="a\r\n b"; format=flowed (c); charset=x')
    assert found is not None
    assert found.written == (("name", 'Name="a\r\n b"'), ("format", "format=flowed"), ("charset", "charset=x"))
