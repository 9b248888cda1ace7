"""One process of a relay, from its first line on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.relay.part import PROGRAM


@pytest.mark.parametrize("order", [b"", b"gASV"])
def test_a_starter_that_dies_before_it_ordered_anything_leaves_no_trace(order: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM], input=order, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
