"""The shipped policy: which stages a mail walks through, in this order. `[[stage]]` tables in the config replace it."""

from __future__ import annotations

__all__ = ["SHIPPED"]

SHIPPED: dict[str, str] = {
    # what nobody may overrule
    "suppression": "penstock.stages.checks.suppression:SuppressionCheck",
    "address": "penstock.stages.checks.address:AddressCheck",
    # may we, and does it concern this person (legal basis and provenance stand between address and relevance)
    "schedule": "penstock.stages.checks.schedule:Schedule",
    "relevance": "penstock.stages.checks.relevance:Relevance",
    "duplicate": "penstock.stages.checks.duplicate:Duplicate",
    "frequency_cap": "penstock.stages.checks.frequency_cap:FrequencyCap",
    "rate_limit": "penstock.stages.checks.rate_limit:RateLimit",
    # making the mail
    "compose": "penstock.stages.edits.compose:Compose",
    "notice": "penstock.stages.edits.notice:Notice",
    "list_unsubscribe": "penstock.stages.edits.list_unsubscribe:ListUnsubscribe",
    "write": "penstock.stages.edits.write:Write",
    # the finished mail
    "verify": "penstock.stages.checks.verify:Verify",
}
