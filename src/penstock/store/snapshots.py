"""The values a decision used. The ledger keeps their digest; the values can be erased (GDPR Art. 17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import apsw
import orjson

from penstock.model.contact import Contact
from penstock.model.mail import NEW, History, Mail, Touch
from penstock.store.chain import sha256
from penstock.store.database import Database
from penstock.store.records import ContactRecord, contact_values

__all__ = ["Inputs", "Kept", "Snapshots", "snapshot_of"]

_DIGITS = 16


class Kept(NamedTuple):
    """What is kept of one decision: the octets with their SHA-256 (hex), and the id of the contact's provenance."""

    digest: str
    octets: bytes
    provenance: str | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a decision used. Touches of the history say when, not by which mail.

    `campaign` is a digest; `recipient` is given for a mail without a contact record; `history` is None where a version
    that did not keep it wrote the row.
    """

    campaign: str | None
    contact: Contact | None
    recipient: str | None
    history: History | None


def snapshot_of(mail: Mail, secret: str) -> Kept:
    """What the decision on this mail used: contact, campaign and history.

    A salt made from `secret`, random text that is kept nowhere, is part of the octets and of the provenance id: once
    they are erased, neither digest betrays anything that could be guessed.
    """
    campaign, contact, history = mail.campaign, mail.contact, mail.history
    salt = sha256(f"{secret} {mail.id}".encode()).hex()[:32]
    values: dict[str, Any] = {
        "campaign": None if campaign is None else campaign.digest,
        "contact": None if contact is None else contact_values(contact),
        "history": {} if history is NEW else _history_values(history),
        "salt": salt,
    }
    provenance = None
    if contact is None:
        values["recipient"] = mail.envelope.recipient
    elif source := values["contact"].get("source"):
        provenance = sha256(salt.encode() + orjson.dumps(source)).hex()[:_DIGITS]
    octets = orjson.dumps(values)
    return Kept(sha256(octets).hex(), octets, provenance)


def _history_values(history: History) -> dict[str, Any]:
    """The history as JSON has it; what there was none of is left out."""
    values: dict[str, Any] = {
        "person": [touch.at for touch in history.person],
        "company": [touch.at for touch in history.company],
        "noticed": history.noticed,
        "sent_at": history.sent_at,
        "twin": history.twin,
        "waived": sorted(history.waived),
    }
    return {name: value for name, value in values.items() if value}


def _history(values: Mapping[str, Any]) -> History:
    sent_at = values.get("sent_at")
    return History(
        person=_touches(values.get("person", ())),
        company=_touches(values.get("company", ())),
        noticed=values.get("noticed", False),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        twin=values.get("twin"),
        waived=frozenset(values.get("waived", ())),
    )


def _touches(times: Sequence[str]) -> tuple[Touch, ...]:
    return tuple(Touch("", datetime.fromisoformat(time)) for time in times)


class Snapshots:
    """The kept values, by the sequence number of the ledger row whose `snapshot` is their digest."""

    def __init__(self, database: Database, records: ContactRecord) -> None:
        self._database = database
        self._records = records
        self._sql = database.statements("snapshots")

    async def get(self, seq: int, /) -> dict[str, Any] | None:
        """The values of a ledger row; None after an erasure ("inputs erased") and for rows that have none."""
        octets = await self._octets(seq)
        return None if octets is None else orjson.loads(octets)

    async def inputs(self, seq: int, digest: str, /) -> Inputs | None:
        """The same as they were when the row was written; `digest` is what the row names.

        Raises ValueError for values that are not the ones the row names, or that this version cannot read.
        """
        octets = await self._octets(seq)
        if octets is None:
            return None
        if sha256(octets).hex() != digest:
            raise ValueError("the kept inputs are not the ones that the row names")
        values = orjson.loads(octets)
        contact, history = values.get("contact"), values.get("history")
        return Inputs(
            values.get("campaign"),
            None if contact is None else self._records.read(orjson.dumps(contact)),
            values.get("recipient"),
            None if history is None else _history(history),
        )

    async def erase(self, mail_ids: Sequence[str], /) -> int:
        """Erase the values of these mails; the number that went."""
        if not mail_ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["erase"], (apsw.carray(tuple(mail_ids)),))
            return connection.changes()

        return await self._database.write(job)

    async def _octets(self, seq: int) -> bytes | None:
        found: bytes | None = await self._database.read(
            lambda connection: connection.execute(self._sql["get"], (seq,)).get
        )
        return found
