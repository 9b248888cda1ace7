"""`penstock password`: what it prints is what the relay's doors accept."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.config.relay_section import CredentialSettings, RelaySettings
from penstock.config.secret_text import SecretText
from penstock.intake.credentials import Credentials

Command = Callable[..., list[str]]
Records = Callable[..., list[dict[str, Any]]]


def relay(hashed: str) -> Credentials:
    made = CredentialSettings(name="crm", password_hash=SecretText(hashed))
    return Credentials(RelaySettings(credentials=(made,)))


def told(command: list[str], cwd: Path, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, cwd=cwd, input=given, capture_output=True, timeout=60)


async def test_the_hash_of_the_first_line_is_printed_and_nothing_else(command: Command, tmp_path: Path) -> None:
    done = told(command("password"), tmp_path, "ein längeres Geheimnis\r\nx\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"$argon2id$")
    assert done.stdout.count(b"\n") == 1
    doorkeeper = relay(done.stdout.decode().strip())
    assert await doorkeeper.login("crm", "ein längeres Geheimnis", "192.0.2.1") is not None
    assert await doorkeeper.login("crm", "ein langeres Geheimnis", "192.0.2.1") is None


async def test_a_generated_secret_opens_the_door(records: Records, penstock: Any, tmp_path: Path) -> None:
    (made,) = records("password", "--generate", cwd=tmp_path)
    assert await relay(made["hash"]).bearer(f"crm.{made['secret']}", "192.0.2.1") is not None
    assert len(made["secret"]) >= 32
    lines = penstock("password", "--generate", cwd=tmp_path).stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["secret", "hash"]
    assert lines[0].partition(": ")[2] != made["secret"]


@pytest.mark.parametrize("given", [b"", b"short\n", b"\xff" * 20, b"twelve\x07 signs\n", b"x" * 513])
def test_what_is_no_secret_is_refused_and_not_shown(given: bytes, command: Command, tmp_path: Path) -> None:
    done = told(command("password"), tmp_path, given)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"penstock: standard input: ")
    assert b"Traceback" not in done.stderr
    assert b"short" not in done.stderr


def test_on_a_terminal_it_is_asked_for_twice_and_not_echoed(command: Command, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("password", "--json"), cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    try:
        shown = b""
        for prompts in (1, 2):
            while shown.count(b": ") < prompts:  # the space comes once nothing is echoed any more
                assert select.select([ours], [], [], 30)[0], shown
                shown += os.read(ours, 1024)
            os.write(ours, b"a secret of ours\n")
        stdout, _ = process.communicate(timeout=60)
        while select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 1024)
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0
    assert list(json.loads(stdout)) == ["hash"]
    assert b"of ours" not in shown
