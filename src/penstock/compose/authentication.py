"""Whether a mail is authenticated by the domain in its From, as far as the config alone can tell.

Alignment in relaxed mode (RFC 9989): the domain that signs (`d=`), or that of MAIL FROM, and the domain of
From belong to one organisation.
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.compose.finding import Finding
from penstock.compose.headers import split_mailbox
from penstock.model.address import a_label
from penstock.model.campaign import Campaign
from penstock.model.route import names_in, parse_route
from penstock.ports import Capabilities, SenderDomain, Services

__all__ = ["authentication_findings", "misaligned"]

_PLAIN = Capabilities()


def misaligned(domain: str, adapter: str, services: Services) -> str | None:
    """Why a From of this domain is not authenticated when it leaves by this adapter; None where nothing says so.

    `adapter` is a name or a route of several (`failover(a b)`): then each of them is judged, and the first answers
    that is not aligned, for nobody knows by which one a mail will leave.
    Nothing can be said of a From that no `[[sender]]` answers for, nor where neither key nor return path is set and
    our signature would be wanted: then it is the way out that signs.
    """
    senders = services.senders
    sender = senders.of(domain)
    if sender is None:
        return None
    # MAIL FROM is written once for the whole route: all its adapters must take the return path.
    bounces = sender.return_path if services.capabilities.get(adapter, _PLAIN).envelope_sender else ""
    faults = (_fault(domain, sender, each, bounces, services) for each in _names(adapter))
    return next((fault for fault in faults if fault), None)


def _fault(domain: str, sender: SenderDomain, adapter: str, return_path: str, services: Services) -> str | None:
    """The same for one adapter by its name."""
    senders, can = services.senders, services.capabilities.get(adapter, _PLAIN)
    signs = _signs(sender, can, adapter, services, domain)
    bounces = return_path if can.envelope_sender else ""
    given = tuple(each for each in (sender.domain if signs else "", bounces) if each)
    if any(senders.same_organisation(domain, each) for each in given):
        return None
    if given:
        return f"From is of {domain}, but the mail is signed for or sent from {' and '.join(given)}"
    match can.dkim:
        case "esp":
            return f"nothing says that the adapter {adapter} signs for {domain}"
        case "off" if not can.envelope_sender:
            return f"the adapter {adapter} lets nobody sign for {domain}, and writes a MAIL FROM of its own"
        case _:
            return None


def authentication_findings(campaign: Campaign, services: Services) -> Iterator[Finding]:
    """An error where each mail would be blocked, a warning where nothing is known; none for what is no advertising."""
    if not campaign.stream.commercial:
        return
    senders = services.senders
    if not senders.any():
        mend = "name the domain, and its key: penstock dkim new DOMAIN"
        yield Finding("warning", "[[sender]]", "there is none, so nothing is signed here (DKIM)", mend)
        return
    domain = a_label(split_mailbox(campaign.message.from_)[1].rpartition("@")[2].lower())
    ways = services.ways_of(campaign.stream, domain)
    for why in dict.fromkeys(why for way in ways if (why := misaligned(domain, way, services))):
        yield Finding("error", "[message] from", f"AUTH_MISSING: {why}", "see [[sender]] in the config")
        return
    names = dict.fromkeys(name for way in ways for name in _names(way))
    ours = [each for each in names if services.capabilities.get(each, _PLAIN).dkim == "ours"]
    sender = senders.of(domain)
    if sender is not None and ours and senders.signer(domain, services.clock.now()) is None:
        what = f"mail of {sender.domain} is not signed here (DKIM); whether {' or '.join(ours)} signs it is not known"
        yield Finding("warning", "[[sender]] dkim", what, f"penstock dkim new {sender.domain}")


def _names(adapter: str) -> tuple[str, ...]:
    """The single adapters of a route; no route at all stands for itself."""
    return tuple(names_in(parse_route(adapter))) if adapter else (adapter,)


def _signs(sender: SenderDomain, can: Capabilities, adapter: str, services: Services, domain: str) -> bool:
    """Whether somebody signs for the sender's domain, as far as the config says so."""
    match can.dkim:
        case "ours":
            return services.senders.signer(domain, services.clock.now()) is not None
        case "esp":
            # Whoever names the way out for this domain has told the service that the domain is theirs.
            return adapter in sender.adapters
        case "off":
            return False
