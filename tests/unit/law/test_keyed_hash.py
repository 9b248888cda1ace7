from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from penstock.law.keyed_hash import KeyedHash


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=3), st.text(max_size=200))
def test_it_answers_what_the_standard_library_answers(keys: list[bytes], text: str) -> None:
    assert KeyedHash(keys).of(text) == tuple(hmac.digest(key, text.encode(), "sha256") for key in keys)


def test_one_text_does_not_change_the_hash_of_the_next() -> None:
    hashed = KeyedHash([b"one key"])
    before = hashed.of("anna")
    hashed.of("bo")
    assert hashed.of("anna") == before
