"""A file that a client writes in base64 (RFC 4648)."""

from __future__ import annotations

import binascii
import re

__all__ = ["file_octets"]

_SPACE = re.compile(r"[\r\n\t ]+")


def file_octets(content: str) -> bytes:
    """The file; line ends and blanks may stand between. Raises ValueError for what is not base64."""
    written = _SPACE.sub("", content) if any(map(content.__contains__, "\n\r \t")) else content
    try:
        return binascii.a2b_base64(written, strict_mode=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
