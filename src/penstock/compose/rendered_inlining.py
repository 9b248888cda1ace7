"""Moves the stylesheet of each rendered letter into its style attributes: `[message] inline = "rendered"`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from penstock.compose.masker import MARK, mask

__all__ = ["RenderedInliner"]

_PIECE = r"(?:[^\"<>]|\"[^\"]*\")*"
_STARTS = re.compile(rf"<[a-z][^\s\"<>/]*(?P<attributes>{_PIECE})>", re.IGNORECASE)
_NUMBER = re.compile(rf'\s{MARK}="(\d+)"')
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_OTHER_MEDIA = re.compile(r"<style\b(?=[^>]*\bmedia\s*=\s*[\"']?\s*(?!(?:all|screen)\s*[\"'\s>]))", re.IGNORECASE)


class RenderedInliner:
    """Resolves every selector, of whatever kind, on the letter as it leaves. Loads nothing.

    Costs about a millisecond per letter of 10 KB. Raises ImportError where css-inline is not installed.
    """

    def __init__(self) -> None:
        from css_inline import CSSInliner

        self._inliner = CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_link_tags=True)

    def inlined(self, html: str) -> str | None:
        """The letter with styles in its attributes, unchanged beside them; None where that cannot be done."""
        masked = mask(html)
        # Thousands of elements in one another would exhaust the stack of the parser.
        if masked.branches.deep or masked.clashes():
            return None
        try:
            styled = self._inliner.inline(_OTHER_MEDIA.sub('<style data-css-inline="ignore"', masked.html))
        except ValueError:
            return None
        own = dict(_styles(masked.html))
        return masked.restyled({number: css for number, css in _styles(styled) if css and css != own.get(number)})


def _styles(html: str) -> Iterator[tuple[int, str]]:
    for start in _STARTS.finditer(html):
        number = _NUMBER.search(start["attributes"])
        if number is not None:
            style = _STYLE.search(start["attributes"])
            yield int(number[1]), unescape(style[1]) if style else ""
