"""Which mails an ESP was given, under which id it knows them, and what it told before their end was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock.model.event import EventKind, was_sent
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.ports import Ending

__all__ = ["handed_rows", "told_meanwhile"]


def handed_rows(ended: Sequence[tuple[int, Ending]], begun_at: Mapping[int, int]) -> list[tuple[int, str, str, int]]:
    """Rows of `handed`: mails by running number, adapter, the id that it told (empty in doubt), and when they began."""
    found = []
    for seq, ending in ended:
        match ending.outcome:
            case Accepted(receipt, via) if via:
                found.append((seq, via, receipt, begun_at[seq]))
            case Uncertain(via=via) if via:
                found.append((seq, via, "", begun_at[seq]))
    return found


def told_meanwhile(ending: Ending, fate: str | None) -> Ending:
    """The ending as the ESP's own word has it: an event may be faster than the answer to our request."""
    sent = was_sent(EventKind(fate)) if fate else None
    match ending.outcome:
        case TryLater() | Uncertain() if sent:
            return replace(ending, outcome=Accepted(), due=None)
        case Accepted() | Uncertain() | TryLater() if sent is False:
            return replace(ending, outcome=Failed("the ESP rejected it"), due=None)
    return ending
