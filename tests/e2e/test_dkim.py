"""Keys that sign mail: `penstock dkim new`, what doctor and lint say of them, and signed mail in the outbox."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compose.dkim_judges import dkimpy_accepts, dkimpy_accepts_at_any_time, ed25519_holds

import penstock

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")
Keyed = Callable[..., dict[str, str]]


@pytest.fixture
def keyed(records: Records, house: Path, edited: Edited) -> Keyed:
    """Makes keys as the program says, and writes what it says into the config; answers the records for DNS."""

    def made(*options: str) -> dict[str, str]:
        found = [records("dkim", "new", "nordlicht.example", cwd=house)[0]]
        config = found[0]["config"]
        if "--ed25519" in options:
            found += records("dkim", "new", "nordlicht.example", "--ed25519", cwd=house)
            beside = found[1]["config"].splitlines()[-1]
            config = config.removesuffix("}").rstrip() + f", {beside} }}"
        edited(house / "config.toml", ("[web]", f"{config}\n\n[web]"))
        return {each["record"]["name"]: each["record"]["value"] for each in found}

    return made


def doctor(records: Records, house: Path, **options: Any) -> list[tuple[str, str]]:
    lines = records("doctor", cwd=house, **options)
    return [(line["state"], line["says"]) for line in lines if line["what"] == "dkim"]


def test_new_writes_a_key_for_its_owner_only_and_says_what_dns_and_the_config_need(penstock: Run, house: Path) -> None:
    done = penstock("dkim", "new", "nordlicht.example", cwd=house)
    assert done.returncode == 0, done.stderr
    file = house / "keys" / "dkim-nordlicht.example-s1.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert 's1._domainkey.nordlicht.example. TXT ( "v=DKIM1; k=rsa; p=' in done.stdout
    assert "PRIVATE" not in done.stdout
    config = tomllib.loads(done.stdout[done.stdout.index("[[sender]]") :])
    assert config["sender"][0]["dkim"] == {"selector": "s1", "key": "file:keys/dkim-nordlicht.example-s1.pem"}


def test_new_never_writes_over_a_key(refusal: Refusal, records: Records, house: Path) -> None:
    (line,) = records("dkim", "new", "nordlicht.example", cwd=house)
    before = (house / "keys" / "dkim-nordlicht.example-s1.pem").read_bytes()
    said = refusal("dkim", "new", "nordlicht.example", cwd=house)
    assert "dkim-nordlicht.example-s1.pem" in said
    assert "--selector" in said
    assert (house / "keys" / "dkim-nordlicht.example-s1.pem").read_bytes() == before
    assert [len(each) <= 255 for each in line["record"]["strings"]] == [True, True]
    assert "".join(line["record"]["strings"]) == line["record"]["value"]
    (other,) = records("dkim", "new", "nordlicht.example", "--selector", "s2", "--bits", "3072", cwd=house)
    assert other["file"].endswith("dkim-nordlicht.example-s2.pem")


def test_two_domains_may_have_keys_of_the_same_selector(records: Records, house: Path) -> None:
    files = [
        Path(records("dkim", "new", domain, cwd=house)[0]["file"]).name
        for domain in ("nordlicht.example", "other.example")
    ]
    assert files == ["dkim-nordlicht.example-s1.pem", "dkim-other.example-s1.pem"]
    assert len({(house / "keys" / name).read_bytes() for name in files}) == 2


def test_new_refuses_what_is_no_domain_selector_or_length(refusal: Refusal, house: Path) -> None:
    for wrong in (("no domain",), ("nordlicht.example", "--selector", "../x"), ("nordlicht.example", "--bits", "1024")):
        refusal("dkim", "new", *wrong, cwd=house)
    assert not [*(house / "keys").glob("*.pem")]


def test_what_send_puts_into_the_outbox_is_signed(
    penstock: Run, keyed: Keyed, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    known = keyed("--ed25519")
    contact_file(house / "people.jsonl", [person("anna"), person("bo"), person("carl")])
    done = penstock(*SEND, "--strict", cwd=house)
    assert done.returncode == 0, done.stderr
    mails = outbox(house)
    assert len(mails) == 3
    for data in mails.values():
        assert data.count(b"DKIM-Signature: v=1;") == 2
        assert ed25519_holds(data, known)
        first, mark, rest = data.partition(b"DKIM-Signature: v=1; a=ed25519")
        alone = first + rest[rest.index(b"\r\nDate: ") + 2 :]
        assert mark
        assert dkimpy_accepts_at_any_time(alone, known)
        assert not dkimpy_accepts_at_any_time(alone.replace(b"\r\n\r\n", b"\r\n\r\nmore\r\n", 1), known)


async def test_a_ready_made_message_is_signed_too(keyed: Keyed, house: Path, outbox: Outbox) -> None:
    known = keyed()
    message = EmailMessage()
    message["From"] = "billing@nordlicht.example"
    message["To"] = "anna@maskin.example"
    message["Subject"] = "Rechnung für Größe 7"
    message.set_content("Bitte schön.")
    async with penstock.open(house / "config.toml") as gate:
        await gate.submit(message)
    (data,) = outbox(house).values()
    assert dkimpy_accepts(data, known)


def test_doctor_tells_of_each_key_whether_it_signs(records: Records, keyed: Keyed, house: Path, edited: Edited) -> None:
    assert [state for state, _ in doctor(records, house)] == ["warn"]
    keyed()
    assert doctor(records, house) == [("ok", "nordlicht.example: s1 signs")]
    key = house / "keys" / "dkim-nordlicht.example-s1.pem"
    key.chmod(0o644)
    ((state, says),) = doctor(records, house)
    assert state == "warn"
    assert "chmod 600" in says
    key.chmod(0o600)
    one = 'dkim = { selector = "s1", key = "file:keys/dkim-nordlicht.example-s1.pem" }'
    later = '{ selector = "s2", key = "file:keys/dkim-nordlicht.example-s1.pem", from = 2026-12-01 }'
    edited(house / "config.toml", (one, f"{one.replace('= {', '= [{', 1)}, {later}]"))
    assert [says.partition(": ")[2] for _, says in doctor(records, house)] == [
        "s1 signs",
        "s2 will sign from 2026-12-01 on",
    ]
    assert [says.partition(": ")[2] for _, says in doctor(records, house, now="2026-12-01T00:00:00Z")] == [
        "s1 signed before",
        "s2 signs",
    ]
    key.unlink()
    assert [state for state, _ in doctor(records, house)] == ["fail", "fail"]


def test_a_key_that_is_gone_stops_mail_with_one_line_but_never_an_opt_out(
    penstock: Run, refusal: Refusal, keyed: Keyed, house: Path, person: Person, contact_file: ContactFile
) -> None:
    keyed()
    contact_file(house / "people.jsonl", [person("anna")])
    (house / "keys" / "dkim-nordlicht.example-s1.pem").unlink()
    said = refusal(*SEND, cwd=house)
    assert "config.toml:" in said
    assert "file:keys/dkim-nordlicht.example-s1.pem" in said
    assert "penstock dkim new" in said
    done = penstock("suppress", "add", "anna.berg@anna-maskin.example", "--reason", "objection", cwd=house)
    assert done.returncode == 0, done.stderr


def test_a_from_for_which_nobody_of_its_organisation_answers_is_told_by_lint_and_check(
    records: Records, penstock: Run, house: Path, person: Person, contact_file: ContactFile, edited: Edited
) -> None:
    strange = '[[sender]]\ndomain = "nordlicht.example"\nreturn_path = "bounce.other.example"\n\n[web]'
    edited(house / "config.toml", ("[web]", strange))
    lines = records("lint", "campaigns/short.toml", cwd=house, code=2)
    assert any("AUTH_MISSING" in line["what"] for line in lines if line["level"] == "error")
    contact_file(house / "people.jsonl", [person("anna")])
    done = penstock("check", "campaigns/short.toml", "--contacts", "people.jsonl", "--json", cwd=house)
    (line,) = [json.loads(each) for each in done.stdout.splitlines()]
    assert (line["verdict"], line["code"]) == ("block", "AUTH_MISSING")
