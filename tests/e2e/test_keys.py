"""Without the right keys no objection would be found again: then nothing may leave."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Contents = Callable[[Path], dict[str, bytes]]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")


@pytest.fixture
def with_objection(penstock: Run, house: Path, person: Person, contact_file: ContactFile) -> Path:
    """A house whose store knows that Anna objected, and a file that brings her in again."""
    contact_file(house / "people.jsonl", [person("anna"), person("bo")])
    done = penstock("suppress", "add", "anna.berg@anna-maskin.example", "--reason", "objection", cwd=house)
    assert done.returncode == 0, done.stderr
    return house


def test_a_new_machine_with_the_old_database_mails_nobody(
    penstock: Run, refusal: Refusal, with_objection: Path, contents: Contents, tmp_path: Path
) -> None:
    house = with_objection
    shutil.move(house / "keys", tmp_path / "kept-apart")
    before = contents(house)
    line = refusal(*SEND, cwd=house)
    assert "keys" in line
    assert "restore" in line
    assert "check" not in line
    refusal("check", *SEND[1:], cwd=house)
    assert contents(house) == before  # no new keys beside an old store

    shutil.move(tmp_path / "kept-apart", house / "keys")
    done = penstock(*SEND, cwd=house)
    assert done.returncode == 0, done.stderr
    assert len(list((house / "outbox").iterdir())) == 1


def test_the_keys_of_another_store_mail_nobody(
    penstock: Run, refusal: Refusal, with_objection: Path, tmp_path: Path
) -> None:
    house = with_objection
    assert penstock("init", "stranger", cwd=tmp_path).returncode == 0
    shutil.rmtree(house / "keys")
    shutil.copytree(tmp_path / "stranger" / "keys", house / "keys")
    line = refusal(*SEND, cwd=house)
    assert "keys" in line
    refusal("suppress", "check", "anna.berg@anna-maskin.example", cwd=house)
    assert not (house / "outbox").exists()


def test_half_a_set_of_keys_mails_nobody(refusal: Refusal, with_objection: Path) -> None:
    for key in (with_objection / "keys").glob("pepper-*"):
        key.unlink()
    assert "pepper" in refusal(*SEND, cwd=with_objection)
    assert not (with_objection / "outbox").exists()


def test_keys_that_others_may_read_are_refused(refusal: Refusal, house: Path) -> None:
    key = next((house / "keys").glob("pepper-*"))
    key.chmod(0o640)
    line = refusal("contacts", "list", cwd=house)
    assert key.name in line
    assert "chmod 600" in line


def test_a_damaged_key_is_refused_and_not_shown(refusal: Refusal, house: Path) -> None:
    key = next((house / "keys").glob("token-*"))
    text = key.read_text()
    key.write_text(("0" if text[0] != "0" else "1") + text[1:])
    line = refusal("contacts", "list", cwd=house)
    assert key.name in line
    assert text[8:40] not in line


def test_an_old_copy_of_the_database_beside_its_own_keys_still_works(
    penstock: Run, records: Records, with_objection: Path, tmp_path: Path
) -> None:
    """A move to another machine with both, which is how it is meant."""
    moved = shutil.copytree(with_objection, tmp_path / "moved")
    lines = records("check", *SEND[1:], cwd=moved)
    assert [line["code"] for line in lines] == ["SUPPRESSED_PERSON", None]
