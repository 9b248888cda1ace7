"""The table of law: every row as researched, every cell checked, the strictest of two."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InvalidInput
from penstock.law.jurisdiction_rows import COLUMNS, cells_of, mark_of, read_rows
from penstock.law.jurisdictions import ANY, Permission, SignOff, Table, policy_warnings, stricter
from penstock.law.strictness import laxer_columns
from penstock.law.version import POLICY
from penstock.model.contact import RecipientKind

DAY = date(2026, 11, 23)

RESEARCHED = """\
cc,named,generic,sole,soft_optin,ext_register,optout_ack,ad_label,postal_address,optout_days_max,optout_link_valid_days,proof,proof_years,role_relevance,conf
AT,in,in,in,yes,ECG,no,subject_recognisable,legal_footer,0,,double_opt_in|written,,no,high
BE,in,cond:impersonal+for_legal_persons,in,yes,,yes,recognisable,legal_footer,0,,any_proven,,yes,high
BG,review,out,in,yes,KZP,no,explicit_unsolicited,legal_footer,0,,any_proven,,no,medium
HR,review,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,medium
CY,in,review,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,low
CZ,in,in,in,yes,,no,explicit_commercial,legal_footer,0,,any_proven,,no,medium
DE,in,in,in,yes:4_conditions,,no,recognisable,legal_footer,0,,double_opt_in|written,,no,high
DK,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
EE,review,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,medium
ES,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
FI,cond:job_duties,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,high
FR,cond:profession,out,cond:profession,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,high
GR,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,medium
HU,in,cond:central_published_and_not_sole_trader,in,no,,no,recognisable,legal_footer,0,,any_proven,,no,medium
IE,cond:mainly_business+solely_related,out,cond:mainly_business+solely_related,yes:12_months,,no,recognisable,legal_footer,0,,any_proven,,yes,high
IT,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
LV,review,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,medium
LT,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,medium
LU,review,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,low
MT,in,review,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,low
NL,cond:address_published_for_purpose,cond:address_published_for_purpose,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
PL,in,in,in,no,,no,recognisable,legal_footer,0,,any_proven,,no,high
PT,in,out,in,yes,DGC,no,recognisable,legal_footer,0,,any_proven,,no,medium
RO,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
SE,out,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,high
SI,review,review,in,yes,,no,recognisable,legal_footer,0,,any_proven,,yes,low
SK,cond:published_business_contact,cond:published_business_contact,cond:published_business_contact,yes,,yes,recognisable,legal_footer,0,,any_proven,4,no,high
IS,in,review,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,medium
LI,in,review,in,yes,LI-ECG,no,recognisable,legal_footer,0,,any_proven,,no,low
NO,in,out,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
GB,cond:corporate_subscriber,cond:corporate_subscriber,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
CH,in,in,in,yes,,no,recognisable,legal_footer,0,,any_proven,,no,high
US,out,out,out,n/a,,no,ad_identified,mandatory,10bd,30,any_proven,,no,high
CA,cond:implied_or_express,cond:implied_or_express,cond:implied_or_express,implied_24m_6m,,no,none,mandatory,10bd,60,any_proven,3,yes,high
RU,in,in,in,no,,no,recognisable,legal_footer,0,,any_proven,,no,medium
**,in,in,in,no,,no,explicit_commercial,mandatory,0,30,any_proven,,yes,none
"""

SHIPPED = Table.load()
CELLS = {row.rule.cc: cells_of(row.rule) for row in SHIPPED.rows}


def text_of(*rows: dict[str, str], more: Sequence[str] = ()) -> str:
    """Rows as a CSV file, whatever is in them."""
    header = ",".join((*COLUMNS, *more))
    lines = [",".join('"' + row.get(column, "") + '"' for column in (*COLUMNS, *more)) for row in rows]
    return "\n".join([header, *lines]) + "\n"


def table_of(*rows: dict[str, str]) -> Table:
    return Table("2026-11", read_rows(text_of(*rows, CELLS[ANY]), "t.csv"))


# --- the shipped rows


@pytest.mark.parametrize("row", [*csv.DictReader(RESEARCHED.splitlines())], ids=lambda row: row["cc"])
def test_a_row_says_what_was_researched(row: dict[str, str]) -> None:
    shipped = CELLS[row["cc"]]
    assert {column: shipped[column] for column in row} == row


def test_no_other_row_is_shipped_and_none_twice() -> None:
    assert [row["cc"] for row in csv.DictReader(RESEARCHED.splitlines())] == [*SHIPPED.countries, ANY]
    assert len(SHIPPED.rows) == len(CELLS)


def test_the_shipped_table_has_the_version_that_decisions_name() -> None:
    assert SHIPPED.version == POLICY == "2026-11"


def test_every_row_cites_its_statute_and_is_not_signed_off_by_us() -> None:
    for row in SHIPPED.rows:
        assert row.rule.statute
        assert row.rule.conditions
        assert row.rule.signed_off is None
        assert date(2018, 5, 25) <= row.rule.effective_from <= DAY


def test_rows_read_again_as_they_are_written() -> None:
    rules = [row.rule for row in SHIPPED.rows]
    assert [row.rule for row in read_rows(text_of(*map(cells_of, rules)), "t.csv")] == rules


@pytest.mark.parametrize(
    ("cc", "kind", "permission"),
    [
        ("SE", RecipientKind.NAMED, Permission("out")),
        ("SE", RecipientKind.SOLE_TRADER, Permission("in")),
        ("NO", RecipientKind.NAMED, Permission("in")),
        ("NO", RecipientKind.GENERIC, Permission("out")),
        ("FR", RecipientKind.NAMED, Permission("cond", ("profession",))),
        ("BE", RecipientKind.GENERIC, Permission("cond", ("impersonal", "for_legal_persons"))),
        ("DE", RecipientKind.PRIVATE, Permission("in")),
        ("BG", RecipientKind.NAMED, Permission("review")),
    ],
)
def test_the_kind_of_mailbox_chooses_the_column(cc: str, kind: RecipientKind, permission: Permission) -> None:
    assert SHIPPED.of(cc, DAY).permission(kind) == permission


# --- which row goes


def test_an_unlisted_country_and_no_country_have_the_strictest_row() -> None:
    for cc in ("BR", "XX", None, "fr", ""):
        rule = SHIPPED.of(cc, DAY)
        assert rule.cc == ANY
        assert {rule.named, rule.generic, rule.sole} == {Permission("in")}
        assert not SHIPPED.listed(cc)
    assert SHIPPED.listed("FR")
    assert not SHIPPED.listed(ANY)


def test_before_the_first_row_of_a_country_the_strictest_row_goes() -> None:
    assert SHIPPED.of("SK", date(2022, 1, 31)).cc == ANY
    assert SHIPPED.of("SK", date(2022, 2, 1)).cc == "SK"
    assert SHIPPED.of("SE", date(1999, 1, 1)).cc == ANY


def test_the_newest_row_in_force_that_day_goes() -> None:
    old, new = CELLS["SE"], CELLS["SE"] | {"named": "in", "effective_from": "2027-01-01"}
    for table in (table_of(old, new), table_of(new, old)):
        assert table.of("SE", date(2026, 12, 31)).named == Permission("out")
        assert table.of("SE", date(2027, 1, 1)).named == Permission("in")
        assert table.countries == ("SE",)


def test_a_table_without_a_rule_for_all_other_countries_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"no row \*\*"):
        Table("2026-11", read_rows(text_of(CELLS["SE"]), "t.csv"))


def test_the_digest_changes_with_any_cell() -> None:
    digests = {table_of(CELLS["SE"] | change).digest for change in ({}, {"named": "in"}, {"conditions": "else"})}
    assert len(digests) == 3
    assert Table.load().digest == SHIPPED.digest


# --- cells


@pytest.mark.parametrize(
    ("column", "cell", "what"),
    [
        ("cc", "se", "two capital letters"),
        ("cc", "", "two capital letters"),
        ("cc", "UK", "write GB"),
        ("named", "maybe", "expected in, out, review or cond"),
        ("named", "", "expected in, out, review or cond"),
        ("generic", "cond", "expected in, out, review or cond"),
        ("generic", "cond:", "nobody judges"),
        ("sole", "cond:profession+sunshine", "nobody judges"),
        ("soft_optin", "YES", "expected one of"),
        ("ext_register", "robinson list", "register's name"),
        ("optout_ack", "true", "expected one of yes, no"),
        ("ad_label", "", "expected one of"),
        ("postal_address", "yes", "expected one of"),
        ("optout_days_max", "10 bd", "days such as"),
        ("optout_days_max", "", "days such as"),
        ("optout_days_max", "-1", "days such as"),
        ("optout_link_valid_days", "1e3", "whole number"),
        ("proof", "pre_ticked", "any_proven"),
        ("proof", "any_proven|written", "any_proven"),
        ("proof", "", "any_proven"),
        ("proof_years", "four", "whole number"),
        ("role_relevance", "", "expected one of yes, no"),
        ("conf", "sure", "expected one of"),
        ("effective_from", "1.11.2026", "ISO date"),
        ("effective_from", "2026-11-31", "no day of the calendar"),
        ("effective_from", "", "ISO date"),
        ("statute", "", "one line of text"),
        ("conditions", "two\nlines", "one line of text"),
        ("conditions", "\x1b[2Jclear", "one line of text"),
    ],
)
def test_a_cell_that_cannot_be_used_is_told_with_file_line_and_column(column: str, cell: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what) as caught:
        read_rows(text_of(CELLS["FR"], CELLS["SE"] | {column: cell}), "t.csv")
    assert caught.value.where == f"t.csv:3:{column}"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "t.csv", "empty"),
        ("\n \n", "t.csv", "empty"),
        (text_of(CELLS["SE"]).replace("generic,", ""), "t.csv:1", "'generic' is missing"),
        (text_of(CELLS["SE"]).replace("generic,", "named,"), "t.csv:1", "stands there twice"),
        (text_of(CELLS["SE"]).replace("cc,", "country,"), "t.csv:1", "unknown column 'country'"),
        (text_of(CELLS["SE"], more=["signed_by"]), "t.csv:1", "unknown column 'signed_by'"),
        (text_of(CELLS["SE"]) + "\nFR,in\n", "t.csv:4", "2 cells where"),
        (text_of(CELLS["SE"]) + '"FR,in\n', "t.csv:3", "wrong quoting"),
        (text_of(CELLS["FR"], CELLS["SE"], CELLS["SE"]), "t.csv:4:effective_from", "same country and day as t.csv:3"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(text: str, where: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what) as caught:
        read_rows(text, "t.csv")
    assert caught.value.where == where


def test_semicolons_a_byte_order_mark_and_blank_lines_do_no_harm() -> None:
    text = "\ufeff" + text_of(CELLS["RU"]).replace('","', '";"').replace(",", ";") + "\r\n"
    rows = read_rows(text.replace("\n", "\r\n"), "t.csv")
    assert [(row.rule, row.where) for row in rows] == [(SHIPPED.of("RU", DAY), "t.csv:2")]


# --- the strictest of two

permissions = st.one_of(
    st.sampled_from([Permission("in"), Permission("out"), Permission("review")]),
    st.lists(st.sampled_from(["profession", "job_duties", "impersonal", "unheard_of"]), min_size=1).map(
        lambda names: Permission("cond", tuple(names))
    ),
)
ORDER = {"out": 0, "cond": 1, "review": 2, "in": 3}


@given(permissions, permissions)
def test_the_stricter_of_two_does_not_depend_on_their_order(one: Permission, other: Permission) -> None:
    assert stricter(one, other) == stricter(other, one)


@given(permissions)
def test_the_stricter_of_the_same_is_the_same(one: Permission) -> None:
    assert stricter(one, one) == one
    assert not one.laxer_than(one)


@given(permissions, permissions)
def test_the_stricter_of_two_is_never_laxer_than_either(one: Permission, other: Permission) -> None:
    both = stricter(one, other)
    for each in (one, other):
        assert ORDER[both.kind] >= ORDER[each.kind]
        if both.kind == each.kind == "cond":
            assert set(both.conditions) >= set(each.conditions)
        assert not both.laxer_than(each)


@given(permissions, permissions, permissions)
def test_of_three_the_strictest_is_found_in_any_order(a: Permission, b: Permission, c: Permission) -> None:
    assert stricter(a, stricter(b, c)) == stricter(stricter(a, b), c)


def test_two_sets_of_conditions_must_both_hold() -> None:
    found = stricter(SHIPPED.of("FR", DAY).named, SHIPPED.of("FI", DAY).named)
    assert found == Permission("cond", ("job_duties", "profession"))


# --- what is laxer


@pytest.mark.parametrize(
    ("cc", "change", "laxer"),
    [
        ("SE", {}, ()),
        ("SE", {"named": "in", "generic": "review", "soft_optin": "no", "proof": "written", "conf": "low"}, ()),
        ("SE", {"ext_register": "SPAR", "optout_ack": "yes", "ad_label": "explicit_commercial"}, ()),
        ("SE", {"postal_address": "mandatory", "optout_link_valid_days": "60", "proof_years": "3"}, ()),
        ("SE", {"soft_optin": "yes:12_months", "statute": "another", "conditions": "another"}, ()),
        ("SE", {"sole": "out"}, ("sole",)),
        ("SE", {"soft_optin": "n/a", "role_relevance": "no", "optout_days_max": "1"},
         ("soft_optin", "optout_days_max", "role_relevance")),
        ("FR", {"named": "cond:job_duties"}, ("named",)),
        ("FR", {"named": "cond:profession+job_duties"}, ()),
        ("FR", {"named": "review"}, ()),
        ("BG", {"named": "cond:profession", "ext_register": "", "ad_label": "explicit_commercial", "conf": "high"},
         ("named", "ext_register", "ad_label", "conf")),
        ("AT", {"ext_register": "OTHER", "proof": "any_proven", "ad_label": "ad_identified"},
         ("ext_register", "ad_label", "proof")),
        ("AT", {"proof": "written|oral"}, ("proof",)),
        ("PL", {"soft_optin": "yes"}, ("soft_optin",)),
        ("US", {"optout_days_max": "11bd"}, ("optout_days_max",)),
        ("US", {"optout_days_max": "10", "soft_optin": "no"}, ()),
        ("US", {"optout_link_valid_days": "", "postal_address": "legal_footer"},
         ("postal_address", "optout_link_valid_days")),
        ("SK", {"optout_ack": "no", "proof_years": "3"}, ("optout_ack", "proof_years")),
    ],
)  # fmt: skip
def test_what_is_laxer_is_named(cc: str, change: dict[str, str], laxer: tuple[str, ...]) -> None:
    (row,) = read_rows(text_of(CELLS[cc] | change), "t.csv")
    assert laxer_columns(row.rule, SHIPPED.of(cc, DAY)) == laxer


def test_no_row_is_laxer_than_itself_and_none_stricter_than_the_row_for_all_others_in_permissions() -> None:
    for cc in SHIPPED.countries:
        rule = SHIPPED.of(cc, DAY)
        assert laxer_columns(rule, rule) == ()
        assert not {"named", "generic", "sole"} & set(laxer_columns(SHIPPED.of(None, DAY), rule))


# --- sign-off and warnings


def signed(by: SignOff, cc: str = "*") -> Table:
    return SHIPPED.over([], {cc: [by]})


def test_a_sign_off_of_the_table_covers_every_shipped_row_from_its_day_on() -> None:
    table = signed(SignOff("L. Roth", date(2026, 11, 20), "2026-11"))
    assert table.of("SE", date(2026, 11, 19)).signed_off is None
    found = table.of("SE", date(2026, 11, 20)).signed_off
    assert found is not None
    assert found.by == "L. Roth"


def test_a_sign_off_of_another_version_of_the_table_does_not_count() -> None:
    assert signed(SignOff("L. Roth", date(2026, 11, 20), "2026-05")).of("SE", DAY).signed_off is None


def test_a_sign_off_of_a_row_holds_for_just_that_row() -> None:
    mark = mark_of(SHIPPED.of("SE", DAY))
    table = signed(SignOff("L. Roth", date(2026, 11, 20), "2026-11", mark), "SE")
    assert table.of("SE", DAY).signed_off is not None
    assert table.of("FR", DAY).signed_off is None
    assert signed(SignOff("L. Roth", date(2026, 11, 20), "2026-11", "0" * 16), "SE").of("SE", DAY).signed_off is None


def test_the_latest_sign_off_is_the_one_shown() -> None:
    offs = [SignOff(name, date(2026, 11, day), "2026-11") for name, day in (("new", 20), ("old", 10), ("later", 30))]
    found = SHIPPED.over([], {"*": offs}).of("SE", DAY).signed_off
    assert found is not None
    assert found.by == "new"


def test_unsigned_rows_unlisted_countries_and_an_old_table_are_warned_of() -> None:
    assert policy_warnings(SHIPPED, [], DAY) == []
    assert policy_warnings(signed(SignOff("L. Roth", DAY, "2026-11")), ["SE", "FR"], DAY) == []
    found = policy_warnings(SHIPPED, ["SE", "FR", "BR"], DAY)
    assert len(found) == 2
    assert "for BR" in found[0]
    assert "for FR, SE:" in found[1]
    assert "AT, BE, BG and 32 more" in policy_warnings(SHIPPED, SHIPPED.countries, DAY)[0]


@pytest.mark.parametrize(
    ("day", "old"), [(date(2027, 10, 31), False), (date(2027, 11, 1), False), (date(2027, 11, 2), True)]
)
def test_a_table_is_old_after_twelve_months(day: date, old: bool) -> None:
    assert any("older than 12 months" in text for text in policy_warnings(SHIPPED, [], day)) is old
