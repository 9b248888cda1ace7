"""What SES keeps of people: the account's suppression list, and who opted out of a contact list or one of its topics.

Sources: botocore's model of sesv2 (2026-08); the SES developer guide, "Using the account-level suppression list" and
"Using list management".
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from penstock.model.suppression import SuppressionReason
from penstock.ports import Listed
from penstock_ses.account import SesAccount

__all__ = ["SesLists", "contact_path"]

REASONS: Mapping[str, SuppressionReason] = {
    "BOUNCE": SuppressionReason.BOUNCE,
    "COMPLAINT": SuppressionReason.COMPLAINT,
}
"""Why an address stands on the suppression list. Any other word stops its mail at SES as well: OTHER."""
_SUPPRESSED = "/v2/email/suppression/addresses"
_SUPPRESSED_PAGE = 1_000
_CONTACTS_PAGE = 100
"""Of contacts, which have up to 20 topics: a page must stay below the 1 MiB that is read of an answer."""
_AS_IT_IS = "@!$&'()*+,;=:~"
"""What stands in a path as it is, so that what is signed is what goes out: the HTTP library would undo its escapes."""


class SesLists:
    """Reads the suppression list and, where one is named, the contact list; writes opt-outs of one topic.

    The suppression list is never written: it belongs to the account and stops transactional mail, too.
    """

    def __init__(self, account: SesAccount, contact_list: str = "", topic: str = "") -> None:
        self.pushes_to = f"{contact_list}.{topic}" if topic else ""
        self._account = account
        self._contacts = f"/v2/email/contact-lists/{contact_list}/contacts" if contact_list else ""
        self._contact_list = contact_list
        self._topic = topic
        self._opt_out = {"TopicName": topic, "SubscriptionStatus": "OPT_OUT"}

    async def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """The suppression list under its reasons, then the contacts that opted out. Raises AdapterUnavailable."""
        token, seen = "", set[str]()
        while True:
            path = f"{_SUPPRESSED}?PageSize={_SUPPRESSED_PAGE}{token and '&NextToken=' + quote(token, safe='')}"
            page = await self._account.ask("GET", path) or {}
            yield [self._suppressed(each) for each in self._items(page, "SuppressedDestinationSummaries")]
            if not (token := self._next(page, seen)):
                break
        if not self._contacts:
            return
        seen.clear()
        while True:
            asked = {"PageSize": _CONTACTS_PAGE} | ({"NextToken": token} if token else {})
            page = await self._account.ask("POST", f"{self._contacts}/list", asked) or {}
            # LastUpdatedTimestamp is that of any change, not when somebody opted out.
            yield [
                Listed(self._address(each), SuppressionReason.UNSUBSCRIBE, self._contact_list)
                for each in self._items(page, "Contacts")
                if self._opted_out(each)
            ]
            if not (token := self._next(page, seen)):
                return

    async def push(self, addresses: Sequence[str], /) -> None:
        """Opt these out of the topic; who is no contact yet becomes one, and whatever else they chose stays.

        Raises AdapterUnavailable.
        """
        if not self._topic:
            return
        for address in dict.fromkeys(addresses):
            path = contact_path(self._contacts, address)
            known = await self._account.ask("GET", path, unless="NotFoundException")
            if known is None:
                # Where the list itself is not there, this is told now.
                new = {"EmailAddress": address, "TopicPreferences": [self._opt_out]}
                await self._account.ask("POST", self._contacts, new)
            elif not self._opted_out(known):
                await self._account.ask("PUT", path, self._changed(known))

    def _changed(self, known: Mapping[str, Any]) -> Mapping[str, Any]:
        """An update replaces all that SES knows of a contact, so all of it is sent back."""
        kept = [each for each in self._preferences(known) if each.get("TopicName") != self._topic]
        changed: dict[str, Any] = {"TopicPreferences": [*kept, self._opt_out], "UnsubscribeAll": False}
        data = known.get("AttributesData")
        return {**changed, "AttributesData": data} if isinstance(data, str) else changed

    def _opted_out(self, contact: Mapping[str, Any]) -> bool:
        """Of everything, or of the topic by a choice of its own: a topic's default is nobody's choice."""
        everything = contact.get("UnsubscribeAll", False)
        if not isinstance(everything, bool):
            raise self._account.fault("a contact that cannot be understood")
        preferences = self._preferences(contact)
        return everything or any(
            each.get("TopicName") == self._topic and each.get("SubscriptionStatus") == "OPT_OUT" for each in preferences
        )

    def _preferences(self, contact: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._items(contact, "TopicPreferences") if contact.get("TopicPreferences") is not None else []

    def _suppressed(self, item: Mapping[str, Any]) -> Listed:
        reason = item.get("Reason")
        if not isinstance(reason, str):
            raise self._account.fault("a suppression that cannot be understood")
        known = reason if reason in REASONS else "suppression list"
        return Listed(self._address(item), REASONS.get(reason, SuppressionReason.OTHER), known, _moment(item))

    def _items(self, page: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        items = page.get(name)
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise self._account.fault("a list that cannot be understood")
        return items

    def _next(self, page: Mapping[str, Any], seen: set[str]) -> str:
        """The token of the next page, empty after the last."""
        token = page.get("NextToken")
        if token is None or token == "":
            return ""
        if not isinstance(token, str) or token in seen:
            raise self._account.fault("a list whose pages have no end")
        seen.add(token)
        return token

    def _address(self, item: Mapping[str, Any]) -> str:
        address = item.get("EmailAddress")
        if not isinstance(address, str) or "@" not in address:
            raise self._account.fault("an entry without an address")
        return address


def contact_path(contacts: str, address: str) -> str:
    """The path of one contact below that of all."""
    return f"{contacts}/{quote(address, safe=_AS_IT_IS)}"


def _moment(item: Mapping[str, Any]) -> datetime | None:
    """When the entry was last changed: seconds since 1970."""
    seconds = item.get("LastUpdateTime")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
