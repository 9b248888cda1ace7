"""Sample mails, contacts and campaigns of invented people; every keyword replaces one field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from penstock.law.canonical import Canonical
from penstock.law.identity import Identifier
from penstock.law.mailboxes import Mailboxes
from penstock.law.recipient_kind import recipient_kind
from penstock.law.taxonomy import Taxonomy
from penstock.model.assessment import Lia, LiaOutcome
from penstock.model.campaign import Audience, Campaign, Controller, MessageSpec, TemplateFile
from penstock.model.contact import Company, Contact, Function, LegalForm, Source, SourceMethod, Visibility
from penstock.model.keyring import Keyring, Secret
from penstock.model.mail import Draft, Envelope, Letter, Mail
from penstock.model.moment import as_moment
from penstock.model.tokens import SignedTokens
from penstock.ports import Capabilities, Services
from penstock.templates import template_folder
from penstock.testing.clocks import FakeClock
from penstock.testing.fakes import CountingRates, CountingSuppressions

__all__ = ["a_campaign", "a_contact", "a_keyring", "a_letter", "a_mail", "an_assessment", "some_services"]

TEXT = """Hello{% if given_name %} {{ given_name }}{% endif %},

we write to {{ company.name }} because {{ reason }}.

Best regards
Eva Berg
"""
HTML = """<!doctype html><html lang="en"><head><title>Purchasing</title><style>p { margin: 0 0 12px; }</style></head>
<body><p>Hello{% if given_name %} {{ given_name }}{% endif %},</p>
<p>we write to {{ company.name }} because {{ reason }}.</p><p>Best regards<br>Eva Berg</p></body></html>
"""


def a_keyring() -> Keyring:
    """The same keys every time; for tests only."""
    return Keyring((Secret("p1", b"p" * 32),), (Secret("t1", b"t" * 32),), (Secret("l1", b"l" * 32),))


def a_contact(address: str = "anna.keller@muster-werk.example", **fields: Any) -> Contact:
    """A head of purchasing at a French machinery maker, complete."""
    contact = Contact(
        address=address,
        given_name="Anna",
        family_name="Keller",
        language="en",
        country="FR",
        title="Responsable achats",
        function=Function.PURCHASING,
        company=Company(
            name="Muster Werk SA",
            id="FR-123456789",
            domains=(address.rpartition("@")[2],),
            legal_form=LegalForm.COMPANY,
            industry="C28",
            activity="machinery",
            employees=120,
            region="FR-IDF",
        ),
        source=Source(
            method=SourceMethod.OWN_SITE,
            reference="https://muster-werk.example/team",
            collected_at=as_moment("2026-11-10"),
            collected_by="e.berg",
            visibility=Visibility.PUBLIC,
            why="head of purchasing in machinery",
        ),
        verified_at=as_moment("2026-11-15"),
        reason="your site shows a new plant in Lyon",
    )
    return replace(contact, **fields)


def a_campaign(**fields: Any) -> Campaign:
    """A campaign to purchasing heads in machinery, with a small letter in text and HTML."""
    message = MessageSpec(
        from_="Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>",
        subject="{{ company.name }}: purchasing without spreadsheets",
        reply_to="eva.berg@nordlicht.example",
        text="letter.txt.j2",
        html="letter.html.j2",
        fields=("given_name", "company.name", "reason"),
        templates=(
            TemplateFile("text", "", "letter.txt.j2", TEXT),
            TemplateFile("html", "", "letter.html.j2", HTML),
        ),
    )
    campaign = Campaign(
        id="purchasing-2026",
        controller="nordlicht",
        purpose="offer of purchasing software to purchasing heads in machinery",
        message=message,
        product="purchasing software",
        topic=("purchasing",),
        owner="Eva Berg",
        audience=Audience(industries=("C28",), functions=(Function.PURCHASING,)),
        digest="d" * 64,
    )
    return replace(campaign, **fields)


def some_services(**parts: Any) -> Services:
    """Services with a frozen clock, an empty suppression list and one adapter called `main`."""
    nordlicht = Controller(
        id="nordlicht",
        legal_name="Nordlicht Software AB",
        address="Storgatan 1, 111 22 Stockholm, Sweden",
        country="SE",
        registration="556000-0000",
        contact="privacy@nordlicht.example",
        phone="+46 8 000 00 00",
        privacy_url="https://nordlicht.example/privacy",
        storage_locations=("EU",),
        recipients=("our e-mail provider",),
    )
    given: dict[str, Any] = {
        "clock": FakeClock(),
        "suppressions": CountingSuppressions(),
        "rates": CountingRates(),
        "tokens": SignedTokens(a_keyring()),
        "taxonomy": the_taxonomy(),
        "controllers": {"nordlicht": nordlicht},
        "templates": template_folder(),
        "base_url": "https://mail.nordlicht.example",
        "reply_domain": "reply.nordlicht.example",
        "routes": {"default": "main"},
        "capabilities": {"main": Capabilities(smtputf8=True)},
        "adapter_rates": {"main": ()},
        **parts,
    }
    return Services(**given)


@cache
def an_identifier() -> Identifier:
    """Keyed with the sample keys; one for all, as its lists are long and never change."""
    return Identifier(a_keyring(), Canonical.load(), the_mailboxes())


@cache
def the_mailboxes() -> Mailboxes:
    """The shipped lists, read once."""
    return Mailboxes.load()


@cache
def the_taxonomy() -> Taxonomy:
    """The shipped table, read once."""
    return Taxonomy.load()


def a_mail(contact: Contact | None = None, campaign: Campaign | None = None, **fields: Any) -> Mail:
    """The draft of the sample campaign to the sample contact."""
    contact, campaign = contact or a_contact(), campaign or a_campaign()
    identity = an_identifier().of(contact)
    mail = Mail(
        id=a_keyring().mail_id(campaign.once_key, identity.person),
        envelope=Envelope("eva.berg@nordlicht.example", contact.address),
        stream=campaign.stream,
        controller=campaign.controller,
        campaign=campaign,
        contact=contact,
        kind=recipient_kind(contact, the_mailboxes()),
        identity=identity,
        content=Draft(),
    )
    return replace(mail, **fields)


def a_letter(**fields: Any) -> Letter:
    """A small rendered letter."""
    letter = Letter(
        headers=(
            ("From", "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"),
            ("To", "Anna Keller <anna.keller@muster-werk.example>"),
            ("Subject", "Muster Werk SA: purchasing without spreadsheets"),
        ),
        text="Hello Anna",
        html="<!doctype html><html lang='en'><body><p>Hello Anna</p></body></html>",
        language="en",
        template="t" * 64,
    )
    return replace(letter, **fields)


def an_assessment(**fields: Any) -> Lia:
    """A complete, approved legitimate-interest assessment of `nordlicht`, good from June 2026 to June 2027."""
    complete = Lia(
        id="purchasing",
        controller="nordlicht",
        purpose="offer purchasing software to purchasing heads",
        interest="winning customers",
        necessity="no milder way reaches them",
        reasonable_expectation="they expect such offers",
        impact="one short mail",
        safeguards=("opt-out in each mail",),
        outcome=LiaOutcome.APPROVED,
        reviewer="A. Lind, privacy officer",
        reviewed_at=date(2026, 6, 1),
        expires_at=date(2027, 6, 1),
    )
    return replace(complete, **fields)
