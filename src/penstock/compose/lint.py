"""Faults of a campaign itself, found before any contact is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from penstock.compose.authentication import authentication_findings
from penstock.compose.fields import CONTACT_FIELDS
from penstock.compose.finding import Finding
from penstock.compose.headers import HeaderFault, field_line, split_mailbox
from penstock.compose.image_findings import image_findings
from penstock.compose.legal_findings import legal_findings
from penstock.compose.look_findings import look_findings
from penstock.compose.notice_approval import TextState, text_state, why_held
from penstock.compose.notice_text import NoticeFile, NoticeShelf
from penstock.compose.notice_trial import notice_faults
from penstock.compose.subject_faults import poses_as_business
from penstock.compose.templates import SUBJECT, default_language, letter_languages
from penstock.compose.tracking import campaign_urls
from penstock.compose.trial import Trial, try_campaign
from penstock.compose.used_names import uses
from penstock.compose.wording import deceptive_prefix, names_controller, pixels, unanswerable
from penstock.errors import ConfigError
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign
from penstock.model.legal_text import LegalTexts
from penstock.ports import Services

__all__ = ["Finding", "lint"]

_PLAIN_LINK = re.compile(r"""(?:href|src)\s*=\s*["']?http://""", re.IGNORECASE)
_PYTHON = re.compile(r"<built-in method|<bound method| object at 0x", re.IGNORECASE)


def lint(campaign: Campaign, services: Services) -> list[Finding]:
    """All faults of templates, headers, links, images, translations, notices, assessment, table of law; errors first.

    Templates are rendered with an invented contact in a process of their own, for at most 5 s of work. Blocks until it
    has ended: call it from a thread.
    """
    if campaign.message.relayed:
        found = [*_addresses(campaign, services), *_web(campaign, services), *legal_findings(campaign, services)]
        return sorted(dict.fromkeys(found), key=lambda finding: finding.level)
    found = [
        *_addresses(campaign, services),
        *_web(campaign, services),
        *authentication_findings(campaign, services),
        *_fields(campaign),
        *_translations(campaign),
        *_markup(campaign),
        *image_findings(campaign),
        *_notices(campaign, services),
        *legal_findings(campaign, services),
        *_trials(campaign, try_campaign(campaign)),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level)


def _addresses(campaign: Campaign, services: Services) -> Iterator[Finding]:
    message = campaign.message
    for key, value in (("from", message.from_), ("reply_to", message.reply_to)):
        if value is None:
            continue
        where = f"[message] {key}"
        name, spelled = split_mailbox(value.strip(" "))
        address = parse_address(spelled)
        if not isinstance(address, Address):
            yield Finding("error", where, f"is no address: {address.why}", "write `Name <local@domain>`")
        elif isinstance(line := field_line("From", f"{name} <{address}>" if name else str(address)), HeaderFault):
            yield Finding("error", where, line.what)
        elif campaign.stream.commercial and unanswerable(address.local):
            level: Literal["error", "warning"] = "error" if key == "reply_to" or not message.reply_to else "warning"
            yield Finding(level, where, "cannot be answered (no-reply)", "give an address that a person reads")
    controller = services.controllers.get(campaign.controller)
    if controller is None:
        yield Finding("error", "[campaign] controller", "is not among [controllers]")
    elif campaign.stream.commercial and not names_controller(split_mailbox(message.from_)[0], controller.legal_name):
        mend = f"let the name before < contain {controller.legal_name!r}"
        yield Finding("error", "[message] from", "does not say which company writes", mend)


def _web(campaign: Campaign, services: Services) -> Iterator[Finding]:
    if campaign.stream.commercial and not services.base_url.startswith("https://"):
        yield Finding("error", "[web] base_url", "is not set to an https address: no link could unsubscribe", "set it")


def _sources(campaign: Campaign) -> Iterator[tuple[str, str, str]]:
    """(name, language, source) of the subject and of every template file."""
    yield SUBJECT, "", campaign.message.subject
    for file in campaign.message.templates:
        yield file.name, file.language, file.source


def _fields(campaign: Campaign) -> Iterator[Finding]:
    declared, used = set(campaign.message.fields), set()
    for name in campaign.message.fields:
        if name not in CONTACT_FIELDS:
            yield Finding("error", "[message] fields", f"{name} is no field of a contact")
    for file, _, source in _sources(campaign):
        for use in uses(source):
            if use.kind != "field":
                continue
            used.add(use.name)
            if use.name in declared:
                continue
            where = f"{file}:{use.line}"
            if use.name in CONTACT_FIELDS:
                mend = f'add "{use.name}" to [message] fields'
                yield Finding("error", where, f"{use.name} is used but not declared", mend)
            else:
                yield Finding("error", where, f"{use.name} is unknown")
    for name in campaign.message.fields:
        if name in CONTACT_FIELDS and name not in used:
            yield Finding("warning", "[message] fields", f"{name} is declared but not used", "remove it")


def _translations(campaign: Campaign) -> Iterator[Finding]:
    default = default_language(campaign)
    for language in letter_languages(campaign):
        if language == default and language not in campaign.translations:
            continue
        table = campaign.translations.get(language, {})
        own = {file.part for file in campaign.message.templates if file.language == language}
        parts = {file.name: file.part for file in campaign.message.templates}
        for file, written, source in _sources(campaign):
            # A default template is not used where the language has one of its own.
            if written not in ("", language) or (not written and parts.get(file) in own):
                continue
            for use in uses(source):
                if use.kind == "translation" and use.name not in table and language != default:
                    mend = f'add "{use.name}" to [translations.{language}]'
                    yield Finding("error", f"{file}:{use.line}", f"has no translation into {language}", mend)


def _markup(campaign: Campaign) -> Iterator[Finding]:
    for file in campaign.message.templates:
        if file.part != "html":
            continue
        for number, line in enumerate(file.source.splitlines(), 1):
            if _PLAIN_LINK.search(line):
                yield Finding("warning", f"{file.name}:{number}", "links to an http:// address", "use https://")
        if campaign.stream.commercial and pixels(file.source):
            yield Finding("error", file.name, "loads an image of one pixel, which tells who opens it", "remove it")
    if campaign.stream.commercial:
        for name, url in campaign_urls(campaign):
            mend = "leave it out: an address may differ by language, country, function or industry only"
            yield Finding("error", f"{name}:{url.line}", f"has an address that carries {url.field}", mend)
        yield from look_findings(campaign)


def _notices(campaign: Campaign, services: Services) -> Iterator[Finding]:
    if not campaign.stream.commercial:
        return
    texts = services.legal_texts
    shelf = NoticeShelf(services.templates / "notices", texts.folder)
    known = shelf.languages()
    for language in dict.fromkeys(each.partition("-")[0] for each in letter_languages(campaign)):
        where = f"notices/{language}"
        if language not in known:
            mend = f"write {language}/notice.toml in the [notices] folder"
            yield Finding(
                "error", where, f"there is no notice in {language}: letters in it are held", mend, stops=False
            )
            continue
        try:
            file, text = shelf.file(language), shelf.text(language)
        except ConfigError as fault:
            yield Finding("error", fault.where, fault.what, fault.mend)
            continue
        for broken in notice_faults(text):
            yield Finding("error", f"{broken.file}:{broken.line}", f"{broken.variable or ''} {broken.what}".strip())
        yield from _unapproved(file, texts)


def _unapproved(file: NoticeFile, texts: LegalTexts) -> Iterator[Finding]:
    why = why_held(file, texts)
    if why is not None:
        what, _, mend = why.partition("; ")
        level: Literal["error", "warning"] = "error" if text_state(file, texts) is TextState.CHANGED else "warning"
        yield Finding(level, f"notices/{file.language}", f"{what}: letters in it are held", mend, stops=False)


def _trials(campaign: Campaign, trials: list[Trial] | None) -> Iterator[Finding]:
    if trials is None:
        yield Finding("error", "[message]", "the templates take too long or too much memory", "look for endless loops")
        return
    for trial in trials:
        if trial.fault is not None:
            where = f"{trial.fault.file}:{trial.fault.line}"
            if trial.blank is None:
                what = f"{trial.fault.variable or ''} {trial.fault.what}".strip()
                yield Finding("error", where, what)
            else:
                what = f"a contact without {trial.blank} gets no letter"
                yield Finding("warning", where, what, f"write {{{{ {trial.blank}|default('…') }}}} or use {{% if %}}")
        else:
            yield from _subject(campaign, trial.language, trial.subject)


def _subject(campaign: Campaign, language: str, subject: str) -> Iterator[Finding]:
    if not campaign.stream.commercial:
        return
    if deceptive_prefix(subject):
        yield Finding("error", SUBJECT, f"pretends to answer or forward a message ({language})")
    if poses_as_business(subject, campaign.stream, campaign.topic):
        yield Finding("error", SUBJECT, f"claims an order, a bill or an account ({language})", "say what is offered")
    if _PYTHON.search(subject):
        yield Finding("error", SUBJECT, f"prints a method instead of a value ({language})")
    table = campaign.translations.get(language, {})
    words = [spelled for word in campaign.topic for spelled in (word, table.get(word)) if spelled]
    if not any(word.casefold() in subject.casefold() for word in words):
        what = f"names none of [campaign] topic ({language})" if words else "[campaign] topic is empty"
        yield Finding("warning", SUBJECT, what, "say in the subject what the offer is about")
