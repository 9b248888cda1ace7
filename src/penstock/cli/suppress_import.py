"""What `penstock suppress import` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.context import DONE, PROBLEMS, emit, say

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.suppression_list import Imported

__all__ = ["imported", "settled"]


async def imported(gate: Gate, file: Path | None, format_: str, *, json: bool, strict: bool) -> int:
    """Import the file and tell what came of it, without an address. The exit code."""
    from penstock.errors import InvalidInput
    from penstock.suppression_list import SuppressionList

    if file is None:
        raise InvalidInput("a file is needed", where="FILE")
    found = await SuppressionList(gate.house).import_file(file, format_)
    for fault in found.faults:
        say(f"{file}:{fault.line}: {fault.why}", error=True)
    if json:
        emit(_told(found))
    else:
        _say(found)
    if found.faults:
        say(
            "commercial mail of their scope is held until they are settled (import the mended rows, then run this):",
            error=True,
        )
        say(f"  penstock suppress import --resolve {file}", error=True)
    return PROBLEMS if strict and found.faults else DONE


async def settled(gate: Gate, file: Path | None, *, json: bool) -> int:
    """Settle the unusable rows of one file, or of all. The exit code."""
    from penstock.suppression_list import SuppressionList

    number = await SuppressionList(gate.house).resolve(file)
    say(f"{number} file(s) settled") if not json else emit({"resolved": number})
    return DONE


def _told(found: Imported) -> dict[str, object]:
    return {
        "rows": found.rows,
        "added": found.added,
        "left_out": found.left_out.total(),
        "left_out_because": dict(found.left_out),
        "faults": [{"line": fault.line, "why": fault.why} for fault in found.faults],
        "format": found.format,
        "list": found.list_name,
    }


def _say(found: Imported) -> None:
    if found.list_name:
        say(f"read as an export of {found.format}: {found.list_name}")
    say(f"{found.added} of {found.rows} rows are on the list")
    for why, number in found.left_out.most_common():
        say(f"  {number} left out: {why}")
