"""What a way out promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, Protocol

from penstock.errors import ConfigError
from penstock.model.mail import Mail
from penstock.model.outcome import Outcome
from penstock.ports.clock import Clock

__all__ = ["Adapter", "AdapterAddress", "Capabilities"]

_SIGNERS = ("ours", "esp", "off")
"""Whose signature a way out made of several waits for: the first that any of them has."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can carry."""

    max_batch: int = 50
    raw_message: bool = True
    smtputf8: bool | None = False
    """Takes addresses that are not ASCII (RFC 6531); None: it will be known once the other end was asked."""
    envelope_sender: bool = True
    """Takes MAIL FROM as given, so that bounces can come back to an address that names the mail (VERP)."""
    idempotent: bool = False
    """Delivering the identical mail again has no effect, so that a doubt may simply be tried again."""
    dkim: Literal["ours", "esp", "off"] = "ours"
    """Who signs its mail: we; the service, for the domains that it was told are ours; nobody (RFC 6376)."""
    dkim_headers: frozenset[str] | None = None
    """Lower-case names of the header fields that it passes on as they are, so that we may sign them; None: all."""

    permission: Literal["any", "consent"] = "any"
    """`consent`: its terms ask for consent or a customer relation for all commercial mail."""
    message_id: bool = True
    """Keeps our Message-ID; else its own replaces it, and what comes back names the mail in other ways."""
    date: bool = True
    """Keeps our Date."""
    null_sender: bool = True
    """Takes MAIL FROM:<>, which acknowledgements need (RFC 3834)."""
    lost_headers: frozenset[str] = frozenset()
    """Lower-case names of header fields that do not arrive."""
    retry: Literal["smtp", "esp"] = "smtp"
    """How soon it is asked again after it said "later": at the times of RFC 5321 section 4.5.4.1, or in minutes."""

    def shared(self, other: Capabilities) -> Capabilities:
        """What both can carry, for a way out that is made of both."""
        signed = [each for each in (self.dkim_headers, other.dkim_headers) if each is not None]
        return Capabilities(
            max_batch=min(self.max_batch, other.max_batch),
            raw_message=self.raw_message and other.raw_message,
            smtputf8=_both(self.smtputf8, other.smtputf8),
            envelope_sender=self.envelope_sender and other.envelope_sender,
            idempotent=self.idempotent and other.idempotent,
            dkim=min(self.dkim, other.dkim, key=_SIGNERS.index),
            dkim_headers=frozenset.intersection(*signed) if signed else None,
            permission="consent" if "consent" in {self.permission, other.permission} else "any",
            message_id=self.message_id and other.message_id,
            date=self.date and other.date,
            null_sender=self.null_sender and other.null_sender,
            lost_headers=self.lost_headers | other.lost_headers,
            retry="smtp" if "smtp" in {self.retry, other.retry} else "esp",
        )


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


class Adapter(Protocol):
    """Hands finished mails on. Never raises for one mail; `AdapterUnavailable` means that none was started."""

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """What it can carry, as far as it knows by now."""
        ...

    async def prepare(self) -> None:
        """Learn what only the other end can tell, such as its extensions; called before mails are judged.

        Cheap when there is nothing to learn or it is known. Raises AdapterUnavailable.
        """
        ...

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order."""
        ...

    async def aclose(self) -> None:
        """Give connections back."""
        ...


def _no_secret() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class AdapterAddress:
    """`[adapters.NAME]` as a plugin gets it: a callable under the entry-point group `penstock.adapters`, whose name is
    the scheme of `url`, makes the adapter of it. It raises ConfigError for what it cannot be made of.

    `place` is what stands between the scheme and the `?`, `options` what follows it. `api_key` and `password` read the
    secret, empty where none is configured. `endpoint` points to another address of the ESP, in tests to a fake.
    """

    name: str
    place: str
    clock: Clock
    options: Mapping[str, str] = field(default_factory=dict)
    api_key: Callable[[], str] = _no_secret
    password: Callable[[], str] = _no_secret
    endpoint: str = ""

    def key(self) -> str:
        """The api_key. Raises ConfigError where none is configured."""
        if secret := self.api_key():
            return secret
        raise ConfigError("no api_key is set", where=f"adapters.{self.name}.api_key", mend='use "env:NAME"')

    def option(self, name: str, words: Mapping[str, str]) -> str:
        """What an option means: the first of `words` (as written → meaning) where it is left out.

        Raises ConfigError for any other word.
        """
        written = self.options.get(name, next(iter(words)))
        if written not in words:
            raise ConfigError(f"{name}: expected {' or '.join(words)}", where=f"adapters.{self.name}.url")
        return words[written]

    def knows(self, *names: str) -> None:
        """Raises ConfigError for an option that is none of these."""
        for written in self.options:
            if written not in names:
                close = get_close_matches(written, names, n=1)
                known = f"known: {', '.join(names)}" if names else "there are none"
                mend = f"did you mean '{close[0]}'?" if close else known
                raise ConfigError("unknown option in the address", where=f"adapters.{self.name}.url", mend=mend)
