"""What the tests of the store share: a clock, keys, and makers of contacts, identities, mails and decisions."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from penstock.model.campaign import Campaign, Caps, MessageSpec, Stream, TemplateFile
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring, Secret
from penstock.model.mail import Envelope, Letter, Mail, Message
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.model.verdict import Decision, Facts, Reason, Variant, Verdict, decide
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """Rule time and machine time that tests move by hand."""

    at: datetime = START
    seconds: float = START.timestamp()

    def now(self) -> datetime:
        return self.at

    def machine(self) -> float:
        return self.seconds

    def pass_time(self, delta: timedelta) -> None:
        self.at += delta
        self.seconds += delta.total_seconds()


@dataclass
class World:
    """Makers with sensible defaults; `anna`, `bo` and so on are people of an invented company."""

    keyring: Keyring
    clock: FakeClock = field(default_factory=FakeClock)

    def identity(self, address: str, *, provider: str = "", company: str | None = None) -> Identity:
        name, _, domain = address.partition("@")
        person = self.keyring.anchor(f"person:{name.lower()}@{domain}")
        keys = [*self.keyring.fingerprints(f"exact:{address}"), person]
        if provider:
            keys.append(self.keyring.anchor(f"provider:{provider}"))
        home = self.keyring.anchor(f"company:{company or domain}")
        return Identity(person, tuple(keys), (home,), home, None)

    def campaign(self, id_: str = "autumn", *, text: str = "Hello", **more: Any) -> Campaign:
        template = TemplateFile("text", "", "a.txt.j2", text)
        spec = MessageSpec("Eva <eva@nordlicht.example>", "Offer", text="a.txt.j2", templates=(template,))
        digest = hashlib.sha256(f"{id_} {text} {more}".encode()).hexdigest()
        return Campaign(id_, "nordlicht", "offer", spec, digest=digest, **more)

    def new_mail(
        self, address: str = "anna.keller@muster.example", campaign: Campaign | None = None, **more: Any
    ) -> NewMail:
        campaign = campaign or self.campaign()
        identity = more.pop("identity", None) or self.identity(address)
        assert isinstance(identity, Identity)
        fields: dict[str, Any] = {
            "contact_id": None,
            "stream": Stream.PROSPECTING,
            "controller": "nordlicht",
            "lane": "main/muster.example",
            "due": self.clock.now(),
        }
        fields.update(more)
        id_ = self.keyring.mail_id(campaign.id, identity.person)
        return NewMail(id=id_, campaign=campaign, identity=identity, **fields)

    def mail(self, new: NewMail, address: str = "anna.keller@muster.example", notice: str | None = None) -> Mail:
        letter = Letter((("Subject", "Offer for Anna"),), "Dear Anna", None, "en", "t1", notice)
        data = f"To: {address}\r\nSubject: Offer\r\n\r\nDear Anna\r\n".encode()
        return Mail(
            id=new.id,
            envelope=Envelope("", address),
            stream=new.stream,
            controller=new.controller,
            campaign=new.campaign,
            contact=Contact(address=address, given_name="Anna", family_name="Keller"),
            kind=RecipientKind.NAMED,
            identity=new.identity,
            content=Message(data, letter),
            contact_id=new.contact_id,
        )

    def go(self, variant: Variant = "first") -> Decision:
        why = "anna.keller@muster.example works in purchasing"
        return decide((Reason("relevance", Verdict.SEND, None, why, Facts(fields=("function",))),), variant)

    def stop(
        self, verdict: Verdict = Verdict.HOLD, code: Code = Code.UNVERIFIED, until: datetime | None = None
    ) -> Decision:
        return decide((Reason("a_check", verdict, code, "because of Anna", Facts(until=until)),), "first")

    def suppression(
        self,
        keys: tuple[bytes, ...],
        kind: SuppressionKind = SuppressionKind.PERSON,
        reason: SuppressionReason = SuppressionReason.OBJECTION,
        scope: str = "all",
        **more: Any,
    ) -> Suppression:
        fields: dict[str, Any] = {"at": self.clock.now(), "subject": "anna.keller@muster.example"}
        fields.update(more)
        return Suppression(kind, keys, scope, reason, **fields)


def _secret(name: str) -> Secret:
    return Secret(name, hashlib.sha256(name.encode()).digest())


@pytest.fixture
def make_keyring() -> Callable[..., Keyring]:
    def make(
        peppers: tuple[str, ...] = ("p1",), tokens: tuple[str, ...] = ("t1",), ledgers: tuple[str, ...] = ("l1",)
    ) -> Keyring:
        return Keyring(*(tuple(_secret(name) for name in names) for names in (peppers, tokens, ledgers)))

    return make


@pytest.fixture
def keyring(make_keyring: Callable[..., Keyring]) -> Keyring:
    return make_keyring()


@pytest.fixture
def world(keyring: Keyring) -> World:
    return World(keyring)


@pytest.fixture
def clock(world: World) -> FakeClock:
    return world.clock


@pytest.fixture
def new_id() -> Callable[[], str]:
    numbers: Iterator[int] = count(1)
    return lambda: f"{next(numbers):032x}"


@pytest.fixture
async def store(world: World, new_id: Callable[[], str]) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open("sqlite://:memory:", world.keyring, world.clock, new_id=new_id)
    yield store
    await store.aclose()


@pytest.fixture
def make_store(world: World, new_id: Callable[[], str]) -> Callable[[], Awaitable[SqliteStore]]:
    return lambda: SqliteStore.open("sqlite://:memory:", world.keyring, world.clock, new_id=new_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "penstock.db"


@pytest.fixture
async def file_store(path: Path, world: World) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    yield store
    await store.aclose()


@pytest.fixture
def caps() -> Callable[..., Caps]:
    return lambda person=(), company=(): Caps(tuple(person), tuple(company))
