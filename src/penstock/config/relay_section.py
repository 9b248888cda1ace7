"""`[relay]`: the doors by which other programs hand in mail, and who may."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.config.secret_text import SecretValue
from penstock.config.sections import AtLeastOne, Filled, Listen, Name, Network, Rate, Section
from penstock.model.campaign import Stream

__all__ = ["CredentialSettings", "RelaySettings"]

Dsn = Literal["asked", "always", "never"]


class CredentialSettings(Section):
    """`[[relay.credentials]]`: one client of the relay. `campaign` is what its advertising belongs to by default."""

    name: Name
    password_hash: SecretValue
    streams: tuple[Stream, ...] = ()
    controllers: tuple[str, ...] = ()
    unknown_contact: Literal["hold", "refuse"] = "hold"
    detail: Literal["code", "bland"] = "code"
    verdicts: Literal["later", "at_once"] = "later"
    campaign: str = ""
    dsn: Dsn = "asked"


class RelaySettings(Section):
    """`[relay]`: where the doors are, what they take, and how many processes there are.

    Sizes are octets. `name` is what the SMTP door calls itself, by default the host of `[web] base_url`. `smtps` are
    doors with TLS from the first octet.
    """

    smtp: tuple[Listen, ...] = ("127.0.0.1:2525",)
    smtps: tuple[Listen, ...] = ()
    http: Listen = "127.0.0.1:8081"
    name: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    networks: tuple[Network, ...] = ("127.0.0.0/8",)
    streams: tuple[Stream, ...] = (Stream.TRANSACTIONAL,)
    proxy_networks: tuple[Network, ...] = ()
    campaigns: tuple[Filled, ...] = ()
    size_limit: AtLeastOne = 26_214_400
    recipient_limit: AtLeastOne = 100
    connections: AtLeastOne = 1_000
    connections_per_client: AtLeastOne = 50
    long_lines: Literal["refuse", "encode"] = "refuse"
    dsn: Dsn = "asked"
    expire_hours: AtLeastOne = 120
    keep_days: AtLeastOne = 7
    hold_days: AtLeastOne = 30
    look_ups: Rate = "60/min"
    listeners: AtLeastOne = 1
    workers: AtLeastOne = 1
    grace_seconds: AtLeastOne = 30
    credentials: tuple[CredentialSettings, ...] = Field(default=())
