"""Whether the law lets this mail go: the countries' rules on e-mail, consents, customers, and the campaign's basis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from penstock.law.consent import NO_CONSENT, ConsentScope, ConsentsFound, consents_found
from penstock.law.permission import Mailing, Ruling, tld_country
from penstock.model.campaign import Basis, Campaign, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services
from penstock.stages.checks import basis_reasons as says
from penstock.stages.checks.basis_place import Place, place_of
from penstock.stages.checks.basis_rows import COUNTRIES, KIND, Need, allowed_words
from penstock.stages.checks.basis_weighing import Weighed, weighed

__all__ = ["LegalBasis", "LegalBasisOptions"]

_PRIVATE = Need("A private address needs consent in every country", "Directive 2002/58/EC Art. 13(1)", KIND)
_CLAIMED = Need("The campaign rests on consent", "GDPR Art. 6(1)(a)", ("campaign.basis",))
_STOPS: dict[Ruling, tuple[Code, str, tuple[str, ...]]] = {
    Ruling.NO_ROLE: (
        Code.NOT_RELEVANT,
        "In {} the offer must relate to the recipient's profession, and the campaign names no function it is for.",
        ("campaign.audience",),
    ),
    Ruling.FORM_UNKNOWN: (
        Code.LEGAL_FORM_UNKNOWN,
        "In {} a sole trader must be asked first, and the record does not say whether this is one.",
        ("company.legal_form",),
    ),
    Ruling.UNCLEAR: (
        Code.NO_LEGAL_BASIS,
        "The law of {} is unclear for this kind of mailbox: a person decides.",
        ("recipient_kind",),
    ),
    Ruling.WINDOW_OVER: (
        Code.IMPLIED_CONSENT_EXPIRED,
        "In {} a consent implied by a purchase lasts 24 months, by an inquiry 6 months; that time is over.",
        ("relationship",),
    ),
}


@dataclass(frozen=True, slots=True)
class LegalBasisOptions:
    """`consent_after_months`: how long a consent lasts without use. `require_signoff`: hold where nobody signed off."""

    consent_after_months: int = 24
    require_signoff: bool = False


class LegalBasis:
    """Judges by the strictest of the recipient's countries, the sender's country and the supplier's terms.

    A proven consent satisfies them all; a complete customer relationship satisfies the countries that know that
    exception. Missing, contradictory and future-dated evidence never lets a mail go.
    """

    Options: ClassVar[type] = LegalBasisOptions
    name = says.NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = (
        *COUNTRIES,
        "address",
        *KIND,
        "source.supplier",
        "consents",
        "relationship",
        "published",
        "last_contact_from_person_at",
        "campaign.basis",
        "campaign.channel",
        "campaign.purpose",
        "campaign.product",
        "campaign.product_for",
        "campaign.owner",
        "campaign.audience",
    )
    needs: tuple[str, ...] = ("clock", "controllers", "jurisdictions", "suppliers")

    def __init__(self, options: LegalBasisOptions, services: Services) -> None:
        self._options = options
        self._services = services

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call. Mails that are alike in all that is read here are judged once."""
        batch = _Batch(self._options, self._services)
        return [batch.reasons(mail) for mail in mails]


class _Batch:
    """One batch at one moment, with what its mails have in common."""

    def __init__(self, options: LegalBasisOptions, services: Services) -> None:
        self._options = options
        self._services = services
        self._now = services.clock.now()
        self._terms: dict[tuple[int, str], tuple[ConsentScope, tuple[Reason, ...]]] = {}
        self._places: dict[tuple[str | None, ...], Place] = {}
        self._answers: dict[tuple[object, ...], tuple[Reason, ...]] = {}

    def reasons(self, mail: Mail) -> tuple[Reason, ...]:
        contact, campaign = mail.contact, mail.campaign
        if campaign is None:
            return (says.NO_CAMPAIGN,) if contact is not None else (says.NO_CAMPAIGN, says.NO_CONTACT)
        if contact is None:
            return _with_basis([*says.campaign_faults(campaign), says.NO_CONTACT], campaign.basis)
        key = (
            id(campaign), mail.controller, mail.stream, mail.kind, contact.country, contact.workplace_country,
            contact.address.rpartition(".")[2], contact.company.legal_form, contact.source.supplier,
            contact.consents, contact.relationship, contact.published,
            contact.last_contact_from_person_at if contact.consents else None,
        )  # fmt: skip
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._judged(mail, contact, campaign)
        return answer

    def _judged(self, mail: Mail, contact: Contact, campaign: Campaign) -> tuple[Reason, ...]:
        scope, faults = self._terms_of(campaign, mail.controller)
        place = self._place_of(contact, mail.controller)
        consents = self._consents(contact, scope, place)
        law = self._weighed(mail, contact, campaign, scope, place)
        needs = [*self._own_needs(mail, contact, campaign), *law.needs]
        against = [*faults, *place.holds]
        if consents.withdrawn is not None:
            against.append(says.withdrawn(consents.withdrawn, contact.consents[consents.withdrawn], self._now))
        if consents.valid is None:
            against += self._unconsented(contact, consents, needs, law)
            if mail.kind is RecipientKind.PRIVATE and campaign.basis is Basis.LEGITIMATE_INTEREST:
                against.append(says.PRIVATE_INTEREST)
        if against:
            return _with_basis(against, campaign.basis)
        if consents.valid is not None and (needs or not law.lets_go):
            return (_by_consent(mail, contact, campaign, consents.valid, needs, place),)
        return (_by_law(mail, campaign, law, place),)

    def _terms_of(self, campaign: Campaign, controller: str) -> tuple[ConsentScope, tuple[Reason, ...]]:
        key = (id(campaign), controller)
        known = self._terms.get(key)
        if known is None:
            scope = ConsentScope.of(campaign, self._services.controllers.get(controller))
            known = self._terms[key] = (scope, says.campaign_faults(campaign))
        return known

    def _place_of(self, contact: Contact, controller: str) -> Place:
        domain = tld_country(contact.address)
        key = (contact.workplace_country, contact.country, domain, controller)
        known = self._places.get(key)
        if known is None:
            sender = self._services.controllers.get(controller)
            known = self._places[key] = place_of(
                self._services.jurisdictions,
                self._now.date(),
                stated=tuple(filter(None, (contact.workplace_country, contact.country))),
                domain=domain,
                sender=None if sender is None else sender.country,
                signed_only=self._options.require_signoff,
            )
        return known

    def _consents(self, contact: Contact, scope: ConsentScope, place: Place) -> ConsentsFound:
        if not contact.consents:
            return NO_CONSENT
        return consents_found(
            contact.consents,
            scope,
            place.mechanisms,
            used_at=contact.last_contact_from_person_at,
            now=self._now,
            months=self._options.consent_after_months,
        )

    def _own_needs(self, mail: Mail, contact: Contact, campaign: Campaign) -> Iterator[Need]:
        """Consent that is asked for whatever the country says."""
        if mail.kind is RecipientKind.PRIVATE:
            yield _PRIVATE
        if campaign.basis is Basis.CONSENT:
            yield _CLAIMED
        supplier = contact.source.supplier
        terms = None if supplier is None else self._services.suppliers.get(supplier)
        if terms is not None and terms.requires_consent:
            record = (f"supplier:{supplier}",)
            yield Need("The supplier's terms ask for consent", "supplier terms", ("source.supplier",), record)

    def _weighed(self, mail: Mail, contact: Contact, campaign: Campaign, scope: ConsentScope, place: Place) -> Weighed:
        if mail.kind is RecipientKind.PRIVATE:  # needs consent anyway
            return Weighed()
        mailing = Mailing(
            kind=mail.kind,
            legal_form=contact.company.legal_form,
            published=contact.published,
            relationship=contact.relationship,
            scope=scope,
            role_named=bool(campaign.audience.functions),
            for_companies=campaign.product_for == "companies",
            now=self._now,
        )
        return weighed(place.rows, mailing, claimed=_to_customers(mail, campaign), consented=bool(contact.consents))

    def _unconsented(
        self, contact: Contact, consents: ConsentsFound, needs: Sequence[Need], law: Weighed
    ) -> Iterator[Reason]:
        """What stands against a mail that no consent covers."""
        if needs and consents.nearest is None:
            yield says.consent_missing(needs)
        elif needs and consents.nearest is not None:
            place, months = consents.nearest, self._options.consent_after_months
            for code in consents.defects:
                if code is not Code.CONSENT_WITHDRAWN:  # said already where it binds
                    yield says.consent_fault(code, place, contact.consents[place], needs, self._now, months)
        for ruling, rows in law.stops.items():
            code, words, fields = _STOPS[ruling]
            yield says.country_stops(code, rows, words, fields)
        if law.gaps:
            yield says.soft_opt_in_failed(tuple(law.gaps.values()), law.not_customers)


def _to_customers(mail: Mail, campaign: Campaign) -> bool:
    """Whether the mail claims the exception for existing customers; a campaign that rests on consent needs none."""
    return campaign.basis is Basis.CUSTOMER or (mail.stream is Stream.CUSTOMER and campaign.basis is not Basis.CONSENT)


def _with_basis(against: Sequence[Reason], basis: Basis) -> tuple[Reason, ...]:
    """The reasons, the first of them with the one basis that is recorded of a mail."""
    first, *rest = against
    facts = Facts(first.facts.fields, (f"basis:{basis}", *first.facts.records))
    return (Reason(first.stage, first.verdict, first.code, first.why, facts, first.rule), *rest)


def _by_consent(
    mail: Mail, contact: Contact, campaign: Campaign, place: int, needs: Sequence[Need], where: Place
) -> Reason:
    """The consent is the basis, too, unless the campaign rests on an interest that this mailbox leaves room for."""
    interest = campaign.basis is Basis.LEGITIMATE_INTEREST and mail.kind is not RecipientKind.PRIVATE
    basis = campaign.basis if interest else Basis.CONSENT
    records = (f"basis:{basis}", f"consent:{place}", *(row.record for row in where.rows))
    rule = says.joined(["GDPR Art. 6(1)(a), 7(1)", *(need.rule for need in needs)])
    facts = Facts((*COUNTRIES, *KIND, "consents", "campaign.basis"), records)
    return Reason(says.NAME, Verdict.SEND, None, says.consent_words(contact.consents[place]), facts, rule)


def _by_law(mail: Mail, campaign: Campaign, law: Weighed, where: Place) -> Reason:
    records = (f"basis:{campaign.basis}", *(row.record for row in where.rows))
    fields: tuple[str, ...] = ()
    if law.customers:
        row, fields = law.customers[0], ("relationship",)
        why = "The recipient is a customer of this sender, and the offer is for similar goods (opt-out)."
        rule = says.joined(["Directive 2002/58/EC Art. 13(2)", row.cite])
    else:
        row, permission = law.allowed[0]
        why, rule = allowed_words(row, permission, mail.kind), row.cite
        if permission.conditions:
            fields = ("published", "relationship", "campaign.audience")
    facts = Facts((*COUNTRIES, *KIND, *fields, "campaign.basis"), records)
    return Reason(says.NAME, Verdict.SEND, None, why, facts, rule)
