"""Resend: the team's suppressions, and contacts of an audience that unsubscribed.

Source: resend-openapi (2026-08), ListSuppressionsResponseSuccess and the contacts' schema.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service, Words, flag
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["RESEND"]

RESEND = Service(
    "resend",
    (
        ListShape(
            "suppressions", frozenset({"email", "origin", "sourceid", "createdat"}), at=("createdat",), sure=True,
            says=(
                Words(
                    ("origin",),
                    {
                        "bounce": SuppressionReason.BOUNCE,
                        "complaint": SuppressionReason.COMPLAINT,
                        "manual": SuppressionReason.OTHER,
                    },
                ),
            ),
        ),
        ListShape(
            "contacts", frozenset({"email", "unsubscribed"}), without=frozenset({"origin"}),
            says=(flag("unsubscribed", SuppressionReason.UNSUBSCRIBE, "a contact who did not unsubscribe"),),
        ),
    ),
    (DateStyle.ISO,),
    pages=frozenset({"data"}),
)  # fmt: skip
