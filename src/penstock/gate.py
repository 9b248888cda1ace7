"""The library face: open a gate, ask it, send through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from penstock.acceptance.accepting import Accepting
from penstock.checking import Decided, StoredContacts, decisions
from penstock.clock import FrozenClock, SystemClock
from penstock.compose.lint import Finding, lint
from penstock.config.campaign_file import read_campaign
from penstock.config.settings import Settings, load_settings
from penstock.decision_line import Line
from penstock.errors import InvalidInput, StoreUnavailable, Unavailable
from penstock.law.countries import country_code
from penstock.model.campaign import Campaign
from penstock.observe.log import get_logger
from penstock.ports import Clock, Phase, Source
from penstock.rehearsing import Rehearsed, rehearse
from penstock.send_report import SendReport
from penstock.sending import Sending
from penstock.sources.contact_file import open_source
from penstock.sources.given import GivenContacts
from penstock.sources.reject_file import RejectFile
from penstock.sources.rows import RowReader
from penstock.submitting import Receipt, submit
from penstock.wiring import House, open_house

__all__ = ["Contacts", "Gate", "Receipt", "open_gate"]

_log = get_logger("gate")

Contacts = str | Path | Iterable[Mapping[str, Any]] | Source | None
"""A contact file, rows of one's own (fields as in a contact file), a source, or None for the contacts of the store."""


def _nothing(*_: object) -> None:
    return None


class Gate:
    """An open Penstock. Made by `penstock.open`; `stop` ends long work cleanly when set."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._courier: asyncio.Task[None] | None = None
        self._closing = False
        self._accepting: Accepting | None = None
        self._linted: dict[str, list[Finding]] = {}

    @property
    def settings(self) -> Settings:
        """The effective configuration."""
        return self.house.settings

    def campaign(self, given: str | Path | Campaign) -> Campaign:
        """Read a campaign file. Raises InvalidInput with file and line."""
        return given if isinstance(given, Campaign) else read_campaign(Path(given), self.settings)

    def lint(self, campaign: str | Path | Campaign) -> list[Finding]:
        """Faults of the campaign itself; a campaign is linted once as long as its content stays the same."""
        read = self.campaign(campaign)
        if read.digest not in self._linted:
            self._linted[read.digest] = lint(read, self.house.services)
        return self._linted[read.digest]

    def source(self, contacts: Contacts, mapping: Mapping[str, str] | None = None) -> Source:
        """Open what `contacts` stands for. Raises InvalidInput."""
        if contacts is None:
            return StoredContacts(self.house)
        if isinstance(contacts, str | Path):
            return open_source(Path(contacts), mapping or {}, country_code)
        if not isinstance(contacts, Iterable):
            return contacts
        return GivenContacts(contacts, RowReader(mapping or {}, country_code))

    async def decisions(
        self,
        campaign: str | Path | Campaign,
        contacts: Contacts = None,
        *,
        limit: int | None = None,
        last: Phase = Phase.SIGN,
        mapping: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Decided]:
        """Decide each row, nothing sent, nothing written; rows that cannot be read come as faults."""
        read = self.campaign(campaign)
        source = self.source(contacts, {**read.columns, **(mapping or {})})
        async for decided in decisions(self.house, read, source, limit=limit, last=last):
            yield decided

    async def check(self, campaign: str | Path | Campaign, contacts: Contacts = None) -> list[Decided]:
        """All decisions at once, in the order of the rows."""
        return [decided async for decided in self.decisions(campaign, contacts)]

    async def send(
        self,
        campaign: str | Path | Campaign,
        contacts: Contacts = None,
        *,
        limit: int | None = None,
        wait: float = 60.0,
        workers: int = 1,
        mapping: Mapping[str, str] | None = None,
        emit: Callable[[Line], None] | None = None,
        sent_too: bool = True,
        progress: Callable[[str, int], None] = _nothing,
    ) -> SendReport:
        """The main job. Resumable: run again, it judges anew what stood still and resends nothing.

        `workers` processes share the work. `emit` gets a line per mail, without `sent_too` none for those that went.
        Raises InvalidInput where lint finds an error, Unavailable when store or adapter are away.
        """
        read = self._faultless(campaign)
        if read.message.relayed:
            mend = "hand them in with `X-Penstock-Campaign`, or give the campaign a letter ([message] text)"
            raise InvalidInput("the letters of this campaign are handed in ready-made", where=read.id, mend=mend)
        source = self.source(contacts, {**read.columns, **(mapping or {})})
        path = self.reject_path(read.id)
        async with RejectFile(path) as rejects:
            sent_too = sent_too and emit is not None
            sending = Sending(self.house, read, rejects, emit=emit or _nothing, sent_too=sent_too, progress=progress)
            report = await sending.run(source, limit=limit, wait=wait, workers=workers, stop=self.stop)
        report.reject_file = path if rejects.count else None
        return report

    def _faultless(self, campaign: str | Path | Campaign) -> Campaign:
        read = self.campaign(campaign)
        fault = next((finding for finding in self.lint(read) if finding.level == "error" and finding.stops), None)
        if fault is not None:
            raise InvalidInput(fault.what, where=fault.where, mend=fault.mend)
        return read

    async def rehearse(
        self,
        campaign: str | Path | Campaign,
        contacts: Contacts,
        to: str,
        *,
        as_address: str | None = None,
        limit: int = 1,
        mapping: Mapping[str, str] | None = None,
    ) -> list[Rehearsed]:
        """Finished mails to oneself, marked as tests; see `penstock.rehearsing`. Raises InvalidInput, Unavailable."""
        read = self.campaign(campaign)
        source = self.source(contacts, {**read.columns, **(mapping or {})})
        return await rehearse(self.house, read, source, to, as_address=as_address, limit=limit)

    def reject_path(self, name: str) -> Path:
        """Where rows that cannot be used are set aside: `rejects/NAME.jsonl` beside the config."""
        folder = self.settings.path("rejects")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as fault:
            what = f"the folder cannot be made: {fault.strerror}"
            raise StoreUnavailable(what, where=str(folder), mend="make room for it") from None
        return folder / f"{name}.jsonl"

    async def submit(
        self,
        message: EmailMessage | bytes,
        *,
        stream: str = "transactional",
        controller: str | None = None,
        campaign: str = "",
    ) -> Receipt:
        """Take a ready-made message; the receipt is given after the durable save, sending goes on in the background.

        Advertising needs the id of a campaign whose letters are handed in ready-made. Raises InvalidInput and
        Unavailable; then nothing was saved.
        """
        if self._accepting is None:
            self._accepting = Accepting(self.house)
            await self._accepting.open()
        receipt = await submit(self._accepting, message, stream, controller=controller, campaign=campaign)
        if self._courier is None:
            self._courier = asyncio.create_task(self._carry(), name="penstock-courier")
        self._wake.set()
        return receipt

    async def _carry(self) -> None:
        """The worker that runs while the gate is open."""
        worker = self.house.worker()
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await worker.drain(wait=0.0, stop=self.stop)
            except Unavailable as fault:
                _log.warning("courier_waits", fault=type(fault).__name__)
            if self._closing:
                return

    async def aclose(self) -> None:
        """Send what is due, then close store and adapters."""
        self._closing = True
        if self._courier is not None:
            self._wake.set()
            await self._courier
        await self.house.aclose()


@asynccontextmanager
async def open_gate(
    config: str | Path | Settings | None = None,
    *,
    now: datetime | None = None,
    clock: Clock | None = None,
    read_only: bool = False,
) -> AsyncIterator[Gate]:
    """Open a gate for `async with`.

    `config` is a file, read settings, or None for `$PENSTOCK_CONFIG`, `./config.toml`, built-in defaults. `now`
    freezes rule time. `read_only` writes nothing. Raises ConfigError and Unavailable.
    """
    if not isinstance(config, Settings):
        config = load_settings(Path(config) if config is not None else None, os.environ)
    chosen = clock or (FrozenClock(now) if now else SystemClock())
    gate = Gate(await open_house(config, chosen, read_only=read_only))
    try:
        yield gate
    finally:
        await gate.aclose()
