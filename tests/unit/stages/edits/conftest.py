"""A mail on its way through the edits."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Audience, Basis, Campaign, Controller, MessageSpec, Stream, TemplateFile
from penstock.model.contact import Company, Contact, RecipientKind, Source, SourceMethod
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring, Secret
from penstock.model.legal_text import ApprovedText, LegalTexts
from penstock.model.mail import Draft, Envelope, History, Letter, Mail
from penstock.model.tokens import SignedTokens
from penstock.ports import NoOptions, Rates, Services, Suppressions
from penstock.stages.edits.compose import Compose

TEMPLATES = Path(__file__).parents[4] / "templates"
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HTML = """<!doctype html>
<html><head><style>p { margin: 0 }</style></head><body><p>Bonjour {{ given_name }}</p></body></html>
"""


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def machine(self) -> float:
        return NOW.timestamp()


@pytest.fixture(scope="session")
def services() -> Services:
    secret = Secret("k", b"k" * 32)
    controller = Controller(
        "nordlicht",
        "Nordlicht Software AB",
        "Storgatan 1, 111 22 Stockholm, Sweden",
        "SE",
        registration="556000-0000",
        contact="privacy@nordlicht.example",
        phone="+46 8 000 00 00",
        privacy_url="https://nordlicht.example/privacy",
        storage_locations=("EU",),
        recipients=("our e-mail provider",),
    )
    return Services(
        clock=StoppedClock(),
        suppressions=cast("Suppressions", None),
        rates=cast("Rates", None),
        tokens=SignedTokens(Keyring((secret,), (secret,), (secret,))),
        taxonomy=Taxonomy([("fr", "purchasing", "achats")]),
        controllers={"nordlicht": controller},
        templates=TEMPLATES,
        base_url="https://mail.nordlicht.example",
        reply_domain="reply.nordlicht.example",
    )


@pytest.fixture
def mail() -> Callable[..., Mail]:
    """Make a mail; keyword arguments change the contact, the message, the campaign or the mail."""

    def made(number: int = 1, **changes: Any) -> Mail:
        address = f"anna.keller{number}@muster-werk.example"
        contact: dict[str, Any] = {
            "address": address,
            "given_name": "Anna",
            "family_name": "Keller",
            "language": "fr",
            "country": "FR",
            "workplace_country": None,
            "title": "Responsable achats",
            "function": None,
            "company": Company(name="Muster Werk", industry="C28", activity="machinery"),
            "source": Source(
                SourceMethod.OWN_SITE, "https://muster-werk.example/team", datetime(2026, 11, 10, tzinfo=UTC)
            ),
            "reason": "your site shows a new plant",
        }
        message: dict[str, Any] = {
            "from_": "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>",
            "reply_to": "eva.berg@nordlicht.example",
            "subject": "Achats sans tableur",
            "fields": ("given_name",),
            "templates": (
                TemplateFile("text", "", "letter.txt.j2", "Bonjour {{ given_name|default('') }}\n"),
                TemplateFile("html", "", "letter.html.j2", HTML),
            ),
            "fallback_language": None,
        }
        campaign: dict[str, Any] = {
            "id": "purchasing-2026",
            "controller": "nordlicht",
            "purpose": "offer of purchasing software",
            "product": "purchasing software",
            "audience": Audience(industries=("C28",)),
            "translations": {},
            "basis": Basis.LEGITIMATE_INTEREST,
        }
        for told in (contact, message, campaign):
            told.update({key: changes.pop(key) for key in list(changes) if key in told})
        spec = MessageSpec(**message)
        mail: dict[str, Any] = {
            "id": f"{number:032x}",
            "envelope": Envelope("bounce@nordlicht.example", address),
            "stream": Stream.PROSPECTING,
            "controller": "nordlicht",
            "campaign": Campaign(message=spec, **campaign),
            "contact": Contact(**contact),
            "kind": RecipientKind.NAMED,
            "identity": Identity(b"p", (), (), None, None),
            "content": Draft(),
            "history": History(),
        }
        return Mail(**(mail | changes))

    return made


@pytest.fixture
def composed(services: Services) -> Callable[[Mail], Awaitable[Mail]]:
    """Send a mail through Compose."""

    async def through(draft: Mail) -> Mail:
        [made] = await Compose(NoOptions(), services).edit([draft])
        assert isinstance(made, Mail), made
        assert isinstance(made.content, Letter)
        return made

    return through


@pytest.fixture
def own_text(tmp_path: Path) -> Callable[..., LegalTexts]:
    """A text of the house's own that was approved: the English one in another language, with changes."""

    def made(language: str, *changes: tuple[str, str], approved: bool = True) -> LegalTexts:
        source = (TEMPLATES / "notices/en/notice.toml").read_text()
        for old, new in changes:
            assert old in source, old
            source = source.replace(old, new)
        path = tmp_path / "own" / language / "notice.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        digest = hashlib.sha256(source.encode()).hexdigest()
        known = ApprovedText(language, "penstock-notice", "1", digest, "", "M. Ostrander", NOW)
        return LegalTexts(tmp_path / "own", {}, {language: known} if approved else {})

    return made


@pytest.fixture
def with_html() -> Callable[[Mail, str], Mail]:
    """Replace a letter's HTML."""

    def made(mail: Mail, html: str) -> Mail:
        assert isinstance(mail.content, Letter)
        return replace(mail, content=replace(mail.content, html=html))

    return made
