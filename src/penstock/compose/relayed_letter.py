"""A relayed message as its reader sees it, and the notice that is put into it (RFC 2046 section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from penstock.compose.handed_in import unfolded
from penstock.compose.message_words import leaf_words
from penstock.compose.notice_blocks import NoticeForm, Written, label_markup
from penstock.compose.splice.all_parts import all_parts
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import header_block
from penstock.compose.splice.part import read_part
from penstock.compose.splice.part_tree import Leaf, first_seen, leaf_of
from penstock.compose.splice.splicer import Additions, splice
from penstock.model.mail import Header, Letter, Message

__all__ = ["RelayedLetters", "may_show_html", "read_letters", "with_notice"]

_READ = {
    name.lower(): name
    for name in ("From", "To", "Subject", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "Date")
}


def may_show_html(data: bytes) -> bool:
    """False only where the message is one plain text, in which no HTML has a place."""
    part = read_part(data, (0, len(data)))
    return isinstance(part, SpliceFault) or part.type.kind != "text/plain"


def with_notice(data: bytes, written: Written, form: NoticeForm) -> Message | SpliceFault:
    """The message with all blocks in each text and HTML part that is seen first, and the labels asked for."""
    notice, label = form.notice, form.extras.label
    headers: tuple[Header, ...] = ()
    if form.extras.subject:
        subject = next((value for name, value in _fields(data) if name == "Subject"), "")
        marked = form.extras.marked(subject)
        headers = (("Subject", marked),) if marked != subject else ()
    made = splice(
        data,
        Additions(
            headers=headers,
            text=written.text,
            html=written.markup(),
            label_text=label,
            label_html=label_markup(notice, label) if label else "",
            whole=True,
        ),
    )
    return made if isinstance(made, SpliceFault) else Message(made, None, notice.version)


@dataclass(frozen=True, slots=True)
class RelayedLetters:
    """`seen`: a letter for each pair of text and HTML parts that are seen first. `further`: one for each other part.

    Of those HTML files count, too: a program opens them at a touch. `text` is empty where there is no text part.
    """

    seen: list[Letter]
    further: list[Letter]


def read_letters(data: bytes, language: str, template: str, notice: str | None) -> RelayedLetters | SpliceFault:
    """The message parsed as a whole. `template` stands for all messages of a campaign."""
    headers = tuple(_fields(data))

    def letter(text: str | None, html: str | None) -> Letter:
        return Letter(headers, text or "", html, language, template, notice)

    leaves = first_seen(data, whole=True)
    if isinstance(leaves, SpliceFault):
        return leaves
    first = _read(data, leaves)
    if isinstance(first, SpliceFault):
        return first
    others = _others(data, leaves)
    rest = others if isinstance(others, SpliceFault) else _read(data, others)
    if isinstance(rest, SpliceFault):
        return rest
    further = [letter(text, None) for text in rest[0]] + [letter(None, html) for html in rest[1]]
    return RelayedLetters([letter(text, html) for text, html in zip_longest(*first)], further)


def _others(data: bytes, leaves: list[Leaf]) -> list[Leaf] | SpliceFault:
    """The texts that are not seen first, and all HTML, those of enclosed messages too."""
    first = {leaf.block.start for leaf in leaves}
    others: list[Leaf] = []
    if first == {0} or _nothing_else(data, leaves):
        return others
    for each in all_parts(data, enclosed=True):
        if isinstance(each, SpliceFault):
            return each
        part, kind = each.part, each.part.type.kind
        shown = kind == "text/html" or (kind == "text/plain" and not part.attached)
        if shown and part.block.start not in first:
            others.append(leaf_of(part))
    return others


def _nothing_else(data: bytes, leaves: list[Leaf]) -> bool:
    """Whether the leaves alone make up the one multipart, as in most messages: told without opening its parts."""
    if len(leaves[0].delimiters) != 1:
        return False
    line = b"\r\n" + leaves[0].delimiters[0]
    place = data.find(line)
    for leaf in leaves:
        if not data.startswith(b"\r\n", place + len(line)) or leaf.block.start != place + len(line) + 2:
            return False
        place = leaf.end
    return data.startswith(line + b"--", place)


def _read(data: bytes, leaves: list[Leaf]) -> tuple[list[str], list[str]] | SpliceFault:
    """What the texts say, and what the HTML parts do."""
    texts: list[str] = []
    htmls: list[str] = []
    for leaf in leaves:
        words = leaf_words(data, leaf)
        if isinstance(words, SpliceFault):
            return words
        (htmls if leaf.html else texts).append(words)
    return texts, htmls


def _fields(data: bytes) -> list[Header]:
    block = header_block(data, 0, len(data))
    if isinstance(block, SpliceFault):
        return []
    return [
        (_READ[name], unfolded(field.value(data)))
        for name, field in zip(block.names, block.fields, strict=True)
        if name in _READ
    ]
