"""`penstock relay` as its operators meet it: real processes, which are killed and come back."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests.e2e.staying import PLACES, fetched, hand_in, listened, metrics, sent, staying, until

Run = Callable[..., subprocess.CompletedProcess[str]]
Refusal = Callable[..., str]

ROLES = ("relay", "--only", "smtp,web,worker")
ACCEPTED = 'penstock_accepted_total{door="smtp",stream="transactional"}'
SENT = 'penstock_outcomes_total{adapter="main",outcome="accepted",stream="transactional"}'


def test_a_mail_that_one_process_takes_in_is_sent_by_another(house: Path) -> None:
    with staying(house, *ROLES, lines=3) as relay:
        assert len(relay.children()) == 2
        assert relay.smtp in listened(relay.child("listener"))
        hand_in(relay.smtp)
        until(lambda: sent(house) == 1)
        assert fetched(f"{relay.web}/readyz") == (200, "ok\n")
        until(lambda: metrics(relay.web).get(SENT) == 1)  # the file is there before the store knows
        found = metrics(relay.web)
        assert found[ACCEPTED] == 1
        assert found["penstock_uncertain"] == 0
        family = relay.children()
        began = time.monotonic()
        assert relay.stop() == 0
        assert time.monotonic() - began < 10
        assert not any(each.is_running() for each in family)


@pytest.mark.parametrize("role", ["listener", "worker"])
def test_a_process_that_is_killed_comes_back_and_mail_still_goes(house: Path, role: str) -> None:
    with staying(house, *ROLES, lines=3) as relay:
        hand_in(relay.smtp, 1)
        until(lambda: sent(house) == 1)
        victim = relay.child(role)
        victim.kill()
        until(lambda: len(relay.children()) == 2 and victim.pid not in {each.pid for each in relay.children()})
        until(lambda: fetched(f"{relay.web}/readyz")[0] == 200)
        hand_in(relay.smtp, 2)
        until(lambda: sent(house) == 2)
        found = metrics(relay.web)
        assert found[ACCEPTED] == 2
        assert found[f'penstock_process_starts_total{{process="{role}-1"}}'] == 2
        assert "process_ended" in relay.errors()
        assert relay.stop() == 0


def test_while_a_process_is_missing_the_relay_is_not_ready(house: Path) -> None:
    with staying(house, *ROLES, lines=3) as relay:
        relay.child("worker").kill()
        until(lambda: fetched(f"{relay.web}/readyz")[0] == 503)
        assert fetched(f"{relay.web}/healthz") == (200, "ok\n")
        until(lambda: fetched(f"{relay.web}/readyz")[0] == 200)


def test_when_the_starter_is_killed_nobody_is_left(house: Path) -> None:
    with staying(house, *ROLES, lines=3) as relay:
        family = relay.children()
        relay.process.kill()
        _, alive = psutil.wait_procs(family, 10)
        assert alive == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_is_one_stop(house: Path, number: int) -> None:
    """As a service manager does that tells every process."""
    with staying(house, *ROLES, lines=3) as relay:
        for each in [*relay.children(), psutil.Process(relay.process.pid)]:
            each.send_signal(number)
        assert relay.process.wait(10) == 0


def test_listeners_share_their_ports_and_their_counts_add_up(house: Path) -> None:
    with staying(house, *ROLES, lines=3, env={"PENSTOCK__RELAY__LISTENERS": "2"}) as relay:
        sharing = [each for each in relay.children() if relay.smtp in listened(each)]
        assert len(relay.children()) == 3
        assert len(sharing) == 2
        for number in range(12):
            hand_in(relay.smtp, number)
        until(lambda: sent(house) == 12)
        assert {metrics(relay.web)[ACCEPTED] for _ in range(8)} == {12}
        assert relay.stop() == 0


def test_a_port_that_is_taken_is_told_once(house: Path, refusal: Refusal) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        line = refusal(*ROLES, cwd=house, env={**PLACES, "PENSTOCK__RELAY__SMTP": f'["{place}"]'})
        assert "RELAY__SMTP" in line.upper()
        assert f"cannot listen at {place}" in line
        refusal("relay", "--only", "web", cwd=house, env={**PLACES, "PENSTOCK__WEB__LISTEN": place})


def test_a_second_relay_at_the_same_ports_is_refused(house: Path, refusal: Refusal) -> None:
    with staying(house, *ROLES, lines=3) as relay:
        places = {**PLACES, "PENSTOCK__RELAY__SMTP": f'["127.0.0.1:{relay.smtp}"]'}
        assert "is another process using it?" in refusal(*ROLES, cwd=house, env=places)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"PENSTOCK__RELAY__SMTPS": '["127.0.0.1:0"]'}, "relay.smtps: needs a certificate"),
        ({"PENSTOCK__RELAY__TLS_CERTIFICATE": "nowhere.pem"}, "cannot be used"),
        ({"PENSTOCK__RELAY__CAMPAIGNS": '["nowhere.toml"]'}, "nowhere.toml"),
    ],
)
def test_a_fault_of_the_config_ends_it_with_one_line(
    house: Path, refusal: Refusal, env: dict[str, str], says: str
) -> None:
    assert says in refusal(*ROLES, cwd=house, env={**PLACES, "PENSTOCK__RELAY__LISTENERS": "2", **env})


def test_a_service_manager_is_told_when_it_is_ready_alive_and_stopping(house: Path, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with staying(house, *ROLES, lines=3, env=env) as relay:
            assert manager.recv(100) == b"READY=1"
            assert manager.recv(100) == b"WATCHDOG=1"
            relay.process.terminate()
            said = manager.recv(100)
            while said == b"WATCHDOG=1":
                said = manager.recv(100)
            assert said == b"STOPPING=1"
            assert relay.process.wait(20) == 0


@pytest.mark.parametrize("roles", ["smtp", "smtp,worker"])
def test_sockets_of_a_service_manager_are_listened_at(house: Path, tmp_path: Path, roles: str) -> None:
    """What starts it sets the process id, as the manager would, and becomes the program."""
    from tests.e2e.conftest import PROGRAM, environment

    with closing(socket.create_server(("127.0.0.1", 0))) as given:
        port = given.getsockname()[1]
        lines = f"import os; os.dup2({given.fileno()}, 3); os.environ['LISTEN_PID'] = str(os.getpid());"
        lines += f"os.execv({str(PROGRAM)!r}, ['penstock', 'relay', '--only', '{roles}'])"
        env = {**PLACES, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp", "PENSTOCK__RELAY__SMTP": '["127.0.0.1:1"]'}
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", lines], cwd=house, env=environment(house, env), pass_fds=(given.fileno(),),
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            hand_in(port)
            until(lambda: f"listening at smtp://127.0.0.1:{port}" in (tmp_path / "log").read_text())
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_a_socket_without_the_name_of_a_door_is_refused(house: Path) -> None:
    from tests.e2e.conftest import PROGRAM, environment

    line = f'LISTEN_PID=$$ exec "{PROGRAM}" relay --only smtp'
    env = environment(house, {**PLACES, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "penstock.socket"})
    done = subprocess.run(["/bin/sh", "-c", line], cwd=house, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "FileDescriptorName=" in done.stderr


def test_what_is_left_in_doubt_is_told_by_the_relay(house: Path) -> None:
    """The log is JSON where no terminal listens, and names no address."""
    import json
    import sqlite3

    with staying(house, *ROLES, lines=3) as relay:
        hand_in(relay.smtp)
        until(lambda: sent(house) == 1)
        until(lambda: metrics(relay.web)["penstock_queue"] == 0)
        assert relay.stop() == 0
    with closing(sqlite3.connect(house / "penstock.db")) as base, base:
        base.execute("UPDATE mails SET state = 'uncertain'")
    with staying(house, *ROLES, lines=3) as relay:
        until(lambda: "uncertain_changed" in relay.errors())
        assert metrics(relay.web)["penstock_uncertain"] == 1
        assert relay.stop() == 0
    events = [json.loads(line) for line in relay.errors().splitlines()]
    (told,) = (each for each in events if each["event"] == "uncertain_changed")
    assert (told["level"], told["uncertain"], told["before"]) == ("error", 1, 0)


def test_nothing_of_the_relay_is_left_in_the_folder_for_temporary_files(house: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with staying(house, *ROLES, lines=3, env={"TMPDIR": str(tmp_path / "tmp")}) as relay:
        assert [each.stat().st_mode & 0o777 for each in (tmp_path / "tmp").iterdir()] == [0o700]
        assert relay.stop() == 0
    assert [*(tmp_path / "tmp").iterdir()] == []
