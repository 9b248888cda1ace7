"""The doors by which other programs hand in mail, in one process: one acceptance behind all of them."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.config.relay_section import RelaySettings
from penstock.config.senders import sender_of
from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.model.window import parse_window
from penstock.observe.counted_acceptance import CountedAcceptance
from penstock.observe.metrics import Tallies
from penstock.relay.doors import Door, listening_socket
from penstock.web.listener import serve
from penstock.wiring import House

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from penstock.intake.smtp_listener import SmtpListener
    from penstock.intake.smtp_quota import ConnectionQuota
    from penstock.ports.intake import Acceptance, Client, Doorkeeper

__all__ = ["RelayIntake"]

_LOOK_SECONDS = 1.0


class RelayIntake:
    """The SMTP and HTTP doors on an open house."""

    def __init__(self, house: House, tallies: Tallies) -> None:
        self._house = house
        self._relay = house.settings.relay
        self._tallies = tallies
        self._smtp: list[SmtpListener] = []
        self._quota: ConnectionQuota | None = None

    async def run(
        self, doors: Sequence[Door], health: Sequence[BaseRoute], stop: asyncio.Event, opened: Callable[[Door], None]
    ) -> None:
        """Take mail in until `stop` is set, then end what is being taken in within the grace of the config.

        Raises ConfigError for an address, a certificate or a campaign file that cannot be used, and Unavailable.
        """
        from penstock.acceptance.accepting import Accepting
        from penstock.intake.credentials import Credentials

        acceptance, doorkeeper = Accepting(self._house), Credentials(self._relay)
        await acceptance.open()
        counting = asyncio.create_task(self._count(acceptance.counts))
        try:
            for door in doors:
                if door.kind != "http":
                    await self._open_smtp(door, acceptance, doorkeeper)
                    opened(door)
            http = [
                self._http(each, acceptance, doorkeeper, health, stop, opened) for each in doors if each.kind == "http"
            ]
            await asyncio.gather(stop.wait(), *http)
        finally:
            stop.set()
            await asyncio.gather(*(each.aclose(float(self._relay.grace_seconds)) for each in self._smtp))
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)
            self._tell(acceptance.counts)

    async def _open_smtp(self, door: Door, acceptance: Acceptance, doorkeeper: Doorkeeper) -> None:
        from penstock.intake.smtp_door import SmtpDoor
        from penstock.intake.smtp_listener import SmtpListener
        from penstock.intake.smtp_quota import ConnectionQuota

        relay = self._relay
        settings = SmtpDoor(
            name=relay.name or urlsplit(self._house.settings.web.base_url).hostname or "localhost",
            size_limit=relay.size_limit,
            recipient_limit=relay.recipient_limit,
            connections=relay.connections,
            connections_per_client=relay.connections_per_client,
            proxy_networks=relay.proxy_networks,
            long_lines=relay.long_lines,
            tls=_tls(relay, self._house.settings.path, needed=door.kind == "smtps"),
            implicit_tls=door.kind == "smtps",
        )
        self._quota = self._quota or ConnectionQuota(relay.connections, relay.connections_per_client)
        counted = CountedAcceptance(acceptance, self._tallies, door.kind)
        listener = SmtpListener(counted, doorkeeper, settings, _session_ids(), quota=self._quota)
        self._smtp.append(listener)
        await listener.open_on(listening_socket(door))

    async def _http(
        self,
        door: Door,
        acceptance: Acceptance,
        doorkeeper: Doorkeeper,
        health: Sequence[BaseRoute],
        stop: asyncio.Event,
        opened: Callable[[Door], None],
    ) -> None:
        from penstock.intake.compat_door import CompatRules, compat_routes
        from penstock.intake.http_door import HttpRules, http_routes

        web = self._house.settings.web
        rules = HttpRules(
            self._relay.size_limit, parse_window(self._relay.look_ups), trusts_proxies=bool(web.trusted_proxies)
        )
        clock, settings = self._house.clock, self._house.settings
        compat = CompatRules(self._relay.size_limit, clock.now, partial(_knows_domain, settings))
        counted = CountedAcceptance(acceptance, self._tallies, "http")
        await serve(
            [*http_routes(counted, doorkeeper, rules), *compat_routes(counted, doorkeeper, compat), *health],
            f"{door.host}:{door.port}",
            stop,
            trusted_proxies=web.trusted_proxies,
            ready=lambda _url: opened(door),
            given=listening_socket(door),
            answered=lambda route, method, status: self._tallies.answered("http", route, method, status),
            grace=self._relay.grace_seconds,
        )

    async def _count(self, accepted: Mapping[str, int]) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._tell(accepted)

    def _tell(self, accepted: Mapping[str, int]) -> None:
        self._tallies.advertising(accepted.get("advertising_on_transactional", 0))
        self._tallies.accepting_faults(accepted.get("faults", 0))
        counters = [each.counters for each in self._smtp]
        counted = {
            "sessions": sum(each.sessions for each in counters),
            "tls_faults": sum(each.tls_faults for each in counters),
            "overdue": sum(each.overdue for each in counters),
        }
        for kind in {kind for each in counters for kind in each.refused}:
            counted[f"refused_{kind}"] = sum(each.refused[kind] for each in counters)
        self._tallies.sessions(sum(each.open_sessions for each in counters), counted)


def _knows_domain(settings: Settings, client: Client, domain: str) -> bool:
    """Whether a `[[sender]]` of this client's controllers has the domain; without any, every domain is known."""
    sender = sender_of(settings, f"x@{domain}")
    if sender is None:
        return not settings.sender
    return not (client.controllers and sender.controllers) or not client.controllers.isdisjoint(sender.controllers)


def _session_ids() -> Callable[[], str]:
    """Names for the log: in order within a process, and unlike those of any other."""
    start, numbers = secrets.token_hex(4), itertools.count(1)
    return lambda: f"{start}{next(numbers):08x}"


def _tls(relay: RelaySettings, path: Callable[[str], object], *, needed: bool) -> ssl.SSLContext | None:
    """The certificate of the SMTP doors; None where there is none. Raises ConfigError."""
    if not relay.tls_certificate:
        if needed:
            raise ConfigError("needs a certificate", where="relay.smtps", mend="set relay.tls_certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        key = str(path(relay.tls_key)) if relay.tls_key else None
        context.load_cert_chain(str(path(relay.tls_certificate)), key)
    except (OSError, ssl.SSLError) as fault:
        what = "the certificate and its key cannot be used"
        raise ConfigError(what, where="relay.tls_certificate", mend=type(fault).__name__) from None
    return context
