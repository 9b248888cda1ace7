"""Industries by NACE Rev. 2.1 (Regulation (EC) No 1893/2006 as amended by Delegated Regulation (EU) 2023/137)."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["industry_matches", "normal_nace"]

# First and last division of each section; 34, 40, 44, 45, 48, 54, 57, 67, 76, 83 and 89 are not assigned.
_SECTIONS = {
    "A": (1, 3), "B": (5, 9), "C": (10, 33), "D": (35, 35), "E": (36, 39), "F": (41, 43), "G": (46, 47),
    "H": (49, 53), "I": (55, 56), "J": (58, 60), "K": (61, 63), "L": (64, 66), "M": (68, 68), "N": (69, 75),
    "O": (77, 82), "P": (84, 84), "Q": (85, 85), "R": (86, 88), "S": (90, 93), "T": (94, 96), "U": (97, 98),
    "V": (99, 99),
}  # fmt: skip
# Where the divisions stood in Rev. 2, for the letters that moved: records still carry them.
_SECTIONS_BEFORE = {
    "J": (58, 63), "K": (64, 66), "L": (68, 68), "M": (69, 75), "N": (77, 82), "O": (84, 84), "P": (85, 85),
    "Q": (86, 88), "R": (90, 93), "S": (94, 96), "T": (97, 98), "U": (99, 99),
}  # fmt: skip
# The groups of divisions that both revisions cut alike; of the others (trade, IT and so on) any digit is taken.
_GROUPS = {
    1: "1234567", 2: "1234", 3: "123", 5: "12", 6: "12", 7: "12", 8: "19", 9: "19", 10: "123456789", 11: "0", 12: "0",
    13: "1239", 14: "123", 15: "12", 16: "12", 17: "12", 18: "12", 19: "12", 20: "123456", 21: "12", 22: "12",
    23: "12345679", 24: "12345", 25: "12345679", 26: "12345678", 27: "123459", 28: "12349", 29: "123", 30: "12349",
    31: "0", 32: "123459", 33: "12", 35: "1234", 36: "0", 37: "0", 38: "123", 39: "0", 41: "012", 42: "129",
    49: "12345", 50: "1234", 51: "12", 53: "123", 58: "12", 59: "12", 64: "12349", 65: "123", 66: "123", 68: "123",
    69: "12", 70: "12", 71: "12", 72: "12", 73: "123", 75: "0", 77: "12345", 78: "123", 79: "129", 81: "123",
    84: "123", 99: "0",
}  # fmt: skip
_CODE = re.compile(r"(?P<section>[A-V])?\s*(?:(?P<division>[0-9]{2})(?P<rest>\.[0-9]{1,2})?)?", re.IGNORECASE)
_SECTION_OF = {division: letter for letter, (first, last) in _SECTIONS.items() for division in range(first, last + 1)}


@lru_cache(maxsize=4096)
def normal_nace(code: str) -> str | None:
    """A code as `C`, `C28`, `C28.1` or `C28.13`, from `C28`, `c28.1`, `C 28`, `28.13` and the like.

    The division decides the section: `J62`, as Rev. 2 wrote it, becomes `K62`. None when the text is no code, when
    Rev. 2.1 has no such division, or when the letter is wrong in both revisions. A letter alone is one of Rev. 2.1.
    A group that neither revision has is none; whether the class exists is not looked up.
    """
    match = _CODE.fullmatch(code.strip())
    if match is None:
        return None
    section, division = (match["section"] or "").upper(), match["division"]
    if division is None:
        return section or None
    number = int(division)
    letter = _SECTION_OF.get(number)
    if letter is None or not (section in {"", letter} or _stood_in(section, number)):
        return None
    if match["rest"] and match["rest"][1] not in _GROUPS.get(number, "0123456789"):
        return None
    return f"{letter}{division}{match['rest'] or ''}"


def _stood_in(section: str, division: int) -> bool:
    first, last = _SECTIONS_BEFORE.get(section, (0, 0))
    return first <= division <= last


def industry_matches(code: str, wanted: str) -> bool:
    """Whether `code` is `wanted` or lies below it: `C` holds `C28` holds `C28.1` holds `C28.13`.

    Both may be written in any way `normal_nace` reads; what it cannot read matches nothing.
    """
    normal, above = normal_nace(code), normal_nace(wanted)
    return normal is not None and above is not None and normal.startswith(above)
