from __future__ import annotations

from datetime import timedelta

import pytest

from penstock.model.window import Window, parse_window


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("5/30d", Window(5, timedelta(days=30))),
        ("1/7d", Window(1, timedelta(days=7))),
        ("100/s", Window(100, timedelta(seconds=1))),
        ("20/30min", Window(20, timedelta(minutes=30))),
        ("50000/d", Window(50_000, timedelta(days=1))),
        ("3/2h", Window(3, timedelta(hours=2))),
        ("2 / 4 w", Window(2, timedelta(weeks=4))),
    ],
)
def test_a_window_is_a_number_per_time(text: str, window: Window) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text",
    ["", "5", "5/", "/d", "0/d", "5/0d", "-5/d", "5/30", "5/30m", "5/30 months", "5/d5", "٥/d", "5/999999w", "5,5/d"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a number per time|longer than ten years"):
        parse_window(text)
