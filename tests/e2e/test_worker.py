"""`penstock worker`: sends what others handed in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.staying import hand_in, sent, staying, until

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_worker_sends_what_a_relay_without_one_took_in(house: Path, penstock: Run) -> None:
    with staying(house, "relay", "--only", "smtp") as relay:
        for number in range(3):
            hand_in(relay.smtp, number)
        assert relay.children() == []
        assert relay.stop() == 0
    assert sent(house) == 0
    with staying(house, "worker") as worker:
        until(lambda: sent(house) == 3)
        assert worker.children() == []
        assert worker.stop() == 0
    left = penstock("queue", "list", "--json", cwd=house)
    assert left.stdout == ""


def test_several_workers_send_each_mail_once(house: Path) -> None:
    with staying(house, "relay", "--only", "smtp") as relay:
        for number in range(30):
            hand_in(relay.smtp, number)
        assert relay.stop() == 0
    with staying(house, "relay", "--only", "worker", env={"PENSTOCK__RELAY__WORKERS": "2"}) as relay:
        assert len(relay.children()) == 2
        until(lambda: sent(house) == 30)
        assert relay.stop() == 0


def test_a_worker_that_is_killed_loses_nothing(house: Path) -> None:
    with staying(house, "relay", "--only", "smtp,worker", lines=2) as relay:
        for number in range(5):
            hand_in(relay.smtp, number)
            until(lambda: len(relay.children()) == 2)
            worker = relay.child("worker")
            worker.kill()
            worker.wait(20)  # so that the next one is another
        until(lambda: sent(house) == 5, seconds=60)
        assert relay.stop() == 0
