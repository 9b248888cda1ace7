"""What all tests share: a test may need a program from outside, or the machine to itself."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ALONE = ("chaos", "e2e", "integration")
"""Folders whose tests start servers, kill processes or watch clocks: `alone`, unless listed below."""
TOGETHER = {
    "e2e": (
        "check", "config", "consent", "contacts", "demo", "dkim", "doctor", "enclosures", "events", "explain", "holds",
        "init", "keys", "ledger", "lia", "library", "not_in_this_version", "notices", "password", "policy", "preview",
        "queue", "retention", "routes", "stages", "suppress", "suppress_exports", "uncertain",
    ),
    "integration": ("broken_adapters", "broken_splicer", "eighth_plugin", "mime_corpus"),
}  # fmt: skip
"""Their modules that only compute, or run programs to their end."""


def stands_alone(path: Path) -> bool:
    """Whether the tests of this file need the machine to themselves; where nobody said so, they do."""
    if not path.is_relative_to(TESTS):
        return False
    folder, name = path.relative_to(TESTS).parts[0], path.stem.removeprefix("test_")
    return folder in ALONE and name not in TOGETHER.get(folder, ())


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`alone` by folder; elsewhere a test or module says it itself."""
    for item in items:
        if stands_alone(item.path):
            item.add_marker(pytest.mark.alone)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()


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
