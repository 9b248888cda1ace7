"""The splicer against more than 500 nasty mails, written from the RFCs and judged without a look at how it works."""

from __future__ import annotations

import re
import time

import pytest
from tests.corpus.big_mails import BIG, HOSTILE
from tests.corpus.eml import PDF, TEXT, Case, alternative, b64, html, mail, multi, plain
from tests.corpus.judge import Expected, findings, refusal_findings
from tests.corpus.make_mime import CASES, FOLDER, files
from tests.corpus.manifest import expectations, octets_of_file
from tests.corpus.notices import LONG, NOTICES, Notice
from tests.corpus.tree import Kind, pieces_of

from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.splicer import Additions, splice

EXPECTED = {each.name: each for each in expectations()}
ANSWERS = {"spliced", "either", "refused", "MESSAGE_UNTOUCHABLE", "HEADER_INVALID"}
PAIRS = [
    pytest.param(each, notice, id=f"{each.name}-{name}")
    for each in EXPECTED.values()
    for name, notice in NOTICES.items()
    if each.notice in {"", name}
]
SECONDS = 5.0
"""Of the processor's time; the slowest takes a fraction of it, a quadratic search takes minutes."""


def additions(notice: Notice) -> Additions:
    return Additions(headers=notice.headers, drop=notice.drop, text=notice.text, html=notice.html)


def judged(expected: Expected, original: bytes, notice: Notice) -> list[str]:
    """What is wrong with the splicer's answer, and with its answer to its own answer."""
    answer = splice(original, additions(notice))
    if isinstance(answer, SpliceFault):
        assert answer.what
        return refusal_findings(expected, str(answer.code))
    found = findings(expected, original, answer, notice)
    return found + ["a second run changes the mail"] * (splice(answer, additions(notice)) != answer)


def expected_of(each: Case) -> Expected:
    return Expected(each.name, each.rfc, each.what, each.expect, each.leaves)


@pytest.mark.parametrize(("expected", "notice"), PAIRS)
def test_a_mail_is_spliced_unharmed_or_refused_as_the_rfc_says(expected: Expected, notice: Notice) -> None:
    found = judged(expected, octets_of_file(expected), notice)
    if found:
        pytest.fail("\n".join((f"{expected.rfc}, {expected.what}: wanted {expected.expect}", *found)), pytrace=False)


@pytest.mark.parametrize("name", BIG)
def test_a_big_mail_is_spliced_or_refused_in_a_short_time(name: str) -> None:
    each = BIG[name]()
    begun = time.process_time()
    splice(each.data, additions(NOTICES["polish"]))
    assert time.process_time() - begun < SECONDS
    assert judged(expected_of(each), each.data, NOTICES["polish"]) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_answered_in_a_short_time(name: str) -> None:
    data = HOSTILE[name]()
    begun = time.process_time()
    answer = splice(data, additions(NOTICES["english"]))
    assert time.process_time() - begun < SECONDS
    assert isinstance(answer, SpliceFault) or len(answer) > len(data) // 4


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
def test_a_notice_with_a_line_that_no_mail_holds_is_encoded_or_wrapped(encoding: str) -> None:
    body = b64(TEXT) if encoding == "base64" else TEXT
    data = mail(multi("mixed", alternative(plain(body, encoding), html("<p>Hello</p>\n")), PDF))
    wanted = Expected("long", "RFC 5322 2.1.1", "a long paragraph", "spliced", ("1.1", "1.2"))
    assert judged(wanted, data, LONG) == []


def test_the_stored_files_are_what_the_script_writes() -> None:
    stored = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert sorted(stored) == sorted(files())
    assert [name for name, data in files().items() if stored[name] != data] == []


def test_the_corpus_has_200_mails_and_says_of_each_what_and_by_which_rfc() -> None:
    assert len(EXPECTED) >= 200
    assert len({each.name for each in CASES}) == len(CASES) == len(EXPECTED)
    for each in EXPECTED.values():
        assert re.match(r"RFC \d{3,4}( \d+(\.\d+)*)?$", each.rfc), each.name
        assert each.what, each.name
        assert each.expect in ANSWERS, each.name
        assert bool(each.leaves) == (each.expect in {"spliced", "either"}), each.name
        assert set(each.already) <= set(each.leaves), each.name


def test_every_leaf_that_the_manifest_names_is_in_the_mail() -> None:
    for each in EXPECTED.values():
        data = re.sub(rb"\r\n|\r|\n", b"\r\n", octets_of_file(each))
        bodies = {piece.path for piece in pieces_of(data) if piece.kind is Kind.BODY}
        assert set(each.leaves) <= bodies, each.name


def test_lines_end_with_crlf_but_where_the_case_is_about_it() -> None:
    bare = {name for name, each in EXPECTED.items() if re.search(rb"\r(?!\n)|(?<!\r)\n", octets_of_file(each))}
    about = {"body_bare_cr", "body_bare_lf", "body_bare_lf_in_attachment", "field_bare_cr", "field_bare_lf"}
    assert bare == about | {"whole_cr_only", "whole_lf_only"}


def test_only_reserved_names_stand_in_the_mails() -> None:
    for each in CASES:
        for domain in re.findall(rb"@([a-z-]+(?:\.[a-z-]+)+)", each.data):
            assert domain.endswith((b".example", b".test", b".invalid")), (each.name, domain)
