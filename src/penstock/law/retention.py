"""How long a record may be kept (GDPR Art. 5(1)(e); CNIL, référentiel gestion commerciale)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

from penstock.law.clocks import months_after
from penstock.model.contact import Contact

__all__ = ["Keeping", "keeping", "kept_since", "last_answer", "last_sign", "stale_on"]

_MONTHS = 12


class Keeping(StrEnum):
    """What becomes of a record."""

    KEEP = "keep"
    RECONFIRM = "reconfirm"
    """One message may ask whether to go on, where advertising is allowed at all."""
    DELETE = "delete"


def last_answer(contact: Contact, now: datetime) -> datetime | None:
    """The latest sign that came from the person: a word, an inquiry or a purchase. Dates in the future are none."""
    bond = contact.relationship
    return _latest((contact.last_contact_from_person_at, bond.last_purchase_at, bond.last_inquiry_at), now)


def last_sign(contact: Contact, now: datetime) -> datetime | None:
    """From when the years are counted: the latest answer, or the collection of the data."""
    return _latest((last_answer(contact, now), contact.source.collected_at), now)


def kept_since(contact: Contact, now: datetime) -> datetime | None:
    """From when the deletion of a record is counted: a consent that stands is a sign, too, and its proof is kept."""
    given = (each.given_at for each in contact.consents if each.withdrawn_at is None)
    return _latest((last_sign(contact, now), *given), now)


def stale_on(sign: datetime, years: int) -> date:
    """The first day on which a record of that last sign is stale: the day after the same day, so many years on."""
    return months_after(sign.date(), years * _MONTHS) + timedelta(days=1)


def keeping(sign: datetime, today: date, *, years: int, reconfirm_days: int, asked: date | None = None) -> Keeping:
    """What becomes of a record whose last sign is that old.

    `asked` is the day on which the person was asked whether to go on. Whoever has not answered `reconfirm_days` later
    goes, and so does whoever could not be asked within as many days of becoming stale.
    """
    since = stale_on(sign, years)
    if today < since:
        return Keeping.KEEP
    begun = since if asked is None else max(asked, since)
    return Keeping.RECONFIRM if today < begun + timedelta(days=reconfirm_days) else Keeping.DELETE


def _latest(dates: Iterable[datetime | None], now: datetime) -> datetime | None:
    return max((date for date in dates if date is not None and date <= now), default=None)
