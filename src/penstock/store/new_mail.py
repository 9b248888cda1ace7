"""Mails as they are handed to the store, and what it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from penstock.model.campaign import Campaign, Stream
from penstock.model.identity import Identity

__all__ = ["HandedIn", "NewMail", "Placed"]

_GIVEN_UP = frozenset({"done:cancelled", "done:failed"})


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What a client of the relay said of a mail (RFC 3461): MAIL FROM, and in `notify` what it wants to hear of."""

    client: str
    sender: str
    tag: str = ""
    notify: str = ""
    orcpt: str = ""
    envelope_id: str = ""
    returned: str = ""


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be saved.

    `id` are 32 hex digits, `lane` is `adapter/recipient domain`, by which rates are kept; `due` is rule time.

    A campaign's mail is made from the campaign and the kept contact; a ready-made message brings its octets
    as `content` and its RCPT TO as `recipient`.
    """

    id: str
    campaign: Campaign | None
    contact_id: str | None
    identity: Identity
    stream: Stream
    controller: str
    lane: str
    due: datetime
    content: bytes | None = None
    recipient: str | None = None
    handed_in: HandedIn | None = None
    digest: bytes | None = None
    """SHA-256 of `content`, where it is known already."""

    @property
    def body(self) -> bytes | None:
        """What names the octets: their SHA-256."""
        return self.digest or (None if self.content is None else hashlib.sha256(self.content).digest())

    @property
    def step(self) -> str:
        """The campaign id; for a mail of no campaign the stream."""
        return self.stream.value if self.campaign is None else self.campaign.id


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a mail that was handed in.

    `answer` is `new`, `again` (it was held, blocked, deferred or rejected and is judged anew), `waiting` (it
    has its ticket already) or `done:STATE` (it is left alone: it is over, on its way, or another client's).
    `changed`: the message that is there is another, or another client's.
    """

    mail_id: str
    answer: str
    changed: bool = False

    @property
    def refused(self) -> bool:
        """What was handed in does not go, and nothing that is the same does or did."""
        return self.answer.startswith("done:") and (self.changed or self.answer in _GIVEN_UP)
