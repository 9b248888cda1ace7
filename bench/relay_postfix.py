"""The Postfix that relay.py measures beside ours: as Debian ships it, in folders of its own, with a relayhost."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.nordlicht.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{port}
"""


def listens(port: int) -> bool:
    """Whether somebody does there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def postfix(folder: Path, sink: int) -> Iterator[int]:
    """The port of a Postfix with its default durability that sends all mail to the sink. Needs root."""
    home, port = folder / "postfix", free_port()
    home.mkdir()
    for up in (folder, home):
        up.chmod(0o755)  # its processes run as users of their own
    (home / "data").mkdir()
    (home / "spool").mkdir()
    shutil.chown(home / "data", "postfix")
    (home / "main.cf").write_text(_MAIN.format(folder=home, port=sink))
    services = Path("/etc/postfix/master.cf").read_text().splitlines()
    lines = [_service(line, port) for line in services if not line.startswith("#")]
    (home / "master.cf").write_text("\n".join(lines) + "\n")
    command = ["postfix", "-c", str(home)]
    subprocess.run([*command, "start"], check=True, capture_output=True, timeout=60)
    try:
        end = time.monotonic() + 20
        while not listens(port):
            if time.monotonic() > end:
                raise RuntimeError("Postfix does not listen")
            time.sleep(0.05)
        yield port
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=60)


def _service(line: str, port: int) -> str:
    """A line of master.cf: at our port, and nothing in a chroot, which would need files copied."""
    words = line.split()
    if len(words) < 8 or line[0].isspace():
        return line
    if words[0] == "smtp" and words[1] == "inet":
        words[0] = f"127.0.0.1:{port}"
    words[4] = "n"
    return " ".join(words)
