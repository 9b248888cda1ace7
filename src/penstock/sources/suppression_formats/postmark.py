"""Postmark: the suppressions of a message stream (CSV, JSON of the dump) and the answers of the Bounce API.

Source: Postmark's developer pages "Suppressions API" and "Bounce API" (bounce types).
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Meaning, Service, Words
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["POSTMARK"]

_SOFT = "a soft bounce or a notice, after which Postmark goes on sending"
_TYPES: dict[str, Meaning] = {
    "hardbounce": SuppressionReason.BOUNCE,
    "bademailaddress": SuppressionReason.BOUNCE,
    "spamcomplaint": SuppressionReason.COMPLAINT,
    "unsubscribe": SuppressionReason.UNSUBSCRIBE,
    "manuallydeactivated": SuppressionReason.OTHER,
    **dict.fromkeys(
        (
            "transient", "softbounce", "subscribe", "autoresponder", "addresschange", "dnserror", "spamnotification",
            "openrelaytest", "unknown", "virusnotification", "challengeverification", "unconfirmed", "blocked",
            "smtpapierror", "inbounderror", "dmarcpolicy", "templaterenderingfailed",
        ),
        _SOFT,
    ),
}  # fmt: skip
_ORIGINS = ("recipient", "customer", "admin", "")

POSTMARK = Service(
    "postmark",
    (
        ListShape(
            "suppressions", frozenset({"emailaddress", "suppressionreason"}), "emailaddress", at=("createdat",),
            sure=True,
            says=(
                Words(
                    ("suppressionreason", "origin"),
                    {
                        **{f"hardbounce/{origin}": SuppressionReason.BOUNCE for origin in _ORIGINS},
                        **{f"spamcomplaint/{origin}": SuppressionReason.COMPLAINT for origin in _ORIGINS},
                        **{f"manualsuppression/{origin}": SuppressionReason.OTHER for origin in _ORIGINS},
                        "manualsuppression/recipient": SuppressionReason.UNSUBSCRIBE,
                    },
                ),
            ),
        ),
        ListShape(
            "bounces", frozenset({"email", "type", "bouncedat"}), at=("bouncedat",), sure=True,
            says=(Words(("type",), _TYPES),),
        ),
    ),
    (DateStyle.ISO,),
    pages=frozenset({"suppressions", "bounces"}),
)  # fmt: skip
