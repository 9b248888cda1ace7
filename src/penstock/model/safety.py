"""The brakes of the house: they bind every mail, whatever the campaign or the stages say."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Safety"]


@dataclass(frozen=True, slots=True)
class Safety:
    """`[safety]` as the house obeys it.

    `redirect_to` receives every mail in the place of its recipient; such mails count for nobody's caps or notices, and
    the real run still sends. `allow` holds addresses and domains in lower case; when it is not empty nothing else
    leaves. `daily_ceiling` bounds the mails that begin on a day (UTC); 0: no bound. `four_eyes`: a campaign leaves only
    after a second person approved it.
    """

    redirect_to: str = ""
    allow: tuple[str, ...] = ()
    daily_ceiling: int = 0
    four_eyes: bool = False

    def allows(self, recipient: str) -> bool:
        """Whether mail to this address may leave. A listed domain does not cover its sub-domains."""
        if not self.allow:
            return True
        address = recipient.lower()
        domain = address.rpartition("@")[2]
        return address in self.allow or domain in self.allow
