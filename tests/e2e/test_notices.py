"""penstock notices: the customer's lawyer owns the legal texts; one that nobody approved holds the mails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., "CompletedProcess[str]"]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[[Path, Iterable[Mapping[str, Any]]], Path]
Outbox = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]

SHIPPED = Path(__file__).parents[2] / "templates" / "notices"
OLD, NEW = "This commercial e-mail comes from", "This advertising is sent to you by"
CAMPAIGN = "campaigns/short.toml"


@pytest.fixture
def own(house: Path) -> Path:
    """The house with a folder of its own, in which the English text lies as shipped; answers that text."""
    path = house / "notices" / "en" / "notice.toml"
    path.parent.mkdir(parents=True)
    shutil.copyfile(SHIPPED / "en" / "notice.toml", path)
    config = house / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + '\n[notices]\nfolder = "notices"\n', encoding="utf-8")
    return path


def english(found: list[dict[str, Any]]) -> dict[str, Any]:
    return next(each for each in found if each["language"] == "en")


def test_an_edited_text_holds_mails_until_it_is_approved(
    penstock: Run,
    records: Records,
    house: Path,
    own: Path,
    person: Person,
    contact_file: ContactFile,
    outbox: Outbox,
    edited: Edited,
) -> None:
    contacts = contact_file(house / "contacts.jsonl", [person("anna")])

    def sent() -> list[tuple[str, str | None]]:
        found = records("send", CAMPAIGN, "--contacts", contacts, "--wait", "0", cwd=house)
        return [(each["verdict"], each["code"]) for each in found]

    assert english(records("notices", "list", cwd=house))["state"] == "adopted"
    edited(own, (OLD, NEW))
    assert english(records("notices", "list", cwd=house))["state"] == "unapproved"
    assert sent() == [("hold", "NOTICE_MISSING")]
    assert outbox(house) == {}
    explained = penstock("explain", CAMPAIGN, "anna.berg@anna-maskin.example", "--contacts", contacts, cwd=house).stdout
    assert "penstock notices approve en" in explained

    shown = penstock("notices", "diff", "en", cwd=house).stdout
    assert f"-{OLD}" in shown
    assert f"+{NEW}" in shown

    done = penstock("notices", "approve", "en", "--by", "M. Ostrander", "--reviewed-by", "A. Lind", cwd=house)
    assert done.returncode == 0, done.stderr
    listed = english(records("notices", "list", cwd=house))
    assert (listed["state"], listed["approved_by"], listed["reviewed_by"]) == ("approved", "M. Ostrander", "A. Lind")
    assert "approved one" in penstock("notices", "diff", "en", cwd=house).stdout
    assert sent() == [("send", None)]
    (mail,) = outbox(house).values()
    assert NEW.encode() in mail
    rows = [json.loads(line) for line in penstock("ledger", "export", cwd=house).stdout.splitlines()]
    (approval,) = [row for row in rows if row["kind"] == "notice"]
    assert approval["digest"] == listed["digest"]
    assert "Ostrander" not in json.dumps(approval)


def test_a_text_changed_after_its_approval_is_an_error_of_lint_and_doctor_and_holds_only_its_own_language(
    penstock: Run, records: Records, house: Path, own: Path, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    contacts = contact_file(house / "contacts.jsonl", [person("anna")])
    edited(own, (OLD, NEW))
    warned = penstock("lint", CAMPAIGN, cwd=house)
    assert warned.returncode == 0, warned.stdout
    assert "warning: notices/en" in warned.stdout
    assert "! notices" in penstock("doctor", cwd=house).stdout
    assert penstock("notices", "approve", "--by", "M. Ostrander", cwd=house).returncode == 0
    assert "notices/en" not in penstock("lint", CAMPAIGN, cwd=house).stdout
    edited(own, (NEW, OLD))
    found = penstock("lint", CAMPAIGN, cwd=house)
    assert found.returncode == 2
    assert "error: notices/en" in found.stdout
    doctor = penstock("doctor", "--strict", cwd=house)
    assert doctor.returncode == 1
    assert "✗ notices    the notice penstock-notice in en has changed since it was approved" in doctor.stdout
    assert "in de" not in doctor.stdout
    (line,) = records("send", CAMPAIGN, "--contacts", contacts, "--wait", "0", cwd=house)
    assert (line["verdict"], line["code"]) == ("hold", "NOTICE_MISSING")


def test_without_a_store_only_texts_as_shipped_may_leave(
    records: Records, house: Path, own: Path, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    contacts = contact_file(house / "contacts.jsonl", [person("anna")])
    for path in house.glob("penstock.db*"):
        path.unlink()
    (line,) = records("check", CAMPAIGN, "--contacts", contacts, cwd=house)
    assert line["verdict"] == "send"
    edited(own, (OLD, NEW))
    (line,) = records("check", CAMPAIGN, "--contacts", contacts, cwd=house)
    assert (line["verdict"], line["code"]) == ("hold", "NOTICE_MISSING")
    assert "no approval is known" in json.dumps(line)


def test_what_cannot_be_approved_or_compared_is_refused_in_a_line(
    refusal: Refusal, house: Path, own: Path, edited: Edited
) -> None:
    assert "no notice in 'hu'" in refusal("notices", "approve", "hu", "--by", "M. Ostrander", cwd=house)
    assert "no notice in 'hu'" in refusal("notices", "diff", "hu", cwd=house)
    assert "future" in refusal("notices", "approve", "--by", "M. Ostrander", "--at", "2031-01-01", cwd=house)
    assert "calendar" in refusal("notices", "approve", "--by", "M. Ostrander", "--at", "soon", cwd=house)
    assert "name is needed" in refusal("notices", "approve", "--by", " ", cwd=house)
    edited(own, ("{{ controller.legal_name }}", "{{ controler.legal_name }}"))
    assert "controler" in refusal("notices", "approve", "en", "--by", "M. Ostrander", cwd=house)
    edited(own, ("{{ controler.legal_name }}", "{{ controller.legal_name }}"), ('event = "', 'evnt = "'))
    line = refusal("notices", "approve", "en", "--by", "M. Ostrander", cwd=house)
    assert "sources.event is missing" in line
    assert "notice.toml" in line
    edited(house / "config.toml", ('folder = "notices"', 'folder = "notes"'))
    assert "no such folder" in refusal("notices", "list", cwd=house)
