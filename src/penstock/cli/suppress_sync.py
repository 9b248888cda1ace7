"""What `penstock suppress sync` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.context import DONE, emit, say

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.suppression_sync import Difference, Synced

__all__ = ["synced"]


async def synced(gate: Gate, adapter: str, *, dry_run: bool, json: bool) -> int:
    """Run the sync and tell what differed, without an address. The exit code."""
    from penstock.suppression_sync import SuppressionSync

    found = await SuppressionSync(gate.house, adapter).run(dry_run=dry_run)
    if json:
        emit(
            {
                "adapter": adapter,
                "listed": found.listed,
                "unusable": found.unusable,
                "pulled": found.pulled,
                "pushed": found.pushed,
                "differences": [
                    {**_told(difference), "number": number} for difference, number in found.differences.items()
                ],
            }
        )
        return DONE
    _say(adapter, found, dry_run=dry_run)
    return DONE


def _told(difference: Difference) -> dict[str, str | bool]:
    return {
        "side": difference.side,
        "reason": difference.reason.value,
        "list": difference.list_name,
        "done": difference.done,
    }


def _say(adapter: str, found: Synced, *, dry_run: bool) -> None:
    say(f"{adapter}: {found.listed} entries on its lists")
    if found.unusable:
        say(f"  {found.unusable} of them are no address and were left out")
    for difference, number in sorted(found.differences.items(), key=lambda each: (each[0].side, each[0].list_name)):
        if difference.side == "theirs":
            done = "added here" if difference.done else "would be added here"
            say(f"  {number} only there ({difference.list_name}, {difference.reason}): {done}")
        elif difference.list_name:
            done = "added there" if difference.done else "would be added there"
            say(f"  {number} only here ({difference.reason}): {done}, on {difference.list_name}")
        else:
            say(f"  {number} only here ({difference.reason}): this adapter names no list of the ESP that may take them")
    if not found.differences:
        say("  nothing differs")
    elif dry_run:
        say("nothing was changed (--dry-run)")
