"""Questions to a Mailjet account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from penstock.adapters.http import Exchange, HttpResponse, Inquiry, object_of

__all__ = ["MailjetAccount"]

_PAGE = 500
"""Of at most 1,000: an answer is read up to 1 MiB."""
_TRIES = 5
_USUAL = 2.0
"""Seconds: Mailjet limits requests per second and sends no header that says so."""


class MailjetAccount(Inquiry):
    """Asks with the keys of the account. Nothing that it raises holds an address or a key."""

    def __init__(self, exchange: Exchange, headers: Mapping[str, str], where: str) -> None:
        """`headers` log in."""
        super().__init__(exchange, headers, esp="Mailjet", where=where, tries=_TRIES, usual=_USUAL)

    async def one(self, path: str, body: object = None) -> dict[str, Any] | None:
        """The object under that path (GET), or what came of posting the body; None where there is none.

        Raises AdapterUnavailable for every other answer.
        """
        answer = await self.answered(path, body)
        if _missing(answer):
            return None
        found = self._data(answer)
        if len(found) != 1:
            raise self.fault("an answer that cannot be understood")
        return found[0]

    async def delete(self, path: str) -> bool:
        """Whether there was something to delete. Raises AdapterUnavailable where it may still be there."""
        answer = await self.answered(path, method="DELETE")
        if answer.status != 200 and not _missing(answer):
            raise self.refused(answer)
        return answer.status == 200

    async def pages(self, path: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The items of a resource, page by page to the first that is empty. Raises AdapterUnavailable."""
        offset, before = 0, None
        while page := self._data(await self.answered(f"{path}?Limit={_PAGE}&Offset={offset}")):
            if page == before:
                raise self.fault("a list whose pages have no end")
            yield page
            offset, before = offset + len(page), page

    def _data(self, answer: HttpResponse) -> list[dict[str, Any]]:
        read = object_of(answer.body)
        if not 200 <= answer.status < 300 or read is None:
            raise self.refused(answer)
        data = read.get("Data")
        if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
            raise self.fault("an answer that cannot be understood")
        if read.get("Count") != len(data):
            raise self.fault("an answer that does not hold what it counts")
        return data


def _missing(answer: HttpResponse) -> bool:
    """Whether the object is not there; a 404 in other words may mean that this is no interface of Mailjet's."""
    message = (object_of(answer.body) or {}).get("ErrorMessage") if answer.status == 404 else None
    return isinstance(message, str) and "object not found" in message.lower()
