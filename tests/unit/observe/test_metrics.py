"""What processes count, alone and together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from penstock.errors import StoreUnavailable
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.outcome import Accepted
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.observe.counted_acceptance import CountedAcceptance
from penstock.observe.metrics import Tallies, forget_process
from penstock.ports.intake import Client, Receipt, Refusal, RefusalKind, Submission, Taken
from penstock.testing.samples import a_mail


def told(tallies: Tallies) -> dict[str, float]:
    lines = generate_latest(tallies.registry()).decode().splitlines()
    return {name: float(value) for name, _, value in (each.rpartition(" ") for each in lines if each[0] != "#")}


COUNTS = """
import sys
from penstock.observe.metrics import Tallies, shared_counts
with shared_counts(sys.argv[1]):
    tallies = Tallies()
    tallies.accepted("smtp", "newsletter", int(sys.argv[2]))
    tallies.sessions(int(sys.argv[2]), {"sessions": 5})
"""
TELLS = """
import sys
from penstock.observe.metrics import Tallies, shared_counts
from prometheus_client import generate_latest
with shared_counts("listener-2"):
    print(generate_latest(Tallies().registry()).decode())
"""


def ran(folder: Path, program: str, *words: str) -> str:
    """In a process of its own, as prometheus-client looks at the environment when it is imported."""
    env = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_processes_count_together_and_go_on_where_they_ended(tmp_path: Path) -> None:
    for name, number in (("listener-1", "2"), ("listener-2", "3"), ("listener-1", "4")):
        ran(tmp_path, COUNTS, name, number)
    text = ran(tmp_path, TELLS)
    assert 'penstock_accepted_total{door="smtp",stream="newsletter"} 9.0' in text
    assert 'penstock_smtp_total{what="sessions"} 15.0' in text
    assert "penstock_smtp_sessions_open 7.0" in text
    forget_process(str(tmp_path), "listener-1")
    text = ran(tmp_path, TELLS)
    assert "penstock_smtp_sessions_open 3.0" in text
    assert 'penstock_accepted_total{door="smtp",stream="newsletter"} 9.0' in text
    assert len([*tmp_path.iterdir()]) <= 6


def test_a_decision_counts_under_the_stage_that_its_headline_comes_from() -> None:
    tallies, mail = Tallies(), a_mail()
    against = (
        Reason("freshness", Verdict.HOLD, Code.UNVERIFIED),
        Reason("suppression", Verdict.BLOCK, Code.SUPPRESSED_PERSON, facts=Facts(records=("17",))),
    )
    tallies.decided("main", mail, decide(against, "first"), None)
    tallies.decided("main", mail, decide((), "first"), Accepted("1"))
    found = told(tallies)
    stream = str(mail.stream)
    assert (
        found[
            f'penstock_verdicts_total{{code="SUPPRESSED_PERSON",stage="suppression",stream="{stream}",verdict="block"}}'
        ]
        == 1
    )
    assert found[f'penstock_verdicts_total{{code="",stage="",stream="{stream}",verdict="send"}}'] == 1
    assert found[f'penstock_outcomes_total{{adapter="main",outcome="accepted",stream="{stream}"}}'] == 1


def test_what_doors_count_is_told_as_it_stands() -> None:
    tallies = Tallies()
    for number in (3, 3, 5):
        tallies.sessions(2, {"sessions": number})
        tallies.advertising(number)
        tallies.accepting_faults(number - 2)
    tallies.reported(2)
    tallies.answered("web", "/u/{token}", "POST", 200)
    found = told(tallies)
    assert found['penstock_smtp_total{what="sessions"}'] == 5
    assert found["penstock_advertising_on_transactional_total"] == 5
    assert found["penstock_accepting_faults_total"] == 3
    assert found["penstock_smtp_sessions_open"] == 2
    assert found["penstock_reports_total"] == 2
    assert found['penstock_http_requests_total{door="web",method="POST",route="/u/{token}",status="200"}'] == 1


class Answers:
    """An acceptance that gives the same answers each time."""

    def __init__(self, *answers: Receipt | Refusal) -> None:
        self._answers = answers

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        return self._answers

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        return [{"verdict": "send"}]

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        return Refusal(RefusalKind.BLOCKED, "dead", "HARD_BOUNCED") if recipient else None

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        raise StoreUnavailable("away")


async def test_what_is_taken_and_turned_away_counts_by_door() -> None:
    first, again = Taken("1", "a@kund.example"), Taken("2", "b@kund.example", repeated=True)
    answers = (
        Receipt((first, again), Stream.NEWSLETTER),
        Receipt((first,), Stream.NEWSLETTER, repeated=True),
        Refusal(RefusalKind.LATER, "the store is away"),
    )
    tallies, client = Tallies(), Client("crm", frozenset())
    counted = CountedAcceptance(Answers(*answers), tallies, "http")
    submission = Submission(client, "", (), b"")
    assert await counted.take([submission] * 3) == answers
    assert await counted.admits(client, "", "") is None
    assert await counted.admits(client, "", "a@kund.example") is not None
    assert await counted.judge(submission) == [{"verdict": "send"}]
    found = told(tallies)
    assert found['penstock_accepted_total{door="http",stream="newsletter"}'] == 1
    assert found['penstock_refused_total{code="",door="http",kind="later"}'] == 1
    assert found['penstock_refused_total{code="HARD_BOUNCED",door="http",kind="blocked"}'] == 1
