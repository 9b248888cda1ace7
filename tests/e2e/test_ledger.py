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

PRIYA = "Priya.Inglethorpe+x@wharncote-crushers.example"


def test_a_person_and_a_mail_can_be_looked_up(records: Records, penstock: Run, demo: Path) -> None:
    about = records("ledger", "show", PRIYA, cwd=demo)
    assert about
    (mail_id,) = {row["mail"] for row in about}
    assert any(row.get("outcome") == "accepted" for row in about)
    assert records("ledger", "show", mail_id, cwd=demo) == about
    assert penstock("ledger", "show", "nobody@nowhere.example", cwd=demo).stdout == "nothing on record\n"
    assert (demo / "outbox" / f"{mail_id}.eml").exists()


def test_a_decision_is_shown_with_basis_rules_and_provenance_and_made_again(penstock: Run, demo: Path) -> None:
    done = penstock("ledger", "show", PRIYA, cwd=demo)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "✓ SEND, sending begun (attempt 1)" in text
    for part in ("basis legitimate interest", "policy 2026-11, table of law ", "notice version ", "provenance "):
        assert part in text
    assert "✓ legitimate_interest GDPR Art. 6(1)(f), Art. 5(2) rests on lia:" in text
    assert "replay same: decided again from the kept inputs" in text
    assert "taken as recorded (lists, other mails, the letter): suppression, schedule," in text
    assert "outcome accepted" in text
    assert "Inglethorpe" not in done.stdout
    assert "wharncote" not in done.stdout


@pytest.fixture(scope="module")
def decided(demo: Path, records: Records) -> list[dict[str, Any]]:
    """One decision of each of eight codes."""
    with closing(sqlite3.connect(demo / "penstock.db")) as store:
        ids = store.execute("SELECT min(mail_id) FROM ledger WHERE kind = 'decision' GROUP BY code").fetchall()
    return [records("ledger", "show", mail_id, cwd=demo)[0] for (mail_id,) in ids[:8]]


def test_every_stop_is_decided_so_again(decided: list[dict[str, Any]]) -> None:
    assert len(decided) == 8
    for row in decided:
        assert row["replay"]["answer"] == "same", row
        assert (row["replay"]["verdict"], row["replay"]["codes"]) == (row["verdict"], row["codes"])
        assert set(row["replay"]["replayed"]) >= {"relevance", "legal_basis"}
        assert row["provenance"] is None or len(row["provenance"]) == 16


def test_other_numbers_of_policy_show_as_a_difference(penstock: Run, records: Records, demo: Path) -> None:
    strict = {"PENSTOCK__POLICY__UNVERIFIED_AFTER_DAYS": "1"}
    done = penstock("ledger", "show", PRIYA, cwd=demo, env=strict)
    assert "replay      differs: decided again from the kept inputs it is HOLD UNVERIFIED" in done.stdout
    assert "freshness: send then, hold UNVERIFIED now" in done.stdout
    assert "changed since: settings of the policy or list of stages" in done.stdout
    replay = records("ledger", "show", PRIYA, cwd=demo, env=strict)[0]["replay"]
    assert (replay["answer"], replay["verdict"], replay["codes"]) == ("differs", "hold", ["UNVERIFIED"])
    assert replay["differences"] == [{"stage": "freshness", "then": ["send"], "now": ["hold UNVERIFIED"]}]


def test_after_an_erasure_the_decision_stays_and_its_inputs_do_not(penstock: Run, demo: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(demo, tmp_path / "copy", ignore=shutil.ignore_patterns("outbox"))
    with closing(sqlite3.connect(copy / "penstock.db")) as store, store:
        store.execute("DELETE FROM snapshots")
    done = penstock("ledger", "show", PRIYA, cwd=copy)
    assert "replay      inputs erased (Art. 17): the decision stays on record" in done.stdout
    assert penstock("ledger", "verify", cwd=copy).returncode == 0


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
