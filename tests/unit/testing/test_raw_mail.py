"""Fakes show a mail that was handed over as bytes as the standard library reads it."""

from __future__ import annotations

import pytest

from penstock.model.mail import Attachment, Message
from penstock.testing.esp import Refused
from penstock.testing.esp_contract import finished
from penstock.testing.raw_mail import arrived_as_bytes

FILE = Attachment("Angebot – März.pdf", "application/pdf", bytes(range(256)))


def octets(**letter: object) -> bytes:
    content = finished("anna@firm.example", **letter).content
    assert isinstance(content, Message)
    return content.data


def test_a_finished_mail_is_shown_whole() -> None:
    raw = octets(text="Grüße", attachments=(FILE,))
    arrived = arrived_as_bytes(raw, "anna@firm.example", mail_id="m1", tracking=True)
    assert arrived.sender == '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
    assert (arrived.recipient, arrived.mail_id, arrived.tracking) == ("anna@firm.example", "m1", True)
    assert arrived.subject == "Muster Werk SA: purchasing without spreadsheets"
    assert arrived.text.strip() == "Grüße"
    assert arrived.html is not None
    assert "Hello Anna" in arrived.html
    assert arrived.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert arrived.reply_to == "eva.berg@nordlicht.example"
    assert arrived.attachments == ((FILE.name, FILE.data),)
    assert arrived.raw == raw


def test_no_html_is_made_up() -> None:
    assert arrived_as_bytes(octets(html=None), "anna@firm.example", mail_id="", tracking=False).html is None


@pytest.mark.parametrize("raw", [b"", b"Subject: x\r\n\r\nHello", b"From a person\r\n\r\nHello"])
def test_what_names_no_sender_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        arrived_as_bytes(raw, "anna@firm.example", mail_id="", tracking=False)
