"""What is said on one connection to an SMTP door, command by command (RFC 5321)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from penstock.errors import Unavailable
from penstock.intake import smtp_reply
from penstock.intake.smtp_command import MailFrom, mail_from, rcpt_to, split
from penstock.intake.smtp_connection import TOO_LONG, Connection
from penstock.intake.smtp_content import Content
from penstock.intake.smtp_delivery import SmtpDelivery
from penstock.intake.smtp_door import SmtpCounters, SmtpDoor
from penstock.intake.smtp_login import exchange
from penstock.observe.log import get_logger
from penstock.ports import Client, Doorkeeper, Recipient

__all__ = ["Session"]

_MOST_ERRORS = 20
_MOST_FAILED_LOGINS = 3
_TURN = 100
"""Commands obeyed before other sessions have their turn."""

_log = get_logger("intake")

Obey = Callable[["Session", str], bytes | Awaitable[bytes]]
"""What a command is answered with, at once where nothing has to be waited for."""


def _always(reply: bytes) -> Obey:
    def obey(_session: Session, _argument: str) -> bytes:
        return reply

    return obey


@dataclass(slots=True)
class _Transaction:
    """MAIL and what has come of RCPT since (RFC 5321 section 3.3)."""

    start: MailFrom
    recipients: dict[str, Recipient] = field(default_factory=dict)


class Session:
    """A dialogue from the greeting on. `caller` is the client's address, which may count as a login where `trusted`."""

    def __init__(
        self,
        connection: Connection,
        caller: str,
        *,
        trusted: bool,
        door: SmtpDoor,
        delivery: SmtpDelivery,
        doorkeeper: Doorkeeper,
        counters: SmtpCounters,
        name: str,
    ) -> None:
        self._connection = connection
        self._caller = caller
        self._door = door
        self._delivery = delivery
        self._doorkeeper = doorkeeper
        self._counters = counters
        self._name = name
        self._neighbour = doorkeeper.neighbour(caller) if trusted else None
        self._here = trusted and (caller == "::1" or caller.removeprefix("::ffff:").startswith("127."))
        self._client: Client | None = self._neighbour
        self._logged_in = False
        self._greeted = False
        self._transaction: _Transaction | None = None
        self._errors = 0
        self._failed_logins = 0
        self._now = asyncio.get_running_loop().time
        self._taken_at = self._now()

    async def run(self) -> None:
        """Until the client quits, breaks off, is too slow, or makes too many errors."""
        connection, deadlines = self._connection, self._door.deadlines
        connection.reply(smtp_reply.greeting(self._door.name))
        obeyed = 0
        while True:
            left = self._taken_at + deadlines.session - self._now()
            if left <= 0:  # a client that never lets us wait would never be overdue
                connection.overdue()
                return
            line = await connection.line(min(deadlines.command, left))
            if line is None:
                return
            reply = self._obeyed(line)
            if not isinstance(reply, bytes):
                reply = await reply
            if reply == smtp_reply.BYE or reply.startswith(b"421"):
                connection.close(reply)
                return
            if smtp_reply.counts_as_error(reply):
                self._errors += 1
                if self._errors >= _MOST_ERRORS:
                    self._counters.refused["errors"] += 1
                    connection.close(smtp_reply.TOO_MANY_ERRORS)
                    return
            if reply:
                connection.reply(reply)
            obeyed += 1
            if obeyed % _TURN == 0:
                await asyncio.sleep(0)

    def _obeyed(self, line: bytes) -> bytes | Awaitable[bytes]:
        command = smtp_reply.TOO_LONG if line == TOO_LONG else split(line)
        if isinstance(command, bytes):
            return command
        verb, argument = command
        obey = self._verbs.get(verb)
        return smtp_reply.UNKNOWN if obey is None else obey(self, argument)

    def _ehlo(self, argument: str) -> bytes:
        if not argument:
            return smtp_reply.BAD_ARGUMENT
        self._greeted, self._transaction = True, None
        tls = self._door.tls is not None and not self._connection.tls
        login = self._secret and not self._logged_in
        return smtp_reply.offers(self._door.name, self._door.size_limit, tls=tls, login=login)

    def _helo(self, argument: str) -> bytes:
        if not argument:
            return smtp_reply.BAD_ARGUMENT
        self._greeted, self._transaction = True, None
        return f"250 {self._door.name}\r\n".encode("ascii", "replace")

    def _mail(self, argument: str) -> bytes:
        if not self._greeted or self._transaction is not None:
            return smtp_reply.OUT_OF_ORDER
        if self._client is None:
            self._counters.refused["no_login"] += 1
            return smtp_reply.LOGIN_NEEDED
        start = mail_from(argument)
        if isinstance(start, bytes):
            return start
        if start.size > self._door.size_limit:
            self._counters.refused["size"] += 1
            return smtp_reply.TOO_LARGE
        self._transaction = _Transaction(start)
        return smtp_reply.SENDER_OK

    async def _rcpt(self, argument: str) -> bytes:
        transaction, client = self._transaction, self._client
        if transaction is None or client is None:
            return smtp_reply.OUT_OF_ORDER
        recipient = rcpt_to(argument, utf8=transaction.start.utf8)
        if isinstance(recipient, bytes):
            return recipient
        if recipient.address in transaction.recipients:
            return smtp_reply.RECIPIENT_OK
        if len(transaction.recipients) >= self._door.recipient_limit:
            self._counters.refused["recipients"] += 1
            return smtp_reply.TOO_MANY_RECIPIENTS
        refused = await self._delivery.refuses(client, transaction.start.sender, recipient.address, self._name)
        if refused:
            return refused
        transaction.recipients[recipient.address] = recipient
        return smtp_reply.RECIPIENT_OK

    async def _data(self, argument: str) -> bytes:
        transaction, client = self._transaction, self._client
        if argument:
            return smtp_reply.BAD_ARGUMENT
        if transaction is None or client is None:
            return smtp_reply.OUT_OF_ORDER
        if not transaction.recipients:
            return smtp_reply.NO_RECIPIENTS
        self._transaction = None
        self._connection.reply(smtp_reply.GO_ON)
        content = Content(self._door.size_limit, self._counters, self._door.held_octets)
        try:
            if not await self._connection.content(content, self._door.deadlines.data):
                return b""
            start, recipients = transaction.start, tuple(transaction.recipients.values())
            reply = await self._delivery.of(content, client, start, recipients, self._name)
        finally:
            content.drop()
        if reply.startswith(b"2"):
            self._taken_at, self._errors = self._now(), 0
        return reply

    def _rset(self, argument: str) -> bytes:
        if argument:
            return smtp_reply.BAD_ARGUMENT
        self._transaction = None
        return smtp_reply.OK

    async def _starttls(self, argument: str) -> bytes:
        if self._door.tls is None:
            return smtp_reply.NOT_HERE
        if argument:
            return smtp_reply.BAD_ARGUMENT
        if self._connection.tls:
            return smtp_reply.OUT_OF_ORDER
        self._connection.reply(smtp_reply.READY_FOR_TLS)
        if await self._connection.start_tls(self._door.tls, self._door.deadlines.tls, early=False):
            self._greeted, self._transaction, self._logged_in = False, None, False
            self._client = self._neighbour
        return b""

    async def _auth(self, argument: str) -> bytes:
        if not self._greeted or self._logged_in or self._transaction is not None:
            return smtp_reply.OUT_OF_ORDER
        if not self._secret:
            return smtp_reply.TLS_NEEDED
        if not argument:
            return smtp_reply.BAD_ARGUMENT
        seconds = self._door.deadlines.login
        given = await exchange(self._connection, argument, seconds)
        if given is None:
            return b""
        if given != smtp_reply.WRONG_LOGIN and isinstance(given, bytes):
            return given
        self._connection.hand_out()
        client = None if isinstance(given, bytes) else await asyncio.create_task(self._known(*given, seconds))
        if isinstance(client, bytes):
            return client
        return self._wrong() if client is None else self._let_in(client)

    async def _known(self, name: str, secret: str, seconds: float) -> Client | bytes | None:
        if not (name and secret):
            return None
        try:
            async with asyncio.timeout(seconds):
                return await self._doorkeeper.login(name, secret, self._caller)
        except (Unavailable, TimeoutError):
            return smtp_reply.LOGIN_NOT_NOW
        except Exception as fault:  # noqa: BLE001 — whatever is unknown here is temporary, and said to nobody
            _log.error("login_failed", session=self._name, fault=type(fault).__name__)
            return smtp_reply.LOGIN_NOT_NOW

    def _wrong(self) -> bytes:
        self._counters.refused["login"] += 1
        self._failed_logins += 1
        if self._failed_logins >= _MOST_FAILED_LOGINS:
            return smtp_reply.TOO_MANY_ERRORS
        return smtp_reply.WRONG_LOGIN

    def _let_in(self, client: Client) -> bytes:
        self._client, self._logged_in = client, True
        return smtp_reply.LOGGED_IN

    def _quit(self, _argument: str) -> bytes:
        return smtp_reply.BYE

    @property
    def _secret(self) -> bool:
        """Whether a secret may be said here: nobody else hears it."""
        return self._connection.tls or self._here

    _verbs: ClassVar[Mapping[str, Obey]] = {
        "EHLO": _ehlo,
        "HELO": _helo,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _rset,
        "NOOP": _always(smtp_reply.OK),
        "QUIT": _quit,
        "VRFY": _always(smtp_reply.PERHAPS),
        "EXPN": _always(smtp_reply.NOT_HERE),
        "HELP": _always(smtp_reply.HELP),
        "STARTTLS": _starttls,
        "AUTH": _auth,
    }
