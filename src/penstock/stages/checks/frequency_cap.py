"""Not too often: rolling windows of mails to a person and to a company, across campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Literal

from penstock.errors import ConfigError
from penstock.model.campaign import Campaign, Caps
from penstock.model.codes import Code
from penstock.model.mail import Mail, Touch
from penstock.model.verdict import Facts, Reason, Verdict, strictest
from penstock.model.window import Window, parse_window
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["FrequencyCap", "FrequencyCapOptions", "window_needs"]

_NAME = "frequency_cap"
_READS = ("address", "company.domains", "company.id", "campaign.caps")
_NO_CAPS = Caps()
_NONE: Set[str] = frozenset()
_FIELDS = {
    "person": ("address", "campaign.caps"),
    "company": ("company.domains", "company.id", "campaign.caps"),
}
_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="Neither the person nor the company has been mailed too often.",
        facts=Facts(_READS),
        rule="campaign caps",
    ),
)
_UNREADABLE = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.FREQUENCY_CAP,
        "The campaign's caps cannot be read, so nobody knows how often is too often.",
        Facts(("campaign.caps",)),
        "campaign caps",
    ),
)


@dataclass(frozen=True, slots=True)
class FrequencyCapOptions:
    """Windows that bind every campaign besides its own, such as `["1/7d", "3/90d"]`."""

    person: tuple[str, ...] = ()
    company: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Cap:
    whom: Literal["person", "company"]
    text: str
    window: Window


@dataclass(slots=True)
class _Tally:
    """Mail ids of this batch that are to go, by whom they count for."""

    person: dict[bytes, set[str]] = field(default_factory=dict)
    company: dict[bytes | None, set[str]] = field(default_factory=dict)

    def count(self, mail: Mail) -> None:
        identity = mail.identity
        self.person.setdefault(identity.person, set()).add(mail.id)
        for unit in (identity.company, identity.organisation):
            if unit is not None:
                self.company.setdefault(unit, set()).add(mail.id)

    def earlier(self, mail: Mail, whom: Literal["person", "company"]) -> int:
        """How many other mails of the batch count; one known by domain and by company id counts once."""
        if whom == "person":
            ids = self.person.get(mail.identity.person, _NONE)
        else:
            by_domain = self.company.get(mail.identity.company, _NONE)
            by_id = self.company.get(mail.identity.organisation, _NONE)
            ids = by_domain | by_id if by_domain and by_id else by_domain or by_id
        return len(ids) - (mail.id in ids)


class FrequencyCap:
    """Defers a mail over a cap until the moment when the window has room again.

    Counted are the touches of the mail's history and, as sent now, the earlier mails of the same batch that
    are to go. A touch exactly one period old counts no more. A generic mailbox is capped like a person.
    """

    Options: ClassVar[type] = FrequencyCapOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = True
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, options: FrequencyCapOptions, services: Services) -> None:
        """Raises ConfigError for a window that cannot be read."""
        self._clock = services.clock
        try:
            _caps(_NO_CAPS, options)
        except ValueError as fault:
            raise ConfigError(str(fault), where=f"stage {_NAME}", mend='write "5/30d"') from fault
        self._options = options
        # Campaigns are few, mails are many: each set of caps is parsed once.
        self._caps_of = lru_cache(maxsize=256)(self._readable_caps)

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """The past comes with the mail's history; no store call."""
        now = self._clock.now()
        tally = _Tally()
        answers = []
        for mail in mails:
            caps = self._caps_of(_NO_CAPS if mail.campaign is None else mail.campaign.caps)
            reasons = _UNREADABLE if caps is None else _reasons(mail, caps, tally, now)
            if reasons is _CLEAR and strictest(mail.reasons) is Verdict.SEND:
                tally.count(mail)
            answers.append(reasons)
        return answers

    def _readable_caps(self, own: Caps) -> tuple[_Cap, ...] | None:
        try:
            return _caps(own, self._options)
        except ValueError:
            return None


def window_needs(campaign: Campaign | None, options: FrequencyCapOptions) -> tuple[timedelta, int]:
    """How far back and how many touches, at most, these caps look; (0, 0) without caps. Raises ValueError."""
    windows = [cap.window for cap in _caps(_NO_CAPS if campaign is None else campaign.caps, options)]
    longest = max((window.period for window in windows), default=timedelta(0))
    return longest, max((window.count for window in windows), default=0)


def _caps(own: Caps, options: FrequencyCapOptions) -> tuple[_Cap, ...]:
    person = _read("person", (*own.person, *options.person))
    return (*person, *_read("company", (*own.company, *options.company)))


def _read(whom: Literal["person", "company"], texts: Iterable[str]) -> list[_Cap]:
    return [_Cap(whom, text, parse_window(text)) for text in dict.fromkeys(texts)]


def _reasons(mail: Mail, caps: tuple[_Cap, ...], tally: _Tally, now: datetime) -> tuple[Reason, ...]:
    against = []
    for cap in caps:
        touches = mail.history.person if cap.whom == "person" else mail.history.company
        earlier = tally.earlier(mail, cap.whom)
        until = _free_at(cap.window, earlier, touches, now)
        if until is not None:
            against.append(_defer(cap, until, earlier))
    return tuple(against) or _CLEAR


def _free_at(window: Window, earlier: int, touches: Sequence[Touch], now: datetime) -> datetime | None:
    """When the window has room: one period after the touch that must leave it. None: it has room now.

    Touches come newest first, and the batch's own are newer still: the `count`-th of all must leave.
    """
    if earlier >= window.count:
        return now + window.period
    place = window.count - 1 - earlier
    if place < len(touches) and now - touches[place].at < window.period:
        return touches[place].at + window.period
    return None


def _defer(cap: _Cap, until: datetime, earlier: int) -> Reason:
    """With the number of the batch's own mails that were counted: no history tells of them."""
    records = (f"batch:{earlier}",) if earlier else ()
    return Reason(
        _NAME,
        Verdict.DEFER,
        Code.FREQUENCY_CAP,
        f"The {cap.whom} already gets as many mails as {cap.text} allows; "
        f"there is room again on {until:%Y-%m-%d at %H:%M} UTC.",
        Facts(_FIELDS[cap.whom], records, until),
        f"campaign caps, {cap.whom} {cap.text}",
    )
