"""Moves a template's stylesheet into style attributes, because many mail programs drop `<style>`."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from penstock.compose.masker import MARK, TOKEN, Masked, mask
from penstock.compose.stylesheet import Rule, declared, rules_of

__all__ = ["Inlined", "Inliner"]

# HTML attributes that premailer would derive from styles; a template that wants them writes them.
_ATTRIBUTES = ["align", "bgcolor", "height", "valign", "width"]
_MEDIA = frozenset({"", "all", "screen"})
_IN_BRACKETS = re.compile(r"\[[^\]]*\]|\([^()]*\)")
_PLACE = re.compile(r"[+~]|:(?:first|last|only|nth|empty|root|has|not|is|where)\b", re.IGNORECASE)
_COMBINED = re.compile(r"[\s>+~]")
_PSEUDO = re.compile(r"::?[a-z-]+(?:\([^()]*\))?", re.IGNORECASE)
_FIRST_OR_LAST = re.compile(r"^[^:]*:(?:first|last)-child$", re.IGNORECASE)
_NAMED = re.compile(r"[.#\[]")


@dataclass(frozen=True, slots=True)
class Inlined:
    """The template with styles inlined; `whole` is False when it had to stay as it was written."""

    html: str
    whole: bool


class Inliner:
    """Runs premailer, which costs milliseconds: once per template version, never per mail. `runs` counts.

    It only says which element gets which style. That is put into the template as it was written, so that tags, comments
    and markup of every kind stay where they are, octet by octet.
    """

    def __init__(self) -> None:
        self.runs = 0

    def inlined(self, source: str) -> Inlined:
        """Inline one HTML template. Loads nothing; `<style>` stays for media queries.

        A rule that only rendered HTML can resolve (its selector asks for the place among elements that a block repeats,
        leaves out or opens) is left to `<style>`, and so is what it competes with.
        """
        from cssselect import SelectorError
        from lxml.etree import LxmlError

        masked = mask(source)
        if not masked.tags:
            return Inlined(source, whole=True)
        if masked.clashes():
            return Inlined(source, whole=False)
        self.runs += 1
        try:
            given = self._given(masked)
        except (LxmlError, SelectorError, ValueError, AssertionError, AttributeError, TypeError, LookupError):
            return Inlined(source, whole=False)
        return Inlined(masked.restyled(given), whole=True)

    def _given(self, masked: Masked) -> dict[int, str]:
        """CSS by the number of the start tag, where the stylesheet says something."""
        from lxml.html import HTMLParser, document_fromstring
        from premailer import Premailer

        root = document_fromstring(masked.html, parser=HTMLParser(encoding=None))
        before = {element: element.get("style") for element in root.iter() if isinstance(element.tag, str)}
        left = _set_apart(root, masked)
        everywhere = rules_of("\n".join(style.text or "" for style in root.iter("style")))
        Premailer(
            root,
            allow_network=False,
            allow_loading_external_files=False,
            keep_style_tags=True,
            strip_important=False,
            disable_validation=True,
            disable_link_rewrites=True,
            remove_unset_properties=False,
            cache_css_parsing=False,
            align_floating_images=False,
            disable_basic_attributes=_ATTRIBUTES,
            cssutils_logging_level=logging.CRITICAL,
        ).transform()
        disputed = _disputed(root, left, everywhere, masked)
        found: dict[int, str] = {}
        for element, own in before.items():
            css = element.get("style")
            number = element.get(MARK)
            if css == own or not css or number is None:
                continue
            kept = _without(css, own or "", disputed.get(element, frozenset()))
            if kept and kept != own:
                found[int(number)] = kept
        return found


def _set_apart(root: Any, masked: Masked) -> list[Rule]:
    """Leave the rules in the stylesheets of the page that premailer is to inline; the others that count are given."""
    left = [rule for css in masked.aside for rule in rules_of(css) if rule.condition in _MEDIA]
    for style in root.iter("style"):
        rules = [rule for rule in rules_of(style.text or "") if rule.condition in _MEDIA]
        if (style.get("media") or "").strip().lower() not in _MEDIA:
            rules = []
        left += [rule for rule in rules if _unsure(rule.selector, masked)]
        sure = (rule for rule in rules if _plain(rule.selector) and not _unsure(rule.selector, masked))
        style.text = "\n".join(f"{rule.selector}{{{rule.declarations}}}" for rule in sure)
    return left


def _plain(selector: str) -> bool:
    """Whether premailer may see a rule: of pseudo-classes it knows these two, and takes others for part of a style."""
    return ":" not in _IN_BRACKETS.sub("", selector) or _FIRST_OR_LAST.search(selector) is not None


def _unsure(selector: str, masked: Masked) -> bool:
    """Whether rendered HTML alone can tell what a selector finds."""
    bare = _IN_BRACKETS.sub("", selector)
    if _PLACE.search(bare) and (masked.branches.repeated or not _plain(selector)):
        return True
    return masked.branches.loose and _COMBINED.search(bare.strip()) is not None


def _disputed(root: Any, left: list[Rule], sure: list[Rule], masked: Masked) -> dict[Any, set[str]]:
    """The families of properties of each element about which a rule may have its say that is not inlined."""
    found: dict[Any, set[str]] = {}
    for rule in left:
        subject = _PSEUDO.sub("", _subject(rule.selector))
        for element in _matching(root, "*" if TOKEN.search(subject) else subject or "*"):
            found.setdefault(element, set()).update(_families(rule))
    varying = [element for element in root.iter() if _varies(element, masked)]
    for rule in (*left, *sure) if varying else ():
        subject = _subject(rule.selector)
        if _NAMED.search(subject):
            for element in varying:
                found.setdefault(element, set()).update(_families(rule))
    return found


def _varies(element: Any, masked: Masked) -> bool:
    number = element.get(MARK) if isinstance(element.tag, str) else None
    return number is not None and masked.tags[int(number)].varies


def _subject(selector: str) -> str:
    """The last compound of a selector: what it says of the element itself."""
    whole = selector
    for part in _IN_BRACKETS.findall(selector):
        whole = whole.replace(part, part.translate(str.maketrans(" >+~", "\0\1\2\3")))
    last = _COMBINED.split(whole.strip())[-1]
    return last.translate(str.maketrans("\0\1\2\3", " >+~"))


def _matching(root: Any, selector: str) -> Iterator[Any]:
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    try:
        yield from CSSSelector(selector, translator="html")(root)
    except SelectorError:
        yield from root.iter()


def _families(rule: Rule) -> Iterator[str]:
    return (each.name.partition("-")[0] for each in declared(rule.declarations))


def _without(css: str, own: str, disputed: set[str] | frozenset[str]) -> str:
    """What is given, without disputed properties but for those of the element's own style."""
    if not disputed:
        return css
    mine = {each.name for each in declared(own)}
    kept = [each for each in declared(css) if each.name in mine or each.name.partition("-")[0] not in disputed]
    return "; ".join(f"{each.name}:{each.value}{' !important' if each.important else ''}" for each in kept)
