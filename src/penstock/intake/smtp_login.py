"""AUTH PLAIN and LOGIN: name and secret out of their exchange (RFC 4954, RFC 4616)."""

from __future__ import annotations

import asyncio
import binascii

from penstock.intake import smtp_reply
from penstock.intake.smtp_connection import Connection

__all__ = ["decoded", "exchange", "plain"]


async def exchange(connection: Connection, argument: str, seconds: float) -> tuple[str, str] | bytes | None:
    """Name and secret; the reply that refuses them; None where the connection ended. `seconds` for all of it."""
    mechanism, _, initial = argument.partition(" ")
    until = asyncio.get_running_loop().time() + seconds
    match mechanism.upper():
        case "PLAIN":
            text = _initial(initial) if initial else await _asked(connection, smtp_reply.TELL, until)
            if not isinstance(text, str):
                return text
            return plain(text) or smtp_reply.WRONG_LOGIN
        case "LOGIN":
            name = _initial(initial) if initial else await _asked(connection, smtp_reply.TELL_NAME, until)
            if not isinstance(name, str):
                return name
            secret = await _asked(connection, smtp_reply.TELL_SECRET, until)
            return (name, secret) if isinstance(secret, str) else secret
        case _:
            return smtp_reply.NO_SUCH_MECHANISM


def decoded(line: bytes) -> str | None:
    """The text that a line of base64 stands for; None where it stands for none."""
    try:
        return binascii.a2b_base64(line, strict_mode=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def plain(text: str) -> tuple[str, str] | None:
    """Name and secret of PLAIN. None where there are not three fields, or somebody acts for another."""
    fields = text.split("\0")
    if len(fields) != 3 or fields[0] not in {"", fields[1]}:
        return None
    return fields[1], fields[2]


def _initial(word: str) -> str | bytes:
    text = "" if word == "=" else decoded(word.encode())
    return smtp_reply.BAD_LOGIN if text is None else text


async def _asked(connection: Connection, challenge: bytes, until: float) -> str | bytes | None:
    connection.reply(challenge)
    line = await connection.line(until - asyncio.get_running_loop().time())
    if line is None:
        return None
    if not line.endswith(b"\r\n"):
        return smtp_reply.UNREADABLE if line else smtp_reply.TOO_LONG
    if line == b"*\r\n":
        return smtp_reply.CANCELLED
    text = decoded(line[:-2])
    return smtp_reply.BAD_LOGIN if text is None else text
