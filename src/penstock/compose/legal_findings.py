"""What a campaign lacks by law as a whole: its assessment, a lawyer's word on the table, the functions it is for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from penstock.compose.finding import Finding
from penstock.law.assessment import lia_faults
from penstock.law.jurisdictions import Jurisdiction, policy_warnings
from penstock.model.campaign import Basis, Campaign
from penstock.ports import Services

__all__ = ["legal_findings"]

_BY_ROLE = frozenset({"profession", "job_duties", "solely_related"})


def legal_findings(campaign: Campaign, services: Services) -> Iterator[Finding]:
    """Warnings; nothing for mail that is no advertising. Each mail is judged by the same rules when it goes."""
    if not campaign.stream.commercial:
        return
    today = services.clock.now().date()
    yield from _assessment(campaign, today)
    table = services.jurisdictions
    countries = campaign.audience.countries or table.countries
    for text in policy_warnings(table, countries, today):
        what, _, mend = text.partition(": ")
        yield Finding("warning", "policy", what, mend)
    if not campaign.audience.functions:
        asking = [cc for cc in countries if _asks_for_role(table.of(cc, today))]
        if asking:
            what = f"names none, but {', '.join(asking)} allow mail only about the recipient's work: it is held there"
            yield Finding("warning", "[audience] functions", what, "name the professions that the offer is for")


def _assessment(campaign: Campaign, today: date) -> Iterator[Finding]:
    if campaign.basis is not Basis.LEGITIMATE_INTEREST:
        return
    for fault in lia_faults(campaign.lia_document, campaign.controller, today):
        mend = f"penstock lia check {campaign.lia}" if fault.fields else "penstock lia new FILE, then name it here"
        yield Finding("warning", "[campaign] lia", f"{fault.code}: {fault.why}", mend)


def _asks_for_role(row: Jurisdiction) -> bool:
    return not _BY_ROLE.isdisjoint((*row.named.conditions, *row.sole.conditions))
