"""Mailjet: contacts with their exclusion mark (JSON of /v3/REST/contact), the campaign exclusion list (CSV).

Source: Mailjet's API reference, resource contact; its page "Campaign Exclusion List". Dates with slashes follow the
account's country, so that only those are read that have one meaning.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Service, flag
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["MAILJET"]

_STAYED = "a contact who is neither excluded nor unsubscribed"

MAILJET = Service(
    "mailjet",
    (
        ListShape(
            "contacts", frozenset({"email", "isexcludedfromcampaigns"}), at=("exclusionfromcampaignsupdatedat",),
            sure=True,
            says=(
                flag("isexcludedfromcampaigns", SuppressionReason.UNSUBSCRIBE, _STAYED),
                flag("isspamcomplaining", SuppressionReason.COMPLAINT, _STAYED),
            ),
        ),
        ListShape(
            "contacts of a list", frozenset({"email", "isunsubscribed"}), at=("unsubscribedat",),
            says=(flag("isunsubscribed", SuppressionReason.UNSUBSCRIBE, _STAYED),),
        ),
        ListShape(
            "exclusion list", frozenset({"email"}), always=SuppressionReason.UNSUBSCRIBE, by_name=True,
            named=("exclusion", "excluded", "unsub"), without=frozenset({"isexcludedfromcampaigns", "isunsubscribed"}),
        ),
    ),
    (DateStyle.ISO, DateStyle.MONTH_FIRST, DateStyle.DAY_FIRST),
    pages=frozenset({"data"}),
)  # fmt: skip
