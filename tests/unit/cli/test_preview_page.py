from __future__ import annotations

import html as markup
import re
from dataclasses import replace

from penstock.cli.preview_page import preview_page
from penstock.compose.calendar_object import completed_calendar
from penstock.compose.mime import serialise
from penstock.model.mail import Attachment
from penstock.testing import a_letter
from penstock.testing.samples import a_mail

EVENT = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:PUBLISH\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20261120T080000Z\n"
    "SUMMARY:A visit\nEND:VEVENT\nEND:VCALENDAR\n"
)
LOGO = Attachment("logo <1>.png", "image/png", b"\x89PNG" * 600, "logo.1@penstock")
OFFER = Attachment("הצעה.pdf", "application/pdf", b"%PDF" * 1_000)


def page(*files: Attachment, calendar: str | None = None) -> str:
    letter = a_letter(html='<p>Hello</p><img src="cid:logo.1@penstock" alt="">')
    headers = (*letter.headers, ("MIME-Version", "1.0"))
    data = serialise(replace(letter, headers=headers, attachments=files, calendar=calendar), boundary="=_b")
    assert isinstance(data, bytes)
    return preview_page(a_mail(), data).decode()


def test_images_are_shown_in_the_page_itself() -> None:
    shown = markup.unescape(page(LOGO))
    assert re.search(r'<img src="data:image/png;base64,iVBOR[A-Za-z0-9+/=]+" alt="">', shown)
    assert "cid:logo.1@penstock" not in shown.partition("Text part")[0]


def test_files_are_listed_with_type_size_and_use() -> None:
    found = page(LOGO, OFFER)
    assert "<bdi>logo &lt;1&gt;.png</bdi></td><td>image/png</td><td>2 KB</td><td>shown in the letter" in found
    assert "<bdi>הצעה.pdf</bdi></td><td>application/pdf</td><td>4 KB</td><td>attached" in found
    assert "<h2>Files</h2>" not in page()


def test_a_calendar_part_is_shown() -> None:
    event = completed_calendar(EVENT, "visit.ics.j2")
    assert isinstance(event, str)
    assert "SUMMARY:A visit" in page(calendar=event).partition("<h2>Calendar part</h2>")[2].partition("<details>")[0]
    assert "<h2>Calendar part</h2>" not in page()


def test_the_raw_message_leaves_the_middle_of_files_out() -> None:
    raw = page(OFFER).rpartition("<details>")[2]
    assert "more lines of base64 …" in raw
    assert raw.count("\n") < 80
    assert "Content-Disposition: attachment" in raw
    assert raw.rstrip().endswith("</html>")
