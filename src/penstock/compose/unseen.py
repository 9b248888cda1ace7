"""What people cannot see of a finished letter, or see only as a picture."""

from __future__ import annotations

import re

from penstock.compose.finished import Finding
from penstock.compose.notice_language import foreign_blocks
from penstock.compose.notice_text import BLOCKS
from penstock.compose.visibility import hidden_blocks, only_images
from penstock.compose.wording import pixels
from penstock.model.codes import Code
from penstock.model.mail import Letter
from penstock.model.verdict import Variant

__all__ = ["ONLY_IMAGES", "appearance", "unseen"]

ONLY_IMAGES = "says what it says in images alone: what it is about cannot be seen without loading them"
_LOOKS = re.compile(
    r"</?[a-z][a-z0-9]*|\s(?:style|class|id|hidden|bgcolor|color|open)\b(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'))?"
    r"|(?<=<style)[^<]*<",
    re.IGNORECASE,
)


def unseen(letter: Letter, variant: Variant) -> tuple[Finding, ...]:
    """Blocks hidden or in another language, images there to be loaded only, letters that are nothing but images.

    Costs several milliseconds: once per template, notice and appearance.
    """
    found: list[Finding] = [
        (Code.NOTICE_MISSING, "notice", f"the block {block} is not in the letter's language")
        for block in foreign_blocks(letter, BLOCKS[variant])
    ]
    if not letter.html:
        return tuple(found)
    for block, why in hidden_blocks(letter.html, BLOCKS[variant]):
        code = Code.UNSUB_BROKEN if block == "optout" else Code.NOTICE_MISSING
        found.append((code, "html", f"the block {block} cannot be read: {why}"))
    if pixels(letter.html):
        what = "the letter loads an image of one pixel, which tells who opens it"
        found.append((Code.TRACKING_WITHOUT_CONSENT, "html", what))
    elif only_images(letter.html):
        found.append((Code.SUBJECT_DECEPTIVE, "html", f"the letter {ONLY_IMAGES}"))
    return tuple(found)


def appearance(html: str) -> int:
    """A number for the elements of a letter and their styles: equal for letters that look alike. Costs 0.1 ms."""
    return hash(tuple(_LOOKS.findall(html)))
