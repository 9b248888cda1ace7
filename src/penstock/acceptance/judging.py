"""What would become of mails that are not saved yet, for those who ask at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice

from penstock.acceptance.drafts import Draft
from penstock.model.mail import Mail
from penstock.pipeline import Pipeline
from penstock.ports import Phase
from penstock.wiring import House

__all__ = ["LARGE", "Judging"]

LARGE = 1 << 20
"""Octets from which on the content of a message is not looked at: meanwhile nobody else would be answered."""


class Judging:
    """Walks mails through the stages of a house and leaves no trace of it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._pipeline: Pipeline | None = None

    async def of(self, drafts: Sequence[Draft]) -> list[list[Mail]]:
        """The judged mails of each draft, in order. Raises Unavailable.

        Of a message of LARGE or more octets only what needs no content is judged.
        """
        small = [each for each in drafts if len(each.submission.data) < LARGE]
        large = [each for each in drafts if len(each.submission.data) >= LARGE]
        walked = {
            id(draft): mails
            for some, last in ((small, Phase.SIGN), (large, Phase.PACE))
            for draft, mails in zip(some, await self._walked(some, last), strict=True)
        }
        return [walked[id(draft)] for draft in drafts]

    async def _walked(self, drafts: Sequence[Draft], last: Phase) -> list[list[Mail]]:
        if not drafts:
            return []
        if self._pipeline is None:
            self._pipeline = self._house.pipeline(peek=True)  # once: reading templates takes a while
        known = await self._house.assembler.with_history([*chain.from_iterable(each.mails for each in drafts)])
        moment = self._house.clock.now()
        judged = iter(await self._pipeline.run([replace(mail, begun_at=moment) for mail in known], last=last))
        return [[*islice(judged, len(each.mails))] for each in drafts]
