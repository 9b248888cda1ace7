"""JSON from outside and for outside."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.http import json_octets, json_of, object_of

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@given(_VALUES)
def test_what_is_written_is_read_as_it_was(value: object) -> None:
    written = json_octets(value)
    assert json_of(written) == json.loads(written.decode()) == value


@pytest.mark.parametrize("value", ["\ud800", ["x\udfff"], {"\ud83d": 1}])
def test_half_a_character_cannot_be_written(value: object) -> None:
    with pytest.raises(UnicodeError):
        json_octets(value)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"{'a': 1}", b"<html>"])
def test_what_is_no_json_is_nothing(body: bytes) -> None:
    assert json_of(body) is None
    assert object_of(body) is None


def test_an_object_is_told_from_all_else() -> None:
    assert object_of(b'{"a": [1]}') == {"a": [1]}
    assert [object_of(body) for body in (b"[]", b"7", b'"x"', b"null")] == [None] * 4
