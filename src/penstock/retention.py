"""Retention: what was kept long enough is deleted, and nobody is asked twice whether to go on (GDPR Art. 5(1)(e))."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from penstock.law.retention import Keeping, keeping, kept_since
from penstock.model.campaign import asking_key
from penstock.store.contacts import StoredContact
from penstock.wiring import House

__all__ = ["Kept", "Retention"]

_PAGE = 500
_WHY = "the record was kept for as long as it may be"


@dataclass(frozen=True, slots=True)
class Kept:
    """What becomes of one contact. `since` is the day of the last sign of the person, `asked` of our question."""

    contact_id: str
    keeping: Keeping
    since: date
    asked: date | None


class Retention:
    """Works on an open house. Records without any date are kept: every campaign holds them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._store = house.store
        self._policy = house.settings.policy

    async def run(
        self, *, dry_run: bool = False, tell: Callable[[Kept], None] = lambda _kept: None
    ) -> Counter[Keeping]:
        """Look at every contact and delete what is due; how many there are of each kind.

        `tell` hears of each contact that is not simply kept, before it goes.

        A deleted record takes what earlier decisions used of it along, and its mails that have not begun are given up.
        Suppressions stay, and so does the ledger, which holds no values. Calls of ESPs older than `[inbound]
        keep_calls_days` go, too, and messages that other programs handed in, `[relay] keep_days` after their end; what
        is held for `hold_days` ends.
        Stopped half-way, the next run goes on.
        """
        counts: Counter[Keeping] = Counter()
        if not dry_run:
            settings, now = self._house.settings, self._house.clock.now()
            await self._store.returns.forget(now - timedelta(days=settings.inbound.keep_calls_days))
            await self._store.mails.forget_messages(
                now - timedelta(days=settings.relay.keep_days), now - timedelta(days=settings.relay.hold_days)
            )
        async for page in self._pages():
            counts.update(each.keeping for each in page)
            for each in page:
                if each.keeping is not Keeping.KEEP:
                    tell(each)
            due = [each.contact_id for each in page if each.keeping is Keeping.DELETE]
            if due and not dry_run:
                await self._delete(due)
        return counts

    async def _pages(self) -> AsyncIterator[list[Kept]]:
        after, now = "", self._house.clock.now()
        while page := await self._store.contacts.page(after, _PAGE):
            after = page[-1].id
            yield await self._judged(page, now)

    async def _judged(self, page: Sequence[StoredContact], now: datetime) -> list[Kept]:
        identities = [self._house.identifier.of(each.contact) for each in page]
        hits = await self._store.suppressions.hits(identities)
        questions = [
            [self._house.keyring.mail_id(asking_key(controller), identity.person) for controller in self._controllers]
            for identity in identities
        ]
        asked = await self._store.mails.asked([mail_id for each in questions for mail_id in each])
        found = []
        for each, objected, ids in zip(page, hits, questions, strict=True):
            sign = kept_since(each.contact, now)
            if sign is None:
                found.append(Kept(each.id, Keeping.KEEP, now.date(), None))
                continue
            days = 0 if objected else self._policy.reconfirm_days
            when = max((asked[mail_id].date() for mail_id in ids if mail_id in asked), default=None)
            what = keeping(sign, now.date(), years=self._policy.stale_after_years, reconfirm_days=days, asked=when)
            found.append(Kept(each.id, what, sign.date(), when))
        return found

    @property
    def _controllers(self) -> tuple[str, ...]:
        return tuple(self._house.services.controllers)

    async def _delete(self, contact_ids: list[str]) -> None:
        """The contact goes last: until then the next run finds it again."""
        mail_ids = await self._store.mails.of_contacts(contact_ids)
        await self._store.mails.drop(mail_ids, _WHY)
        await self._store.snapshots.erase(mail_ids)
        await self._store.ledger.append("retention", {"contacts": contact_ids, "rule": "policy.stale_after_years"})
        await self._store.contacts.delete(contact_ids)
