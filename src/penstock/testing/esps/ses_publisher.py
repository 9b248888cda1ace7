"""What the fake Amazon SES knows of people, and the calls by which it tells of mails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from penstock.testing.esp import FakeEsp, Happening, PostedCall
from penstock.testing.esps.ses_account import SesAccount
from penstock.testing.esps.ses_events import SUBJECT, message_id_of, record
from penstock.testing.esps.ses_lists import SesLists
from penstock.testing.esps.ses_topic import SnsKey, SnsTopic

__all__ = ["SesPublisher"]


@dataclass
class SesPublisher(FakeEsp):
    """Calls come from the SNS topic `topic`. `webhook_key` is the certificate (PEM) that their SigningCertURL names,
    and `signature_version` how they are signed: 1 with SHA-1, the default of SNS, or 2 with SHA-256.
    """

    account: SesAccount = field(default_factory=SesAccount)
    topic: str = "arn:aws:sns:eu-central-1:111122223333:penstock"
    signature_version: str = "1"
    contacts: set[tuple[str, str]] = field(default_factory=set)
    """Contacts who opted out of nothing: contact list, address."""
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of the mails that were taken, by message id."""
    _sns: SnsKey | None = None

    @property  # type: ignore[misc]  # a pair of keys takes too long to make one for every fake
    def webhook_key(self) -> str:
        """The certificate; made when it is asked for, as that takes a while."""
        return self._sns_key.certificate

    @webhook_key.setter
    def webhook_key(self, given: str) -> None:
        """It is the fake's own: none can be given."""

    @property
    def _sns_key(self) -> SnsKey:
        self._sns = self._sns or SnsKey.new()
        return self._sns

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """One SNS notification for each. Without tags of its own a mail brings its id as `penstock_mail_id`."""
        found = []
        for each in happenings:
            arrived = each.arrived
            own = {"penstock_mail_id": arrived.mail_id} if arrived.mail_id else {}
            told = record(
                each,
                self.tags.get(message_id_of(arrived), own),
                suppressed=self.lists.suppressed(arrived.recipient, self.account.suppressed_reasons),
                configuration_set=next(iter(self.account.sets), "penstock"),
            )
            found.append(self._topic.notification(json.dumps(told), SUBJECT, each.key, at))
        return found

    def confirmation(self, at: datetime) -> PostedCall:
        """The call by which SNS asks whether the endpoint wants the topic."""
        return self._topic.confirmation(at)

    @property
    def _topic(self) -> SnsTopic:
        return SnsTopic(self.topic, self._sns_key, self.signature_version)

    @property
    def lists(self) -> SesLists:
        """The suppression list and the contacts."""
        return SesLists(self.listed, self.account.contact_lists, self.contacts, self.erased)
