"""How often a client may ask: what became of a mail, or would become of one."""

from __future__ import annotations

from collections import OrderedDict

from penstock.model.window import Window

__all__ = ["LookUps"]

_CLIENTS = 4096


class LookUps:
    """One rate for each client by the generic cell rate algorithm, in this process; nobody may ask who objected.

    Of `count` in `period` all may be used at once. At most 4096 clients are kept; who asked longest ago goes first.
    """

    def __init__(self, window: Window) -> None:
        self.most = window.count
        self._step = window.period.total_seconds() / window.count
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, client: str, number: int, now: float) -> float:
        """Zero when so many are granted, else the seconds until they would be; then none is used up.

        `number` is at most `most`.
        """
        free_at = max(self._free_at.get(client, now), now) + number * self._step
        ahead = free_at - now - self.most * self._step
        if ahead > self._step * 1e-6:
            return ahead
        self._free_at[client] = free_at
        self._free_at.move_to_end(client)
        if len(self._free_at) > _CLIENTS:
            self._free_at.popitem(last=False)
        return 0.0
