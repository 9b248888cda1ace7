"""What Resend keeps of people: its suppression list, unsubscribed contacts, opt-outs of a topic; and deleting contacts.

Source: suppressions, contacts and topics of resend-openapi 1.5.0.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from penstock.model.suppression import SuppressionReason
from penstock.ports import ErasureReceipt, Listed
from penstock_resend.account import ResendAccount
from penstock_resend.moment import moment

__all__ = ["ResendErasure", "ResendLists"]

ORIGINS: Mapping[str, SuppressionReason] = {
    "bounce": SuppressionReason.BOUNCE,
    "complaint": SuppressionReason.COMPLAINT,
    "manual": SuppressionReason.OTHER,
}
"""Why an address stands on Resend's suppression list. Any other word stops mail at Resend as well: OTHER."""
_UNSUBSCRIBED = "contacts"


class ResendLists:
    """Reads the account's suppressions and its unsubscribed contacts, and writes opt-outs of one topic.

    The suppression list is never written: it belongs to the account and stops transactional mail, too.
    """

    def __init__(self, account: ResendAccount, topic: str = "") -> None:
        self.pushes_to = topic
        self._account = account

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """Suppressions under their origin, then contacts that unsubscribed from everything. Raises AdapterUnavailable.

        Opt-outs of single topics are not read: Resend tells them contact by contact only.
        """
        async for items in self._account.pages("/suppressions"):
            yield [self._suppression(each) for each in items]
        async for items in self._account.pages("/contacts"):
            yield [
                # created_at is when the contact was made, not when it unsubscribed.
                Listed(self._address(each), SuppressionReason.UNSUBSCRIBE, _UNSUBSCRIBED)
                for each in items
                if self._unsubscribed(each)
            ]

    async def push(self, addresses: Sequence[str], /) -> None:
        """Opt these out of the topic; who is no contact yet becomes one, in no segment. Raises AdapterUnavailable."""
        if not self.pushes_to:
            return
        topics = [{"id": self.pushes_to, "subscription": "opt_out"}]
        for address in dict.fromkeys(addresses):
            path = f"/contacts/{quote(address, safe='')}/topics"
            if await self._account.ask("PATCH", path, {"topics": topics}) is not None:
                continue
            if await self._account.ask("POST", "/contacts", {"email": address, "topics": topics}) is None:
                raise self._account.fault("the topic is not there")

    def _suppression(self, item: Mapping[str, Any]) -> Listed:
        origin = item.get("origin")
        if not isinstance(origin, str):
            raise self._account.fault("a suppression that cannot be understood")
        reason = ORIGINS.get(origin, SuppressionReason.OTHER)
        known = origin if origin in ORIGINS else "suppressions"
        return Listed(self._address(item), reason, known, moment(item.get("created_at")))

    def _unsubscribed(self, item: Mapping[str, Any]) -> bool:
        if not isinstance(unsubscribed := item.get("unsubscribed"), bool):
            raise self._account.fault("a contact that cannot be understood")
        return unsubscribed

    def _address(self, item: Mapping[str, Any]) -> str:
        address = item.get("email")
        if not isinstance(address, str) or "@" not in address:
            raise self._account.fault("an entry without an address")
        return address


class ResendErasure:
    """Deletes contacts, one request each."""

    erases = (
        "deletes the contact at Resend with its name, properties and topics; not the mails and logs that Resend keeps "
        "for a time of its own, nor an entry of its suppression list, which goes on protecting the person"
    )

    def __init__(self, account: ResendAccount) -> None:
        self._account = account

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """One receipt for each address, Resend's id of the contact; done too where there was none.

        Raises AdapterUnavailable.
        """
        receipts = []
        for address in dict.fromkeys(addresses):
            answer = await self._account.ask("DELETE", f"/contacts/{quote(address, safe='')}")
            if answer is None:
                receipts.append(ErasureReceipt("no such contact", done=True))
                continue
            # The reference page calls it `contact`, the description `id`.
            number = answer.get("id") or answer.get("contact")
            if answer.get("deleted") is not True or not isinstance(number, str) or "@" in number:
                raise self._account.fault("a deletion that was not confirmed")
            receipts.append(ErasureReceipt(number, done=True))
        return receipts
