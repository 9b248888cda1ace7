"""A letter and its notice put together."""

from __future__ import annotations

import re

from penstock.compose.language import direction
from penstock.compose.notice_blocks import NoticeForm, Written, label_markup
from penstock.compose.woven import body_end, body_start, woven_blocks
from penstock.model.mail import Letter

__all__ = ["completed"]

_ROOT = re.compile(r"<html\b(?P<attributes>[^>]*)>", re.IGNORECASE)
_NAME = re.compile(r"\s([A-Za-z:-]+)")


def completed(letter: Letter, written: Written, form: NoticeForm) -> Letter:
    """The letter with all blocks in its text, those it has not woven in in its HTML, and the labels asked for."""
    notice, extras, html = form.notice, form.extras, letter.html
    if html is not None:
        # The opt-out block is never left to the letter: a template cannot know this mail's link.
        woven = woven_blocks(html) - {"optout"}
        place = body_end(html)
        above, start = "", 0
        if extras.label and "label" not in woven:
            start = body_start(html)
            above = html[:start] + label_markup(notice, extras.label)
        opened = _rooted(above + html[start:place], letter.language)
        html = "".join((opened, written.markup(woven), html[place:]))
    label = f"{extras.label}\n\n" if extras.label else ""
    text = f"{label}{letter.text.rstrip()}\n\n{written.text}"
    made = letter.with_notice(text, html, notice.version)
    return _marked(made, form) if extras.subject else made


def _marked(letter: Letter, form: NoticeForm) -> Letter:
    """The subject says that the mail is advertising, where it must and does not."""
    headers = [
        (name, form.extras.marked(value)) if name.lower() == "subject" else (name, value)
        for name, value in letter.headers
    ]
    return letter.with_headers(tuple(headers))


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
