"""Moves a template's stylesheet into style attributes, because many mail programs drop `<style>`."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from penstock.compose.masker import mask

__all__ = ["Inlined", "Inliner"]

# HTML attributes that premailer would derive from styles; a template that wants them writes them.
_ATTRIBUTES = ["align", "bgcolor", "height", "valign", "width"]


@dataclass(frozen=True, slots=True)
class Inlined:
    """The template with styles inlined; `whole` is False when it had to stay as it was written."""

    html: str
    whole: bool


class Inliner:
    """Runs premailer, which costs milliseconds: once per template version, never per mail. `runs` counts."""

    def __init__(self) -> None:
        self.runs = 0

    def inlined(self, source: str) -> Inlined:
        """Inline one HTML template. Loads nothing; `<style>` stays for media queries."""
        from lxml.etree import LxmlError
        from premailer import Premailer

        masked = mask(source)
        if not masked.html.strip():
            return Inlined(source, whole=True)
        if masked.clashes(source):
            return Inlined(source, whole=False)
        self.runs += 1
        premailer = Premailer(
            allow_network=False,
            allow_loading_external_files=False,
            keep_style_tags=True,
            strip_important=False,
            disable_validation=True,
            disable_link_rewrites=True,
            remove_unset_properties=False,
            cache_css_parsing=False,
            disable_basic_attributes=_ATTRIBUTES,
            cssutils_logging_level=logging.CRITICAL,
        )
        try:
            restored = masked.restored(premailer.transform(masked.html, pretty_print=False))
        except (LxmlError, ValueError, AssertionError, AttributeError, TypeError, KeyError):
            restored = None
        return Inlined(source, whole=False) if restored is None else Inlined(restored, whole=True)
