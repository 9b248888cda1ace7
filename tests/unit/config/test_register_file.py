from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.register_file import FetchedRegister, RegisterFiles, RegisterList, open_registers, read_register
from penstock.config.settings import load_settings
from penstock.errors import ConfigError
from penstock.law.canonical import Canonical

TODAY = date(2026, 11, 20)
ANNA = "anna.keller@firm.example"


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 23, 59, tzinfo=UTC)

    def machine(self) -> float:
        return self.now().timestamp()


@pytest.fixture(scope="session")
def canonical() -> Canonical:
    return Canonical.load()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        ANNA,
        f"\n\ufeff{ANNA}\n"[1:],
        f"other@elsewhere.example\r\n\r\n  {ANNA}  \r\n",
        "Anna.Keller@FIRM.example",
        "anna.keller+offers@firm.example",
        "firm.example",
        "@firm.example",
        f"sha256:{sha256(ANNA)}",
        sha256(ANNA).upper(),
        f"address\n{ANNA}\n",
        f"Address;Domain;Since\n;;\n;firm.example;2020\n{ANNA};;2021\n",
        f'"hash","note"\n"sha256:{sha256(ANNA)}","two\nlines"\n',
    ],
)
def test_an_address_is_found_in_every_form_of_file(tmp_path: Path, canonical: Canonical, text: str) -> None:
    found = read_register(written(tmp_path / "list.csv", text))
    assert found.lists(ANNA, canonical)
    assert not found.lists("anna.keller@other.example", canonical)


def test_a_gzipped_file_is_read_as_well(tmp_path: Path, canonical: Canonical) -> None:
    path = written(tmp_path / "list.csv.gz", gzip.compress(f"\ufeffaddress\n{ANNA}\n".encode(), mtime=0))
    assert read_register(path).lists(ANNA, canonical)


def test_a_refusal_matches_every_form_of_the_address(tmp_path: Path, canonical: Canonical) -> None:
    digest = sha256("a.person@firm.example")
    path = written(tmp_path / "list", f"a.b@gmail.com\nbücher.example\n{digest}\n{sha256('x@köln.example')}\n")
    found = read_register(path)
    assert len(found) >= 4
    for listed in (
        "ab+tag@googlemail.com",
        "any@bücher.example",
        "any@mail.xn--bcher-kva.example",
        "A.Person+tag@Firm.example",
        "X@köln.example",
    ):
        assert found.lists(listed, canonical), listed
    for other in ("b@gmail.com", "any@cher.example", "person@firm.example", "y@köln.example", "no address"):
        assert not found.lists(other, canonical), other


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "list", "the register is empty"),
        ("address,domain\n,\n", "list", "the register is empty"),
        (f"{ANNA}\nfirm\n", "list:2", "neither an address nor a domain nor a hash"),
        (f"{ANNA}\na person@firm.example\n", "list:2", "neither an address"),
        (f"{ANNA}\nsha256:00ff\n", "list:2", "neither an address"),
        ("mail,since\n", "list:1", "neither an address"),
        (f"address,since\n{ANNA},2020\n,2021\n", "list:3", "neither an address"),
        (f'address\n{ANNA}\n"half', "list:3", "not CSV"),
        (b"\xff\xfe", "list", "not UTF-8"),
    ],
)
def test_what_may_be_somebodys_refusal_is_never_passed_over(
    tmp_path: Path, text: str | bytes, where: str, what: str
) -> None:
    with pytest.raises(ConfigError, match=what) as raised:
        read_register(written(tmp_path / "list", text))
    assert raised.value.where == str(tmp_path / where)
    assert "person" not in str(raised.value)


@pytest.mark.parametrize(
    "data", [b"no gzip", gzip.compress(b"a@firm.example", mtime=0)[:-6], gzip.compress(b"\xff", mtime=0)]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ConfigError, match=r"damaged|not UTF-8"):
        read_register(written(tmp_path / "list.gz", data))


@pytest.mark.parametrize("name", ["missing.csv", "missing.csv.gz"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_register(tmp_path / name)


@pytest.mark.parametrize(
    ("fetched", "absent"),
    [
        (None, None),
        (date(2026, 10, 19), None),
        (date(2026, 10, 20), False),  # 31 days
        (TODAY, False),
        (date(2026, 11, 21), None),
    ],
)
async def test_only_a_copy_of_the_last_31_days_proves_an_absence(
    canonical: Canonical, fetched: date | None, absent: bool | None
) -> None:
    entries = RegisterList(frozenset({ANNA}), frozenset(), frozenset())
    registers = RegisterFiles({"ECG": FetchedRegister(entries, fetched)}, StoppedClock(), canonical)
    assert await registers.listed("ECG", [ANNA, "b@firm.example"]) == [True, absent]
    assert await registers.listed("KZP", [ANNA, "b@firm.example"]) == [None, None]
    assert await registers.listed("ECG", []) == []


async def test_the_registers_of_the_config_are_read_once(tmp_path: Path, canonical: Canonical) -> None:
    (tmp_path / "registers").mkdir()
    written(tmp_path / "registers" / "ecg.csv", ANNA)
    config = '[registers.ECG]\nfile = "registers/ecg.csv"\nfetched_at = 2026-11-15\n'
    settings = load_settings(written(tmp_path / "config.toml", config), {})
    registers = open_registers(settings, StoppedClock(), canonical)
    (tmp_path / "registers" / "ecg.csv").unlink()
    assert await registers.listed("ECG", [ANNA, "b@firm.example"]) == [True, False]
    with pytest.raises(ConfigError, match=r"ecg\.csv"):
        open_registers(settings, StoppedClock(), canonical)


@given(st.from_regex(r"[A-Za-z0-9]{1,12}(\.[A-Za-z0-9]{1,8}){0,2}@[a-z]{1,12}\.(example|test)", fullmatch=True))
def test_whoever_is_listed_is_found_whatever_the_file_holds_of_them(
    tmp_path_factory: pytest.TempPathFactory, canonical: Canonical, address: str
) -> None:
    folder = tmp_path_factory.mktemp("register")
    for entry in (address, address.upper(), address.rpartition("@")[2], sha256(address.lower())):
        assert read_register(written(folder / "list", entry)).lists(address, canonical)
