"""A batch in portions that fit into memory once they are finished octets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.compose.enclosing import encoded_size
from penstock.model.campaign import Campaign
from penstock.model.mail import Mail, Message
from penstock.ports import Ticket

__all__ = ["OCTETS_AT_ONCE", "at_once", "portions"]

OCTETS_AT_ONCE = 32 * 1024 * 1024
"""Files and ready-made messages of the mails that are worked on together; letters are small beside it."""

Pair = tuple[Ticket, Mail]


def at_once(campaign: Campaign, most: int) -> int:
    """How many mails of a campaign are worked on together: `most`, or fewer for the files that go with them."""
    enclosed = campaign.message.enclosed
    return most if not enclosed else max(1, min(most, OCTETS_AT_ONCE // encoded_size(enclosed)))


def portions(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """The pairs in their order, cut where their octets would be more than that; none is left out."""
    start = octets = 0
    for place, (_, mail) in enumerate(pairs):
        more = _octets(mail)
        if more and octets + more > OCTETS_AT_ONCE and place > start:
            yield pairs[start:place]
            start, octets = place, 0
        octets += more
    if start < len(pairs):
        yield pairs[start:]


def _octets(mail: Mail) -> int:
    if isinstance(mail.content, Message):
        return len(mail.content.data)
    if mail.campaign is None or not mail.campaign.message.enclosures:
        return 0
    return encoded_size(mail.campaign.message.enclosed)
