"""Turns a draft into a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from penstock.compose.fault import TemplateFault
from penstock.compose.headers import HeaderFault, field_line, split_mailbox
from penstock.compose.language import mail_language
from penstock.compose.templates import LetterTemplate, TemplateShelf
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Draft, Header, Letter, Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import ALL_STREAMS, NoOptions, Phase, Services

__all__ = ["Compose", "mailbox"]

_UNRENDERABLE = Facts(("message",))
_NO_LANGUAGE = Reason(
    "compose",
    Verdict.HOLD,
    Code.LANGUAGE_MISSING,
    "neither the contact nor the country nor the campaign says which language to write in",
    Facts(("language", "country", "message.fallback_language")),
    "campaign message.fallback_language",
)
_NO_CAMPAIGN = Reason(
    "compose",
    Verdict.BLOCK,
    Code.RENDER_FAILED,
    "there is no campaign and contact to write from",
    _UNRENDERABLE,
)


class Compose:
    """Draft → Letter: subject, text, HTML, the headers From, To, Subject, Reply-To. Other content passes unchanged."""

    Options: ClassVar[type] = NoOptions
    name = "compose"
    phase = Phase.COMPOSE
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ("language", "country", "given_name", "family_name", "message")
    needs: tuple[str, ...] = ("fallback_language",)

    def __init__(self, options: NoOptions, services: Services) -> None:
        del options
        self._fallback = services.fallback_language
        self._shelf = TemplateShelf()
        self._senders: dict[tuple[str, str | None], tuple[Header, ...] | Reason] = {}

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """A letter for each draft, or why it cannot be written."""
        return [self._letter(mail) if isinstance(mail.content, Draft) else mail for mail in mails]

    def _letter(self, mail: Mail) -> Mail | Reason:
        campaign, contact = mail.campaign, mail.contact
        if campaign is None or contact is None:
            return _NO_CAMPAIGN
        language = mail_language(mail, self._fallback)
        if language is None:
            if mail.stream.commercial:
                return _NO_LANGUAGE
            language = "en"
        template = self._shelf.letter_template(campaign, language)
        if isinstance(template, TemplateFault):
            return _failed(template)
        sender = self._sender(campaign)
        if isinstance(sender, Reason):
            return sender
        return self._written(mail, contact, template, sender)

    def _written(
        self, mail: Mail, contact: Contact, template: LetterTemplate, sender: tuple[Header, ...]
    ) -> Mail | Reason:
        rendered = template.render(contact)
        if isinstance(rendered, TemplateFault):
            return _failed(rendered)
        subject = rendered.subject.strip(" ")
        to = mailbox(_full_name(contact), mail.envelope.recipient)
        for header, value in (("Subject", subject), ("To", to)):
            if not value.isprintable() and isinstance(line := field_line(header, value), HeaderFault):
                return _bad_header(line)
        if not subject:
            return _bad_header(HeaderFault("Subject", "is empty"))
        headers = (sender[0], ("To", to), ("Subject", subject), *sender[1:])
        letter = Letter(
            headers, rendered.text, rendered.html, template.language, template.version,
            None, template.attachments, rendered.calendar,
        )  # fmt: skip
        return mail.with_content(letter)

    def _sender(self, campaign: Campaign) -> tuple[Header, ...] | Reason:
        """From and Reply-To, read once per spelling."""
        key = campaign.message.from_, campaign.message.reply_to
        found = self._senders.get(key)
        if found is None:
            found = self._senders[key] = _sender_headers(*key)
        return found


def _sender_headers(from_: str, reply_to: str | None) -> tuple[Header, ...] | Reason:
    headers: list[Header] = []
    for header, value in (("From", from_), ("Reply-To", reply_to)):
        if value is None:
            continue
        name, spelled = split_mailbox(value.strip(" "))
        address = parse_address(spelled)
        if not isinstance(address, Address):
            return _bad_header(HeaderFault(header, "is not `Name <address>`: " + address.why))
        made = mailbox(name, str(address))
        line = field_line(header, made)
        if isinstance(line, HeaderFault):
            return _bad_header(line)
        headers.append((header, made))
    return tuple(headers)


def mailbox(name: str, address: str) -> str:
    """`Name <address>`, or the address alone."""
    return f"{name} <{address}>" if name else address


def _full_name(contact: Contact) -> str:
    """Given and family name when both are known: half a name reads like a mistake."""
    if not (contact.given_name and contact.family_name):
        return ""
    return f"{contact.given_name.strip(' ')} {contact.family_name.strip(' ')}".strip()


def _failed(fault: TemplateFault) -> Reason:
    fields = (fault.variable,) if fault.variable else ("message",)
    return Reason("compose", Verdict.BLOCK, Code.RENDER_FAILED, str(fault), Facts(fields), "campaign [message]")


def _bad_header(fault: HeaderFault) -> Reason:
    return Reason(
        "compose",
        Verdict.BLOCK,
        Code.HEADER_INVALID,
        f"header {fault.header} {fault.what}",
        Facts((fault.header,)),
        "RFC 5322 2.2; RFC 2047",
    )
