"""The mails that a submission would become: nothing is saved yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from penstock.acceptance.contacts_at_hand import ContactsAtHand, People, Who
from penstock.acceptance.submission_rules import Admitted, SubmissionRules
from penstock.assembly import ReadyMade
from penstock.model.campaign import Campaign
from penstock.model.mail import Mail, Message
from penstock.ports import Refusal, Submission
from penstock.wiring import House

__all__ = ["Draft", "Drafts"]

_MOST_CAMPAIGNS = 500
_KNOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Draft:
    """One submission with a mail for each recipient. `people` has the contact that its client brings."""

    admitted: Admitted
    mails: Sequence[Mail]
    people: People

    @property
    def submission(self) -> Submission:
        """What was handed in."""
        return self.admitted.submission


class Drafts:
    """Makes mails by the rules of an open house."""

    def __init__(self, house: House, new_id: Callable[[], str]) -> None:
        self._house = house
        self._new_id = new_id
        self._rules = SubmissionRules(house.settings)
        self._people = ContactsAtHand(house)
        self._campaigns: dict[str, tuple[Campaign | None, float]] = {}
        self._refreshed = 0.0

    async def of(self, submissions: Sequence[Submission]) -> list[Draft | Refusal]:
        """One answer per submission, in order. Raises Unavailable."""
        await self._refresh()
        admitted = [await self._admitted(each) for each in submissions]
        people = iter(await self._people.of([each for each in admitted if isinstance(each, Admitted)]))
        made: list[Draft | Refusal] = []
        for known in admitted:
            if isinstance(known, Refusal):
                made.append(known)
                continue
            found = next(people)
            made.append(found if isinstance(found, Refusal) else Draft(known, self._mails(known, found), found))
        return made

    async def _admitted(self, submission: Submission) -> Admitted | Refusal:
        first = self._rules.admit(submission)
        if isinstance(first, Refusal):
            return first
        return self._rules.complete(first, await self._campaign(first.campaign_id) if first.campaign_id else None)

    def _mails(self, admitted: Admitted, people: People) -> list[Mail]:
        assembler, campaign, submission = self._house.assembler, admitted.campaign, admitted.submission
        if not submission.data:
            assert campaign is not None
            return [
                replace(assembler.mail(campaign, each.contact, each.contact_id), tag=admitted.tag)
                for each in people.all
            ]
        content = Message(submission.data)
        mails = []
        for each in people.all:
            ready = ReadyMade(
                content, admitted.from_, admitted.stream, admitted.controller, submission.sender, campaign,
                each.contact_id, each.known, admitted.tag, identity=each.identity,
            )  # fmt: skip
            mails.append(assembler.ready_made(self._id(campaign, each), each.contact, ready))
        return mails

    def _id(self, campaign: Campaign | None, who: Who) -> str:
        """One mail per campaign and person, ever; whatever else is handed in is a mail of its own."""
        if campaign is None:
            return self._new_id()
        return self._house.keyring.mail_id(campaign.once_key, who.identity.person)

    async def _campaign(self, id_: str) -> Campaign | None:
        """The campaign of that id as it was offered last; a change is seen within seconds."""
        now = asyncio.get_running_loop().time()
        kept = self._campaigns.get(id_)
        if kept is None or kept[1] < now:
            if len(self._campaigns) >= _MOST_CAMPAIGNS:
                self._campaigns.clear()
            kept = self._campaigns[id_] = (await self._house.store.campaigns.newest(id_), now + _KNOWN_SECONDS)
        return kept[0]

    async def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._refreshed:
            await self._house.assembler.refresh()
            self._refreshed = now + _KNOWN_SECONDS
