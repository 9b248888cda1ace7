"""The door by which one ESP calls: who may knock, what proves the call, and keeping it before it is answered."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address

from penstock.errors import Unavailable, WebhookRejected
from penstock.observe.log import get_logger
from penstock.ports import Clock, Kept, Returns, WebhookCall, WebhookCodec

__all__ = ["DoorRules", "WebhookDoor"]

_log = get_logger("inbound.webhook_door")

_TAKEN, _NOT_LOGGED_IN, _REFUSED, _NO_SUCH_DOOR = 200, 401, 403, 404
_LATER = 429
"""While the store is away: the one status after which every ESP calls again. Brevo gives an event up after any 5xx."""


@dataclass(frozen=True, slots=True)
class DoorRules:
    """Who may call at all, before any signature is looked at. What is empty is not asked for.

    `login` is `user:password` for HTTP Basic (RFC 7617), `bearer` a token (RFC 6750); either of the two is enough.
    """

    path: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


class WebhookDoor:
    """Answers a call with a bare status. What is genuine is kept first and read later."""

    def __init__(
        self, adapter: str, codec: WebhookCodec, rules: DoorRules, returns: Returns, clock: Clock, *,
        wake: Callable[[], None], visit: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`wake` tells the reader that there is something new; `visit` fetches an address by which an ESP asks whether
        this is the right door.
        """
        self.adapter = adapter
        self._codec = codec
        self._rules = rules
        self._returns = returns
        self._clock = clock
        self._wake = wake
        self._visit = visit

    async def let_in(self, path: str, caller: str, headers: Mapping[str, str]) -> int:
        """200 for who may call, asked before anything of the body is read; else the HTTP status to answer.

        `path` is what follows the adapter's name, `caller` the address it comes from, header names are in lower case.
        """
        status = self._let_in(path, caller, headers)
        if status != _TAKEN:
            with suppress(Unavailable):
                await self._returns.count(self.adapter, "refused")
        return status

    async def knock(self, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status for a call of somebody who was let in."""
        try:
            return await self._take(headers, body)
        except Unavailable as fault:
            _log.warning("webhook_put_off", adapter=self.adapter, fault=type(fault).__name__)
            return _LATER

    async def _take(self, headers: Mapping[str, str], body: bytes) -> int:
        try:
            genuine = await self._codec.verify(WebhookCall(headers, body, self._clock.now()))
        except WebhookRejected:
            return await self._refuse("not_genuine")
        except Unavailable:
            raise
        except Exception as fault:  # noqa: BLE001 — a codec that stumbles has proved nothing
            return await self._refuse(type(fault).__name__)
        kept = await self._returns.save(self.adapter, genuine.mark, body)
        if kept is Kept.OTHER:
            _log.warning("webhook_mark_used_twice", adapter=self.adapter)
            return self._codec.refused
        if kept is Kept.NEW:
            self._wake()
        if genuine.visit:
            self._visit(genuine.visit)
        return _TAKEN

    async def _refuse(self, why: str) -> int:
        _log.warning("webhook_refused", adapter=self.adapter, why=why)
        await self._returns.count(self.adapter, "refused")
        return self._codec.refused

    def _let_in(self, path: str, caller: str, headers: Mapping[str, str]) -> int:
        """200 for who may call. A wrong path looks like no door at all."""
        rules = self._rules
        if not _same(rules.path, path):
            return _NO_SUCH_DOOR
        if rules.networks and not _within(caller, rules.networks):
            return _REFUSED
        if not (rules.login or rules.bearer):
            return _TAKEN
        scheme, _, given = headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if rules.login and _same(rules.login, _decoded(given)):
                return _TAKEN
            case "bearer" if rules.bearer and _same(rules.bearer, given.strip()):
                return _TAKEN
        return _NOT_LOGGED_IN


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _within(caller: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        address = ip_address(caller.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
