"""What AUTH carries."""

from __future__ import annotations

from base64 import b64encode

import pytest

from penstock.intake.smtp_login import decoded, plain


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("\0crm\0secret", ("crm", "secret")),
        ("crm\0crm\0secret", ("crm", "secret")),
        ("boss\0crm\0secret", None),
        ("crm\0secret", None),
        ("\0crm\0sec\0ret", None),
        ("", None),
    ],
)
def test_plain_has_three_fields_and_acts_for_nobody_else(text: str, read: object) -> None:
    assert plain(text) == read


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b64encode("pässword".encode()), "pässword"),
        (b"", ""),
        (b64encode(b"\xff"), None),
        (b"YQ", None),
        (b"Y!Q=", None),
        (b"YQ==YQ==", None),
    ],
)
def test_base64_that_is_not_exact_stands_for_nothing(line: bytes, text: str | None) -> None:
    assert decoded(line) == text
