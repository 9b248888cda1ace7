"""`penstock preview`: the finished mail before it goes."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Contents = Callable[[Path], dict[str, bytes]]

CAMPAIGN = "campaigns/purchasing.toml"
BLOCKS = ["identity", "reason", "source", "rights", "objection", "optout", "contact"]


def test_as_eml_it_is_the_mail_that_send_then_writes(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "one.jsonl", [person("anna")])
    shown = penstock(
        "preview", CAMPAIGN, "anna.berg@anna-maskin.example", "--contacts", "one.jsonl", "--out", "a.eml", cwd=house
    )
    assert shown.returncode == 0, shown.stderr
    assert penstock("send", CAMPAIGN, "--contacts", "one.jsonl", "--wait", "0", cwd=house).returncode == 0
    (sent,) = (house / "outbox").iterdir()
    assert (house / "a.eml").read_bytes() == sent.read_bytes()


def test_without_a_file_it_goes_to_standard_output_and_writes_nothing(
    penstock: Run, sample: Path, contents: Contents
) -> None:
    before = contents(sample)
    who = "priya.inglethorpe@wharncote-crushers.example"
    done = penstock("preview", CAMPAIGN, who, "--contacts", "contacts.csv", cwd=sample)
    assert done.returncode == 0, done.stderr
    mail = email.message_from_string(done.stdout, policy=email.policy.default)
    assert "priya.inglethorpe@wharncote-crushers.example" in mail["To"]
    assert not [defect for part in mail.walk() for defect in part.defects]
    after = contents(sample)
    assert {file: after[file] for file in before} == before


def test_as_page_it_marks_which_block_came_from_which_rule(penstock: Run, sample: Path, tmp_path: Path) -> None:
    who = "priya.inglethorpe@wharncote-crushers.example"
    page = tmp_path / "mail.html"
    done = penstock("preview", CAMPAIGN, who, "--contacts", "contacts.csv", "--out", page, cwd=sample)
    assert done.returncode == 0, done.stderr
    html = page.read_text(encoding="utf-8")
    assert "GDPR Art. 21(4)" in html
    assert all(re.search(rf"\b{block}\b", html) for block in BLOCKS)
    assert "List-Unsubscribe" in html
    assert "<script" not in html


def test_a_mail_that_would_not_go_is_shown_and_said_so(penstock: Run, demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "blocked.eml"
    done = penstock("preview", CAMPAIGN, "maelle.dufraisne@gondremont-froid.example", "--out", out, cwd=demo)
    assert done.returncode == 0, done.stderr
    assert "SUPPRESSED_PERSON" in done.stderr
    assert out.read_bytes().startswith(b"Date: ")


def test_markup_and_template_marks_in_a_contact_are_plain_text(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile
) -> None:
    evil = "<script>alert(1)</script>"
    contact_file(house / "evil.jsonl", [person("anna", given_name=evil, reason="{{ 7*7 }}")])
    out = ("--contacts", "evil.jsonl", "--out")
    for name in ("mail.html", "mail.eml"):
        done = penstock("preview", CAMPAIGN, "anna.berg@anna-maskin.example", *out, name, cwd=house)
        assert done.returncode == 0, done.stderr
    assert "<script>alert" not in (house / "mail.html").read_text(encoding="utf-8")
    mail = email.message_from_bytes((house / "mail.eml").read_bytes(), policy=email.policy.default)
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>alert" not in html.get_content()
    assert "&lt;script&gt;alert" in html.get_content()
    assert "49." not in html.get_content()


def test_an_address_that_is_nowhere_is_one_clear_line(refusal: Refusal, sample: Path) -> None:
    assert "contacts.csv" in refusal("preview", CAMPAIGN, "no@body.example", "--contacts", "contacts.csv", cwd=sample)
