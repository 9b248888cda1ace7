"""Brevo: blocked transactional contacts and domains, contacts with their blocklist mark, the log of events.

Source: Brevo's API reference (GET /smtp/blockedContacts, /smtp/blockedDomains, /contacts) and its page on logs.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Meaning, Service, Words, flag
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["BREVO"]

_STAYED = "a contact who is not on the blocklist"
_NO_SUPPRESSION = "an event that is no suppression"
_CODES: dict[str, Meaning] = {
    "unsubscribedviama": SuppressionReason.UNSUBSCRIBE,
    "unsubscribedviaemail": SuppressionReason.UNSUBSCRIBE,
    "unsubscribedviaapi": SuppressionReason.UNSUBSCRIBE,
    "contactflaggedasspam": SuppressionReason.COMPLAINT,
    "hardbounce": SuppressionReason.BOUNCE,
    "adminblocked": SuppressionReason.OTHER,
}
_EVENTS: dict[str, Meaning] = {
    **dict.fromkeys(("hardbounce", "hardbounced", "invalidemail"), SuppressionReason.BOUNCE),
    **dict.fromkeys(("complaint", "spam"), SuppressionReason.COMPLAINT),
    **dict.fromkeys(("unsubscribed", "unsubscribe"), SuppressionReason.UNSUBSCRIBE),
    **dict.fromkeys(("softbounce", "softbounced"), "a soft bounce"),
    "deferred": "deferred mail is no suppression",
    "blocked": "a mail that Brevo did not send; why, its own list of blocked contacts says",
    **dict.fromkeys(
        ("sent", "delivered", "opened", "firstopening", "clicked", "proxyopen", "loadedbyproxy", "error"),
        _NO_SUPPRESSION,
    ),
}

BREVO = Service(
    "brevo",
    (
        ListShape(
            "blocked contacts", frozenset({"email", "reasoncode", "blockedat"}), at=("blockedat",), sure=True,
            says=(Words(("reasoncode",), _CODES),),
        ),
        ListShape(
            "blocked domains", frozenset({"domain"}), "domain", "domain", always=SuppressionReason.OTHER,
            without=frozenset({"email"}),
        ),
        ListShape(
            "contacts", frozenset({"email", "emailblacklisted"}), at=("modifiedat",), sure=True,
            says=(
                flag("emailblacklisted", SuppressionReason.OTHER, _STAYED),
                Words(("listunsubscribed",), {"": _STAYED}, otherwise=SuppressionReason.UNSUBSCRIBE),
            ),
        ),
        ListShape(
            "log", frozenset({"email", "sttext"}), at=("ts",), sure=True, says=(Words(("sttext",), _EVENTS),),
        ),
        ListShape(
            "blocklisted contacts", frozenset({"email"}), always=SuppressionReason.OTHER, by_name=True,
            named=("blocklist", "blacklist"), without=frozenset({"reasoncode", "emailblacklisted", "sttext"}),
        ),
        ListShape(
            "unsubscribed contacts", frozenset({"email"}), always=SuppressionReason.UNSUBSCRIBE, by_name=True,
            named=("unsub",), without=frozenset({"reasoncode", "emailblacklisted", "sttext"}),
        ),
    ),
    (DateStyle.ISO, DateStyle.DAY_FIRST),
    pages=frozenset({"contacts", "domains"}),
)  # fmt: skip
