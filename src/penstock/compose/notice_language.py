"""Whether a finished letter and its notice speak one language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penstock.model.mail import Letter

__all__ = ["foreign_blocks"]


def foreign_blocks(letter: Letter, blocks: Sequence[str]) -> Iterator[str]:
    """The blocks of the HTML that are marked, themselves or by what they stand in, as of another language.

    All of them where the notice that was added is another language's. Costs a parse: judge it once per template and
    notice.
    """
    wanted = _primary(letter.language)
    if letter.notice is not None and f"-{wanted}-" not in letter.notice.lower():
        yield from blocks
        return
    if not letter.html:
        return
    from lxml.html import document_fromstring

    root = document_fromstring(letter.html)
    for block in blocks:
        found = root.xpath("//*[@data-penstock=$block]", block=block)
        if any(_primary(_language(element) or letter.language) != wanted for element in found):
            yield block


def _language(element: Any) -> str:
    return next((found for each in (element, *element.iterancestors()) if (found := each.get("lang"))), "")


def _primary(language: str) -> str:
    return language.strip().partition("-")[0].lower()
