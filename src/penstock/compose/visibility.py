"""Whether people can see and read the mandatory blocks of an HTML letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["hidden_blocks"]

_BODY_PIXELS = 16.0
_LEAST_SIZE = 0.8
"""Share of the body's type size that a block needs."""
_LEAST_CONTRAST = 2.5
_DECLARATION = re.compile(r"\s*([a-z-]+)\s*:\s*([^;]+?)\s*(?:!important)?\s*(?:;|$)", re.IGNORECASE)
_SIZE = re.compile(r"([0-9.]+)(px|pt|em|rem|%)")
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_OURS = frozenset({"*", "html", "body", "div", "p", "a", "strong"})
_SIZES = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_NAMED = {"white": "#ffffff", "black": "#000000"}


def hidden_blocks(html: str, blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(block, why) for each block that is hidden, too small or hardly told from its background.

    Costs a parse: judge it once per template and notice. A block that is missing altogether is not reported here.
    """
    from lxml.html import document_fromstring

    root = document_fromstring(html)
    rule = _hiding_rule("".join(style.text or "" for style in root.iter("style")))
    for block in blocks:
        found = root.xpath("//*[@data-penstock=$block]", block=block)
        whys = [why for element in found if (why := rule or _why_hidden(element))]
        # Of a block given twice, one that can be read is enough.
        if found and len(whys) == len(found):
            yield block, whys[0]


def _hiding_rule(css: str) -> str | None:
    """A rule of the stylesheet that would hide what we append."""
    for selectors, declarations in _RULE.findall(css):
        ours = [part for part in selectors.split(",") if part.strip() in _OURS or "data-penstock" in part]
        if ours and (why := _hides(_declared(declarations))):
            return f"the stylesheet hides it ({why})"
    return None


def _why_hidden(element: Any) -> str | None:
    chain = [element, *element.iterancestors()][::-1]
    size = body = _BODY_PIXELS
    colour, background = "#000000", "#ffffff"
    for node in chain:
        styles = _declared(node.get("style") or "")
        if node.get("hidden") is not None:
            return "it stands in a hidden element"
        if why := _hides(styles):
            return why
        size = _pixels(styles.get("font-size", ""), size)
        body = size if node.tag == "body" else body
        colour = _hex(styles.get("color", "")) or colour
        background = _hex(styles.get("background-color", styles.get("background", ""))) or background
    if not "".join(element.itertext()).strip():
        return "it has no text"
    if size < _LEAST_SIZE * body:
        return "its type is smaller than 0.8 of the letter's"
    return (
        "its colour can hardly be told from the background" if _contrast(colour, background) < _LEAST_CONTRAST else None
    )


def _declared(css: str) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in _DECLARATION.findall(css)}


def _hides(styles: dict[str, str]) -> str | None:
    for name, values in (
        ("display", ("none",)),
        ("visibility", ("hidden", "collapse")),
        ("opacity", ("0", "0.0", "0%")),
        ("max-height", ("0", "0px")),
        ("height", ("0", "0px")),
        ("font-size", ("0", "0px", "0em")),
        ("mso-hide", ("all",)),
        ("color", ("transparent",)),
    ):
        if styles.get(name) in values:
            return f"{name}: {styles[name]}"
    return None


def _pixels(value: str, parent: float) -> float:
    match = _SIZE.fullmatch(value)
    if match is None:
        return _SIZES.get(value, parent)
    number = float(match[1])
    return number * {"px": 1, "pt": 4 / 3, "em": parent, "rem": _BODY_PIXELS, "%": parent / 100}[match[2]]


def _hex(value: str) -> str | None:
    match = _HEX.match(_NAMED.get(value, value))
    if match is None:
        return None
    return "#" + (match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1]))


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
