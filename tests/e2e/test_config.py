"""The config file and the environment: whatever cannot be used is one clear line that says where."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Edited = Callable[..., Path]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]

KEYS = ("PENSTOCK__KEYS__PEPPERS", "PENSTOCK__KEYS__TOKENS", "PENSTOCK__KEYS__LEDGERS")

FILES: dict[tuple[str, str], tuple[str, ...]] = {
    ("base_url =", "base_ulr ="): ("web.base_ulr", "'base_url'"),
    ("[web]", "[web"): ("not TOML",),
    ('url = "file:outbox?smtputf8=no"', 'url = "fiel:outbox"'): ("adapters.main.url", "file:FOLDER"),
    ('url = "file:outbox?smtputf8=no"', 'url = "pigeon://u:secret@mx.example"'): ("adapters.main.url",),
    ('url = "file:outbox?smtputf8=no"', 'url = "file:outbox?smtputf9=no"'): ("adapters.main.url", "'smtputf8'"),
    ('url = "sqlite:///penstock.db"', 'url = "postgresql://h/db"'): ("store.url", "not in this version"),
    ('legal_name = "Nordlicht Software AB"', ""): ("legal_name", "missing"),
    ('storage_locations = ["EU"]', 'storage_locations = "EU"'): ("storage_locations", "list"),
    ('base_url = "https://', 'base_url = "http://'): ("web.base_url", "https"),
}
VARIABLES: list[tuple[Mapping[str, str], tuple[str, ...]]] = [
    ({"PENSTOCK__STORE__ULR": "x"}, ("PENSTOCK__STORE__ULR", "PENSTOCK__STORE__URL")),
    ({"PENSTOCK__POLICY__MINOR_UNDER": "young"}, ("PENSTOCK__POLICY__MINOR_UNDER", "number")),
    ({"PENSTOCK_CONFIG": "gone.toml"}, ("gone.toml",)),
    ({"PENSTOCK_NOW": "tomorrow"}, ("tomorrow", "ISO")),
    (dict.fromkeys(KEYS, '["env:NOT_SET"]'), ("NOT_SET",)),
    (dict.fromkeys(KEYS, '["file:gone.key"]'), ("gone.key",)),
    ({KEYS[0]: '["env:HOME"]'}, ("keys.tokens", "not complete")),
]
WRONG = {
    ("frobnicate",): "frobnicate",
    ("check",): "CAMPAIGN",
    ("check", "c.toml", "--contcts", "x"): "--contacts",
    ("suppress", "add", "a@maskin.example", "--reason", "objektion"): "objection",
}


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if text in line)


@pytest.fixture(scope="module")
def of_files(
    sample: Path, refusal: Refusal, edited: Edited, at_once: AtOnce, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """What the program says to each faulty config file, with the line of the fault."""

    def say(change: tuple[str, str]) -> tuple[str, int]:
        house = shutil.copytree(sample, tmp_path_factory.mktemp("config") / "house")
        config = edited(house / "config.toml", change)
        line = refusal("check", "campaigns/short.toml", "--contacts", "contacts.csv", cwd=house)
        return line, line_of(config, change[1])

    return dict(zip(FILES, at_once(partial(say, change) for change in FILES), strict=True))


@pytest.mark.parametrize("change", FILES, ids=lambda change: change[1])
def test_a_wrong_key_or_value_is_named_with_its_line(
    of_files: dict[tuple[str, str], Future[tuple[str, int]]], change: tuple[str, str]
) -> None:
    line, number = of_files[change].result()
    assert all(word in line for word in FILES[change]), line
    assert f"config.toml:{number}" in line or "missing" in line
    assert "secret" not in line


@pytest.fixture(scope="module")
def of_variables(sample: Path, refusal: Refusal, at_once: AtOnce) -> Any:
    """What the program says to each faulty environment."""
    jobs = [partial(refusal, "contacts", "list", cwd=sample, env=env, now=None) for env, _ in VARIABLES]
    return at_once(jobs)


@pytest.mark.parametrize("number", range(7))
def test_a_wrong_variable_is_one_clear_line(of_variables: list[Future[str]], number: int) -> None:
    assert len(of_variables) == 7
    line = of_variables[number].result()
    assert all(word in line for word in VARIABLES[number][1]), line


def test_the_environment_wins_over_the_file(records: Records, house: Path) -> None:
    lines = records(
        "doctor", cwd=house, env={"PENSTOCK__STORE__URL": "sqlite:///other.db", "penstock__web__base_url": ""}
    )
    assert {line["what"]: line["state"] for line in lines}["config"] == "warn"
    assert {line["what"]: line["state"] for line in lines}["store"] == "warn"


def test_secrets_come_from_the_environment_or_from_files(penstock: Run, refusal: Refusal, house: Path) -> None:
    """The very keys of the folder, given otherwise; a wrong one is refused without being shown."""
    names = {"pepper": "PEPPERS", "token": "TOKENS", "ledger": "LEDGERS"}
    keys = {kind: next((house / "keys").glob(f"{kind}-*.key")) for kind in names}
    env = {
        "MY_PEPPER": keys["pepper"].read_text().strip(),
        "PENSTOCK__KEYS__PEPPERS": '["env:MY_PEPPER"]',
        "PENSTOCK__KEYS__TOKENS": f'["file:{keys["token"]}"]',
        "PENSTOCK__KEYS__LEDGERS": f'["file:{keys["ledger"]}"]',
        "PENSTOCK__KEYS__FOLDER": "nowhere",
    }
    done = penstock("suppress", "add", "anna@maskin.example", "--reason", "other", cwd=house, env=env)
    assert done.returncode == 0, done.stderr
    assert "anna" in penstock("suppress", "list", cwd=house).stdout  # with the folder again
    wrong = "f0" * 31
    assert wrong not in refusal("suppress", "list", cwd=house, env={**env, "MY_PEPPER": wrong})


def test_the_config_may_stand_elsewhere_and_its_paths_start_there(
    records: Records, penstock: Run, house: Path, tmp_path: Path, person: Person, contact_file: ContactFile
) -> None:
    (tmp_path / "desk").mkdir()
    contact_file(tmp_path / "desk" / "one.jsonl", [person("anna")])
    send = ("send", "../house/campaigns/short.toml", "--contacts", "one.jsonl")
    (line,) = records("--config", "../house/config.toml", *send, cwd=tmp_path / "desk")
    assert (house / "outbox" / f"{line['mail_id']}.eml").exists()
    assert [file.name for file in (tmp_path / "desk").iterdir()] == ["one.jsonl"]
    config = {"PENSTOCK_CONFIG": str(house / "config.toml")}
    assert "1 contacts" in penstock("contacts", "list", cwd=tmp_path / "desk", env=config).stdout


def test_the_options_before_the_command_are_checked(refusal: Refusal, sample: Path) -> None:
    assert "gone.toml" in refusal("--config", "gone.toml", "contacts", "list", cwd=sample)
    assert "yesterday" in refusal("contacts", "list", cwd=sample, now="yesterday")


@pytest.fixture(scope="module")
def of_commands(sample: Path, refusal: Refusal, at_once: AtOnce) -> Any:
    """What the program says to each faulty command line."""
    return at_once(partial(refusal, *words, cwd=sample) for words in WRONG)


@pytest.mark.parametrize("number", range(4))
def test_a_wrong_command_line_is_one_clear_line(of_commands: list[Future[str]], number: int) -> None:
    """Like every other error; usage and help are a `-h` away."""
    assert len(of_commands) == 4
    assert list(WRONG.values())[number] in of_commands[number].result()
