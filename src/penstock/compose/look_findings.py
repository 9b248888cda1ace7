"""Faults of how a campaign's HTML looks, as far as its templates tell before they are rendered."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.compose.finding import Finding
from penstock.compose.masker import Masked, mask
from penstock.compose.notice_blocks import Written
from penstock.compose.unseen import ONLY_IMAGES
from penstock.compose.visibility import hidden_blocks, only_images
from penstock.compose.woven import body_end
from penstock.model.campaign import Campaign

__all__ = ["look_findings"]

_BLOCK = '<p data-penstock="optout" style="color:#444444;font-size:1em;line-height:1.5"><a href="x">Stop</a> mails</p>'
"""Stands for the blocks that are added at the end."""


def look_findings(campaign: Campaign) -> Iterator[Finding]:
    """Letters of images alone; stylesheets, for dark mode and telephones too, that make what is added unreadable."""
    for file in campaign.message.templates:
        if file.part != "html" or "<" not in file.source:
            continue
        masked = mask(file.source)
        if not _prints(masked) and only_images(masked.html):
            yield Finding("error", file.name, ONLY_IMAGES, "write in words what is offered")
        if masked.branches.loose:
            continue  # which elements stand around the end is known once a letter is rendered
        end = body_end(masked.html)
        page = masked.html[:end] + Written("", {"optout": _BLOCK}).markup() + masked.html[end:]
        for _, why in hidden_blocks(page, ("optout",)):
            mend = "give these rules to classes of your own elements"
            yield Finding("warning", file.name, f"makes the added blocks unreadable: {why}", mend)


def _prints(masked: Masked) -> bool:
    return masked.branches.repeated or any(original.startswith("{{") for original in masked.kept.values())
