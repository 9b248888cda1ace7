"""Resend's way of paging: `limit`, and `after` or `before` with the id of an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.testing.esp import Refused

__all__ = ["PAGING", "page_of"]

PAGING = frozenset({"limit", "after", "before"})
_MOST_AT_ONCE = 100


def page_of(ids: Sequence[str], query: Mapping[str, str], known: frozenset[str]) -> tuple[Sequence[str], bool]:
    """The ids on the page that is asked for, and whether there are more. Raises Refused."""
    if unknown := sorted(set(query) - known):
        raise Refused(f"validation_error: Unknown parameter `{unknown[0]}`.", 422)
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= _MOST_AT_ONCE:
        raise Refused("validation_error: `limit` must be 1 to 100.", 422)
    if "after" in query and "before" in query:
        raise Refused("validation_error: `after` and `before` exclude each other.", 422)
    cursor = query.get("after", query.get("before"))
    if cursor is not None and cursor not in ids:
        raise Refused("validation_error: The cursor is unknown.", 422)
    size = int(limit)
    if "before" in query:
        end = ids.index(query["before"])
        start = max(0, end - size)
        return ids[start:end], start > 0
    start = ids.index(query["after"]) + 1 if "after" in query else 0
    return ids[start : start + size], start + size < len(ids)
