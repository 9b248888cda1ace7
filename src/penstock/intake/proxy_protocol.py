"""The PROXY protocol of load balancers, versions 1 and 2: who really calls (haproxy.org, proxy-protocol.txt)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

__all__ = ["ProxyHeader", "proxy_header"]

_ONE = b"PROXY "
_TWO = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_ONE = 107
_LONGEST_TWO = 4_096
"""Of addresses and extensions; the protocol allows 65,535."""
_STREAMS = {0x11: 4, 0x21: 16}


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`length` octets; `address` of the caller, empty where the balancer speaks for itself or knows none."""

    length: int
    address: str


def proxy_header(octets: bytes) -> ProxyHeader | Literal["more", "fault"]:
    """The header that these octets begin with; "more" where it is not whole yet, "fault" where it is none."""
    if octets.startswith(_ONE) or _ONE.startswith(octets):
        return _first(octets)
    if octets.startswith(_TWO) or _TWO.startswith(octets):
        return _second(octets)
    return "fault"


def _first(octets: bytes) -> ProxyHeader | Literal["more", "fault"]:
    end = octets.find(b"\r\n", 0, _LONGEST_ONE)
    if end < 0:
        return "fault" if len(octets) >= _LONGEST_ONE else "more"
    words = octets[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(end + 2, "")
    if len(words) != 6 or not all(map(_is_port, words[4:])):
        return "fault"
    try:
        callers = [_read(words[1], word) for word in words[2:4]]
    except ValueError:
        return "fault"
    return ProxyHeader(end + 2, callers[0])


def _read(family: bytes, word: bytes) -> str:
    """Raises ValueError, of which UnicodeDecodeError is one."""
    match family:
        case b"TCP4":
            return str(IPv4Address(word.decode("ascii")))
        case b"TCP6" if b"%" not in word:  # a zone means nothing to anybody else
            return str(IPv6Address(word.decode("ascii")))
        case _:
            raise ValueError("no family of the protocol")


def _is_port(word: bytes) -> bool:
    return word.isdigit() and len(word) <= 5 and int(word) <= 65_535


def _second(octets: bytes) -> ProxyHeader | Literal["more", "fault"]:
    if len(octets) < 16:
        return "more"
    command, family, length = octets[12], octets[13], int.from_bytes(octets[14:16])
    if command not in {0x20, 0x21} or length > _LONGEST_TWO:
        return "fault"
    if len(octets) < 16 + length:
        return "more"
    if command == 0x20 or family == 0:
        return ProxyHeader(16 + length, "")
    width = _STREAMS.get(family)
    if width is None or length < 2 * width + 4:
        return "fault"
    packed = octets[16 : 16 + width]
    return ProxyHeader(16 + length, str(IPv4Address(packed) if width == 4 else IPv6Address(packed)))
