"""Which way out a mail takes: by stream, and before that by rules on sender, country and tag."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from penstock.model.campaign import Stream
from penstock.model.mail import Mail, Message

__all__ = ["RouteRule", "covers", "from_address", "way_of", "ways_of"]

_FROM = re.compile(rb"^from[ \t]*:(?P<value>[^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RouteRule:
    """`to` is a route; all that is given must fit. `sender` is the domain of From, its sub-domains included."""

    to: str
    stream: Stream | None = None
    sender: str = ""
    countries: frozenset[str] = frozenset()
    tag: str = ""


def way_of(mail: Mail, routes: Mapping[str, str], rules: tuple[RouteRule, ...]) -> str:
    """The route of the first rule that fits, else of the stream, else `default`; empty where there is none."""
    for rule in rules:
        if _fits(rule, mail):
            return rule.to
    return routes.get(mail.stream, routes.get("default", ""))


def ways_of(stream: Stream, sender: str, routes: Mapping[str, str], rules: tuple[RouteRule, ...]) -> tuple[str, ...]:
    """All routes that a mail of this stream and From domain may take, whoever gets it; the stream's own comes last."""
    found = [
        rule.to for rule in rules if rule.stream in {None, stream} and (not rule.sender or covers(rule.sender, sender))
    ]
    return tuple(dict.fromkeys((*found, routes.get(stream, routes.get("default", "")))))


def covers(domain: str, other: str) -> bool:
    """Whether the other domain is this one or below it."""
    return other == domain or other.endswith("." + domain)


def from_address(data: bytes) -> str:
    """The From address of a message's octets; empty (the null reverse-path) where there is none."""
    end = data.find(b"\r\n\r\n")
    field = _FROM.search(data, 0, end + 2 if end >= 0 else len(data))
    return _address_in(field["value"]) if field else ""


@lru_cache(maxsize=1_024)
def _address_in(value: bytes) -> str:
    return email.utils.parseaddr(value.replace(b"\r\n", b"").decode("utf-8", "surrogateescape"))[1]


def _fits(rule: RouteRule, mail: Mail) -> bool:
    if rule.stream is not None and rule.stream is not mail.stream:
        return False
    if rule.countries and _country(mail) not in rule.countries:
        return False
    if rule.tag and rule.tag != _tag(mail):
        return False
    return not rule.sender or covers(rule.sender, _sender(mail))


def _country(mail: Mail) -> str | None:
    """Where the recipient works, else where the contact is said to be."""
    contact = mail.contact
    return None if contact is None else contact.workplace_country or contact.country


def _tag(mail: Mail) -> str:
    return mail.tag or ("" if mail.campaign is None else mail.campaign.tag)


def _sender(mail: Mail) -> str:
    if isinstance(mail.content, Message) and mail.content.letter is None:
        return _domain_of(from_address(mail.content.data))
    return "" if mail.campaign is None else _domain_of(mail.campaign.message.from_)


@lru_cache(maxsize=256)
def _domain_of(sender: str) -> str:
    return sender.rstrip().removesuffix(">").rpartition("@")[2].strip().lower()
