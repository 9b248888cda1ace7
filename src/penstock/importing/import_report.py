"""What an import of contacts came to, in bounded memory however long the file is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from penstock.importing.field_use import FieldUse
from penstock.law.special_categories import Hint
from penstock.model.codes import Code
from penstock.model.verdict import Reason
from penstock.ports import RowFault

__all__ = ["MOST_TOLD", "FieldHint", "ImportReport", "Quarantined"]

MOST_TOLD = 1_000
"""Rows of one kind that the report itself names; the others are counted."""


class FieldHint(NamedTuple):
    """A value that hints at a special category of data (GDPR Art. 9); the value itself is not told."""

    line: int
    field: str
    category: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that is kept as a contact, but that no campaign may choose as it stands."""

    line: int
    contact_id: str
    reasons: tuple[Reason, ...]

    def record(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "line": self.line,
            "contact_id": self.contact_id,
            "quarantined": True,
            "reasons": [
                {"verdict": each.verdict, "code": each.code, "why": each.why, "fields": each.facts.fields,
                 "rule": each.rule}
                for each in self.reasons
            ],
        }  # fmt: skip


@dataclass(slots=True)
class ImportReport:
    """Counts of rows; `faults` and `hints` hold the first `MOST_TOLD` of `unusable` and `hinted`."""

    rows: int = 0
    new: int = 0
    known: int = 0
    unusable: int = 0
    erased: int = 0
    """Rows of `unusable` whose person's data were erased."""
    faults: list[RowFault] = field(default_factory=list)
    quarantined: int = 0
    quarantine_reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows by code and sentence; a row with two reasons counts under each."""
    flagged: int = 0
    """Rows with the flag `special_category`."""
    hinted: int = 0
    hints: list[FieldHint] = field(default_factory=list)
    column_hints: Mapping[str, Hint] = field(default_factory=dict)
    dropped_columns: Mapping[str, int] = field(default_factory=dict)
    use: FieldUse | None = None
    reject_file: Path | None = None

    def add_fault(self, fault: RowFault) -> None:
        """One row that is not kept."""
        self.unusable += 1
        self.erased += fault.code == Code.ERASED_TOMBSTONE
        if len(self.faults) < MOST_TOLD:
            self.faults.append(replace(fault, raw=""))

    def add_quarantined(self, reasons: tuple[Reason, ...]) -> None:
        """One row that is kept in quarantine."""
        self.quarantined += 1
        for reason in reasons:
            key = (str(reason.code), reason.why)
            if key in self.quarantine_reasons or len(self.quarantine_reasons) < MOST_TOLD:
                self.quarantine_reasons[key] += 1
            else:
                self.quarantine_reasons[str(reason.code), "other reasons with this code"] += 1

    def add_hint(self, hint: FieldHint) -> None:
        """One value that hints at a special category."""
        self.hinted += 1
        if len(self.hints) < MOST_TOLD:
            self.hints.append(hint)

    def record(self) -> dict[str, Any]:
        """For `--json`."""
        reasons = self.quarantine_reasons.most_common()
        return {
            "rows": self.rows,
            "new": self.new,
            "known": self.known,
            "unusable": self.unusable,
            "erased": self.erased,
            "faults": [{"line": fault.line, "code": fault.code, "why": fault.why} for fault in self.faults],
            "quarantined": self.quarantined,
            "quarantine_reasons": [{"code": code, "why": why, "rows": rows} for (code, why), rows in reasons],
            "special_category": {
                "flagged": self.flagged,
                "columns": {column: hint.category for column, hint in self.column_hints.items()},
                "hinted": self.hinted,
                "hints": [hint._asdict() for hint in self.hints],
            },
            "dropped_columns": dict(self.dropped_columns),
            "unused_fields": self._unused(),
            "reject_file": str(self.reject_file) if self.reject_file else None,
        }

    def _unused(self) -> dict[str, Any] | None:
        if self.use is None or not self.use.campaigns:
            return None
        return {"campaigns": list(self.use.campaigns), "fields": dict(self.use.rows)}
