"""Whether the campaign runs at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["Schedule"]

_NAME = "schedule"
_STARTS = "campaign.starts_at"
_EXPIRES = "campaign.expires_at"
_NO_CAMPAIGN: tuple[Reason, ...] = (
    Reason(_NAME, Verdict.SEND, why="No campaign limits the time of this mail.", rule="campaign dates"),
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
    """Defers mails of a campaign that has not started until it does, and holds those of one that is over."""

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = (_STARTS, _EXPIRES)
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._clock = services.clock

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Each distinct campaign is judged once; no store call."""
        now = self._clock.now()
        judged: dict[int, tuple[Reason, ...]] = {}
        answers: list[tuple[Reason, ...]] = []
        for mail in mails:
            if mail.campaign is None:
                answers.append(_NO_CAMPAIGN)
                continue
            key = id(mail.campaign)
            if key not in judged:
                judged[key] = _reasons(mail.campaign, now)
            answers.append(judged[key])
        return answers


def _reasons(campaign: Campaign, now: datetime) -> tuple[Reason, ...]:
    against = []
    if campaign.starts_at is not None and now < campaign.starts_at:
        against.append(
            Reason(
                _NAME,
                Verdict.DEFER,
                Code.CAMPAIGN_NOT_DUE,
                f"The campaign starts on {campaign.starts_at:%Y-%m-%d at %H:%M} UTC.",
                Facts((_STARTS,), until=campaign.starts_at),
                _STARTS,
            )
        )
    if campaign.expires_at is not None and now >= campaign.expires_at:
        against.append(
            Reason(
                _NAME,
                Verdict.HOLD,
                Code.CAMPAIGN_STALE,
                f"The campaign ended on {campaign.expires_at:%Y-%m-%d at %H:%M} UTC.",
                Facts((_EXPIRES,)),
                _EXPIRES,
            )
        )
    return tuple(against) or _RUNNING
