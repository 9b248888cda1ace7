"""Hides template tags from an HTML parser, so that it can say which style belongs to which element of the template."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.compose.branches import TAG, Branches, is_statement

__all__ = ["MARK", "TOKEN", "Masked", "StartTag", "mask"]

MARK = "data-psm"
"""The attribute that numbers the start tags of the masked HTML."""
_BRACE = r"\{(?![{%\#])"
_TEMPLATE_TAG = re.compile(TAG, re.DOTALL)
# What is never closed reaches to the end: so browsers read it, and so no search starts over and over.
_TEXT = re.compile(
    rf"(?P<tag>{TAG})"
    r"|(?P<comment><!--.*?(?:-->|\Z)|<!\[(?:if|endif|CDATA)[^>]*(?:>|\Z)|<\?[^>]*(?:>|\Z))"
    r"|(?P<raw><(?P<name>style|script|title|textarea)\b)"
    r"|(?P<open><[A-Za-z])|</(?P<end>[A-Za-z][^\s/>]*)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    rf"(?P<close>/?>)|(?P<tag>{TAG})"
    r"|(?P<name>[^\s\"'<>/={]+)(?:\s*=\s*"
    rf"(?P<value>\"(?:{TAG}|{_BRACE}|[^\"{{])*\"|'(?:{TAG}|{_BRACE}|[^'{{])*'|(?:{TAG}|{_BRACE}|[^\s\"'>{{])+))?",
    re.DOTALL,
)
TOKEN = re.compile(r"psmq*\d+x")
_PREFIX = "psm"
_SHAPING = re.compile(r"(?:^|[\s\"'}])(?:class|id|style|hidden)\b", re.IGNORECASE)


@dataclass(slots=True)
class StartTag:
    """One start tag of the template.

    `end` is where another attribute can be put, `style` the place of the style attribute. `own` is that attribute's
    CSS where tags stand in it, for a double-quoted attribute. `varies`: class, id or style depend on the contact.
    """

    end: int = 0
    style: tuple[int, int] | None = None
    own: str = ""
    varies: bool = False


@dataclass(slots=True)
class Masked:
    """HTML with a token in place of every template tag and comment, and a number at every start tag.

    `restyled` puts styles into the template as it was written: nothing else of it changes.
    """

    source: str
    html: str = ""
    tags: list[StartTag] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    branches: Branches = field(default_factory=Branches)
    styled_by_tags: bool = False
    """Whether a stylesheet, or an attribute that styles, depends on the contact."""
    aside: list[str] = field(default_factory=list)
    """Stylesheets that blocks decide about, with tokens in place of what they print."""
    _tokens: dict[str, str] = field(default_factory=dict)
    _prefix: str = _PREFIX

    def __post_init__(self) -> None:
        while self._prefix in self.source:
            self._prefix += "q"

    def token(self, original: str) -> str:
        """The token for a piece of the template; equal pieces share one."""
        found = self._tokens.get(original)
        if found is None:
            found = self._tokens[original] = f"{self._prefix}{len(self._tokens)}x"
            self.kept[found] = original
        return found

    def restyled(self, given: Mapping[int, str]) -> str:
        """The template with these styles (CSS by the number of the start tag, tokens in it) in its attributes.

        What a style attribute with template tags says itself joins what is given, and comes last.
        """
        pieces, place = [], 0
        for number in sorted(given):
            tag = self.tags[number]
            css = TOKEN.sub(lambda token: self.kept.get(token[0], token[0]), _in_attribute(given[number]))
            css = f"{css.rstrip('; ')}; {tag.own}" if tag.own else css
            begin, end = tag.style or (tag.end, tag.end)
            space = "" if self.source[begin - 1].isspace() else " "
            pieces += [self.source[place:begin], f'{space}style="{css}"']
            place = end
        return "".join((*pieces, self.source[place:]))

    def clashes(self) -> bool:
        """True when the template itself numbers its elements as we do."""
        return MARK in self.source


def mask(source: str) -> Masked:
    """Mask a whole HTML template."""
    masked = Masked(source)
    pieces, place = [], 0
    while (match := _TEXT.search(source, place)) is not None:
        pieces.append(source[place : match.start()])
        place = match.end()
        if match["tag"] or match["comment"]:
            for tag in _TEMPLATE_TAG.findall(match[0]):
                masked.branches.statement(tag)
            pieces.append(f"<!--{masked.token(match[0])}-->")
        elif match["end"]:
            masked.branches.closed(match["end"])
            pieces.append(match[0])
        elif match["raw"]:
            piece, place = _raw(source, match, masked)
            pieces.append(piece)
        else:
            piece, place = _element(source, match.start(), masked)
            pieces.append(piece)
    pieces.append(source[place:])
    masked.html = "".join(pieces)
    return masked


def _raw(source: str, match: re.Match[str], masked: Masked) -> tuple[str, int]:
    """An element whose content is no markup. A stylesheet that is there for some only is not looked at."""
    start, place = _element(source, match.start(), masked)
    masked.branches.closed(match["name"])
    closing = re.compile(rf"</{match['name']}\s*>", re.IGNORECASE).search(source, place)
    end = closing.end() if closing else len(source)
    words = source[place:end]
    tags = _TEMPLATE_TAG.findall(words)
    name = match["name"].lower()
    some = name == "style" and masked.branches.depth > 0
    if name == "style":
        masked.styled_by_tags |= some or any(not tag.startswith("{#") for tag in tags)
    if some or (name != "title" and any(is_statement(tag) for tag in tags)):
        masked.aside += [_printed(words, masked)] if name == "style" else []
        return f"<!--{masked.token(source[match.start() : end])}-->", end
    return start + _printed(words, masked), end


def _printed(words: str, masked: Masked) -> str:
    return _TEMPLATE_TAG.sub(
        lambda tag: "" if tag[0][1] == "#" or is_statement(tag[0]) else masked.token(tag[0]), words
    )


def _element(source: str, start: int, masked: Masked) -> tuple[str, int]:
    """One start tag. Conditionals around attributes are kept as one piece each."""
    name = re.compile(r"<[^\s/>{]+").match(source, start)
    place = name.end() if name else start + 2
    found, pieces = StartTag(varies=masked.branches.filtered), [source[start:place]]
    while (match := _ATTRIBUTE.search(source, place)) is not None:
        pieces.append(source[place : match.start()])
        place = match.end()
        if match["close"]:
            found.end = match.start()
            pieces.append(f' {MARK}="{len(masked.tags)}"{match[0]}')
            masked.tags.append(found)
            if match[0] == ">":
                masked.branches.opened(source[start + 1 : name.end() if name else place])
            break
        if match["tag"]:
            place = _end_of_block(source, match)
            whole = source[match.start() : place]
            found.varies |= whole.startswith("{{") or _SHAPING.search(_TEMPLATE_TAG.sub("}", whole)) is not None
            space = "" if source[match.start() - 1].isspace() else " "
            pieces.append(space + masked.token(whole))
        else:
            pieces.append(_attribute(match, masked, found))
    masked.styled_by_tags |= found.varies
    return "".join(pieces), place


def _attribute(match: re.Match[str], masked: Masked, found: StartTag) -> str:
    name, value = match["name"].lower(), match["value"]
    if name == "style" and value is not None and found.style is None:
        found.style = match.span()
    if value is None or not _TEMPLATE_TAG.search(value):
        return match[0]
    bare = value[1:-1] if value[0] in "\"'" else value
    if name == "style":
        found.own = _double_quoted(bare) if value[0] == "'" else bare
        masked.styled_by_tags = True
        return ""
    if name in {"class", "id"}:
        found.varies = True
        return f'{match["name"]}="{_words_for_all(bare)}"'
    quote = value[0] if value[0] in "\"'" else '"'
    return f"{match['name']}={quote}{_TEMPLATE_TAG.sub(lambda tag: masked.token(tag[0]), bare)}{quote}"


def _words_for_all(value: str) -> str:
    """The classes that every contact's element has: no word that a tag stands in, touches or surrounds."""
    pieces, place = [], 0
    while (tag := _TEMPLATE_TAG.search(value, place)) is not None:
        pieces.append(value[place : tag.start()])
        place = _end_of_block(value, tag)
        pieces.append("\0")
    words = "".join((*pieces, value[place:])).replace('"', "").split()
    return " ".join(word for word in words if "\0" not in word)


def _in_attribute(css: str) -> str:
    # A brace must not become a template tag; quotes inside the attribute are single ones, which all programs take.
    css = html.escape(css.replace('"', "'"), quote=False)
    return re.sub(r"\{(?=[{%#])", "&#123;", css)


def _double_quoted(css: str) -> str:
    """CSS for a double-quoted attribute; quotes inside template tags are gone once rendered."""
    return re.sub(rf"(?P<tag>{TAG})|\"", lambda match: match["tag"] or "'", css, flags=re.DOTALL)


def _end_of_block(source: str, match: re.Match[str]) -> int:
    """Where the statement that begins here ends: its `endif` or `endfor` for a block, else the tag itself."""
    branches, place = Branches(), match.start()
    if not is_statement(match[0]):
        return match.end()
    while (tag := _TEMPLATE_TAG.search(source, place)) is not None:
        place = tag.end()
        branches.statement(tag[0])
        if branches.depth <= 0:
            return place
    return match.end()
