"""Settings that read well but do not fit together, or that this version does not carry out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock.config.fault import Fault
from penstock.config.nearest import did_you_mean
from penstock.model.address import Address, parse_address
from penstock.model.route import names_in, parse_route

if TYPE_CHECKING:
    from penstock.config.settings import Settings

__all__ = ["first_refusal"]

_LATER = "not in this version"
_SQLITE = re.compile(r"sqlite:///[^?#]+")


def first_refusal(settings: Settings) -> Fault | None:
    """The first thing that stops the program from starting with these settings."""
    for find in (_store_and_queue, _adapters, _routes, _controllers, _names, _domains, _signing, _safety):
        if fault := next(find(settings), None):
            return fault
    return None


def _store_and_queue(settings: Settings) -> Iterator[Fault]:
    store, queue = settings.store.url, settings.queue.url
    if store.startswith(("postgresql:", "postgres:")):
        yield Fault(f"a PostgreSQL store is {_LATER}", ("store", "url"), 'use "sqlite:///penstock.db"')
    elif store != "sqlite://:memory:" and not _SQLITE.fullmatch(store):
        yield Fault("no store address", ("store", "url"), 'expected "sqlite:///FILE"')
    if queue.startswith("nats:"):
        yield Fault(f"a NATS queue is {_LATER}", ("queue", "url"), 'use "store:"')
    elif queue != "store:":
        yield Fault("no queue address", ("queue", "url"), 'expected "store:"')


def _adapters(settings: Settings) -> Iterator[Fault]:
    for name, section in settings.adapters.items():
        if ":" not in section.url:  # which kinds there are, the adapters themselves know
            yield Fault("no adapter address", ("adapters", name, "url"), 'expected an address such as "file:outbox"')


def _routes(settings: Settings) -> Iterator[Fault]:
    written: list[tuple[tuple[str | int, ...], str]] = [(("routes", name), to) for name, to in settings.routes.items()]
    for place, rule in enumerate(settings.route):
        written.append((("route", place, "to"), rule.to))
        if rule.stream is None and not (rule.sender or rule.countries or rule.tag):
            yield Fault("a rule that fits every mail", ("route", place), 'write [routes] default = "…" instead')
    for where, text in written:
        try:
            names = [*names_in(parse_route(text))]
        except ValueError as fault:
            yield Fault(str(fault), where, "a name, failover(a b), roundrobin(a b) or weighted(a=3 b=1)")
            continue
        for name in names:
            if name not in settings.adapters:
                yield Fault("names no adapter", where, did_you_mean(name, settings.adapters))


def _controllers(settings: Settings) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for name, controller in settings.controllers.items():
        other = owners.setdefault(controller.legal_name.casefold(), name)
        if other != name:
            path = ("controllers", name, "legal_name")
            yield Fault(f"the controller '{other}' has the same legal name", path)


def _names(settings: Settings) -> Iterator[Fault]:
    """Controllers and adapters that other sections name."""
    for place, sender in enumerate(settings.sender):
        for name in sender.controllers:
            if name not in settings.controllers:
                yield Fault(
                    "names no controller",
                    ("sender", place, "controllers"),
                    did_you_mean(name, settings.controllers),
                )
        for name in sender.adapters:
            if name not in settings.adapters:
                yield Fault("names no adapter", ("sender", place, "adapters"), did_you_mean(name, settings.adapters))
    for place, client in enumerate(settings.relay.credentials):
        for name in client.controllers:
            if name not in settings.controllers:
                path = ("relay", "credentials", place, "controllers")
                yield Fault("names no controller", path, did_you_mean(name, settings.controllers))


def _domains(settings: Settings) -> Iterator[Fault]:
    """Tables of which only one could answer for a From."""
    seen: set[str] = set()
    for place, sender in enumerate(settings.sender):
        if sender.domain in seen:
            mend = "one [[sender]] for each domain: its dkim may be a list of keys"
            yield Fault("this domain stands there twice", ("sender", place, "domain"), mend)
        seen.add(sender.domain)


def _signing(settings: Settings) -> Iterator[Fault]:
    """Keys that would not be used, or of which nobody knows which is."""
    stages = [each.use for each in settings.stage]
    for place, sender in enumerate(settings.sender):
        if sender.dkim and stages and "dkim" not in stages:
            mend = 'add [[stage]] use = "dkim" at the end'
            yield Fault("a key is named, but no [[stage]] signs", ("sender", place, "dkim"), mend)
        days = [each.from_ for each in sender.dkim]
        if len(days) > len(set(days)):
            mend = "give each key another `from`"
            yield Fault("two keys begin to sign on the same day", ("sender", place, "dkim"), mend)


def _safety(settings: Settings) -> Iterator[Fault]:
    safety = settings.safety
    if safety.redirect_all_to and not isinstance(parse_address(safety.redirect_all_to), Address):
        yield Fault("no e-mail address", ("safety", "redirect_all_to"), 'expected one such as "me@firm.example"')
    for place, each in enumerate(safety.allow_recipients):
        whole = each if "@" in each.removeprefix("@") else f"x@{each.removeprefix('@')}"
        if not isinstance(parse_address(whole), Address):
            yield Fault("neither an address nor a domain", ("safety", "allow_recipients", place))
