"""What is known of the legal texts when a house opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.config.settings import load_settings
from penstock.errors import ConfigError
from penstock.legal_texts import known_texts, text_of
from penstock.model.legal_text import ApprovedText
from penstock.store.sqlite import SqliteStore
from penstock.testing.clocks import FakeClock
from penstock.testing.memory import memory_store


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with memory_store() as found:
        yield found


async def test_shipped_texts_are_adopted_at_the_first_opening_and_kept_with_their_octets(store: SqliteStore) -> None:
    clock = FakeClock()
    found = await known_texts(load_settings({}, {}), store, clock)
    assert {"de", "en", "fr", "sv"} <= found.approved.keys()
    assert {(text.approved_by, text.at) for text in found.approved.values()} == {("", clock.now())}
    assert found.folder is None
    assert b'language = "de"' in (await store.notice_texts.source("de") or b"")
    assert (await known_texts(load_settings({}, {}), store, clock)).approved == found.approved


async def test_what_was_known_before_an_upgrade_is_not_adopted_over(store: SqliteStore) -> None:
    older = ApprovedText("de", "penstock-notice", "0", "ab", "", "", FakeClock().now())
    await store.notice_texts.adopt([(older, b"older")])
    assert (await known_texts(load_settings({}, {}), store, FakeClock())).approved["de"] == older


async def test_a_folder_of_ones_own_must_be_there_and_adopts_nothing(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        await known_texts(load_settings({"notices": {"folder": str(tmp_path / "x")}}, {}), store, FakeClock())
    path = tmp_path / "hu" / "notice.toml"
    path.parent.mkdir()
    path.write_text('id = "x"\nversion = 1\nlanguage = "hu"\n')
    found = await known_texts(load_settings({"notices": {"folder": str(tmp_path)}}, {}), store, FakeClock())
    assert found.folder == tmp_path
    assert "hu" not in found.approved


def test_the_reviewer_is_taken_from_the_file_where_nobody_is_named() -> None:
    from penstock.compose.notice_text import NoticeFile

    table = {"id": "x", "version": 2, "language": "de", "reviewed_by": " A. Lind "}
    file = NoticeFile(Path("de/notice.toml"), b"", "aa", True, table)
    now = FakeClock().now()
    assert text_of(file, now) == ApprovedText("de", "x", "2", "aa", "A. Lind", "", now)
    assert text_of(file, now, "B. Ek", "C. Ek").reviewed_by == "C. Ek"
