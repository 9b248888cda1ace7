"""The log is the last to stop anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LINES = """
import os, resource
from penstock.observe.log import configure, get_logger
configure(json=True)
log = get_logger("trial")
log.warning("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (os.fstat(2).st_size, resource.RLIM_INFINITY))
for _ in range(2000):
    log.warning("full", fault="StoreUnavailable")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.warning("after")
"""


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """As on the full disk that it is to tell of; what fits again is written again."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        done = subprocess.run([sys.executable, "-c", LINES], stderr=file, timeout=60)
    text = path.read_text()
    assert done.returncode == 0, text
    assert '"event": "before"' in text
    assert '"event": "after"' in text
