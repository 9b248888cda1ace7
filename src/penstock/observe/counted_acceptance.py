"""The acceptance, with what it takes and turns away counted by door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.observe.metrics import Tallies
from penstock.ports.intake import Acceptance, Client, Receipt, Refusal, Submission

__all__ = ["CountedAcceptance"]


class CountedAcceptance:
    """Passes everything on. A repeat of a mail that was saved before is not counted again."""

    def __init__(self, acceptance: Acceptance, tallies: Tallies, door: str) -> None:
        self._acceptance = acceptance
        self._tallies = tallies
        self._door = door

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        """See `Acceptance`."""
        answers = await self._acceptance.take(submissions)
        for answer in answers:
            if isinstance(answer, Refusal):
                self._tallies.refused(self._door, answer.kind.value, answer.code)
            elif not answer.repeated and (new := sum([not each.repeated for each in answer.taken])):
                self._tallies.accepted(self._door, answer.stream.value, new)
        return answers

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        """See `Acceptance`."""
        return await self._acceptance.judge(submission)

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        """See `Acceptance`."""
        refusal = await self._acceptance.admits(client, sender, recipient)
        if refusal is not None:
            self._tallies.refused(self._door, str(refusal.kind), refusal.code)
        return refusal

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        """See `Acceptance`."""
        return await self._acceptance.look_up(client, mail_id)
