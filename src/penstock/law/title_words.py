"""A job title as words: accents dropped, gender marks taken away, separators made equal."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass

__all__ = ["COORDINATORS", "TitleWords", "fold", "pattern_words"]

COORDINATORS = frozenset(
    {"&", "and", "und", "et", "och", "y", "e", "en", "i", "og", "ja", "oraz", "sowie", "samt", "plus"}
)
"""Words that join two subjects of equal standing."""

# Articles and prepositions that carry no meaning here; left out of titles and patterns alike.
# fmt: off
_SMALL_WORDS = frozenset({
    "a", "al", "alla", "an", "au", "aux", "av", "af", "da", "das", "de", "dei", "del", "dell", "della", "delle", "dem",
    "den", "der", "des", "di", "die", "do", "dos", "ds", "du", "el", "for", "fuer", "fur", "het", "il", "im", "in",
    "la", "las", "le", "les", "lo", "los", "na", "of", "par", "para", "per", "por", "pour", "spraw", "the", "til",
    "till", "to", "van", "vom", "von", "voor", "w", "z", "zum", "zur",
})
# fmt: on

_EMPLOYER_FOLLOWS = frozenset({"@", "at", "bei", "chez", "hos", "presso"})

_UNDECOMPOSED = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
                               "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"})  # fmt: skip
# What people type who have no key for the letter.
_RESPELT = {
    "ä": ("a", "ae"),
    "ö": ("o", "oe"),
    "ü": ("u", "ue"),
    "å": ("a", "aa"),
    "ø": ("o", "oe"),
    "œ": ("oe", "o"),
}

_FRENCH_ENDING = "euse|trice|rice|ère|ere|ière|ne|e"
_ENDING = f"innen|in|{_FRENCH_ENDING}|a|as|o|os"
_GENDER = re.compile(
    rf"""
      \(\s*-?(?:{_ENDING}|es|s|r|n|ra)\s*\)                    # Leiter(in), chargé(e)
    | (?<=[^\W\d_]{{2}})[/:*_·•‧⋅]-?(?:{_ENDING})(?![\w-])     # Leiter:in, acheteur/euse, técnico/a
    | (?<=[^\W\d_]{{3}})[.-](?:{_FRENCH_ENDING})(?![\w-])      # chargé.e, directeur-rice
    | \(\s*(?:she|he|they|sie|er|elle|il|hon|han|hen|ella|él|hij|zij|ona|on|lei|lui)\b[^)]*\)
    | \b(?:she|he|they)/(?:her|him|them|hers|his|theirs)\b
    | \(?(?<![^\W_])[mwfdhkvx](?:\s?[/|*,]\s?(?:[mwfdhkvxiua]|gn|div(?:ers)?)(?![^\W_]))+\)?     # (m/w/d), H/F
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HAS_MARK = re.compile(r"[(/:*_·•‧⋅.|-]")
_ELISION = re.compile(r"(?<![^\W_])(?:d|l|un|dell|all|nell|sull|qu)['’]", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W_])")  # C.F.O., R.H
_WORD = re.compile(r"[^\W_]+|[&+,/;|@]")


def fold(text: str) -> str:
    """Accents dropped, letter case kept. ß becomes ss, æ ae, ø o, ł l."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return "".join([c for c in decomposed if not unicodedata.combining(c)])


def pattern_words(pattern: str) -> tuple[tuple[str, ...], ...]:
    """The words of a pattern in every folded way that people write them (ä as a or ae, å as a or aa), at least one.

    `*` and capitals are kept. Only patterns are respelt; a title is folded once, so that no Israel becomes an Isral.
    """
    text = pattern.replace("-", " ")
    if "'" in text:
        text = _ELISION.sub("", text)
    if text.isascii():
        return (_pattern_keys(text),)
    text = unicodedata.normalize("NFKC", text)
    letters = [letter for letter in _RESPELT if letter in text]
    found: dict[tuple[str, ...], None] = {}
    for ways in itertools.product(*(_RESPELT[letter] for letter in letters)):
        spelling = text
        for letter, way in zip(letters, ways, strict=True):
            spelling = spelling.replace(letter, way)
        found[_pattern_keys(fold(spelling))] = None
    return tuple(found)


def _pattern_keys(text: str) -> tuple[str, ...]:
    return tuple([_key(word) for word in text.split() if word not in _SMALL_WORDS])


@dataclass(frozen=True, slots=True)
class TitleWords:
    """The words of a title without small words.

    `keys` holds each word in lower case, or in capitals where the title gives it in capitals; `listed[i]` says that a
    comma, a slash or the like stands before word `i`.
    """

    keys: tuple[str, ...]
    listed: tuple[bool, ...]

    @classmethod
    def read(cls, title: str) -> TitleWords:
        """Everything from a word like "at" on names the employer and is left out. Never raises."""
        text = _plain(title)
        keys: list[str] = []
        listed: list[bool] = []
        after_mark = False
        for word in _WORD.findall(text):
            if word in ",/;|":
                after_mark = True
                continue
            lower = word.lower()
            if lower in _EMPLOYER_FOLLOWS and keys:
                break
            if lower in _SMALL_WORDS:
                continue
            keys.append("&" if word == "+" else _key(word))
            listed.append(after_mark)
            after_mark = False
        if len(keys) == 1:
            keys[0] = keys[0].upper()
        return cls(tuple(keys), tuple(listed))


def _key(word: str) -> str:
    return word if len(word) > 1 and word.isupper() else word.lower()


def _plain(title: str) -> str:
    text = title if title.isascii() else unicodedata.normalize("NFC", title)
    if _HAS_MARK.search(text):
        if "." in text:
            text = _DOTTED.sub(lambda found: found[0].replace(".", ""), text)
        text = _GENDER.sub(" ", text)
    if "'" in text or "’" in text:
        text = _ELISION.sub("", text)
    return fold(text)
