"""One spelling for what people write with and without capitals and accents."""

from __future__ import annotations

import unicodedata

__all__ = ["folded"]

# Letters that Unicode does not take apart into a base and an accent.
_WHOLE = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def folded(text: str) -> str:
    """The text in lower case without accents: `Büro` and `BÜRO` become `buro`, `Indkøb` becomes `indkob`. Idempotent.

    Transcriptions (`buero`) are other spellings and stay what they are.
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in apart if not unicodedata.combining(c)).translate(_WHOLE)
