"""Mailchimp: the files of an audience export (subscribed, unsubscribed, cleaned), JSON of list members.

The columns of an export also become merge fields when somebody imports it again: where the name of a file and its
columns disagree it is refused.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service, Words
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["MAILCHIMP"]

_SUBSCRIBED = "a subscribed contact"
_NOT_SUBSCRIBED = "a contact who never subscribed and did not object"
_MEMBER = frozenset({"emailaddress", "leid", "euid"})
_STATUS = frozenset({"status", "emailmarketingstatus"})
_MEANINGS = {
    "unsubscribed": SuppressionReason.UNSUBSCRIBE,
    "cleaned": SuppressionReason.BOUNCE,
    "subscribed": _SUBSCRIBED,
    "pending": "a contact who has not confirmed yet",
    "transactional": _NOT_SUBSCRIBED,
    "nonsubscribed": _NOT_SUBSCRIBED,
}
"""`archived` is none of them: what the person had said before it does not tell."""

MAILCHIMP = Service(
    "mailchimp",
    (
        ListShape(
            "members", frozenset({"emailaddress", "status", "uniqueemailid"}), "emailaddress", sure=True,
            says=(Words(("status",), _MEANINGS),), at=("lastchanged",),
        ),
        ListShape(
            "contacts", frozenset({"emailaddress", "emailmarketingstatus"}), "emailaddress", sure=True,
            says=(Words(("emailmarketingstatus",), _MEANINGS),), at=("unsubtime", "cleantime", "lastchanged"),
        ),
        ListShape(
            "contacts", frozenset({"emailaddress", "status"}), "emailaddress",
            says=(Words(("status",), _MEANINGS),), at=("unsubtime", "cleantime", "lastchanged"),
        ),
        ListShape(
            "unsubscribed", _MEMBER | {"unsubtime"}, "emailaddress", always=SuppressionReason.UNSUBSCRIBE,
            at=("unsubtime",), named=("unsubscribed",), without=_STATUS | {"cleantime"}, sure=True,
        ),
        ListShape(
            "cleaned", _MEMBER | {"cleantime"}, "emailaddress", always=SuppressionReason.BOUNCE, at=("cleantime",),
            named=("cleaned",), without=_STATUS | {"unsubtime"}, sure=True,
        ),
        ListShape(
            "subscribed", _MEMBER, "emailaddress", always=_SUBSCRIBED, named=("subscribed", "nonsubscribed"),
            without=_STATUS | {"cleantime", "unsubtime"}, sure=True,
        ),
        ListShape(
            "unsubscribed", frozenset({"emailaddress"}), "emailaddress", always=SuppressionReason.UNSUBSCRIBE,
            at=("unsubtime",), by_name=True, named=("unsubscribed",), without=_STATUS | _MEMBER - {"emailaddress"},
        ),
        ListShape(
            "cleaned", frozenset({"emailaddress"}), "emailaddress", always=SuppressionReason.BOUNCE, at=("cleantime",),
            by_name=True, named=("cleaned",), without=_STATUS | _MEMBER - {"emailaddress"},
        ),
    ),
    (DateStyle.ISO, DateStyle.MONTH_FIRST),
    pages=frozenset({"members"}),
)  # fmt: skip
