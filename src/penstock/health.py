"""What `doctor` looks at. Each part is examined even where another failed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from penstock.clock import FrozenClock, SystemClock
from penstock.compose.notice_approval import TextState, text_state, why_held
from penstock.compose.notice_text import NoticeShelf
from penstock.config.dkim_keys import read_signer
from penstock.config.policies import read_policies
from penstock.config.register_file import GOOD_FOR, FetchedRegister, read_register
from penstock.config.settings import Settings, load_settings
from penstock.errors import PenstockError
from penstock.law.jurisdictions import Table, policy_warnings
from penstock.outcomes.receiver_health import receiver_findings
from penstock.ports import Clock, ReturnCount
from penstock.probing import pages_finding
from penstock.store.backlog_reader import BacklogReader
from penstock.store.connections import path_of
from penstock.store.opening import has_data
from penstock.templates import template_folder
from penstock.ways_in import door_rules, open_codec
from penstock.wiring import House, open_house

__all__ = ["Finding", "examine"]

LOW_DISK = 200 * 1024 * 1024
BUILT = datetime(2026, 11, 1, tzinfo=UTC)  # no machine's clock can truly stand before this
_COUNTED = {"calls": "calls", "told": "events", "not_ours": "not of our mails", "refused": "refused",
            "unreadable": "unreadable"}  # fmt: skip
"""What of that which comes back is told, and how."""


class Finding(NamedTuple):
    """One line."""

    what: str
    state: Literal["ok", "warn", "fail"]
    says: str


async def examine(config: Path | None, now: datetime | None) -> list[Finding]:
    """All findings, in a fixed order; never raises for what is wrong with the installation."""
    findings = [_clock(), _templates()]
    try:
        settings = load_settings(config, os.environ)
    except PenstockError as fault:
        return [Finding("config", "fail", str(fault)), *findings]
    findings.insert(0, _config(settings))
    clock: Clock = FrozenClock(now) if now else SystemClock()
    findings += _law(settings, clock.now().date())
    findings += _signatures(settings, clock.now().date())
    path, shut = path_of(settings.store_url()), _shut_doors(settings)
    try:
        house = await open_house(settings, clock, read_only=True)
    except PenstockError as fault:
        return [*findings, *shut.values(), Finding("store", "fail", str(fault))]
    try:
        findings += await _store(house, path if path is not None and has_data(path) else None)
        findings += [*_notices(house), *_stages(house)]
        findings += [*_ways_out(house), *await _pages(house), *await _returns(house, shut)]
        findings += [Finding("outcomes", *each) for each in await receiver_findings(house)]
    finally:
        await house.aclose()
    return findings


def _config(settings: Settings) -> Finding:
    if not settings.controllers:
        return Finding("config", "warn", "no controller yet: [controllers.NAME] says who answers for the mails")
    if not settings.web.base_url:
        return Finding(
            "config", "warn", "web.base_url is not set: no opt-out link can be made, so no advertising leaves"
        )
    names = ", ".join(settings.controllers)
    return Finding("config", "ok", f"controllers: {names}")


def _clock() -> Finding:
    if datetime.now(UTC) < BUILT:
        return Finding("clock", "fail", "the machine's clock stands before this program was made")
    drift = abs(time.time() - datetime.now(UTC).timestamp())
    return Finding("clock", "ok" if drift < 1 else "warn", f"UTC {datetime.now(UTC):%Y-%m-%d %H:%M:%S}")


def _templates() -> Finding:
    try:
        folder = template_folder()
    except PenstockError as fault:
        return Finding("templates", "fail", str(fault))
    languages = sorted(each.name for each in (folder / "notices").iterdir() if each.is_dir())
    return Finding("templates", "ok", f"notices in {', '.join(languages)}")


def _law(settings: Settings, today: date) -> list[Finding]:
    """A line for the table of law and one for each register; what cannot be read is told with the others."""
    try:
        findings = [_table(read_policies(settings.path("policies")), today)]
    except PenstockError as fault:
        findings = [Finding("law", "fail", str(fault))]
    for name, section in settings.registers.items():
        try:
            listed = read_register(settings.path(section.file))
        except PenstockError as fault:
            findings.append(Finding("register", "fail", f"{name}: {fault}"))
        else:
            findings.append(_register(name, FetchedRegister(listed, section.fetched_at), today))
    return findings


def _signatures(settings: Settings, today: date) -> list[Finding]:
    """A line for each key that signs mail, and for each domain that has none. DNS is not asked."""
    if not settings.sender:
        return [Finding("dkim", "warn", "no [[sender]]: nothing is signed here; penstock dkim new DOMAIN makes a key")]
    findings = []
    for place, sender in enumerate(settings.sender):
        due = [each.from_ or date.min for each in sender.dkim if (each.from_ or date.min) <= today]
        if not due:
            says = f"{sender.domain}: mail is not signed here; the way out has to sign it"
            findings.append(Finding("dkim", "warn", says))
        for number, key in enumerate(sender.dkim):
            since = key.from_ or date.min
            when = f"will sign from {since} on" if since > today else "signs" if since == max(due) else "signed before"
            findings.append(_signature(settings, place, number, f"{sender.domain}: {key.selector} {when}"))
    return findings


def _signature(settings: Settings, sender: int, number: int, says: str) -> Finding:
    try:
        read_signer(settings, sender, number)
    except PenstockError as fault:
        return Finding("dkim", "fail", str(fault))
    key = settings.sender[sender].dkim[number]
    for secret in (key.key, *([key.ed25519.key] if key.ed25519 else [])):
        kind, _, place = secret.reference.partition(":")
        if kind == "file" and (file := settings.path(place)).stat().st_mode & 0o077:
            return Finding("dkim", "warn", f"{says}, but others may read the key: chmod 600 {file}")
    return Finding("dkim", "ok", f"{says}, together with {key.ed25519.selector}" if key.ed25519 else says)


def _table(table: Table, today: date) -> Finding:
    signed = sum(table.of(cc, today).signed_off is not None for cc in table.countries)
    old = policy_warnings(table, (), today)  # only its age: the sign-offs are counted here
    year, month = (int(part) for part in table.version.split("-"))
    months = max(0, (today.year - year) * 12 + today.month - month)
    age = "of this month" if months == 0 else f"{months} months old" if months > 1 else "one month old"
    says = f"table {table.version}, {age}; {signed} of {len(table.countries)} countries signed off by a lawyer"
    mend = old[0].rpartition(": ")[2] if old else "" if signed else "penstock policy signoff --by NAME --at DATE"
    return Finding("law", "ok" if signed and not old else "warn", f"{says}: {mend}" if mend else says)


def _register(name: str, register: FetchedRegister, today: date) -> Finding:
    fetched = register.fetched_at
    if fetched is None:
        age = "nobody knows when it was fetched"
    elif fetched > today:
        age = f"said to be fetched on {fetched}, which is yet to come"
    else:
        age = f"fetched {(today - fetched).days} days ago"
    if register.is_current(today):
        return Finding("register", "ok", f"{name}: {len(register.entries)} entries, {age}")
    limit = f"; it must be at most {GOOD_FOR.days} days old, so mail that needs it is held"
    return Finding("register", "warn", f"{name}: {len(register.entries)} entries, {age}{limit}")


async def _store(house: House, path: Path | None) -> list[Finding]:
    if path is None:
        return [Finding("store", "warn", "empty: it is made, with its keys, by the first command that writes")]
    report = await house.store.ledger.verify()
    contacts, entries = await house.store.contacts.count(), await house.store.suppressions.count()
    free = shutil.disk_usage(path.parent).free
    space = Finding("disk", "ok" if free > LOW_DISK else "warn", f"{free // (1024 * 1024)} MiB free beside the store")
    ledger = Finding("ledger", "fail" if report.fault else "ok", report.fault or f"{report.rows} rows verified")
    return [
        Finding("store", "ok", f"{contacts} contacts, {entries} suppressions"),
        Finding("keys", "ok", "the keys are those the store was made with"),
        ledger,
        await _doubts(house),
        space,
    ]


async def _doubts(house: House) -> Finding:
    number = (await BacklogReader(house.store.database, house.clock, time.perf_counter).read()).uncertain
    if number:
        says = f"{number} mails may have been sent or not, and wait for a person: penstock uncertain list"
        return Finding("uncertain", "warn", says)
    return Finding("uncertain", "ok", "no mail is in doubt")


def _notices(house: House) -> list[Finding]:
    """A line for each text that may not leave, else one for all."""
    texts = house.services.legal_texts
    shelf = NoticeShelf(house.services.templates / "notices", texts.folder)
    findings = []
    for language in sorted(shelf.languages()):
        try:
            file = shelf.file(language)
            why = why_held(file, texts)
        except PenstockError as fault:
            findings.append(Finding("notices", "fail", str(fault)))
            continue
        if why is not None:
            changed = text_state(file, texts) is TextState.CHANGED
            findings.append(Finding("notices", "fail" if changed else "warn", why))
    approved = sum(bool(each.approved_by) for each in texts.approved.values())
    says = f"{len(shelf.languages())} languages, {approved} approved by a person"
    return findings or [Finding("notices", "ok", says)]


def _stages(house: House) -> list[Finding]:
    try:
        stages = house.pipeline(peek=True).stages
    except PenstockError as fault:
        return [Finding("stages", "fail", str(fault))]
    return [Finding("stages", "ok", " → ".join(stage.name for stage in stages))]


def _ways_out(house: House) -> list[Finding]:
    findings = []
    for stream, adapter in house.services.routes.items():
        known = adapter in house.adapters
        says = f"{stream} leaves by {adapter}" if known else f"{stream} leads to {adapter}, which is not configured"
        findings.append(Finding("route", "ok" if known else "fail", says))
    return findings


async def _pages(house: House) -> list[Finding]:
    found = await pages_finding(house)
    return [Finding("pages", *found)] if found is not None else []


def _shut_doors(settings: Settings) -> dict[str, Finding]:
    """The adapters whose ESP is to call back and cannot, with what is wrong."""
    shut = {}
    for name, each in settings.adapters.items():
        if each.webhook is not None:
            try:
                door_rules(settings, name, open_codec(settings, name))
            except PenstockError as fault:
                shut[name] = Finding("returns", "fail", f"{name}: {fault}")
    return shut


async def _returns(house: House, shut: Mapping[str, Finding]) -> list[Finding]:
    """A line for each adapter whose ESP is to call back."""
    counts = await house.store.returns.counts()
    return [
        shut.get(name) or await _told(house, name, {each.what: each for each in counts if each.adapter == name})
        for name in sorted(house.services.doors)
    ]


async def _told(house: House, name: str, counts: Mapping[str, ReturnCount]) -> Finding:
    numbers = ", ".join(f"{words} {counts[what].number}" for what, words in _COUNTED.items() if what in counts)
    numbers = f" ({numbers})" if numbers else ""
    hours = house.services.silent_after_hours
    silence = await house.store.returns.silence(name, hours) if hours else None
    if silence is not None:
        says = f"{name}: told nothing since {silence.since:%Y-%m-%d %H:%M} UTC of mail it was given{numbers}"
        mend = f"does penstock relay --only web run, and does the ESP call /webhooks/{name} there?"
        return Finding("returns", "warn", f"{says}; advertising by it waits: {mend}")
    if "door" not in counts:
        return Finding("returns", "warn", f"{name}: nobody listens yet: penstock relay --only web takes what it tells")
    if "told" not in counts:
        return Finding("returns", "ok", f"{name}: told nothing yet{numbers}")
    passed = house.clock.now() - counts["told"].last_at
    return Finding("returns", "ok", f"{name}: last told {_passed(passed)}{numbers}")


def _passed(time_passed: timedelta) -> str:
    minutes = time_passed // timedelta(minutes=1)
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"
