"""The command line answers at once: nobody waits for imports that a command does not need."""

from __future__ import annotations

import resource
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

MOST_SECONDS = 0.3


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["relay", "--help"], ["relay", "--only", "nobody"]])
def test_what_needs_nothing_starts_in_less_than_300_ms(penstock: Run, tmp_path: Path, arguments: list[str]) -> None:
    """User CPU time, the median of five; a busy neighbour on the same core makes it dearer, so up to three tries."""
    medians = []
    for _ in range(3):
        spent = []
        for _ in range(5):
            before = user_seconds()
            penstock(*arguments, cwd=tmp_path, now=None)
            spent.append(user_seconds() - before)
        medians.append(statistics.median(spent))
        if medians[-1] < MOST_SECONDS:
            break
    assert min(medians) < MOST_SECONDS
