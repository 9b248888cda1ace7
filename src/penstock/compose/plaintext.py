"""The text part of a letter that has only HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from penstock.compose.branches import is_statement
from penstock.compose.masker import TOKEN, mask

__all__ = ["template_to_text", "without_gaps"]

_SKIPPED = frozenset({"head", "style", "script", "title", "template", "noscript", "object", "video", "audio"})
_BLOCKS = "article blockquote center div dl footer form h1 h2 h3 h4 h5 h6 header main ol p pre section table ul"
_PARAGRAPHS = frozenset(_BLOCKS.split())
_LINES = frozenset({"br", "tr", "li", "dt", "dd", "caption"})
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MARK = re.compile(r"\{(?=[{%\#])")
_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")
_SCHEME = re.compile(r"(?:mailto|tel|sms):", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?=[A-Za-z][A-Za-z0-9]*=)")
_INDENT, _BREAK = "\0", "\1"
"""Stand for the spaces and line ends that `pre` keeps."""


class _Reader(HTMLParser):
    """Collects text with line breaks where a browser shows them; links follow their text in brackets."""

    def __init__(self, kept: dict[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._kept = kept
        self._skip: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._lists: list[list[int] | None] = []
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in reversed(attrs)}
        hidden = tag in _SKIPPED or "hidden" in values or _HIDDEN.search(values.get("style", "")) is not None
        if self._skip or hidden:
            # What is hidden ends where its own element does, whatever elements of that name it holds.
            if tag not in _VOID and (hidden or tag == self._skip[-1]):
                self._skip.append(tag)
        elif tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
            self._pre += tag == "pre"
            if tag in {"ul", "ol"}:
                self._lists.append([] if tag == "ol" else None)
        elif tag in _LINES:
            self.pieces.append("\n")
            if tag == "li":
                self._item()
        elif tag == "a":
            self._links.append((values.get("href", ""), len(self.pieces)))
        elif tag == "img":
            self.pieces.append(_SPACE.sub(" ", values.get("alt", "")))
        elif tag in {"td", "th"}:
            self.pieces.append(" ")
        elif tag == "hr":
            self.pieces.append("\n\n---\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skip:
            if tag == self._skip[-1]:
                self._skip.pop()
        elif tag in _PARAGRAPHS:
            self._pre = max(0, self._pre - (tag == "pre"))
            if tag in {"ul", "ol"} and self._lists:
                self._number(self._lists.pop())
            # A list in an item goes on with the next line.
            self.pieces.append("\n" if tag in {"ul", "ol"} and self._lists else "\n\n")
        elif tag == "a" and self._links:
            href, start = self._links.pop()
            shown = "".join(self.pieces[start:]).strip()
            target = href.strip()
            if _SCHEME.match(target):
                target = target.partition(":")[2].partition("?")[0]
            if target and not target.startswith(("#", "javascript:")) and target != shown:
                self.pieces.append(f" <{target}>")

    def handle_data(self, data: str) -> None:
        if self._skip:
            return
        if self._pre:
            data = data.replace("\r\n", "\n").replace("\t", "    ")
            self.pieces.append(data.replace(" ", _INDENT).replace("\n", _BREAK))
        else:
            self.pieces.append(_SPACE.sub(" ", data))

    def handle_comment(self, data: str) -> None:
        original = self._kept.get(data, "<")
        if self._skip or original.startswith("<"):
            return
        if is_statement(original) and self._lists and self._lists[-1] is not None:
            self._lists[-1] = None  # nobody knows how many items there will be
        self.pieces.append(data)

    def _item(self) -> None:
        # Items of lists within lists are set in.
        self.pieces.append(_INDENT * 2 * max(0, len(self._lists) - 1) + "- ")
        if self._lists and (items := self._lists[-1]) is not None:
            items.append(len(self.pieces) - 1)

    def _number(self, items: list[int] | None) -> None:
        for number, place in enumerate(items or (), 1):
            self.pieces[place] = self.pieces[place].removesuffix("- ") + f"{number}. "

    def text(self) -> str:
        """What was read, in paragraphs."""
        lines = (line.strip(" ") for line in "".join(self.pieces).split("\n"))
        kept = "\n".join(re.sub(r" {2,}", " ", line) for line in lines)
        return _GAPS.sub("\n\n", kept).strip().replace(_INDENT, " ").replace(_BREAK, "\n") + "\n"


def without_gaps(text: str) -> str:
    """At most one empty line between paragraphs, none at the start."""
    return _GAPS.sub("\n\n", text).lstrip("\n")


def template_to_text(source: str) -> str:
    """A text template made from an HTML template: tags in the text stay, those in attributes go with them.

    Links stand behind their words, images are their `alt`, items have a dash or, where it is sure, their number, `pre`
    keeps its lines. What is hidden or only for programs (`display:none`, scripts, comments) is left out.
    """
    masked = mask(source)
    reader = _Reader(masked.kept)
    # In an address `&copy=1` is a parameter, whatever Python's parser thinks.
    reader.feed(_AMPERSAND.sub("&amp;", masked.html))
    reader.close()
    # An entity that the parser decoded must not become a template tag.
    text = _MARK.sub(r"{{ '{' }}", reader.text())
    return TOKEN.sub(lambda token: masked.kept.get(token[0], token[0]), text)
