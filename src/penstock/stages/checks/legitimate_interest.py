"""Whether a campaign that claims legitimate interest can show the assessment behind the claim."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from penstock.law.assessment import LiaFault, lia_faults
from penstock.model.assessment import Lia
from penstock.model.campaign import Basis, Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["LegitimateInterest"]

_NAME = "legitimate_interest"
_READS = ("campaign.basis", "campaign.lia", "campaign.controller")
_RULE = "GDPR Art. 6(1)(f), Art. 5(2)"
_NOT_CLAIMED = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The campaign does not rest on legitimate interest, so it needs no assessment of one.",
        facts=Facts(("campaign.basis",)),
        rule="GDPR Art. 6(1); CJEU C-654/23",
    ),
)
_NO_CAMPAIGN = (
    Reason(
        _NAME,
        Verdict.BLOCK,
        Code.LIA_MISSING,
        "No campaign names another basis or shows an assessment of legitimate interest.",
        Facts(_READS),
        _RULE,
    ),
)


class LegitimateInterest:
    """Blocks mails of a campaign whose basis is legitimate interest and whose assessment does not carry it today.

    Campaigns on consent or on an existing customer relation need none. Advertising without a campaign is blocked.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._clock = services.clock

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Each distinct campaign is judged once a batch; no store call."""
        today = self._clock.now().date()
        judged: dict[int, tuple[Reason, ...]] = {}
        answers = []
        for mail in mails:
            key = id(mail.campaign)
            reasons = judged.get(key)
            if reasons is None:
                judged[key] = reasons = _reasons(mail.campaign, today)
            answers.append(reasons)
        return answers


def _reasons(campaign: Campaign | None, today: date) -> tuple[Reason, ...]:
    if campaign is None:
        return _NO_CAMPAIGN
    if campaign.basis is not Basis.LEGITIMATE_INTEREST:
        return _NOT_CLAIMED
    lia = campaign.lia_document
    faults = lia_faults(lia, campaign.controller, today)
    if lia is None or faults:
        return tuple(_against(lia, fault) for fault in faults)
    why = f"An assessment approved on {lia.reviewed_at} carries the claim of legitimate interest."
    return (Reason(_NAME, Verdict.SEND, None, why, Facts(_READS, _records(lia)), _RULE),)


def _against(lia: Lia | None, fault: LiaFault) -> Reason:
    fields = (*_READS[:2], *(f"lia.{name}" for name in fault.fields))
    return Reason(_NAME, Verdict.BLOCK, fault.code, fault.why, Facts(fields, _records(lia)), _RULE)


def _records(lia: Lia | None) -> tuple[str, ...]:
    return () if lia is None else (f"lia:{lia.id}",)
