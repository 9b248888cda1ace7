"""Reads calls that were kept, and has each event take effect once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from penstock.errors import InvalidInput, Unavailable
from penstock.model.address import Address, parse_address
from penstock.model.event import Event, EventKind
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.observe.log import get_logger
from penstock.ports import Clock, Returns, SavedCall, Told, WebhookCodec

__all__ = ["EventReader", "Keys"]

_log = get_logger("inbound.event_reader")

_AT_ONCE = 50
_REASONS = {
    EventKind.BOUNCED_HARD: SuppressionReason.BOUNCE,
    EventKind.COMPLAINED: SuppressionReason.COMPLAINT,
    EventKind.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBE,
}
"""What an event makes lasting. Neither a click nor an open is a word from the person."""

Keys = Callable[[Address], tuple[tuple[bytes, ...], tuple[bytes, ...]]]
"""From an address to all keys it may be known by, and those under which an entry of it is kept."""


class EventReader:
    """`codecs` by the adapters' names."""

    def __init__(self, codecs: Mapping[str, WebhookCodec], returns: Returns, keys: Keys, clock: Clock) -> None:
        self._codecs = codecs
        self._returns = returns
        self._keys = keys
        self._clock = clock

    async def read(self) -> int:
        """Read what waits; the number of calls. Stopped half-way, it is read again without harm."""
        number, adapters = 0, tuple(self._codecs)
        while calls := await self._returns.unread(_AT_ONCE, adapters):
            for call in calls:
                await self._read(call)
            number += len(calls)
        return number

    async def _read(self, call: SavedCall) -> None:
        try:
            told = [self._told(event) for event in self._codecs[call.adapter].events(call.body)]
            counts = await self._returns.take_in(call, told)
        except Unavailable:
            raise
        except InvalidInput:
            _log.error("webhook_unreadable", adapter=call.adapter, call=call.seq)
            await self._returns.unreadable(call)
        except Exception as fault:  # noqa: BLE001 — a call that nobody can cope with must not stop those behind it
            _log.error("webhook_failed", adapter=call.adapter, call=call.seq, fault=type(fault).__name__)
            await self._returns.unreadable(call)
        else:
            _log.info("webhook_read", adapter=call.adapter, call=call.seq, **_told_of(counts))

    def _told(self, event: Event) -> Told:
        address = parse_address(event.recipient) if event.recipient else None
        reason = _REASONS.get(event.kind)
        at = min(event.at, self._clock.now())
        if not isinstance(address, Address):
            # An address that cannot be read cannot be shown to be another person's either.
            entry = None if reason is None else _entry((), None, reason, at)
            return Told(event, frozenset(), entry)
        known, kept = self._keys(address)
        entry = None if reason is None else _entry(kept, str(address), reason, at)
        return Told(event, frozenset(known), entry)


def _entry(keys: tuple[bytes, ...], subject: str | None, reason: SuppressionReason, at: datetime) -> Suppression:
    return Suppression(SuppressionKind.PERSON, keys, "all", reason, at, subject, "esp")


def _told_of(counts: Mapping[str, int]) -> dict[str, int]:
    names = ("taken", "repeated", "not_ours", "other_person")
    return {name: counts[name] for name in names if counts.get(name)}
