"""What all tests share: a test may need a program from outside."""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`needs("program")`: skip where it is missing, but fail where PENSTOCK_CI=1 says it must be there."""
    for mark in item.iter_markers("needs"):
        missing = [program for program in mark.args if shutil.which(program) is None]
        if not missing:
            continue
        words = f"needs {', '.join(missing)}, which is not installed here"
        if os.environ.get("PENSTOCK_CI") == "1":
            pytest.fail(words)
        pytest.skip(words)
