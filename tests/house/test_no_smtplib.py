"""The product never speaks SMTP through smtplib, which blocks and cannot tell a doubt from a failure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, by name, wherever in the file; dynamic imports by literal, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def test_nothing_imports_smtplib(product_files: list[Path]) -> None:
    assert [path for path in product_files if "smtplib" in {name.split(".")[0] for name in imported(path)}] == []


def test_the_search_sees_every_way_to_import(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        "import smtplib as one\nfrom smtplib import SMTP\ndef f():\n    import importlib\n"
        "    return importlib.import_module('smtplib'), __import__('smtplib')\n"
    )
    assert [*imported(path)].count("smtplib") == 4
