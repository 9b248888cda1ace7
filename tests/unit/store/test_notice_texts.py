"""Legal texts in the store: adopted once, approved on record, seen by other processes."""

from __future__ import annotations

from pathlib import Path

from tests.unit.store.conftest import START, World

from penstock.model.legal_text import ApprovedText
from penstock.store.sqlite import SqliteStore


def text(digest: str, by: str = "", language: str = "de") -> ApprovedText:
    return ApprovedText(language, "penstock-notice", "1", digest, "A. Lind", by, START)


async def test_a_text_is_adopted_once_and_never_over_another(store: SqliteStore) -> None:
    assert await store.notice_texts.newest() == {}
    assert await store.notice_texts.source("de") is None
    await store.notice_texts.adopt([(text("aa"), b"one"), (text("cc", language="fr"), b"un")])
    await store.notice_texts.adopt([(text("bb"), b"two")])
    assert await store.notice_texts.newest() == {"de": text("aa"), "fr": text("cc", language="fr")}
    assert await store.notice_texts.source("de") == b"one"
    assert await store.ledger.rows(0, 9) == []


async def test_an_approval_is_durable_the_newest_counts_and_is_told_to_the_ledger_without_names(
    path: Path, file_store: SqliteStore, world: World
) -> None:
    await file_store.notice_texts.adopt([(text("aa"), b"one")])
    await file_store.notice_texts.approve([(text("bb", "M. Ostrander"), b"two")])
    await file_store.notice_texts.approve([(text("aa", "M. Ostrander"), b"one")])
    other = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    assert await other.notice_texts.newest() == {"de": text("aa", "M. Ostrander")}
    assert await other.notice_texts.source("de") == b"one"
    await other.aclose()
    rows = await file_store.ledger.rows(0, 9)
    assert [(row.kind, row.body["language"], row.body["digest"]) for row in rows] == [
        ("notice", "de", "bb"),
        ("notice", "de", "aa"),
    ]
    assert "Ostrander" not in str([row.body for row in rows])
    assert (await file_store.ledger.verify()).fault is None
