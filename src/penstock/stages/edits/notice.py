"""Adds the mandatory notice to a commercial letter (GDPR Art. 13, 14, 21(4); ePrivacy Directive Art. 13(4))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from zlib import crc32

from penstock.compose.fault import TemplateFault
from penstock.compose.language import mail_language
from penstock.compose.notice_approval import why_held
from penstock.compose.notice_blocks import OPTOUT_MARK, PREFERENCES_MARK, NoticeForm, notice_form
from penstock.compose.notice_extras import Lacking, notice_extras
from penstock.compose.notice_letter import completed
from penstock.compose.notice_source import NoticeSources
from penstock.compose.notice_text import NoticeShelf, NoticeText
from penstock.compose.relayed_letter import may_show_html, with_notice
from penstock.compose.sandbox import Nest
from penstock.compose.splice.fault import SpliceFault
from penstock.law.authorities import Authorities, Authority
from penstock.law.mail_duties import EEA, MailDuties, mail_duties
from penstock.model.campaign import Basis, Campaign, Controller
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind
from penstock.model.mail import Draft, Letter, Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["Notice", "NoticeOptions"]

_FORMS = 4_096
_RULE = "GDPR Art. 14(1)-(2), 21(4); ePrivacy Directive Art. 13(4)"
_NO_SOURCE = Reason(
    "notice",
    Verdict.HOLD,
    Code.SOURCE_MISSING,
    "the first message must say where the address comes from, and the record does not",
    Facts(("source.method",)),
    "GDPR Art. 14(2)(f)",
)


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """`preferences`: also link to the preference and rights page, once there is one at `/p/`."""

    preferences: bool = False


class Notice:
    """Appends the blocks to text and HTML; blocks the letter has woven in by `data-penstock` are not repeated there.

    The notice is in the letter's language, and only a text that was adopted or approved goes out. Into a relayed
    message it is spliced, and all else of the message stays as it is.
    """

    Options: ClassVar[type] = NoticeOptions
    name = "notice"
    phase = Phase.COMPLETE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ("language", "country", "function", "title", "company.industry", "reason", "source")
    needs: tuple[str, ...] = (
        "clock",
        "templates",
        "controllers",
        "tokens",
        "base_url",
        "reply_domain",
        "taxonomy",
        "jurisdictions",
        "legal_texts",
        "fallback_language",
    )

    def __init__(self, options: NoticeOptions, services: Services) -> None:
        self._options = options
        self._services = services
        self._shelf = NoticeShelf(services.templates / "notices", services.legal_texts.folder)
        self._languages = self._shelf.languages()
        self._authorities = Authorities.load()
        self._texts: dict[str, NoticeText | Reason] = {}
        self._forms: dict[tuple[Any, ...], NoticeForm | Reason] = {}
        self._sources = NoticeSources()
        self._titles: dict[tuple[str, str | None, str], str] = {}

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The letter with its notice, or why there is none."""
        today = self._services.clock.now().date()
        return [self._noticed(mail, today) for mail in mails]

    def _noticed(self, mail: Mail, today: date) -> Mail | Reason:
        content, campaign, contact = mail.content, mail.campaign, mail.contact
        controller = self._services.controllers.get(mail.controller)
        if isinstance(content, Draft) or campaign is None or contact is None or controller is None:
            return _missing("there is no letter with campaign, contact and controller to write a notice for")
        language = content.language if isinstance(content, Letter) else self._language(mail)
        notice = _no_language(None) if language is None else self._text(language)
        if isinstance(notice, Reason):
            return notice
        form = self._form(mail, notice, campaign, contact, controller, today)
        if isinstance(form, Reason):
            return form
        values = self._values(mail, notice, campaign, contact)
        if isinstance(values, Reason):
            return values
        links = self._url("body", "u", mail), self._url("page", "p", mail)
        # The id, not the number of earlier mails: that may change between two tries of the same mail.
        seen_as_html = content.html is not None if isinstance(content, Letter) else may_show_html(content.data)
        written = form.written(values, *links, crc32(mail.id.encode()), html_too=seen_as_html)
        if isinstance(written, TemplateFault):
            return _failed(written)
        if isinstance(content, Letter):
            return mail.with_content(completed(content, written, form))
        made = with_notice(content.data, written, form)
        return _untouchable(made) if isinstance(made, SpliceFault) else mail.with_content(made)

    def _language(self, mail: Mail) -> str | None:
        """What a relayed message is taken to be written in."""
        return mail_language(mail, self._services.fallback_language)

    def _text(self, language: str) -> NoticeText | Reason:
        """The notice in that language, or why no mail in it may leave; found out once."""
        found = self._texts.get(language)
        if found is None:
            primary = language.partition("-")[0].lower()
            known = next((each for each in (language, primary) if each in self._languages), None)
            if known is None:
                found = _no_language(language)
            else:
                why = why_held(self._shelf.file(known), self._services.legal_texts)
                found = self._shelf.text(known) if why is None else _missing(why, "notices")
            self._texts[language] = found
        return found

    def _form(
        self,
        mail: Mail,
        notice: NoticeText,
        campaign: Campaign,
        contact: Contact,
        controller: Controller,
        today: date,
    ) -> NoticeForm | Reason:
        theirs = contact.country, contact.workplace_country
        key = (controller.id, notice.language, mail.variant, theirs, campaign.digest, today)
        found = self._forms.get(key)
        if found is None:
            if len(self._forms) >= _FORMS:
                self._forms.clear()
            countries = frozenset(filter(None, theirs))
            found = self._forms[key] = self._made(mail, notice, campaign, controller, countries, today)
        return found

    def _made(
        self,
        mail: Mail,
        notice: NoticeText,
        campaign: Campaign,
        controller: Controller,
        theirs: frozenset[str],
        today: date,
    ) -> NoticeForm | Reason:
        contact = mail.contact
        country = contact and (contact.country or contact.workplace_country)
        authority = self._authorities.of(country or controller.country, controller.country)
        # The strictest of the recipient's, the place of work's and the sender's country; None is one nobody knows.
        duties = mail_duties(self._services.jurisdictions, (*(theirs or (None,)), controller.country), today)
        constants = self._constants(notice, campaign, controller, authority, theirs)
        translated = campaign.translations.get(notice.language, {})
        extras = notice_extras(
            notice,
            duties,
            constants,
            wanted=campaign.basis is Basis.CONSENT,
            represented="GB" in theirs and controller.country != "GB" and bool(controller.uk_representative),
            topics=[spelled for word in campaign.topic for spelled in (word, translated.get(word, ""))],
        )
        if isinstance(extras, Lacking):
            return _missing(extras.what, "notices", extras.rule)
        if isinstance(extras, TemplateFault):
            return _failed(extras)
        form = notice_form(notice, mail.variant, constants, extras)
        if isinstance(form, TemplateFault):
            return _failed(form)
        stated = not duties.postal_address or form.says("identity", controller.address)
        return form if stated else _no_address(duties)

    def _constants(
        self,
        notice: NoticeText,
        campaign: Campaign,
        controller: Controller,
        authority: Authority | None,
        theirs: frozenset[str],
    ) -> dict[str, Any]:
        fields = ("legal_name", "address", "registration", "contact", "phone", "privacy_url")
        told = {name: getattr(controller, name) for name in (*fields, "storage_locations", "recipients")}
        told["eu_representative"] = controller.eu_representative if not theirs or theirs & EEA else ""
        told["uk_representative"] = controller.uk_representative
        name, url = (authority.name, authority.url) if authority else ("", "")
        translated = campaign.translations.get(notice.language, {})
        return {
            "controller": Nest("controller", told),
            "authority": Nest("authority", {"name": name, "url": url}),
            "basis": campaign.basis.value,
            "purpose": translated.get(campaign.purpose, campaign.purpose),
            "product": translated.get(campaign.product, campaign.product),
            "optout_url": OPTOUT_MARK,
            "preferences_url": PREFERENCES_MARK if self._options.preferences else "",
            "reply_phrase": notice.reply_phrase,
            "reply_possible": bool(self._services.reply_domain),
        }

    def _values(self, mail: Mail, notice: NoticeText, campaign: Campaign, contact: Contact) -> dict[str, Any] | Reason:
        known = contact.company.activity or contact.company.industry or ""
        values: dict[str, Any] = {
            "function": self._function(mail, notice, contact),
            "industry": known if campaign.audience.industries else "",
            "reason": contact.reason or "",
        }
        if mail.variant == "first":
            source = self._sources.of(notice, contact.source)
            if isinstance(source, TemplateFault):
                return _failed(source)
            if source is None:
                return _NO_SOURCE
            values["source"] = source
        return values

    def _function(self, mail: Mail, notice: NoticeText, contact: Contact) -> str:
        """The label of the person's function; none for a generic mailbox, which is no person."""
        if mail.kind is RecipientKind.GENERIC:
            return ""
        if contact.function is not None:
            return notice.functions.get(contact.function, "")
        if not contact.title:
            return ""
        key = contact.title, contact.language, notice.language
        label = self._titles.get(key)
        if label is None:
            if len(self._titles) >= _FORMS:
                self._titles.clear()
            match = self._services.taxonomy.function_of(contact.title, contact.language)
            label = self._titles[key] = notice.functions.get(match.function, "") if match is not None else ""
        return label

    def _url(self, purpose: str, path: str, mail: Mail) -> str:
        if purpose == "page" and not self._options.preferences:
            return ""
        return f"{self._services.base_url}/{path}/{self._services.tokens.sign(purpose, mail.id)}"


def _no_address(duties: MailDuties) -> Reason:
    why = "the sender's postal address must stand in the identity block here, and it does not"
    return _missing(why, "controller.address", "; ".join(duties.statutes))


def _no_language(language: str | None) -> Reason:
    unsaid = "neither the contact nor the country nor the campaign says which language the message is written in"
    return Reason(
        "notice",
        Verdict.HOLD,
        Code.LANGUAGE_MISSING,
        f"the letter is in {language}, and there is no notice in that language" if language else unsaid,
        Facts(("campaign.message", "notices")),
        _RULE,
    )


def _missing(why: str, field: str = "", rule: str | None = None) -> Reason:
    fields = (field,) if field else ("campaign", "controller")
    return Reason("notice", Verdict.HOLD, Code.NOTICE_MISSING, why, Facts(fields), rule or _RULE)


def _untouchable(fault: SpliceFault) -> Reason:
    """What is signed or encrypted waits for a person; what cannot be read or written can never leave like this."""
    verdict = Verdict.HOLD if fault.code is Code.MESSAGE_UNTOUCHABLE else Verdict.BLOCK
    return Reason("notice", verdict, fault.code, f"no notice can be added: {fault.what}", Facts(("message",)), _RULE)


def _failed(fault: TemplateFault) -> Reason:
    return Reason("notice", Verdict.BLOCK, Code.RENDER_FAILED, str(fault), Facts(("notice",)), _RULE)
