"""Decisions as people read them on a terminal: one line each, and a table of verdicts by code at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.cli.context import emit, say
from penstock.decision_line import fault_line, line

if TYPE_CHECKING:
    from penstock.checking import Decided

__all__ = ["MARKS", "DecisionTable", "dropped_lines", "one_line", "summary"]

MARKS = {"send": "✓", "defer": "⏸", "hold": "⏸", "block": "✗", "reject": "✗"}


class DecisionTable:
    """Prints decided rows as they come; with `json` one object a line and nothing else."""

    def __init__(self, campaign: str, *, json: bool, title: str) -> None:
        self._campaign = campaign
        self._json = json
        self._title = title
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def problems(self) -> bool:
        """True when any row may not be sent."""
        return any(verdict != "send" for verdict, _ in self._counts)

    def add(self, decided: Decided) -> None:
        """One row."""
        if decided.fault is not None:
            record = fault_line(decided.fault, self._campaign)
        else:
            assert decided.mail is not None
            assert decided.decision is not None
            record = line(decided.mail, decided.decision)
        self._counts[record["verdict"], record["code"] or ""] += 1
        if self._json:
            emit(record)
        else:
            say(one_line(record))

    def close(self, dropped: Mapping[str, int]) -> None:
        """The summary, for people; columns that are not kept are told on standard error with `--json`."""
        if not self._json:
            say("")
            say(summary(self._title, self._counts))
        for text in dropped_lines(dropped):
            say(text, error=self._json)


def dropped_lines(dropped: Mapping[str, int]) -> list[str]:
    """One line per column that is not kept."""
    return [f"  column {column!r} is not kept ({number} rows had a value)" for column, number in dropped.items()]


def one_line(record: Mapping[str, Any]) -> str:
    """Mark, verdict, address, codes and the first reason that stands against the mail."""
    against = next((r["why"] for r in record["reasons"] if r["verdict"] == record["verdict"] != "send"), "")
    address = record["address"] or f"line {record.get('line')}"
    codes = " ".join(record["codes"])
    until = f" until {record['until']}" if record["until"] else ""
    head = f"{MARKS[record['verdict']]} {record['verdict']:6} {address:44} {codes}{until}"
    return f"{head}  — {against}" if against else head


def summary(title: str, counts: Mapping[tuple[str, str], int]) -> str:
    """A small table: verdict, headline code, how many."""
    total = sum(counts.values())
    order = ["send", "defer", "hold", "block", "reject"]
    rows = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1]))
    lines = [f"{title}: {total} rows"]
    lines += [f"  {MARKS[verdict]} {verdict:6}  {code or '–':24} {number:6}" for (verdict, code), number in rows]
    return "\n".join(lines)
