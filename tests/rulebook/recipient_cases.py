"""Who the recipient is: address, mailbox, person, refusals, fit with the audience (rules 0, 1C, 1F; contract 3-5)."""

from __future__ import annotations

from typing import Any

from tests.rulebook.case import DE_NAMED, GENERIC, SELLERS, SOLE, Case, case, consents, on

HOST = "muster-werk-{n}.example"
PERSON = f"anna.keller@{HOST}"
NO = {"country": "NO"}
"""In Norway a generic mailbox is free and a named one is not: it shows as which of them an address was read."""


def address(rule: str, name: str, expected: str, spelled: str, /, **rest: Any) -> Case:
    """The base contact at another address."""
    return case(rule, name, expected, {"address": spelled, **rest.pop("contact", {})}, **rest)


ADDRESSES = [
    *[address("0 #20", f"{fault} makes no address", "reject INVALID_ADDRESS", spelled)
      for fault, spelled in (
          ("two dots in a row", f"anna..keller@{HOST}"), ("no at sign", f"anna.keller.{HOST}"),
          ("two at signs", f"anna@keller@{HOST}"), ("an empty local part", f"@{HOST}"), ("an empty domain", "anna@"),
          ("a local part of 65 octets", f"{'a' * 65}@{HOST}"), ("a label of 64 octets", f"anna@{'b' * 64}.example"),
          ("a space", f"anna keller@{HOST}"), ("a line break", f"anna@{HOST}\r\nBcc: eva@{HOST}"),
          ("a label that ends in a hyphen", "anna@muster-.example"), ("a leading dot", f".anna@{HOST}"))],
    address("0 #20", "a local part of 64 octets is an address", "send", f"{'a' * 60}{{n}}@{HOST}"),
    case("C4 address", "an empty address is no record", "reject *", {"address": ""}),
    case("C4 address", "a missing address is no record", "reject *", {"address": None}),
    address("0 #21", "a non-ASCII local part waits for a door that takes it", "hold SMTPUTF8_UNSUPPORTED",
            f"änne.keller@{HOST}", config={"adapters.main.url": "file:outbox?smtputf8=no"}),
    address("0 #21", "a non-ASCII local part goes through a door that takes it", "send", f"änne.keller@{HOST}"),
    address("4.10", "a non-ASCII domain alone needs nothing", "send", "anna.keller@müster-werk-{n}.example",
            config={"adapters.main.url": "file:outbox?smtputf8=no"}),
    address("C3 confusable", "a Cyrillic letter among Latin ones is a disguise", "hold INVALID_ADDRESS",
            f"аnna.keller@{HOST}"),
    address("C3 confusable", "a Cyrillic letter in a Latin domain is a disguise", "hold INVALID_ADDRESS",
            "anna.keller@muster-wеrk-{n}.example"),
    *[address("0 #23", f"{local}@ is a machine's", "block ROLE_ADDRESS_TECHNICAL", f"{local}@{HOST}",
              contact={"given_name": None, "family_name": None})
      for local in ("postmaster", "abuse", "noreply", "hostmaster", "mailer-daemon", "no-reply", "Postmaster")],
    address("0 #23", "a sub-address does not make postmaster a person", "block ROLE_ADDRESS_TECHNICAL",
            f"postmaster+anna@{HOST}"),
    address("0 #23", "consent does not make abuse@ a reader", "block ROLE_ADDRESS_TECHNICAL", f"abuse@{HOST}",
            contact=consents()),
    *[address("S-050", f"{domain} is no professional address", "block NOT_PROFESSIONAL|CONSENT_REQUIRED "
              "+NOT_PROFESSIONAL", f"nobody.penstock{{n}}@{domain}") for domain in ("gmail.com", "outlook.com")],
    address("S-050", "freemail with a proven consent may be used", "send", "nobody.penstock{n}@gmail.com",
            contact=consents()),
    address("S-050", "a defective consent does not open freemail", "block NOT_PROFESSIONAL +NOT_PROFESSIONAL",
            "nobody.penstock{n}@gmail.com",
            contact=consents({"channel": "phone", "controller": "Nordlicht Software AB"})),
    address("S-050", "a sole trader at freemail is no professional address", "block NOT_PROFESSIONAL +NOT_PROFESSIONAL",
            "nobody.penstock{n}@gmail.com", contact=SOLE),
]  # fmt: skip

GENERIC_NAMES = (
    "info", "contact", "kontakt", "office", "buero", "büro", "post", "firmapost", "mail", "sales", "vertrieb",
    "einkauf", "hello", "bonjour", "accueil", "direction", "reception", "sekretariat", "zentrale", "kundenservice",
    "kundtjanst", "ordrar", "compras", "ventas", "segreteria", "biuro", "iroda", "zakupki", "priemnaya", "приёмная",
    "закупки",
)  # fmt: skip
KINDS = [
    *[case("2A generic", f"{local}@ is a generic mailbox", "send",
           {**GENERIC, **NO, "address": f"{local}@{HOST}"}, variant="regular") for local in GENERIC_NAMES],
    case("2A generic", "capitals do not hide a generic mailbox", "send", {**GENERIC, **NO, "address": f"Info@{HOST}"}),
    case("S-007", "a name in the address makes it personal", "block CONSENT_REQUIRED", NO),
    case("S-007", "initials with a name on the card are personal", "block CONSENT_REQUIRED",
         {**NO, "address": f"ak@{HOST}"}),
    case("S-007", "a generic address with a name on the card is personal", "block CONSENT_REQUIRED",
         {**NO, "address": f"info@{HOST}"}, doubt="S-007 says 'name on card ⇒ personal data'"),
    case("S-007", "an address nobody can read is personal", "block CONSENT_REQUIRED",
         {**GENERIC, **NO, "function": "purchasing", "address": f"xk7@{HOST}"},
         doubt="neither generic nor named by the list; personal is the stricter"),
    case("0 fail closed", "a personal address called generic stays personal", "block CONSENT_REQUIRED",
         {**NO, "recipient_kind": "generic"},
         doubt="the stated kind contradicts the address; conflict 4 says 'by address'"),
    case("C3 variant", "a first message is a first contact", "send", variant="first"),
    case("C3 variant", "a generic mailbox is no person", "send", GENERIC, variant="regular"),
    case("C3 variant", "a notice given otherwise does not make it regular", "send", {"notice_given_at": "2026-11-12"},
         variant="first"),
]  # fmt: skip

PERSONS = [
    case("0 #24", "who is flagged as minor is not written to", "block MINOR", {"flags": ["minor"]}),
    case("0 #24", "consent does not make a minor of age", "block MINOR", {"flags": ["minor"], **consents()}),
    case("0 #24", "who turns eighteen today is of age", "send", {"born": "2008-11-23"}),
    case("0 #24", "who turned eighteen yesterday is of age", "send", {"born": "2008-11-22"}),
    case("0 #24", "who turns eighteen tomorrow is a minor", "block MINOR", {"born": "2008-11-24"}),
    case("0 fail closed", "a birthday to come is no age", "hold|block|reject MINOR|*", {"born": "2030-01-01"},
         doubt="which code an impossible birthday has is not said"),
    case("0 fail closed", "nobody is 176 years old", "hold|block|reject MINOR|*", {"born": "1850-01-01"},
         doubt="which code an impossible birthday has is not said"),
    case("0 fail closed", "30 February is no birthday", "hold|block|reject MINOR|*", {"born": "1990-02-30"},
         doubt="a row that cannot be read is rejected; the value alone may be"),
    case("0 #24", "a policy of 21 years is the stricter one", "block MINOR", {"born": "2006-11-24"},
         config={"policy.minor_under": 21}),
    case("0 #25", "special categories are for a person to decide", "hold SPECIAL_CATEGORY",
         {"flags": ["special_category"]}),
    case("0 #14", "who asked for restriction is left alone", "block RESTRICTED", {"flags": ["restricted"]}),
    case("0 principle 4", "two flags are both told", "block MINOR +SPECIAL_CATEGORY",
         {"flags": ["special_category", "minor"]}),
    case("0 principle 4", "a restriction leads over a minor", "block RESTRICTED +MINOR",
         {"flags": ["minor", "restricted"]}),
    case("0 #24", "born on the leap day is not yet eighteen at the end of February", "block MINOR",
         **on("2026-02-28", {"born": "2008-02-29"})),
    case("0 #24", "born on the leap day is eighteen in March", "send", **on("2026-03-01", {"born": "2008-02-29"})),
]  # fmt: skip

BASE = f"{PERSON},,,"
REFUSALS = [
    *[case("0 #10", f"{reason} by the person ends it", "block SUPPRESSED_PERSON", suppressed=(f"{BASE}{reason},all",))
      for reason in ("objection", "unsubscribe", "phone", "other")],
    case("0 #17", "a complaint is an objection as well", "block SUPPRESSED_PERSON +COMPLAINED",
         suppressed=(f"{BASE}complaint,all",)),
    case("0 #16", "a dead address stays dead", "block HARD_BOUNCED +HARD_BOUNCED", suppressed=(f"{BASE}bounce,all",)),
    *[case("4.13", f"{how} comes back as the same person", "block SUPPRESSED_PERSON", {"address": spelled},
           suppressed=(f"{BASE}objection,all",))
      for how, spelled in (("a sub-address", f"anna.keller+offers@{HOST}"), ("other case", f"Anna.KELLER@{HOST}"),
                           ("capitals in the domain", "anna.keller@MUSTER-werk-{n}.example"),
                           ("full-width letters", f"ａnna.keller@{HOST}"))],
    case("4.13", "dots matter outside Gmail", "send", suppressed=(f"annakeller@{HOST},,,objection,all",)),
    case("4.13", "dots do not matter at Gmail", "block SUPPRESSED_PERSON",
         {"address": "n.o.body.penstock{n}@googlemail.com", **consents()},
         suppressed=("nobody.penstock{n}@gmail.com,,,objection,all",)),
    case("0 #11", "a company's domain covers its people", "block SUPPRESSED_COMPANY",
         suppressed=(f",{HOST},,objection,all",)),
    case("0 #11", "a parent domain covers its children", "block SUPPRESSED_COMPANY",
         {"address": f"anna.keller@lyon.{HOST}"}, suppressed=(f",{HOST},,objection,all",)),
    case("0 #11", "a company's number covers its people", "block SUPPRESSED_COMPANY",
         suppressed=(",,FR-00000{n},objection,all",)),
    case("4.13", "a company's other domain covers its people", "block SUPPRESSED_COMPANY",
         {"company.domains": [HOST, "autre-{n}.example"]}, suppressed=(",autre-{n}.example,,objection,all",)),
    case("S-110", "a refusal to this controller counts", "block SUPPRESSED_PERSON",
         suppressed=(f"{BASE}objection,controller:Nordlicht Software AB",)),
    case("S-110", "a refusal to another controller does not bind this one", "send",
         suppressed=(f"{BASE}objection,controller:{SELLERS['FR']}",)),
    case("S-110", "a refusal of e-mail counts", "block SUPPRESSED_PERSON",
         suppressed=(f"{BASE}objection,channel:email",)),
    case("S-110", "a refusal of calls leaves e-mail", "send", suppressed=(f"{BASE}objection,channel:phone",)),
    case("0 principle 4", "all reasons are told and the refusal leads",
         "block SUPPRESSED_PERSON +SUPPRESSED_COMPANY +CONSENT_REQUIRED +UNVERIFIED", {**DE_NAMED, "verified_at": None},
         suppressed=(f"{BASE}objection,all", f",{HOST},,objection,all")),
    case("3 art. 21", "a consent on record does not lift an objection", "block SUPPRESSED_PERSON", consents(),
         suppressed=(f"{BASE}objection,all",)),
    case("C3 duplicates", "the same person twice is written to once", "block DUPLICATE",
         {"address": f"Anna.Keller+two@{HOST}"}, before=({},)),
    case("C3 caps", "the sixth colleague within thirty days waits", "defer FREQUENCY_CAP",
         before=tuple({"address": f"colleague.{n}@{HOST}", "given_name": "Colleague"} for n in "abcde")),
    case("C3 caps", "the fifth colleague does not wait", "send",
         before=tuple({"address": f"colleague.{n}@{HOST}", "given_name": "Colleague"} for n in "abcd")),
]  # fmt: skip

GB = {"country": "GB"}
"""Relevance is no rule of law there, and the base contact's legal form permits."""


def fit(rule: str, name: str, expected: str, /, *, doubt: str = "", audience: Any = None, **changes: Any) -> Case:
    """A purchasing head in Britain; changes by field, `__` for a dot; `audience` changes the campaign's."""
    fields = {key.replace("__", "."): value for key, value in changes.items()}
    campaign = {f"audience.{key}": value for key, value in (audience or {}).items()}
    return case(rule, name, expected, {**GB, **fields}, campaign=campaign, doubt=doubt)


WRONG, UNCLEAR = "block NOT_RELEVANT", "hold NOT_RELEVANT"
PASS, SENIOR, REGION = {"unknown": "pass"}, {"seniority": ["head", "executive"]}, {"regions": ["FR-IDF"]}
RELEVANCE = [
    *[fit("S-046", f"the industry {code} is within C28", "send", company__industry=code)
      for code in ("C28", "C28.1", "C28.93")],
    *[fit("S-046", f"the industry {code} is not within C28", WRONG, company__industry=code)
      for code in ("C10", "C29", "G46", "J62.1")],
    fit("S-046", "a section alone does not say which division", UNCLEAR, company__industry="C",
        doubt="C contains C28 and much else: unknown rather than mismatch"),
    fit("S-046", "no industry is an unknown one", UNCLEAR, company__industry=None),
    fit("0 fail closed", "a code that NACE does not have is no match", "hold|block NOT_RELEVANT",
        company__industry="C28.7", doubt="unknown or mismatch; never a match by its prefix"),
    fit("0 fail closed", "a section that NACE does not have is no match", "hold|block NOT_RELEVANT",
        company__industry="Z99", doubt="unknown or mismatch"),
    fit("0 fail closed", "a code that NACE does not have is not waved through", "hold|block NOT_RELEVANT",
        audience=PASS, company__industry="C28.7", doubt="'pass' is for what the contact does not state"),
    *[fit("S-046", f"{number} employees fit", "send", company__employees=number) for number in (50, 51, 499, 500)],
    *[fit("S-046", f"{number} employees do not fit", WRONG, company__employees=number) for number in (0, 49, 501)],
    fit("S-046", "an unknown size is unclear", UNCLEAR, company__employees=None),
    fit("S-045", "another profession is no match", WRONG, function="hr", title=None),
    fit("S-046", "an unknown profession is unclear", UNCLEAR, function=None, title=None),
    fit("C4 function", "the title tells the profession", "send", function=None),
    fit("C4 function", "another title tells another profession", WRONG, function=None,
        title="Directrice des ressources humaines"),
    fit("C4 function", "a title of no known profession is unclear", UNCLEAR, function=None, title="Xqrtl"),
    fit("0 fail closed", "profession and title that contradict are unclear", "hold|block NOT_RELEVANT",
        function="purchasing", title="Directrice des ressources humaines",
        doubt="which of the two is right is not said"),
    fit("S-046", "the position asked for fits", "send", audience=SENIOR),
    fit("S-046", "another position does not", WRONG, audience=SENIOR, seniority="assistant", title=None),
    fit("S-046", "an unknown position is unclear", UNCLEAR, audience=SENIOR, seniority=None, title=None),
    fit("S-046", "the region asked for fits", "send", audience=REGION),
    fit("S-046", "another region does not", WRONG, audience=REGION, company__region="FR-ARA"),
    fit("S-046", "an unknown region is unclear", UNCLEAR, audience=REGION, company__region=None),
    fit("C5 audience", "another country does not fit", WRONG, audience={"countries": ["SE", "FR"]}),
    fit("0 principle 4", "a mismatch weighs more than an unknown", WRONG, company__industry="C10",
        company__employees=None),
    fit("C5 pass", "an unknown industry passes where the campaign says so", "send", audience=PASS,
        company__industry=None),
    fit("C5 pass", "an unknown size passes where the campaign says so", "send", audience=PASS,
        company__employees=None),
    fit("C5 pass", "an unknown profession passes where no law asks for it", "send", audience=PASS, function=None,
        title=None),
    fit("C5 pass", "a mismatch never passes", WRONG, audience=PASS, company__industry="C10"),
    *[fit("S-047", f"in {cc} the law asks for the profession whatever the campaign says", "hold|block "
          "NOT_RELEVANT|NO_LEGAL_BASIS|CONSENT_REQUIRED", audience=PASS, country=cc, function=None, title=None)
      for cc in ("FR", "FI", "IE")],
    fit("2A role", "in SE relevance of the role is asked for as well", "hold|block "
        "NOT_RELEVANT|NO_LEGAL_BASIS|CONSENT_REQUIRED", audience=PASS, country="SE", function=None, title=None,
        doubt="the table's column says yes, the row's conditions do not mention it"),
    *[fit("S-047", f"in {cc} another profession is no condition met", "block NOT_RELEVANT|CONSENT_REQUIRED "
          "+NOT_RELEVANT", country=cc, function="hr", title=None) for cc in ("FR", "FI", "IE")],
    fit("S-047", "in FR an offer to every profession relates to none", "hold|block *", audience={"functions": []},
        country="FR", function="hr", title=None, doubt="nothing relates the topic to the profession"),
    case("C5 generic", "profession and position do not apply to a generic mailbox", "send", {**GB, **GENERIC},
         campaign={"audience.seniority": ["head"]}),
    case("C5 generic", "the industry applies to a generic mailbox", WRONG,
         {**GB, **GENERIC, "company.industry": "C10"}),
    case("C5 generic", "the size applies to a generic mailbox", UNCLEAR, {**GB, **GENERIC, "company.employees": None}),
    *[case("S-030", f"{name} is no reason to write", "hold REASON_MISSING", {"reason": said})
      for name, said in (("nothing", None), ("an empty text", ""), ("white space", " \t "))],
    case("S-030", "a generic mailbox is nobody who must be told why", "send", {**GENERIC, "reason": None},
         doubt="decided: the code is about a reason per person"),
    case("S-030", "a consent does not replace the reason", "hold REASON_MISSING", {"reason": None, **consents()}),
    case("C7 language", "a country of one language tells the language", "send", {"language": None}),
    case("C7 language", "a country of two languages does not", "hold LANGUAGE_MISSING",
         {"language": None, "country": "FI"}),
    case("C7 language", "a generic mailbox in Belgium does not tell its language", "hold LANGUAGE_MISSING",
         {**GENERIC, "language": None, "country": "BE"}),
    case("C7 language", "the fallback language helps", "send", {"language": None, "country": "FI"},
         config={"message.fallback_language": "en"}),
]  # fmt: skip

CASES = [*ADDRESSES, *KINDS, *PERSONS, *REFUSALS, *RELEVANCE]
