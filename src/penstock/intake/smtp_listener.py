"""The SMTP door: listens, and gives each connection its session."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from penstock.intake import smtp_reply
from penstock.intake.proxy_protocol import ProxyHeader, proxy_header
from penstock.intake.smtp_connection import Connection
from penstock.intake.smtp_delivery import SmtpDelivery
from penstock.intake.smtp_door import SmtpCounters, SmtpDoor
from penstock.intake.smtp_quota import ConnectionQuota, client_key
from penstock.intake.smtp_session import Session
from penstock.observe.log import get_logger
from penstock.ports import Acceptance, Doorkeeper

__all__ = ["SmtpListener"]

_BACKLOG = 1_024
_log = get_logger("intake")


class SmtpListener:
    """Takes mails by SMTP (RFC 5321) on any number of addresses.

    `new_session_id` names sessions in the log. Doors of one process may share `quota` and `counters`. `acceptance` is
    asked outside of any task (`Steps`): where it needs one, it makes one.
    """

    def __init__(
        self,
        acceptance: Acceptance,
        doorkeeper: Doorkeeper,
        door: SmtpDoor,
        new_session_id: Callable[[], str],
        *,
        quota: ConnectionQuota | None = None,
        counters: SmtpCounters | None = None,
    ) -> None:
        self.counters = SmtpCounters() if counters is None else counters
        self._quota = ConnectionQuota(door.connections, door.connections_per_client) if quota is None else quota
        self._doorkeeper = doorkeeper
        self._door = door
        self._new_session_id = new_session_id
        self._delivery = SmtpDelivery(acceptance, door, self.counters)
        self._balancers = [ip_network(each, strict=False) for each in door.proxy_networks]
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    async def open(self, host: str, port: int, *, reuse_port: bool = False) -> tuple[str, int]:
        """Listen there; answers the actual address (port 0: any free one). Raises OSError."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, host, port, backlog=_BACKLOG, reuse_port=reuse_port or None)
        return self._opened(server)

    async def open_on(self, listening: socket.socket) -> tuple[str, int]:
        """Listen on a socket that somebody else has bound, as systemd does."""
        loop = asyncio.get_running_loop()
        return self._opened(await loop.create_server(self._connection, sock=listening, backlog=_BACKLOG))

    async def aclose(self, grace: float) -> None:
        """Take no new connection, say 421 to those that wait, and let the others finish what they have begun.

        What is not finished within `grace` seconds loses its connection; a message that is with the acceptance then is
        not taken back.
        """
        for server in self._servers:
            server.close()
        for connection in [*self._connections]:
            connection.retire()
        try:
            async with asyncio.timeout(grace):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            _log.warning("smtp_sessions_cut", sessions=len(self._connections))
            for connection in [*self._connections]:
                connection.abort()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _opened(self, server: asyncio.Server) -> tuple[str, int]:
        self._servers.append(server)
        name = server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    def _connection(self) -> Connection:
        connection = Connection(self._serve, self._gone, self.counters, closing=self._door.deadlines.closing)
        self._connections.add(connection)
        self.counters.sessions += 1
        self.counters.open_sessions += 1
        if self._watch is None:
            self._look_later()
        return connection

    def _gone(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self.counters.open_sessions -= 1
            if not self._connections:
                self._empty.set()

    async def _serve(self, connection: Connection) -> None:
        if not self._quota.take():
            self._turn_away(connection)
            return
        try:
            await self._admitted(connection)
        except Exception as fault:  # noqa: BLE001 — a fault of ours ends one session, and is said to nobody
            _log.error("smtp_session_failed", fault=type(fault).__name__)
            connection.close(smtp_reply.NO_SERVICE)
        finally:
            self._quota.give_back()

    async def _admitted(self, connection: Connection) -> None:
        told = await self._told_by_balancer(connection)
        if told is None:
            connection.close(smtp_reply.NO_SERVICE)
            return
        caller = told.address or connection.peer
        key = client_key(caller)
        if not self._quota.take_of(key):
            self._turn_away(connection)
            return
        try:
            if await self._secured(connection):
                await self._session(connection, caller, trusted=bool(told.length == 0 or told.address)).run()
        finally:
            self._quota.give_back_of(key)

    async def _secured(self, connection: Connection) -> bool:
        if not self._door.implicit_tls:
            return True
        assert self._door.tls is not None, "a door with TLS from the first octet has a certificate"
        return await connection.start_tls(self._door.tls, self._door.deadlines.tls, early=True)

    async def _told_by_balancer(self, connection: Connection) -> ProxyHeader | None:
        """Who calls, where a load balancer has to say so; nobody else's word is taken. None: it does not."""
        if not self._balancers or not self._is_balancer(connection.peer):
            return ProxyHeader(0, "")
        until = asyncio.get_running_loop().time() + self._door.deadlines.proxy
        known = 0
        while (octets := await connection.octets(known, until)) is not None:
            match proxy_header(octets):
                case ProxyHeader() as told:
                    connection.skip(told.length)
                    return told
                case "fault":
                    return None
                case _:
                    known = len(octets)
        return None

    def _is_balancer(self, peer: str) -> bool:
        address: IPv4Address | IPv6Address = ip_address(peer.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._balancers)

    def _session(self, connection: Connection, caller: str, *, trusted: bool) -> Session:
        return Session(
            connection,
            caller,
            trusted=trusted,
            door=self._door,
            delivery=self._delivery,
            doorkeeper=self._doorkeeper,
            counters=self.counters,
            name=self._new_session_id(),
        )

    def _turn_away(self, connection: Connection) -> None:
        self.counters.refused["connections"] += 1
        connection.close(smtp_reply.TOO_MANY_CONNECTIONS)

    def _look_later(self) -> None:
        seconds = min(1.0, self._door.deadlines.shortest / 4)
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """End what is overdue. One look at all costs less than a timer for each state of each session."""
        now = asyncio.get_running_loop().time()
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.overdue()
        self._watch = None
        if self._connections:
            self._look_later()
