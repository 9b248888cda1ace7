"""PROXY headers of both versions, and what is none."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.intake.proxy_protocol import ProxyHeader, proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def second(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2) + body


V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") + b"\x30\x39\x00\x19"
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(16) + b"\x30\x39\x00\x19"
GOOD = [
    (b"PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\r\n", "192.0.2.7"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 12345 25\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", ""),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""),
    (second(0x21, 0x11, V4), "192.0.2.7"),
    (second(0x21, 0x21, V6), "2001:db8::7"),
    (second(0x21, 0x11, V4 + b"\x04\x00\x01\x00"), "192.0.2.7"),
    (second(0x20, 0x00, b""), ""),
    (second(0x20, 0x11, V4), ""),
    (second(0x21, 0x00, b"xyz"), ""),
]


@pytest.mark.parametrize(("header", "address"), GOOD)
def test_a_header_is_read_from_any_beginning_of_the_stream(header: bytes, address: str) -> None:
    assert proxy_header(header + b"EHLO x\r\n") == ProxyHeader(len(header), address)
    for number in range(len(header)):
        assert proxy_header(header[:number]) == "more"


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO x\r\n",
        b"proxy TCP4 192.0.2.7 192.0.2.1 1 25\r\n",
        b"PROXY TCP4 2001:db8::7 192.0.2.1 1 25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 -1 25\r\n",
        b"PROXY UDP4 192.0.2.7 192.0.2.1 1 25\r\n",
        b"PROXY TCP4 \xff 192.0.2.1 1 25\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * 200,
        second(0x31, 0x11, V4),
        second(0x22, 0x11, V4),
        second(0x21, 0x12, V4),
        second(0x21, 0x31, bytes(216)),
        second(0x21, 0x11, V4[:-1]),
        second(0x21, 0x11, bytes(4_097)),
    ],
)
def test_what_is_no_header_is_a_fault(octets: bytes) -> None:
    assert proxy_header(octets) == "fault"


@given(st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]), st.binary(max_size=200))
def test_no_octets_whatever_upset_it(start: bytes, octets: bytes) -> None:
    found = proxy_header(start + octets)
    assert found in {"more", "fault"} or isinstance(found, ProxyHeader)
