"""Where the marked elements of an HTML page stand: a tokeniser after the WHATWG rules that matter for hiding."""

from __future__ import annotations

import html
import re
from html.entities import codepoint2name

__all__ = ["TOKEN", "fragment_pattern", "marks_in", "seen_marks"]

_RAW = "script|style|textarea|title|xmp|iframe|noembed|noframes"
_ATTRIBUTES = r"""(?:"[^"]*"|'[^']*'|[^"'>])*"""
TOKEN = re.compile(
    r"<!--(?:>|->|.*?(?:--!?>|\Z))"
    rf"|<(?P<raw>{_RAW})(?=[\s/>]){_ATTRIBUTES}>.*?(?:</(?P=raw)(?=[\s/>])[^>]*>|\Z)"
    r"|<plaintext(?=[\s/>]).*\Z"
    rf"|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<attributes>{_ATTRIBUTES})>"
    r"|<[!?/][^>]*>",
    re.DOTALL | re.IGNORECASE,
)
"""A comment, an element whose content is no markup, a tag with its `end`, `name` and `attributes`, or a declaration."""

_MARK = re.compile(r"""data-penstock\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HIDES = frozenset({"head", "template", "select", "object", "noscript", "frameset", "svg", "math", "datalist"})
_NOWHERE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def marks_in(fragment: str) -> list[str]:
    """The values of the marks in a fragment, in order."""
    return ["".join(found) for found in _MARK.findall(fragment)]


def seen_marks(page: str) -> list[str]:
    """The marks on elements that a browser shows: in no comment, script, head, nor in a hidden element."""
    stack: list[tuple[str, bool]] = []
    found: list[str] = []
    for token in TOKEN.finditer(page):
        name, attributes = (token["name"] or "").lower(), token["attributes"] or ""
        if not name:
            continue
        if token["end"]:
            _leave(stack, name)
            continue
        if name in {"body", "frameset"}:
            stack = [each for each in stack if each[0] != "head"]
        hides = name in _HIDES or _NOWHERE.search(attributes) is not None
        if not any(hidden for _, hidden in stack) and not hides:
            found += marks_in(attributes)
        if name not in _VOID and not attributes.endswith("/"):
            stack.append((name, hides))
    return found


def _leave(stack: list[tuple[str, bool]], name: str) -> None:
    """`</body>` and `</html>` close nothing: what follows still becomes part of the body."""
    if name in {"body", "html"}:
        return
    for place in range(len(stack) - 1, -1, -1):
        if stack[place][0] == name:
            del stack[place:]
            return


def fragment_pattern(fragment: str) -> re.Pattern[str]:
    """Finds the fragment, also with lines broken anew at white space and with characters as references."""
    parts: list[str] = []
    for word in re.split(r"(\s+|(?<=>)(?=<))", fragment.strip()):
        if not word or word.isspace():
            parts.append(r"\s+" if word else r"\s*")
        else:
            parts.extend(map(_character, word))
    return re.compile("".join(parts))


def _character(char: str) -> str:
    if char.isascii():
        return re.escape(char)
    number = ord(char)
    named = f"|{codepoint2name[number]}" if number in codepoint2name else ""
    assert html.unescape(f"&#{number};") == char
    return f"(?:{re.escape(char)}|&(?:#0*{number}|#[xX]0*(?i:{number:x}){named});)"
