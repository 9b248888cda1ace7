"""The text part of a letter that has only HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from penstock.compose.masker import mask

__all__ = ["template_to_text", "without_gaps"]

_SKIPPED = frozenset({"head", "style", "script", "title", "template"})
_BLOCKS = "article blockquote center div footer form h1 h2 h3 h4 h5 h6 header main ol p pre section table ul"
_PARAGRAPHS = frozenset(_BLOCKS.split())
_LINES = frozenset({"br", "tr", "li", "dt", "dd"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_TOKEN = re.compile(r"psm\d+x")
_MARK = re.compile(r"\{(?=[{%\#])")
_GAPS = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


class _Reader(HTMLParser):
    """Collects text with line breaks where a browser shows them; links follow their text in brackets."""

    def __init__(self, kept: dict[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._kept = kept
        self._skip = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _SKIPPED:
            self._skip += 1
        elif tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in _LINES:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag == "a":
            self._links.append((values.get("href") or "", len(self.pieces)))
        elif tag == "img" and values.get("alt"):
            self.pieces.append(str(values["alt"]))
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skip = max(0, self._skip - 1)
        elif tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag == "a" and self._links:
            href, start = self._links.pop()
            shown = "".join(self.pieces[start:]).strip()
            target = href.removeprefix("mailto:")
            if target and not href.startswith("#") and target != shown:
                self.pieces.append(f" <{target}>")

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.pieces.append(_SPACE.sub(" ", data))

    def handle_comment(self, data: str) -> None:
        if not self._skip and not self._kept.get(data, "<").startswith("<"):
            self.pieces.append(data)

    def text(self) -> str:
        """What was read, in paragraphs."""
        lines = (line.strip() for line in "".join(self.pieces).split("\n"))
        return _GAPS.sub("\n\n", "\n".join(lines)).strip() + "\n"


def without_gaps(text: str) -> str:
    """At most one empty line between paragraphs, none at the start."""
    return _GAPS.sub("\n\n", text).lstrip("\n")


def template_to_text(source: str) -> str:
    """A text template made from an HTML template: tags in the text stay, those in attributes go."""
    masked = mask(source)
    reader = _Reader(masked.kept)
    reader.feed(masked.html)
    reader.close()
    # An entity that the parser decoded must not become a template tag.
    text = _MARK.sub(r"{{ '{' }}", reader.text())
    return _TOKEN.sub(lambda token: masked.kept.get(token[0], token[0]), text)
