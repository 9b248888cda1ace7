"""What a run of `send` came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from penstock.model.verdict import Verdict

__all__ = ["SendReport", "added_up"]


@dataclass(slots=True)
class SendReport:
    """What a run came to. `decisions` counts rows by verdict and headline code, `outcomes` by word."""

    campaign: str
    rows: int = 0
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    already_sent: int = 0
    waiting: int = 0
    dropped_columns: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False
    redirected_to: str = ""
    reject_file: Path | None = None

    @property
    def verdicts(self) -> Counter[str]:
        """How many rows by verdict."""
        found: Counter[str] = Counter()
        for (verdict, _), number in self.decisions.items():
            found[verdict] += number
        return found

    @property
    def all_sent(self) -> bool:
        """True when no row was held, blocked, deferred, rejected, failed or left in doubt."""
        stopped = sum(count for verdict, count in self.verdicts.items() if verdict != Verdict.SEND)
        return not (stopped or self.waiting or self.outcomes.keys() - {"accepted"})

    def add(self, verdict: str, code: str | None, outcome: str | None) -> None:
        """Count one row."""
        self.decisions[verdict, code or ""] += 1
        if outcome:
            self.outcomes[outcome] += 1


def added_up(reports: Iterable[SendReport]) -> SendReport:
    """Several runs as one; the file of rejected rows is that of the first run that had any."""
    whole = SendReport("")
    for each in reports:
        whole.campaign = f"{whole.campaign}, {each.campaign}" if whole.campaign else each.campaign
        whole.rows += each.rows
        whole.decisions += each.decisions
        whole.outcomes += each.outcomes
        whole.already_sent += each.already_sent
        whole.waiting += each.waiting
        whole.dropped_columns = Counter(whole.dropped_columns) + Counter(each.dropped_columns)
        whole.interrupted = whole.interrupted or each.interrupted
        whole.redirected_to = whole.redirected_to or each.redirected_to
        whole.reject_file = whole.reject_file or each.reject_file
    return whole
