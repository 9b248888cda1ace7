"""The suppressions of Postmark's message streams: read, added to, and what Postmark can be asked to erase.

Sources: the pages Suppressions API, Message Streams API and Data Removal API of postmarkapp.com/developer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from penstock.adapters.http import HttpResponse, Inquiry, object_of
from penstock.errors import AdapterUnavailable
from penstock.model.suppression import SuppressionReason
from penstock.ports import Clock, ErasureReceipt, Listed

__all__ = ["PostmarkErasure", "PostmarkLists"]

_REASONS: Mapping[str, SuppressionReason] = {
    "HardBounce": SuppressionReason.BOUNCE,
    "SpamComplaint": SuppressionReason.COMPLAINT,
    "ManualSuppression": SuppressionReason.UNSUBSCRIBE,
}
"""Postmark's word for who unsubscribes is ManualSuppression, too."""
_PUSHED = "ManualSuppression"
_ORIGINS = ("Recipient", "Customer", "Admin")
_STANDS = "you do not have the required authority to change this suppression"
"""Said of an address that complained: it is on the list, and stays."""
_NO_ADDRESS = "an invalid email address was provided"
"""To which Postmark sends nothing either."""
_PER_PUSH = 50
_MOST_OCTETS = 1 << 20
"""Of an answer that `Exchange` reads: one that is as long may be cut."""
_FIRST_DAY = date(2009, 1, 1)
"""Postmark is not older."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a stream's list: days are inclusive, what is empty is any."""

    stream: str
    since: date | None = None
    until: date | None = None
    reason: str = ""
    origin: str = ""

    @property
    def path(self) -> str:
        asked = {
            "SuppressionReason": self.reason,
            "Origin": self.origin,
            "fromdate": self.since.isoformat() if self.since else "",
            "todate": self.until.isoformat() if self.until else "",
        }
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/message-streams/{self.stream}/suppressions/dump{'?' if query else ''}{query}"

    def halves(self, today: date) -> list[_Part]:
        """Parts that make up this one: days first, then reasons, then origins. Raises AdapterUnavailable."""
        since, until = self.since or _FIRST_DAY, self.until or today + timedelta(days=1)
        if since < until:
            middle = since + (until - since) // 2
            return [replace(self, until=middle), replace(self, since=middle + timedelta(days=1))]
        if not self.reason:
            return [replace(self, reason=each) for each in _REASONS]
        if not self.origin:
            return [replace(self, origin=each) for each in _ORIGINS]
        raise AdapterUnavailable("a day of a stream's suppressions is longer than can be read")


class PostmarkLists:
    """The suppressions of the stream that is sent through; objections go on those of a broadcast stream."""

    def __init__(self, interface: Inquiry, stream: str, unsubscribe_stream: str, clock: Clock) -> None:
        """`unsubscribe_stream` is the broadcast stream that objections are to stop; empty: nothing is pushed."""
        self.pushes_to = f"{unsubscribe_stream}.{_PUSHED}" if unsubscribe_stream else ""
        self._interface = interface
        self._streams = tuple(dict.fromkeys(each for each in (stream, unsubscribe_stream) if each))
        self._to = unsubscribe_stream
        self._clock = clock

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """Postmark gives a list as a whole; one that is too long is asked for by days.

        `list_name` is the stream with Postmark's reason: `offers.HardBounce`.
        """
        today = self._clock.now().astimezone(UTC).date()
        left = [_Part(stream) for stream in reversed(self._streams)]
        while left:
            part = left.pop()
            answer = await self._interface.asked(part.path)
            if len(answer.body) >= _MOST_OCTETS:
                left += reversed(part.halves(today))
            else:
                yield [_listed(each, part.stream) for each in _suppressions(answer)]

    async def push(self, addresses: Sequence[str], /) -> None:
        """Suppress them on the stream, once this is seen to be one for broadcasts: others carry necessary mail."""
        if not addresses or not self._to:
            return
        told = _object(await self._interface.asked(f"/message-streams/{self._to}"))
        if told.get("MessageStreamType") != "Broadcasts":
            raise AdapterUnavailable("objections are not put on a message stream that is not for broadcasts")
        path = f"/message-streams/{self._to}/suppressions"
        for start in range(0, len(addresses), _PER_PUSH):
            chunk = addresses[start : start + _PER_PUSH]
            answer = await self._interface.asked(path, {"Suppressions": [{"EmailAddress": each} for each in chunk]})
            states = _suppressions(answer)
            if len(states) != len(chunk) or not all(map(_holds, states)):
                raise AdapterUnavailable("Postmark did not take all objections")


class PostmarkErasure:
    """Data removals, which Postmark opens to an account on request and the account's token alone may ask for."""

    erases = (
        "Postmark is asked to remove what the account keeps of the person; it promises to, and says later that it is "
        "done. Whether suppressions stay is Postmark's to say: our own list is what stops mail."
    )

    def __init__(self, interface: Inquiry, requested_by: str) -> None:
        self._interface = interface
        self._requested_by = requested_by

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """One request and one receipt per address; the reference is the id of the data removal."""
        receipts = []
        for address in addresses:
            body = {"RequestedBy": self._requested_by, "RequestedFor": address, "NotifyWhenCompleted": False}
            told = _object(await self._interface.asked("/data-removals", body))
            number, status = told.get("ID"), told.get("Status")
            if type(number) is not int or status not in {"Pending", "Done"}:
                raise AdapterUnavailable("an answer about a data removal could not be read")
            receipts.append(ErasureReceipt(f"data-removal {number}", done=status == "Done"))
        return receipts


def _listed(entry: Mapping[str, object], stream: str) -> Listed:
    address, reason = entry.get("EmailAddress"), entry.get("SuppressionReason")
    if not isinstance(address, str) or "@" not in address or not isinstance(reason, str):
        raise AdapterUnavailable("an entry of a list could not be read")
    known = reason in _REASONS
    # What Postmark suppresses for another reason is not to be mailed either.
    name = f"{stream}.{reason}" if known else stream
    return Listed(address, _REASONS.get(reason, SuppressionReason.OTHER), name, _moment(entry.get("CreatedAt")))


def _holds(state: Mapping[str, object]) -> bool:
    """Whether nothing will be sent to the address: it is suppressed now, was before, or is none."""
    if state.get("Status") == "Suppressed":
        return True
    why = str(state.get("Message")).lower()
    return state.get("Status") == "Failed" and (_STANDS in why or _NO_ADDRESS in why)


def _suppressions(answer: HttpResponse) -> list[dict[str, object]]:
    entries = _object(answer).get("Suppressions")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise AdapterUnavailable("an answer about a list could not be read")
    return entries


def _object(answer: HttpResponse) -> dict[str, object]:
    if (told := object_of(answer.body)) is None:
        raise AdapterUnavailable("an answer of Postmark could not be read")
    return told


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
