"""What of a Mailjet account can be asked beside its contacts: senders and messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.testing.esps.mailjet_contacts import MADE, Answer, page, refuse_others

__all__ = ["MailjetAccount"]

_FIRST_ID = 70368744188491213


def _own_senders() -> list[str]:
    return ["*@nordlicht.example"]


@dataclass
class MailjetAccount:
    """`senders` are addresses, or `*@` and a domain."""

    senders: list[str] = field(default_factory=_own_senders)
    sent: list[dict[str, Any]] = field(default_factory=list)
    """Messages as `/message` lists them."""

    def may_send(self, address: str) -> bool:
        """Whether the address, or its whole domain, is an active sender."""
        wanted = {address.lower(), f"*@{address.rpartition('@')[2].lower()}"}
        return not wanted.isdisjoint(each.lower() for each in self.senders)

    def remember(self, uuid: str, custom: str, contact: int) -> int:
        """A message that is sent; its id."""
        number = _FIRST_ID + len(self.sent)
        told = {"ArrivedAt": MADE, "ContactID": contact, "CustomID": custom, "ID": number}
        self.sent.append({**told, "Status": "sent", "UUID": uuid})
        return number

    def answer(self, method: str, path: str, query: Mapping[str, str]) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        match method, path.strip("/").split("/"):
            case "GET", ["v3", "REST", "sender"]:
                refuse_others(query, frozenset())
                return 200, page([{"Email": each, "Name": "", "Status": "Active"} for each in self.senders])
            case "GET", ["v3", "REST", "message"]:
                refuse_others(query, frozenset({"CustomID"}))
                custom = query.get("CustomID")
                return 200, page([each for each in self.sent if custom in {None, each["CustomID"]}])
        return None
