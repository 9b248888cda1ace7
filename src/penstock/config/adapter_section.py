"""`[adapters.NAME]` as types: a way out, and how its ESP calls back."""

from __future__ import annotations

from penstock.config.secret_text import SecretText, SecretValue
from penstock.config.sections import Country, Domain, Filled, Network, Rate, Section
from penstock.model.campaign import Stream

__all__ = ["AdapterSettings", "RouteSettings", "WebhookSettings"]


class RouteSettings(Section):
    """`[[route]]`: a rule that wins over `[routes]`; all that is given must fit."""

    to: Filled
    stream: Stream | None = None
    sender: Domain = ""
    countries: tuple[Country, ...] = ()
    tag: str = ""


class WebhookSettings(Section):
    """`[adapters.NAME.webhook]`: how its ESP calls back. `key` proves signatures; the rest says who may call at all."""

    key: SecretValue = SecretText()
    path: SecretValue = SecretText()
    login: SecretValue = SecretText()
    bearer: SecretValue = SecretText()
    networks: tuple[Network, ...] = ()
    topics: tuple[Filled, ...] = ()


class AdapterSettings(Section):
    """`[adapters.NAME]`: a way out. `rate` limits apply together."""

    url: Filled
    password: SecretValue = SecretText()
    api_key: SecretValue = SecretText()
    endpoint: str = ""
    rate: tuple[Rate, ...] = ()
    aup_exception: str = ""
    webhook: WebhookSettings | None = None
