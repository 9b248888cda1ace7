"""Who may be written to without being asked first, by country (rules section 2), and which country counts."""

from __future__ import annotations

from tests.rulebook.case import CUSTOMER, DE_NAMED, GENERIC, PUBLISHED, SELLERS, SOLE, Case, by_seller, case, consents

TABLE = """
AT in in in
BE in cond:impersonal+for_legal_persons in
BG review out in
HR review out in
CY in review in
CZ in in in
DE in in in
DK in in in
EE review out in
ES in in in
FI cond:job_duties out in
FR cond:profession out cond:profession
GR in in in
HU in cond:central_published_and_not_sole_trader in
IE cond:mainly_business+solely_related out cond:mainly_business+solely_related
IT in in in
LV review out in
LT in in in
LU review out in
MT in review in
NL cond:address_published_for_purpose cond:address_published_for_purpose in
PL in in in
PT in out in
RO in in in
SE out out in
SI review review in
SK cond:published_business_contact cond:published_business_contact cond:published_business_contact
IS in review in
LI in review in
NO in out in
GB cond:corporate_subscriber cond:corporate_subscriber in
CH in in in
US out out out
CA cond:implied_or_express cond:implied_or_express cond:implied_or_express
RU in in in
"""
"""The columns named, generic and sole of the policy table, copied by hand and independently of the program's own."""

ROWS = {row.split()[0]: row.split()[1:] for row in TABLE.split("\n") if row}
KINDS = {"named": {}, "generic": GENERIC, "sole": SOLE}
NEEDS_EVIDENCE = "block CONSENT_REQUIRED"
ANSWERS = {
    "in": "block CONSENT_REQUIRED",
    "out": "send",
    "review": "hold NO_LEGAL_BASIS",
    "cond:profession": "send",
    "cond:job_duties": "send",
    "cond:impersonal+for_legal_persons": "send",
    "cond:mainly_business+solely_related": "send",
    "cond:corporate_subscriber": "send",
    "cond:central_published_and_not_sole_trader": NEEDS_EVIDENCE,
    "cond:address_published_for_purpose": NEEDS_EVIDENCE,
    "cond:published_business_contact": NEEDS_EVIDENCE,
    "cond:implied_or_express": NEEDS_EVIDENCE,
}
"""By kind of cell, for the base contact: a purchasing head at a company, nothing published, no consent."""

FORM = {"company.legal_form": None}
NL, SK, CA, GB = ({"country": cc} for cc in ("NL", "SK", "CA", "GB"))
HU = {**GENERIC, "country": "HU"}


def cells() -> list[Case]:
    """Every row with every kind of recipient. A sole trader's cell shows only under a seller of the same country."""
    found = []
    for country, row in ROWS.items():
        for kind, cell in zip(KINDS, row, strict=True):
            at_home = by_seller(country) if kind == "sole" and country in SELLERS else {}
            contact = {"country": country, **KINDS[kind]}
            name = f"a {kind} recipient in {country} falls under '{cell}'"
            found.append(case(f"2 {country}", name, ANSWERS[cell], contact, **at_home))
    return found


def permitted() -> list[Case]:
    """A consent without a defect permits wherever the cell asks for one or is in doubt."""
    return [
        case(f"2 {country}", f"a {kind} recipient in {country} who consented is written to", "send",
             {"country": country, **KINDS[kind], **consents()})
        for country, row in ROWS.items()
        for kind, cell in zip(KINDS, row, strict=True)
        if cell in {"in", "review"} and (kind == "named" or country in {"DE", "SE", "MT", "SI"})
    ]  # fmt: skip


CONDITIONS = [
    *[case(f"2 {cc}", f"a private person in {cc} needs consent even if the address is published",
           "block NOT_PROFESSIONAL +CONSENT_REQUIRED", {"recipient_kind": "private", "country": cc, **PUBLISHED})
      for cc in ("FR", "IE", "SK")],
    case("2 SE", "a generic prefix at a sole trader is still the sole trader", "block CONSENT_REQUIRED",
         {"country": "SE", **GENERIC, "company.legal_form": "sole_trader"}),
    case("2 SE", "an enskild firma is a natural person whatever the address says", "block CONSENT_REQUIRED",
         {"country": "SE", "company.legal_form": "sole_trader"}),
    case("2 NL", "an address published for offers may be used", "send", {**NL, **PUBLISHED}),
    case("2 NL", "a published generic address may be used", "send", {**NL, **GENERIC, **PUBLISHED}),
    case("2 NL", "an address published without any word on offers is not designated", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.for_offers": None}),
    case("2 NL", "an address published for something else is not designated", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.for_offers": False}),
    case("2A notes", "a no-advertising statement beats publication in the Netherlands", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.no_advertising": True}),
    case("2A notes", "nobody looked whether advertising is refused", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.no_advertising": None}),
    case("2A notes", "publication without the page is no evidence", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.url": None}),
    case("2A notes", "publication without the day it was seen is no evidence", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.seen_at": None}),
    case("0 fail closed", "a publication seen tomorrow is no evidence", "block CONSENT_REQUIRED",
         {**NL, **PUBLISHED, "published.seen_at": "2026-11-24"}),
    case("2 SK", "a published business contact may be used", "send",
         {**SK, **PUBLISHED, "published.for_offers": None}),
    case("2 SK", "a published generic business contact may be used", "send", {**SK, **GENERIC, **PUBLISHED}),
    case("2 SK", "a Slovak trader's published business contact may be used by a Slovak seller", "send",
         {**SK, **SOLE, **PUBLISHED}, **by_seller("SK")),
    case("2A notes", "a no-advertising statement beats publication in Slovakia", "block CONSENT_REQUIRED",
         {**SK, **PUBLISHED, "published.no_advertising": True}),
    case("2A notes", "an unproven publication is none in Slovakia", "block CONSENT_REQUIRED",
         {**SK, **PUBLISHED, "published.url": None}),
    case("2 HU", "a company's published central address may be used", "send",
         {**HU, **PUBLISHED, "published.for_offers": None}),
    case("2 HU", "info@ of a Hungarian sole trader is a natural person", "block CONSENT_REQUIRED",
         {**HU, **PUBLISHED, "company.legal_form": "sole_trader"}),
    case("2 HU", "a named person is not a central address", "block CONSENT_REQUIRED", {"country": "HU", **PUBLISHED}),
    case("2 BE", "a product for persons is not meant for legal persons", "block CONSENT_REQUIRED",
         {"country": "BE", "language": "fr", **GENERIC}, campaign={"campaign.product_for": "persons"}),
    case("2 BE", "a product for both is not meant for legal persons alone", "block CONSENT_REQUIRED",
         {"country": "BE", "language": "fr", **GENERIC}, campaign={"campaign.product_for": "both"},
         doubt="the row says only 'product meant for legal persons'"),
    case("2 IE", "a product for persons does not relate solely to the business", "block CONSENT_REQUIRED",
         {"country": "IE"}, campaign={"campaign.product_for": "persons"},
         doubt="whom the product is for is the only thing that tells whether the message relates solely to the work"),
    case("2 IE", "a product for both does not relate solely to the business", "block CONSENT_REQUIRED",
         {"country": "IE"}, campaign={"campaign.product_for": "both"},
         doubt="'solely' is read to the letter"),
    *[case("2 UK", f"a {form} is a corporate subscriber", "send", {**GB, "company.legal_form": form})
      for form in ("company", "scottish_partnership", "public_body")],
    *[case("2 UK", f"the {kind} mailbox of a {form} is an individual subscriber's", "block CONSENT_REQUIRED",
           {**GB, "company.legal_form": form, **KINDS[kind]})
      for form in ("partnership", "sole_trader") for kind in ("named", "generic")],
    case("2 PL", "Poland has no existing-customer exception", "block CONSENT_REQUIRED|SOFT_OPTIN_FAILED",
         {"country": "PL", **CUSTOMER}, campaign={"campaign.basis": "customer", "campaign.stream": "customer"}),
]  # fmt: skip

LEGAL_FORMS = [
    *[case("0 #30", f"nobody knows whether the {kind} mailbox in {cc} is a company's", "hold LEGAL_FORM_UNKNOWN",
           {"country": cc, **KINDS[kind], **FORM})
      for cc, kind in (("GB", "named"), ("GB", "generic"), ("SE", "named"), ("SE", "generic"))],
    case("0 #30", "nobody knows whether the published address in HU is a company's", "hold LEGAL_FORM_UNKNOWN",
         {**HU, **PUBLISHED, **FORM}),
    *[case("0 #30", f"nobody knows whether the {kind} mailbox in {cc} is a company's", "hold LEGAL_FORM_UNKNOWN",
           {"country": cc, "language": "en", **KINDS[kind], **FORM},
           doubt="the code's list ends with '…'; here, too, a sole trader's cell is stricter")
      for cc, kind in (("FI", "named"), ("FI", "generic"), ("BE", "generic"), ("NO", "generic"), ("PT", "generic"),
                       ("BG", "generic"))],
    case("0 #30", "in France nothing hangs on the legal form if the seller is French", "send", {**FORM},
         **by_seller("FR")),
    case("0 strictest of three", "a Swedish seller need not know what French law does not ask", "send", {**FORM},
         doubt="decided: the sender's law binds what is known; a record is not held for what its own law does not ask"),
    case("0 #30", "a proven consent makes the legal form immaterial", "send", {**GB, **FORM, **consents()},
         doubt="consent permits in either column, so nothing hangs on the form; the row says HOLD without exception"),
    case("0 #30", "a German of unknown legal form needs consent either way", "block CONSENT_REQUIRED",
         {**DE_NAMED, **FORM}, **by_seller("DE")),
]  # fmt: skip

COUNTRIES = [
    case("0 strictest of three", "a Swedish seller's law protects a French sole trader", "block CONSENT_REQUIRED",
         SOLE),
    case("0 strictest of three", "a Swedish seller's law protects an American sole trader", "block CONSENT_REQUIRED",
         {"country": "US", **SOLE}),
    case("0 strictest of three", "a German seller asks before writing to France", "block CONSENT_REQUIRED",
         {}, **by_seller("DE")),
    case("0 strictest of three", "a German seller asks before writing to a generic mailbox in Sweden",
         "block CONSENT_REQUIRED", {"country": "SE", **GENERIC}, **by_seller("DE")),
    case("0 strictest of three", "an American seller gains nothing in Germany", "block CONSENT_REQUIRED",
         DE_NAMED, **by_seller("US")),
    case("S-008", "without a country nothing is decided", "hold COUNTRY_UNKNOWN", {"country": None}),
    case("S-008", "a consent does not replace the country", "hold COUNTRY_UNKNOWN", {"country": None, **consents()}),
    case("0 #30", "the headline is the lowest number, the verdict the strictest", "block COUNTRY_UNKNOWN +NOT_RELEVANT",
         {"country": None, "company.industry": "C10"}),
    *[case("2 **", f"{cc} is not in the table", "hold|block COUNTRY_UNKNOWN", {"country": cc},
           doubt="the row says both 'consent needed' and HOLD; either stops the mail") for cc in ("BR", "JP", "UA")],
    case("2 **", "a consent does not make an unlisted country known", "hold COUNTRY_UNKNOWN",
         {"country": "BR", **consents()}),
    case("0 fail closed", "a country that does not exist is no country", "hold|reject COUNTRY_UNKNOWN|*",
         {"country": "XQ"}, campaign={"audience.countries": []},
         doubt="a row with an unreadable value may be rejected instead"),
    *[case("C4 country", f"{said} is understood", "send", {"country": said})
      for said in ("fr", "France", "Frankreich", "Frankrike", "UK", "United Kingdom", "Sverige", "Irlande")],
    *[case("C4 country", f"{said} is understood and needs consent", "block CONSENT_REQUIRED", {"country": said})
      for said in ("Deutschland", "Allemagne", "Polska", "Danmark")],
    case("2A notes", "working in Germany for a French company needs consent", "block CONSENT_REQUIRED",
         {"workplace_country": "DE"}),
    case("2A notes", "working in France for a German company needs consent", "block CONSENT_REQUIRED",
         {"country": "DE", "workplace_country": "FR"}),
    case("2A notes", "working in Sweden for a French company needs none", "send", {"workplace_country": "SE"}),
    case("2A notes", "working in Croatia for a French company is for a person to decide", "hold NO_LEGAL_BASIS",
         {"workplace_country": "HR"}),
    case("0 #30", "a workplace outside the table is as unknown as a seat", "hold|block COUNTRY_UNKNOWN",
         {"workplace_country": "BR"}, doubt="as for an unlisted seat"),
    case("2A notes", "a Swedish domain contradicts a French seat", "hold COUNTRY_UNKNOWN",
         {"address": "anna.keller{n}@example.se"}),
    case("2A notes", "a German domain contradicts a French seat", "hold COUNTRY_UNKNOWN",
         {"address": "anna.keller{n}@example.de"}),
    case("2A notes", "a British domain is British", "send",
         {"country": "GB", "address": "anna.keller{n}@example.co.uk"}),
    case("2A notes", "a Swedish domain is Swedish", "send", {"country": "SE", "address": "anna.keller{n}@example.se"}),
    case("2A notes", "a German domain does not turn a Swede into a German only, it stops the mail",
         "hold COUNTRY_UNKNOWN", {"country": "SE", "address": "anna.keller{n}@example.de"}),
    case("2A notes", "a domain of the workplace contradicts nothing", "send",
         {"country": "FR", "workplace_country": "SE", "address": "anna.keller{n}@example.se"},
         doubt="the note names only the country; the workplace explains the domain"),
    *[case("2A notes", f".{tld} says nothing about the country", "send", {"address": f"anna.keller{{n}}@example.{tld}"})
      for tld in ("com", "eu", "org")],
    case("2A notes", "the domain never gives the country", "hold COUNTRY_UNKNOWN",
         {"country": None, "address": "anna.keller{n}@example.fr"}),
]  # fmt: skip

FETCHED = "registers.KZP.fetched_at"
BG, AT = {**GENERIC, "country": "BG"}, {"country": "AT"}
REGISTERS = [
    case("0 #15", "an address in the Bulgarian register is left alone", "block EXTERNAL_REGISTER", BG,
         registered=(("KZP", "info@muster-werk-{n}.example"),)),
    case("0 #15", "a domain in the Bulgarian register is left alone", "block EXTERNAL_REGISTER", BG,
         registered=(("KZP", "muster-werk-{n}.example"),)),
    case("0 #15", "an address in the Portuguese register is left alone", "block EXTERNAL_REGISTER",
         {**GENERIC, "country": "PT"}, registered=(("DGC", "INFO@muster-werk-{n}.example"),)),
    case("0 #15", "the Bulgarian register does not bind in Portugal", "send", {**GENERIC, "country": "PT"},
         registered=(("KZP", "info@muster-werk-{n}.example"),)),
    case("C9 registers", "without the register nobody in Bulgaria is written to", "hold EXTERNAL_REGISTER", BG,
         config={"registers.KZP": None}),
    case("C9 registers", "a register of 30 days serves", "send", BG, config={FETCHED: "2026-10-24"}),
    case("C9 registers", "a register of 31 days serves", "send", BG, config={FETCHED: "2026-10-23"}),
    case("C9 registers", "a register of 32 days is too old", "hold EXTERNAL_REGISTER", BG,
         config={FETCHED: "2026-10-22"}),
    case("C9 registers", "a register of unknown age is too old", "hold EXTERNAL_REGISTER", BG, config={FETCHED: None}),
    case("0 fail closed", "a register fetched tomorrow is no register", "hold EXTERNAL_REGISTER", BG,
         config={FETCHED: "2026-11-24"}),
    case("2 AT", "an express consent overrides the ECG list", "send", {**AT, **consents()},
         registered=(("ECG", "anna.keller@muster-werk-{n}.example"),)),
    case("2 AT", "the customer exception fails on the ECG list", "block EXTERNAL_REGISTER", {**AT, **CUSTOMER},
         campaign={"campaign.basis": "customer", "campaign.stream": "customer"},
         registered=(("ECG", "anna.keller@muster-werk-{n}.example"),)),
    case("2 AT", "the customer exception holds off the ECG list", "send", {**AT, **CUSTOMER},
         campaign={"campaign.basis": "customer", "campaign.stream": "customer"}),
]  # fmt: skip

CASES = [*cells(), *permitted(), *CONDITIONS, *LEGAL_FORMS, *COUNTRIES, *REGISTERS]
