"""What people do with a campaign as a whole: see where it stands, approve, pause, resume and cancel it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from penstock.errors import InvalidInput
from penstock.model.campaign import Campaign
from penstock.model.standing import CampaignState, Standing, approval_mark
from penstock.wiring import House

__all__ = ["Approved", "CampaignDesk", "CampaignRow"]

_PAGE = 500
_MARK = 12  # digits of a digest, enough for people to tell two forms apart


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One campaign as shown to people. `form` begins the digest of what an approval would sign: what was offered last.

    `mails` counts by state.
    """

    id: str
    state: CampaignState
    form: str
    approved: bool
    approved_by: str
    starts_at: datetime | None
    expires_at: datetime | None
    first_sent_at: datetime | None
    mails: dict[str, int]


@dataclass(frozen=True, slots=True)
class Approved:
    """`form` begins the digest of what was signed, as `campaign list` shows it; `queued` mails waited for it."""

    form: str
    queued: int


class CampaignDesk:
    """Every act binds all processes on the store with the next slice they begin.

    Raises InvalidInput for an id that no `send` ever took up, and for what cannot be done in its state.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._standings = house.store.standings

    async def rows(self) -> list[CampaignRow]:
        """All campaigns that were ever sent or offered, by id."""
        rows: list[CampaignRow] = []
        after = ""
        while ids := await self._house.store.campaigns.ids(after, _PAGE):
            after = ids[-1]
            standings, counts = await self._standings.of(ids), await self._standings.counts(ids)
            for id_, standing, mails in zip(ids, standings, counts, strict=True):
                rows.append(self._row(await self._known(id_), standing, dict(mails)))
        return rows

    async def pause(self, id_: str) -> bool:
        """Nothing of the campaign begins any more until it is resumed.

        True where the campaign is known; one may also be paused before `send` takes it up for the first time.
        """
        if not await self._standings.pause(id_):
            raise await self._refused(id_, "only a campaign that runs can be paused")
        return await self._house.store.campaigns.newest(id_) is not None

    async def resume(self, id_: str) -> int:
        """Let it go on; the number of mails that the pause had held. `send` or a worker takes them up."""
        await self._known(id_)
        queued = await self._standings.resume(id_)
        if queued is None:
            raise await self._refused(id_, "only a paused campaign can be resumed")
        return queued

    async def cancel(self, id_: str) -> int:
        """Give up all that waits, for good; the number of mails. What has begun ends as it would."""
        await self._known(id_)
        given_up = await self._standings.cancel(id_)
        if given_up is None:
            raise await self._refused(id_, "it cannot be cancelled twice")
        return given_up

    async def offer(self, campaign: Campaign) -> None:
        """Make a campaign known in this form, so that it can be approved before it is sent."""
        await self._house.store.campaigns.save(campaign)

    async def approve(self, id_: str, by: str) -> Approved:
        """Sign off the campaign as it was offered last.

        Bound to campaign, templates, audience, assessment and policy: a change of any asks for a new approval.
        `by` must be somebody else than the campaign's owner.
        """
        campaign = await self._known(id_)
        if not by.strip():
            raise InvalidInput("nobody is named", where="--by", mend="name the person who approves")
        if by.strip().casefold() == campaign.owner.strip().casefold():
            raise InvalidInput(
                "the owner of a campaign cannot approve it", where="--by", mend="four eyes: let a second person do it"
            )
        (standing,) = await self._standings.of([id_])
        if standing.state is CampaignState.CANCELLED:
            raise await self._refused(id_, "it was given up for good")
        mark = self._mark(campaign)
        return Approved(mark[:_MARK], await self._standings.approve(id_, mark, by.strip()))

    def _row(self, campaign: Campaign, standing: Standing, mails: dict[str, int]) -> CampaignRow:
        mark = self._mark(campaign)
        approved = standing.approval == mark
        return CampaignRow(
            campaign.id,
            standing.state,
            mark[:_MARK],
            approved,
            standing.approved_by if approved else "",
            campaign.starts_at,
            campaign.expires_at,
            standing.first_begun_at,
            mails,
        )

    def _mark(self, campaign: Campaign) -> str:
        return approval_mark(campaign, self._house.services.policy_mark)

    async def _known(self, id_: str) -> Campaign:
        campaign = await self._house.store.campaigns.newest(id_)
        if campaign is None:
            mend = "`penstock campaign list` shows those that `send` took up"
            raise InvalidInput(f"no campaign is called {id_!r} here", where="campaign", mend=mend)
        return campaign

    async def _refused(self, id_: str, why: str) -> InvalidInput:
        (standing,) = await self._standings.of([id_])
        return InvalidInput(f"campaign {id_} is {standing.state}; {why}", where="campaign")
