"""The last look before a mail leaves, in the transaction that starts it: an opt-out may have come since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import apsw

from penstock.law.suppression_codes import binding_codes
from penstock.model.campaign import Caps
from penstock.model.codes import PRECEDENCE, Code
from penstock.model.mail import Mail
from penstock.model.standing import FRESH, CampaignState, Standing
from penstock.model.suppression import Hit, scope_covers
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.model.window import Window, parse_window
from penstock.ports import BEGUN_ELSEWHERE
from penstock.store.daily_count import begun_on
from penstock.store.house_rules import Brakes, HouseRules
from penstock.store.identities import unit_mark
from penstock.store.instants import from_micros, micros
from penstock.store.past import Touches, load_person_touches, load_unit_touches
from penstock.store.row_batches import read_array
from penstock.store.standings import load_standings
from penstock.store.suppressions import find_hits
from penstock.store.unresolved import load_unresolved

__all__ = ["Recheck", "Rechecker", "SavedState"]

_STAGE = "begin"
_GONE = frozenset({"accepted", "uncertain"})
_OVER = frozenset({"cancelled", "failed"})


class SavedState(NamedTuple):
    """Where a saved mail stands."""

    seq: int
    state: str
    attempts: int


_AllTouches = tuple[Touches[bytes], Touches[int | None], Touches[int | None]]
"""Of persons, companies and organisations."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The windows that bind one mail."""

    person: tuple[Window, ...]
    company: tuple[Window, ...]


class Recheck:
    """Judges the mails of one slice one after the other; each that goes counts for the caps of the next."""

    def __init__(
        self,
        states: Mapping[str, SavedState],
        hits: Mapping[str, Sequence[Hit]],
        standings: Mapping[str, Standing],
        bounds: Mapping[str, _Bounds | None],  # None: a cap that cannot be read
        touches: _AllTouches,
        unresolved: Sequence[str],
        brakes: Brakes,
        now: datetime,
    ) -> None:
        self._states = states
        self._hits = hits
        self._standings = standings
        self._bounds = bounds
        self._person, self._company, self._organisation = touches
        self._unresolved = unresolved
        self._brakes = brakes
        self._now = now
        self._moment = micros(now)

    def row(self, mail: Mail) -> int:
        """The mail's running number."""
        return self._states[mail.id].seq

    def begins_first(self, mail: Mail) -> bool:
        """Whether no mail of the campaign has begun before."""
        return mail.campaign is not None and self._standings.get(mail.campaign.id, FRESH).first_begun_at is None

    def attempts(self, mail: Mail) -> int:
        """How often the mail was begun before."""
        return self._states[mail.id].attempts

    def against(self, mail: Mail) -> Reason | None:
        """Why this mail must not start now; None when it may, and then it counts."""
        reason = self._state(mail) or self._campaign(mail) or self._suppressed(mail)
        reason = reason or self._unsettled(mail) or self._capped(mail) or self._braked(mail)
        if reason is None:
            self._count(mail)
        return reason

    def _state(self, mail: Mail) -> Reason | None:
        state = self._states[mail.id].state if mail.id in self._states else None
        if state is None:
            return Reason(_STAGE, Verdict.HOLD, Code.STAGE_FAILED, "this mail was never saved")
        if state == "begun":
            return BEGUN_ELSEWHERE
        if state in _GONE:
            return Reason(
                _STAGE,
                Verdict.BLOCK,
                Code.DUPLICATE,
                f"this mail is {state} already",
                rule="one mail per step",
            )
        if state in _OVER:
            return Reason(_STAGE, Verdict.HOLD, Code.CAMPAIGN_PAUSED, f"this mail is {state}")
        return None

    def _campaign(self, mail: Mail) -> Reason | None:
        if mail.campaign is None:
            return None
        standing = self._standings.get(mail.campaign.id, FRESH)
        if standing.state is not CampaignState.ACTIVE:
            return Reason(_STAGE, Verdict.HOLD, Code.CAMPAIGN_PAUSED, f"the campaign is {standing.state}")
        if self._brakes.unapproved(mail, standing):
            why = "no second person has approved the campaign in this form"
            return Reason(_STAGE, Verdict.HOLD, Code.CAMPAIGN_PAUSED, why, rule="safety.four_eyes")
        return None

    def _suppressed(self, mail: Mail) -> Reason | None:
        channel = mail.campaign.channel if mail.campaign is not None else "email"
        found = [
            (PRECEDENCE[code], hit, code)
            for hit in self._hits.get(mail.id, ())
            if scope_covers(hit.scope, controller=mail.controller, channel=channel)
            for code in binding_codes(hit, mail.stream)
        ]
        if not found:
            return None
        _, hit, code = min(found, key=lambda one: one[0])
        why = "a suppression was entered since this mail was judged"
        return Reason(_STAGE, Verdict.BLOCK, code, why, Facts(records=(hit.entry,)), "GDPR Art. 21(3)")

    def _unsettled(self, mail: Mail) -> Reason | None:
        if not mail.stream.commercial or Code.IMPORT_UNRESOLVED in mail.history.waived:
            return None
        if not any(scope_covers(scope, controller=mail.controller) for scope in self._unresolved):
            return None
        why = "a do-not-mail file with rows that cannot be used was imported since this mail was judged"
        return Reason(_STAGE, Verdict.HOLD, Code.IMPORT_UNRESOLVED, why, rule="GDPR Art. 21(3)")

    def _capped(self, mail: Mail) -> Reason | None:
        bounds = self._bounds[mail.id]
        if bounds is None:
            return Reason(_STAGE, Verdict.HOLD, Code.FREQUENCY_CAP, "a cap of the campaign cannot be read")
        dates = [
            until
            for windows, touches in (
                (bounds.person, self._person_touches(mail)),
                (bounds.company, self._company_touches(mail)),
            )
            for window in windows
            if (until := _free_at(window, touches, self._now)) is not None
        ]
        if not dates:
            return None
        why = "other mails reached the cap since this one was judged"
        return Reason(_STAGE, Verdict.DEFER, Code.FREQUENCY_CAP, why, Facts(until=max(dates)), "campaign caps")

    def _braked(self, mail: Mail) -> Reason | None:
        brakes = self._brakes
        if not brakes.safety.allows(mail.envelope.recipient):
            why = "the recipient is not among those to whom mail may leave"
            return Reason(_STAGE, Verdict.HOLD, Code.SAFETY_BRAKE, why, rule="safety.allow_recipients")
        if brakes.room is None:
            return None
        if brakes.room < 1:
            why = "as many mails as the daily ceiling allows have begun today"
            until = datetime.combine(self._now.date() + timedelta(days=1), time(), UTC)
            return Reason(_STAGE, Verdict.DEFER, Code.RATE_BACKOFF, why, Facts(until=until), "safety.daily_ceiling")
        brakes.room -= 1
        return None

    def _person_touches(self, mail: Mail) -> list[int]:
        return [at for _, at in self._person.get(mail.identity.person, ())]

    def _company_touches(self, mail: Mail) -> list[int]:
        """Of the company and the organisation, each mail once."""
        found = dict(self._company.get(unit_mark(mail.identity.company), ()))
        found.update(self._organisation.get(unit_mark(mail.identity.organisation), ()))
        return list(found.values())

    def _count(self, mail: Mail) -> None:
        touch = (mail.id, self._moment)
        identity = mail.identity
        self._person.setdefault(identity.person, []).append(touch)
        if identity.company is not None:
            self._company.setdefault(unit_mark(identity.company), []).append(touch)
        if identity.organisation is not None:
            self._organisation.setdefault(unit_mark(identity.organisation), []).append(touch)


class Rechecker:
    """Loads rechecks. `rooms` answers the named SQL of a room; caps are parsed once per different caps."""

    def __init__(
        self,
        rooms: Callable[[str], Mapping[str, str]],
        rules: HouseRules,
    ) -> None:
        self._rooms = rooms
        self._rules = rules
        self._parsed: dict[Caps, _Bounds | None] = {}

    def load(self, connection: apsw.Connection, mails: Sequence[Mail], now: datetime) -> Recheck:
        """Read what the slice needs, in a fixed number of statements."""
        ids = apsw.carray(tuple({mail.id for mail in mails}))
        rows = read_array(connection, self._rooms("ledger")["beginning"], (ids,))
        states = {id_: SavedState(seq, state, attempts) for id_, seq, state, attempts in rows}
        hits = find_hits(connection, self._rooms("suppressions"), [mail.identity for mail in mails])
        steps = {mail.campaign.id for mail in mails if mail.campaign is not None}
        bounds = {mail.id: self._bounds(self._rules.caps_of(mail)) for mail in mails}
        return Recheck(
            states,
            {mail.id: found for mail, found in zip(mails, hits, strict=True)},
            load_standings(connection, self._rooms("standings"), steps),
            bounds,
            self._touches(connection, mails, bounds.values(), now),
            [scope for each in load_unresolved(connection, self._rooms("meta")) for scope in each.scopes],
            Brakes(self._rules.safety, self._rules.policy_mark, self._room(connection, now)),
            now,
        )

    def _room(self, connection: apsw.Connection, now: datetime) -> int | None:
        ceiling = self._rules.safety.daily_ceiling
        return ceiling - begun_on(connection, self._rooms("meta"), now) if ceiling else None

    def _bounds(self, caps: Caps) -> _Bounds | None:
        if caps not in self._parsed:
            try:
                self._parsed[caps] = _Bounds(
                    tuple(parse_window(text) for text in caps.person),
                    tuple(parse_window(text) for text in caps.company),
                )
            except ValueError:
                self._parsed[caps] = None
        return self._parsed[caps]

    def _touches(
        self,
        connection: apsw.Connection,
        mails: Sequence[Mail],
        bounds: Iterable[_Bounds | None],
        now: datetime,
    ) -> _AllTouches:
        known = {bound for bound in bounds if bound is not None}
        person = [window for bound in known for window in bound.person]
        company = [window for bound in known for window in bound.company]
        identities, sql = [mail.identity for mail in mails], self._rooms("mails")
        since, most = _widest(person, now)
        of_persons = load_person_touches(
            connection, sql["person_touches"], (identity.person for identity in identities), since, most
        )
        since, most = _widest(company, now)
        return (
            of_persons,
            load_unit_touches(connection, sql["company_touches"], (i.company for i in identities), since, most),
            load_unit_touches(
                connection, sql["organisation_touches"], (i.organisation for i in identities), since, most
            ),
        )


def _widest(windows: Sequence[Window], now: datetime) -> tuple[int, int]:
    """Since when touches matter, in microseconds, and how many; none without windows."""
    if not windows:
        return 0, 0
    return micros(now - max(window.period for window in windows)), max(window.count for window in windows)


def _free_at(window: Window, touches: Sequence[int], now: datetime) -> datetime | None:
    """When a full window frees: its n-th newest touch plus the period. None when there is room."""
    if len(touches) < window.count:
        return None
    since = micros(now - window.period)
    inside = sorted((at for at in touches if at > since), reverse=True)
    if len(inside) < window.count:
        return None
    return from_micros(inside[window.count - 1]) + window.period
