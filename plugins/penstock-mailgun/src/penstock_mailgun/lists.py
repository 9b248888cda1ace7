"""Mailgun's suppression lists of one sending domain: read, added to, and what can be erased there.

Source: Mailgun's OpenAPI description, tags Bounces, Complaints and Unsubscribe (2026-07).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, urlsplit

from penstock.adapters.http import Exchange, HttpResponse, Inquiry, object_of
from penstock.errors import AdapterUnavailable
from penstock.model.suppression import SuppressionReason
from penstock.ports import Clock, ErasureReceipt, Listed

__all__ = ["MailgunErasure", "MailgunLists", "Suppressions"]

_LISTS: Mapping[str, SuppressionReason] = {
    "bounces": SuppressionReason.BOUNCE,
    "complaints": SuppressionReason.COMPLAINT,
    "unsubscribes": SuppressionReason.UNSUBSCRIBE,
}
"""The allowlist ("whitelists") is none of them."""
_ALL_TAGS = "*"
_PER_PAGE = 300
"""Mailgun gives up to 1,000; bounces come with the other server's words, and an answer is read up to 1 MiB."""
_PER_PUSH = 500
"""Described as "up to 1000", and refused as "should be less than 1000"."""
_AFTER = re.compile(rb"\btry again after ([0-9]{1,6}) seconds?\b", re.IGNORECASE)


class Suppressions(Inquiry):
    """Asks `/v3/DOMAIN/LIST`. What is not answered as described raises AdapterUnavailable."""

    def __init__(self, domain: str, authorization: str, exchange: Exchange) -> None:
        self.root = f"/v3/{domain}/"
        super().__init__(exchange, {"Authorization": authorization}, esp="Mailgun")

    async def pages(self, name: str) -> AsyncIterator[list[dict[str, object]]]:
        """Every page of a list. Mailgun names a next page on the last one too: an empty page is the end."""
        path = f"{self.root}{name}?limit={_PER_PAGE}"
        seen: set[str] = set()
        while path not in seen:
            seen.add(path)
            told = _object(await self.asked(path))
            items = told.get("items")
            if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
                raise AdapterUnavailable("a page of a list could not be read")
            if not items:
                return
            yield items
            path = self._next(name, told.get("paging"))
        raise AdapterUnavailable("the pages of a list go in a circle")

    def pause(self, answer: HttpResponse) -> float | None:
        """Seconds, as a header or the text asks."""
        pause = super().pause(answer)
        if pause is None and (told := _AFTER.search(answer.body)):
            return float(told[1])
        return pause

    def _next(self, name: str, paging: object) -> str:
        """Where the next page is, at the address that we know: the key goes nowhere else."""
        address = paging.get("next") if isinstance(paging, dict) else None
        parts = _split(address) if isinstance(address, str) else None
        if parts is None or parts[0] != f"{self.root}{name}" or not parts[1]:
            raise AdapterUnavailable("a page of a list does not name the next one")
        return f"{parts[0]}?{parts[1]}"


class MailgunLists:
    """Bounces, complaints and unsubscriptions; objections go on the unsubscriptions of one tag."""

    def __init__(self, suppressions: Suppressions, tag: str, clock: Clock) -> None:
        """`tag` is what the mails carry that objections are to stop; empty: nothing is pushed."""
        self.pushes_to = f"unsubscribes.{tag}" if tag else ""
        self._suppressions = suppressions
        self._tag = tag
        self._clock = clock

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """All lists, one after the other. An unsubscription from single tags is named `unsubscribes.TAG,TAG`."""
        for name, reason in _LISTS.items():
            async for items in self._suppressions.pages(name):
                yield [_listed(item, name, reason) for item in items]

    async def push(self, addresses: Sequence[str], /) -> None:
        """Unsubscribe them from the tag.

        The list is read before, as Mailgun does not say what becomes of an entry that is written again: who is
        unsubscribed already stays so, from all tags that stand there.
        """
        if not addresses or not self._tag:
            return
        wanted = {address.lower(): address for address in addresses}
        there: dict[str, list[str]] = {}
        async for items in self._suppressions.pages("unsubscribes"):
            for item in items:
                if (address := _address(item).lower()) in wanted:
                    there.setdefault(address, []).extend(_tags(item))
        at = format_datetime(self._clock.now().astimezone(UTC)).replace("+0000", "UTC")
        entries = [
            {"address": address, "tags": [*dict.fromkeys(there.get(key, ())), self._tag], "created_at": at}
            for key, address in wanted.items()
            if not {self._tag, _ALL_TAGS} & set(there.get(key, ()))
        ]
        path = f"{self._suppressions.root}unsubscribes"
        for start in range(0, len(entries), _PER_PUSH):
            await self._suppressions.asked(path, entries[start : start + _PER_PUSH])


class MailgunErasure:
    """Bounces are erased. Complaints and unsubscriptions are objections and stay: others send from the domain too."""

    erases = (
        "Mailgun's entry on the list of bounces is erased; complaints and unsubscriptions stay there so that they are "
        "still obeyed, and stored messages and events go when the time of the Mailgun plan is over."
    )

    def __init__(self, suppressions: Suppressions) -> None:
        self._suppressions = suppressions

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """One request and one receipt per address; who is not on the list has nothing to erase."""
        receipts = []
        for address in addresses:
            path = f"{self._suppressions.root}bounces/{quote(address, safe='@')}"
            answer = await self._suppressions.asked(path, method="DELETE", missing=404)
            # A domain that is not there is 404 as well, and then nothing is known about the address.
            if answer.status == 404 and not str(_object(answer).get("message")).startswith("Address not found"):
                raise AdapterUnavailable("an answer about the list of bounces could not be read")
            reference = "bounces: removed" if answer.status == 200 else "bounces: not listed"
            receipts.append(ErasureReceipt(reference, done=True))
        return receipts


def _listed(item: Mapping[str, object], name: str, reason: SuppressionReason) -> Listed:
    if name == "unsubscribes" and (tags := _tags(item)) and _ALL_TAGS not in tags:
        name = f"unsubscribes.{','.join(tags)}"
    return Listed(_address(item), reason, name, _moment(item.get("created_at")))


def _address(item: Mapping[str, object]) -> str:
    address = item.get("address")
    if not isinstance(address, str) or "@" not in address:
        raise AdapterUnavailable("an entry of a list has no address")
    return address


def _tags(item: Mapping[str, object]) -> list[str]:
    """What one is unsubscribed from. No tags: everything, as with `*`."""
    tags = item.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise AdapterUnavailable("an unsubscription could not be read")
    return tags or [_ALL_TAGS]


def _moment(text: object) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _object(answer: HttpResponse) -> dict[str, object]:
    if (told := object_of(answer.body)) is None:
        raise AdapterUnavailable("an answer about a list could not be read")
    return told


def _split(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.path, parts.query
