"""Each stage and each command has its row: code, test, docs page, all by the same name."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import typer

from penstock.cli.main import LATER, app
from penstock.stages.shipped import SHIPPED


def home_of(stage: str) -> tuple[str, type]:
    module, _, name = SHIPPED[stage].partition(":")
    return module, getattr(import_module(module), name)


@pytest.mark.parametrize("stage", SHIPPED)
def test_a_stage_lives_in_the_file_of_its_name(stage: str) -> None:
    module, kind = home_of(stage)
    assert module.rpartition(".")[2] == stage
    assert kind.__module__ == module
    assert getattr(kind, "name", None) == stage


@pytest.mark.parametrize("stage", SHIPPED)
def test_a_check_stands_among_the_checks_and_an_edit_among_the_edits(stage: str) -> None:
    module, kind = home_of(stage)
    assert hasattr(kind, "judge") != hasattr(kind, "edit")
    assert module.split(".")[2] == ("checks" if hasattr(kind, "judge") else "edits")


def test_every_stage_file_is_shipped(root: Path) -> None:
    """A file of the two folders that defines a stage class is in the list."""
    listed = {home_of(stage)[0] for stage in SHIPPED}
    for path in sorted((root / "src/penstock/stages").glob("*/*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"^    async def (judge|edit)\(", text, re.MULTILINE):
            assert f"penstock.stages.{path.parent.name}.{path.stem}" in listed


@pytest.mark.parametrize("stage", SHIPPED)
def test_a_stage_has_its_page_in_the_docs(stage: str, root: Path) -> None:
    page = root / "docs/reference/stages" / f"{stage}.md"
    assert page.is_file()
    assert stage in page.read_text(encoding="utf-8")


def test_the_docs_describe_no_stage_that_is_not_there(root: Path) -> None:
    pages = {path.stem for path in (root / "docs/reference/stages").glob("*.md")} - {"README", "index"}
    assert pages == set(SHIPPED)


@pytest.mark.parametrize("stage", SHIPPED)
def test_a_stage_has_its_unit_test(stage: str, root: Path) -> None:
    assert [*(root / "tests/unit/stages").rglob(f"test_{stage}.py")]


def command_modules() -> set[str]:
    """Modules that a command of the program is defined in."""
    found = {each.callback.__module__ for each in app.registered_commands if each.callback}
    for group in app.registered_groups:
        inner = group.typer_instance
        assert isinstance(inner, typer.Typer)
        found |= {each.callback.__module__ for each in inner.registered_commands if each.callback}
    return {name.rpartition(".")[2] for name in found} - {"main"}


def test_there_are_commands() -> None:
    assert {"demo", "init", "stages", "suppress"} <= command_modules()


@pytest.mark.parametrize("module", sorted(command_modules()))
def test_every_command_is_tried_end_to_end(module: str, root: Path) -> None:
    """By a file of its name, or by one that calls every command of the module."""
    tests = [*(root / "tests/e2e").rglob("test_*.py")]
    named = any(module in path.stem for path in tests)
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    called = all(re.search(rf"[\"']{re.escape(name)}[\"']", text) for name in commands_in(module))
    assert named or called


def commands_in(module: str) -> set[str]:
    """The words that call the commands of a module: a group's own name, or each command's."""
    words = set()
    for each in app.registered_commands:
        if each.callback and each.callback.__module__.endswith("." + module):
            words.add(each.name or each.callback.__name__.replace("_", "-"))
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        for each in inner.registered_commands:
            if each.callback and each.callback.__module__.endswith("." + module):
                words.add(str(group.name or inner.info.name))
    return words


def test_no_command_is_both_there_and_announced_for_later() -> None:
    groups = {
        str(group.name or (group.typer_instance and group.typer_instance.info.name)) for group in app.registered_groups
    }
    there = {
        each.name or (each.callback.__name__ if each.callback else "")
        for each in app.registered_commands
        if not (each.callback and each.callback.__name__ == "later")
    }
    assert not set(LATER) & (groups | there)
