"""What binds every mail of a house when it begins, whatever stages are configured: caps, approvals and brakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.model.campaign import Caps
from penstock.model.mail import Mail
from penstock.model.safety import Safety
from penstock.model.standing import Standing, approval_mark

__all__ = ["Brakes", "CapsOf", "HouseRules", "campaign_caps", "short_mark"]

CapsOf = Callable[[Mail], Caps]
"""The caps that bind a mail."""


def campaign_caps(mail: Mail) -> Caps:
    """The caps of the mail's campaign; none bind a mail that is no advertising (contract section 3)."""
    return mail.campaign.caps if mail.campaign is not None and mail.stream.commercial else Caps()


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What binds every mail of a house. `version` names the rules in the ledger; approvals are bound to `policy_mark`.

    `caps_of` answers the caps that are looked at again when a mail begins. `law` is the digest of the table of law.
    """

    version: str = ""
    policy_mark: str = ""
    caps_of: CapsOf = campaign_caps
    safety: Safety = field(default_factory=Safety)
    law: str = ""

    def marks(self) -> dict[str, str]:
        """What every decision row says of the rules it was made under; see `penstock.replaying`."""
        return {"policy": self.version, "law": short_mark(self.law), "settings": short_mark(self.policy_mark)}


def short_mark(digest: str) -> str:
    """The first 16 digits of a digest: enough to see a change by."""
    return digest[:16]


@dataclass(slots=True)
class Brakes:
    """The brakes of the house at one moment. `room`: how many more mails may begin today, None for no bound."""

    safety: Safety
    policy_mark: str
    room: int | None

    def unapproved(self, mail: Mail, standing: Standing) -> bool:
        """Whether the mail's campaign waits for a second person."""
        if not self.safety.four_eyes or mail.campaign is None:
            return False
        return standing.approval != approval_mark(mail.campaign, self.policy_mark)
