"""JSON that came from outside: an answer, or the body of a call."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_of", "object_of"]


def json_of(body: bytes) -> object:
    """What the octets hold; None where they are no whole JSON, are no text, or are nested deeper than can be read."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def object_of(body: bytes) -> dict[str, Any] | None:
    """The JSON object that the octets hold; None where they hold none."""
    found = json_of(body)
    return found if isinstance(found, dict) else None
