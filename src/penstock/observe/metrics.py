"""What each process counts. The processes of one relay share a folder, so that any of them can tell of all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from penstock.model.mail import Mail
from penstock.model.outcome import Outcome, word
from penstock.model.verdict import Decision, Reason, Verdict

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter

__all__ = ["SHARED_FOLDER", "Tallies", "forget_process", "shared_counts"]

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder; it is prometheus-client's."""


@contextmanager
def shared_counts(process: str) -> Iterator[None]:
    """Let this process count in the shared folder under a name, before anything counts.

    One that starts anew under the same name goes on where the one before it ended: counters never fall, and the folder
    does not grow with every death.
    """
    from prometheus_client import values

    shared = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]
    values.ValueClass = shared
    try:
        yield
    finally:
        shared.close_all_files()


def forget_process(folder: str, process: str) -> None:
    """What a process that ended was at (open sessions) is over; what it counted stays."""
    from pathlib import Path

    for file in Path(folder).glob(f"gauge_live*_{process}.db"):
        file.unlink(missing_ok=True)


class Tallies:
    """The counters of one process. Labels are names of ours, codes and adapters; never an id or an address."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge

        self._registry = CollectorRegistry()

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"penstock_{name}", about, labels, registry=self._registry)

        # For each mail: to look the labels up anew takes longer than to count.
        self._accepted = cache(counter("accepted", "Mails taken and durably saved.", "door", "stream").labels)
        self._refused = counter("refused", "Submissions turned away.", "door", "kind", "code")
        self._verdicts = counter("verdicts", "Decisions of workers, by headline.", "stage", "verdict", "code", "stream")
        self._outcomes = counter("outcomes", "What came of handing over.", "adapter", "stream", "outcome")
        self._reports = counter("reports", "Delivery status notifications made.")
        self._requests = counter("http_requests", "HTTP requests answered.", "door", "route", "method", "status")
        self._sessions = counter("smtp", "What the SMTP doors counted.", "what")
        about = "Mails on the transactional stream that look like advertising."
        self._advertising = counter("advertising_on_transactional", about)
        self._faults = counter("accepting_faults", "Submissions put off for a fault of ours; see the log.")
        self._starts = counter("process_starts", "How often each process was started.", "process")
        about = "SMTP sessions that are open now."
        self._open = Gauge("penstock_smtp_sessions_open", about, registry=self._registry, multiprocess_mode="livesum")
        self._known: dict[str, float] = {}

    def registry(self) -> CollectorRegistry:
        """What can be told: of all processes where they share a folder, else of this one."""
        if SHARED_FOLDER not in os.environ:
            return self._registry
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def started(self, process: str) -> None:
        """This process began."""
        self._starts.labels(process).inc()

    def accepted(self, door: str, stream: str, number: int) -> None:
        """So many mails were saved."""
        self._accepted(door, stream).inc(number)

    def refused(self, door: str, kind: str, code: str) -> None:
        """One submission was turned away."""
        self._refused.labels(door, kind, code).inc()

    def decided(self, adapter: str, mail: Mail, decision: Decision, outcome: Outcome | None) -> None:
        """A worker is over with a mail for now; `adapter` is where it leaves by."""
        stage = _stage(decision)
        self._verdicts.labels(stage, str(decision.verdict), decision.code or "", str(mail.stream)).inc()
        if outcome is not None:
            self._outcomes.labels(adapter, str(mail.stream), word(outcome)).inc()

    def reported(self, number: int) -> None:
        """So many senders were told."""
        self._reports.inc(number)

    def answered(self, door: str, route: str, method: str, status: int) -> None:
        """An HTTP request was answered. `route` is the pattern, never the path."""
        self._requests.labels(door, route, method, str(status)).inc()

    def sessions(self, now_open: int, counted: Mapping[str, float]) -> None:
        """What SMTP doors have counted since they were opened, as it stands now."""
        self._open.set(now_open)
        for what, number in counted.items():
            self._up_to(number, what, self._sessions.labels(what))

    def advertising(self, number: int) -> None:
        """So many mails since this process started looked like advertising on a stream that is none for it."""
        self._up_to(number, "advertising", self._advertising)

    def accepting_faults(self, number: int) -> None:
        """So many submissions since this process started were answered "later" for a fault of ours."""
        self._up_to(number, "faults", self._faults)

    def _up_to(self, number: float, what: str, counter: Counter) -> None:
        if (more := number - self._known.get(what, 0.0)) > 0:
            counter.inc(more)
            self._known[what] = number


def _stage(decision: Decision) -> str:
    """The stage that the headline comes from."""

    def speaks(reason: Reason) -> bool:
        return reason.verdict is not Verdict.SEND and reason.code == decision.code

    return next((reason.stage for reason in decision.reasons if speaks(reason)), "")
