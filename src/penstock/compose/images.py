"""Images that a letter brings along: `cid:logo` in a template becomes the id of the part (RFC 2392)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from penstock.model.campaign import Enclosure
from penstock.model.mail import Attachment

__all__ = ["attachments_for", "image_uses", "with_content_ids"]

_USE = re.compile(
    r"(?P<before>[\"'(,]\s*|&quot;|&#3[49];|&apos;|\b(?:src|background|href)\s*=\s*)cid:(?P<key>[^\"'\s()<>,;&]*)",
    re.IGNORECASE,
)
_DIGITS = 12


def image_uses(html: str) -> list[tuple[int, str]]:
    """(line, key) of every `cid:KEY` in attributes and stylesheets of an HTML template, comments for Outlook too."""
    return [(html.count("\n", 0, use.start("key")) + 1, use["key"]) for use in _USE.finditer(html)]


def with_content_ids(html: str, enclosures: Sequence[Enclosure]) -> str:
    """The template with the ids of the images in place of their keys; what is no image of the campaign stays."""
    ids = {each.key: _content_id(each) for each in enclosures if each.key}
    return _USE.sub(lambda use: f"{use['before']}cid:{ids.get(use['key'], use['key'])}", html) if ids else html


def attachments_for(html: str | None, enclosures: Sequence[Enclosure]) -> tuple[Attachment, ...]:
    """What goes with a letter of this HTML template: the images that it uses, each once, and every other file."""
    used = {key for _, key in image_uses(html)} if html else set()
    shown = [Attachment(each.name, each.type, each.data, _content_id(each)) for each in enclosures if each.key in used]
    return (*shown, *(Attachment(each.name, each.type, each.data) for each in enclosures if not each.key))


def _content_id(image: Enclosure) -> str:
    # Of content, not of mail: the encoded part is the same octets in every mail.
    return f"{image.key}.{image.digest[:_DIGITS]}@penstock"
