"""Questions to a Brevo account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

from typing import Any

from penstock.adapters.http import Exchange, HttpResponse, Inquiry, object_of

__all__ = ["BrevoAccount"]

_TRIES = 5
_WAITS = ("retry-after", "x-sib-ratelimit-reset")


class BrevoAccount(Inquiry):
    """Nothing that it raises holds an address or the key."""

    def __init__(self, exchange: Exchange, key: str, where: str) -> None:
        super().__init__(exchange, {"api-key": key}, esp="Brevo", where=where, tries=_TRIES, waits=_WAITS)

    async def ask(self, method: str, path: str) -> dict[str, Any] | None:
        """The answer to 2xx, an empty one where it has no body; None where what the path names is not there.

        Waits where Brevo asks for it, a few times. Raises AdapterUnavailable for every other answer.
        """
        return self._read(await self.answered(path, method=method))

    def _read(self, answer: HttpResponse) -> dict[str, Any] | None:
        told = object_of(answer.body) if answer.body else {}
        # A wrong address of the interface is 404 as well, and then nothing is known of what was asked for.
        if answer.status == 404 and told is not None and told.get("code") == "document_not_found":
            return None
        if answer.status in {401, 403}:
            raise self.fault(
                f"HTTP {answer.status}: the key is refused, or this machine's IP address is not authorised"
            )
        if not 200 <= answer.status < 300 or told is None:
            raise self.refused(answer)
        return told
