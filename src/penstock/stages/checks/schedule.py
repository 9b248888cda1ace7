"""Whether the campaign runs at this moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.standing import CampaignState, Standing, approval_mark
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["Schedule"]

_NAME = "schedule"
_STARTS = "campaign.starts_at"
_EXPIRES = "campaign.expires_at"
_NO_CAMPAIGN: tuple[Reason, ...] = (
    Reason(_NAME, Verdict.SEND, why="No campaign limits the time of this mail.", rule="campaign dates"),
)
_FRESH = timedelta(days=7)
_UNAPPROVED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.CAMPAIGN_PAUSED,
    "No second person has approved the campaign in this form.",
    Facts(("campaign.id",)),
    "safety.four_eyes",
)
_RUNNING = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The campaign runs at present.",
        facts=Facts((_STARTS, _EXPIRES)),
        rule="campaign dates",
    ),
)


class Schedule:
    """Defers mails of a campaign that has not started until it does, and holds those of one that may not run.

    Held are mails of a campaign that is over, that sent nothing within 7 days of its start, that an operator paused or
    cancelled, or, under `[safety] four_eyes`, that no second person approved in this very form.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = (_STARTS, _EXPIRES)
    needs: tuple[str, ...] = ("clock", "standings", "safety", "policy_mark")

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._clock = services.clock
        self._standings = services.standings
        self._services = services

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Each distinct campaign is judged once; one store call."""
        now = self._clock.now()
        campaigns = {id(mail.campaign): mail.campaign for mail in mails if mail.campaign is not None}
        standings = await self._standings.of([campaign.id for campaign in campaigns.values()])
        judged = {
            key: self._reasons(campaign, standing, now)
            for (key, campaign), standing in zip(campaigns.items(), standings, strict=True)
        }
        return [_NO_CAMPAIGN if mail.campaign is None else judged[id(mail.campaign)] for mail in mails]

    def _reasons(self, campaign: Campaign, standing: Standing, now: datetime) -> tuple[Reason, ...]:
        against = [*_decided(standing), *_timed(campaign, standing, now)]
        four_eyes = self._services.safety.four_eyes
        if four_eyes and standing.approval != approval_mark(campaign, self._services.policy_mark):
            against.append(_UNAPPROVED)
        return tuple(against) or _RUNNING


def _decided(standing: Standing) -> Iterator[Reason]:
    if standing.state is not CampaignState.ACTIVE:
        why = f"An operator {standing.state} the campaign."
        yield Reason(_NAME, Verdict.HOLD, Code.CAMPAIGN_PAUSED, why, Facts(("campaign.id",)), "campaign state")


def _timed(campaign: Campaign, standing: Standing, now: datetime) -> Iterator[Reason]:
    starts = campaign.starts_at
    if starts is not None and now < starts:
        why = f"The campaign starts on {starts:%Y-%m-%d at %H:%M} UTC."
        yield Reason(_NAME, Verdict.DEFER, Code.CAMPAIGN_NOT_DUE, why, Facts((_STARTS,), until=starts), _STARTS)
    elif starts is not None and min(standing.first_begun_at or now, now) > starts + _FRESH:
        # A schedule that comes back from a restored copy or a forgotten queue is not what people meant.
        why = f"The campaign was due on {starts:%Y-%m-%d} and sent nothing within 7 days; a person must look at it."
        yield Reason(_NAME, Verdict.HOLD, Code.CAMPAIGN_STALE, why, Facts((_STARTS,)), _STARTS)
    if campaign.expires_at is not None and now >= campaign.expires_at:
        why = f"The campaign ended on {campaign.expires_at:%Y-%m-%d at %H:%M} UTC."
        yield Reason(_NAME, Verdict.HOLD, Code.CAMPAIGN_STALE, why, Facts((_EXPIRES,)), _EXPIRES)
