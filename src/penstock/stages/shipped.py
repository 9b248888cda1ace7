"""The shipped policy: which stages a mail walks through, in this order. `[[stage]]` tables in the config replace it."""

from __future__ import annotations

__all__ = ["SHIPPED"]

SHIPPED: dict[str, str] = {
    # what nobody may overrule
    "suppression": "penstock.stages.checks.suppression:SuppressionCheck",
    "address": "penstock.stages.checks.address:AddressCheck",
    "schedule": "penstock.stages.checks.schedule:Schedule",
    # may we
    "legal_basis": "penstock.stages.checks.legal_basis:LegalBasis",
    "external_register": "penstock.stages.checks.external_register:ExternalRegister",
    "legitimate_interest": "penstock.stages.checks.legitimate_interest:LegitimateInterest",
    "adapter_terms": "penstock.stages.checks.adapter_terms:AdapterTerms",
    "silent_adapter": "penstock.stages.checks.silent_adapter:SilentAdapter",
    "impact_assessment": "penstock.stages.checks.impact_assessment:ImpactAssessment",
    "provenance": "penstock.stages.checks.provenance:Provenance",
    "freshness": "penstock.stages.checks.freshness:Freshness",
    # does it concern this person, and not too often
    "relevance": "penstock.stages.checks.relevance:Relevance",
    "duplicate": "penstock.stages.checks.duplicate:Duplicate",
    "frequency_cap": "penstock.stages.checks.frequency_cap:FrequencyCap",
    "over_solicited": "penstock.stages.checks.over_solicited:OverSolicited",
    "rate_limit": "penstock.stages.checks.rate_limit:RateLimit",
    # making the mail
    "compose": "penstock.stages.edits.compose:Compose",
    "notice": "penstock.stages.edits.notice:Notice",
    "list_unsubscribe": "penstock.stages.edits.list_unsubscribe:ListUnsubscribe",
    "write": "penstock.stages.edits.write:Write",
    # the finished mail
    "verify": "penstock.stages.checks.verify:Verify",
    "dkim": "penstock.stages.edits.dkim:Dkim",
}
