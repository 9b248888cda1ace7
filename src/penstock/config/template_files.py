"""Finds a campaign's templates: the named file and its language variants beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from penstock.config.toml_document import KeyPath, read_text
from penstock.errors import InvalidInput
from penstock.model.campaign import TemplateFile

__all__ = ["read_templates"]

_ENDING = re.compile(r"(?:\.(?:txt|text|md|html|htm|xhtml|ics))?(?:\.(?:j2|jinja2?))?$", re.IGNORECASE)


Part = Literal["text", "html", "calendar"]


def read_templates(
    folder: Path, text: str | None, html: str | None, calendar: str | None, where: Callable[[KeyPath], str]
) -> tuple[TemplateFile, ...]:
    """Read the templates of each part: the default, then `purchasing.fr.txt.j2` and the like by language.

    Raises InvalidInput for a file that is missing, unreadable or not UTF-8.
    """
    parts: tuple[tuple[Part, str | None], ...] = (("text", text), ("html", html), ("calendar", calendar))
    found: list[TemplateFile] = []
    for part, name in parts:
        if name is not None:
            found += _variants(folder, part, name, where(("message", part)))
    return tuple(found)


def _variants(folder: Path, part: Part, name: str, where: str) -> list[TemplateFile]:
    default = folder / name
    if not default.is_file():
        raise InvalidInput(f"there is no template file {name}", where=where, mend="paths start at the campaign file")
    found = [TemplateFile(part, "", name, read_text(default, InvalidInput))]
    ending = _ENDING.search(default.name)
    stem = default.name[: ending.start()] if ending else default.name
    variant = re.compile(re.escape(stem) + r"\.(?P<language>[A-Za-z]{2})" + re.escape(default.name[len(stem) :]))
    for path in sorted(default.parent.iterdir()):
        if seen := variant.fullmatch(path.name):
            language = seen["language"].lower()
            beside = str(Path(name).with_name(path.name))
            found.append(TemplateFile(part, language, beside, read_text(path, InvalidInput)))
    return found
