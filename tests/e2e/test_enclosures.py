"""Files that go with letters, from the campaign file to the finished mail."""

from __future__ import annotations

import email
import email.policy
import os
import struct
import zlib
from collections.abc import Callable
from email.message import MIMEPart
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Edited = Callable[..., Path]

CAMPAIGN = "campaigns/short.toml"
LETTER = """<html><body><p>Dear {{ given_name|default('reader') }}, purchasing for {{ company.name }}.</p>
<p><img src="cid:logo" alt="Nordlicht" width="120"></p>{% if reason %}<p>{{ reason }}</p>{% endif %}</body></html>
"""
VISIT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Nordlicht//Visit//EN
METHOD:PUBLISH
BEGIN:VEVENT
UID:visit-2026@nordlicht.example
DTSTAMP:20261120T080000Z
DTSTART:20261201T090000Z
SUMMARY:Visit at {{ company.name }}
DESCRIPTION:Because {{ reason }}
END:VEVENT
END:VCALENDAR
"""
FILES = 'html = "short.html.j2"\ncalendar = "visit.ics.j2"\nattachments = ["Prisöversikt.pdf"]\n'


def png(side: int) -> bytes:
    """A blue square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x3a\x78\xb5" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def equipped(house: Path, edited: Edited) -> Path:
    """The house with a short letter in HTML that brings an image, a file and an appointment."""
    folder = house / "campaigns"
    edited(
        house / CAMPAIGN,
        ('text = "short.txt.j2"\n', f'text = "short.txt.j2"\n{FILES}images = {{ logo = "logo.png" }}\n'),
    )
    (folder / "short.html.j2").write_text(LETTER, encoding="utf-8")
    (folder / "visit.ics.j2").write_text(VISIT, encoding="utf-8")
    (folder / "Prisöversikt.pdf").write_bytes(b"%PDF-1.7\n" + bytes(200_000))
    (folder / "logo.png").write_bytes(png(40))
    return house


def tree(part: MIMEPart) -> str:
    if not part.is_multipart():
        return part.get_content_subtype()
    return f"{part.get_content_subtype()}({', '.join(tree(each) for each in part.iter_parts())})"


def test_letter_image_file_and_appointment_arrive_whole(
    penstock: Run, equipped: Path, person: Any, contact_file: Any, outbox: Any
) -> None:
    people = [person("anna", reason="a new plant; in Lyon, France"), person("elin")]
    contact_file(equipped / "two.jsonl", people)
    done = penstock("send", CAMPAIGN, "--contacts", "two.jsonl", "--wait", "0", cwd=equipped)
    assert done.returncode == 0, done.stderr
    mails = [email.message_from_bytes(data, policy=email.policy.default) for data in outbox(equipped).values()]
    assert len(mails) == 2
    for mail in mails:
        assert tree(mail) == "mixed(alternative(plain, related(html, png), calendar), pdf)"
        assert not [defect for part in mail.walk() for defect in part.defects]
        parts = {part.get_content_subtype(): part for part in mail.walk()}
        assert parts["png"].get_content() == png(40)
        cid = str(parts["png"]["Content-ID"]).strip("<>")
        assert f'src="cid:{cid}"' in parts["html"].get_content()
        assert parts["pdf"].get_filename() == "Prisöversikt.pdf"
        assert parts["pdf"].get_content() == b"%PDF-1.7\n" + bytes(200_000)
        assert parts["calendar"]["Content-Type"].params["method"] == "PUBLISH"
        assert 'data-penstock="optout"' in parts["html"].get_content()
    anna = next(mail for mail in mails if "anna" in mail["To"])
    event = next(part for part in anna.walk() if part.get_content_subtype() == "calendar").get_content()
    assert "DESCRIPTION:Because a new plant\\; in Lyon\\, France" in event.splitlines()


def test_the_page_shows_the_image_and_lists_the_files(
    penstock: Run, equipped: Path, person: Any, contact_file: Any
) -> None:
    contact_file(equipped / "one.jsonl", [person("anna")])
    who = "anna.berg@anna-maskin.example"
    done = penstock("preview", CAMPAIGN, who, "--contacts", "one.jsonl", "--out", "a.html", cwd=equipped)
    assert done.returncode == 0, done.stderr
    page = (equipped / "a.html").read_text(encoding="utf-8")
    assert "src=&#34;data:image/png;base64,iVBOR" in page
    assert "Prisöversikt.pdf" in page
    assert "SUMMARY:Visit at Anna Maskin AB" in page


def test_lint_tells_which_image_is_missing_and_which_is_not_used(
    records: Records, equipped: Path, edited: Edited
) -> None:
    edited(equipped / CAMPAIGN, ('{ logo = "logo.png" }', '{ mark = "logo.png" }'))
    found = {(line["level"], line["where"]): line["what"] for line in records("lint", CAMPAIGN, cwd=equipped, code=2)}
    assert found["error", "short.html.j2:2"] == "cid:logo is none of the images"
    assert found["warning", "[message] images.mark"] == "is shown by no template and is not sent"


def test_an_appointment_that_no_program_takes_stops_the_campaign(
    records: Records, equipped: Path, edited: Edited
) -> None:
    edited(equipped / "campaigns/visit.ics.j2", ("METHOD:PUBLISH\n", ""))
    lines = records("lint", CAMPAIGN, cwd=equipped, code=2)
    errors = [(line["where"], line["what"]) for line in lines if line["level"] == "error"]
    assert errors == [("visit.ics.j2:11", "METHOD is not in VCALENDAR exactly once")]


def test_a_file_too_large_missing_or_a_program_is_one_clear_line(
    refusal: Refusal, equipped: Path, edited: Edited
) -> None:
    with (equipped / "campaigns" / "logo.png").open("r+b") as file:
        os.truncate(file.fileno(), 30 * 1024 * 1024)
    told = refusal("check", CAMPAIGN, "--contacts", "contacts.csv", cwd=equipped)
    assert "message.images.logo: logo.png has 30 MB" in told
    assert "at most 10 MB" in told
    (equipped / "campaigns" / "logo.png").unlink()
    assert "there is no file logo.png" in refusal("lint", CAMPAIGN, cwd=equipped)
    (equipped / "campaigns" / "logo.png").write_bytes(png(1))
    edited(equipped / CAMPAIGN, ("Prisöversikt.pdf", "setup.exe"))
    assert "setup.exe is a program or script" in refusal("lint", CAMPAIGN, cwd=equipped)


def test_an_approval_is_for_these_very_octets(
    penstock: Run, records: Records, equipped: Path, person: Any, contact_file: Any, outbox: Any
) -> None:
    contact_file(equipped / "one.jsonl", [person("anna")])
    options: dict[str, Any] = {"cwd": equipped, "env": {"PENSTOCK__SAFETY__FOUR_EYES": "true"}}
    send = ("send", CAMPAIGN, "--contacts", "one.jsonl", "--wait", "0")
    assert "CAMPAIGN_PAUSED" in penstock(*send, **options).stdout
    records("campaign", "approve", CAMPAIGN, "--by", "A. Lind", **options)
    with (equipped / "campaigns" / "Prisöversikt.pdf").open("ab") as file:
        file.write(b"one more octet")
    assert "CAMPAIGN_PAUSED" in penstock(*send, **options).stdout
    assert outbox(equipped) == {}
    records("campaign", "approve", CAMPAIGN, "--by", "A. Lind", **options)
    assert penstock(*send, **options).returncode == 0
    assert len(outbox(equipped)) == 1
