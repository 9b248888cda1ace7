"""Imports run downwards only. The layers themselves stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_imports_run_downwards_only(root: Path) -> None:
    found = subprocess.run([sys.executable, "-c", _LINT], cwd=root, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stdout + found.stderr
