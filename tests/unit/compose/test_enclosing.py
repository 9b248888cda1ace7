from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.compose.scripts import SCRIPTS

from penstock.compose.enclosing import encoded_size, file_name_fault, media_type, megabytes, type_fault


@given(st.integers(0, 5_000))
def test_the_encoded_size_is_what_base64_with_line_ends_takes(octets: int) -> None:
    assert encoded_size(octets) == len(base64.encodebytes(bytes(octets)).replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.PNG", "image/png"),
        ("a.jpeg", "image/jpeg"),
        ("a.svg", "image/svg+xml"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.tar.gz", "application/gzip"),
        ("a.ics", "text/calendar"),
        ("a.csv", "text/csv"),
        ("README", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_the_ending(name: str, kind: str) -> None:
    assert media_type(name) == kind
    assert type_fault(name, kind) is None


@pytest.mark.parametrize(
    "name",
    [f"offer.{ending}" for ending in "exe js bat scr vbs cmd com msi ps1 hta jar lnk".split()]  # noqa: SIM905 - a list
    + ["offer.pdf.exe", "OFFER.EXE", "offer.exe.", "offer.exe . "],
)
def test_programs_are_refused_by_name(name: str) -> None:
    assert "program" in str(type_fault(name, "application/pdf"))


@pytest.mark.parametrize(
    "kind",
    ["application/x-msdownload", "text/javascript", "application/java-archive", "application/x-sh", "application/hta"],
)
def test_programs_are_refused_by_type(kind: str) -> None:
    assert "program" in str(type_fault("offer.pdf", kind))


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/rfc822", "pdf", "a/b; c=d", "a/b\r\nX: y", "A/B", ""])
def test_what_is_no_type_of_a_file_is_refused(kind: str) -> None:
    assert type_fault("offer.pdf", kind) is not None


@pytest.mark.parametrize(
    "name",
    [
        "a\rb",
        "a\nb",
        "a\0b",
        "a/b",
        "a\\b",
        "../a",
        "",
        " ",
        ".",
        "..",
        " a",
        "a ",
        "a\u202egpj.exe",
        "\ud800",
        "x" * 201,
    ],
)
def test_a_name_that_no_mail_can_carry_is_refused(name: str) -> None:
    fault = file_name_fault(name)
    assert fault is not None
    assert "\n" not in fault


@pytest.mark.parametrize("name", [*(f"{script.file}.pdf" for script in SCRIPTS), "offer 🎁.pdf", "a: b? 'c'.pdf"])
def test_names_of_all_scripts_are_fine(name: str) -> None:
    assert file_name_fault(name) is None


def test_sizes_are_told_in_megabytes() -> None:
    assert (megabytes(30 * 1024 * 1024), megabytes(10_800_000)) == ("30 MB", "10.3 MB")
