"""A relayed message as its reader sees it, and the notice that is put into it (RFC 2046 section 5)."""

from __future__ import annotations

from itertools import zip_longest

from penstock.compose.handed_in import unfolded
from penstock.compose.notice_blocks import NoticeForm, Written, label_markup
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import header_block
from penstock.compose.splice.leaf_content import leaf_content
from penstock.compose.splice.part_tree import Leaf, first_seen
from penstock.compose.splice.splicer import Additions, splice
from penstock.model.mail import Header, Letter, Message

__all__ = ["read_letters", "with_notice"]

_READ = {
    name.lower(): name
    for name in ("From", "To", "Subject", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "Date")
}


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
        ),
    )
    return made if isinstance(made, SpliceFault) else Message(made, None, notice.version)


def read_letters(data: bytes, language: str, template: str, notice: str | None) -> list[Letter] | SpliceFault:
    """The message parsed as a whole: one letter for each pair of text and HTML parts that are seen first.

    `text` is empty where there is no text part. `template` stands for all messages of a campaign.
    """
    leaves = first_seen(data)
    if isinstance(leaves, SpliceFault):
        return leaves
    texts: list[str] = []
    htmls: list[str] = []
    for leaf in leaves:
        read = _text(data, leaf)
        if isinstance(read, SpliceFault):
            return read
        (htmls if leaf.html else texts).append(read)
    headers = tuple(_fields(data))
    return [Letter(headers, text or "", html, language, template, notice) for text, html in zip_longest(texts, htmls)]


def _text(data: bytes, leaf: Leaf) -> str | SpliceFault:
    content = leaf_content(data, leaf)
    if isinstance(content, SpliceFault):
        return content
    return content.octets.decode(content.codec, "replace").replace("\r\n", "\n")


def _fields(data: bytes) -> list[Header]:
    block = header_block(data, 0, len(data))
    if isinstance(block, SpliceFault):
        return []
    return [(_READ[field.name], unfolded(field.value(data))) for field in block.fields if field.name in _READ]
