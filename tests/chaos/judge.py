"""What a round came to: every mail once at the server, or in doubt and said so."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.clock import SystemClock
from penstock.config.keys import load_keyring
from penstock.config.settings import load_settings
from penstock.queue.sql import SqlQueue
from penstock.store.sqlite import SqliteStore

from .counting_sink import CountingSink
from .failpoints import InHand
from .scene import Scene, address

__all__ = ["Kept", "Sums", "kept_in", "summed"]

_STEP = "purchasing-2026"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store says when all is over. Mails by id with recipient and state."""

    states: dict[str, str]
    recipients: dict[str, str]
    tickets: int
    ledger_fault: str | None
    begun: Counter[str]
    accepted: Counter[str]

    def with_state(self, state: str) -> frozenset[str]:
        """The ids in that state."""
        return frozenset(mail_id for mail_id, found in self.states.items() if found == state)


async def kept_in(scene: Scene) -> Kept:
    """Look into the store, changing nothing."""
    settings = load_settings(scene.config(0), os.environ)
    clock, keyring = SystemClock(), load_keyring(settings, store_has_data=True, may_create=False)
    store = await SqliteStore.open(settings.store_url(), keyring, clock, read_only=True)
    try:
        mails = await store.mails.states(_STEP, "", 100_000)
        contacts = await store.contacts.load([mail.contact_id or "" for mail in mails])
        rows = await store.ledger.rows(0, 1_000_000)
        return Kept(
            states={mail.mail_id: mail.state for mail in mails},
            recipients={
                mail.mail_id: known.contact.address if known is not None else ""
                for mail, known in zip(mails, contacts, strict=True)
            },
            tickets=await SqlQueue(store.database, clock).depth(),
            ledger_fault=(await store.ledger.verify()).fault,
            begun=Counter(row.body["mail"] for row in rows if row.kind == "begin"),
            accepted=Counter(row.body["mail"] for row in rows if row.body.get("outcome") == "accepted"),
        )
    finally:
        await store.aclose()


@dataclass(frozen=True, slots=True)
class Sums:
    """Doubled, lost and uncertain mails, and everything that is wrong, in words."""

    doubled: int
    lost: int
    uncertain: int
    wrong: tuple[str, ...]


def summed(mails: int, sink: CountingSink, kept: Kept, hands: Sequence[InHand], most_uncertain: int) -> Sums:
    """Compare server, store and, where there are any, the journals of the processes that were killed."""
    planned = {address(number) for number in range(mails)}
    doubtful = kept.with_state("uncertain")
    doubted = {kept.recipients[mail_id] for mail_id in doubtful}
    believed = {kept.recipients[mail_id] for mail_id in kept.with_state("accepted")}
    doubled = {rcpt for rcpt, times in sink.seen.items() if times > 1}
    lost = (planned - sink.answered.keys() - doubted) | (believed - sink.answered.keys())
    wrong = {
        "mails that came to the server twice": len(doubled),
        "mail ids that came to the server twice": sum(1 for times in sink.mail_ids.values() if times > 1),
        "mails that neither came nor are in doubt": len(lost),
        "mails to nobody who was planned": len(sink.seen.keys() - planned),
        "people without a mail in the store": len(planned ^ set(kept.recipients.values())),
        "mails neither accepted nor uncertain": len(kept.states) - len(believed) - len(doubtful),
        "mails that began twice": sum(1 for times in kept.begun.values() if times != 1),
        "mails that were accepted twice": sum(1 for times in kept.accepted.values() if times != 1),
        "tickets left": kept.tickets,
        "uncertain mails too many": max(0, len(doubtful) - most_uncertain),
    }
    if hands:
        wrong["uncertain mails that nobody had in hand"] = len(doubtful - _united(hand.perhaps for hand in hands))
        wrong["mails in hand of a dead process that are not uncertain"] = len(
            _united(hand.surely for hand in hands) - doubtful
        )
    told = [f"{what}: {number}" for what, number in wrong.items() if number]
    if kept.ledger_fault is not None:
        told.append(f"ledger: {kept.ledger_fault}")
    return Sums(len(doubled), len(lost), len(doubtful), tuple(told))


def _united(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
