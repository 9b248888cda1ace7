"""Hides template tags from an HTML parser, so that `{{ … }}` comes out of it as it went in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Masked", "mask"]

_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TAG = (
    r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}"
    r"|\{\#.*?\#\}"
    rf"|\{{%(?:{_STRING}|[^'\"%]|%(?!\}}))*%\}}"
    rf"|\{{\{{(?:{_STRING}|[^'\"}}]|\}}(?!\}}))*\}}\}}"
)
_BRACE = r"\{(?![{%\#])"
_TEMPLATE_TAG = re.compile(_TAG, re.DOTALL)
_TEXT = re.compile(
    rf"(?P<tag>{_TAG})"
    r"|(?P<comment><!--.*?-->|<!\[(?:if|endif)[^>]*>)"
    r"|(?P<raw><(?P<name>style|script|title|textarea)\b[^>]*>)"
    r"|(?P<open><[A-Za-z])",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    rf"(?P<close>/?>)|(?P<tag>{_TAG})"
    r"|(?P<name>[^\s\"'<>/={]+)(?:\s*=\s*"
    rf"(?P<value>\"(?:{_TAG}|{_BRACE}|[^\"{{])*\"|'(?:{_TAG}|{_BRACE}|[^'{{])*'|(?:{_TAG}|{_BRACE}|[^\s\"'>{{])+))?",
    re.DOTALL,
)
_STATEMENT = re.compile(r"\{%-?\s*(?P<word>\w+)")
_TOKEN = re.compile(r"<!--(?P<text>psm\d+x)-->|(?P<attribute>psm\d+x)=\"\"|(?P<plain>psm\d+x)")
_MARK = re.compile(r"\{(?=[{%\#])")
_DOCUMENT = re.compile(r"<!doctype[^>]*>\s*", re.IGNORECASE)
_STYLED = re.compile(r"<(?!!)[^<>]*\spsm\d+x[\s=>][^<>]*>|<(?!!)[^<>]*\spsm\d+x>")
_STYLE = re.compile(r"\sstyle=(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')")
_BLOCKS = {"if", "for", "set", "macro", "call", "filter", "with", "autoescape", "block"}


@dataclass(slots=True)
class Masked:
    """HTML with every template tag, comment and Outlook conditional replaced by a token.

    `before` and `after` stand outside the document (doctype, tags around it) and never meet the parser.
    """

    html: str = ""
    before: str = ""
    after: str = ""
    kept: dict[str, str] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(self, original: str) -> str:
        """The token for a piece of the template; equal pieces share one."""
        found = self._tokens.get(original)
        if found is None:
            found = self._tokens[original] = f"psm{len(self._tokens)}x"
            self.kept[found] = original
        return found

    def restored(self, html: str) -> str | None:
        """The template again, from what the parser made of it masked; None when a tag was lost or moved."""
        wanted, seen = _tokens_of(self.html), _tokens_of(html)
        if set(wanted) != set(seen) or self._fixed(wanted) != self._fixed(seen):
            return None
        # An entity that the parser decoded must not become a template tag.
        html = _MARK.sub("&#123;", html)
        html = _STYLED.sub(self._restyled, html) if self.styles else html
        return self.before + _TOKEN.sub(self._original, html) + self.after

    def _fixed(self, tokens: list[str]) -> list[str]:
        """Without printed values, which an inlined style may repeat."""
        return [token for token in tokens if not self.kept.get(token, "").startswith("{{")]

    @staticmethod
    def clashes(source: str) -> bool:
        """True when the template itself contains what looks like a token."""
        return _TOKEN.search(source) is not None

    def _original(self, match: re.Match[str]) -> str:
        return self.kept.get(match[match.lastgroup or 0], match[0])

    def _restyled(self, match: re.Match[str]) -> str:
        """A style attribute that was set aside joins what the stylesheet gave the element, and comes last."""
        whole = match[0]
        token = next((token for token in _tokens_of(whole) if token in self.styles), None)
        if token is None:
            return whole
        sheet = _STYLE.search(whole)
        given = (sheet["double"] or sheet["single"] or "").rstrip("; ") if sheet else ""
        css = given.replace('"', "'") + "; " if given else ""
        whole = whole.replace(sheet[0], "") if sheet else whole
        return re.sub(rf'{token}(?:="")?', lambda _: f'style="{css}{self.styles[token]}"', whole, count=1)


def mask(source: str) -> Masked:
    """Mask a whole HTML template. `restored` of its own `html` gives an equivalent template."""
    masked = Masked()
    source = _without_surroundings(source, masked)
    pieces, place = [], 0
    while (match := _TEXT.search(source, place)) is not None:
        pieces.append(source[place : match.start()])
        place = match.end()
        if match["tag"] or match["comment"]:
            pieces.append(f"<!--{masked.token(match[0])}-->")
        elif match["raw"]:
            piece, place = _raw(source, match, masked)
            pieces.append(piece)
        else:
            piece, place = _element(source, match.start(), masked)
            pieces.append(piece)
    pieces.append(source[place:])
    masked.html = "".join(pieces)
    return masked


def _without_surroundings(source: str, masked: Masked) -> str:
    start = re.search(r"<!doctype|<html", source, re.IGNORECASE)
    if start is not None and "<" not in _TEMPLATE_TAG.sub("", source[: start.start()]):
        doctype = _DOCUMENT.match(source, start.start())
        begin = doctype.end() if doctype else start.start()
        masked.before, source = source[:begin], source[begin:]
    end = source.lower().rfind("</html>")
    if end >= 0:
        masked.after, source = source[end + 7 :], source[: end + 7]
    return source


def _raw(source: str, match: re.Match[str], masked: Masked) -> tuple[str, int]:
    """An element whose content is no markup. A stylesheet with statements stays as it is, not inlined."""
    closing = re.compile(rf"</{match['name']}\s*>", re.IGNORECASE).search(source, match.end())
    end = closing.end() if closing else len(source)
    whole = source[match.start() : end]
    tags = _TEMPLATE_TAG.findall(whole)
    if not tags:
        return whole, end
    if match["name"].lower() != "title" and any(not tag.startswith("{{") for tag in tags):
        return f"<!--{masked.token(whole)}-->", end
    return _TEMPLATE_TAG.sub(lambda tag: masked.token(tag[0]), whole), end


def _element(source: str, start: int, masked: Masked) -> tuple[str, int]:
    """One start tag. Conditionals around attributes are kept as one piece each."""
    name = re.compile(r"<[^\s/>{]+").match(source, start)
    place = name.end() if name else start + 2
    pieces = [source[start:place]]
    while (match := _ATTRIBUTE.search(source, place)) is not None:
        pieces.append(source[place : match.start()])
        place = match.end()
        if match["close"]:
            pieces.append(match[0])
            break
        if match["tag"]:
            place = _end_of_block(source, match)
            space = "" if source[match.start() - 1].isspace() else " "
            pieces.append(space + masked.token(source[match.start() : place]))
        else:
            pieces.append(_attribute(match, masked))
    return "".join(pieces), place


def _attribute(match: re.Match[str], masked: Masked) -> str:
    value = match["value"]
    if value is None or not _TEMPLATE_TAG.search(value):
        return match[0]
    bare = value[1:-1] if value[0] in "\"'" else value
    if match["name"].lower() == "style":
        token = masked.token(f"{match['name']}={value}")
        masked.styles[token] = _double_quoted(bare) if value[0] == "'" else bare
        return token
    quote = value[0] if value[0] in "\"'" else '"'
    return f"{match['name']}={quote}{_TEMPLATE_TAG.sub(lambda tag: masked.token(tag[0]), bare)}{quote}"


def _double_quoted(css: str) -> str:
    """CSS for a double-quoted attribute; quotes inside template tags are gone once rendered."""
    return re.sub(rf"(?P<tag>{_TAG})|\"", lambda match: match["tag"] or "'", css, flags=re.DOTALL)


def _tokens_of(html: str) -> list[str]:
    return [match[match.lastgroup or 0] for match in _TOKEN.finditer(html)]


def _end_of_block(source: str, match: re.Match[str]) -> int:
    """Where the statement that begins here ends: its `endif` or `endfor` for a block, else the tag itself."""
    depth, place = 0, match.start()
    while (tag := _TEMPLATE_TAG.search(source, place)) is not None:
        place = tag.end()
        statement = _STATEMENT.match(tag[0])
        if statement is not None:
            word = statement["word"]
            depth += (word in _BLOCKS) - word.startswith("end")
        if depth <= 0:
            return place
    return match.end()
