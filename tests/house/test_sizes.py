"""Files and functions stay small enough to be read at once, and are named by what they define."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
NAMES_THAT_SAY_NOTHING = frozenset(
    {"base", "bases", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
)


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Name with line, and length from `def` to the last line (decorators do not count)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{node.name}:{node.lineno}", node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_300_lines(product_files: list[Path], root: Path) -> None:
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines()) for path in product_files
    }
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_40_lines(product_files: list[Path], root: Path) -> None:
    long = {
        f"{path.relative_to(root)}:{name}": lines
        for path in product_files
        for name, lines in functions_of(path)
        if lines > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_every_file_and_folder_is_named_by_what_it_defines(product_files: list[Path], root: Path) -> None:
    empty = {
        str(path.relative_to(root))
        for path in product_files
        for part in path.relative_to(root).with_suffix("").parts
        if NAMES_THAT_SAY_NOTHING & set(part.split("_"))
    }
    assert empty == set()


def test_every_folder_of_the_core_is_a_package(product_files: list[Path], root: Path) -> None:
    folders = {path.parent for path in product_files if path.is_relative_to(root / "src")}
    assert sorted(folder for folder in folders if not (folder / "__init__.py").is_file()) == []
