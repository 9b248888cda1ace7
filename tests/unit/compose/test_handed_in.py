"""The head of what a program hands in: one sender who cannot be mistaken, and what it asks of us."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.compose.handed_in import HandedHead, advertises, read_head, unfolded
from penstock.model.routing import from_address

EVA = "eva.berg@nordlicht.example"


def head(from_: str, *more: str) -> bytes:
    return "\r\n".join((f"From: {from_}", *more, "", "body\r\n")).encode()


@pytest.mark.parametrize(
    "from_",
    [
        EVA,
        f"<{EVA}>",
        f"Eva Berg <{EVA}>",
        f'"Berg, Eva" <{EVA}>',
        f"=?utf-8?Q?M=C3=BCller=2C_Eva?= <{EVA}>",
        f"{EVA} (Eva Berg)",
        f"Eva (Nordlicht) Berg <{EVA}>",
        f"Eva Berg\r\n <{EVA}>",
        "Eva <Eva.Berg@Nordlicht.Example>".replace("Eva.Berg", "eva.berg"),
    ],
)
def test_one_address_is_read_however_its_name_is_written(from_: str) -> None:
    found = read_head(head(from_))
    assert isinstance(found, HandedHead), found
    assert found.from_ == EVA


@pytest.mark.parametrize(
    "from_",
    [
        "",
        "nobody",
        f"{EVA}, ceo@bank.example",
        f"Eva <{EVA}> <ceo@bank.example>",
        f"Group: {EVA};",
        f'"Eva <{EVA}>" ceo@bank.example',
        f"<@bank.example:{EVA}>",
        f"Eva (a (b) c) <{EVA}>",
        "(" * 3000 + EVA,
        "x" * 5000 + f" <{EVA}>",
        f"Eva \\<ceo@bank.example\\> <{EVA}>",
    ],
)
def test_a_from_that_could_be_read_in_two_ways_is_refused(from_: str) -> None:
    assert isinstance(read_head(head(from_)), str)


@pytest.mark.parametrize(("word", "end"), [("=3E?=", ""), ("=3E_=28?=", " (=?utf-8?q?x=29?=)")])
def test_what_encoded_words_say_is_no_address(word: str, end: str) -> None:
    hidden = f"=?utf-8?q?=3C{EVA.replace('@', '=40')}{word} <ceo@bank.example>{end}"
    found = read_head(head(hidden))
    assert isinstance(found, HandedHead)
    assert found.from_ == from_address(head(hidden)) == "ceo@bank.example"


@given(st.text(alphabet='ab@<>"(),:;\\ =?.-_', max_size=60))
def test_whatever_stands_there_all_readers_of_ours_agree(from_: str) -> None:
    data = head(f"{from_} <{EVA}>")
    found = read_head(data)
    assert isinstance(found, str) or found.from_ == from_address(data)


@pytest.mark.parametrize("value", [f"Boss <{EVA}>", "", f"{EVA}, ceo@bank.example"])
def test_a_sender_beside_from_is_one_address_or_refused(value: str) -> None:
    found = read_head(head(EVA, f"Sender: {value}"))
    assert isinstance(found, str) == ("<" not in value)
    assert isinstance(found, str) or found.sender == EVA


@pytest.mark.parametrize(
    "line",
    [
        "X-Penstock-Tag: =?utf-8?q?a=0D=0AX-Evil=3A_1?=",
        "X-Penstock-Campaign: =?utf-8?q?=00?=",
        "X-Penstock-Tag: " + "x" * 5000,
        "X-Penstock-Tag: a\r\nx-penstock-tag: b",
        "Subject: a\r\nSubject: b",
    ],
)
def test_a_field_that_hides_something_or_stands_there_twice_is_refused(line: str) -> None:
    assert isinstance(read_head(head(EVA, line)), str)


def test_odd_character_sets_stay_as_they_are() -> None:
    for word in ("=?utf-7?q?+2AA-?=", "=?punycode?b?YWJj?=", "=?rot13?q?abc?=", "=?utf-8?q?" + "x" * 5000 + "?="):
        assert unfolded(word) == word
    assert unfolded("=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=\r\n =?iso-8859-1?q?=FCber?=") == "Größeüber"
    found = read_head(head(EVA, "X-Penstock-Tag: =?utf-7?q?+2AA-?="))
    assert isinstance(found, HandedHead)
    assert found.asked["tag"].isprintable()


@pytest.mark.parametrize(
    "data",
    [
        head(EVA, "X-Filler: " + "a" * 300_000),
        head("=?utf-8?q?x?=\r\n " * 100_000 + f"<{EVA}>"),
        b"a" * 2_000_000,
        b"A: b\r\n" * 60_000 + b"\r\n",
        head(EVA, "X-Penstock-Tag: =?punycode?b?" + "YWJj" * 60_000 + "?="),
    ],
)
def test_no_head_keeps_others_waiting(data: bytes) -> None:
    started = time.thread_time()
    assert isinstance(read_head(data), str)
    assert time.thread_time() - started < 0.2


def test_words_of_advertising_are_seen_through_base64() -> None:
    text = base64.encodebytes(b"Dear Anna\nTo unsubscribe click here\n").replace(b"\n", b"\r\n")
    coded = b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert advertises(coded + text)
    assert not advertises(coded + base64.b64encode(b"your invoice") + b"\r\n")
    assert advertises(head(EVA).replace(b"body", b"Abmelden"))
