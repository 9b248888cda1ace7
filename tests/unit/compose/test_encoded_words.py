"""Encoded-words against the standard library's decoder."""

from __future__ import annotations

from email.header import decode_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.encoded_words import encoded_words

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120),
    st.text(st.sampled_from("abcdefgh _=?é日😀Ж"), min_size=1, max_size=200),
)


def decoded(word: str) -> str:
    [(data, charset)] = decode_header(word)
    assert isinstance(data, bytes)
    assert charset == "utf-8"
    return data.decode()


@given(TEXTS, st.integers(0, 80))
@example("purchasing: " + "é" * 60, 67)
@example("日本語" * 30, 30)
@example("a" * 62 + "😀", 75)
def test_every_word_fits_and_holds_whole_characters(text: str, room: int) -> None:
    words = encoded_words(text, room)
    assert all(len(word) <= 75 for word in words)
    assert len(words[0]) <= room or room < 12
    assert "".join(decoded(word) for word in words if word) == text
    assert all(words[1:])


def test_what_cannot_be_misread_is_written_as_it_is() -> None:
    assert encoded_words("Zoë of Berg = 1_a!", 75) == ["=?utf-8?q?Zo=C3=AB_of_Berg_=3D_1=5Fa!?="]


def test_the_shorter_of_both_encodings_is_taken() -> None:
    assert encoded_words("Русский", 75) == ["=?utf-8?b?0KDRg9GB0YHQutC40Lk=?="]


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        encoded_words("x\ud800", 75)
