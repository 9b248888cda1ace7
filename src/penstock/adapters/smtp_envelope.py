"""A mail as SMTP commands and wire bytes: MAIL, RCPT and their parameters, and the dot-stuffed message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from penstock.adapters.smtp_session import Offers
from penstock.compose.line_ends import only_crlf
from penstock.model.codes import Code
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Failed
from penstock.ports import Marks

__all__ = ["CHUNK", "Parcel", "envelope_commands", "parcel_of", "stuffed", "xtext"]

CHUNK = 65_536  # octets of a message handed over at once
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]|[\ud800-\udfff]")
_NOT_XTEXT = re.compile(rb"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_NOT_UTF8_XTEXT = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes on the wire for one mail, whatever the server offers.

    `smtputf8`: an address or a header is not ASCII (RFC 6531). `eight_bit`: some octet is above 127 (RFC 6152).
    """

    envid: str
    sender: str
    recipient: str
    data: bytes
    smtputf8: bool
    eight_bit: bool


def parcel_of(mail: Mail, marks: Marks | None = None) -> Parcel | Failed:
    """Look at the mail's bytes once. Failed for what no server may be given.

    `marks` makes header fields for the ESP behind the server; they go before all others, so that no signature breaks.

    A bare CR or LF is refused (RFC 5321 section 2.3.8): what comes after one can pass for a mail of its own.
    """
    if not isinstance(mail.content, Message):
        return Failed("not a finished message")
    sender, recipient, data = mail.envelope.sender, mail.envelope.recipient, mail.content.data
    if marks is not None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in marks(mail.id))
        data = fields.encode("ascii") + data
    if _UNSAFE.search(recipient) or "@" not in recipient:
        return Failed("the recipient cannot be put into a command", "5.1.3", Code.INVALID_ADDRESS)
    if _UNSAFE.search(sender):
        return Failed("the sender cannot be put into a command", "5.1.7")
    if not only_crlf(data):
        return Failed("the message has a bare CR or LF", "5.6.0", Code.HEADER_INVALID)
    plain = data.isascii()
    smtputf8 = not (sender.isascii() and recipient.isascii()) or (not plain and not _headers(data).isascii())
    return Parcel(mail.id, sender, recipient, data, smtputf8, not plain)


def _headers(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[0]


def envelope_commands(parcel: Parcel, offers: Offers) -> tuple[bytes, bytes] | Failed:
    """The lines MAIL and RCPT for this server; Failed where it cannot take this mail.

    Every answer to a failed or late mail is asked for by NOTIFY, headers only (RFC 3461).
    """
    if parcel.smtputf8 and not offers.smtputf8:
        return Failed("the server takes no non-ASCII addresses or headers", "5.6.7", Code.SMTPUTF8_UNSUPPORTED)
    if parcel.eight_bit and not offers.eight_bit:
        return Failed("the server takes no 8-bit messages", "5.6.3")
    size = len(parcel.data)
    if offers.size and size > offers.size:
        return Failed("the message is larger than the server takes", "5.3.4")
    mail, rcpt = [f"MAIL FROM:<{parcel.sender}>"], [f"RCPT TO:<{parcel.recipient}>"]
    if offers.sized:
        mail.append(f"SIZE={size}")
    if parcel.eight_bit:
        mail.append("BODY=8BITMIME")
    if parcel.smtputf8:
        mail.append("SMTPUTF8")
    if offers.dsn:
        mail.append(f"RET=HDRS ENVID={xtext(parcel.envid)[:100]}")
        rcpt.append(f"NOTIFY=FAILURE,DELAY ORCPT={_original(parcel.recipient)}")
    return f"{' '.join(mail)}\r\n".encode(), f"{' '.join(rcpt)}\r\n".encode()


def _original(recipient: str) -> str:
    """The original recipient (RFC 3461 section 4.2; RFC 6533 section 3 for one that is not ASCII)."""
    if recipient.isascii():
        return f"rfc822;{xtext(recipient)}"
    return "utf-8;" + _NOT_UTF8_XTEXT.sub(lambda seen: f"\\x{{{ord(seen[0]):X}}}", recipient)


def xtext(text: str) -> str:
    """RFC 3461 section 4: what is not printable ASCII, `+` and `=` become `+HH`."""
    return _NOT_XTEXT.sub(lambda seen: b"+%02X" % seen[0][0], text.encode()).decode("ascii")


def stuffed(data: bytes, chunk: int = CHUNK) -> Iterator[bytes]:
    """The message as DATA wants it (RFC 5321 section 4.5.2), in pieces of about `chunk` octets.

    A line that begins with a dot gets a second one. The last piece alone holds the end: CRLF, dot, CRLF.
    """
    first = b"." if data.startswith(b".") else b""
    end = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
    start, length = 0, len(data)
    while length - start > chunk:
        cut = start + chunk
        split = data.find(b"\r\n.", cut - 2, cut + 2)
        if split > start:
            cut = split  # never through the three octets that are looked for
        yield first + _dotted(data[start:cut])
        start, first = cut, b""
    yield first + _dotted(data[start:]) + end


def _dotted(piece: bytes) -> bytes:
    # `replace` counts first, which costs several times what it takes to find the few lines that begin so.
    return b"\r\n..".join(piece.split(b"\r\n."))
