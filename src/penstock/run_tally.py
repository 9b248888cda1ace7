"""What earlier rows of a run that stores nothing have used up: `check` counts them as `send` would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from penstock.model.mail import Mail, Touch

__all__ = ["RunTally"]


class RunTally:
    """Remembers the mails that would have been sent, by keyed hashes only."""

    def __init__(self) -> None:
        self._persons: dict[bytes, str] = {}
        self._people: dict[bytes, list[Touch]] = defaultdict(list)
        self._companies: dict[bytes, list[Touch]] = defaultdict(list)

    def merge(self, mails: Sequence[Mail]) -> list[Mail]:
        """The same mails, their history extended by what this run has granted so far (newest first)."""
        return [self._merged(mail) for mail in mails]

    def note(self, mails: Sequence[Mail], now: datetime) -> None:
        """These would have been sent at `now`."""
        for mail in mails:
            touch = Touch(mail.id, now)
            for key in mail.identity.person_keys:
                self._persons[key] = mail.id
            self._people[mail.identity.person].append(touch)
            for unit in (mail.identity.company, mail.identity.organisation):
                if unit is not None:
                    self._companies[unit].append(touch)

    def _merged(self, mail: Mail) -> Mail:
        identity, history = mail.identity, mail.history
        twin = next((self._persons[key] for key in identity.person_keys if key in self._persons), None)
        person = self._people.get(identity.person, ())
        company = {
            touch.mail_id: touch
            for unit in (identity.company, identity.organisation)
            if unit is not None
            for touch in self._companies.get(unit, ())
        }
        if twin is None and not person and not company:
            return mail
        return replace(
            mail,
            history=replace(
                history,
                person=(*reversed(person), *history.person),
                company=(*reversed(company.values()), *history.company),
                twin=history.twin or twin,
            ),
        )
