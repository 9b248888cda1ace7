"""Mailgun: CSV files of a domain's Suppressions page, JSON of its lists.

Source: Mailgun's OpenAPI description, tags Bounces, Complaints, Unsubscribe, Allowlist (2026-07).
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["MAILGUN"]

_ALLOWED = "Mailgun's allowlist is no list of people who must not get mail"
_DATES = ("createdat",)

MAILGUN = Service(
    "mailgun",
    (
        ListShape(
            "bounces", frozenset({"address", "code", "error"}), "address", always=SuppressionReason.BOUNCE, at=_DATES,
            sure=True, named=("bounce",),
        ),
        ListShape(
            "unsubscribes", frozenset({"address", "tags", "createdat"}), "address", at=_DATES,
            always=SuppressionReason.UNSUBSCRIBE, sure=True, named=("unsub",),
        ),
        ListShape(
            "unsubscribes", frozenset({"address", "tags"}), "address", always=SuppressionReason.UNSUBSCRIBE, at=_DATES,
            named=("unsub",),
        ),
        ListShape(
            "bounces", frozenset({"address"}), "address", always=SuppressionReason.BOUNCE, at=_DATES, by_name=True,
            named=("bounce",), without=frozenset({"tags"}),
        ),
        ListShape(
            "unsubscribes", frozenset({"address"}), "address", always=SuppressionReason.UNSUBSCRIBE, at=_DATES,
            by_name=True, named=("unsub",), without=frozenset({"code", "error"}),
        ),
        ListShape(
            "complaints", frozenset({"address", "createdat"}), "address", always=SuppressionReason.COMPLAINT, at=_DATES,
            named=("complaint",), without=frozenset({"code", "error", "tags", "domain"}),
        ),
        ListShape(
            "complaints", frozenset({"address"}), "address", always=SuppressionReason.COMPLAINT, by_name=True,
            named=("complaint",), without=frozenset({"code", "error", "tags", "domain"}),
        ),
        ListShape("allowlist", frozenset({"address", "domain"}), "address", refused=_ALLOWED),
        ListShape("allowlist", frozenset({"value", "type"}), "value", refused=_ALLOWED),
        ListShape(
            "allowlist", frozenset({"address"}), "address", refused=_ALLOWED, by_name=True,
            named=("allowlist", "whitelist"),
        ),
    ),
    (DateStyle.RFC_2822, DateStyle.ISO),
    pages=frozenset({"items"}),
)  # fmt: skip
