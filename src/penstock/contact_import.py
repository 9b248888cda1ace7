"""Contacts from a file into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.model.contact import Contact
from penstock.ports import ContactRow, RowFault
from penstock.sources.reject_file import RejectFile

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["ImportReport", "import_contacts"]

CHUNK = 500


@dataclass(slots=True)
class ImportReport:
    """What a file came to."""

    rows: int = 0
    new: int = 0
    known: int = 0
    faults: list[RowFault] = field(default_factory=list)
    dropped_columns: Mapping[str, int] = field(default_factory=dict)
    reject_file: Path | None = None

    def record(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "rows": self.rows,
            "new": self.new,
            "known": self.known,
            "faults": [{"line": fault.line, "why": fault.why} for fault in self.faults],
            "dropped_columns": dict(self.dropped_columns),
            "reject_file": str(self.reject_file) if self.reject_file else None,
        }


async def import_contacts(
    gate: Gate, file: Path, mapping: Mapping[str, str], supplier: str | None = None
) -> ImportReport:
    """Merge every readable row into the store; the others go into a reject file. Stops cleanly at `gate.stop`."""
    source, report, house = gate.source(file, mapping), ImportReport(), gate.house
    path = gate.reject_path(file.name)
    async with RejectFile(path) as rejects:
        async for chunk in source.chunks(CHUNK):
            contacts = _readable(chunk, report, supplier)
            await rejects.add([row for row in chunk if isinstance(row, RowFault)])
            stored = await house.store.contacts.upsert([(each, house.identifier.of(each)) for each in contacts])
            report.new += sum(each.is_new for each in stored)
            report.known += sum(not each.is_new for each in stored)
            if gate.stop.is_set():
                raise KeyboardInterrupt
    report.dropped_columns = source.dropped_columns
    report.reject_file = path if rejects.count else None
    return report


def _readable(chunk: Sequence[ContactRow | RowFault], report: ImportReport, supplier: str | None) -> list[Contact]:
    contacts = []
    for row in chunk:
        report.rows += 1
        if isinstance(row, RowFault):
            report.faults.append(row)
            continue
        contact = row.contact
        if supplier and contact.source.supplier is None:
            contact = replace(contact, source=replace(contact.source, supplier=supplier))
        contacts.append(contact)
    return contacts
