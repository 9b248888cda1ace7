"""Adds the mandatory notice to a commercial letter (GDPR Art. 13, 14, 21(4); ePrivacy Directive Art. 13(4))."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from penstock.compose.fault import TemplateFault
from penstock.compose.language import direction, mail_language
from penstock.compose.notice_blocks import OPTOUT_MARK, PREFERENCES_MARK, NoticeForm, Written, notice_form
from penstock.compose.notice_text import NoticeShelf, NoticeText
from penstock.compose.sandbox import Nest
from penstock.law.authorities import Authorities, Authority
from penstock.model.campaign import Campaign, Controller
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind
from penstock.model.mail import Letter, Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["Notice", "NoticeOptions"]

_ROOT = re.compile(r"<html\b(?P<attributes>[^>]*)>", re.IGNORECASE)
_NAME = re.compile(r"\s([A-Za-z:-]+)")
_WOVEN = re.compile(r'data-penstock="(\w+)"')
_LOCALES = {"en": "en_GB"}  # read without doubt everywhere: the month is a word, the day comes first
_DATES = 4_096
_RULE = "GDPR Art. 14(1)-(2), 21(4); ePrivacy Directive Art. 13(4)"


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """`preferences`: also link to the preference and rights page, once there is one at `/p/`."""

    preferences: bool = False


class Notice:
    """Appends the blocks to text and HTML; blocks the letter has woven in by `data-penstock` are not repeated there."""

    Options: ClassVar[type] = NoticeOptions
    name = "notice"
    phase = Phase.COMPLETE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ("language", "country", "function", "title", "company.industry", "reason", "source")
    needs: tuple[str, ...] = (
        "templates",
        "controllers",
        "tokens",
        "base_url",
        "reply_domain",
        "taxonomy",
        "fallback_language",
    )

    def __init__(self, options: NoticeOptions, services: Services) -> None:
        self._options = options
        self._services = services
        self._shelf = NoticeShelf(services.templates / "notices")
        self._languages = self._shelf.languages()
        self._authorities = Authorities.load()
        self._forms: dict[tuple[str, ...], NoticeForm | TemplateFault] = {}
        self._dates: dict[tuple[datetime, str], str] = {}
        self._titles: dict[tuple[str, str], str] = {}

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The letter with its notice, or why there is none."""
        return [self._noticed(mail) for mail in mails]

    def _noticed(self, mail: Mail) -> Mail | Reason:
        letter, campaign, contact = mail.content, mail.campaign, mail.contact
        controller = self._services.controllers.get(mail.controller)
        if not isinstance(letter, Letter) or campaign is None or contact is None or controller is None:
            return _missing("there is no letter with campaign, contact and controller to write a notice for")
        notice = self._notice(mail, letter)
        if notice is None:
            return _missing("there is no notice in the letter's language nor in English")
        form = self._form(mail, notice, campaign, contact, controller)
        if isinstance(form, TemplateFault):
            return _failed(form)
        values = self._values(mail, notice, campaign, contact)
        if isinstance(values, Reason):
            return values
        written = form.written(values, self._url("body", "u", mail), self._url("page", "p", mail))
        if isinstance(written, TemplateFault):
            return _failed(written)
        return mail.with_content(_completed(letter, written, notice))

    def _notice(self, mail: Mail, letter: Letter) -> NoticeText | None:
        wanted = mail_language(mail, self._services.fallback_language) or ""
        for language in (wanted, wanted.partition("-")[0], letter.language, "en"):
            if language in self._languages:
                return self._shelf.text(language)
        return None

    def _form(
        self, mail: Mail, notice: NoticeText, campaign: Campaign, contact: Contact, controller: Controller
    ) -> NoticeForm | TemplateFault:
        country = contact.country or contact.workplace_country or controller.country
        key = (controller.id, notice.language, mail.variant, country, campaign.digest)
        found = self._forms.get(key)
        if found is None:
            if len(self._forms) >= _DATES:
                self._forms.clear()
            authority = self._authorities.of(country, controller.country)
            constants = self._constants(notice, campaign, controller, authority)
            found = self._forms[key] = notice_form(notice, mail.variant, constants)
        return found

    def _constants(
        self, notice: NoticeText, campaign: Campaign, controller: Controller, authority: Authority | None
    ) -> dict[str, Any]:
        fields = ("legal_name", "address", "registration", "contact", "phone", "privacy_url")
        more = ("eu_representative", "storage_locations", "recipients")
        translated = campaign.translations.get(notice.language, {})
        return {
            "controller": Nest("controller", {name: getattr(controller, name) for name in (*fields, *more)}),
            "authority": Nest(
                "authority",
                {"name": authority.name if authority else "", "url": authority.url if authority else ""},
            ),
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
            source = self._source(notice, contact)
            if isinstance(source, Reason):
                return source
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
        key = contact.title, notice.language
        label = self._titles.get(key)
        if label is None:
            if len(self._titles) >= _DATES:
                self._titles.clear()
            match = self._services.taxonomy.function_of(contact.title, contact.language)
            label = self._titles[key] = notice.functions.get(match.function, "") if match is not None else ""
        return label

    def _source(self, notice: NoticeText, contact: Contact) -> Nest | Reason:
        source = contact.source
        phrase = notice.sources.get(source.method) if source.method is not None else None
        if phrase is None:
            return Reason(
                self.name,
                Verdict.HOLD,
                Code.SOURCE_MISSING,
                "the first message must say where the address comes from, and the record does not",
                Facts(("source.method",)),
                "GDPR Art. 14(2)(f)",
            )
        values = {
            "reference": source.reference or "",
            "collected_at": self._date(source.collected_at, notice.language),
            "supplier": source.supplier or "",
        }
        # Most phrases are the same words for everybody.
        fixed = "{" not in phrase.source
        spoken = phrase.source.removesuffix("\n") if fixed else phrase.render({"source": Nest("source", values)})
        if isinstance(spoken, TemplateFault):
            return _failed(spoken)
        return Nest("source", {**values, "phrase": spoken})

    def _date(self, moment: datetime | None, language: str) -> str:
        if moment is None:
            return ""
        found = self._dates.get((moment, language))
        if found is None:
            from babel.dates import format_date

            if len(self._dates) >= _DATES:
                self._dates.clear()
            found = self._dates[moment, language] = format_date(
                moment.date(), "long", locale=_LOCALES.get(language, language)
            )
        return found

    def _url(self, purpose: str, path: str, mail: Mail) -> str:
        if purpose == "page" and not self._options.preferences:
            return ""
        return f"{self._services.base_url}/{path}/{self._services.tokens.sign(purpose, mail.id)}"


def _completed(letter: Letter, written: Written, notice: NoticeText) -> Letter:
    html = letter.html
    if html is not None:
        # The opt-out block is never left to the letter: a template cannot know this mail's link.
        # Looked for from the end: that takes a third of the time where there is none.
        woven = set(_WOVEN.findall(html)) - {"optout"} if html.rfind("data-penstock") >= 0 else ()
        place = html.rfind("</body")
        place = html.lower().rfind("</body") if place < 0 else place
        place = len(html) if place < 0 else place
        html = "".join((_rooted(html[:place], letter.language), written.markup(woven), html[place:]))
    text = f"{letter.text.rstrip()}\n\n{written.text}"
    return letter.with_notice(text, html, notice.version)


def _rooted(html: str, language: str) -> str:
    """`lang` and `dir` on the root element where the campaign gave none."""
    root = _ROOT.search(html)
    if root is None:
        return html
    given = {name.lower() for name in _NAME.findall(root["attributes"])}
    lang = "" if "lang" in given else f' lang="{language}"'
    turn = "" if "dir" in given else f' dir="{direction(language)}"'
    if not (lang or turn):
        return html
    return f"{html[: root.start() + 5]}{lang}{turn}{html[root.start() + 5 :]}"


def _missing(why: str) -> Reason:
    return Reason("notice", Verdict.HOLD, Code.NOTICE_MISSING, why, Facts(("campaign", "controller")), _RULE)


def _failed(fault: TemplateFault) -> Reason:
    return Reason("notice", Verdict.BLOCK, Code.RENDER_FAILED, str(fault), Facts(("notice",)), _RULE)
