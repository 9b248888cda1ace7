from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.keyring import Keyring, Secret
from penstock.model.tokens import PURPOSES, SignedTokens

OLD, NEW = Secret("old", b"o" * 32), Secret("new", b"n" * 32)
MAIL = "0123456789abcdef0123456789abcdef"


def keyring(*tokens: Secret) -> Keyring:
    return Keyring((Secret("p", b"p" * 32),), tokens, (Secret("l", b"l" * 32),))


def test_a_token_says_its_purpose_and_mail_and_fits_an_address() -> None:
    tokens = SignedTokens(keyring(OLD))
    for purpose in PURPOSES:
        token = tokens.sign(purpose, MAIL)
        assert tokens.read(token) == (purpose, MAIL)
        assert len(token) == 56


def test_a_token_works_years_later_and_after_a_key_rotation() -> None:
    token = SignedTokens(keyring(OLD)).sign("body", MAIL)
    assert SignedTokens(keyring(NEW, OLD)).read(token) == ("body", MAIL)
    assert SignedTokens(keyring(NEW)).read(token) is None


@given(st.binary(min_size=1, max_size=100), st.sampled_from(PURPOSES), st.binary(min_size=16, max_size=16))
def test_the_seal_is_hmac_sha_256_under_a_key_of_any_length(value: bytes, purpose: str, mail: bytes) -> None:
    raw = base64.urlsafe_b64decode(SignedTokens(keyring(Secret("k", value))).sign(purpose, mail.hex()))
    assert raw[19:] == hmac.digest(value, b"token\0" + raw[:19], "sha256")[:23]
    assert raw[2:19] == bytes((PURPOSES.index(purpose),)) + mail


@pytest.mark.parametrize(("purpose", "mail"), [("other", MAIL), ("body", MAIL[2:]), ("body", "x" * 32)])
def test_only_known_purposes_and_whole_mail_ids_are_signed(purpose: str, mail: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        SignedTokens(keyring(OLD)).sign(purpose, mail)


@given(st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
def test_a_token_changed_in_any_place_is_forged(place: int, letter: str) -> None:
    tokens = SignedTokens(keyring(OLD))
    genuine = tokens.sign("header", MAIL)
    forged = genuine[:place] + letter + genuine[place + 1 :]
    assert forged == genuine or tokens.read(forged) is None


@given(st.text())
def test_no_text_makes_reading_raise(text: str) -> None:
    assert SignedTokens(keyring(OLD)).read(text) is None


@given(st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_a_token_has_one_spelling(mail: str) -> None:
    tokens = SignedTokens(keyring(OLD))
    token = tokens.sign("header", mail)
    others = {token + "=", token + "==", f" {token}", f"{token}\n", token.replace("-", "+"), token.replace("_", "/")}
    assert [tokens.read(other) for other in others - {token}] == [None] * len(others - {token})
