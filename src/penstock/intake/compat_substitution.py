"""SendGrid's substitution tags: plain words of one's own in place of others, bounded in size and in work."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache

from penstock.intake.http_problem import RequestError

__all__ = ["Effort", "Substitution"]

_MOST_OCTETS = 10_000
_MOST_LOOKS = 50_000_000
_CHARACTERS_A_LOOK = 50
"""To search a text for one character costs so much less than to compare a tag."""
_LOOKS_A_CHARACTER = 50
"""And to compile one of a tag so much more."""


class Effort:
    """What filling in may cost one request, in looks of one tag at one place."""

    def __init__(self) -> None:
        self._room = _MOST_LOOKS

    def spend(self, text: str, tags: Collection[str]) -> None:
        """Raises RequestError 413 before anything long is begun."""
        self._take(len(text) * len(tags) // _CHARACTERS_A_LOOK)
        for first, number in Counter(tag[0] for tag in tags).items():
            self._take(text.count(first) * number)

    def learn(self, tags: Collection[str]) -> None:
        """Likewise, before tags are made into a pattern."""
        self._take(_LOOKS_A_CHARACTER * sum(map(len, tags)))

    def _take(self, looks: int) -> None:
        self._room -= looks
        if self._room < 0:
            mend = "shorter texts, fewer tags, or tags that begin with a rare character"
            raise RequestError(413, "There is too much to substitute.", mend=mend)


class Substitution:
    """Substitution tags of one personalization: all at once, so that no value is searched for tags."""

    def __init__(self, values: Mapping[str, str], most: int, effort: Effort, where: str) -> None:
        if "" in values:
            raise RequestError(400, "A substitution tag is empty.", where=where)
        if sum(len(each.encode()) for pair in values.items() for each in pair) > _MOST_OCTETS:
            raise RequestError(400, f"The total size may not exceed {_MOST_OCTETS} bytes.", where=where)
        effort.learn(values)
        self._values = values
        self._most = most
        self._effort = effort
        self._tags = _tags(tuple(sorted(values, key=len, reverse=True))) if values else None

    def filled(self, text: str | None) -> str | None:
        """The text with its values. Raises RequestError 413 for what would become too large or take too long."""
        if self._tags is None or text is None:
            return text
        self._effort.spend(text, self._values)
        _growth(text, self._values, self._most)
        return self._tags.sub(lambda found: self._values[found[0]], text)


@lru_cache(maxsize=64)
def _tags(longest_first: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, longest_first)))


def _growth(text: str, values: Mapping[str, str], most: int) -> None:
    """Raises RequestError 413 where a text would have more than `most` characters with its values filled in."""
    length = len(text)
    for tag, value in values.items():
        if len(value) > len(tag):
            length += text.count(tag) * (len(value) - len(tag))
        if length > most:
            raise RequestError(413, f"the message is larger than {most} octets")
