"""What an SMTP door takes and how long it waits, and what it counts."""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass
from typing import Literal

__all__ = ["Deadlines", "SmtpCounters", "SmtpDoor"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. Each runs from the beginning of its state; octets that trickle in do not move it.

    `command`: for a whole command line, from the reply before it. `data`: for a whole message (RFC 5321 section
    4.5.3.2 lets clients wait that long). `session`: without a message that was taken. `tls` for a handshake, `login`
    for a whole AUTH, `proxy` for the header of a load balancer, `closing` for a last reply to be fetched.
    """

    command: float = 300.0
    data: float = 600.0
    session: float = 3_600.0
    tls: float = 30.0
    login: float = 60.0
    proxy: float = 10.0
    closing: float = 10.0

    @property
    def shortest(self) -> float:
        """By which it is decided how often to look."""
        return min(self.command, self.data, self.session, self.login, self.proxy, self.closing)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpDoor:
    """Settings of one door; sizes are octets.

    `name` is what the door calls itself. `connections_per_client` counts an IPv6 client by its /64. From
    `proxy_networks` (CIDR) a PROXY header is expected. `held_octets` bounds what all sessions together hold of messages
    that have no answer yet: beyond it a message is refused for now.
    """

    name: str
    size_limit: int = 26_214_400
    recipient_limit: int = 100
    connections: int = 1_000
    connections_per_client: int = 50
    proxy_networks: tuple[str, ...] = ()
    long_lines: Literal["refuse", "encode"] = "refuse"
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    held_octets: int = 536_870_912
    deadlines: Deadlines = Deadlines()


class SmtpCounters:
    """What a door has seen since it opened; read by whoever shows metrics.

    `sessions` opened so far, `open_sessions` now, `accepted` messages. `refused` by kind: the kinds of a refusal
    (`penstock.ports.RefusalKind`), and the door's own: connections, login, no_login, size, syntax (a message that
    breaks RFC 5321 or 5322), recipients, room, errors, faults (ours). `overdue` sessions missed a deadline.
    """

    def __init__(self) -> None:
        self.sessions = 0
        self.open_sessions = 0
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.tls_faults = 0
        self.overdue = 0
        self.held_octets = 0
        """Of messages that have no answer yet."""
