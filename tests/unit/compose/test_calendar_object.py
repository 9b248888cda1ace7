from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.compose.scripts import SCRIPTS

from penstock.compose.calendar_object import calendar_sandbox, completed_calendar
from penstock.compose.fault import TemplateFault
from penstock.compose.sandbox import Blank, Compiled, translator_of

VISIT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Nordlicht//Visit//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:visit@nordlicht.example
DTSTAMP:20261120T080000Z
ATTENDEE;CN="{{ name }}";ROLE=REQ-PARTICIPANT:mailto:anna@m.example
CONTACT;X-CN={{ name }}:x
SUMMARY:{{ t('Visit') }}: {{ name }}
END:VEVENT
END:VCALENDAR
"""
ESCAPED = {"\\\\": "\\", "\\;": ";", "\\,": ",", "\\n": "\n"}
CARETS = {"^^": "^", "^'": '"', "^n": "\n"}


def rendered(source: str, **values: Any) -> str | TemplateFault:
    compiled = calendar_sandbox().compiled(source, "visit.ics.j2", translator_of({"Visit": "Besök, hos oss"}))
    assert isinstance(compiled, Compiled), compiled
    text = compiled.render(values)
    return text if isinstance(text, TemplateFault) else completed_calendar(text, "visit.ics.j2")


def made(source: str, **values: Any) -> str:
    text = rendered(source, **values)
    assert isinstance(text, str), text
    return text


def lines_of(text: str) -> list[str]:
    """Unfolded, as a reader does it."""
    assert text.endswith("\r\n")
    return re.sub("\r\n[ \t]", "", text).split("\r\n")[:-1]


def fault(source: str, **values: Any) -> TemplateFault:
    found = rendered(source, **values)
    assert isinstance(found, TemplateFault), found
    return found


values = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=120),
    st.sampled_from([script.sentence for script in SCRIPTS]),
    st.lists(st.sampled_from([";", ",", ":", '"', "\\", "\n", "^", "a", "ü"]), max_size=30).map("".join),
)


@given(values)
@example('x":mailto:evil@x.example')
@example("a\r\nATTENDEE:mailto:evil@x.example")
@example("\\n \\, \\;")
def test_a_value_comes_back_from_text_and_from_parameters_and_adds_no_line(name: str) -> None:
    lines = lines_of(made(VISIT, name=name))
    plain = name.replace("\r\n", "\n")
    assert len(lines) == VISIT.count("\n")
    assert re.sub(r"\\.", lambda m: ESCAPED[m[0]], lines[9]) == f"SUMMARY:Besök, hos oss: {plain}"
    attendee = re.fullmatch(r'ATTENDEE;CN="([^"]*)";ROLE=REQ-PARTICIPANT:mailto:anna@m.example', lines[7])
    assert attendee is not None
    assert re.sub(r"\^[\^'n]", lambda m: CARETS[m[0]], attendee[1]) == plain
    contact = re.fullmatch(r'CONTACT;X-CN=("[^"]*"|[^";:,]*):x', lines[8])
    assert contact is not None
    assert re.sub(r"\^[\^'n]", lambda m: CARETS[m[0]], contact[1].strip('"')) == plain


@given(st.sampled_from([script.sentence for script in SCRIPTS]), st.integers(1, 30))
def test_lines_have_at_most_75_octets_and_no_character_is_split(sentence: str, times: int) -> None:
    text = made(VISIT, name=sentence * times)
    assert text.count("\r\n") == text.count("\n") == text.count("\r")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    escaped = (sentence * times).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert f"SUMMARY:Besök\\, hos oss: {escaped}" in lines_of(text)


def test_what_a_template_says_itself_stays_as_it_is() -> None:
    source = VISIT.replace("SUMMARY:", "GEO:59.3;18.1\nCATEGORIES:A,B\nSUMMARY:")
    assert {"GEO:59.3;18.1", "CATEGORIES:A,B"} <= set(lines_of(made(source, name="x")))


def test_folded_and_empty_lines_of_a_template_are_fine_and_crlf_too() -> None:
    source = VISIT.replace("UID:visit@", "{% if true %}\n\nUID:vi\n sit@").replace("DTSTAMP", "{% endif %}\nDTSTAMP")
    assert made(source.replace("\n", "\r\n"), name="x") == made(VISIT, name="x")


def test_a_value_that_was_set_aside_is_escaped_once() -> None:
    source = VISIT.replace("BEGIN:VCALENDAR\n", "{% set who %}to {{ name }}; now{% endset %}BEGIN:VCALENDAR\n", 1)
    lines = lines_of(made(source.replace("Visit') }}: {{ name", "Visit') }}: {{ who"), name="a,b"))
    assert "SUMMARY:Besök\\, hos oss: to a\\,b\\; now" in lines


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("BEGIN:VCALENDAR", "X:Y", 1, "does not begin"),
        ("METHOD:REQUEST\n", "", 11, "METHOD is not in VCALENDAR"),
        ("METHOD:REQUEST", "METHOD:please send", 4, "METHOD is none of RFC 5546"),
        ("METHOD:REQUEST", "METHOD:NONSENSE", 4, "METHOD is none of RFC 5546"),
        ("METHOD:REQUEST\n", "METHOD:REQUEST\nMETHOD:REQUEST\n", 13, "METHOD is not in VCALENDAR exactly once"),
        ("UID:visit@nordlicht.example\n", "", 10, "UID is not in VEVENT"),
        ("END:VEVENT\n", "", 11, "ends VCALENDAR inside VEVENT"),
        ("END:VCALENDAR\n", "", 11, "does not end VCALENDAR"),
        ("END:VCALENDAR\n", "END:VCALENDAR\nX:Y\n", 13, "goes on behind"),
        ("END:VCALENDAR\n", "END:VCALENDAR\n" + VISIT, 13, "more than one"),
        ("SUMMARY:", "SUMMARY ", 10, "is no line"),
        ("SUMMARY:", "{{ name }}:", 10, "is no line"),
        ("SUMMARY:", "SUMMARY:\x07", 10, "control character"),
        ("SUMMARY:", "SUMMARY:{{ '\ud800' }}", 1, "half a character"),
    ],
)
def test_what_no_calendar_program_takes_is_a_fault_with_its_line(old: str, new: str, line: int, what: str) -> None:
    found = fault(VISIT.replace(old, new, 1), name="Anna")
    assert found.file == "visit.ics.j2"
    assert what in str(found)
    assert found.line == line
    assert "Anna" not in str(found)


def test_an_object_without_anything_in_it_is_a_fault() -> None:
    assert "no component" in fault("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:PUBLISH\nEND:VCALENDAR\n").what
    assert "does not begin" in fault("\n\n").what


@pytest.mark.parametrize("bad", ["a\0b", "a\x1bb", "a\x7fb"])
def test_a_control_character_in_a_value_is_a_fault(bad: str) -> None:
    assert "control character" in fault(VISIT, name=bad).what


def test_marks_of_ours_in_a_value_mean_nothing() -> None:
    assert "SUMMARY:Besök\\, hos oss: a;b".replace(";", "\\;") in lines_of(made(VISIT, name="a\x02;\x01b"))


def test_a_field_without_a_value_is_told_with_its_line() -> None:
    found = fault(VISIT.replace("{{ name }}", "{{ given_name }}"), given_name=Blank("given_name"))
    assert (found.line, found.variable) == (8, "given_name")


@pytest.mark.parametrize("spelled", ["method:request", "METHOD;X-A=1:REQUEST"])
def test_the_method_has_one_spelling_that_the_writer_finds(spelled: str) -> None:
    text = made(VISIT.replace("METHOD:REQUEST", spelled, 1), name="Anna")
    assert "\r\nMETHOD:REQUEST\r\n" in text
