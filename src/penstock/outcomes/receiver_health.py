"""What `doctor` says of those who are told of outcomes."""

from __future__ import annotations

from typing import Literal

from penstock.errors import PenstockError
from penstock.outcomes.call import keys_of_receivers
from penstock.store.receivers import ReceiverState
from penstock.wiring import House

__all__ = ["receiver_findings"]

State = Literal["ok", "warn", "fail"]


async def receiver_findings(house: House) -> list[tuple[State, str]]:
    """How it stands with each `[[outcomes]]` and in words. Raises Unavailable."""
    receivers = house.settings.outcomes
    if not receivers:
        return []
    try:
        keys_of_receivers(house.settings)
    except PenstockError as fault:
        return [("fail", str(fault))]
    states, head = await house.store.receivers.states()
    return [_finding(each.name, states.get(each.name), head) for each in receivers]


def _finding(name: str, state: ReceiverState | None, head: int) -> tuple[State, str]:
    if state is None:
        return "warn", f"{name}: nobody tells it yet: penstock relay and penstock worker do"
    behind = max(0, head - state.after.seq)
    if state.stopped:
        return "fail", f"{name}: answered that it is gone (410) and is told nothing more: penstock events resume {name}"
    if state.fault:
        return "warn", f"{name}: takes nothing ({state.fault}, {state.tries} tries), {behind} ledger rows behind"
    told = "told nothing yet" if state.told_at is None else f"last told {state.told_at:%Y-%m-%d %H:%M} UTC"
    return "ok", f"{name}: {told}, {behind} ledger rows behind"
