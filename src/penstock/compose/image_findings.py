"""Faults of a campaign's images: asked for and not there, there and not shown."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.compose.enclosing import is_shown_everywhere
from penstock.compose.finding import Finding
from penstock.compose.images import image_uses
from penstock.model.campaign import Campaign

__all__ = ["image_findings"]


def image_findings(campaign: Campaign) -> Iterator[Finding]:
    """An error for each `cid:KEY` without its image, a warning for an image that no template or few programs show."""
    images = {each.key: each for each in campaign.message.enclosures if each.key}
    shown: set[str] = set()
    for file in campaign.message.templates:
        if file.part != "html":
            continue
        for line, key in image_uses(file.source):
            if key in images:
                shown.add(key)
                continue
            where = f"{file.name}:{line}"
            if "{" in key or not key:
                mend = "write the key of an image; {% if %} may choose between two of them"
                yield Finding("error", where, "names an image by a variable", mend)
            else:
                mend = f'add {key} = "…" to [message] images'
                yield Finding("error", where, f"cid:{key} is none of the images", mend)
    for key, image in images.items():
        where = f"[message] images.{key}"
        if key not in shown:
            yield Finding("warning", where, "is shown by no template and is not sent", f'use it as src="cid:{key}"')
        if not is_shown_everywhere(image.type):
            what = f"{image.type} is not shown by many mail programs"
            yield Finding("warning", where, what, "use a PNG, JPEG or GIF")
