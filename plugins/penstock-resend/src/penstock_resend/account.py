"""Questions to a Resend account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from penstock.adapters.http import Exchange, HttpResponse, Inquiry, object_of

__all__ = ["ResendAccount"]

_PAGE = 100
_TRIES = 5
_WAITS = ("retry-after", "ratelimit-reset")


class ResendAccount(Inquiry):
    """Asks with a key that has full access. Nothing that it raises holds an address or the key."""

    def __init__(self, exchange: Exchange, key: str, where: str) -> None:
        super().__init__(
            exchange, {"Authorization": f"Bearer {key}"}, esp="Resend", where=where, tries=_TRIES, waits=_WAITS
        )

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The answer to 2xx; None where what the path names is not there.

        Waits where Resend asks for it, a few times. Raises AdapterUnavailable for every other answer.
        """
        return self._read(await self.answered(path, body, method))

    async def pages(self, path: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The items of a list, page by page to the last. Raises AdapterUnavailable."""
        after, seen = "", set[str]()
        while True:
            page = await self.ask("GET", f"{path}?limit={_PAGE}{after and '&after=' + quote(after, safe='')}")
            items = page.get("data") if page is not None else None
            if page is None or not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
                raise self.fault("a list that cannot be understood")
            yield items
            # The description of some lists does not name has_more.
            more = page.get("has_more", len(items) == _PAGE)
            if more is False:
                return
            after = str(items[-1].get("id") or "") if items and more is True else ""
            if not after or after in seen:
                raise self.fault("a list whose pages have no end")
            seen.add(after)

    def _read(self, answer: HttpResponse) -> dict[str, Any] | None:
        read = object_of(answer.body)
        name = (read or {}).get("name")
        if name == "restricted_api_key":
            raise self.fault("the key may only send: lists need one with full access")
        if answer.status == 404 and name == "not_found":
            return None
        if not 200 <= answer.status < 300 or read is None:
            raise self.refused(answer)
        return read
