"""Which legal texts may leave."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.compose.notice_approval import TextState, text_state, why_held
from penstock.compose.notice_text import NoticeFile
from penstock.model.legal_text import ApprovedText, LegalTexts

WHEN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def file(digest: str = "aa", *, own: bool = False) -> NoticeFile:
    return NoticeFile(Path("notices/de/notice.toml"), b"", digest, own, {"id": "text", "version": 1, "language": "de"})


def known(digest: str, by: str = "") -> LegalTexts:
    return LegalTexts(approved={"de": ApprovedText("de", "text", "1", digest, "", by, WHEN)})


@pytest.mark.parametrize(
    ("used", "texts", "state"),
    [
        (file(), LegalTexts(), TextState.SHIPPED),
        (file(), LegalTexts(shipped={"de": "aa"}), TextState.SHIPPED),
        (file(), LegalTexts(shipped={"de": "bb"}), TextState.CHANGED),
        (file(), known("aa"), TextState.ADOPTED),
        (file(), known("aa", "M. Ostrander"), TextState.APPROVED),
        (file(), known("bb"), TextState.CHANGED),
        (file(), known("bb", "M. Ostrander"), TextState.CHANGED),
        (file(own=True), LegalTexts(), TextState.UNAPPROVED),
        (file(own=True), LegalTexts(shipped={"de": "aa"}), TextState.UNAPPROVED),
        (file(own=True), known("bb"), TextState.UNAPPROVED),
        (file(own=True), known("bb", "M. Ostrander"), TextState.CHANGED),
        (file(own=True), known("aa", "M. Ostrander"), TextState.APPROVED),
        (file(own=True), known("aa"), TextState.ADOPTED),
    ],
)
def test_a_text_may_leave_only_as_it_was_shipped_or_approved(
    used: NoticeFile, texts: LegalTexts, state: TextState
) -> None:
    assert text_state(used, texts) is state
    why = why_held(used, texts)
    assert (why is not None) == (state in (TextState.CHANGED, TextState.UNAPPROVED))
    if why is not None:
        assert "text in de" in why
        assert "penstock notices approve de --by NAME" in why


def test_why_says_since_when_but_names_nobody() -> None:
    assert "approved on 2026-11-20" in (why_held(file(), known("bb", "M. Ostrander")) or "")
    assert "Ostrander" not in (why_held(file(), known("bb", "M. Ostrander")) or "")
    assert "adopted on 2026-11-20" in (why_held(file(), known("bb")) or "")
    assert "was installed" in (why_held(file(), LegalTexts(shipped={"de": "bb"})) or "")
    assert "[notices] folder" in (why_held(file(own=True), LegalTexts()) or "")
