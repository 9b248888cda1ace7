"""How often somebody asked for opt-out links that do not exist."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

__all__ = ["Misses"]

_MOST = 60
_PERIOD_SECONDS = 60.0
_NETWORKS = 4_096
_PREFIX = {4: 24, 6: 64}
"""Addresses that mostly belong to one caller."""


class Misses:
    """Counts by the caller's network, in memory of a fixed bound; genuine links are never counted."""

    def __init__(self, most: int = _MOST, period: float = _PERIOD_SECONDS, networks: int = _NETWORKS) -> None:
        self._most = most
        self._period = period
        self._networks = networks
        self._seen: dict[str, tuple[float, int]] = {}

    def too_many(self, caller: str, now: float) -> bool:
        """Count a miss of this address at `now` (seconds, any origin); whether it has had its share of the period."""
        key = _network(caller)
        since, number = self._seen.pop(key, (now, 0))
        if not 0 <= now - since < self._period:
            since, number = now, 0
        if len(self._seen) >= self._networks:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = since, number + 1
        return number >= self._most


def _network(caller: str) -> str:
    try:
        address = ip_address(caller)
    except ValueError:
        return ""  # a proxy's own words, or no address at all
    return str(ip_network((address, _PREFIX[address.version]), strict=False))
