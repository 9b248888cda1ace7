"""Whether people can see and read the mandatory blocks of an HTML letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from penstock.compose.cascade import Cascade, cascades
from penstock.compose.colour import Colour, colour_in, contrast, laid_over

__all__ = ["hidden_blocks", "only_images", "says_enough", "seen_places"]

_BODY_PIXELS = 16.0
_LEAST_SIZE = 0.8
"""Share of the body's type size that a block needs."""
_LEAST_CONTRAST = 2.5
_LEAST_LINE = 0.6
"""Share of its type size that a line of a block needs."""
_LEAST_OPACITY = 0.3
_FAR = 500.0
"""So many pixels outside its place nobody sees a text."""
_LEAST_LETTERS = 30
_LENGTH = re.compile(r"(-?[0-9.]+)(px|pt|em|rem|%|vw|vh|ex|ch|in|cm|mm|pc)?")
_SIZES = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_CLOSED = frozenset(
    {"noscript", "template", "script", "style", "textarea", "select", "object", "iframe", "video", "audio", "head"}
)
_SHIFTED = re.compile(r"scale[xy]?\(\s*0(?:\.0*)?\s*[,)]|translate[xy3d]*\([^)]*-\s*[0-9]{3,}")
_CLIPPED = re.compile(r"inset\(\s*(?:[5-9][0-9]|100)%|circle\(\s*0|polygon\(\s*0[^,]*(?:,\s*0[^,]*)*\)")
_IMAGE = re.compile(r"url\(", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_MARK = re.compile("\ue000([0-9]+)")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an element hands down to what stands in it; `why` once something hides it."""

    size: float = _BODY_PIXELS
    body: float = _BODY_PIXELS
    line: float | None = None
    """The height of a line in pixels, None for the usual."""
    colour: Colour = (0.0, 0.0, 0.0, 1.0)
    background: Colour = (1.0, 1.0, 1.0, 1.0)
    visible: bool = True
    indent: float = 0.0
    why: str | None = None


def hidden_blocks(html: str, blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(block, why) for each block that is hidden, too small or hardly told from its background.

    Stylesheets count, also those for dark mode and small screens. Costs a parse and more: judge it once per template
    and notice. A block that is missing altogether is not reported here; one that a comment has swallowed is.
    """
    from lxml.html import document_fromstring

    root = document_fromstring(html)
    pages = cascades(root)
    for block in blocks:
        found = root.xpath("//*[@data-penstock=$block]", block=block)
        if not found and f'data-penstock="{block}"' in html:
            yield block, "it stands in a comment, or in what is no text"
        whys = [why for element in found if (why := _why_on_any(element, pages))]
        # Of a block given twice, one that can be read is enough.
        if found and len(whys) == len(found):
            yield block, whys[0]


def only_images(html: str) -> bool:
    """Whether a letter with images says next to nothing but in them, the mandatory blocks left out."""
    if "<img" not in html.lower() and not _IMAGE.search(html):
        return False
    return sum(map(_letters, _seen_words(html))) < _LEAST_LETTERS


def seen_places(html: str) -> tuple[int, ...]:
    """Which of the pieces that `html.split("<")` gives end in words that are seen, the mandatory blocks left out.

    The same in all letters of one appearance. Costs as much as `only_images`.
    """
    first, *pieces = html.split("<")
    marked = [_WORDS.sub("\ue0000 ", first)]
    raw = False
    for place, piece in enumerate(pieces, 1):
        tag, end, words = piece.partition(">")
        raw = tag[:5].lower() == "style" or (raw and tag[:6].lower() != "/style")
        # Where a quote is open at the end, the sign may stand within a value.
        whole = raw or tag.count('"') % 2 or tag.count("'") % 2
        marked.append(piece if whole else tag + end + _WORDS.sub(f"\ue000{place} ", words))
    seen = {int(place) for words in _seen_words("<".join(marked)) for place in _MARK.findall(words)}
    return tuple(sorted(seen))


def says_enough(html: str, places: Sequence[int]) -> bool:
    """Whether the words at those places (see `seen_places`) are those of a letter that says something by itself."""
    pieces = html.split("<")
    letters = 0
    for place in places:
        piece = pieces[place]
        letters += _letters(unescape(piece.partition(">")[2] if place else piece))
        if letters >= _LEAST_LETTERS:
            return True
    return False


def _letters(words: str) -> int:
    return sum(map(str.isalnum, words))


def _seen_words(html: str) -> Iterator[str]:
    from lxml.html import document_fromstring

    root = document_fromstring(html)
    for block in root.xpath("//*[@data-penstock]"):
        block.drop_tree()
    plain = cascades(root)[0]
    return (words for words, seen in _runs(root, _Seen(), plain) if _why_unreadable(seen) is None)


def _why_on_any(element: Any, pages: Sequence[Cascade]) -> str | None:
    for page in pages:
        if why := _why_hidden(element, page):
            return f"{why} ({page.condition})" if page.condition else why
    return None


def _why_hidden(element: Any, page: Cascade) -> str | None:
    seen = _Seen()
    for node in reversed(list(element.iterancestors())):
        seen = _within(node, seen, page)
    runs = [(words, found, _why_unreadable(found)) for words, found in _runs(element, seen, page) if words.strip()]
    if not runs:
        return seen.why or "it has no text"
    hidden = [(words, why) for words, _, why in runs if why]
    if sum(len(words) for words, _ in hidden) * 2 > sum(len(words) for words, *_ in runs):
        return hidden[0][1]
    for link in element.iter("a"):
        if why := _why_link_hidden(link, element, seen, page):
            return f"its link: {why}"
    return None


def _why_link_hidden(link: Any, block: Any, seen: _Seen, page: Cascade) -> str | None:
    """The same of one link in the block, which a few letters may be."""
    above = [node for node in link.iterancestors() if node is block or block in node.iterancestors()]
    for node in reversed(above):
        seen = _within(node, seen, page)
    runs = (found for words, found in _runs(link, seen, page) if words.strip())
    return next((why for found in runs if (why := _why_unreadable(found))), None)


def _runs(element: Any, above: _Seen, page: Cascade) -> Iterator[tuple[str, _Seen]]:
    """The text of an element and of all that stands in it, each piece with how it is seen."""
    pending = [(element, above, False)]
    while pending:
        node, outside, tail = pending.pop()
        if tail:
            yield node.tail, outside
            continue
        if not isinstance(node.tag, str):
            continue
        seen = _within(node, outside, page)
        if node.text:
            yield node.text, seen
        for child in reversed(node):
            if child.tail:
                pending.append((child, seen, True))
            pending.append((child, seen, False))


def _within(node: Any, outside: _Seen, page: Cascade) -> _Seen:
    """How the content of the node is seen."""
    styles = page.styles(node)
    size = _pixels(styles.get("font-size", ""), outside.size, outside.size)
    colour = colour_in(styles["color"]) if "color" in styles else None
    ground = colour_in(styles.get("background-color") or styles.get("background", ""))
    visibility = styles.get("visibility")
    found = replace(
        outside,
        size=size,
        body=size if node.tag == "body" else outside.body,
        line=_line(styles.get("line-height", ""), size, outside.line),
        colour=colour or outside.colour,
        background=laid_over(ground, outside.background) if ground else outside.background,
        visible=visibility not in {"hidden", "collapse"} if visibility else outside.visible,
        indent=_pixels(styles.get("text-indent", ""), size, outside.indent),
    )
    return found if found.why else replace(found, why=_why_closed(node) or _hides(styles, size))


def _why_unreadable(seen: _Seen) -> str | None:
    if seen.why:
        return seen.why
    if not seen.visible:
        return "visibility: hidden"
    if seen.indent < -_FAR:
        return "text-indent puts it outside"
    if seen.size < _LEAST_SIZE * seen.body:
        return "its type is smaller than 0.8 of the letter's"
    if seen.line is not None and seen.line < _LEAST_LINE * seen.size:
        return "its lines have no height"
    if contrast(laid_over(seen.colour, seen.background), seen.background) < _LEAST_CONTRAST:
        return "its colour can hardly be told from the background"
    return None


def _why_closed(node: Any) -> str | None:
    if node.get("hidden") is not None:
        return "it stands in a hidden element"
    if node.tag in _CLOSED or (node.tag in {"details", "dialog"} and node.get("open") is None):
        return f"it stands in <{node.tag}>, which shows nothing by itself"
    return None


def _hides(styles: dict[str, str], size: float) -> str | None:
    """A property that takes an element out of sight, whatever stands in it."""
    for name, values in (("display", {"none"}), ("mso-hide", {"all"}), ("content-visibility", {"hidden"})):
        if styles.get(name) in values:
            return f"{name}: {styles[name]}"
    cut = styles.get("overflow", styles.get("overflow-y", "")) in {"hidden", "clip"}
    for name in ("height", "max-height", "width", "max-width"):
        extent = _length(styles.get(name, ""), size)
        if extent is not None and (extent <= 2 if cut else extent == 0 and name.endswith("height")):
            return f"{name}: {styles[name]}"
    opacity = _LENGTH.fullmatch(styles.get("opacity", ""))
    if opacity and _number(opacity[1]) / (100 if opacity[2] else 1) < _LEAST_OPACITY:
        return f"opacity: {styles['opacity']}"
    return _put_away(styles, size)


def _put_away(styles: dict[str, str], size: float) -> str | None:
    placed = styles.get("position") in {"absolute", "fixed", "relative", "sticky"}
    names = ("margin-left", "margin-top", *(("left", "top", "right", "bottom") if placed else ()))
    for name in names:
        if (_length(styles.get(name, ""), size) or 0.0) <= -_FAR:
            return f"{name}: {styles[name]}"
    clip = styles.get("clip", "")
    if clip.startswith("rect(") and all(_number(number) <= 2 for number in re.findall(r"[0-9.]+", clip)):
        return f"clip: {clip}"
    for name, pattern in (("clip-path", _CLIPPED), ("transform", _SHIFTED)):
        if pattern.search(styles.get(name, "")):
            return f"{name}: {styles[name]}"
    return None


def _line(value: str, size: float, above: float | None) -> float | None:
    if value == "normal":
        return None
    found = _LENGTH.fullmatch(value)
    if found is None:
        return above
    return _number(found[1]) * size if not found[2] else _pixels(value, size, size)


def _length(value: str, size: float) -> float | None:
    """A length in pixels; None for none, and for a share of something that is not known."""
    found = _LENGTH.fullmatch(value)
    if found is None or (found[2] == "%" and _number(found[1]) > 0):
        return None
    return _pixels(value, size, 0.0) if found[2] or _number(found[1]) == 0 else None


def _pixels(value: str, parent: float, default: float) -> float:
    found = _LENGTH.fullmatch(value)
    if found is None:
        return _SIZES.get(value, default)
    each = {"px": 1.0, "pt": 4 / 3, "em": parent, "rem": _BODY_PIXELS, "%": parent / 100, "ex": parent / 2}
    return _number(found[1]) * each.get(found[2] or "px", 8.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
