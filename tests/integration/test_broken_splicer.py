"""The corpus bites: for each mistake that a splicer can make there is a mail on which the judge sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.corpus.broken_splicer import BrokenSplicer
from tests.corpus.fault import Fault
from tests.corpus.judge import Expected, findings, refusal_findings
from tests.corpus.manifest import expectations, octets_of_file
from tests.corpus.notices import NOTICES, Notice

EXPECTED = {each.name: each for each in expectations()}
MENDED = BrokenSplicer()
CAUGHT_BY = {
    Fault.APPENDS_AFTER_CLOSING: "alternative",
    Fault.IGNORES_ENCODING: "base64_plain",
    Fault.IGNORES_CHARSET: "charset_koi8_r",
    Fault.FORGETS_LABEL: "charset_missing",
    Fault.WRITES_LF: "single_text",
    Fault.SPLITS_ON_LF: "field_bare_cr",
    Fault.EDITS_ATTACHMENTS: "mixed_text_attachment_first",
    Fault.EDITS_ATTACHED_MAILS: "unsubscribe_in_attached_mail",
    Fault.EDITS_FIRST_BRANCH: "alternative_related",
    Fault.EDITS_CALENDARS: "alternative_amp",
    Fault.EDITS_EVERY_TEXT: "mixed_two_texts",
    Fault.IGNORES_START: "related_start_among_pages",
    Fault.EDITS_SIGNED: "signed_in_mixed",
    Fault.IGNORES_ARMOUR: "inline_pgp_signed_qp",
    Fault.FINDS_FIRST_TAG: "html_tag_in_comment",
    Fault.FINDS_LAST_TAG: "html_tag_in_script_after",
    Fault.CASE_MATTERS: "html_capitals",
    Fault.KEEPS_DKIM: "dkim_odd_case",
    Fault.DROPS_ARC: "arc_set",
    Fault.KEEPS_REQUESTS: "request_fields_folded",
    Fault.DOUBLES_FIELDS: "unsubscribe_there",
    Fault.DROPS_BY_PREFIX: "request_fields_likeness",
    Fault.DROPS_ONE_LINE: "dkim_several",
    Fault.UNFOLDS_FIELDS: "field_folded_subject",
    Fault.SERIALISES_ANEW: "mixed_attachment_folded_oddly",
    Fault.LOSES_PREAMBLE: "preamble",
    Fault.LOSES_EPILOGUE: "epilogue",
    Fault.CLOSES_OPEN_PARTS: "closing_missing",
    Fault.LOSES_PARAMETERS: "charset_with_neighbours",
    Fault.LOSES_FLOW: "flowed_soft_last_line",
    Fault.WRAPS_ATTACHMENTS: "mixed_base64_odd_lines",
    Fault.LONG_LINES: "single_html",
    Fault.RUNS_TWICE: "twice_text_base64",
    Fault.SEES_ANY_DASHES: "dashes_of_the_writer",
    Fault.SEES_ANY_MARK: "quoted_notice_html",
    Fault.GLUES_THE_SEAM: "body_without_line_end",
    Fault.TRUSTS_BOUNDARIES: "boundary_parameter_missing",
}


def judged(splicer: BrokenSplicer, expected: Expected, notice: Notice) -> list[str]:
    """What the judge says of the answer; a splicer that falls over has harmed the mail, too."""
    original = octets_of_file(expected)
    answer = splicer.splice(original, notice)
    if isinstance(answer, str):
        return refusal_findings(expected, answer)
    found = findings(expected, original, answer, notice)
    return found + ["a second run changes the mail"] * (splicer.splice(answer, notice) != answer)


def notices_of(expected: Expected) -> Iterator[Notice]:
    yield from (notice for name, notice in NOTICES.items() if expected.notice in {"", name})


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_caught_on_a_mail_that_is_fine_without_it(fault: Fault) -> None:
    expected = EXPECTED[CAUGHT_BY[fault]]
    broken = BrokenSplicer(frozenset({fault}))
    assert any(judged(broken, expected, notice) for notice in notices_of(expected)), f"it {fault}, and nobody saw"
    assert [found for notice in notices_of(expected) for found in judged(MENDED, expected, notice)] == []


def test_without_a_fault_the_whole_corpus_is_content() -> None:
    found = {
        (each.name, text)
        for each in EXPECTED.values()
        for notice in notices_of(each)
        for text in judged(MENDED, each, notice)
    }
    assert found == set()


def test_a_splicer_that_refuses_everything_is_caught() -> None:
    wanted = [each for each in EXPECTED.values() if each.expect == "spliced"]
    assert len(wanted) >= 200
    assert [each.name for each in wanted if refusal_findings(each, "MESSAGE_UNTOUCHABLE") == []] == []


def test_a_splicer_that_does_nothing_is_caught_on_every_mail() -> None:
    unseen = [
        each.name
        for each in EXPECTED.values()
        for notice in notices_of(each)
        if each.already != each.leaves and not findings(each, octets_of_file(each), octets_of_file(each), notice)
    ]
    assert unseen == []
