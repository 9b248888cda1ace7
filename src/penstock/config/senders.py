"""Which `[[sender]]` answers for a From address, and what it forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.model.address import a_label
from penstock.model.campaign import Stream
from penstock.model.route import names_in, parse_route
from penstock.model.routing import ways_of

if TYPE_CHECKING:
    from penstock.config.sender_section import SenderSettings
    from penstock.config.settings import Settings

__all__ = ["sender_fault", "sender_of"]


def sender_of(settings: Settings, from_address: str) -> SenderSettings | None:
    """The sender whose domain is, or is closest above, the domain of this address."""
    domain = a_label(from_address.rpartition("@")[2].strip(" >").casefold())
    found = [each for each in settings.sender if domain == each.domain or domain.endswith(f".{each.domain}")]
    return max(found, key=lambda each: len(each.domain), default=None)


def sender_fault(settings: Settings, from_address: str, controller: str, stream: Stream) -> tuple[str, str] | None:
    """What stands against this From for this controller (id) and stream, and how to mend it; None where nothing does.

    Without any `[[sender]]` every From is taken.
    """
    if not settings.sender:
        return None
    allowed = [each.domain for each in settings.sender if not each.controllers or controller in each.controllers]
    sender = sender_of(settings, from_address)
    if sender is None or sender.domain not in allowed:
        mend = f"use one of {', '.join(allowed)}" if allowed else "no [[sender]] is meant for this controller"
        return "the domain of From is in no [[sender]]", mend
    routes = ways_of(stream, sender.domain, settings.routes_by_stream(), settings.route_rules())
    for adapter in dict.fromkeys(name for route in routes for name in names_in(parse_route(route))):
        if sender.adapters and adapter not in sender.adapters:
            mend = f"route the stream {stream} by {' or '.join(sender.adapters)}"
            return f"mail from {sender.domain} may not leave by the adapter {adapter}", mend
    return None
