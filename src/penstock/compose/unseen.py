"""What people cannot see of a finished letter, or see only as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.compose.finished import Finding
from penstock.compose.notice_language import foreign_blocks
from penstock.compose.notice_text import BLOCKS, Block
from penstock.compose.visibility import hidden_blocks, only_images, says_enough
from penstock.compose.wording import pixels
from penstock.model.codes import Code
from penstock.model.mail import Letter
from penstock.model.verdict import Variant

__all__ = ["ONLY_IMAGES", "images_alone", "tracking_images", "unmarked", "unreadable_blocks"]

ONLY_IMAGES = "says what it says in images alone: what it is about cannot be seen without loading them"


def _mark(block: Block) -> str:
    return f'data-penstock="{block}"'


_MARKS = {variant: tuple(map(_mark, reversed(blocks))) for variant, blocks in BLOCKS.items()}


def unreadable_blocks(letter: Letter, variant: Variant) -> Iterator[Finding]:
    """Blocks hidden or in another language. Costs several milliseconds: once per template, notice and appearance."""
    for block in foreign_blocks(letter, BLOCKS[variant]):
        yield Code.NOTICE_MISSING, "notice", f"the block {block} is not in the letter's language"
    for hidden, why in hidden_blocks(letter.html, BLOCKS[variant]) if letter.html else ():
        code = Code.UNSUB_BROKEN if hidden == "optout" else Code.NOTICE_MISSING
        yield code, "html", f"the block {hidden} cannot be read: {why}"


def tracking_images(html: str) -> Iterator[Finding]:
    """Images that are there to be loaded only."""
    if pixels(html):
        what = "the letter loads an image of one pixel, which tells who opens it"
        yield Code.TRACKING_WITHOUT_CONSENT, "html", what


def images_alone(html: str, places: tuple[int, ...] = ()) -> Iterator[Finding]:
    """Whether the letter is nothing but images. With the places of its words (`visibility.seen_places`) told at once.

    Without, and where there is little at them, it costs milliseconds.
    """
    if not says_enough(html, places) and only_images(html):
        yield Code.SUBJECT_DECEPTIVE, "html", f"the letter {ONLY_IMAGES}"


def unmarked(html: str, variant: Variant) -> list[str]:
    """The blocks that have no mark of theirs in the HTML."""
    place = len(html)
    # Ours stand one behind the other near the end: each is looked for backwards from the one before.
    for mark in _MARKS[variant]:
        place = html.rfind(mark, 0, place)
        if place < 0:
            return [block for block in BLOCKS[variant] if _mark(block) not in html]
    return []
