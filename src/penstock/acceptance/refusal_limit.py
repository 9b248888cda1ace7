"""How often a client is told at once that a verdict stands against somebody: nobody may ask who objected."""

from __future__ import annotations

from penstock.acceptance.submission_rules import refused
from penstock.model.window import Window
from penstock.observe.log import get_logger
from penstock.ports import Client, Refusal, RefusalKind

__all__ = ["RefusalLimit"]

_log = get_logger("accepting")

_LATER = refused(RefusalKind.LATER, "too much of this client was refused; hand it in again later")
_OWN = "DUPLICATE"
"""Says what its campaign did, and nothing of the person."""


class RefusalLimit:
    """One rate for each client by the generic cell rate algorithm, in this process; all of it may be used at once.

    Where it is used up, nothing of that client is judged at once: whoever was let pass then would be told apart from
    who was not. Times are seconds of the machine's clock.
    """

    def __init__(self, window: Window) -> None:
        self._step = window.period.total_seconds() / window.count
        self._ahead = (window.count - 1) * self._step * (1 + 1e-9)
        self._free_at: dict[str, float] = {}

    def spent(self, client: Client, now: float) -> Refusal | None:
        """The refusal of whatever asks for a verdict now; None where one may be told."""
        if self._free_at.get(client.name, now) - now <= self._ahead:
            return None
        _log.warning("too_many_refusals", client=client.name)
        return _LATER

    def told(self, client: Client, refusal: Refusal, now: float) -> Refusal:
        """What the client is told instead of this refusal: the same, while it may be told."""
        if refusal.kind is not RefusalKind.BLOCKED or refusal.code == _OWN:
            return refusal
        if later := self.spent(client, now):
            return later
        self._free_at[client.name] = max(self._free_at.get(client.name, now), now) + self._step
        _log.info("refused_at_once", client=client.name, code=refusal.code)
        return refusal
