"""Colours of CSS, as far as letters use them, and how well one can be told from another."""

from __future__ import annotations

import re

__all__ = ["Colour", "colour_in", "contrast", "laid_over"]

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, from 0 to 1."""

_HEX = re.compile(r"#(?P<digits>[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-f])")
_RGB = re.compile(r"rgba?\(([^()]*)\)")
_NAMES = {
    "white": "ffffff", "snow": "fffafa", "ivory": "fffff0", "whitesmoke": "f5f5f5", "gainsboro": "dcdcdc",
    "lightgray": "d3d3d3", "lightgrey": "d3d3d3", "silver": "c0c0c0", "darkgray": "a9a9a9", "darkgrey": "a9a9a9",
    "gray": "808080", "grey": "808080", "dimgray": "696969", "black": "000000", "navy": "000080", "blue": "0000ff",
    "teal": "008080", "green": "008000", "lime": "00ff00", "aqua": "00ffff", "cyan": "00ffff", "maroon": "800000",
    "red": "ff0000", "purple": "800080", "fuchsia": "ff00ff", "magenta": "ff00ff", "olive": "808000",
    "yellow": "ffff00", "orange": "ffa500", "transparent": "00000000",
}  # fmt: skip
_WORD = re.compile(r"(?<![\w#(./-])[a-z]+(?![\w(./-])")


def colour_in(value: str) -> Colour | None:
    """The first colour in a value in lower case, such as that of `background`; None where none is known."""
    found = _HEX.search(value)
    if found is not None:
        return _from_digits(found["digits"])
    if (told := _RGB.search(value)) is not None:
        return _from_numbers(told[1].replace(",", " ").replace("/", " ").split())
    return next((_from_digits(_NAMES[word]) for word in _WORD.findall(value) if word in _NAMES), None)


def laid_over(upper: Colour, lower: Colour) -> Colour:
    """What is seen of a colour that lies over another, which lets nothing through."""
    share = upper[3]
    red, green, blue = (share * above + (1 - share) * below for above, below in zip(upper[:3], lower[:3], strict=True))
    return red, green, blue, 1.0


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _from_digits(digits: str) -> Colour:
    if len(digits) <= 4:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue, opacity = (int(f"{digits}ff"[at : at + 2], 16) / 255 for at in (0, 2, 4, 6))
    return red, green, blue, opacity


def _from_numbers(parts: list[str]) -> Colour | None:
    try:
        numbers = [float(part.rstrip("%")) / (100 if part.endswith("%") else 255) for part in parts[:3]]
        opacity = float(parts[3].rstrip("%")) / (100 if parts[3].endswith("%") else 1) if len(parts) > 3 else 1.0
    except ValueError:
        return None
    if len(numbers) != 3:
        return None
    red, green, blue = (min(1.0, max(0.0, number)) for number in numbers)
    return red, green, blue, min(1.0, max(0.0, opacity))
