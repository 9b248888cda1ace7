"""Where the data come from, how old they are and whether the person was told (rules 1G, 1H, 3)."""

from __future__ import annotations

from typing import Any

from tests.rulebook.case import GENERIC, Case, case, consents, on

EDGE = "the last day counts as inside, as a period ends with the end of its last day (Reg. 1182/71 art. 3)"


def source(rule: str, name: str, expected: str, /, *, doubt: str = "", country: str = "FR", **changes: Any) -> Case:
    """The base contact with changes to its source."""
    fields = {f"source.{key}": value for key, value in changes.items()}
    return case(rule, name, expected, {"country": country, **fields}, doubt=doubt)


MISSING, FORBIDDEN = "hold SOURCE_MISSING", "block SOURCE_FORBIDDEN"
METHODS = [
    *[source("S-144", f"a source of the kind {method} may be used", "send", method=method)
      for method in ("own_site", "registry", "public_profile", "event", "referral", "web_form", "customer")],
    source("S-142", "a scraped directory waits for an audit", MISSING, method="scraped_directory"),
    source("0 #46", "a harvested address is forbidden in the USA", FORBIDDEN, country="US",
           method="scraped_directory", doubt="'harvested … where prohibited' is read as the USA too"),
    source("S-145", "a guessed and verified address may be used in France", "send", method="inferred"),
    case("S-145", "a guessed address waits for its verification", "hold UNVERIFIED",
         {"source.method": "inferred", "verified_at": None}),
    source("S-145", "a guessed address is forbidden in the USA even if verified", FORBIDDEN, country="US",
           method="inferred"),
    source("S-145", "a guessed address is forbidden in Canada even if verified", "block CONSENT_REQUIRED "
           "+SOURCE_FORBIDDEN", country="CA", method="inferred"),
    case("S-145", "a guessed address is forbidden in Canada even after an inquiry", FORBIDDEN,
         {"country": "CA", "source.method": "inferred", "relationship.last_inquiry_at": "2026-11-01"}),
    case("S-145", "not even consent allows a guessed address in the USA", FORBIDDEN,
         {"country": "US", "source.method": "inferred", **consents()},
         doubt="a consented address was hardly guessed; the contradiction stops the mail"),
    case("S-145", "a guessed workplace address is forbidden if the work is in the USA", FORBIDDEN,
         {"workplace_country": "US", "source.method": "inferred"}),
    case("S-144", "without any source nothing goes", MISSING, {"source": None}),
    source("S-144", "without the way of collection nothing goes", MISSING, method=None),
    source("S-144", "without the place of collection nothing goes", MISSING, reference=None),
    source("S-144", "an empty place of collection is none", MISSING, reference="  "),
    source("S-144", "without the day of collection nothing goes", MISSING, collected_at=None),
    source("S-144", "the reason of collection may be missing", "send", why=None,
           doubt="decided: method, reference and date answer where the data come from"),
    source("S-144", "the collector may be missing", "send", collected_by=None,
           doubt="decided: method, reference and date answer where the data come from"),
    source("0 fail closed", "collected tomorrow means not collected", MISSING, collected_at="2026-11-24"),
    source("3A KASPR", "a profile of limited visibility is forbidden", FORBIDDEN, method="public_profile",
           visibility="limited"),
    source("3A KASPR", "a profile of unknown visibility is forbidden", FORBIDDEN, method="public_profile",
           visibility="unknown"),
    source("3A KASPR", "a profile whose visibility nobody noted is forbidden", FORBIDDEN, method="public_profile",
           visibility=None),
    source("0 #46", "a site of limited visibility is forbidden", FORBIDDEN, visibility="limited",
           doubt="the rule was made for profiles; the field is there for every source"),
    source("S-139", "a company's own site is public", "send", visibility=None,
           doubt="decided: the rule was made for profiles"),
    case("S-144", "a generic mailbox needs a source as well", MISSING, {**GENERIC, "source.reference": None}),
    case("S-144", "consent does not replace the source", MISSING, {**consents(), "source": None}),
]  # fmt: skip


def supplied(rule: str, name: str, expected: str, supplier: str | None, /, *, doubt: str = "", **more: Any) -> Case:
    """The base contact, bought from `supplier` of the config."""
    return case(rule, name, expected, {"source.method": "supplier", "source.supplier": supplier, **more}, doubt=doubt)


SUPPLIERS = [
    supplied("S-137", "an approved supplier's address may be used", "send", "approved-one"),
    supplied("S-137", "a banned supplier's address is forbidden", FORBIDDEN, "banned-one"),
    supplied("C9 suppliers", "an unlisted supplier's address is forbidden", FORBIDDEN, "never-heard-of"),
    supplied("S-147", "a hidden supplier is no source", "hold|block SOURCE_MISSING|SOURCE_FORBIDDEN", None,
             doubt="missing provenance, or a supplier that is not listed"),
    supplied("S-137", "a supplier on probation waits", MISSING, "probation-one"),
    case("S-133", "the supplier alone is no origin of the record", MISSING,
         {"source.method": "supplier", "source.supplier": "approved-one", "source.reference": None}),
    supplied("S-097", "a supplier's terms ask for consent where the law does not", "block CONSENT_REQUIRED",
             "consent-one"),
    supplied("S-097", "a consent meets the supplier's terms", "send", "consent-one", **consents()),
    case("S-137", "a banned supplier taints every way of collection", FORBIDDEN, {"source.supplier": "banned-one"}),
    case("C9 suppliers", "an unlisted supplier taints every way of collection", FORBIDDEN,
         {"source.supplier": "never-heard-of"}),
    case("S-137", "probation holds every way of collection", MISSING, {"source.supplier": "probation-one"}),
    supplied("S-126", "a supplier's data refreshed twelve months ago less a day serve", "send", "fresh-one"),
    supplied("S-126", "a supplier's data refreshed twelve months ago to the day serve", "send", "edge-one", doubt=EDGE),
    supplied("S-126", "a supplier's data older than twelve months do not serve", "hold|block *", "stale-one",
             doubt="no code is named for it"),
    supplied("S-126", "a supplier that never refreshed does not serve", "hold|block *", "undated-one",
             doubt="no code is named for it"),
    supplied("S-010", "a supplier without a contract does not serve", "hold|block *", "uncontracted-one",
             doubt="parties need a contract reference; no code is named for it"),
    supplied("S-145", "a supplier that guesses is forbidden in the USA", FORBIDDEN, "guessing-one", country="US",
             doubt="the supplier's method is read as the record's"),
]  # fmt: skip

OVERDUE = "hold ART14_OVERDUE"


def told(rule: str, name: str, expected: str, collected: str, /, **rest: Any) -> Case:
    """Collected on this day and not told since."""
    changes = {"source.collected_at": collected, **rest.pop("contact", {})}
    return case(rule, name, expected, changes, **rest)


STRICT = {"clock.strict": True}
ARTICLE_14 = [
    told("3 art. 14(3)(a)", "a month less a day after collection there is time", "send", "2026-10-24"),
    told("3 art. 14(3)(a)", "a month to the day after collection there is time", "send", "2026-10-23"),
    told("3 clock", "a month that ends on Sunday ends on Monday", "send", "2026-10-22"),
    told("3 clock", "a month that ends on Saturday ends on Monday", "send", "2026-10-21"),
    told("3 clock", "a month that ended on Friday is over", OVERDUE, "2026-10-20"),
    told("3 clock", "thirty days flat to the day", "send", "2026-10-24", config=STRICT, doubt=EDGE),
    told("3 clock", "thirty days flat know no Sunday", OVERDUE, "2026-10-23", config=STRICT),
    told("3 art. 14", "a notice within the month stops the clock", "send", "2026-06-01",
         contact={"notice_given_at": "2026-06-20"}, variant="first"),
    told("3 art. 14", "a late notice is late but given", "send", "2026-06-01",
         contact={"notice_given_at": "2026-10-20"}, doubt="'never informed' no longer holds"),
    told("0 fail closed", "a notice of tomorrow is not given", OVERDUE, "2026-06-01",
         contact={"notice_given_at": "2026-11-24"}),
    told("S-006", "a generic mailbox is nobody to be told", "send", "2026-06-01", contact=GENERIC, variant="regular"),
    told("3 art. 14(3)(a)", "consent does not replace the notice", OVERDUE, "2026-06-01", contact=consents(),
         doubt="who consented was probably told, but nothing records it"),
    case("3 clock", "a month from 31 January ends with February, on the next working day", "send",
         **on("2026-03-02", {"source.collected_at": "2026-01-31"})),
    case("3 clock", "a month from 31 January is over on the day after", OVERDUE,
         **on("2026-03-03", {"source.collected_at": "2026-01-31"})),
    case("3 clock", "a month from 31 January ends on the leap day", "send",
         **on("2028-02-29", {"source.collected_at": "2028-01-31"})),
    case("3 clock", "a month from 31 January is over after the leap day", OVERDUE,
         **on("2028-03-01", {"source.collected_at": "2028-01-31"})),
    case("3 clock", "a month that ends at Christmas ends on the next working day", "send",
         **on("2026-12-28", {"source.collected_at": "2026-11-25"})),
    case("3 clock", "a month that ended at Christmas is over two working days later", OVERDUE,
         **on("2026-12-29", {"source.collected_at": "2026-11-25"})),
]  # fmt: skip

LONG_TOLD = {"source.collected_at": "2022-01-10", "notice_given_at": "2022-01-20"}
AGE = [
    *[case("0 #51", f"verified {days} days ago is verified", "send", {"verified_at": day}, doubt=doubt)
      for days, day, doubt in ((179, "2026-05-28", ""), (180, "2026-05-27", EDGE))],
    case("0 #51", "verified 181 days ago is not verified", "hold UNVERIFIED", {"verified_at": "2026-05-26"}),
    case("0 #51", "never verified is not verified", "hold UNVERIFIED", {"verified_at": None}),
    case("0 fail closed", "verified tomorrow is not verified", "hold UNVERIFIED", {"verified_at": "2026-11-24"}),
    case("0 #51", "a generic mailbox must be verified as well", "hold UNVERIFIED", {**GENERIC, "verified_at": None}),
    case("0 #51", "a policy of 30 days is the stricter one", "hold UNVERIFIED", {"verified_at": "2026-10-20"},
         config={"policy.unverified_after_days": 30}),
    *[case("3A CNIL 3 years", f"a word {name} is still fresh", "send",
           {**LONG_TOLD, "last_contact_from_person_at": day}, doubt=doubt)
      for name, day, doubt in (("of three years less a day", "2023-11-24", ""),
                               ("of three years to the day", "2023-11-23", EDGE))],
    case("3A CNIL 3 years", "a word of three years and a day is stale", "block STALE",
         {**LONG_TOLD, "last_contact_from_person_at": "2023-11-22"}),
    case("3A CNIL 3 years", "collected three years ago to the day is still fresh", "send",
         {"source.collected_at": "2023-11-23", "notice_given_at": "2023-12-01"}, doubt=EDGE),
    case("3A CNIL 3 years", "collected three years and a day ago is stale", "block STALE",
         {"source.collected_at": "2023-11-22", "notice_given_at": "2023-12-01"}),
    case("3A CNIL 3 years", "collected long ago and never heard of is stale", "block STALE", LONG_TOLD),
    case("0 fail closed", "a word of tomorrow does not refresh", "hold|block *",
         {**LONG_TOLD, "last_contact_from_person_at": "2026-11-24"}),
    case("3A CNIL 3 years", "a purchase is a word from the person", "send",
         {**LONG_TOLD, "relationship.last_purchase_at": "2025-06-01"},
         doubt="3A says 'a reply, a form POST or a purchase does'; it is another field"),
    case("0 principle 4", "stale and never told are both told", "block ART14_OVERDUE +STALE",
         {"source.collected_at": "2022-01-10"}),
    case("3A CNIL 3 years", "three years from the leap day end with February", "send",
         **on("2027-02-28", {**LONG_TOLD, "last_contact_from_person_at": "2024-02-29"}), doubt=EDGE),
    case("3A CNIL 3 years", "three years from the leap day are over in March", "block STALE",
         **on("2027-03-01", {**LONG_TOLD, "last_contact_from_person_at": "2024-02-29"}),
         doubt="28 February is a Sunday, but a limit on us is not prolonged to the next working day"),
    case("3A CNIL 3 years", "three years from the leap day are surely over on the second of March", "block STALE",
         **on("2027-03-02", {**LONG_TOLD, "last_contact_from_person_at": "2024-02-29"})),
]  # fmt: skip

CASES = [*METHODS, *SUPPLIERS, *ARTICLE_14, *AGE]
