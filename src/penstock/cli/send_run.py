"""What `penstock send` shows while it works and when it is over."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.context import DONE, INTERRUPTED, PROBLEMS, WRONG_USE, emit, say
from penstock.cli.findings import show_findings
from penstock.cli.tables import dropped_lines, one_line, summary
from penstock.model.outcome import Accepted, word

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.model.campaign import Campaign
    from penstock.rehearsing import Rehearsed
    from penstock.send_report import SendReport

__all__ = ["Progress", "SendOptions", "run_send", "run_test"]

QUIET_SECONDS = 10.0


class Progress:
    """A bar on a terminal, a line every 10 s elsewhere; always on standard error."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._counts: Counter[str] = Counter()
        self._said = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Bars(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(title, total=0)
            self._bar.start()

    def __call__(self, what: str, count: int) -> None:
        """`planned` raises the goal, `decided` advances."""
        self._counts[what] += count
        if self._bar is not None:
            self._bar.update(self._task, total=self._counts["planned"], completed=self._counts["decided"])
        elif time.monotonic() - self._said >= QUIET_SECONDS:
            self._said = time.monotonic()
            say(
                f"{self._title}: {self._counts['decided']} of {self._counts['planned']} mails done",
                error=True,
            )

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What was asked for on the command line."""

    limit: int | None
    wait: float
    workers: int
    strict: bool
    json: bool


def _linted(gate: Gate, campaign: Path) -> Campaign | None:
    """The campaign, its faults told; None where they are errors."""
    read = gate.campaign(campaign)
    findings = gate.lint(read)
    show_findings(findings, json=False, quiet_when_clean=True, error=True)
    if any(each.level == "error" and each.stops for each in findings):
        say(f"penstock: {campaign}: lint found errors; nothing was sent", error=True)
        return None
    return read


async def run_test(
    gate: Gate,
    campaign: Path,
    contacts: Path | None,
    mapping: Mapping[str, str],
    to: str,
    as_address: str | None,
    limit: int,
    *,
    json: bool,
) -> int:
    """Test mails to oneself; exit 1 where one could not be made or was refused."""
    read = _linted(gate, campaign)
    if read is None:
        return WRONG_USE
    done = await gate.rehearse(read, contacts, to, as_address=as_address, limit=limit, mapping=mapping)
    for each in done:
        record = _test_record(each)
        if json:
            emit(record)
        else:
            what = record["outcome"] or f"not made: {each.why}"
            say(f"{each.address}: test {what}; the real mail: {record['verdict']} {record['code'] or ''}".rstrip())
    return DONE if all(isinstance(each.outcome, Accepted) for each in done) else PROBLEMS


def _test_record(each: Rehearsed) -> dict[str, Any]:
    from penstock.decision_line import iso

    return {
        "test": True,
        "as": each.address,
        "verdict": each.decision.verdict,
        "code": each.decision.code,
        "until": iso(each.decision.until),
        "outcome": None if each.outcome is None else word(each.outcome),
        "why": each.why or None,
    }


async def run_send(
    gate: Gate, campaign: Path, contacts: Path | None, mapping: Mapping[str, str], options: SendOptions
) -> int:
    """Lint, send, report; the exit code."""
    read = _linted(gate, campaign)
    if read is None:
        return WRONG_USE
    json = options.json
    if redirected := gate.house.services.safety.redirect_to:
        say(f"test mode ([safety] redirect_all_to): every mail goes to {redirected}", error=True)
    progress = Progress(read.id)
    try:
        report = await gate.send(
            read,
            contacts,
            limit=options.limit,
            wait=options.wait,
            workers=options.workers,
            mapping=mapping,
            emit=_until_nobody_reads(gate, emit if json else _tell_problems),
            sent_too=json,
            progress=progress,
        )
    finally:
        progress.close()
    say(report_text(report), error=json)
    if report.interrupted:
        say("penstock: interrupted; the same command continues", error=True)
        return INTERRUPTED
    return PROBLEMS if options.strict and not report.all_sent else DONE


def _until_nobody_reads(gate: Gate, write: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Lines go out as long as somebody reads them; then the run ends cleanly, as after Ctrl-C."""

    def emit_line(record: dict[str, Any]) -> None:
        try:
            write(record)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            gate.stop.set()

    return emit_line


def _tell_problems(record: dict[str, Any]) -> None:
    if record.get("earlier") == "accepted":
        return  # told as a number at the end
    if record["verdict"] != "send" or record["outcome"] not in {None, "accepted"}:
        say(one_line(record))


def report_text(report: SendReport, title: str | None = None) -> str:
    """The run in a few lines; the title is the campaign's unless another one is given."""
    lines = [summary(title or f"campaign {report.campaign}", report.decisions)]
    if report.redirected_to:
        lines.append(f"  test mode: every mail went to {report.redirected_to}; the real run still sends")
    lines += [f"  outcome {word:12} {number:6}" for word, number in report.outcomes.most_common()]
    if report.already_sent:
        lines.append(f"  {report.already_sent} were sent by an earlier run and are not sent again")
    if report.waiting:
        lines.append(f"  {report.waiting} wait in the queue; the same command continues")
    lines += dropped_lines(report.dropped_columns)
    if report.reject_file:
        lines.append(f"  rows that could not be read are in {report.reject_file}")
    return "\n".join(lines)
