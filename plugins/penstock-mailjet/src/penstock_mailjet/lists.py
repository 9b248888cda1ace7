"""What Mailjet keeps of people: contacts, of whom some are excluded or complained; and deleting contacts.

Sources: mailjet/api-documentation (guides: exclusion list, manage contacts in bulk, filtering resources, GDPR delete
contacts); the types of Mailjet's client library for Node.js (contact).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from penstock.model.suppression import SuppressionReason
from penstock.ports import ErasureReceipt, Listed
from penstock_mailjet.account import MailjetAccount

__all__ = ["COMPLAINING", "EXCLUDED", "MailjetErasure", "MailjetLists"]

EXCLUDED = "IsExcludedFromCampaigns"
COMPLAINING = "IsSpamComplaining"
_CONTACTS = "/v3/REST/contact"
_MANY = "/v3/REST/contact/managemanycontacts"
_PUSHED = 500
"""Contacts of one job; Mailjet names no limit."""
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between looks at a job."""
_ANONYMISED = "@domain.invalid"
"""The end of what stands in the place of an erased person's address, for the 30 days until it goes."""
_FLAGS = {True: True, False: False, "true": True, "false": False}
"""Samples of the documentation show flags as text."""
_LONGEST_TIME = 40
_ID = re.compile(r"[0-9]{1,25}")


class MailjetLists:
    """Reads who is excluded or complained, and excludes people from marketing campaigns.

    The exclusion list is bound to those: it holds back nothing that is sent by the Send API, transactional or not.
    """

    def __init__(self, account: MailjetAccount, *, exclude: bool = False, pauses: Sequence[float] = _PAUSES) -> None:
        """`exclude`: whether objections are put on the exclusion list. `pauses`: seconds between looks at a job."""
        self.pushes_to = EXCLUDED if exclude else ""
        self._account = account
        self._pauses = pauses

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """All contacts are looked through, because those who complained cannot be asked for. Raises AdapterUnavailable.

        Who left a single contact list is not read: nothing of ours goes by those.
        """
        async for contacts in self._account.pages(_CONTACTS):
            if listed := [each for contact in contacts if (each := self._listed(contact)) is not None]:
                yield listed

    async def push(self, addresses: Sequence[str], /) -> None:
        """Exclude these, by a job that is waited for; who is no contact (any more) becomes one.

        Raises AdapterUnavailable, too, for a job that ends in errors, whoever was excluded by it.
        """
        if not self.pushes_to:
            return
        people = [{"Email": address, EXCLUDED: True} for address in dict.fromkeys(addresses)]
        for at in range(0, len(people), _PUSHED):
            job = (await self._account.one(_MANY, {"Contacts": people[at : at + _PUSHED]}) or {}).get("JobID")
            if not isinstance(job, int) or isinstance(job, bool):
                raise self._account.fault("a job without a number")
            await self._ended(job)

    async def _ended(self, job: int) -> None:
        for pause in (*self._pauses, 0.0):
            told = await self._account.one(f"{_MANY}/{job}") or {}
            status = str(told.get("Status", "")).lower()
            if status in {"error", "abort"} or told.get("Error") or told.get("ErrorFile"):
                raise self._account.fault("a job to exclude people ended in errors")
            if status == "completed":
                return
            await asyncio.sleep(pause)
        raise self._account.fault("a job to exclude people has not ended yet")

    def _listed(self, contact: Mapping[str, Any]) -> Listed | None:
        excluded, complaining = self._flag(contact, EXCLUDED), self._flag(contact, COMPLAINING)
        if not (excluded or complaining):
            return None
        address = contact.get("Email")
        if not isinstance(address, str) or "@" not in address:
            raise self._account.fault("a contact without an address")
        if address.endswith(_ANONYMISED):
            return None
        if complaining:
            return Listed(address, SuppressionReason.COMPLAINT, COMPLAINING)
        at = _moment(contact.get("ExclusionFromCampaignsUpdatedAt"))
        return Listed(address, SuppressionReason.UNSUBSCRIBE, EXCLUDED, at)

    def _flag(self, contact: Mapping[str, Any], name: str) -> bool:
        value = contact.get(name)
        if not isinstance(value, bool | str) or value not in _FLAGS:
            raise self._account.fault("a contact that cannot be understood")
        return _FLAGS[value]


class MailjetErasure:
    """Deletes contacts, two requests each: one for its number, one to delete it."""

    erases = (
        "Mailjet anonymises the contact with its properties and tracking history at once and deletes it after 30 days, "
        "under this API key only: other accounts and sub-accounts have to be asked by themselves."
    )

    def __init__(self, account: MailjetAccount) -> None:
        self._account = account

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """One receipt for each address: Mailjet's number of the contact, not done, as it is gone after 30 days only;
        done where there was none. Raises AdapterUnavailable.
        """
        return [await self._erased(address) for address in dict.fromkeys(addresses)]

    async def _erased(self, address: str) -> ErasureReceipt:
        number = await self._number(address)
        if not number:
            return ErasureReceipt("no such contact", done=True)
        if await self._account.delete(f"/v4/contacts/{number}"):
            return ErasureReceipt(number, done=False)
        if await self._number(address):
            raise self._account.fault("a contact that is there cannot be deleted")
        return ErasureReceipt("no such contact", done=True)

    async def _number(self, address: str) -> str:
        """The contact's id, empty where there is no such contact."""
        contact = await self._account.one(_contact(address))
        if contact is None:
            return ""
        number = contact.get("ID")
        written = str(number) if isinstance(number, int) and not isinstance(number, bool) else number
        same = str(contact.get("Email", "")).lower() == address.lower()
        if not same or not isinstance(written, str) or not _ID.fullmatch(written):
            raise self._account.fault("a contact that is not the one that was asked for")
        return written


def _contact(address: str) -> str:
    return f"{_CONTACTS}/{quote(address, safe='')}"


def _moment(text: object) -> datetime | None:
    """The time in UTC; None for what is no time, as the entry holds without it."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TIME:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
