"""Where the house stands and what belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def product_files(root: Path) -> list[Path]:
    """Every Python file that is shipped: the core and the plugins, without their tests."""
    files = [*(root / "src").rglob("*.py"), *root.glob("plugins/*/src/**/*.py")]
    assert files
    return sorted(files)
