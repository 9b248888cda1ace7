"""Amazon SES: the account's suppression list (list answers, files of an import job) and contact lists.

Source: botocore's model of SES v2 (2026-08), ListSuppressedDestinations and ListContacts; the developer guide on the
files of an import job, whose CSV has no header line.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service, Words, flag
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["SES"]

_REASON = Words(("reason",), {"bounce": SuppressionReason.BOUNCE, "complaint": SuppressionReason.COMPLAINT})
_STAYED = "a contact who opted out of nothing"

SES = Service(
    "ses",
    (
        ListShape(
            "suppression list", frozenset({"emailaddress", "reason", "lastupdatetime"}), "emailaddress",
            says=(_REASON,), at=("lastupdatetime",), sure=True,
        ),
        ListShape("suppression list", frozenset({"emailaddress", "reason"}), "emailaddress", says=(_REASON,)),
        ListShape(
            "contact list", frozenset({"emailaddress", "unsubscribeall"}), "emailaddress", sure=True,
            at=("lastupdatedtimestamp",),
            says=(
                flag("unsubscribeall", SuppressionReason.UNSUBSCRIBE, _STAYED),
                Words(
                    ("topicpreferencessubscriptionstatus",),
                    {"optout": SuppressionReason.UNSUBSCRIBE, "optin": _STAYED, "": _STAYED},
                    listed=True,
                ),
            ),
        ),
    ),
    (DateStyle.EPOCH, DateStyle.ISO),
    pages=frozenset({"suppresseddestinationsummaries", "contacts"}),
    headerless=("emailaddress", "reason"),
)  # fmt: skip
