from __future__ import annotations

import email
import email.policy
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.compose.scripts import SCRIPTS

from penstock.compose.parameters import ascii_name, parameter

names = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=250),
    st.sampled_from([script.file for script in SCRIPTS]).map(lambda file: f"{file}.pdf"),
)


@given(names)
@example('say "so" \\ 100%.pdf')
@example("=?utf-8?q?x?=.pdf")
@example("a" * 200 + ".pdf")
@example("it's a*b%20;c.pdf")
def test_a_value_comes_back_and_lines_are_short(name: str) -> None:
    field = f"Content-Disposition: attachment{parameter('filename', name)}\r\n"
    assert field.isascii()
    assert all(len(line) <= 78 for line in field.split("\r\n"))
    for extended in re.findall(r"\*=(.*?);?\r\n", field):
        assert re.fullmatch(r"(?:UTF-8'')?(?:[A-Za-z0-9._~!#$&+^`{|}-]|%[0-9A-F]{2})*", extended)  # RFC 2231 section 7
    header = email.message_from_string(f"{field}\r\n", policy=email.policy.default)["Content-Disposition"]
    assert header.params["filename"] == name
    assert not header.defects


def test_short_ascii_stays_readable_and_long_names_go_in_numbered_pieces() -> None:
    assert parameter("filename", "brochure 2026.pdf") == ';\r\n filename="brochure 2026.pdf"'
    assert parameter("filename", "ö.pdf") == ";\r\n filename*=UTF-8''%C3%B6.pdf"
    long = parameter("filename", "ö" * 40)
    assert ";\r\n filename*0*=UTF-8''%C3%B6" in long
    assert ";\r\n filename*2*=%C3%B6" in long


def test_no_piece_ends_inside_a_character() -> None:
    for line in parameter("filename", "書" * 60).split("\r\n")[1:]:
        assert line.rstrip(";").count("%") % 3 == 0


def test_half_a_character_is_an_error_that_the_writer_turns_into_a_fault() -> None:
    with pytest.raises(UnicodeEncodeError):
        parameter("filename", "\ud800")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("brochure.pdf", "brochure.pdf"),
        ("Übersicht für März.pdf", "Ubersicht fur Marz.pdf"),
        ("הצעה.pdf", "file.pdf"),
        ("カタログ", "file"),
        ('a"b\\c.pdf', "a_b_c.pdf"),
        ("x" * 100 + ".docx", "x" * 56 + ".docx"),
        (".pdf", "file.pdf"),
        ("a.b.c.tar.gz", "a.b.c.tar.gz"),
        ("offer 🎁.pdf", "offer.pdf"),
        ("名.書", "file"),
    ],
)
def test_the_plain_name_is_short_ascii_with_the_same_ending(name: str, plain: str) -> None:
    assert ascii_name(name) == plain


@given(names)
def test_the_plain_name_never_needs_more_than_quotes(name: str) -> None:
    plain = ascii_name(name)
    assert plain
    assert parameter("name", plain) == f';\r\n name="{plain}"'
