"""JSON that is handed in is read strictly, and whatever comes has one answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.intake.http_json import path_of, read_json
from penstock.intake.http_problem import RequestError

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


def refusal(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_json(body)
    return caught.value


@given(VALUES)
def test_what_json_says_is_read(value: Any) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text('{}[]",:\\u0d8 \n1eE+-.NaInfinity', max_size=60).map(str.encode))
def test_any_octets_have_a_value_or_one_refusal(body: bytes) -> None:
    found = None
    try:
        read_json(body)
    except RequestError as refused:
        found = refused
    if found is not None:
        assert found.status == 400
        assert found.where


@pytest.mark.parametrize(
    ("body", "what", "where"),
    [
        (b"", "no JSON", "body, line 1, column 1"),
        (b'{"to": \n x}', "no JSON", "body, line 2, column 2"),
        (b"\xff", "UTF-8", "body"),
        (b'{"a": NaN}', "NaN", "body"),
        (b'{"a": -Infinity}', "-Infinity", "body"),
        (b'{"a": 1e999}', "too large", "body"),
        (b"1" * 5_000, "too long", "body"),
        (b'{"to": 1, "to": 2}', "twice", "to"),
        (b'[{"a": {"b": [1, {"c": 1, "c": 1}]}}]', "twice", "[0].a.b[1].c"),
        (b'{"a": ["x", "\\ud800"]}', "half a character", "a[1]"),
        (b'{"a": {"\\udfff": 1}}', "half a character", "a"),
        (b"[" * 33 + b"]" * 33, "deeper than 32", "[0]" * 32),
        (b"[" * 100_000, "deeper than 32", "body"),
        (b'{"a":' * 100_000, "deeper than 32", "body"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: bytes, what: str, where: str) -> None:
    fault = refusal(body)
    assert (fault.status, fault.where) == (400, where)
    assert what in fault.what


@pytest.mark.parametrize("body", [b"[" + b"{}," * 300_000 + b"{}]", b"[" + b"[]," * 300_000 + b"[]]", b"1," * 600_000])
def test_very_many_values_are_not_taken_into_memory(body: bytes) -> None:
    assert refusal(body).status == 413


def test_a_path_shows_no_strange_characters() -> None:
    assert path_of(["a", 3, "näm\n" + "x" * 100]) == "a[3].n\\xe4m\n" + "x" * 56
