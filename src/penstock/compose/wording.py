"""Searches in finished words that both the lint and the check of the finished mail make."""

from __future__ import annotations

import re

__all__ = ["deceptive_prefix", "names_controller", "pixels", "placeholder", "unanswerable"]

_REPLY = re.compile(
    r"\s*(?:re|r|fw|fwd|aw|wg|sv|vs|vb|tr|rv|rif|ref|antw|doorst|odp|enc|i)(?:\s*\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_TINY = re.compile(
    r"(?:\b(?:width|height)\s*=\s*[\"']?\s*[01](?:px)?\s*[\"'\s/>])|(?:[\s;\"'](?:width|height)\s*:\s*[01](?:px)?\b(?![.%]))",
    re.IGNORECASE,
)
_ENCLOSED = re.compile(r"""^(?!.*//).*\ssrc\s*=\s*["']?\s*cid:""", re.IGNORECASE | re.DOTALL)
_OPAQUE = re.compile(r"<(style|script)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_NO_REPLY = re.compile(
    r"(?:no|do[._-]?not|ne[._-]?pas)[._-]?(?:reply|respond|repondre)|keine[._-]?antwort", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_MERGE_TAG = re.compile(r"\*\|\w[^|*\n]{0,60}\|\*")


def unanswerable(local: str) -> bool:
    """Whether the part before @ says that nobody reads what is sent there (`no-reply` and its like)."""
    return _NO_REPLY.match(local) is not None


def deceptive_prefix(subject: str) -> bool:
    """True for `Re:`, `Fwd:` and their like in other languages: a claim that there was a conversation."""
    return _REPLY.match(subject) is not None


def pixels(html: str) -> bool:
    """True when there is an image of at most one pixel in width or height: a tracking pixel.

    An image that comes with the mail tells nobody anything, whatever its size.
    """
    return any(_TINY.search(image) and not _ENCLOSED.search(image) for image in _IMAGE.findall(html))


def placeholder(text: str, *, html: bool = False) -> str | None:
    """The template mark that was left, if any. Stylesheets may close two braces at once."""
    mark = _mark(text)
    return _mark(_OPAQUE.sub("", text)) if mark is not None and html else mark


def _mark(text: str) -> str | None:
    # Searching for one character, from both ends, and cutting there is many times faster than searching for two.
    if "|" in text and "*|" in text and (tag := _MERGE_TAG.search(text)):  # *|FNAME|*, as newsletter programs have it
        return tag[0][:2]
    opened, closed = text.find("{"), text.find("}")
    if opened >= 0:
        for behind in f"{text[opened + 1 : text.rfind('{') + 2]} ".split("{"):
            if not behind or behind[0] == "%":
                return "{%" if behind else "{{"
    last = text.rfind("}")
    return "}}" if closed < last and "" in text[closed + 1 : last].split("}") else None


def names_controller(display_name: str, legal_name: str) -> bool:
    """Whether a display name says who sends: the legal name in it, or at least its first word."""
    shown, legal = display_name.casefold(), legal_name.casefold()
    if legal and legal in shown:
        return True
    first = _WORD.search(legal)
    return first is not None and first[0] in _WORD.findall(shown)
