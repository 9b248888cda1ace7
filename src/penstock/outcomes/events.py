"""From rows of the ledger to what other programs are told: outcomes of mails, opt-outs, erasures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import orjson

from penstock.model.outcome_event import WHOLE_ROW, OutcomeEvent, OutcomeKind, Place
from penstock.store.instants import iso
from penstock.store.outcomes import EntryKnown, OutcomeRow, Outcomes

__all__ = ["OutcomeEvents", "Page"]

_ROWS = 1000
_EXPIRED = frozenset({"4.4.7", "5.4.7"})
"""RFC 3463: delivery time expired."""

_DECIDED = {
    "defer": OutcomeKind.DEFERRED,
    "hold": OutcomeKind.HELD,
    "block": OutcomeKind.BLOCKED,
    "reject": OutcomeKind.REJECTED,
}
_ENDED = {
    "accepted": OutcomeKind.SENT,
    "try_later": OutcomeKind.DEFERRED,
    "failed": OutcomeKind.FAILED,
    "uncertain": OutcomeKind.UNCERTAIN,
}
_TOLD = {
    "delivered": (OutcomeKind.DELIVERED, None),
    "bounced_hard": (OutcomeKind.BOUNCED, "hard"),
    "bounced_soft": (OutcomeKind.BOUNCED, "soft"),
    "bounced_policy": (OutcomeKind.BOUNCED, "policy"),
    "complained": (OutcomeKind.COMPLAINED, None),
    "unsubscribed": (OutcomeKind.OPTED_OUT, "unsubscribe"),
}
"""By an ESP. That it took the mail or tries on is no news; opening and clicking is nobody's business; that it dropped
the mail stands in the row `resolved` behind."""
_SUPPRESSED = {
    "bounce": (OutcomeKind.BOUNCED, "hard"),
    "complaint": (OutcomeKind.COMPLAINED, None),
    "erasure": (OutcomeKind.ERASED, "erasure"),
}
"""By the reason of the entry; every other is an opt-out."""

_LIFTED = EntryKnown(None, None, 0, None, None, None, None)

Found = tuple[OutcomeKind, str | None] | None


class Page(NamedTuple):
    """The events of some rows, and the place behind the last row that was looked at."""

    events: Sequence[OutcomeEvent]
    upto: Place


class OutcomeEvents:
    """Reads on from any place, as often as wanted: the same rows tell the same events with the same ids.

    What changes is what stands beside them: an address goes when contact and mail lose it.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    async def walk(self, after: Place, since: datetime | None = None) -> AsyncIterator[OutcomeEvent]:
        """All events behind a place that the ledger holds now, oldest first; with `since` those of that time or later.

        Raises Unavailable.
        """
        head = await self._outcomes.head()
        while after.seq < head or after.number < WHOLE_ROW:
            page = await self.page(after, head, since)
            for event in page.events:
                yield event
            if page.upto == after:
                return
            after = page.upto

    async def page(self, after: Place, head: int, since: datetime | None = None, *, rows: int = _ROWS) -> Page:
        """The events of the next `rows` rows behind a place, none behind the row `head`. Raises Unavailable."""
        first = after.seq if after.number >= WHOLE_ROW else after.seq - 1
        last = min(head, first + rows)
        if last <= first:
            return Page((), after)
        found = await self._outcomes.rows(first, last, tuple(_READERS), "" if since is None else iso(since))
        bodies = [orjson.loads(row.body) for row in found]
        entries = await self._outcomes.entries([body["entry"] for body in bodies if "entry" in body])
        people = {person for body in bodies for person in _people(body)}
        addresses = await self._outcomes.addresses(tuple(people))
        read = (_events(row, body, entries, addresses) for row, body in zip(found, bodies, strict=True))
        events = [event for event in chain.from_iterable(read) if event.place > after]
        return Page(events, Place(last, WHOLE_ROW))

    async def between(self, after: Place, upto: Place) -> Sequence[OutcomeEvent]:
        """The events behind `after` up to and with `upto`. Raises Unavailable."""
        found: list[OutcomeEvent] = []
        while after < upto:
            page = await self.page(after, upto.seq)
            if page.upto == after:
                break
            found += [event for event in page.events if event.place <= upto]
            after = page.upto
        return found


def _events(
    row: OutcomeRow, body: Mapping[str, Any], entries: Mapping[str, EntryKnown], addresses: Mapping[str, str]
) -> Iterator[OutcomeEvent]:
    if row.trial:
        return  # whoever was mailed, it was not the person
    if row.kind in _OF_PEOPLE:
        yield from _of_people(row, body, addresses)
        return
    found = _READERS[row.kind](row, body)
    if found is None:
        return
    if row.kind == "suppressed":
        yield from _of_entry(row, body, entries, found)
        return
    kind, code = found
    campaign = body.get("step") if row.of_campaign or body.get("campaign") or row.kind == "campaign" else None
    yield OutcomeEvent(
        Place(row.seq),
        _second(row.at),
        kind,
        code,
        row.mail_id,
        body.get("contact") or row.contact_id,
        campaign,
        body.get("stream") or row.stream,
        row.client or None,
        row.address,
    )


def _of_entry(
    row: OutcomeRow, body: Mapping[str, Any], entries: Mapping[str, EntryKnown], found: tuple[OutcomeKind, str | None]
) -> Iterator[OutcomeEvent]:
    known = entries.get(body["entry"], _LIFTED)
    if not known.told:
        yield OutcomeEvent(
            Place(row.seq),
            _second(row.at),
            *found,
            known.mail_id,
            known.contact_id,
            known.campaign,
            known.stream,
            known.client or None,
            known.address,
            body["entry"],
        )


def _of_people(row: OutcomeRow, body: Mapping[str, Any], addresses: Mapping[str, str]) -> Iterator[OutcomeEvent]:
    kind, code = _OF_PEOPLE[row.kind]
    for number, person in enumerate(_people(body)):
        place = Place(row.seq, number)
        yield OutcomeEvent(place, _second(row.at), kind, code, contact_id=person, address=addresses.get(person))


def _people(body: Mapping[str, Any]) -> Sequence[str]:
    """The contacts that a row without a mail is about."""
    if body["kind"] not in _OF_PEOPLE:
        return ()
    listed = body.get("contacts")
    return (
        [str(each) for each in listed] if isinstance(listed, list) else [body["contact"]] if "contact" in body else ()
    )


def _decided(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    kind = _DECIDED.get(body.get("verdict", ""))
    return None if kind is None else (kind, row.code)


def _ended(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    kind = _ENDED.get(body.get("outcome", ""))
    if kind is None or body.get("attempt_used") is False:
        return None  # it was not even offered: our own way out was closed
    if row.code == "HARD_BOUNCED":
        return OutcomeKind.BOUNCED, "hard"
    if kind is OutcomeKind.FAILED and body.get("status") in _EXPIRED:
        return OutcomeKind.EXPIRED, row.code
    return kind, row.code


def _told(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del row
    return _TOLD.get(body.get("event", ""))


def _resolved(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    if body.get("sent"):
        return OutcomeKind.SENT, None
    # A person's word "not sent" queues it again; an ESP's means that it dropped the mail.
    return (OutcomeKind.FAILED, None) if row.state == "failed" else None


def _uncertain(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del row, body
    return OutcomeKind.UNCERTAIN, None


def _dropped(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del body
    return OutcomeKind.CANCELLED, row.code


def _campaign(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del row
    return (OutcomeKind.CANCELLED, None) if body.get("state") == "cancelled" else None


def _suppressed(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del row
    reason = str(body.get("reason", ""))
    return _SUPPRESSED.get(reason, (OutcomeKind.OPTED_OUT, reason))


_OF_PEOPLE: Mapping[str, tuple[OutcomeKind, str | None]] = {
    "retention": (OutcomeKind.ERASED, "retention"),
    "consent_withdrawn": (OutcomeKind.OPTED_OUT, "consent"),
}
"""Rows about contacts, not about a mail."""


def _of_nobody(row: OutcomeRow, body: Mapping[str, Any]) -> Found:
    del row, body
    return None


_READERS: Mapping[str, Callable[[OutcomeRow, Mapping[str, Any]], Found]] = {
    "decision": _decided,
    "outcome": _ended,
    "event": _told,
    "resolved": _resolved,
    "uncertain": _uncertain,
    "dropped": _dropped,
    "campaign": _campaign,
    "suppressed": _suppressed,
    **dict.fromkeys(_OF_PEOPLE, _of_nobody),
}
"""By the kind of the row. Rows of any other kind tell nothing that is an outcome."""


def _second(at: str) -> str:
    return at[:19] + "Z"
