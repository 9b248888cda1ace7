"""The campaign's templates, compiled once per version and language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock.compose.fault import TemplateFault
from penstock.compose.fields import FieldReader
from penstock.compose.inlining import Inliner
from penstock.compose.plaintext import template_to_text, without_gaps
from penstock.compose.sandbox import Compiled, Sandbox, translator_of
from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Contact

__all__ = ["SUBJECT", "LetterTemplate", "Rendered", "TemplateShelf", "default_language", "letter_languages"]

SUBJECT = "[message] subject"
"""How faults name the subject, which has no file of its own."""
_SHELF_PLACES = 256


@dataclass(frozen=True, slots=True)
class Rendered:
    """One letter's words. `subject` is one line unless a value broke it: the caller checks."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """What a campaign sends in one language. `version` changes whenever a letter could."""

    version: str
    language: str
    subject: Compiled
    text: Compiled
    html: Compiled | None
    derived: bool
    fields: FieldReader
    written: Compiled | None = None

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
        return Rendered(subject, without_gaps(text) if self.derived else text, html)

    def _as_written(self, values: Mapping[str, Any], fault: TemplateFault) -> TemplateFault:
        """The same fault with the line of the file, which inlining has moved."""
        found = self.written.render(values) if self.written is not None else fault
        return found if isinstance(found, TemplateFault) else fault


class TemplateShelf:
    """Keeps compiled templates by campaign version and language."""

    def __init__(self) -> None:
        self.inliner = Inliner()
        self._plain = Sandbox(html=False)
        self._markup = Sandbox(html=True)
        self._kept: dict[tuple[str, str], LetterTemplate | TemplateFault] = {}

    def letter_template(self, campaign: Campaign, language: str) -> LetterTemplate | TemplateFault:
        """The template for contacts of that language: its own files and translations where there are some."""
        version = campaign.digest or _digest(repr((campaign.message, campaign.translations)))
        found = self._kept.get((version, language))
        if found is None:
            if len(self._kept) >= _SHELF_PLACES:
                self._kept.clear()
            found = self._kept[version, language] = self._made(campaign, language, version)
        return found

    def _made(self, campaign: Campaign, language: str, version: str) -> LetterTemplate | TemplateFault:
        message = campaign.message
        try:
            fields = FieldReader(message.fields)
        except KeyError as unknown:
            return TemplateFault("[message] fields", 1, str(unknown.args[0]), "is no field of a contact")
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
        inlined = self.inliner.inlined(html.source).html if html else ""
        markup = self._markup.compiled(inlined, html.name, translate) if html else None
        source = text.source if text else template_to_text(html.source if html else "")
        plain = self._plain.compiled(source, (text or html or _NOTHING).name, translate)
        for part in (subject, plain, markup):
            if isinstance(part, TemplateFault):
                return part
        assert isinstance(subject, Compiled)
        assert isinstance(plain, Compiled)
        assert not isinstance(markup, TemplateFault)
        digest = _digest(f"{version}\0{used}")[:16]
        return LetterTemplate(digest, used, subject, plain, markup, text is None, fields, written)


_NOTHING = TemplateFile("text", "", "[message]", "")


def default_language(campaign: Campaign) -> str:
    """What templates without a language in their name are taken to be in."""
    return campaign.message.fallback_language or "en"


def letter_languages(campaign: Campaign) -> tuple[str, ...]:
    """Languages in which the campaign has a template or translations, the default one first."""
    own = [file.language for file in campaign.message.templates if file.language]
    return tuple(dict.fromkeys([default_language(campaign), *own, *campaign.translations]))


def _nearest(language: str, known: tuple[str, ...]) -> str | None:
    if language in known:
        return language
    primary = language.partition("-")[0].lower()
    return primary if primary in known else None


def _chosen(files: tuple[TemplateFile, ...], part: Literal["text", "html"], language: str) -> TemplateFile | None:
    mine = [file for file in files if file.part == part]
    return next((file for file in mine if file.language == language), None) or next(
        (file for file in mine if not file.language), None
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
