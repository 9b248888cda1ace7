"""HubSpot: the export of unsubscribes and bounces, contacts with their e-mail properties, opt-out lists.

Source: HubSpot's knowledge base on the columns of "Export unsubscribes and bounces" and on hard-bounce reasons. It
counts full mailboxes, content, spam filters and policies among hard bounces; those are about a mail, not an address.
"""

from __future__ import annotations

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.shape import ListShape, Meaning, Service, Words, flag
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["HUBSPOT"]

_STAYED = "a contact who neither opted out nor bounced"
_MAIL = "a bounce for a full mailbox, content, spam or policy: about a mail, not about the address"
_BOUNCES: dict[str, Meaning] = {
    **dict.fromkeys(("", "false", "no", "0"), _STAYED),
    **dict.fromkeys(("true", "yes", "1", "unknownuser", "other"), SuppressionReason.BOUNCE),
    **dict.fromkeys(("mailboxfull", "content", "spam", "policy"), _MAIL),
}
_OPTED_OUT = SuppressionReason.UNSUBSCRIBE
_ALL = "unsubscribedfromallemail"

HUBSPOT = Service(
    "hubspot",
    (
        ListShape(
            "unsubscribes and bounces", frozenset({"email", "portalbounce", "portalunsubscribe"}), sure=True,
            says=(
                flag("portalunsubscribe", _OPTED_OUT, _STAYED),
                flag("portalspamreport", SuppressionReason.COMPLAINT, _STAYED),
                Words(("portalbounce",), _BOUNCES),
                Words(("globalbounce",), _BOUNCES),
                # every other column is a kind of mail with TRUE for those who opted out of it
                Words(("",), {"true": _OPTED_OUT}, otherwise=_STAYED, begins=True),
            ),
        ),
        ListShape(
            "contacts", frozenset({"email", _ALL}), sure=True,
            says=(
                flag(_ALL, _OPTED_OUT, _STAYED),
                flag("optedoutofemail", _OPTED_OUT, _STAYED, begins=True),
                Words(("emailhardbouncereason",), _BOUNCES),
            ),
        ),
        ListShape(
            "contacts", frozenset({"email", "hsemailoptout"}), sure=True,
            says=(
                flag("hsemailoptout", _OPTED_OUT, _STAYED),
                Words(("hsemailoptout",), {"true": _OPTED_OUT}, otherwise=_STAYED, begins=True),
                Words(("hsemailhardbouncereasonenum",), _BOUNCES),
            ),
        ),
        ListShape(
            "hard bounces", frozenset({"email", "emailhardbouncereason"}), without=frozenset({_ALL}),
            says=(Words(("emailhardbouncereason",), _BOUNCES),),
        ),
        ListShape(
            "opt-out list", frozenset({"email"}), always=_OPTED_OUT, by_name=True,
            named=("optout", "optedout", "unsub"),
            without=frozenset({"portalbounce", "emailhardbouncereason", "hsemailoptout", _ALL}),
        ),
    ),
    (DateStyle.ISO, DateStyle.MONTH_FIRST),
    pages=frozenset({"results"}),
)  # fmt: skip
