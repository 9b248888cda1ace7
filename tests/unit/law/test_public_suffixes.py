"""Registrable domains, with the list's own package as the judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE, PublicSuffixList

from penstock.law.public_suffixes import PublicSuffixes

JUDGE, SUFFIXES = PublicSuffixList(), PublicSuffixes.load()
RULES = [
    line.split(" ")[0].strip()
    for line in Path(PSLFILE).read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("//")
]
labels = st.sampled_from(["firm", "www", "mail", "city", "co", "com", "uk", "ck", "jp", "kawasaki", "example", "x"])


def test_every_rule_and_what_lies_one_two_and_three_labels_below_it_is_judged_as_the_package_does() -> None:
    for rule in RULES:
        name = rule.removeprefix("!").removeprefix("*.").encode("idna").decode()
        for domain in (name, f"a.{name}", f"b.a.{name}", f"c.b.a.{name}", name.partition(".")[2]):
            assert SUFFIXES.registrable(domain) == JUDGE.privatesuffix(domain), domain


@given(st.lists(labels, min_size=1, max_size=5).map(".".join) | st.text("a.-CK", max_size=8))
def test_any_other_name_too(domain: str) -> None:
    assert SUFFIXES.registrable(domain) == JUDGE.privatesuffix(domain)


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("mail.firm.co.uk", "firm.co.uk"),
        ("co.uk", None),
        ("firm.example", "firm.example"),
        ("example", None),
        ("a.firm.ck", "a.firm.ck"),
        ("firm.ck", None),
        ("www.ck", "www.ck"),
        ("mail.www.ck", "www.ck"),
        ("Firm.Example.", "firm.example"),
        ("a..example", None),
        (".example", None),
        ("", None),
        (".", None),
    ],
)
def test_what_somebody_owns(domain: str, registrable: str | None) -> None:
    assert SUFFIXES.registrable(domain) == registrable


def test_comments_blanks_and_capitals_of_a_list_do_not_count() -> None:
    suffixes = PublicSuffixes(
        ["// a comment", "", "  ", "CO.Example and a remark", "*.wild.example", "!my.wild.example", "müller"]
    )
    found = [
        suffixes.registrable(each)
        for each in ("a.co.example", "x.a.wild.example", "my.wild.example", "firm.xn--mller-kva")
    ]
    assert found == ["a.co.example", "x.a.wild.example", "my.wild.example", "firm.xn--mller-kva"]
    assert suffixes.registrable("xn--mller-kva") is suffixes.registrable("a.wild.example") is None
