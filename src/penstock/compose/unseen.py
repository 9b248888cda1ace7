"""What people cannot see of a finished letter, or see only as a picture."""

from __future__ import annotations

import re
from functools import lru_cache

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
    r"^/?[a-z][a-z0-9]*|\s(?:style|class|id|hidden|bgcolor|color|open)\b(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?",
    re.IGNORECASE,
)
_TAGS = 4_096


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
    """A number for the elements of a letter and their styles: equal for letters that look alike.

    Most tags of a letter were in the one before, and what a tag looks like is told once.
    """
    looks: list[object] = []
    raw = False
    for piece in html.split("<")[1:]:
        if raw and piece[:6].lower() != "/style":
            looks.append(piece)  # a sign of CSS, not of a tag
            continue
        tag, _, rest = piece.partition(">")
        # A quote that is open at the end: the sign may stand within a value, and what follows belongs to the tag.
        looks.append(piece if tag.count('"') % 2 or tag.count("'") % 2 else _looks(tag))
        raw = tag[:5].lower() == "style"
        if raw:
            looks.append(rest)
    return hash(tuple(looks))


@lru_cache(maxsize=_TAGS)
def _looks(tag: str) -> tuple[str, ...]:
    return tuple(_LOOKS.findall(tag))
