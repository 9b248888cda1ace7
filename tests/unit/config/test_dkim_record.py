"""A new key and what DNS and the config are to say of it."""

from __future__ import annotations

import base64
import tomllib
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from penstock.config.dkim_record import make_key
from penstock.config.settings import load_settings
from penstock.errors import InvalidInput


@pytest.mark.parametrize("bits", [2048, 4096])
def test_the_record_of_an_rsa_key_holds_its_public_half(bits: int) -> None:
    made = make_key("Nordlicht.example.", "S1", bits=bits)
    assert made.name == "s1._domainkey.nordlicht.example"
    head, _, public = made.value.partition("; p=")
    assert head == "v=DKIM1; k=rsa"
    key: Any = load_pem_private_key(made.pem, None)
    assert load_der_public_key(base64.b64decode(public)) == key.public_key()
    assert key.key_size == bits
    assert "".join(made.strings) == made.value
    assert all(len(each) <= 255 for each in made.strings)
    assert len(made.strings) == -(-len(made.value) // 255)


def test_the_record_of_an_ed25519_key_holds_its_32_octets() -> None:
    made = make_key("bücher.example", "e1", bits=None)
    assert made.name == "e1._domainkey.xn--bcher-kva.example"
    head, _, public = made.value.partition("; p=")
    assert head == "v=DKIM1; k=ed25519"
    key: Any = load_pem_private_key(made.pem, None)
    assert base64.b64decode(public) == key.public_key().public_bytes_raw()
    assert made.strings == [made.value]


def test_the_lines_for_the_config_are_what_the_config_takes() -> None:
    made, beside = make_key("nordlicht.example", "s1"), make_key("nordlicht.example", "e1", bits=None)
    table = tomllib.loads(made.config("file:keys/dkim-s1.pem"))
    table["sender"][0]["dkim"] |= tomllib.loads(beside.config("file:keys/dkim-e1.pem"))
    (sender,) = load_settings(table, {}).sender
    (dkim,) = sender.dkim
    assert (sender.domain, dkim.selector, dkim.key.reference) == ("nordlicht.example", "s1", "file:keys/dkim-s1.pem")
    assert dkim.ed25519 is not None
    assert (dkim.ed25519.selector, dkim.ed25519.key.reference) == ("e1", "file:keys/dkim-e1.pem")


@pytest.mark.parametrize(
    ("domain", "selector", "bits", "where"),
    [
        ("no domain", "s1", 2048, "DOMAIN"),
        ("example", "s1", 2048, "DOMAIN"),
        ("", "s1", 2048, "DOMAIN"),
        ("nordlicht.example", "../s1", 2048, "--selector"),
        ("nordlicht.example", "", 2048, "--selector"),
        ("nordlicht.example", "s" * 64, 2048, "--selector"),
        ("nordlicht.example", "s1", 1024, "--bits"),
        ("nordlicht.example", "s1", 8192, "--bits"),
    ],
)
def test_what_cannot_be_a_key_is_refused(domain: str, selector: str, bits: int, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_key(domain, selector, bits=bits)
    assert caught.value.where == where


def test_a_key_does_not_show_itself() -> None:
    assert "PRIVATE" not in repr(make_key("nordlicht.example", "s1"))
