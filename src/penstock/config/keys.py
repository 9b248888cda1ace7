"""Loads the keyring: key files in a folder, or keys the config names one by one."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from penstock.config.secret_text import SecretText
from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.model.keyring import Keyring, Secret

__all__ = ["load_keyring", "throw_away_keyring"]

_KINDS = ("pepper", "token", "ledger")
_OCTETS = 32
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_FILE = re.compile(r"(?P<kind>pepper|token|ledger)-(?P<number>[0-9]+)-(?P<id>[0-9a-f]{8})\.key")
_MEND_LOST = "restore the keys folder of the machine that made the store"


def load_keyring(
    settings: Settings,
    *,
    store_has_data: bool,
    may_create: bool,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> Keyring:
    """The keys of `[keys]`, newest first.

    A key file is `KIND-NUMBER-ID.key`: 64 hex digits (32 octets), readable by its owner only; a higher
    number is newer and ID is the first 8 hex digits of the key's SHA-256. Without any key a set is made, but
    only for an empty store and with `may_create`. Raises ConfigError for keys that are missing, damaged, half
    a set or open to others.
    """
    given = settings.keys
    if given.peppers or given.tokens or given.ledgers:
        return _named_keyring(given.peppers, given.tokens, given.ledgers)
    folder = settings.keys_folder
    found = _read_folder(folder)
    if not any(found.values()):
        _refuse_lost_keys(folder, store_has_data=store_has_data, may_create=may_create)
        found = _create(folder, random_bytes)
    if not all(found.values()):
        with _locked(folder):  # another process may be in the middle of making them
            found = _read_folder(folder)
    if missing := [kind for kind in _KINDS if not found[kind]]:
        mend = _MEND_LOST if store_has_data else "the store is empty: remove the key files"
        raise ConfigError(f"the set is not complete: no {missing[0]} key", where=_where(folder), mend=mend)
    return Keyring(tuple(found["pepper"]), tuple(found["token"]), tuple(found["ledger"]))


def throw_away_keyring(random_bytes: Callable[[int], bytes]) -> Keyring:
    """Keys for a run that leaves nothing behind."""
    pepper, token, ledger = (_secret(random_bytes(_OCTETS)) for _ in _KINDS)
    return Keyring((pepper,), (token,), (ledger,))


def _where(folder: Path) -> str:
    return f"keys.folder {folder}"


def _refuse_lost_keys(folder: Path, *, store_has_data: bool, may_create: bool) -> None:
    if store_has_data:
        what = "the store has data but its keys are missing here"
        raise ConfigError(what, where=_where(folder), mend=_MEND_LOST)
    if not may_create:
        raise ConfigError("there are no keys yet", where=_where(folder), mend="they are made at the first send")


def _named_keyring(*given: Sequence[SecretText]) -> Keyring:
    places = ("keys.peppers", "keys.tokens", "keys.ledgers")
    for place, secrets in zip(places, given, strict=True):
        if not secrets:
            raise ConfigError("the set is not complete", where=place, mend="give peppers, tokens and ledgers, or none")
    peppers, tokens, ledgers = (
        tuple(_secret(_octets(secret.reveal(), place)) for secret in secrets)
        for place, secrets in zip(places, given, strict=True)
    )
    return Keyring(peppers, tokens, ledgers)


def _octets(text: str, where: str) -> bytes:
    if not _HEX.fullmatch(text.strip()):
        raise ConfigError("expected 64 hex digits (32 octets)", where=where)
    return bytes.fromhex(text.strip())


def _secret(value: bytes) -> Secret:
    return Secret(hashlib.sha256(value).hexdigest()[:8], value)


def _read_folder(folder: Path) -> dict[str, list[Secret]]:
    found: dict[str, list[tuple[int, Secret]]] = {kind: [] for kind in _KINDS}
    for path in _entries(folder):
        if name := _FILE.fullmatch(path.name):
            secret = _read_key(path)
            if secret.id != name["id"]:
                raise ConfigError("the key is not the one its name says", where=str(path), mend="restore the file")
            found[name["kind"]].append((int(name["number"]), secret))
    return {kind: [secret for _, secret in sorted(rows, key=_newest_first)] for kind, rows in found.items()}


def _newest_first(row: tuple[int, Secret]) -> tuple[int, str]:
    return -row[0], row[1].id


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=str(folder)) from None


def _read_key(path: Path) -> Secret:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_bytes().decode("ascii", "replace")
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    if mode & 0o077:
        raise ConfigError(f"others may read this key (mode {mode:04o})", where=str(path), mend=f"chmod 600 {path}")
    return _secret(_octets(text, str(path)))


def _create(folder: Path, random_bytes: Callable[[int], bytes]) -> dict[str, list[Secret]]:
    """Make one key of each kind, unless another process was faster."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder):
            if any((found := _read_folder(folder)).values()):
                return found
            for kind in _KINDS:
                _write_key(folder, kind, random_bytes(_OCTETS))
            _sync(folder)
            return _read_folder(folder)
    except OSError as fault:
        raise ConfigError(f"keys cannot be made here: {fault.strerror}", where=str(folder)) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_key(folder: Path, kind: str, value: bytes) -> None:
    final = folder / f"{kind}-1-{_secret(value).id}.key"
    part = final.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(value.hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(final)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
