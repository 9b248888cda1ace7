"""What the campaign itself must bring: basis, assessment, purpose, time, stream (rules 0, 1B, 3; contract 3, 5, 9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.rulebook.case import CUSTOMER, DE_NAMED, GENERIC, SELLERS, TODAY, Case, case, consents

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EDGE = "the last day counts as inside, as a period ends with the end of its last day (Reg. 1182/71 art. 3)"
NO_LIA = {"campaign.lia": None}


def assessed(name: str, expected: str, rule: str = "0 #41", /, *, doubt: str = "", **changes: Any) -> Case:
    """The base case with changes to the assessment."""
    return case(rule, name, expected, lia={f"lia.{key}": value for key, value in changes.items()}, doubt=doubt)


MISSING, EXPIRED = "block LIA_MISSING", "block LIA_EXPIRED"
INCOMPLETE = "the documents name the parts but no code for a part that lacks"
ASSESSMENT = [
    case("0 #41", "legitimate interest without an assessment is none", MISSING, campaign=NO_LIA),
    assessed("an assessment of yesterday's end has expired", EXPIRED, expires_at=TODAY - timedelta(1)),
    assessed("an assessment that ends today has expired", EXPIRED, expires_at=TODAY,
             doubt="'expires_at' is read as a moment, the start of the day"),
    assessed("an assessment that ends tomorrow is current", "send", expires_at=TODAY + timedelta(1)),
    assessed("an assessment that never ends is none", "block LIA_MISSING|LIA_EXPIRED", expires_at=None,
             doubt="S-025 asks for an expiry"),
    assessed("a rejected assessment permits nothing", "block LIA_MISSING|NO_LEGAL_BASIS", outcome="rejected",
             doubt="'no current assessment' or 'no basis'"),
    assessed("another controller's assessment is none", MISSING, controller=SELLERS["FR"]),
    assessed("an assessment reviewed twelve months ago to the day is current", "send", "S-058",
             reviewed_at=date(2025, 11, 23), doubt=EDGE),
    assessed("an assessment reviewed twelve months and a day ago has expired", EXPIRED, "S-058",
             reviewed_at=date(2025, 11, 22)),
    assessed("an assessment reviewed tomorrow is none yet", "block LIA_MISSING|LIA_EXPIRED", "0 fail closed",
             reviewed_at=date(2026, 11, 24)),
    *[assessed(f"an assessment without its {part} is none", "block LIA_MISSING", "S-025", doubt=INCOMPLETE,
               **{part: ""})
      for part in ("purpose", "necessity", "impact", "reasonable_expectation", "reviewer")],
    assessed("an assessment without safeguards is none", MISSING, "S-026", doubt=INCOMPLETE, safeguards=[]),
    case("S-015", "a customer campaign needs no assessment in France either", "send", CUSTOMER,
         campaign={"campaign.basis": "customer", "campaign.stream": "customer", **NO_LIA}),
    case("0 #41", "a generic mailbox under legitimate interest needs the assessment as well", MISSING, GENERIC,
         campaign=NO_LIA, doubt="a generic mailbox is no person; the campaign still claims the interest"),
    case("0 #41", "a consent does not repair a campaign that claims legitimate interest", MISSING, consents(),
         campaign=NO_LIA, doubt="consent permits the e-mail; the campaign's basis stays legitimate interest"),
    case("0 principle 4", "no consent and no assessment are both told", "block CONSENT_REQUIRED +LIA_MISSING", DE_NAMED,
         campaign=NO_LIA),
    *[case("S-020", f"a campaign without a real {part} has no basis", "block NO_LEGAL_BASIS",
           campaign={f"campaign.{part}": said})
      for part, said in (("purpose", "marketing"), ("owner", ""))],
]  # fmt: skip

START, END = "campaign.starts_at", "campaign.expires_at"
TIMES = [
    case("C3 #55", "before its start a campaign waits", "defer CAMPAIGN_NOT_DUE",
         campaign={START: NOW + timedelta(seconds=1)}),
    case("C3 #55", "at its start a campaign goes", "send", campaign={START: NOW}),
    case("C3 #56", "seven days after its start an unsent campaign still goes", "send",
         campaign={START: NOW - timedelta(days=7)}, doubt="'within 7 days' includes the seventh to the second"),
    case("C3 #56", "after more than seven days an unsent campaign is stale", "hold CAMPAIGN_STALE",
         campaign={START: NOW - timedelta(days=7, seconds=1)}),
    case("C3 #56", "a second before its end a campaign goes", "send", campaign={END: NOW + timedelta(seconds=1)}),
    case("C3 #56", "after its end a campaign is stale", "hold CAMPAIGN_STALE",
         campaign={END: NOW - timedelta(seconds=1)}),
]  # fmt: skip

NEGLECTED = {
    **DE_NAMED, "source": None, "verified_at": None, "reason": None, "flags": ["minor"], "company.legal_form": None,
    "company.industry": "C10",
}  # fmt: skip
OBJECTED = ("anna.keller@muster-werk-{n}.example,,,objection,all",)
BOUNCED = ("anna.keller@muster-werk-{n}.example,,,bounce,all",)


def stream(name: str, said: str, expected: str, contact: Any = None, /, **rest: Any) -> Case:
    """The base campaign as another stream."""
    return case("C3 streams", name, expected, contact or {}, campaign={"campaign.stream": said}, **rest)


STREAMS = [
    *[stream(f"a {said} mail asks for nothing of 22 to 57", said, "send", NEGLECTED)
      for said in ("transactional", "notice")],
    *[stream(f"an objection does not stop a {said} mail", said, "send", suppressed=OBJECTED)
      for said in ("transactional", "notice")],
    *[stream(f"a restriction does not stop a {said} mail", said, "send", {"flags": ["restricted"]})
      for said in ("transactional", "notice")],
    *[stream(f"a dead address stops a {said} mail", said, "block HARD_BOUNCED", suppressed=BOUNCED)
      for said in ("transactional", "notice")],
    *[stream(f"an address that is none stops a {said} mail", said, "block|reject INVALID_ADDRESS",
             {"address": "anna..keller@muster-werk-{n}.example"}) for said in ("transactional", "notice")],
    stream("a newsletter asks as prospecting does", "newsletter", "block CONSENT_REQUIRED", DE_NAMED),
    stream("an objection stops a newsletter", "newsletter", "block SUPPRESSED_PERSON", suppressed=OBJECTED),
    stream("a newsletter by consent goes", "newsletter", "send", {**DE_NAMED, **consents()}),
    stream("a customer mail to a stranger asks as prospecting does", "customer",
           "block CONSENT_REQUIRED|SOFT_OPTIN_FAILED", DE_NAMED,
           doubt="the campaign's basis is legitimate interest, its stream is for customers"),
]  # fmt: skip

CASES = [*ASSESSMENT, *TIMES, *STREAMS]
