"""The relay takes a mail in, a mail server refuses it, and the client hears of it over the wire."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

import pytest
from tests.integration.scripted_sink import ScriptedSink, running

from penstock.acceptance.accepting import Accepting
from penstock.clock import FrozenClock
from penstock.config.settings import Settings, load_settings
from penstock.demo.sample import MOMENT
from penstock.model.campaign import Stream
from penstock.ports.intake import Client, Receipt, Recipient, Submission
from penstock.reporting_back import report_back
from penstock.wiring import House, open_house

CLIENT = Client("crm", frozenset({Stream.TRANSACTIONAL}))
DATA = (
    b"From: Eva <eva@nordlicht.example>\r\nTo: anna@maskin.example\r\nSubject: Invoice\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@nordlicht.example>\r\n\r\nHello Anna\r\n"
)


def settings_of(folder: Path, sink: ScriptedSink) -> Settings:
    config = folder / "config.toml"
    config.write_text(
        f"""
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
contact = "privacy@nordlicht.example"
privacy_url = "https://nordlicht.example/privacy"
[adapters.main]
url = "smtp://127.0.0.1:{sink.port}?tls=none"
[[sender]]
domain = "nordlicht.example"
return_path = "bounce.nordlicht.example"
[relay]
name = "mail.nordlicht.example"
[[relay.credentials]]
name = "crm"
password_hash = "x"
streams = ["transactional"]
"""
    )
    return load_settings(config, {})


async def work(house: House) -> None:
    worker = house.worker()
    while await worker.round():
        pass


async def hand_in(house: House) -> Receipt:
    accepting = Accepting(house)
    await accepting.open()
    recipient = Recipient("anna@maskin.example", frozenset({"FAILURE"}), "rfc822;anna@maskin.example")
    submission = Submission(
        CLIENT, "crm@nordlicht.example", (recipient,), DATA, envelope_id="order+2B17", returned="FULL"
    )
    (receipt,) = await accepting.take([submission])
    assert isinstance(receipt, Receipt)
    return receipt


@pytest.mark.parametrize("dies", [False, True])
async def test_the_client_hears_once_with_the_null_reverse_path(tmp_path: Path, *, dies: bool) -> None:
    async with running(ScriptedSink({"RCPT": ["550 5.1.1 <anna@maskin.example> unknown"]})) as sink:
        settings, clock = settings_of(tmp_path, sink), FrozenClock(MOMENT)
        house = await open_house(settings, clock)
        try:
            await hand_in(house)
            for step in (work, report_back, report_back, work, report_back, work):
                if dies:  # nothing but the store's file knows how far it came
                    await house.aclose()
                    house = await open_house(settings, clock)
                await step(house)
        finally:
            await house.aclose()
        (told,) = sink.received
    assert told.mail.startswith("MAIL FROM:<> ")
    assert told.rcpt.startswith("RCPT TO:<crm@nordlicht.example>")
    message = email.message_from_bytes(told.data, policy=email.policy.default)
    assert message["Auto-Submitted"] == "auto-replied"
    parts: Any = message.get_payload()
    _, status, original = parts
    about, recipient = status.get_payload()
    assert about["Original-Envelope-Id"] == "order+17"
    assert recipient["Original-Recipient"] == "rfc822; anna@maskin.example"
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1"
    assert original.get_payload(0)["Subject"] == "Invoice"
    assert "Hello Anna" in original.get_payload(0).get_content()
