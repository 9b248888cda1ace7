"""The blocks of one mail's notice, in text and HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_extras import NO_EXTRAS, Extras
from penstock.compose.notice_text import BLOCKS, DASHES, Block, NoticeText
from penstock.model.verdict import Variant

__all__ = ["OF_THE_CONTACT", "OPTOUT_MARK", "PREFERENCES_MARK", "NoticeForm", "Written", "label_markup", "notice_form"]

OPTOUT_MARK = "https://optout.invalid/"
PREFERENCES_MARK = "https://preferences.invalid/"
"""Stand in for this mail's links while blocks are prepared."""

_MARKS = re.compile(f"({re.escape(OPTOUT_MARK)}|{re.escape(PREFERENCES_MARK)})")
_REASON = ("function", "industry", "reason")
_SAID: Mapping[str, tuple[str, ...]] = {"reason": _REASON, "source": (*_REASON, "source")}
OF_THE_CONTACT: Mapping[Block, frozenset[str]] = {
    "reason": frozenset(_SAID["reason"]),
    "source": frozenset(_SAID["source"]),
}
"""Blocks that say something of the contact, and by which names; the others are the same for all mails of a form, but
for the links."""
_TOLD = 512
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_LINK = re.compile(r"https://[\w\[][^\s<>\"]*")
_STOP = re.compile(r"[\s<>\"'(),;]")
"""Ends one of the mail's own links, in which it never stands."""
_AFTER = ".,:;!?'’‘”“»«›‹"
"""Belongs to the sentence where it follows an address."""
_FRAME = (
    '<div style="max-width:600px;margin:24px auto 0 auto;padding:16px 12px;border-top:1px solid #cccccc;'
    "background-color:#ffffff;color:#444444;font-family:Arial,Helvetica,sans-serif;font-size:0.85em;line-height:1.5;"
    'text-align:start">'
)
_BLOCK_STYLE = (  # links are long, and telephones narrow
    "margin:0 0 10px 0;color:#444444;font-size:1em;line-height:1.5;overflow-wrap:anywhere;word-break:break-word"
)
_LABEL_STYLE = (
    "margin:0 0 12px 0;color:#444444;background-color:#ffffff;font-family:Arial,Helvetica,sans-serif;font-weight:bold"
)
_LINK_STYLE = "color:#1a4f8b;text-decoration:underline"


@dataclass(frozen=True, slots=True)
class Written:
    """The notice of one mail: `text` from the line of dashes on, `html` by block."""

    text: str
    html: Mapping[Block, str]

    def markup(self, woven: Collection[str] = ()) -> str:
        """The HTML of all blocks in a frame of their own, without those that the letter has woven in."""
        missing = [markup for block, markup in self.html.items() if block not in woven]
        return f"{_FRAME}{''.join(missing)}</div>" if missing else ""


@dataclass(frozen=True, slots=True)
class _Block:
    """A block in pieces: where a piece is one of the marks, a link of the mail takes its place.

    `markup` is empty where no HTML was asked for.
    """

    text: tuple[str, ...]
    markup: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeForm:
    """Everything that mails of one campaign, language, variant and country have in common."""

    notice: NoticeText
    variant: Variant
    constants: Mapping[str, Any]
    fixed: Mapping[Block, tuple[_Block, ...]]
    """By wording."""
    extras: Extras = NO_EXTRAS
    told: dict[tuple[Any, ...], _Block] = field(default_factory=dict)
    """Blocks of the reason by what they say: many contacts share theirs. That of the source is mostly their own."""

    def written(
        self,
        values: Mapping[str, Any],
        optout_url: str,
        preferences_url: str,
        number: int = 0,
        *,
        html_too: bool = True,
    ) -> Written | TemplateFault:
        """Fill in what concerns this contact: function, industry, reason, source and the links.

        `number` chooses the wording of each block by a digit of its own, so that two mails seldom agree in all.
        Without `html_too` there is no HTML.
        """
        paragraphs: list[str] = []
        markup: dict[Block, str] = {}
        links = {OPTOUT_MARK: optout_url, PREFERENCES_MARK: preferences_url}
        escaped = {mark: html.escape(url) for mark, url in links.items()} if html_too else {}
        for block in BLOCKS[self.variant]:
            number, wording = divmod(number, len(self.notice.blocks[self.variant, block]))
            if block in OF_THE_CONTACT:
                found = self._of_the_contact(block, values, (optout_url, preferences_url), wording, html_too=html_too)
                if isinstance(found, TemplateFault):
                    return found
            else:
                found = self.fixed[block][wording]
            paragraphs.append(_linked(found.text, links))
            if html_too:
                markup[block] = _linked(found.markup, escaped)
        return Written(f"{DASHES}\n\n" + "\n\n".join(paragraphs) + "\n", markup)

    def says(self, block: Block, words: str) -> bool:
        """Whether every wording of a block that says nothing of the contact holds these words, of which there are."""
        wanted = _SPACE.sub(" ", words).strip()
        return bool(wanted) and all(wanted in "".join(each.text) for each in self.fixed[block])

    def _of_the_contact(
        self, block: Block, values: Mapping[str, Any], own: tuple[str, str], wording: int, *, html_too: bool
    ) -> _Block | TemplateFault:
        said = {name: values[name] for name in _SAID[block]}
        shared, key = block == "reason", (wording, *said.values())
        found = self.told.get(key) if shared else None
        if found is not None and (found.markup or not html_too):
            return found
        # The links themselves, not the marks: what a contact's record says could be spelled like a mark.
        links = {"optout_url": own[0], "preferences_url": own[1]}
        text = paragraph(self.notice, self.variant, block, {**self.constants, **said, **links}, wording)
        if isinstance(text, TemplateFault):
            return text
        made = _Block((text,), (block_markup(self.notice, block, text, own),) if html_too else ())
        source = self.notice.blocks[self.variant, block][wording].source
        # One that names the mail's links is nobody else's.
        if shared and not any(name in source for name in links):
            if len(self.told) >= _TOLD:
                self.told.clear()
            self.told[key] = made
        return made


def notice_form(
    notice: NoticeText, variant: Variant, constants: Mapping[str, Any], extras: Extras = NO_EXTRAS
) -> NoticeForm | TemplateFault:
    """Prepare the blocks that say nothing of the contact."""
    fixed: dict[Block, tuple[_Block, ...]] = {}
    for block in BLOCKS[variant]:
        if block in OF_THE_CONTACT:
            continue
        made: list[_Block] = []
        for wording in range(len(notice.blocks[variant, block])):
            text = paragraph(notice, variant, block, constants, wording)
            if isinstance(text, TemplateFault):
                return text
            text += extras.tails.get(block, "")
            markup = block_markup(notice, block, text)
            made.append(_Block(tuple(_MARKS.split(text)), tuple(_MARKS.split(markup))))
        fixed[block] = tuple(made)
    return NoticeForm(notice, variant, constants, fixed, extras)


def paragraph(
    notice: NoticeText, variant: Variant, block: Block, values: Mapping[str, Any], wording: int = 0
) -> str | TemplateFault:
    """One block as one line of text; the objection has its heading as a line before."""
    text = notice.blocks[variant, block][wording].render(values)
    if isinstance(text, TemplateFault):
        return text
    if "  " in text or not text.isprintable():
        text = _SPACE.sub(" ", text)
    text = text.strip()
    return f"{notice.objection_heading}\n{text}" if block == "objection" else text


def block_markup(
    notice: NoticeText, block: Block, text: str, own: tuple[str, str] = (OPTOUT_MARK, PREFERENCES_MARK)
) -> str:
    """The block as an element marked `data-penstock`, with its links; `own`: to opt out, and to the preferences."""
    heading, _, rest = text.partition("\n") if block == "objection" else ("", "", text)
    words = _anchored(notice, rest, own).replace("\n", "<br>\n")
    above = f"<strong>{html.escape(heading, quote=False)}</strong><br>" if heading else ""
    attributes = f'data-penstock="{block}" lang="{notice.language}" dir="{notice.direction}"'
    return f'<p {attributes} style="{_BLOCK_STYLE}">{above}{words}</p>\n'


def label_markup(notice: NoticeText, label: str) -> str:
    """The label that stands above the letter."""
    attributes = f'data-penstock="label" lang="{notice.language}" dir="{notice.direction}"'
    return f'<p {attributes} style="{_LABEL_STYLE}">{html.escape(label, quote=False)}</p>\n'


def _anchored(notice: NoticeText, text: str, own: tuple[str, str]) -> str:
    """The text in HTML, every address in it a link. Addresses are sought before escaping: `&amp;` ends none."""
    pieces: list[str] = []
    end = 0
    while (found := _LINK.search(text, end)) is not None:
        target = _address(found[0], own)
        optout = bool(own[0]) and target.startswith(own[0])
        shown = html.escape(notice.labels["optout_link"] if optout else target, quote=False)
        pieces.append(html.escape(text[end : found.start()], quote=False))
        pieces.append(f'<a href="{html.escape(target)}" style="{_LINK_STYLE}">{shown}</a>')
        end = found.start() + len(target)
    pieces.append(html.escape(text[end:], quote=False))
    return "".join(pieces)


def _address(found: str, own: tuple[str, str]) -> str:
    """What of these characters is the address, and not the sentence or the brackets around it."""
    if found.startswith(tuple(filter(None, own))):
        found = _STOP.split(found, maxsplit=1)[0]
    while found[-1] in _AFTER or (found[-1] == ")" and found.count(")") > found.count("(")):
        found = found[:-1]
    return found


def _linked(pieces: Sequence[str], links: Mapping[str, str]) -> str:
    """The pieces with every mark among them replaced."""
    if len(pieces) == 1:
        return pieces[0]
    return "".join([links.get(piece, piece) for piece in pieces])
