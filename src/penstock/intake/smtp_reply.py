"""Replies of the SMTP door (RFC 5321 section 4.2, status codes of RFC 3463): none says anything about us or anybody."""

from __future__ import annotations

from functools import lru_cache

from penstock.ports import Client, Refusal, RefusalKind

__all__ = ["counts_as_error", "greeting", "offers", "refused", "taken"]

_MOST_TEXT = 400
"""Octets of a reason, so that the line stays within the 512 of RFC 5321 section 4.5.3.1.5."""
_PROTOCOL_ERRORS = (b"500", b"501", b"502", b"503", b"504", b"530", b"535", b"538", b"555")

OK = b"250 2.0.0 ok\r\n"
SENDER_OK = b"250 2.1.0 ok\r\n"
RECIPIENT_OK = b"250 2.1.5 ok\r\n"
BYE = b"221 2.0.0 bye\r\n"
READY_FOR_TLS = b"220 2.0.0 ready for TLS\r\n"
LOGGED_IN = b"235 2.7.0 ok\r\n"
PERHAPS = b"252 2.1.5 send some mail, it will be tried\r\n"
HELP = b"214 2.0.0 see RFC 5321\r\n"
GO_ON = b"354 end with <CRLF>.<CRLF>\r\n"
TELL = b"334 \r\n"
TELL_NAME = b"334 VXNlcm5hbWU6\r\n"
TELL_SECRET = b"334 UGFzc3dvcmQ6\r\n"

TOO_MANY_CONNECTIONS = b"421 4.7.0 too many connections\r\n"
TOO_LATE = b"421 4.4.2 timeout\r\n"
GOING_DOWN = b"421 4.3.2 going down, come again\r\n"
TOO_MANY_ERRORS = b"421 4.7.0 too many errors\r\n"
NO_SERVICE = b"421 4.3.0 no service\r\n"
NOT_NOW = b"451 4.3.0 try again later\r\n"
NO_ROOM = b"452 4.3.1 no room now, try again later\r\n"
TOO_MANY_RECIPIENTS = b"452 4.5.3 too many recipients\r\n"
LOGIN_NOT_NOW = b"454 4.7.0 try again later\r\n"

UNKNOWN = b"500 5.5.1 unknown command\r\n"
UNREADABLE = b"500 5.5.2 cannot be read\r\n"
TOO_LONG = b"500 5.5.2 line too long\r\n"
BAD_LOGIN = b"501 5.5.2 cannot be read\r\n"
BAD_ARGUMENT = b"501 5.5.4 bad argument\r\n"
BAD_SENDER = b"501 5.1.7 bad sender address\r\n"
BAD_RECIPIENT = b"501 5.1.3 bad recipient address\r\n"
CANCELLED = b"501 5.0.0 cancelled\r\n"
NOT_HERE = b"502 5.5.1 not implemented\r\n"
OUT_OF_ORDER = b"503 5.5.1 wrong order of commands\r\n"
NO_SUCH_MECHANISM = b"504 5.5.4 no such mechanism\r\n"
LOGIN_NEEDED = b"530 5.7.0 authentication required\r\n"
WRONG_LOGIN = b"535 5.7.8 authentication failed\r\n"
TLS_NEEDED = b"538 5.7.11 encryption required\r\n"
NOT_ACCEPTED = b"550 5.7.1 not accepted\r\n"
EMPTY = b"550 5.6.0 no message\r\n"
MALFORMED = b"550 5.6.0 a CR or LF stands alone, or a NUL octet\r\n"
LONG_LINE = b"550 5.6.0 a line is longer than 998 octets\r\n"
TOO_LARGE = b"552 5.3.4 message too large\r\n"
NEEDS_SMTPUTF8 = b"553 5.6.7 needs SMTPUTF8\r\n"
LOOP = b"554 5.4.6 mail loop\r\n"
NO_RECIPIENTS = b"554 5.5.1 no valid recipients\r\n"
BAD_PARAMETER = b"555 5.5.4 parameter not recognized\r\n"


@lru_cache(maxsize=16)
def greeting(name: str) -> bytes:
    """The first line of a session."""
    return f"220 {name} ESMTP\r\n".encode("ascii", "replace")


@lru_cache(maxsize=64)
def offers(name: str, size: int, *, tls: bool, login: bool) -> bytes:
    """The answer to EHLO (RFC 5321 section 4.1.1.1). `tls` and `login`: whether these can be begun now."""
    lines = [name, "PIPELINING", f"SIZE {size}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"]
    lines += ["STARTTLS"] * tls + ["AUTH PLAIN LOGIN"] * login
    whole = "".join(f"250-{line}\r\n" for line in lines) + "250 HELP\r\n"
    return whole.encode("ascii", "replace")


def taken(mail_id: str) -> bytes:
    """A message that is saved."""
    return b"250 2.0.0 queued as %b\r\n" % mail_id.encode("ascii", "replace")


def refused(refusal: Refusal, client: Client) -> bytes:
    """A refusal as this client may hear it."""
    later = refusal.kind is RefusalKind.LATER
    if client.detail != "code":
        return NOT_NOW if later else NOT_ACCEPTED
    start = "451 4.3.0" if later else "550 5.6.0" if refusal.kind is RefusalKind.INVALID else "550 5.7.1"
    text = f"{refusal.why} ({refusal.code})" if refusal.code else refusal.why
    plain = "".join(sign if " " <= sign <= "~" else "?" for sign in text[:_MOST_TEXT])
    return f"{start} {plain}\r\n".encode("ascii")


def counts_as_error(reply: bytes) -> bool:
    """Whether it answers a fault of the client's program or login, not of a mail."""
    return reply[:1] == b"5" and reply.startswith(_PROTOCOL_ERRORS)
