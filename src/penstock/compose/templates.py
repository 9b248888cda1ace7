"""The campaign's templates, compiled once per version and language."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock.compose.calendar_object import calendar_sandbox, completed_calendar
from penstock.compose.fault import TemplateFault
from penstock.compose.fields import FieldReader
from penstock.compose.images import attachments_for, with_content_ids
from penstock.compose.inlining import Inliner
from penstock.compose.plaintext import template_to_text, without_gaps
from penstock.compose.rendered_inlining import RenderedInliner
from penstock.compose.sandbox import Compiled, Sandbox, translator_of
from penstock.model.campaign import Campaign, MessageSpec, TemplateFile
from penstock.model.contact import Contact
from penstock.model.mail import Attachment

__all__ = ["SUBJECT", "LetterTemplate", "Rendered", "TemplateShelf", "default_language", "letter_languages"]

SUBJECT = "[message] subject"
"""How faults name the subject, which has no file of its own."""
_SHELF_PLACES = 256
_SHELF_OCTETS = 64 * 1024 * 1024
"""How much of the campaigns' files the kept templates hold on to."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One letter's words. `subject` is one line unless a value broke it: the caller checks.

    `calendar` is a whole iCalendar object with CRLF line ends.
    """

    subject: str
    text: str
    html: str | None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """What a campaign sends in one language. `version` changes whenever a letter could.

    `attachments` are the same objects for every letter, images under the ids by which the HTML calls them.
    """

    version: str
    language: str
    subject: Compiled
    text: Compiled
    html: Compiled | None
    derived: bool
    fields: FieldReader
    written: Compiled | None = None
    calendar: Compiled | None = None
    attachments: tuple[Attachment, ...] = ()
    inliner: RenderedInliner | None = None

    def render(self, contact: Contact) -> Rendered | TemplateFault:
        """The letter for one contact, or the first fault with its place."""
        values = self.fields.values(contact)
        subject = self.subject.render(values)
        if isinstance(subject, TemplateFault):
            return subject
        text = self.text.render(values)
        html = None if self.html is None else self.html.render(values)
        if isinstance(html, TemplateFault):
            return self._as_written(values, html)
        if isinstance(text, TemplateFault):
            return text
        text = without_gaps(text) if self.derived else text
        if self.inliner is not None and html is not None and self.html is not None:
            html = self.inliner.inlined(html)
            if html is None:
                return TemplateFault(self.html.name, 1, None, "has HTML whose styles cannot be inlined")
        if self.calendar is None:
            return Rendered(subject, text, html)
        rendered = self.calendar.render(values)
        if isinstance(rendered, TemplateFault):
            return rendered
        calendar = completed_calendar(rendered, self.calendar.name)
        return calendar if isinstance(calendar, TemplateFault) else Rendered(subject, text, html, calendar)

    def _as_written(self, values: Mapping[str, Any], fault: TemplateFault) -> TemplateFault:
        """The same fault with the line of the file, which inlining has moved."""
        found = self.written.render(values) if self.written is not None else fault
        return found if isinstance(found, TemplateFault) else fault


class TemplateShelf:
    """Keeps compiled templates by campaign version and language."""

    def __init__(self, rendered_inliner: Callable[[], RenderedInliner] = RenderedInliner) -> None:
        self.inliner = Inliner()
        self._rendered_inliner = rendered_inliner
        self._plain = Sandbox(html=False)
        self._markup = Sandbox(html=True)
        self._calendar = calendar_sandbox()
        self._octets = 0
        self._kept: dict[tuple[str, str], LetterTemplate | TemplateFault] = {}

    def letter_template(self, campaign: Campaign, language: str) -> LetterTemplate | TemplateFault:
        """The template for contacts of that language: its own files and translations where there are some."""
        version = campaign.digest or _digest(repr((campaign.message, campaign.translations)))
        found = self._kept.get((version, language))
        if found is None:
            if len(self._kept) >= _SHELF_PLACES or self._octets > _SHELF_OCTETS:
                self._kept.clear()
                self._octets = 0
            self._octets += campaign.message.enclosed
            found = self._kept[version, language] = self._made(campaign, language, version)
        return found

    def _made(self, campaign: Campaign, language: str, version: str) -> LetterTemplate | TemplateFault:
        message = campaign.message
        try:
            fields = FieldReader(message.fields)
        except KeyError as unknown:
            return TemplateFault("[message] fields", 1, str(unknown.args[0]), "is no field of a contact")
        inliner = self._inliner_of(message)
        if isinstance(inliner, TemplateFault):
            return inliner
        used = _nearest(language, letter_languages(campaign)) or default_language(campaign)
        translate = translator_of(campaign.translations.get(used, {}))
        subject = self._plain.compiled(message.subject, SUBJECT, translate)
        text, html = _chosen(message.templates, "text", used), _chosen(message.templates, "html", used)
        if text is None and html is None:
            return TemplateFault("[message]", 1, None, "has neither text nor html")
        # Faults are looked for in the file as written, so that lines are right.
        written = self._markup.compiled(html.source, html.name, translate) if html else None
        if isinstance(written, TemplateFault):
            return written
        shown = with_content_ids(html.source, message.enclosures) if html else ""
        inlined = self.inliner.inlined(shown).html if html and inliner is None else shown
        markup = self._markup.compiled(inlined, html.name, translate) if html else None
        source = text.source if text else template_to_text(html.source if html else "")
        plain = self._plain.compiled(source, (text or html or _NOTHING).name, translate)
        event = _chosen(message.templates, "calendar", used)
        calendar = self._calendar.compiled(event.source, event.name, translate) if event else None
        for part in (subject, plain, markup, calendar):
            if isinstance(part, TemplateFault):
                return part
        assert isinstance(subject, Compiled)
        assert isinstance(plain, Compiled)
        assert not isinstance(markup, TemplateFault)
        assert not isinstance(calendar, TemplateFault)
        digest = _digest(f"{version}\0{used}")[:16]
        files = attachments_for(html.source if html else None, message.enclosures)
        return LetterTemplate(
            digest, used, subject, plain, markup, text is None, fields, written, calendar, files, inliner
        )

    def _inliner_of(self, message: MessageSpec) -> RenderedInliner | TemplateFault | None:
        """What inlines the rendered letters of a campaign that asks for it."""
        if message.inline == "template":
            return None
        try:
            return self._rendered_inliner()
        except ImportError:
            return TemplateFault("[message] inline", 1, None, "needs css-inline, which is not installed here")


_NOTHING = TemplateFile("text", "", "[message]", "")


def default_language(campaign: Campaign) -> str:
    """What templates without a language in their name are taken to be in."""
    return campaign.message.fallback_language or "en"


def letter_languages(campaign: Campaign) -> tuple[str, ...]:
    """Languages in which the campaign has a template or translations, the default one first."""
    own = [file.language for file in campaign.message.templates if file.language and file.part != "calendar"]
    return tuple(dict.fromkeys([default_language(campaign), *own, *campaign.translations]))


def _nearest(language: str, known: tuple[str, ...]) -> str | None:
    if language in known:
        return language
    primary = language.partition("-")[0].lower()
    return primary if primary in known else None


def _chosen(
    files: tuple[TemplateFile, ...], part: Literal["text", "html", "calendar"], language: str
) -> TemplateFile | None:
    mine = [file for file in files if file.part == part]
    return next((file for file in mine if file.language == language), None) or next(
        (file for file in mine if not file.language), None
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
