"""Mails leave by the way that a rule names: by country and by the campaign's tag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Run

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

RULES = """
[adapters.north]
url = "file:north"
[adapters.tagged]
url = "file:tagged"
[[route]]
to = "tagged"
tag = "autumn"
[[route]]
to = "north"
countries = ["FI", "SE"]
sender = "nordlicht.example"
"""


def sent(folder: Path) -> int:
    return len(list(folder.glob("*.eml")))


@pytest.fixture
def ruled(house: Path) -> Path:
    config = house / "config.toml"
    config.write_text(config.read_text() + RULES)
    return house


def test_a_rule_wins_over_the_route_of_the_stream(
    ruled: Path, person: Person, contact_file: ContactFile, penstock: Run
) -> None:
    people = contact_file(ruled / "people.jsonl", [person("anna"), person("bo", country="IE")])
    campaign = ruled / "campaigns" / "purchasing.toml"
    done = penstock("send", campaign, "--contacts", people, "--wait", "0", cwd=ruled)
    assert done.returncode == 0, done.stderr
    assert (sent(ruled / "north"), sent(ruled / "outbox")) == (1, 1)
    campaign.write_text(campaign.read_text().replace("[campaign]", '[campaign]\ntag = "autumn"', 1))
    more = contact_file(ruled / "more.jsonl", [person("cia")])
    done = penstock("send", campaign, "--contacts", more, "--wait", "0", cwd=ruled)
    assert done.returncode == 0, done.stderr
    assert (sent(ruled / "tagged"), sent(ruled / "north")) == (1, 1)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('to = "nort"\ntag = "x"', "did you mean 'north'"),
        ('to = "north"', "a rule that fits every mail"),
        ('to = "failover(north"\ntag = "x"', "not closed"),
        ('to = "north"\ncountries = ["Sweden"]', "two capital letters"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_told(ruled: Path, penstock: Run, rule: str, says: str) -> None:
    config = ruled / "config.toml"
    config.write_text(f"{config.read_text()}\n[[route]]\n{rule}\n")
    done = penstock("stages", cwd=ruled)
    assert done.returncode == 2
    assert says in done.stderr
    assert "config.toml:" in done.stderr
