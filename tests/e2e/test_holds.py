"""`penstock holds`: mails that wait for a person's word."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")


def test_a_release_waives_the_holds_it_had_and_nothing_else(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    names = ["anna", "bo", "carl", "dora"]
    contact_file(house / "people.jsonl", [person(name, company={"employees": None}) for name in names])
    ids = {line["address"].partition(".")[0]: line["mail_id"] for line in records(*SEND, cwd=house)}
    held = records("holds", "list", cwd=house)
    assert {line["mail_id"] for line in held} == set(ids.values())
    assert {line["code"] for line in held} == {"NOT_RELEVANT"}
    assert all("@" not in str(line) for line in held)

    why = ("--why", "size looked up")
    assert penstock("holds", "release", ids["anna"], ids["bo"], ids["carl"], *why, cwd=house).returncode == 0
    assert penstock("suppress", "add", "bo.berg@bo-maskin.example", "--reason", "phone", cwd=house).returncode == 0
    flags = {"carl": ["special_category"]}
    people = [person(name, company={"employees": None}, flags=flags.get(name, [])) for name in names]
    contact_file(house / "people.jsonl", people)
    after = {line["address"].partition(".")[0]: line for line in records(*SEND, cwd=house)}
    assert {name: (line["verdict"], line["code"], line["outcome"]) for name, line in after.items()} == {
        "anna": ("send", None, "accepted"),
        "bo": ("block", "SUPPRESSED_PERSON", None),
        "carl": ("hold", "SPECIAL_CATEGORY", None),
        "dora": ("hold", "NOT_RELEVANT", None),
    }
    assert outbox(house).keys() == {f"{ids['anna']}.eml"}

    assert penstock("holds", "drop", ids["dora"], cwd=house).returncode == 0
    last = {line["address"].partition(".")[0]: line for line in records(*SEND, cwd=house)}
    assert (last["dora"]["earlier"], last["dora"]["outcome"]) == ("cancelled", None)
    assert [line["mail_id"] for line in records("holds", "list", cwd=house)] == [ids["carl"]]
    assert len(outbox(house)) == 1


def test_what_is_not_held_and_a_release_without_a_reason_are_refused(refusal: Refusal, house: Path) -> None:
    unknown = "0" * 32
    assert "holds list" in refusal("holds", "release", unknown, "--why", "x", cwd=house)
    assert "holds list" in refusal("holds", "drop", unknown, cwd=house)
    assert "--why" in refusal("holds", "release", unknown, "--why", " ", cwd=house)
