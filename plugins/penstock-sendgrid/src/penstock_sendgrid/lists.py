"""SendGrid's suppression lists and its interface to erase recipients.

Source: the published descriptions suppressions_v3 and recipients_data_erasure_v3 (twilio/sendgrid-oai), the page "Rate
Limits" of the same interface.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from penstock.adapters.http import Exchange, HttpResponse, Inquiry, json_of
from penstock.model.suppression import SuppressionReason
from penstock.ports import Clock, ErasureReceipt, Listed

__all__ = ["Account", "SendGridErasure", "SendGridLists"]

_LISTS: Mapping[str, SuppressionReason] = {
    "bounces": SuppressionReason.BOUNCE,
    "invalid_emails": SuppressionReason.BOUNCE,
    "spam_reports": SuppressionReason.COMPLAINT,
    "unsubscribes": SuppressionReason.UNSUBSCRIBE,
}
"""Under /v3/suppression/. Never `blocks`: these are mails that failed, not people who must not get any."""
_GROUPS = "/v3/asm/groups"
_PAGE = 200
"""Of at most 500: entries hold what servers said."""
_MOST_OCTETS = 64 << 20
"""Of an answer: groups come in one piece."""
_PUSHED = 1_000
"""Addresses in one request; SendGrid names no limit."""
_ERASED = 5_000
_ERASED_OCTETS = 250_000
"""Of one request to erase, below the 256 KB that are taken."""
_TRIES = 5
_USUAL_WAIT = 5.0
_EPOCH_LIKE = 1_000_000_000.0
_LATEST = 4_102_444_800
_JOB = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Account(Inquiry):
    """One account's interface: asks, waits where SendGrid says so, and understands whole answers only."""

    def __init__(self, name: str, key: str, exchange: Exchange, clock: Clock) -> None:
        log_in, where = {"Authorization": f"Bearer {key}"}, f"adapters.{name}"
        super().__init__(
            exchange, log_in, esp="SendGrid", where=where, tries=_TRIES, usual=_USUAL_WAIT, most=_MOST_OCTETS
        )
        self._clock = clock

    async def ask(self, path: str, sent: Mapping[str, Any] | None = None) -> Any:
        """GET, or POST of `sent` as JSON; what the answer holds. Raises AdapterUnavailable."""
        response = await self.answered(path, sent)
        if response.status in {401, 403}:
            raise self.fault(f"HTTP {response.status}: the key may not do this")
        if not 200 <= response.status < 300:
            raise self.refused(response)
        if (found := json_of(response.body)) is None:
            raise self.fault("an answer that is no whole JSON")
        return found

    def pause(self, answer: HttpResponse) -> float | None:
        """Seconds: Retry-After, else the limit's reset, which is a moment in some parts and a number in others."""
        for name in ("retry-after", "x-ratelimit-reset"):
            try:
                asked = float(answer.headers.get(name, ""))
            except ValueError:
                continue
            if 0.0 <= asked < float("inf"):
                wait = asked - self._clock.now().timestamp() if asked > _EPOCH_LIKE else asked
                return max(wait, 0.0)
        return None


class SendGridLists:
    """The account's lists; `group` is the unsubscribe group (ASM) that takes our objections, None for none."""

    def __init__(self, account: Account, group: int | None = None) -> None:
        self.pushes_to = "" if group is None else _group_name(group)
        self._account = account
        self._group = group

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """Bounces, invalid addresses, complaints, global unsubscribes, and those of every group."""
        for name, reason in _LISTS.items():
            async for page in self._pages(f"/v3/suppression/{name}"):
                yield [self._listed(each, name, reason) for each in page]
        for group in await self._groups():
            found = self._list(await self._account.ask(f"{_GROUPS}/{group}/suppressions"))
            if found:
                yield [Listed(self._address(each), SuppressionReason.UNSUBSCRIBE, _group_name(group)) for each in found]

    async def push(self, addresses: Sequence[str], /) -> None:
        """Into the group. It is looked for before: what goes to a group that is gone SendGrid puts on its global list,
        which stops all mail.
        """
        if not addresses:
            return
        if self._group is None:
            raise self._account.fault("no group is configured to push to")
        if self._group not in await self._groups():
            raise self._account.fault("the group to push to does not exist")
        for at in range(0, len(addresses), _PUSHED):
            sent = {"recipient_emails": list(addresses[at : at + _PUSHED])}
            await self._account.ask(f"{_GROUPS}/{self._group}/suppressions", sent)

    async def _pages(self, path: str) -> AsyncIterator[list[Any]]:
        offset, before = 0, None
        while True:
            page = self._list(await self._account.ask(f"{path}?limit={_PAGE}&offset={offset}"))
            if page and page == before:
                raise self._account.fault("the same page comes again and again")
            if len(page) > _PAGE:
                raise self._account.fault("a page longer than asked for")
            if page:
                yield page
            if len(page) < _PAGE:
                return
            offset, before = offset + _PAGE, page

    async def _groups(self) -> list[int]:
        found = self._list(await self._account.ask(_GROUPS))
        ids = [each["id"] for each in found if isinstance(each, dict) and type(each.get("id")) is int]
        if len(ids) != len(found):
            raise self._account.fault("a group without a number")
        return ids

    def _list(self, found: Any) -> list[Any]:
        if not isinstance(found, list):
            raise self._account.fault("an answer that is no list")
        return found

    def _listed(self, entry: Any, name: str, reason: SuppressionReason) -> Listed:
        if not isinstance(entry, dict):
            raise self._account.fault("an entry that is no object")
        return Listed(self._address(entry.get("email")), reason, name, _moment(entry.get("created")))

    def _address(self, written: Any) -> str:
        if not isinstance(written, str) or not written.strip():
            raise self._account.fault("an entry without an address")
        return written.strip()


class SendGridErasure:
    """The Recipients' Data Erasure interface; accounts of before July 2023 have to ask SendGrid for it."""

    erases = (
        "SendGrid erases names, addresses, subjects, categories and IP addresses of this account's recipients, not "
        "those of sub-users, and not custom arguments: our mail ids stay."
    )

    def __init__(self, account: Account) -> None:
        self._account = account

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """One job for up to 5,000 addresses; SendGrid takes it and tells no end of it."""
        receipts = []
        for some in _jobs(addresses):
            found = await self._account.ask("/v3/recipients/erasejob", {"email_addresses": some})
            job = found.get("job_id") if isinstance(found, dict) else None
            if not isinstance(job, str) or not _JOB.fullmatch(job):
                raise self._account.fault("an answer without the id of the job")
            receipts.append(ErasureReceipt(job, done=False))
        return receipts


def _jobs(addresses: Sequence[str]) -> list[list[str]]:
    """Each address once, as many together as one request takes."""
    jobs: list[list[str]] = []
    size = 0
    for address in dict.fromkeys(addresses):
        octets = len(_written(address)) + 1
        if not jobs or len(jobs[-1]) == _ERASED or size + octets > _ERASED_OCTETS:
            jobs.append([])
            size = 0
        jobs[-1].append(address)
        size += octets
    return jobs


def _written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _moment(written: object) -> datetime | None:
    """Of seconds since 1970; a time that cannot be read is none, as the entry holds without it."""
    if not isinstance(written, int | float) or isinstance(written, bool) or not 0 < written < _LATEST:
        return None
    return datetime.fromtimestamp(written, UTC)


def _group_name(group: int) -> str:
    return f"asm group {group}"
