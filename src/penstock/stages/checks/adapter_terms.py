"""Whether the terms of the way out allow this mail: several ESPs take no advertising without consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from penstock.law.consent import ConsentScope, accepted_mechanisms, consents_found
from penstock.model.campaign import Basis, Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["AdapterTerms", "AdapterTermsOptions"]

_NAME = "adapter_terms"
_READS = ("consents", "relationship.last_purchase_at", "campaign.basis")
_RULE = "the ESP's acceptable-use terms"
_CLEAR = (Reason(_NAME, Verdict.SEND, None, "The way out takes such mail.", Facts(_READS), _RULE),)


@dataclass(frozen=True, slots=True)
class AdapterTermsOptions:
    """A consent lasts `consent_after_months`, as with `legal_basis`."""

    consent_after_months: int = 24


class AdapterTerms:
    """Blocks advertising on an adapter whose terms ask for consent, where there is neither consent nor a purchase.

    Whether that consent or relation carries the mail by law is for `legal_basis` to say. The whole account is at stake,
    password resets included. `[adapters.NAME] aup_exception` names the contract that allows more.
    """

    Options: ClassVar[type] = AdapterTermsOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock", "capabilities", "routes", "controllers", "jurisdictions")

    def __init__(self, options: AdapterTermsOptions, services: Services) -> None:
        self._options = options
        self._services = services

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call."""
        return [self._judged(mail) for mail in mails]

    def _judged(self, mail: Mail) -> tuple[Reason, ...]:
        adapter = self._services.way_of(mail)
        carried = self._services.capabilities.get(adapter)
        if carried is None or carried.permission == "any" or self._permitted(mail.contact, mail.campaign):
            return _CLEAR
        why = f"The terms of the adapter {adapter} ask for consent or a customer relation, and neither is on record."
        return (Reason(_NAME, Verdict.BLOCK, Code.NO_LEGAL_BASIS, why, Facts(_READS, (f"adapter:{adapter}",)), _RULE),)

    def _permitted(self, contact: Contact | None, campaign: Campaign | None) -> bool:
        if contact is None or campaign is None:
            return False
        if campaign.basis is not Basis.LEGITIMATE_INTEREST:
            return True
        now = self._services.clock.now()
        bought = contact.relationship.last_purchase_at
        if bought is not None and bought <= now:
            return True
        controller = self._services.controllers.get(campaign.controller)
        countries = {contact.country, contact.workplace_country, controller.country if controller else None} - {None}
        found = consents_found(
            contact.consents,
            ConsentScope.of(campaign, controller),
            accepted_mechanisms(self._services.jurisdictions.of(each, now.date()).proof for each in countries),
            used_at=contact.last_contact_from_person_at,
            now=now,
            months=self._options.consent_after_months,
        )
        return found.valid is not None and found.withdrawn is None
