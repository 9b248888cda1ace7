"""From SendGrid's request to what is handed in: each personalization is a message of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.intake.compat_letter import CompatLetter, LetterWriter, Mailbox, enclosed
from penstock.intake.compat_order import Bounds, CompatOrder, Sender, submissions_for
from penstock.intake.compat_sendgrid_request import FileIn, MailboxIn, PersonalizationIn, SendIn, read_send
from penstock.intake.compat_substitution import Effort, Substitution
from penstock.intake.compat_wishes import Wishes, letter_headers
from penstock.intake.http_fields import mailbox
from penstock.intake.http_json import read_json
from penstock.intake.http_problem import RequestError
from penstock.model.mail import Attachment
from penstock.ports.intake import Client, Submission

__all__ = ["sendgrid_order"]

_MOST_RECIPIENTS = 1000
_MOST_OCTETS = 10_000
_MOST_TAG = 200
_LEEWAY_SECONDS = 60
"""Two clocks are never the same: so much later is now."""
_RESERVED = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
_FORMS = ("text/plain", "text/html", "text/calendar", "text/x-amp-html")
_FIELDS = {
    "From": "from", "To": "to", "Cc": "cc", "Reply-To": "reply_to", "Subject": "subject", "body": "content",
    "calendar": "content", "attachment": "attachments",
}  # fmt: skip
_BYPASSES = (
    "bypass_list_management",
    "bypass_spam_management",
    "bypass_bounce_management",
    "bypass_unsubscribe_management",
)


def sendgrid_order(body: bytearray, client: Client, bounds: Bounds) -> CompatOrder:
    """What a request comes to; empties `body`. Raises RequestError for what cannot be read, written or honoured."""
    value = read_json(body)
    body.clear()
    _count(value)
    mail = read_send(value)
    _check(mail, bounds)
    desk = _Desk(mail, client, bounds)
    submissions = [each for place in range(len(mail.personalizations)) for each in desk.submissions(place)]
    return CompatOrder(submissions, sandbox=_is_on(mail.mail_settings, "sandbox_mode"))


class _Desk:
    """Works one request off."""

    def __init__(self, mail: SendIn, client: Client, bounds: Bounds) -> None:
        self._mail = mail
        self._client = client
        self._size_limit = bounds.size_limit
        self._writer = LetterWriter(size_limit=bounds.size_limit, most=bounds.most)
        self._forms = _forms(mail)
        self._files = tuple(_file(each, f"attachments.{place}") for place, each in enumerate(mail.attachments or ()))
        self._effort = Effort()

    def submissions(self, place: int) -> list[Submission]:
        """Those of one personalization."""
        one, where = self._mail.personalizations[place], f"personalizations.{place}"
        to, cc, bcc = (_mailboxes(getattr(one, name), f"{where}.{name}") for name in ("to", "cc", "bcc"))
        addresses = [address for _, address in (*to, *cc, *bcc)]
        if len({address.lower() for address in addresses}) < len(addresses):
            raise RequestError(400, "Each email address must be unique between to, cc, and bcc.", where=where)
        from_, address = _mailbox(one.from_, f"{where}.from") if one.from_ else _mailbox(self._mail.from_, "from")
        headers = _headers(self._mail.headers, one.headers, where)
        wishes = Wishes.of(headers, _arguments(self._mail, one, where), _tag(self._mail.categories))
        filling = Substitution(one.substitutions or {}, self._size_limit, self._effort, f"{where}.substitutions")
        try:
            data = self._writer.written(self._letter(one, from_, (to, cc), headers, filling))
        except RequestError as fault:
            raise RequestError(fault.status, fault.what, where=_field(fault.where, where), mend=fault.mend) from None
        return submissions_for(Sender(self._client, address, wishes), addresses, data)

    def _letter(
        self,
        one: PersonalizationIn,
        from_: str,
        shown: tuple[Sequence[Mailbox], Sequence[Mailbox]],
        headers: Mapping[str, str],
        filling: Substitution,
    ) -> CompatLetter:
        subject = one.subject or self._mail.subject
        if subject is None:
            raise RequestError(400, "The subject is required.", where="Subject")
        replies = [self._mail.reply_to] if self._mail.reply_to else self._mail.reply_to_list or []
        text, html, calendar = (filling.filled(self._forms.get(kind)) for kind in _FORMS[:3])
        return CompatLetter(
            from_,
            [each for each, _ in shown[0]],
            filling.filled(subject) or "",
            text,
            html,
            cc=[each for each, _ in shown[1]],
            reply_to=[mailbox(filling.filled(each.written) or "", "Reply-To")[0] for each in replies],
            headers=letter_headers({name: filling.filled(value) or "" for name, value in headers.items()}),
            files=self._files,
            calendar=calendar,
        )


def _count(value: Any) -> None:
    """Raises RequestError 400 for too many recipients, before each of them is looked at."""
    given = value.get("personalizations") if isinstance(value, dict) else None
    whole = sum(
        len(found)
        for one in (given if isinstance(given, list) else ())
        if isinstance(one, dict)
        for name in ("to", "cc", "bcc")
        if isinstance(found := one.get(name), list)
    )
    if whole > _MOST_RECIPIENTS:
        raise RequestError(400, f"There may be at most {_MOST_RECIPIENTS} recipients.", where="personalizations")


def _tag(categories: Sequence[str] | None) -> str:
    return categories[0][:_MOST_TAG] if categories else ""


def _check(mail: SendIn, bounds: Bounds) -> None:
    """What the description says of several fields at once, and what Penstock cannot do. Raises RequestError 400."""
    if mail.template_id is not None:
        raise _not_here("template_id", "the content of a template at SendGrid cannot be verified", "send the content")
    if mail.reply_to is not None and mail.reply_to_list is not None:
        raise RequestError(400, "Use either reply_to or reply_to_list.", where="reply_to_list")
    if mail.batch_id is not None:
        raise _not_here("batch_id", "nothing is scheduled here", "leave it out")
    if mail.asm is not None:
        mend = "import the group with `penstock suppress import`, and leave it out"
        raise _not_here("asm", "unsubscribe groups are kept at SendGrid", mend)
    latest = bounds.now.timestamp() + _LEEWAY_SECONDS
    for place, one in enumerate(mail.personalizations):
        if one.dynamic_template_data is not None:
            raise RequestError(
                400, "Needs a dynamic template.", where=f"personalizations.{place}.dynamic_template_data"
            )
        if one.send_at is not None and one.send_at > latest:
            raise _not_here(f"personalizations.{place}.send_at", "nothing is scheduled here", "send it when it is due")
    if mail.send_at is not None and mail.send_at > latest:
        raise _not_here("send_at", "nothing is scheduled here", "send it when it is due")
    _check_settings(mail)


def _check_settings(mail: SendIn) -> None:
    for name in _BYPASSES:
        if _is_on(mail.mail_settings, name):
            raise _not_here(f"mail_settings.{name}", "no list is passed by", "leave it out")
    if _is_on(mail.mail_settings, "footer"):
        raise _not_here("mail_settings.footer", "no footer is added", "write it into the content")
    tracking = mail.tracking_settings
    if _is_on(tracking, "subscription_tracking"):
        where = "tracking_settings.subscription_tracking"
        raise _not_here(where, "SendGrid's unsubscribe links are not made here", "advertising gets Penstock's own link")
    if (
        tracking
        and _is_on(tracking, "open_tracking")
        and tracking.open_tracking
        and tracking.open_tracking.substitution_tag
    ):
        where = "tracking_settings.open_tracking.substitution_tag"
        raise _not_here(where, "opens are not tracked", "leave it out")


def _not_here(where: str, why: str, mend: str) -> RequestError:
    return RequestError(400, f"This is not supported: {why}.", where=where, mend=mend)


def _is_on(settings: Any, name: str) -> bool:
    switch = getattr(settings, name, None)
    return switch is not None and bool(switch.enable)


def _forms(mail: SendIn) -> Mapping[str, str]:
    """The content by media type, charset and the like left out."""
    if not mail.content:
        raise RequestError(400, "The content parameter is required.", where="content")
    found: dict[str, str] = {}
    for place, each in enumerate(mail.content):
        kind = each.type.partition(";")[0].strip().lower()
        if kind not in _FORMS:
            raise RequestError(400, f"Must be one of {', '.join(_FORMS)}.", where=f"content.{place}.type")
        if kind in found:
            raise RequestError(400, "Each type may occur once.", where=f"content.{place}.type")
        found[kind] = each.value
    if found.keys() <= {"text/x-amp-html", "text/calendar"}:
        raise RequestError(400, "text/plain or text/html is required.", where="content")
    return found


def _file(given: FileIn, where: str) -> Attachment:
    try:
        cid = given.content_id or given.filename if given.disposition == "inline" else ""
        return enclosed(given.filename, given.type or "", given.octets(), cid.strip("<>"))
    except RequestError as fault:
        field = "filename" if fault.where == "name" else fault.where
        raise RequestError(400, fault.what, where=f"{where}.{field}") from None
    except ValueError:
        raise RequestError(400, "The attachment content must be base64 encoded.", where=f"{where}.content") from None


def _mailboxes(given: Sequence[MailboxIn] | None, where: str) -> list[Mailbox]:
    return [_mailbox(each, f"{where}.{place}") for place, each in enumerate(given or ())]


def _mailbox(given: MailboxIn, where: str) -> Mailbox:
    if "<" in given.email or ">" in given.email:
        raise RequestError(400, "Does not contain a valid address.", where=f"{where}.email")
    return mailbox(given.written, f"{where}.email")


def _headers(of_all: Mapping[str, str] | None, own: Mapping[str, str] | None, where: str) -> dict[str, str]:
    """The personalization's own win."""
    found: dict[str, tuple[str, str]] = {}
    for given, place in ((of_all, "headers"), (own, f"{where}.headers")):
        for name, value in (given or {}).items():
            if name.lower() in _RESERVED:
                what = "This header is reserved and cannot be overridden."
                raise RequestError(400, what, where=f"{place}.{name.lower()}")
            found[name.lower()] = name, value
    return dict(found.values())


def _arguments(mail: SendIn, one: PersonalizationIn, where: str) -> dict[str, str]:
    found = {**(mail.custom_args or {}), **(one.custom_args or {})}
    if sum(len(each.encode()) for pair in found.items() for each in pair) > _MOST_OCTETS:
        raise RequestError(400, f"The total size may not exceed {_MOST_OCTETS} bytes.", where=f"{where}.custom_args")
    return found


def _field(written: str, where: str) -> str:
    """The path in the request of a header field or part of the message."""
    if not written or "." in written:
        return written
    if written in {"To", "Cc"}:
        return f"{where}.{_FIELDS[written]}"
    return _FIELDS.get(written, f"headers.{written}")
