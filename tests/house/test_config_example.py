"""The example config says everything the code knows, and nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import pytest

from penstock.config.settings import Settings, load_settings
from penstock.config.shape import below, keys_of
from penstock.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
_HIDDEN = re.compile(r"^# (?=\[|[a-z0-9_]+ = )", re.MULTILINE)


def whole_text() -> str:
    """The example with the keys that have no default taken out of their comments."""
    return _HIDDEN.sub("", EXAMPLE.read_text())


def known_keys(kind: Any, path: str = "") -> Iterator[str]:
    keys = keys_of(kind)
    if not keys and get_origin(kind) in {dict, tuple} and keys_of(below(kind, 0)):
        yield from known_keys(below(kind, 0), path)
    elif not keys:
        yield path
    for key in keys:
        yield from known_keys(below(kind, key), f"{path}.{key}".lstrip("."))


def written_keys(value: Any, kind: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield from written_keys(value[0], below(kind, 0), path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            free = get_origin(kind) is dict and not keys_of(kind)
            yield from written_keys(inner, below(kind, key), path if free else f"{path}.{key}".lstrip("."))
    else:
        yield path


def test_the_example_loads() -> None:
    settings = load_settings(EXAMPLE, {})
    assert settings.routes == {"default": "main"}
    assert settings.base == EXAMPLE.parent


def test_the_example_names_every_key_and_no_other() -> None:
    assert sorted(written_keys(tomllib.loads(whole_text()), Settings)) == sorted(known_keys(Settings))


def test_the_example_says_one_sentence_to_each_key() -> None:
    lines = [line for line in whole_text().splitlines() if re.match(r"\w+ = ", line)]
    assert lines
    bare = [line for line in lines if not re.search(r"\s# [A-Z].*\.$", line)]
    assert bare == []


def test_the_example_shows_the_defaults() -> None:
    shown = load_settings(EXAMPLE, {})
    plain = Settings()
    for section in (
        "store",
        "queue",
        "keys",
        "routes",
        "web",
        "inbound",
        "message",
        "notices",
        "safety",
        "clock",
        "policy",
    ):
        assert getattr(shown, section) == getattr(plain, section), section
    assert shown.adapters == plain.adapters
    assert shown.relay.model_copy(update={"credentials": ()}) == plain.relay
    samples = [shown.controllers["nordlicht"], shown.registers["ECG"], shown.suppliers["example"]]
    samples += [*shown.sender, *shown.relay.credentials]
    for sample in samples:
        for name, info in type(sample).model_fields.items():
            if not info.is_required() and name != "dkim":
                assert getattr(sample, name) == info.default, name


def test_a_key_taken_from_the_example_and_misspelt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXAMPLE.read_text().replace("daily_ceiling", "daily_cieling"))
    with pytest.raises(ConfigError, match="did you mean 'daily_ceiling'"):
        load_settings(path, {})
