"""The relay's clients: passwords checked against argon2id hashes (RFC 9106), neighbours known by their address."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, Protocol

from penstock.errors import ConfigError, Unavailable
from penstock.intake.login_failures import LoginFailures
from penstock.model.campaign import Stream
from penstock.observe.log import get_logger
from penstock.ports.intake import Client

__all__ = ["CredentialTerms", "Credentials", "DoorTerms", "HashSource", "caller_key", "password_hash"]

_TIME_COST, _MEMORY_KIB, _LANES = 2, 19_456, 1
_SALT_OCTETS, _HASH_OCTETS, _KEY_OCTETS = 16, 32, 32
_CHECKED_AT_ONCE = 2
_MOST_WAITING = 64
_MOST_WAITING_OF_ONE = 8
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 5.0
_SITE_BITS = 64
"""Of an IPv6 address: what follows is one customer's own to change."""

_log = get_logger("intake.credentials")

Dsn = Literal["asked", "always", "never"]


class HashSource(Protocol):
    """Where a hash stands. `reveal` raises ConfigError where it does not."""

    def reveal(self) -> str: ...  # noqa: D102


class CredentialTerms(Protocol):
    """`[[relay.credentials]]` as the config has it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def password_hash(self) -> HashSource: ...  # noqa: D102
    @property
    def streams(self) -> tuple[Stream, ...]: ...  # noqa: D102
    @property
    def controllers(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unknown_contact(self) -> Literal["hold", "refuse"]: ...  # noqa: D102
    @property
    def detail(self) -> Literal["code", "bland"]: ...  # noqa: D102
    @property
    def verdicts(self) -> Literal["later", "at_once"]: ...  # noqa: D102
    @property
    def campaign(self) -> str: ...  # noqa: D102
    @property
    def dsn(self) -> Dsn: ...  # noqa: D102


class DoorTerms(Protocol):
    """Who may hand in, as `[relay]` says it."""

    @property
    def networks(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def streams(self) -> tuple[Stream, ...]: ...  # noqa: D102
    @property
    def dsn(self) -> Dsn: ...  # noqa: D102
    @property
    def credentials(self) -> Sequence[CredentialTerms]: ...  # noqa: D102


class Credentials:
    """The doorkeeper (`penstock.ports.intake.Doorkeeper`) of the config's credentials and networks.

    A check costs tens of milliseconds and 19 MiB, so two run at once, in threads. Who logged in once is known by a
    keyed hash of name and secret and waits for nothing again, whatever others try; the key is random and lives as long
    as this object. An unknown name costs what a wrong password does.
    """

    def __init__(
        self, terms: DoorTerms, *, random_bytes: Callable[[int], bytes] = os.urandom,
        first_delay: float = _FIRST_DELAY, longest_delay: float = _LONGEST_DELAY,
    ) -> None:  # fmt: skip
        """Raises ConfigError for a hash that is missing or no argon2id hash, and for two credentials of one name."""
        networks = tuple(ip_network(each) for each in terms.networks)
        # Each connection asks, and most come from the same few.
        self._is_near: Callable[[str], bool] = lru_cache(maxsize=1_024)(lambda caller: _within(caller, networks))
        self._neighbour = Client("", frozenset(terms.streams), dsn=terms.dsn)
        self._clients = {each.name: _client(each) for each in terms.credentials}
        if len(self._clients) < len(terms.credentials):
            raise ConfigError("two credentials have one name", where="relay.credentials")
        self._hashes = {each.name: _hash(each) for each in terms.credentials}
        self._names = sorted(self._clients, key=len, reverse=True)
        self._key = random_bytes(_KEY_OCTETS)
        self._decoys = [_decoy(each, random_bytes) for each in self._hashes.values() or [""]]
        self._failures = LoginFailures(first=first_delay, most=longest_delay)
        self._known: dict[bytes, Client] = {}
        self._running: dict[bytes, asyncio.Task[Client | None]] = {}
        self._waiting: Counter[bytes] = Counter()
        self._turns = asyncio.Semaphore(_CHECKED_AT_ONCE)

    async def login(self, name: str, secret: str, caller: str, /) -> Client | None:
        """The client of these credentials; None for wrong ones. Raises Unavailable where too many wait to be checked.

        Equal tries are checked once.
        """
        mark = self._digest(name, secret)
        known = self._known.get(mark)
        if known is not None:
            return known
        running = self._running.get(mark)
        if running is None:
            running = self._running[mark] = asyncio.create_task(self._check(name, secret, caller, mark))
            running.add_done_callback(lambda done: self._over(mark, done))
        return await asyncio.shield(running)

    async def bearer(self, key: str, caller: str, /) -> Client | None:
        """The client of `NAME.SECRET`; of names that begin with one another the longest counts."""
        name = next((each for each in self._names if key.startswith(f"{each}.")), key.partition(".")[0])
        return await self.login(name, key[len(name) + 1 :], caller)

    def neighbour(self, caller: str, /) -> Client | None:
        """The client that this address is without a login; None outside `[relay] networks`."""
        return self._neighbour if self._is_near(caller) else None

    async def _check(self, name: str, secret: str, caller: str, mark: bytes) -> Client | None:
        place, loop = self._digest("", caller_key(caller)), asyncio.get_running_loop()
        keys = (place, self._digest(name))
        with self._place_in_line(place) as ahead:
            if delay := self._failures.delay(keys, loop.time(), ahead):
                await asyncio.sleep(delay)
            async with self._turns:
                right = await asyncio.to_thread(self._verified, name, secret)
            client = self._clients.get(name) if right else None
            if client is None:
                self._failures.note(keys, loop.time())
                _log.warning("login_failed", known_name=name in self._clients)
                return None
            self._known[mark] = client
            return client

    @contextmanager
    def _place_in_line(self, place: bytes) -> Iterator[int]:
        """How many of the same caller are before."""
        ahead = self._waiting[place]
        if ahead >= _MOST_WAITING_OF_ONE or self._waiting.total() >= _MOST_WAITING:
            raise Unavailable("too many logins wait to be checked")
        self._waiting[place] += 1
        try:
            yield ahead
        finally:
            self._waiting[place] -= 1
            if not self._waiting[place]:
                del self._waiting[place]

    def _verified(self, name: str, secret: str) -> bool:
        """In a thread: argon2 gives the interpreter free."""
        from argon2 import PasswordHasher
        from argon2.exceptions import VerificationError, VerifyMismatchError

        expected = self._hashes.get(name) or self._decoys[self._digest(name)[0] % len(self._decoys)]
        try:
            return PasswordHasher().verify(expected, secret.encode("utf-8", "surrogatepass"))
        except VerifyMismatchError:
            return False
        except VerificationError as fault:  # no memory, say: nothing is proved either way
            raise Unavailable("a password could not be checked") from fault

    def _over(self, mark: bytes, done: asyncio.Task[Client | None]) -> None:
        del self._running[mark]
        if not done.cancelled():
            done.exception()  # whoever asked may have left: then nobody else would fetch it

    def _digest(self, *words: str) -> bytes:
        """By which a try is remembered. The lengths stand between, so that no two tries are written alike."""
        octets = [word.encode("utf-8", "surrogatepass") for word in words]
        told = b"".join(len(each).to_bytes(8, "big") + each for each in octets)
        return hmac.digest(self._key, told, hashlib.sha256)


def password_hash(secret: str) -> str:
    """The argon2id hash of a secret for `password_hash`; with a new salt each time."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(_TIME_COST, _MEMORY_KIB, _LANES, hash_len=_HASH_OCTETS, salt_len=_SALT_OCTETS)
    return hasher.hash(secret)


def caller_key(caller: str) -> str:
    """What stands for a caller where callers are counted: its address, of IPv6 the /64."""
    match _address(caller):
        case IPv6Address() as address:
            return f"{int(address) >> (128 - _SITE_BITS):x}::/{_SITE_BITS}"
        case None:
            return ""
        case address:
            return str(address)


def _address(caller: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(caller.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _within(caller: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = _address(caller)
    return address is not None and any(address in network for network in networks)


def _client(terms: CredentialTerms) -> Client:
    return Client(
        terms.name, frozenset(terms.streams), frozenset(terms.controllers), terms.unknown_contact, terms.detail,
        terms.verdicts, terms.campaign, terms.dsn,
    )  # fmt: skip


def _hash(terms: CredentialTerms) -> str:
    from argon2 import Type, extract_parameters
    from argon2.exceptions import InvalidHashError

    found = terms.password_hash.reveal()
    try:
        kind = extract_parameters(found).type
    except InvalidHashError:
        kind = None
    if kind is not Type.ID:
        where = f"relay.credentials.{terms.name}.password_hash"
        raise ConfigError("is no argon2id hash", where=where, mend="penstock password makes one")
    return found


def _decoy(like: str, random_bytes: Callable[[int], bytes]) -> str:
    """A hash of nothing, as costly to check as this one."""
    cost = like.split("$")[3] if like else f"m={_MEMORY_KIB},t={_TIME_COST},p={_LANES}"
    salt, digest = (base64.b64encode(random_bytes(size)).decode().rstrip("=") for size in (_SALT_OCTETS, _HASH_OCTETS))
    return f"$argon2id$v=19${cost}${salt}${digest}"
