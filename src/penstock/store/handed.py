"""Which mails an ESP was given, and under which id it knows them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.model.outcome import Accepted, Uncertain
from penstock.ports import Ending

__all__ = ["handed_rows"]


def handed_rows(ended: Sequence[tuple[int, Ending]], moment: int) -> list[tuple[int, str, str, int]]:
    """Rows of `handed`: mails by running number, adapter, the id that it told (empty in doubt), and when."""
    found = []
    for seq, ending in ended:
        match ending.outcome:
            case Accepted(receipt, via) if via:
                found.append((seq, via, receipt, moment))
            case Uncertain(via=via) if via:
                found.append((seq, via, "", moment))
    return found
