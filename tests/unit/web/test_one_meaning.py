"""What two readers may understand in two ways is answered by nobody."""

from __future__ import annotations

import pytest

from penstock.web.one_meaning import is_ambiguous


@pytest.mark.parametrize(
    ("names", "ambiguous"),
    [
        ([], False),
        ([b"host", b"content-length", b"content-type", b"authorization"], False),
        ([b"transfer-encoding", b"content-type"], False),
        ([b"cookie", b"x", b"cookie", b"x"], False),
        ([b"content-length", b"x", b"transfer-encoding"], True),
        ([b"transfer-encoding", b"content-length"], True),
        ([b"authorization", b"x", b"authorization"], True),
        ([b"content-type", b"content-type"], True),
    ],
)
def test_lengths_of_two_kinds_and_fields_said_twice_are_ambiguous(names: list[bytes], ambiguous: bool) -> None:
    assert is_ambiguous(names) is ambiguous
