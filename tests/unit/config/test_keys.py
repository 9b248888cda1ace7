from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from penstock.config.keys import load_keyring, throw_away_keyring
from penstock.config.settings import Settings, load_settings
from penstock.errors import ConfigError
from penstock.model.keyring import Keyring


def octets() -> Callable[[int], bytes]:
    """Random octets that are not random."""
    numbers = count()
    return lambda size: hashlib.sha256(str(next(numbers)).encode()).digest()[:size]


def settings_in(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> Settings:
    (folder / "config.toml").write_text(text)
    return load_settings(folder / "config.toml", environ or {})


def made(folder: Path) -> Keyring:
    return load_keyring(settings_in(folder), store_has_data=False, may_create=True, random_bytes=octets())


def add_key(folder: Path, kind: str, number: int, value: bytes) -> Path:
    name = hashlib.sha256(value).hexdigest()[:8]
    path = folder / "keys" / f"{kind}-{number}-{name}.key"
    path.write_text(value.hex())
    path.chmod(0o600)
    return path


def test_an_empty_store_gets_keys_that_only_the_owner_can_read(tmp_path: Path) -> None:
    keyring = made(tmp_path)
    paths = sorted((tmp_path / "keys").iterdir())
    assert [path.name.split("-")[0] for path in paths] == ["ledger", "pepper", "token"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert len({keyring.peppers[0].value, keyring.tokens[0].value, keyring.ledgers[0].value}) == 3
    assert len(keyring.peppers[0].value) == 32


def test_the_same_keys_come_back_at_the_next_start(tmp_path: Path) -> None:
    first = made(tmp_path)
    again = load_keyring(settings_in(tmp_path), store_has_data=True, may_create=False)
    assert again == first
    assert again.canaries() == first.canaries()


def test_no_key_is_made_beside_a_store_that_has_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_keyring(settings_in(tmp_path), store_has_data=True, may_create=True)
    assert "the store has data but its keys are missing here" in caught.value.what
    assert "restore the keys folder" in caught.value.mend
    assert not (tmp_path / "keys").exists()


def test_who_only_looks_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no keys yet"):
        load_keyring(settings_in(tmp_path), store_has_data=False, may_create=False)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("has_data", [True, False])
def test_half_a_set_is_refused(tmp_path: Path, has_data: bool) -> None:
    made(tmp_path)
    next((tmp_path / "keys").glob("token-*")).unlink()
    with pytest.raises(ConfigError, match="the set is not complete: no token key"):
        load_keyring(settings_in(tmp_path), store_has_data=has_data, may_create=True)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    path = next((tmp_path / "keys").glob("pepper-*"))
    path.chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        load_keyring(settings_in(tmp_path), store_has_data=True, may_create=False)
    assert caught.value.mend == f"chmod 600 {path}"


def test_a_damaged_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    keyring = made(tmp_path)
    path = next((tmp_path / "keys").glob("pepper-*"))
    path.write_text(keyring.tokens[0].value.hex())
    with pytest.raises(ConfigError, match="the key is not the one its name says"):
        load_keyring(settings_in(tmp_path), store_has_data=True, may_create=False)
    path.write_text(keyring.peppers[0].value.hex()[:-2])
    with pytest.raises(ConfigError, match="64 hex digits") as caught:
        load_keyring(settings_in(tmp_path), store_has_data=True, may_create=False)
    assert keyring.peppers[0].value.hex()[:8] not in str(caught.value)


def test_a_later_number_is_newer_and_the_first_pepper_stays_the_anchor(tmp_path: Path) -> None:
    before = made(tmp_path)
    for number in (2, 10):
        add_key(tmp_path, "pepper", number, bytes([number]) * 32)
    after = load_keyring(settings_in(tmp_path), store_has_data=True, may_create=False)
    assert [secret.value[0] for secret in after.peppers[:2]] == [10, 2]
    assert after.anchor("x") == before.anchor("x")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "dkim-s1.pem").write_text("not ours")
    assert made(tmp_path).peppers
    assert (tmp_path / "keys" / "dkim-s1.pem").read_text() == "not ours"


def test_many_first_starts_at_once_agree_on_one_set(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: load_keyring(settings, store_has_data=False, may_create=True), range(8)))
    assert len({ring.peppers[0].id for ring in rings}) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 3


def test_keys_may_be_named_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "ledger.txt").write_text("cc" * 32 + "\n")
    text = '[keys]\npeppers = ["env:NEW", "env:OLD"]\ntokens = ["env:OLD"]\nledgers = ["file:ledger.txt"]\n'
    settings = settings_in(tmp_path, text, {"NEW": "aa" * 32, "OLD": "bb" * 32})
    keyring = load_keyring(settings, store_has_data=True, may_create=False)
    assert [secret.value for secret in keyring.peppers] == [b"\xaa" * 32, b"\xbb" * 32]
    assert keyring.ledgers[0].value == b"\xcc" * 32
    assert keyring.tokens[0].id == keyring.peppers[1].id == hashlib.sha256(b"\xbb" * 32).hexdigest()[:8]
    assert not (tmp_path / "keys").exists()


def test_named_keys_must_be_a_whole_set_of_32_octets(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, '[keys]\npeppers = ["env:A"]\n', {"A": "aa" * 32})
    with pytest.raises(ConfigError, match=r"keys\.tokens: the set is not complete"):
        load_keyring(settings, store_has_data=False, may_create=True)
    text = '[keys]\npeppers = ["env:A"]\ntokens = ["env:A"]\nledgers = ["hunter2"]\n'
    with pytest.raises(ConfigError, match=r"keys\.ledgers: expected 64 hex digits") as caught:
        load_keyring(settings_in(tmp_path, text, {"A": "aa" * 32}), store_has_data=False, may_create=True)
    assert "hunter2" not in str(caught.value)


def test_a_keys_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        made(tmp_path)


def test_a_key_moved_from_the_folder_to_a_variable_keeps_its_id(tmp_path: Path) -> None:
    first = made(tmp_path)
    text = '[keys]\npeppers = ["env:P"]\ntokens = ["env:T"]\nledgers = ["env:L"]\n'
    values = {"P": first.peppers[0], "T": first.tokens[0], "L": first.ledgers[0]}
    environ = {name: secret.value.hex() for name, secret in values.items()}
    moved = load_keyring(settings_in(tmp_path, text, environ), store_has_data=True, may_create=False)
    assert moved.canaries() == first.canaries()


def test_throw_away_keys_come_from_the_given_randomness() -> None:
    assert throw_away_keyring(octets()) == throw_away_keyring(octets())
