"""Finds addresses in a finished letter that carry what its recipient is known by."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from urllib.parse import unquote

from penstock.model.mail import Letter, Mail

__all__ = ["mentions_recipient", "personal_links"]

_URL = re.compile(r"[^\s\"'<>()\\]+")
_URLS = re.compile(r"//([^\s\"'<>()\\]+)")
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")
_SHORTEST = 32
_RUNS = bytes(octet if chr(octet).isalnum() or octet in b"_-" else 0x20 for octet in range(128)) + bytes(128)
_DIGESTS = (hashlib.sha256, hashlib.sha1, hashlib.md5)
_URL_SAFE = str.maketrans("+/", "-_")


def mentions_recipient(mail: Mail, letter: Letter) -> bool:
    """Whether address or id of the mail stand anywhere in text or HTML: two searches each, for every mail."""
    address, text, html = mail.address, letter.text, letter.html
    if address in text or mail.id in text:
        return True
    return html is not None and (address in html or mail.id in html)


def personal_links(
    mail: Mail, letter: Letter, ours: Sequence[str], read: Callable[[str], tuple[str, str] | None]
) -> Iterator[tuple[str, str]]:
    """(part, what it carries) for each address in text and HTML that tells who opens it.

    `ours` are the beginnings of our own links, which carry a token each; `read` reads such a token. What is looked for:
    ids, the address in any spelling, base64 or a digest of it, a token. The contact's own web addresses tell nobody.
    """
    own = tuple(each.partition("//")[2] for each in ours)
    theirs = _their_own(mail)
    for part, words in (("html", letter.html), ("text", letter.text)):
        # Most letters have nothing of the kind: asked of all addresses together, it is told in a few searches.
        urls = [url for url in _URLS.findall(words) if not url.startswith(own) or "//" in url] if words else []
        if not words or not urls or _carried("\n".join(urls), mail, read) is None:
            continue
        for piece in words.split("//")[1:]:  # an address within another is one, too
            url = None if piece.startswith(own) else _URL.match(piece)
            what = None if url is None or unescape(url[0]) in theirs else _carried(url[0], mail, read)
            if what is not None:
                yield part, what


def _carried(url: str, mail: Mail, read: Callable[[str], tuple[str, str] | None]) -> str | None:
    plain = unquote(unescape(url))
    lower, address = plain.casefold(), mail.address.casefold()
    if address in lower:
        return "the recipient's address"
    if mail.id in lower or (mail.contact_id and mail.contact_id.casefold() in lower):
        return "the id of the mail or the contact"
    wordy = _holds_long_run(plain)
    if wordy and any(_names(digits, mail.address) for digits in _HEX.findall(lower)):
        return "a digest of the recipient's address"
    for spelled in {mail.address, address}:
        encoded = base64.b64encode(spelled.encode()).decode().rstrip("=")
        if encoded in plain or encoded.translate(_URL_SAFE) in plain:
            return "the recipient's address"
    if not wordy:
        return None
    tokens = (read(each) for each in _TOKEN.findall(plain))
    return "a token of this mail" if any(each is not None and each[1] == mail.id for each in tokens) else None


def _holds_long_run(plain: str) -> bool:
    """Whether a digest or a token could stand there: cheaper to tell than looking for one."""
    if not plain.isascii():
        return True
    return any(len(run) >= _SHORTEST for run in plain.encode().translate(_RUNS).split())


def _their_own(mail: Mail) -> str:
    """The addresses at which the contact stands: a link there comes back to nobody."""
    contact = mail.contact
    return "" if contact is None else f"{contact.source.reference or ''} {contact.published.url or ''}"


def _names(digits: str, address: str) -> bool:
    """Whether hexadecimal digits are a digest of the address, as it is written or in lower case."""
    spelled = (address.encode(), address.lower().encode())
    return any(made(each, usedforsecurity=False).hexdigest() == digits for made in _DIGESTS for each in spelled)
