"""Keys that sign: which one, from when, and every way in which one cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from penstock.config.dkim_keys import ConfiguredSenders
from penstock.config.settings import load_settings
from penstock.errors import ConfigError
from penstock.law.canonical import Canonical
from penstock.ports import SenderDomain

DATA = b"From: eva@nordlicht.example\r\n\r\nHello\r\n"
PKCS1, PKCS8 = form.PrivateFormat.TraditionalOpenSSL, form.PrivateFormat.PKCS8
Written = Callable[..., ConfiguredSenders]


@cache
def canonical() -> Canonical:
    return Canonical.load()


@cache
def rsa(bits: int = 2048) -> Any:
    return generate_private_key(65537, bits)


def pem(key: Any, kind: form.PrivateFormat = PKCS8, password: bytes = b"") -> str:
    lock = form.BestAvailableEncryption(password) if password else form.NoEncryption()
    text: bytes = key.private_bytes(form.Encoding.PEM, kind, lock)
    return text.decode()


def public() -> str:
    encoded: bytes = rsa().public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


@pytest.fixture
def senders(tmp_path: Path) -> Written:
    """From a config file with one `[[sender]]`, key files beside it and variables."""

    def read(dkim: str, environ: dict[str, str] | None = None, domain: str = "nordlicht.example", **files: str) -> Any:
        (tmp_path / "keys").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "keys" / f"{name}.pem").write_text(text)
        config = tmp_path / "config.toml"
        config.write_text(f'# a house\n[[sender]]\ndomain = "{domain}"\n{dkim}\n')
        return ConfiguredSenders(load_settings(config, environ or {}), canonical().registrable)

    return read


def at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)


def selector(known: ConfiguredSenders, day: str, domain: str = "nordlicht.example") -> list[str]:
    signer = known.signer(domain, at(day))
    if signer is None:
        return []
    unfolded = signer.signature(DATA, at(day)).decode().replace("\r\n ", " ")
    return [part.partition(";")[0] for part in unfolded.split(" s=")[1:]]


@pytest.mark.parametrize("kind", [PKCS1, PKCS8])
def test_a_key_in_a_file_or_a_variable_signs(senders: Written, kind: form.PrivateFormat) -> None:
    text = pem(rsa(), kind)
    assert selector(senders('dkim = {selector = "s1", key = "file:keys/a.pem"}', a=text), "2026-11-22") == ["s1"]
    named = 'dkim = {selector = "S1", key = "env:DKIM"}'
    assert selector(senders(named, {"DKIM": text}), "2026-11-22") == ["s1"]
    on_one_line = text.replace("\n", "\\n")
    assert selector(senders(named, {"DKIM": on_one_line}), "2026-11-22") == ["s1"]


def test_the_domain_that_answers_for_from_is_the_one_that_signs(senders: Written) -> None:
    known = senders('dkim = {selector = "s1", key = "file:keys/a.pem"}', a=pem(rsa()), domain="bücher.example")
    for domain in ("xn--bcher-kva.example", "bücher.example", "BÜCHER.example", "news.xn--bcher-kva.example"):
        signer = known.signer(domain, at("2026-11-22"))
        assert signer is not None
        assert signer.domain == "xn--bcher-kva.example"
        assert known.of(domain) == SenderDomain("xn--bcher-kva.example")
    assert known.signer("other.example", at("2026-11-22")) is None
    assert known.of("other.example") is None


ROTATION = """dkim = [
  {selector = "s1", key = "file:keys/a.pem"},
  {selector = "s3", key = "file:keys/a.pem", from = 2027-06-01},
  {selector = "s2", key = "file:keys/b.pem", from = 2026-12-01, ed25519 = {selector = "e2", key = "file:keys/c.pem"}},
]"""


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2026-11-30", ["s1"]),
        ("2026-12-01", ["s2", "e2"]),
        ("2027-05-31", ["s2", "e2"]),
        ("2027-06-01", ["s3"]),
    ],
)
def test_the_newest_key_whose_day_has_come_signs(senders: Written, day: str, wanted: list[str]) -> None:
    known = senders(ROTATION, a=pem(rsa()), b=pem(rsa()), c=pem(Ed25519PrivateKey.generate()))
    assert selector(known, day) == wanted


def test_before_the_first_day_nobody_signs(senders: Written) -> None:
    known = senders('dkim = {selector = "s1", key = "file:keys/a.pem", from = "2026-12-01"}', a=pem(rsa()))
    assert selector(known, "2026-11-30") == []
    assert selector(known, "2026-12-01") == ["s1"]


def test_without_a_key_there_is_a_sender_but_nobody_signs(senders: Written) -> None:
    known = senders('return_path = "bounce.nordlicht.example"\nadapters = ["main"]')
    known.load()
    assert known.any()
    assert known.of("nordlicht.example") == SenderDomain("nordlicht.example", "bounce.nordlicht.example", ("main",))
    assert known.signer("nordlicht.example", at("2026-11-22")) is None
    assert not ConfiguredSenders(load_settings({}, {}), canonical().registrable).any()


ONE = 'dkim = {selector = "s1", key = "file:keys/a.pem"}'
BESIDE = 'dkim = {selector = "s1", key = "file:keys/a.pem", ed25519 = {selector = "e1", key = "file:keys/b.pem"}}'
UNUSABLE: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "missing": (ONE, {}, ("file:keys/a.pem", "No such file", "penstock dkim new")),
    "variable not set": ('dkim = {selector = "s1", key = "env:DKIM"}', {}, ("env:DKIM", "not set")),
    "empty name": ('dkim = {selector = "s1", key = ""}', {}, ("no key is named",)),
    "no key": (ONE, {"a": "hello"}, ("file:keys/a.pem", "no private key", "penstock dkim new")),
    "a public key": (ONE, {"a": public}, ("no private key",)),
    "half a key": (ONE, {"a": lambda: pem(rsa())[:700]}, ("no private key",)),
    "encrypted": (ONE, {"a": lambda: pem(rsa(), password=b"x")}, ("encrypted", "openssl pkey")),
    "too short": (ONE, {"a": lambda: pem(rsa(1024))}, ("1024 bits", "2048", "--selector")),
    "another kind": (ONE, {"a": lambda: pem(ec.generate_private_key(ec.SECP256R1()))}, ("neither RSA nor Ed25519",)),
    "ed25519 alone": (ONE, {"a": lambda: pem(Ed25519PrivateKey.generate())}, ("ed25519 = {",)),
    "rsa as ed25519": (BESIDE, {"a": lambda: pem(rsa()), "b": lambda: pem(rsa())}, ("file:keys/b.pem", "--ed25519")),
    "a later one": (ROTATION, {"a": lambda: pem(rsa())}, ("file:keys/b.pem", "No such file")),
}


@pytest.mark.parametrize(("dkim", "files", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_that_cannot_be_used_is_one_clear_line(
    senders: Written, dkim: str, files: dict[str, Any], words: tuple[str, ...]
) -> None:
    known = senders(dkim, **{name: text if isinstance(text, str) else text() for name, text in files.items()})
    with pytest.raises(ConfigError) as caught:
        known.load()
    said = str(caught.value)
    assert "config.toml:4" in said
    assert "sender[0].dkim" in said
    assert "PRIVATE" not in said
    assert "\n" not in said
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("dkim", "word"),
    [
        ('dkim = {selector = "s 1", key = "env:X"}', "selector"),
        ('dkim = {selector = "s1", kee = "env:X"}', "'key'"),
        ('dkim = {key = "env:X"}', "selector"),
        ('dkim = [{selector = "s1", key = "env:X"}, {selector = "s2", key = "env:Y"}]', "same day"),
        (f'{ONE}\n[[stage]]\nuse = "suppression"', 'use = "dkim"'),
        ('dkim = "s1"', "expected"),
    ],
)
def test_tables_that_do_not_fit_are_refused_when_the_config_is_read(senders: Written, dkim: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        senders(dkim)
    assert "config.toml:4" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nordlicht.example", "nordlicht.example", True),
        ("nordlicht.example", "bounce.nordlicht.example", True),
        ("a.nordlicht.co.uk", "b.nordlicht.co.uk", True),
        ("nordlicht.co.uk", "other.co.uk", False),
        ("nordlicht.co.uk", "co.uk", False),
        ("co.uk", "org.uk", False),
        ("nordlicht.example", "sued.example", False),
    ],
)
def test_an_organisation_is_what_the_public_suffix_list_says(one: str, other: str, same: bool) -> None:
    known = ConfiguredSenders(load_settings({}, {}), canonical().registrable)
    assert known.same_organisation(one, other) is same
    assert known.same_organisation(other, one) is same
