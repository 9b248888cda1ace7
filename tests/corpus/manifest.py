"""The stored corpus: what is expected of each file, and its octets."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.corpus.judge import Expected

__all__ = ["FOLDER", "expectations", "octets_of_file"]

FOLDER = Path(__file__).parent / "mime"


def expectations() -> tuple[Expected, ...]:
    """The manifest, in its order."""
    entries = tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8"))
    return tuple(
        Expected(
            name,
            each["rfc"],
            each["what"],
            each["expect"],
            tuple(each["leaves"]),
            tuple(each.get("already", ())),
            each.get("shown", True),
            each.get("notice", ""),
            each.get("some", False),
        )
        for name, each in entries.items()
    )


def octets_of_file(expected: Expected) -> bytes:
    """The stored mail."""
    return (FOLDER / f"{expected.name}.eml").read_bytes()
