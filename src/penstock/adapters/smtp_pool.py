"""Sessions that have nothing to do, kept for the next mail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from penstock.adapters.smtp_session import Session

__all__ = ["IdleSessions"]


@dataclass(frozen=True, slots=True)
class _Idle:
    session: Session
    timer: asyncio.TimerHandle


class IdleSessions:
    """Last in, first out, so that what is not needed runs out. The caller bounds how many there are.

    An idle session is closed after `seconds`, before the server would do it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._idle: list[_Idle] = []
        self._leaving: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> Session | None:
        """The latest session that is still usable; those that are not are closed on the way."""
        while self._idle:
            each = self._idle.pop()
            each.timer.cancel()
            if each.session.usable:
                return each.session
            each.session.abort()
        return None

    def give(self, session: Session) -> None:
        """Keep it for later, or close it where it is of no more use."""
        if not session.usable:
            session.abort()
            return
        timer = asyncio.get_running_loop().call_later(self._seconds, self._run_out, session)
        self._idle.append(_Idle(session, timer))

    async def aclose(self) -> None:
        """Say QUIT to all and wait for the sockets to be closed."""
        while self._idle:
            each = self._idle.pop()
            each.timer.cancel()
            self.retire(each.session)
        while self._leaving:
            await asyncio.gather(*self._leaving)

    def retire(self, session: Session) -> None:
        """Say QUIT and close, in the background."""
        leaving = asyncio.get_running_loop().create_task(session.quit())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _run_out(self, session: Session) -> None:
        self._idle = [each for each in self._idle if each.session is not session]
        self.retire(session)
