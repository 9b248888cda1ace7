"""What the tests of the checks are made of: a campaign, a mail and the services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Campaign, Controller, MessageSpec, Stream
from penstock.model.contact import Contact, Function, RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import NEW, Draft, Envelope, History, Mail
from penstock.model.suppression import Hit
from penstock.model.verdict import Reason
from penstock.ports import Capabilities, Grant, RateQuery, Services

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class StoppedClock:
    at: datetime = NOW
    seconds: float = NOW.timestamp()

    def now(self) -> datetime:
        return self.at

    def machine(self) -> float:
        return self.seconds


class NoEntries:
    async def hits(self, identities: Sequence[Identity], /) -> Sequence[tuple[Hit, ...]]:
        return [() for _ in identities]

    async def unresolved(self) -> Sequence[str]:
        return ()


class NoLimits:
    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        return [Grant(query.wanted, 0.0) for query in queries]


class NoTokens:
    def sign(self, purpose: str, mail_id: str) -> str:
        raise AssertionError("a check signs nothing")

    def read(self, token: str) -> tuple[str, str] | None:
        raise AssertionError("a check reads no token")


@dataclass(frozen=True, slots=True)
class ReadTitle:
    function: Function
    language: str
    pattern: str


@dataclass(slots=True)
class Titles:
    """A taxonomy of three titles that counts how often it is asked."""

    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def function_of(self, title: str, language: str | None = None) -> ReadTitle | None:
        self.asked.append((title, language))
        known = {
            "Responsable achats": ReadTitle(Function.PURCHASING, "fr", "achats"),
            "Personalchefin": ReadTitle(Function.HR, "de", "personal"),
            "IT-Leiter": ReadTitle(Function.IT, "de", "it"),
        }
        return known.get(title)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def make_services() -> Callable[..., Services]:
    def make(**given: Any) -> Services:
        defaults: dict[str, Any] = {
            "clock": StoppedClock(),
            "suppressions": NoEntries(),
            "rates": NoLimits(),
            "tokens": NoTokens(),
            "taxonomy": cast("Taxonomy", Titles()),
            "controllers": {
                "nordlicht": Controller("nordlicht", "Nordlicht Software AB", "Storgatan 1, Stockholm", "SE")
            },
            "templates": Path("templates"),
            "routes": {"default": "main"},
            "capabilities": {"main": Capabilities(smtputf8=False), "modern": Capabilities(smtputf8=True)},
        }
        return Services(**(defaults | given))

    return make


@pytest.fixture(scope="session")
def make_campaign() -> Callable[..., Campaign]:
    def make(**given: Any) -> Campaign:
        message = MessageSpec(from_="Eva Berg, Nordlicht Software AB <eva@nordlicht.example>", subject="Offer")
        defaults: dict[str, Any] = {
            "id": "autumn",
            "controller": "nordlicht",
            "purpose": "offer",
            "message": message,
        }
        return Campaign(**(defaults | given))

    return make


@pytest.fixture(scope="session")
def make_mail(make_campaign: Callable[..., Campaign]) -> Callable[..., Mail]:
    """Mail number n goes to person n at the company of that number; every part can be given."""

    def make(
        number: int = 0,
        *,
        contact: Contact | str | None = "",
        campaign: Campaign | str | None = "",
        stream: Stream = Stream.PROSPECTING,
        kind: RecipientKind = RecipientKind.NAMED,
        identity: Identity | None = None,
        history: History = NEW,
        reasons: tuple[Reason, ...] = (),
        recipient: str | None = None,
        **rest: Any,
    ) -> Mail:
        if isinstance(contact, str):
            contact = Contact(contact or f"p{number}@firm{number}.example")
        address = recipient or (contact.address if contact is not None else f"p{number}@firm{number}.example")
        person = f"person {number}".encode()
        return Mail(
            id=rest.pop("id", f"{number:032x}"),
            envelope=Envelope("bounce@nordlicht.example", address),
            stream=stream,
            controller="nordlicht",
            campaign=make_campaign() if isinstance(campaign, str) else campaign,
            contact=contact,
            kind=kind,
            identity=identity or Identity(person, (person,), (b"firm %d" % number,), b"firm %d" % number, None),
            content=Draft(),
            history=history,
            reasons=reasons,
            **rest,
        )

    return make
