"""SendGrid: CSV files of the Suppressions and Activity pages, JSON of the Suppressions API.

Source: suppressions_v3 of twilio/sendgrid-oai (2026-01); file names as the pages give them.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service, Words
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["SENDGRID"]

_BLOCK = "a block of SendGrid's is about one mail that failed, not about a person who must not get any"
_FAILED_IN = frozenset({"email", "created", "status", "reason"})
_NO_STATUS = frozenset({"status", "event"})
_DATES = ("created", "createdat")
_EVENTS = {
    **dict.fromkeys(("processed", "delivered", "open", "click"), "an event that is no suppression"),
    **dict.fromkeys(("groupresubscribe", "dropped", "drop"), "an event that is no suppression"),
    **dict.fromkeys(("deferred", "defer"), "deferred mail is no suppression"),
}

SENDGRID = Service(
    "sendgrid",
    (
        ListShape(
            "blocks", frozenset({"email"}), named=("block",), by_name=True, refused=_BLOCK, without=frozenset({"event"})
        ),
        ListShape(
            "bounces", frozenset({"email"}), always=SuppressionReason.BOUNCE, at=_DATES, named=("bounce",),
            by_name=True, without=frozenset({"event"}),
        ),
        ListShape(
            "bounces or blocks", _FAILED_IN, sure=True, without=frozenset({"event"}),
            refused="SendGrid's bounces and blocks have the same columns, and blocks are no suppressions: keep the "
            "name of the file (suppression_bounces.csv)",
        ),
        ListShape(
            "invalid emails", frozenset({"email", "created", "reason"}), always=SuppressionReason.BOUNCE, at=_DATES,
            without=_NO_STATUS, named=("invalid",),
        ),
        ListShape(
            "invalid emails", frozenset({"email"}), always=SuppressionReason.BOUNCE, at=_DATES, without=_NO_STATUS,
            named=("invalid",), by_name=True,
        ),
        ListShape(
            "spam reports", frozenset({"email", "created", "ip"}), always=SuppressionReason.COMPLAINT, at=_DATES,
            without=_NO_STATUS, named=("spam",), sure=True,
        ),
        ListShape(
            "spam reports", frozenset({"email"}), always=SuppressionReason.COMPLAINT, at=_DATES, without=_NO_STATUS,
            named=("spam",), by_name=True,
        ),
        ListShape(
            "unsubscribes", frozenset({"email"}), always=SuppressionReason.UNSUBSCRIBE, at=_DATES, without=_NO_STATUS,
            named=("unsub", "global", "group", "asm"), by_name=True,
        ),
        ListShape(
            "unsubscribes", frozenset({"email", "created"}), always=SuppressionReason.UNSUBSCRIBE, at=_DATES,
            without=_NO_STATUS | {"reason", "ip"},
        ),
        ListShape(
            "group unsubscribes", frozenset({"email", "groupid", "groupname"}), always=SuppressionReason.UNSUBSCRIBE,
            at=_DATES, sure=True,
        ),
        ListShape("group unsubscribes", frozenset({"recipient"}), "recipient", always=SuppressionReason.UNSUBSCRIBE),
        ListShape(
            "unsubscribes", frozenset({"recipientemail"}), "recipientemail", always=SuppressionReason.UNSUBSCRIBE
        ),
        ListShape(
            "activity", frozenset({"email", "event"}), at=("timestamp", "processed"),
            says=(
                Words(
                    ("event", "type"),
                    {
                        "bounce/bounce": SuppressionReason.BOUNCE,
                        **dict.fromkeys(("bounce/blocked", "bounce/block", "block/", "blocked/"), _BLOCK),
                        "spamreport/": SuppressionReason.COMPLAINT,
                        "unsubscribe/": SuppressionReason.UNSUBSCRIBE,
                        "groupunsubscribe/": SuppressionReason.UNSUBSCRIBE,
                        **{f"{word}/": why for word, why in _EVENTS.items()},
                    },
                ),
            ),
        ),
    ),
    (DateStyle.EPOCH, DateStyle.ISO),
)  # fmt: skip
