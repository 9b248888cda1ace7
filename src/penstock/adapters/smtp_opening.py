"""From a server's address to an open, encrypted, logged-in session. aiosmtplib does it; then we take the transport."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from typing import TYPE_CHECKING, cast

from penstock.adapters.smtp_login import Credentials, LoginRefused, log_in
from penstock.adapters.smtp_session import Offers, Session
from penstock.adapters.smtp_transaction import Timeouts
from penstock.adapters.smtp_url import SmtpAddress, Tls
from penstock.errors import AdapterUnavailable

if TYPE_CHECKING:
    from aiosmtplib import SMTP

__all__ = ["Opener", "offers_of"]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)


class Opener:
    """Opens sessions to one server. `tls_context` None: the system's certificates, host names checked."""

    def __init__(
        self,
        address: SmtpAddress,
        credentials: Credentials | None,
        timeouts: Timeouts,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._timeouts = timeouts
        self._tls_context = tls_context

    async def open(self) -> Session:
        """A session that is ready for MAIL. Raises LoginRefused, and AdapterUnavailable for all else."""
        tokens = self._credentials.tokens if self._credentials else None
        if tokens is None or not tokens.cached:
            return await self._open()
        try:
            return await self._open()
        except LoginRefused:
            tokens.forget()  # it may have been revoked before its end: once more with a fresh one
            return await self._open()

    async def _open(self) -> Session:
        from aiosmtplib import SMTP

        address = self._address
        smtp = SMTP(
            hostname=address.host,
            port=address.port,
            local_hostname=address.helo or _own_name(),
            source_address=(address.source, 0) if address.source else None,
            timeout=self._timeouts.opening,
            use_tls=address.tls is Tls.IMPLICIT,
            start_tls=address.tls is Tls.STARTTLS,
            tls_context=await self._context(),
        )
        try:
            await self._negotiate(smtp)
            return _taken_over(smtp, address.place)
        except BaseException:
            smtp.close()
            raise

    async def _context(self) -> ssl.SSLContext | None:
        if self._tls_context is None and self._address.tls is not Tls.NONE:
            # Reading the system's certificates takes some 20 ms.
            self._tls_context = await asyncio.to_thread(ssl.create_default_context)
        return self._tls_context

    async def _negotiate(self, smtp: SMTP) -> None:
        from aiosmtplib import SMTPException, SMTPHeloError, SMTPResponseException, SMTPTimeoutError

        place = self._address.place
        try:
            await smtp.connect()
            try:
                await smtp.ehlo()
            except SMTPHeloError:
                await smtp.helo()
            if self._credentials is not None:
                await log_in(smtp, self._credentials, where=place)
        except AdapterUnavailable:
            raise
        except ssl.SSLCertVerificationError as fault:
            raise AdapterUnavailable(
                f"the server's certificate is not trusted: {fault.verify_message}", where=place
            ) from None
        except SMTPResponseException as fault:
            raise AdapterUnavailable(f"the server does not serve us ({fault.code})", where=place) from None
        except (SMTPTimeoutError, TimeoutError):
            raise AdapterUnavailable("the server does not answer in time", where=place) from None
        except (SMTPException, OSError, ValueError) as fault:
            raise AdapterUnavailable(_why_not(fault, smtp, self._address), where=place) from None


def _why_not(fault: Exception, smtp: SMTP, address: SmtpAddress) -> str:
    cause = fault.__cause__ if isinstance(fault.__cause__, OSError) else fault
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "encryption could not be agreed on"
    if address.tls is Tls.STARTTLS and not isinstance(fault, OSError) and not smtp.supports_extension("starttls"):
        return "the server does not offer STARTTLS"
    if isinstance(cause, OSError) and cause.strerror:
        return f"the server cannot be reached: {cause.strerror}"
    return "the connection broke before the first mail"


def _taken_over(smtp: SMTP, place: str) -> Session:
    transport = smtp.transport
    if transport is None or transport.is_closing():
        raise AdapterUnavailable("the connection broke before the first mail", where=place)
    session = Session(cast("asyncio.Transport", transport), offers_of(smtp.esmtp_extensions))
    transport.set_protocol(session)
    return session


def offers_of(extensions: dict[str, str]) -> Offers:
    """The extensions that matter to a transaction, from EHLO keywords in lower case with their parameters."""
    limit = extensions.get("size", "").strip()
    return Offers(
        pipelining="pipelining" in extensions,
        eight_bit="8bitmime" in extensions,
        smtputf8="smtputf8" in extensions,
        dsn="dsn" in extensions,
        sized="size" in extensions,
        size=int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 19 else 0,
    )


def _own_name() -> str:
    """Our name in EHLO: the machine's, without asking the DNS."""
    name = socket.gethostname()
    return name if _NAME.fullmatch(name) else "localhost"
