"""Consent and its defects, the existing-customer exception and Canada's implied consent (rules 1E, 2, 3)."""

from __future__ import annotations

from typing import Any

from tests.rulebook.case import CUSTOMER, DE_NAMED, Case, case, consent, consents, on

DE, FR, DK, AT = ({"country": cc} for cc in ("DE", "FR", "DK", "AT"))
OTHER = "Seine Logiciels SA"
EDGE = "the last day counts as inside, as a period ends with the end of its last day (Reg. 1182/71 art. 3)"


def german(rule: str, name: str, expected: str, *each: dict[str, Any], **rest: Any) -> Case:
    """A named person in Germany, where only a consent permits, with these consents."""
    return case(rule, name, expected, {**DE_NAMED, "consents": list(each)}, **rest)


# A defect is named in place of CONSENT_REQUIRED: otherwise the hold of 36 could never be a decision's verdict.
DEFECTS = [
    german("S-090", "possession of an address is no permission", "block CONSENT_REQUIRED"),
    german("S-093", "a consent to calls is none to e-mail", "block CONSENT_CHANNEL", consent(channel="phone")),
    german("S-092", "a consent given to another company cannot be passed on", "block CONSENT_CONTROLLER",
           consent(controller=OTHER)),
    german("S-092", "a consent given to nobody is given to another", "block CONSENT_CONTROLLER|CONSENT_UNPROVEN",
           consent(controller=None), doubt="who it was given to is both the controller and part of the proof"),
    german("0 #34", "a consent for another purpose is none for this", "block CONSENT_PURPOSE",
           consent(purpose="invitations to trade fairs")),
    german("0 #34", "a consent without a purpose covers none", "block CONSENT_PURPOSE|CONSENT_UNPROVEN",
           consent(purpose=None), doubt="the purpose is both what it covers and part of the proof"),
    german("0 #35", "without evidence a consent is unproven", "block CONSENT_UNPROVEN", consent(evidence=None)),
    german("0 #35", "an empty evidence is none", "block CONSENT_UNPROVEN", consent(evidence="")),
    german("0 #35", "without the wording a consent is unproven", "block CONSENT_UNPROVEN", consent(wording=None)),
    german("0 #35", "without the way it was given a consent is unproven", "block CONSENT_UNPROVEN",
           consent(mechanism=None)),
    german("0 #35", "without the day a consent is unproven", "block CONSENT_UNPROVEN", consent(given_at=None)),
    german("S-091", "a pre-ticked box is no consent", "block CONSENT_UNPROVEN|CONSENT_REQUIRED",
           consent(mechanism="pre_ticked"), doubt="'never valid': no consent at all, or one that proves nothing"),
    german("2A proof", "a single opt-in proves nothing in Germany", "block CONSENT_UNPROVEN",
           consent(mechanism="single_opt_in")),
    german("2A proof", "a spoken consent proves nothing in Germany", "block CONSENT_UNPROVEN",
           consent(mechanism="oral")),
    german("2A proof", "a written consent proves in Germany", "send", consent(mechanism="written")),
    german("2A proof", "a double opt-in proves in Germany", "send", consent()),
    *[case("2A proof", f"{mechanism} proves nothing in Austria", "block CONSENT_UNPROVEN",
           {**AT, **consents(consent(mechanism=mechanism))}) for mechanism in ("single_opt_in", "oral")],
    *[case("2A proof", f"{mechanism} with evidence proves in Denmark", "send",
           {**DK, **consents(consent(mechanism=mechanism))}) for mechanism in ("single_opt_in", "oral", "written")],
    case("S-091", "a pre-ticked box is no consent in Denmark either", "block CONSENT_UNPROVEN|CONSENT_REQUIRED",
         {**DK, **consents(consent(mechanism="pre_ticked"))}, doubt="as in Germany"),
    german("0 #33", "two defects are both told, the lower number leads", "block CONSENT_CHANNEL +CONSENT_CONTROLLER",
           consent(channel="phone", controller=OTHER)),
    german("1E", "one good consent outweighs a defective one", "send", consent(channel="phone"), consent()),
    german("1E", "two halves make no consent", "block CONSENT_CHANNEL|CONSENT_CONTROLLER",
           consent(channel="phone"), consent(controller=OTHER), doubt="which half leads is not said"),
]  # fmt: skip

DATES = [
    german("3 consent age", "a consent of 24 months less a day holds", "send", consent(given_at="2024-11-24")),
    german("3 consent age", "a consent of 24 months to the day holds", "send", consent(given_at="2024-11-23"),
           doubt=EDGE),
    german("3 consent age", "a consent of 24 months and a day has expired", "hold CONSENT_EXPIRED",
           consent(given_at="2024-11-22")),
    german("0 #36", "a consent dated tomorrow is not given", "hold CONSENT_EXPIRED", consent(given_at="2026-11-24")),
    german("0 #36", "a consent dated in an hour is not given", "hold CONSENT_EXPIRED",
           consent(given_at="2026-11-23T10:00:00Z")),
    german("0 #36", "a consent given this moment holds", "send", consent(given_at="2026-11-23T09:00:00Z")),
    german("S-009", "a consent from before the GDPR must be proven anew",
           "hold|block CONSENT_UNPROVEN|CONSENT_EXPIRED +CONSENT_EXPIRED", consent(given_at="2018-05-24"),
           doubt="it is older than 24 months in any case; whether it is unproven as well is not said"),
    case("3 consent age", "24 months from the leap day end on the last of February", "send",
         **on("2026-02-28", {**DE, **consents(consent(given_at="2024-02-29"))}), doubt=EDGE),
    case("3 consent age", "24 months from the leap day are over in March", "hold CONSENT_EXPIRED",
         **on("2026-03-01", {**DE, **consents(consent(given_at="2024-02-29"))})),
]  # fmt: skip

WITHDRAWN = consent(withdrawn_at="2026-11-01")
WITHDRAWALS = [
    german("0 #13", "a withdrawn consent is over", "block CONSENT_WITHDRAWN", WITHDRAWN),
    case("0 #13", "after a withdrawal there is no way back to legitimate interest", "block CONSENT_WITHDRAWN",
         consents(WITHDRAWN)),
    case("0 #13", "a withdrawal of this very moment counts", "block CONSENT_WITHDRAWN",
         consents(consent(withdrawn_at="2026-11-23T09:00:00Z"))),
    case("0 fail closed", "a withdrawal dated tomorrow is a withdrawal", "block CONSENT_WITHDRAWN",
         consents(consent(withdrawn_at="2026-11-24")), doubt="a wrong clock must not keep a refusal from counting"),
    case("0 #13", "withdrawing one purpose leaves another purpose's legitimate interest", "send",
         consents(consent(purpose="invitations to trade fairs", withdrawn_at="2026-11-01")),
         doubt="the row says 'for the same purpose'; purposes are compared by their words"),
    case("0 #13", "withdrawing from another controller is no word to us", "send",
         consents(consent(controller=OTHER, withdrawn_at="2026-11-01"))),
    case("0 #13", "withdrawing a consent to calls leaves e-mail", "send",
         consents(consent(channel="phone", withdrawn_at="2026-11-01"))),
    german("0 #13", "a consent given after the withdrawal holds", "send", WITHDRAWN, consent(given_at="2026-11-10")),
    german("0 #13", "a consent given before another's withdrawal is withdrawn with it", "block CONSENT_WITHDRAWN",
           consent(given_at="2026-09-01"), WITHDRAWN,
           doubt="withdrawal is of the permission for a purpose, not of one record"),
    german("0 principle 4", "a withdrawal leads over the defects", "block CONSENT_WITHDRAWN",
           consent(withdrawn_at="2026-11-01", evidence=None)),
]  # fmt: skip

BY_CONSENT = {"campaign.basis": "consent", "campaign.lia": None}
BASIS = [
    case("S-021", "a campaign by consent needs it where the country does not", "block CONSENT_REQUIRED|NO_LEGAL_BASIS",
         campaign=BY_CONSENT, doubt="France asks for none; the campaign's own basis is what lacks"),
    case("S-021", "a campaign by consent needs no assessment", "send", consents(), campaign=BY_CONSENT),
    case("S-092", "a campaign by consent names the wrong controller in France too", "block CONSENT_CONTROLLER",
         consents(consent(controller=OTHER)), campaign=BY_CONSENT),
    case("S-085", "a consent on record does not harm legitimate interest", "send", consents()),
    case("S-090", "a defective consent in France does not harm legitimate interest", "send",
         consents(consent(evidence=None)), doubt="it is not relied on"),
]  # fmt: skip

AS_CUSTOMER = {"campaign.basis": "customer", "campaign.stream": "customer"}


def customer(rule: str, name: str, expected: str, /, **changes: Any) -> Case:
    """A customer in Germany; changes to the relationship by field."""
    return relation(rule, name, expected, "DE", **changes)


def relation(
    rule: str, name: str, expected: str, country: str, /, *, doubt: str = "", lia: bool = True, **changes: Any
) -> Case:
    """A customer in `country`; changes to the relationship by field."""
    contact = {"country": country, **CUSTOMER, **{f"relationship.{key}": value for key, value in changes.items()}}
    campaign = AS_CUSTOMER if lia else {**AS_CUSTOMER, "campaign.lia": None}
    return case(rule, name, expected, contact, campaign=campaign, doubt=doubt)


FAILED = "block SOFT_OPTIN_FAILED"
SOFT = [
    customer("2A soft opt-in", "a customer who meets all four conditions is written to", "send"),
    customer("S-015", "the customer exception needs no assessment", "send", lia=False),
    customer("2A soft opt-in", "without a sale there is no exception", FAILED, last_purchase_at=None),
    customer("2A soft opt-in", "an inquiry is no sale", FAILED, last_purchase_at=None, last_inquiry_at="2026-11-01"),
    customer("2A soft opt-in", "other goods are not similar goods", FAILED, similar_goods=False),
    customer("2A soft opt-in", "nobody knows whether the goods are similar", FAILED, similar_goods=None),
    customer("2A soft opt-in", "who was not told at collection is not covered", FAILED, notice_at_collection=False),
    customer("2A soft opt-in", "nobody knows whether they were told at collection", FAILED, notice_at_collection=None),
    customer("2A soft opt-in", "another company's customer is not ours", FAILED, purchased_from=OTHER),
    customer("2A soft opt-in", "nobody knows whose customer it is", FAILED, purchased_from=None),
    customer("0 fail closed", "a sale of tomorrow is no sale", FAILED, last_purchase_at="2026-11-24"),
    *[relation("2A soft opt-in", f"{cc} knows no customer exception", "block CONSENT_REQUIRED|SOFT_OPTIN_FAILED", cc)
      for cc in ("HU", "RU")],
    *[relation("2A soft opt-in", f"{cc} knows the customer exception", "send", cc) for cc in ("ES", "IT", "DK", "CZ")],
    relation("2 IE", "a sale of twelve months less a day covers", "send", "IE", last_purchase_at="2025-11-24"),
    relation("2 IE", "a sale of twelve months to the day covers", "send", "IE", last_purchase_at="2025-11-23",
             doubt=EDGE),
    relation("2 IE", "a sale of twelve months and a day covers no more", FAILED, "IE", last_purchase_at="2025-11-22",
             doubt="the business address itself is open in Ireland; the campaign claims the customer exception"),
    relation("2A soft opt-in", "twelve months are Ireland's, not Germany's", "send", "DE",
             last_purchase_at="2025-11-22"),
    case("2A soft opt-in", "a refusal ends the exception", "block SUPPRESSED_PERSON", {**DE, **CUSTOMER},
         campaign=AS_CUSTOMER, suppressed=("anna.keller@muster-werk-{n}.example,,,objection,all",)),
    case("2A soft opt-in", "a withdrawn consent ends the exception", "block CONSENT_WITHDRAWN",
         {**DE, **CUSTOMER, **consents(WITHDRAWN)}, campaign=AS_CUSTOMER),
    case("0 #37", "a stranger in France is not a customer", FAILED, campaign=AS_CUSTOMER),
    case("0 #37", "the exception is for customer campaigns only", "block CONSENT_REQUIRED", {**DE, **CUSTOMER},
         doubt="contract section 3 lets consent and implied consent satisfy legitimate interest and is silent on this"),
]  # fmt: skip


def canadian(rule: str, name: str, expected: str, /, *, doubt: str = "", **changes: Any) -> Case:
    """A purchasing head in Canada who bought from us or asked us; changes by field, `__` for a dot."""
    contact = {key.replace("__", "."): value for key, value in changes.items()}
    return case(rule, name, expected, {"country": "CA", "relationship.purchased_from": None, **contact}, doubt=doubt)


BOUGHT: dict[str, Any] = {"relationship__purchased_from": "Nordlicht Software AB"}
SEEN: dict[str, Any] = {
    "published__url": "https://muster-werk-{n}.example/team", "published__seen_at": "2026-11-10",
    "published__no_advertising": False,
}  # fmt: skip
GONE = "block IMPLIED_CONSENT_EXPIRED"
CASL = [
    canadian("2 CA", "a purchase of 24 months less a day implies consent", "send",
             relationship__last_purchase_at="2024-11-24", **BOUGHT),
    canadian("2 CA", "a purchase of 24 months to the day implies consent", "send",
             relationship__last_purchase_at="2024-11-23", **BOUGHT),
    canadian("2 CA", "a purchase of 24 months and a day implies nothing", GONE,
             relationship__last_purchase_at="2024-11-22", **BOUGHT),
    canadian("2 CA", "an inquiry of six months less a day implies consent", "send",
             relationship__last_inquiry_at="2026-05-24"),
    canadian("2 CA", "an inquiry of six months to the day implies consent", "send",
             relationship__last_inquiry_at="2026-05-23"),
    canadian("2 CA", "an inquiry of six months and a day implies nothing", GONE,
             relationship__last_inquiry_at="2026-05-22"),
    canadian("2 CA", "an old purchase is saved by a new inquiry", "send", relationship__last_purchase_at="2020-01-01",
             relationship__last_inquiry_at="2026-11-01", **BOUGHT),
    canadian("2 CA", "a purchase from another company implies nothing", "block CONSENT_REQUIRED",
             relationship__last_purchase_at="2026-11-01", relationship__purchased_from=OTHER),
    canadian("0 fail closed", "a purchase of tomorrow implies nothing",
             "block CONSENT_REQUIRED|IMPLIED_CONSENT_EXPIRED", relationship__last_purchase_at="2026-11-24", **BOUGHT),
    canadian("2 CA", "a conspicuously published business address implies consent", "send", **SEEN),
    canadian("2 CA", "publication with a refusal implies nothing", "block CONSENT_REQUIRED",
             **{**SEEN, "published__no_advertising": True}),
    canadian("2A notes", "nobody looked for a refusal beside the address", "block CONSENT_REQUIRED",
             **{**SEEN, "published__no_advertising": None}),
    canadian("2A notes", "publication without the page implies nothing", "block CONSENT_REQUIRED",
             **{**SEEN, "published__url": None}),
    canadian("2A notes", "publication without the day implies nothing", "block CONSENT_REQUIRED",
             **{**SEEN, "published__seen_at": None}),
    canadian("2 CA", "publication implies nothing if the role is unknown", "hold|block *", **SEEN, function=None,
             title=None, doubt="which of role and audience leads is not said"),
    canadian("2 CA", "publication saves an expired purchase", "send", relationship__last_purchase_at="2020-01-01",
             **BOUGHT, **SEEN),
    *[case("2A proof", f"an express {mechanism} consent serves in Canada", "send",
           {"country": "CA", **consents(consent(mechanism=mechanism))}) for mechanism in ("oral", "double_opt_in")],
    case("2 CA", "six months from the end of August end with February", "send",
         **on("2027-02-28", {"country": "CA", "relationship.last_inquiry_at": "2026-08-31"})),
    case("2 CA", "six months from the end of August are over in March", GONE,
         **on("2027-03-01", {"country": "CA", "relationship.last_inquiry_at": "2026-08-31"}),
         doubt="28 February is a Sunday, but a limit on us is not prolonged to the next working day"),
    case("2 CA", "six months from the end of February end on 28 August", GONE,
         **on("2026-08-31", {"country": "CA", "relationship.last_inquiry_at": "2026-02-28"})),
    case("2 CA", "24 months from the leap day end on the last of February", "send",
         **on("2026-02-28", {"country": "CA", "relationship.last_purchase_at": "2024-02-29",
                             "relationship.purchased_from": "Nordlicht Software AB"})),
    case("2 CA", "24 months from the leap day are over on the second of March", GONE,
         **on("2026-03-02", {"country": "CA", "relationship.last_purchase_at": "2024-02-29",
                             "relationship.purchased_from": "Nordlicht Software AB"})),
]  # fmt: skip

CASES = [*DEFECTS, *DATES, *WITHDRAWALS, *BASIS, *SOFT, *CASL]
