"""What the contract names and this version does not have says so and never pretends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]
Refusal = Callable[..., str]


LATER = [
    ("rights", "erase", "anna@maskin.example"),
    ("inbox", "classify", "mail.eml"),
    ("evidence", "campaigns/purchasing.toml"),
]


@pytest.fixture(scope="module")
def answers(sample: Path, refusal: Refusal, at_once: AtOnce) -> Any:
    """What the program says to each."""
    return dict(zip(LATER, at_once(partial(refusal, *words, cwd=sample) for words in LATER), strict=True))


@pytest.mark.parametrize("words", LATER, ids=" ".join)
def test_it_is_answered_with_exit_2_and_plain_words(
    answers: dict[tuple[str, ...], Future[str]], words: tuple[str, ...]
) -> None:
    line = answers[words].result()
    assert "not in this version" in line
    assert "anna" not in line
