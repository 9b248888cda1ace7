"""Signs the finished mail (RFC 6376)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from penstock.compose.headers import split_mailbox
from penstock.model.address import a_label
from penstock.model.mail import Mail, Message
from penstock.model.routing import from_address
from penstock.model.verdict import Reason
from penstock.ports import ALL_STREAMS, Capabilities, NoOptions, Phase, Services, Signer

__all__ = ["Dkim"]

_PLAIN = Capabilities()
_LEAST = 8
"""Signatures that are worth a thread of their own."""


class Dkim:
    """Puts DKIM-Signature before the message and changes nothing else.

    The key is that of the `[[sender]]` that answers for the domain in From. Mail without one, and mail by an adapter
    that signs itself or lets nobody sign, passes unchanged; a signature that is there already stays.
    """

    Options: ClassVar[type] = NoOptions
    name = "dkim"
    phase = Phase.SIGN
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("clock", "senders", "capabilities")

    def __init__(self, options: NoOptions, services: Services) -> None:
        """Raises ConfigError for a key that cannot be used."""
        del options
        self._services = services
        services.senders.load()

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The same mails, signed where somebody signs for them; a repeat gets the identical signature."""
        if not self._services.senders.any():
            return mails
        now = self._services.clock.now()
        answers = list(mails)
        jobs = [job for place, mail in enumerate(mails) if (job := self._job(place, mail, now)) is not None]
        # The large numbers of RSA are worked out without the interpreter's lock, so that each thread has its core.
        number = max(1, min(_cores(), len(jobs) // _LEAST))
        parts = [jobs[at::number] for at in range(number)] if jobs else []
        for signed in await asyncio.gather(*(asyncio.to_thread(_signed, part) for part in parts)):
            for place, mail in signed:
                answers[place] = mail
        return answers

    def _job(self, place: int, mail: Mail, now: datetime) -> _Job | None:
        content = mail.content
        if not isinstance(content, Message):
            return None
        can = self._services.capabilities.get(self._services.way_of(mail), _PLAIN)
        if can.dkim != "ours":
            return None
        # As with Date, the time of the first begin: a repeat is the identical payload, even where keys changed since.
        moment = mail.begun_at or now
        domain, senders = _from_domain(content), self._services.senders
        signer = senders.signer(domain, moment) or senders.signer(domain, now)
        return None if signer is None else _Job(place, mail, content, signer, moment, can.dkim_headers)


class _Job(NamedTuple):
    """One mail to be signed, and its place in the batch."""

    place: int
    mail: Mail
    content: Message
    signer: Signer
    moment: datetime
    headers: frozenset[str] | None


def _signed(jobs: Sequence[_Job]) -> list[tuple[int, Mail]]:
    done = []
    for job in jobs:
        data = job.content.data
        signature = job.signer.signature(data, job.moment, job.headers)
        done.append((job.place, job.mail.with_content(job.content.with_data(signature + data))))
    return done


def _from_domain(content: Message) -> str:
    """The domain in From, in A-labels; empty where none can be made out."""
    if content.letter is not None:
        address = split_mailbox(content.letter.header("From") or "")[1]
    else:
        address = from_address(content.data)
    return a_label(address.rpartition("@")[2].lower())


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
