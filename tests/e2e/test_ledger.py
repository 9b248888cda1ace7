"""`penstock ledger`: what was decided and done, and that nobody changed the record since."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

AtOnce = Callable[[Iterable[Callable[[], Any]]], list[Future[Any]]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]


def test_a_person_and_a_mail_can_be_looked_up(records: Records, penstock: Run, demo: Path) -> None:
    about = records("ledger", "show", "Priya.Inglethorpe+x@wharncote-crushers.example", cwd=demo)
    assert about
    (mail_id,) = {row["mail"] for row in about}
    assert any(row.get("outcome") == "accepted" for row in about)
    assert records("ledger", "show", mail_id, cwd=demo) == about
    assert penstock("ledger", "show", "nobody@nowhere.example", cwd=demo).stdout == "nothing on record\n"
    assert (demo / "outbox" / f"{mail_id}.eml").exists()


def test_it_holds_no_address_no_name_and_no_text(penstock: Run, demo: Path, tmp_path: Path) -> None:
    done = penstock("ledger", "export", "--out", tmp_path / "ledger.jsonl", cwd=demo)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "ledger.jsonl").read_text(encoding="utf-8")
    assert "@" not in text
    assert "Inglethorpe" not in text
    assert "wharncote" not in text
    assert all({"seq", "batch", "kind", "at"} <= json.loads(line).keys() for line in text.splitlines())
    assert (tmp_path / "ledger.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_untouched_ledger_is_as_it_was_written(records: Records, demo: Path) -> None:
    (report,) = records("ledger", "verify", cwd=demo)
    assert report["ok"] is True
    assert report["rows"] > 200
    assert report["fault"] is None


HELD = "(SELECT min(seq) FROM ledger WHERE code = 'NOT_RELEVANT')"
TAMPERING = {
    "another code": f"UPDATE ledger SET row = CAST(replace(row, 'RELEVANT', 'WANTED') AS BLOB) WHERE seq = {HELD}",
    "a space": "UPDATE ledger SET row = CAST(row || ' ' AS BLOB) WHERE seq = 7",
    "row removed": "DELETE FROM ledger WHERE seq = 100",
    "end cut off": "DELETE FROM ledger WHERE seq > 300",
    "digest": "UPDATE ledger SET digest = zeroblob(32) WHERE seq = 3",
    "last batch": "DELETE FROM ledger_batches WHERE batch = (SELECT max(batch) FROM ledger_batches)",
}


@pytest.fixture(scope="module")
def found(demo: Path, records: Records, at_once: AtOnce, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `verify` says after each change, made by somebody who may write to the file and knows SQL."""

    def find(tampering: str) -> dict[str, Any]:
        copy = tmp_path_factory.mktemp("tampered") / "copy"
        shutil.copytree(demo, copy, ignore=shutil.ignore_patterns("outbox"))
        with closing(sqlite3.connect(copy / "penstock.db")) as store, store:
            for (trigger,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                store.execute(f"DROP TRIGGER {trigger}")
            assert store.execute(tampering).rowcount > 0
        (report,) = records("ledger", "verify", cwd=copy, code=1)
        return report

    return dict(zip(TAMPERING, at_once(partial(find, each) for each in TAMPERING.values()), strict=True))


@pytest.mark.parametrize("name", TAMPERING)
def test_a_changed_removed_or_cut_off_row_is_found(found: dict[str, Future[dict[str, Any]]], name: str) -> None:
    report = found[name].result()
    assert report["ok"] is False
    assert report["fault"]


def test_the_row_that_was_changed_is_named(
    found: dict[str, Future[dict[str, Any]]], records: Records, demo: Path
) -> None:
    with closing(sqlite3.connect(demo / "penstock.db")) as store:
        (held,) = store.execute(f"SELECT {HELD}").fetchone()
    for name, row in (("another code", held), ("a space", 7), ("digest", 3)):
        report = found[name].result()
        assert report["seq"] == row
        assert str(row) in report["fault"]


def test_the_triggers_stand_in_the_way_of_accidents(demo: Path) -> None:
    with closing(sqlite3.connect(demo / "penstock.db")) as store:
        for statement in ("DELETE FROM ledger", "UPDATE ledger SET at = ''", "DELETE FROM ledger_batches"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                store.execute(statement)


def test_what_is_neither_an_address_nor_an_id_is_one_clear_line(refusal: Refusal, demo: Path) -> None:
    assert "mail id" in refusal("ledger", "show", "somebody", cwd=demo)
