"""Where a campaign stands: what people decided about it and when it first sent, apart from what its file says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from penstock.model.campaign import Campaign

__all__ = ["FRESH", "CampaignState", "Standing", "approval_mark"]


class CampaignState(StrEnum):
    """What an operator decided for a campaign id."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Standing:
    """State, approval and first start of one campaign id.

    `approval` is the `approval_mark` a second person signed off, empty for none. `first_begun_at` is the time of the
    first mail that began, None when none did.
    """

    state: CampaignState = CampaignState.ACTIVE
    approval: str = ""
    approved_by: str = ""
    first_begun_at: datetime | None = None


FRESH = Standing()


def approval_mark(campaign: Campaign, policy_mark: str) -> str:
    """What an approval is bound to: campaign, templates, audience and assessment (`digest`), and the policy (hex)."""
    return hashlib.sha256(f"approval\n{campaign.digest}\n{policy_mark}".encode()).hexdigest()
