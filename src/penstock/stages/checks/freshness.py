"""Whether the record is still true: heard from within years, verified within months, and answered when written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

from penstock.law.clocks import months_after
from penstock.law.retention import Keeping, keeping, last_answer, last_sign, stale_on
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["Freshness", "FreshnessOptions", "touches_needed"]

_NAME = "freshness"
_HEARD = "last_contact_from_person_at"
_COLLECTED = "source.collected_at"
_PURCHASE = "relationship.last_purchase_at"
_INQUIRY = "relationship.last_inquiry_at"
_VERIFIED = "verified_at"
_SIGNS = (_HEARD, _COLLECTED, _PURCHASE, _INQUIRY)
_READS = (*_SIGNS, _VERIFIED)
_STALE_RULE = "GDPR Art. 5(1)(e); policy.stale_after_years"
_UNVERIFIED_RULE = "GDPR Art. 5(1)(d); policy.unverified_after_days"
_SHORTEST_YEAR = 365

_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The record is recent, and the address was verified or used not long ago.",
        facts=Facts(_READS),
        rule="GDPR Art. 5(1)(d), 5(1)(e)",
    ),
)
_NO_CONTACT = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.CONTACT_UNKNOWN,
        "No contact record says how old the data are.",
        Facts(_READS),
        "GDPR Art. 5(1)(d)",
    ),
)
_AGELESS = Reason(
    _NAME,
    Verdict.HOLD,
    Code.UNVERIFIED,
    "No date says how old the record is.",
    Facts(_SIGNS),
    _STALE_RULE,
)
_NEVER_VERIFIED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.UNVERIFIED,
    "Nobody ever verified that the address is right.",
    Facts((_VERIFIED,)),
    _UNVERIFIED_RULE,
)


@dataclass(frozen=True, slots=True)
class FreshnessOptions:
    """After `stale_after_years` without a sign of the person a record is stale; a verification is good for
    `unverified_after_days`.

    A person who did not answer `non_responder_touches` mails, or any for `non_responder_months`, gets no more. For
    `reconfirm_days` after a record became stale a campaign that asks whether to go on may write, once.
    """

    stale_after_years: int = 3
    unverified_after_days: int = 180
    non_responder_touches: int = 3
    non_responder_months: int = 6
    reconfirm_days: int = 30


@dataclass(frozen=True, slots=True)
class _Moments:
    """`surely_fresh`: nothing younger can be stale, whatever the calendar. `verified_since`: midnight, UTC."""

    now: datetime
    surely_fresh: datetime
    verified_since: datetime


class Freshness:
    """Blocks what is stale and holds what nobody verified.

    A period of n years, months or days ends with the same day: on it, the mail still goes. Opens and clicks are no
    sign of the person. A date in the future proves nothing and is itself a reason to hold.
    """

    Options: ClassVar[type] = FreshnessOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, options: FreshnessOptions, services: Services) -> None:
        self._clock = services.clock
        self._options = options

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """The past comes with the mail's history; no store call."""
        now = self._clock.now()
        midnight = datetime.combine(now.date(), time(), UTC)
        moments = _Moments(
            now,
            now - timedelta(days=_SHORTEST_YEAR * self._options.stale_after_years),
            midnight - timedelta(days=self._options.unverified_after_days),
        )
        return [self._reasons(mail, moments) for mail in mails]

    def _reasons(self, mail: Mail, moments: _Moments) -> tuple[Reason, ...]:
        contact = mail.contact
        if contact is None:
            return _NO_CONTACT
        now = moments.now
        heard, known = last_answer(contact, now), last_sign(contact, now)
        against = []
        if known is None:
            against.append(_AGELESS)
        elif mail.campaign is not None and mail.campaign.reconfirm:
            if early_or_late := self._asking(known, now):
                against.append(early_or_late)
        elif known < moments.surely_fresh and (stale := self._stale(known, now)):
            against.append(stale)
        if mail.history.person and mail.stream is Stream.PROSPECTING and (silent := self._silent(mail, heard, now)):
            against.append(silent)
        if unverified := self._unverified(mail, contact, moments):
            against.append(unverified)
        if future := _in_the_future(contact, now):
            against.append(future)
        return tuple(against) or _CLEAR

    def _stale(self, known: datetime, now: datetime) -> Reason | None:
        years = self._options.stale_after_years
        if stale_on(known, years) > now.date():
            return None
        why = f"Nobody has heard from the person since {known:%Y-%m-%d}; after {years} years the record is stale."
        return Reason(_NAME, Verdict.BLOCK, Code.STALE, why, Facts(_SIGNS), _STALE_RULE)

    def _asking(self, known: datetime, now: datetime) -> Reason | None:
        """Whether to go on is asked once a record is stale, and not long after."""
        years, days = self._options.stale_after_years, self._options.reconfirm_days
        since = stale_on(known, years)
        match keeping(known, now.date(), years=years, reconfirm_days=days):
            case Keeping.RECONFIRM:
                return None
            case Keeping.KEEP:
                until = datetime.combine(since, time(), UTC)
                why = f"Whether to go on is asked once the record is stale, from {since:%Y-%m-%d}."
                return Reason(_NAME, Verdict.DEFER, Code.CAMPAIGN_NOT_DUE, why, Facts(_SIGNS, until=until), _STALE_RULE)
            case Keeping.DELETE:
                why = f"The record is stale since {since:%Y-%m-%d}; after {days} days it is deleted, not asked about."
                rule = "GDPR Art. 5(1)(e); policy.reconfirm_days"
                return Reason(_NAME, Verdict.BLOCK, Code.STALE, why, Facts(_SIGNS), rule)

    def _silent(self, mail: Mail, heard: datetime | None, now: datetime) -> Reason | None:
        """Touches come newest first; what the person has answered since does not count."""
        unanswered = [touch for touch in mail.history.person if heard is None or touch.at > heard]
        if not unanswered:
            return None
        first = unanswered[-1].at
        if len(unanswered) >= self._options.non_responder_touches:
            why = f"{len(unanswered)} mails since {first:%Y-%m-%d} are without an answer."
            rule = "GDPR Art. 5(1)(e); policy.non_responder_touches"
        elif months_after(first.date(), self._options.non_responder_months) < now.date():
            why = f"The mail of {first:%Y-%m-%d} is without an answer for {self._options.non_responder_months} months."
            rule = "GDPR Art. 5(1)(e); policy.non_responder_months"
        else:
            return None
        records = tuple(touch.mail_id for touch in unanswered)
        return Reason(_NAME, Verdict.BLOCK, Code.STALE, why, Facts((_HEARD,), records), rule)

    def _unverified(self, mail: Mail, contact: Contact, moments: _Moments) -> Reason | None:
        """A mail that was taken or a word from the person verifies an address as well as a look at its source."""
        since, now, verified = moments.verified_since, moments.now, contact.verified_at
        if verified is not None and since <= verified:
            return None  # or in the future, which is said apart
        heard = contact.last_contact_from_person_at
        if heard is not None and since <= heard <= now:
            return None
        if any(since <= touch.at <= now for touch in mail.history.person):
            return None
        if verified is None:
            return _NEVER_VERIFIED
        days = self._options.unverified_after_days
        why = f"The address was last verified on {verified:%Y-%m-%d}, more than {days} days ago."
        return Reason(_NAME, Verdict.HOLD, Code.UNVERIFIED, why, Facts((_VERIFIED,)), _UNVERIFIED_RULE)


def touches_needed(options: FreshnessOptions) -> tuple[timedelta, int]:
    """How far back and how many touches, at most, this check looks.

    Unanswered mails of before that change nothing: the record is older still, and stale by itself.
    """
    return timedelta(days=(_SHORTEST_YEAR + 1) * options.stale_after_years), options.non_responder_touches


def _in_the_future(contact: Contact, now: datetime) -> Reason | None:
    dates = (
        (_HEARD, contact.last_contact_from_person_at),
        (_COLLECTED, contact.source.collected_at),
        (_PURCHASE, contact.relationship.last_purchase_at),
        (_INQUIRY, contact.relationship.last_inquiry_at),
        (_VERIFIED, contact.verified_at),
    )
    fields = tuple(name for name, date in dates if date is not None and date > now)
    if not fields:
        return None
    why = f"A date of the record lies in the future ({', '.join(fields)}), so its age cannot be trusted."
    return Reason(_NAME, Verdict.HOLD, Code.UNVERIFIED, why, Facts(fields), "GDPR Art. 5(1)(d)")
