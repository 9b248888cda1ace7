"""National opt-out registers as files that somebody fetched: addresses, domains or hashes of addresses."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from penstock.config.settings import Settings
from penstock.config.toml_document import read_text
from penstock.errors import ConfigError
from penstock.law.canonical import Canonical, person_form, provider_form
from penstock.model.address import Address, parse_address
from penstock.ports import Clock

__all__ = ["GOOD_FOR", "FetchedRegister", "RegisterFiles", "RegisterList", "open_registers", "read_register"]

GOOD_FOR = timedelta(days=31)
"""So long a copy proves that an address is not listed; Lei 41/2004 art. 13-B has it fetched every month."""

_HASH = re.compile(r"(?:sha256:)?(?P<hex>[0-9a-f]{64})", re.IGNORECASE)
_COLUMNS = ("address", "domain", "hash")
_MEND = "one address, domain or sha256:HASH per line, or a CSV header with address, domain or hash"


@dataclass(frozen=True, slots=True)
class RegisterList:
    """What a register lists: addresses in every canonical form, domains as A-labels, SHA-256 digests of addresses."""

    addresses: frozenset[str]
    domains: frozenset[str]
    digests: frozenset[bytes]

    def __len__(self) -> int:
        return len(self.addresses) + len(self.domains) + len(self.digests)

    def lists(self, text: str, canonical: Canonical) -> bool:
        """Whether the address stands in it in any canonical form, hashed, or by its domain or one above it."""
        address = parse_address(text)
        if not isinstance(address, Address):
            return text.strip().lower() in self.addresses
        forms = _forms(address)
        return (
            not self.addresses.isdisjoint(forms)
            or not self.domains.isdisjoint(canonical.domains(address.domain))
            or (bool(self.digests) and not self.digests.isdisjoint(map(_digest, _hashed_forms(address, forms))))
        )


@dataclass(frozen=True, slots=True)
class FetchedRegister:
    """A register's list, and the day when it was fetched as far as that is known."""

    entries: RegisterList
    fetched_at: date | None = None

    def is_current(self, today: date) -> bool:
        """Whether the copy may prove an absence: fetched not later than today and at most 31 days ago."""
        return self.fetched_at is not None and timedelta(0) <= today - self.fetched_at <= GOOD_FOR


class RegisterFiles:
    """The registers of the config by name (port `Registers`). They are looked up in memory."""

    def __init__(self, registers: Mapping[str, FetchedRegister], clock: Clock, canonical: Canonical) -> None:
        self._registers = registers
        self._clock = clock
        self._canonical = canonical

    async def listed(self, register: str, addresses: Sequence[str], /) -> Sequence[bool | None]:
        """Whether each address stands in the register.

        None: there is no such register here, or the address is not in a copy that is too old to prove it.
        """
        fetched = self._registers.get(register)
        if fetched is None:
            return [None] * len(addresses)
        absent = False if fetched.is_current(self._clock.now().date()) else None
        return [fetched.entries.lists(address, self._canonical) or absent for address in addresses]


def open_registers(settings: Settings, clock: Clock, canonical: Canonical) -> RegisterFiles:
    """Read every `[registers.NAME]` file once. Raises ConfigError for one that cannot be used."""
    found = {
        name: FetchedRegister(read_register(settings.path(section.file)), section.fetched_at)
        for name, section in settings.registers.items()
    }
    return RegisterFiles(found, clock, canonical)


def read_register(path: Path) -> RegisterList:
    """Read a file, plain or gzipped (`.gz`), UTF-8: one entry per line, or CSV with comma or semicolon.

    An entry is an address, a domain (with all below it) or the SHA-256, in hex, of an address in lower case; a CSV
    file names its columns `address`, `domain` and `hash`, others are passed over. Raises ConfigError with the line for
    a row that is none of these, as it may be somebody's refusal, and for a file without any entry.
    """
    addresses: set[str] = set()
    domains: set[str] = set()
    digests: set[bytes] = set()
    for line, entry in _entries(path):
        if seen := _HASH.fullmatch(entry):
            digests.add(bytes.fromhex(seen["hex"]))
            continue
        whole = "@" in entry.removeprefix("@")
        address = parse_address(entry if whole else f"x@{entry.removeprefix('@')}")
        if not isinstance(address, Address):
            what = "neither an address nor a domain nor a hash of an address"
            raise ConfigError(what, where=f"{path}:{line}", mend=_MEND)
        if whole:
            addresses.update(_forms(address))
        else:
            domains.add(address.domain)
    if not (addresses or domains or digests):
        raise ConfigError("the register is empty", where=str(path), mend="fetch it again")
    return RegisterList(frozenset(addresses), frozenset(domains), frozenset(digests))


def _forms(address: Address) -> tuple[str, ...]:
    """Refusals are matched more widely than mails are sent (in lower case, without tags, by the provider's rules)."""
    return str(address).lower(), person_form(address), provider_form(address)


def _hashed_forms(address: Address, forms: tuple[str, ...]) -> tuple[str, ...]:
    """What a register's keeper may have hashed: an internationalised domain was typed in its own letters."""
    if "xn--" not in address.domain:
        return forms
    import idna

    try:
        typed = idna.decode(address.domain)
    except idna.IDNAError:
        return forms
    return (*forms, *(f"{form.rpartition('@')[0]}@{typed}" for form in forms))


def _digest(form: str) -> bytes:
    return hashlib.sha256(form.encode()).digest()


def _entries(path: Path) -> Iterator[tuple[int, str]]:
    """Each entry with the line it stands on. A row of a CSV file with text, but no entry, gives an empty one."""
    text = _text(path)
    header, _, rest = text.partition("\n")
    delimiter = ";" if ";" in header else ","
    columns = [cell.strip().strip('"').lower() for cell in header.split(delimiter)]
    wanted = [place for place, name in enumerate(columns) if name in _COLUMNS]
    if not wanted:
        for line, entry in enumerate(text.split("\n"), start=1):
            if entry := entry.strip():
                yield line, entry
        return
    rows = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            cells = [cell for place in wanted if place < len(row) and (cell := row[place].strip())]
            if not cells and any(map(str.strip, row)):
                cells = [""]
            for cell in cells:
                yield rows.line_num + 1, cell
    except csv.Error:
        raise ConfigError("not CSV", where=f"{path}:{rows.line_num + 1}", mend=_MEND) from None


def _text(path: Path) -> str:
    if path.suffix.lower() != ".gz":
        return read_text(path, ConfigError)
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        what = f"octet {fault.start} is not UTF-8"
        raise ConfigError(what, where=str(path), mend="save the file as UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ConfigError("the gzip stream is damaged", where=str(path), mend="fetch it again") from None
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=str(path)) from None
