"""The mail server of campaign_smtp.py: Postfix's `smtp-sink` on loopback, which counts mails and keeps none."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def smtp_sink(folder: Path) -> Iterator[int]:
    """The port of a sink that listens. It counts messages into `folder/sink`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rights = ["-u", "nobody"] if os.geteuid() == 0 else []
    with (folder / "sink").open("wb") as counts:
        sink = subprocess.Popen(["smtp-sink", *rights, "-c", f"127.0.0.1:{port}", "100"], stdout=counts)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError("smtp-sink does not listen")
        yield port
    finally:
        sink.terminate()
        sink.wait()


def taken(folder: Path) -> int:
    """How many messages the sink has had."""
    with (folder / "sink").open("rb") as counts:
        counts.seek(max(counts.seek(0, os.SEEK_END) - 200, 0))
        found = re.findall(rb"mesg=(\d+)", counts.read())
    return int(found[-1]) if found else 0
