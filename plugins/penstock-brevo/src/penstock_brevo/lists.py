"""What Brevo keeps of people: its list of blocked contacts, the log of transactional mail, contacts.

Sources: developers.brevo.com/reference: get-transac-blocked-contacts, delete-an-smtp-transactional-log, delete-contact;
developers.brevo.com/docs/deleting-transactional-logs-based-on-recipient-address-to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from penstock.model.suppression import SuppressionReason
from penstock.ports import ErasureReceipt, Listed
from penstock_brevo.account import BrevoAccount

__all__ = ["REASONS", "BrevoErasure", "BrevoLists"]

REASONS: Mapping[str, SuppressionReason] = {
    "hardBounce": SuppressionReason.BOUNCE,
    "contactFlaggedAsSpam": SuppressionReason.COMPLAINT,
    "unsubscribedViaEmail": SuppressionReason.UNSUBSCRIBE,
    "unsubscribedViaApi": SuppressionReason.UNSUBSCRIBE,
    "unsubscribedViaMA": SuppressionReason.UNSUBSCRIBE,
    "adminBlocked": SuppressionReason.OTHER,
}
"""Brevo's codes for why an address is blocked. Any other stops mail at Brevo as well: OTHER."""
_PATH = "/v3/smtp/blockedContacts"
_PER_PAGE = 100
_LONGEST_TIME = 40


class BrevoLists:
    """Reads the blocked contacts. Nothing is pushed: the list is of the whole account and stops transactional mail too,
    and the interface takes no addresses for it.
    """

    pushes_to = ""

    def __init__(self, account: BrevoAccount) -> None:
        self._account = account

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """Every blocked contact, the oldest first, under the code of its reason. An address may be there for several
        senders. Raises AdapterUnavailable, also when the list got shorter while it was read.
        """
        seen, total = 0, 0
        while True:
            items, count = self._page(
                await self._account.ask("GET", f"{_PATH}?limit={_PER_PAGE}&offset={seen}&sort=asc")
            )
            seen += len(items)
            if count < max(total, seen) or (not items and seen < count):
                raise self._account.fault("a list that changed while it was read")
            total = count
            yield [self._listed(each) for each in items]
            if seen >= total:
                return

    async def push(self, addresses: Sequence[str], /) -> None:
        """Nothing: there is no list of one stream."""
        del addresses

    def _page(self, told: dict[str, Any] | None) -> tuple[list[dict[str, Any]], int]:
        """The entries and how many there are in all. Where there is nothing, both are documented as null."""
        told = told or {}
        items, count = told.get("contacts"), told.get("count")
        if items is None and ("contacts" in told or count == 0) and not count:
            return [], 0
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise self._account.fault("a list that cannot be understood")
        if not isinstance(count, int) or isinstance(count, bool):
            raise self._account.fault("a list that does not say how long it is")
        return items, count

    def _listed(self, item: Mapping[str, Any]) -> Listed:
        address, reason = item.get("email"), item.get("reason")
        if not isinstance(address, str) or "@" not in address:
            raise self._account.fault("an entry without an address")
        code = reason.get("code") if isinstance(reason, dict) else None
        known = code if isinstance(code, str) and code in REASONS else ""
        why = REASONS[known] if known else SuppressionReason.OTHER
        return Listed(address, why, known or "blockedContacts", _moment(item.get("blockedAt")))


class BrevoErasure:
    """Erases the log of mails to a person, and the contact: two requests for each address."""

    erases = (
        "deletes the log of transactional mails to the person with their stored contents, within two days, and the "
        "contact with its attributes and lists; not an entry of the blocked contacts, which goes on protecting the "
        "person"
    )

    def __init__(self, account: BrevoAccount) -> None:
        self._account = account

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """Two receipts for each address; done where there was nothing. Raises AdapterUnavailable."""
        receipts = []
        for address in dict.fromkeys(addresses):
            name = quote(address, safe="")
            log = await self._account.ask("DELETE", f"/v3/smtp/log/{name}")
            receipts.append(_of_log(log))
            contact = await self._account.ask("DELETE", f"/v3/contacts/{name}?identifierType=email_id")
            receipts.append(ErasureReceipt("contact: none" if contact is None else "contact: deleted", done=True))
        return receipts


def _of_log(answer: dict[str, Any] | None) -> ErasureReceipt:
    """Brevo takes up to two days for it and may name the job."""
    if answer is None:
        return ErasureReceipt("log: none", done=True)
    job = answer.get("process_id")
    named = isinstance(job, int) and not isinstance(job, bool)
    return ErasureReceipt(f"log: process {job}" if named else "log: deletion asked for", done=False)


def _moment(text: object) -> datetime | None:
    """None for what is no time; UTC is meant where no zone is named."""
    if not isinstance(text, str) or len(text) > _LONGEST_TIME:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
