"""`penstock stages`: the policy as it is in effect, with a plugin or without."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]

NEEDED = ["suppression", "notice", "list_unsubscribe", "write", "verify"]
SEND = ("send", "campaigns/short.toml", "--contacts", "one.jsonl", "--wait", "0")


@pytest.fixture(scope="module")
def shipped(records: Records, sample: Path) -> list[str]:
    """The names of the shipped list."""
    return [line["name"] for line in records("stages", cwd=sample)]


def listed(house: Path, names: list[str], **options: str) -> None:
    with (house / "config.toml").open("a", encoding="utf-8") as config:
        for name in names:
            config.write(f'\n[[stage]]\nuse = "{name}"\n{options.get(name, "")}\n')


def test_the_table_shows_order_kind_plugin_and_what_each_stage_reads(
    records: Records, penstock: Run, sample: Path, shipped: list[str]
) -> None:
    lines = records("stages", cwd=sample)
    assert [line["order"] for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        assert line["kind"] in {"check", "edit"}
        assert line["plugin"] == "penstock"
        assert isinstance(line["reads"], list)
        assert isinstance(line["needs"], list)
    assert [name for name in shipped if name in NEEDED] == NEEDED
    table = penstock("stages", cwd=sample).stdout
    assert all(name in table for name in shipped)


def test_a_plugin_that_is_installed_does_nothing_until_the_config_lists_it(
    records: Records, house: Path, shipped: list[str], person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    assert "quiet_days" not in shipped
    contact_file(house / "one.jsonl", [person("anna")])
    listed(house, ["quiet_days", *shipped], quiet_days='weekdays = ["monday"]')
    first, *_ = records("stages", cwd=house)
    assert (first["name"], first["kind"], first["plugin"]) == ("quiet_days", "check", "penstock-example")
    (line,) = records(*SEND, cwd=house)  # a Monday
    assert (line["verdict"], line["until"]) == ("defer", "2026-11-24T00:00:00Z")
    assert outbox(house) == {}
    (line,) = records(*SEND, cwd=house, now="2026-11-24T08:00:00Z")
    assert (line["verdict"], line["outcome"]) == ("send", "accepted")


Change = Callable[[list[str]], list[str]]
UNSAFE: dict[str, tuple[Change, tuple[str, ...]]] = {
    "unknown": (lambda names: ["quiet_day", *names], ("quiet_day", "quiet_days")),
    "misspelt": (lambda names: ["supression", *names[1:]], ("supression", "'suppression'")),
    "no suppression": (lambda names: [name for name in names if name != "suppression"], ("suppression",)),
    "no unsubscribe": (lambda names: [name for name in names if name != "list_unsubscribe"], ("list_unsubscribe",)),
    "backwards": (lambda names: names[::-1], ("cannot come after",)),
    "twice": (lambda names: [*names[:1], *names], ("suppression", "twice")),
}


@pytest.fixture(scope="module")
def answered(
    sample: Path, shipped: list[str], refusal: Refusal, at_once: AtOnce, person: Person, contact_file: ContactFile,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # fmt: skip
    """What `send` says to each unsafe list, when it sent nothing."""

    def say(change: Change) -> str:
        house = shutil.copytree(sample, tmp_path_factory.mktemp("stages") / "house")
        contact_file(house / "one.jsonl", [person("anna")])
        listed(house, change(shipped))
        line = refusal(*SEND, cwd=house)
        assert not (house / "outbox").exists()
        return line

    return dict(zip(UNSAFE, at_once(partial(say, change) for change, _ in UNSAFE.values()), strict=True))


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unknown_stage_and_an_unsafe_list_are_refused_before_anything_is_sent(
    answered: dict[str, Future[str]], name: str
) -> None:
    line = answered[name].result()
    assert all(word in line for word in UNSAFE[name][1]), line


@pytest.mark.parametrize(
    ("option", "words"), [("weekday = []", ("weekday", "'weekdays'")), ('weekdays = ["mon"]', ("mon",))]
)
def test_a_wrong_option_of_a_stage_is_one_clear_line(
    refusal: Refusal, house: Path, shipped: list[str], option: str, words: tuple[str, ...]
) -> None:
    listed(house, ["quiet_days", *shipped], quiet_days=option)
    line = refusal("check", "campaigns/short.toml", "--contacts", "contacts.csv", cwd=house)
    assert all(word in line for word in words), line
