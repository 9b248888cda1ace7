"""How many connections there are, in all and of each client."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

__all__ = ["ConnectionQuota", "client_key"]


@lru_cache(maxsize=1_024)
def client_key(address: str) -> str:
    """What a client counts by: an IPv4 address, mapped or not; of an IPv6 address its /64."""
    if ":" not in address:
        return address
    seen = IPv6Address(address.partition("%")[0])
    if seen.ipv4_mapped is not None:
        return str(seen.ipv4_mapped)
    return (seen.packed[:8]).hex()


class ConnectionQuota:
    """At most so many at once, shared by the doors of a process."""

    def __init__(self, connections: int, per_client: int) -> None:
        self._free = connections
        self._per_client = per_client
        self._of: dict[str, int] = {}

    def take(self) -> bool:
        """One of all connections; whoever gets it gives it back."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """One connection is over."""
        self._free += 1

    def take_of(self, key: str) -> bool:
        """One of this client's connections."""
        used = self._of.get(key, 0)
        if used >= self._per_client:
            return False
        self._of[key] = used + 1
        return True

    def give_back_of(self, key: str) -> None:
        """One of this client's connections is over."""
        left = self._of[key] - 1
        if left:
            self._of[key] = left
        else:
            del self._of[key]
