"""The adapter that hands mails to a mail server (RFC 5321), each exactly once."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import replace

from penstock.adapters.breaker import Breaker
from penstock.adapters.smtp_envelope import Parcel, parcel_of
from penstock.adapters.smtp_lanes import ACCOUNT_PAUSE, Again, Job, Lanes, Limits
from penstock.adapters.smtp_login import Credentials
from penstock.adapters.smtp_opening import Opener
from penstock.adapters.smtp_replies import Kind, Scope, Stage, asked_delay, classify, receipt
from penstock.adapters.smtp_session import Offers
from penstock.adapters.smtp_transaction import Answered, Broken, Timeouts
from penstock.adapters.smtp_url import SmtpAddress, Utf8
from penstock.errors import AdapterUnavailable
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.observe.log import get_logger
from penstock.ports import Capabilities, Clock, Marks

__all__ = ["SmtpAdapter"]

_CLOSED = 421


class SmtpAdapter:
    """Sends through one server, over a pool of sessions that is this adapter's own.

    `rates` are the provider's caps (`"2000/d"`), to be kept besides the configured ones. `tls_context` None: the
    system's certificates. `marks` makes header fields for the ESP behind the server; then what comes back is known by
    this adapter's name. Three bad ends in a row close the way out for `pause` seconds.
    """

    def __init__(
        self,
        name: str,
        address: SmtpAddress,
        clock: Clock,
        *,
        credentials: Credentials | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 — frozen
        limits: Limits | None = None,
        tls_context: ssl.SSLContext | None = None,
        marks: Marks | None = None,
        pause: float = 60.0,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            max_batch=50,
            smtputf8=None if address.smtputf8 is Utf8.AUTO else address.smtputf8 is Utf8.YES,
            envelope_sender=address.envelope_sender,
            permission="any" if marks is None else "consent",  # as the terms of nearly all ESPs have it
        )
        self.rates = address.rates
        self._address = address
        self._marks = marks
        self._via = "" if marks is None else name
        self._closed = False
        self._learned = False
        self._breaker = Breaker(clock, pause=pause)
        self._lanes = Lanes(
            Opener(address, credentials, timeouts, tls_context),
            self._breaker,
            clock,
            name=name,
            timeouts=timeouts,
            limits=limits or Limits(sessions=address.connections),
            ended=self._outcome,
            opened=self._learn,
        )
        self._log = get_logger("adapters.smtp")

    async def prepare(self) -> None:
        """With `smtputf8=auto` ask the server once what it offers. Raises AdapterUnavailable."""
        if self._address.smtputf8 is Utf8.AUTO and not (self._learned or self._closed or self._breaker.open):
            await self._lanes.greet()

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order.

        Raises AdapterUnavailable when none could be offered: no connection, login refused, or closed after failures.
        """
        if self._closed or self._breaker.open:
            raise AdapterUnavailable(
                "closed" if self._closed else f"left alone for a while: {self._breaker.why}", where=self._address.place
            )
        parcels = [parcel_of(mail, self._marks) for mail in mails]
        jobs = [parcel if isinstance(parcel, Failed) else Job(parcel) for parcel in parcels]
        waiting = [job for job in jobs if isinstance(job, Job)]
        self._lanes.put(waiting)
        try:
            for job in waiting:
                await job.answer
        finally:
            for job in waiting:
                job.answer.cancel()
        return self._answers(jobs)

    async def aclose(self) -> None:
        """Interrupt what runs and close all sessions."""
        self._closed = True
        await self._lanes.aclose()

    def _answers(self, jobs: Sequence[Job | Failed]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        faults = []
        for job in jobs:
            answer = job if isinstance(job, Failed) else job.answer.result()
            if isinstance(answer, AdapterUnavailable):
                faults.append(answer)
                answer = TryLater(answer.what, attempt_used=False)
            outcomes.append(answer)
        if faults and len(faults) == len(outcomes):
            fault = faults[0]
            raise AdapterUnavailable(fault.what, where=fault.where, mend=fault.mend) from fault
        return outcomes

    def _learn(self, offers: Offers) -> None:
        self._learned = True
        if self._address.smtputf8 is Utf8.AUTO:
            self.capabilities = replace(self.capabilities, smtputf8=offers.smtputf8)

    def _outcome(self, parcel: Parcel, ended: Answered | Broken, used: bool) -> Outcome | Again:
        match ended:
            case Answered():
                return self._decided(parcel, ended, used=used)
            case Broken(why=why, in_doubt=True):
                self._breaker.bad(why)
                self._log.warning("smtp_doubt", adapter=self.name, mail=parcel.envid, why=why)
                return Uncertain(f"after the message was sent: {why}", self._via)
            case Broken(why=why):
                later = TryLater(f"before the message was sent: {why}")
                if ended.lost_commands or (used and ended.untouched):
                    return Again(later)
                self._breaker.bad(why)
                return later

    def _decided(self, parcel: Parcel, ended: Answered, *, used: bool) -> Outcome | Again:
        reply = ended.reply
        if reply.code // 100 == 2:
            self._breaker.good()
            return Accepted(receipt(reply.code, reply.text), self._via)
        meant = classify(ended.stage, reply.code, reply.status, reply.text)
        why = f"{reply.code} {meant.status} to {ended.stage}: {meant.meaning}"
        over = reply.code == _CLOSED or meant.scope is Scope.ACCOUNT
        if over and used and ended.stage is Stage.MAIL:
            # The session is worn out, not our login: a new one will tell.
            return Again(TryLater(why, code=meant.code, attempt_used=False))
        if meant.stops_adapter:
            self._breaker.trip(why, ACCOUNT_PAUSE)
            self._log.error("smtp_account_refused", adapter=self.name, mail=parcel.envid, why=why)
            return TryLater(why, code=meant.code, attempt_used=False)
        if over:
            self._breaker.bad(why)
        else:
            self._breaker.good()
        if meant.kind is Kind.LATER:
            return TryLater(why, after=asked_delay(reply.text), code=meant.code)
        return Failed(why, meant.status, meant.code)
