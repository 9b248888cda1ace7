"""The blocks of one mail's notice, in text and HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_text import BLOCKS, DASHES, Block, NoticeText
from penstock.model.verdict import Variant

__all__ = ["OPTOUT_MARK", "PREFERENCES_MARK", "NoticeForm", "Written", "notice_form"]

OPTOUT_MARK = "https://optout.invalid/"
PREFERENCES_MARK = "https://preferences.invalid/"
"""Stand in for this mail's links while blocks are prepared."""

_PER_MAIL = frozenset({"reason", "source"})
"""Blocks that say something of the contact; the others are the same for all mails of a form, but for the links."""
_GAPS = ("  ", "\n", "\t", "\r", "\f", "\v")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_LINK = re.compile(r"https://[^\s<>\"'(),;]*[^\s<>\"'(),;.:!?]")
_FRAME = (
    '<div style="max-width:600px;margin:24px auto 0 auto;padding:16px 12px;border-top:1px solid #cccccc;'
    "background-color:#ffffff;color:#444444;font-family:Arial,Helvetica,sans-serif;font-size:0.85em;line-height:1.5;"
    'text-align:start">'
)
_BLOCK_STYLE = "margin:0 0 10px 0;color:#444444;font-size:1em;line-height:1.5"
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
class NoticeForm:
    """Everything that mails of one campaign, language, variant and country have in common."""

    notice: NoticeText
    variant: Variant
    constants: Mapping[str, Any]
    fixed: Mapping[Block, tuple[str, str]]

    def written(self, values: Mapping[str, Any], optout_url: str, preferences_url: str) -> Written | TemplateFault:
        """Fill in what concerns this contact: function, industry, reason, source and the links."""
        paragraphs: list[str] = []
        markup: dict[Block, str] = {}
        for block in BLOCKS[self.variant]:
            fixed = self.fixed.get(block)
            if fixed is None:
                text = paragraph(self.notice, self.variant, block, {**self.constants, **values})
                if isinstance(text, TemplateFault):
                    return text
                fixed = text, block_markup(self.notice, block, text)
            paragraphs.append(fixed[0])
            markup[block] = fixed[1]
        if "optout" in markup:
            place = len(paragraphs) - 2
            paragraphs[place] = _linked(paragraphs[place], optout_url, preferences_url)
            markup["optout"] = _linked(markup["optout"], html.escape(optout_url), html.escape(preferences_url))
        return Written(f"{DASHES}\n\n" + "\n\n".join(paragraphs) + "\n", markup)


def notice_form(notice: NoticeText, variant: Variant, constants: Mapping[str, Any]) -> NoticeForm | TemplateFault:
    """Prepare the blocks that say nothing of the contact."""
    fixed: dict[Block, tuple[str, str]] = {}
    for block in BLOCKS[variant]:
        if block in _PER_MAIL:
            continue
        text = paragraph(notice, variant, block, constants)
        if isinstance(text, TemplateFault):
            return text
        fixed[block] = text, block_markup(notice, block, text)
    return NoticeForm(notice, variant, constants, fixed)


def paragraph(notice: NoticeText, variant: Variant, block: Block, values: Mapping[str, Any]) -> str | TemplateFault:
    """One block as one line of text; the objection has its heading as a line before."""
    text = notice.blocks[variant, block].render(values)
    if isinstance(text, TemplateFault):
        return text
    if any(gap in text for gap in _GAPS):
        text = _SPACE.sub(" ", text)
    text = text.strip()
    return f"{notice.objection_heading}\n{text}" if block == "objection" else text


def block_markup(notice: NoticeText, block: Block, text: str) -> str:
    """The block as an element marked `data-penstock`, with its links."""
    heading, _, rest = text.partition("\n") if block == "objection" else ("", "", text)
    words = html.escape(rest, quote=False)
    words = _LINK.sub(_anchor(notice), words) if "https://" in words else words
    above = f"<strong>{html.escape(heading, quote=False)}</strong><br>" if heading else ""
    attributes = f'data-penstock="{block}" lang="{notice.language}" dir="{notice.direction}"'
    return f'<p {attributes} style="{_BLOCK_STYLE}">{above}{words}</p>\n'


def _anchor(notice: NoticeText) -> Callable[[re.Match[str]], str]:
    def anchor(match: re.Match[str]) -> str:
        target = match[0].replace('"', "&quot;")
        optout = target.startswith(OPTOUT_MARK)
        shown = html.escape(notice.labels["optout_link"], quote=False) if optout else match[0]
        return f'<a href="{target}" style="{_LINK_STYLE}">{shown}</a>'

    return anchor


def _linked(text: str, optout_url: str, preferences_url: str) -> str:
    return text.replace(OPTOUT_MARK, optout_url).replace(PREFERENCES_MARK, preferences_url)
