"""The library face: `penstock.open` in a program of one's own."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import penstock

Person = Callable[..., dict[str, Any]]
Outbox = Callable[[Path], dict[str, bytes]]
MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def invoice() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Nordlicht Billing <billing@nordlicht.example>"
    message["To"] = "Anna Berg <anna@maskin.example>"
    message["Cc"] = "bo@maskin.example"
    message["Bcc"] = "books@nordlicht.example"
    message["Subject"] = "Rechnung für März"
    message.set_content("Anbei die Rechnung.\n.\nGrüße")
    message.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="März.pdf")
    return message


async def test_it_decides_and_sends_as_the_command_line_does(house: Path, person: Person, outbox: Outbox) -> None:
    people = [person("anna"), person("bo", company={"employees": 3}), {"address": "broken"}]
    campaign = house / "campaigns" / "purchasing.toml"
    async with penstock.open(house / "config.toml", now=MOMENT) as gate:
        decided = await gate.check(campaign, people)
        verdicts = [each.decision.verdict if each.decision else None for each in decided]
        assert verdicts == [penstock.Verdict.SEND, penstock.Verdict.BLOCK, None]
        assert decided[1].decision is not None
        assert decided[1].decision.code is penstock.Code.NOT_RELEVANT
        assert outbox(house) == {}
        report = await gate.send(campaign, people)
    assert (report.rows, report.outcomes["accepted"], report.all_sent) == (3, 1, False)
    assert len(outbox(house)) == 1


async def test_a_transactional_message_goes_to_each_of_its_recipients(house: Path, outbox: Outbox) -> None:
    async with penstock.open(house / "config.toml", now=MOMENT) as gate:
        receipt = await gate.submit(invoice(), stream="transactional")
        again = await gate.submit(invoice().as_bytes(), stream="transactional")
    assert len(receipt.mail_ids) == len(again.mail_ids) == 3
    mails = outbox(house)
    assert mails.keys() == {f"{each}.eml" for each in (*receipt.mail_ids, *again.mail_ids)}
    for data in mails.values():
        mail = email.message_from_bytes(data, policy=email.policy.default)
        assert mail["Subject"] == "Rechnung für März"
        assert mail["Bcc"] is None
        assert mail["Date"].datetime == MOMENT
        assert mail["Message-ID"]
        assert b"List-Unsubscribe" not in data
        text = mail.get_body(("plain",))
        assert text is not None
        assert text.get_content().replace("\r\n", "\n") == "Anbei die Rechnung.\n.\nGrüße\n"
        (attached,) = mail.iter_attachments()
        assert attached.get_content() == b"%PDF-1.7 \x00\xff"
        assert not [defect for part in mail.walk() for defect in part.defects]


async def test_an_objection_to_advertising_does_not_stop_an_invoice(house: Path, outbox: Outbox) -> None:
    from penstock.model.suppression import SuppressionReason
    from penstock.suppression_list import SuppressionList

    async with penstock.open(house / "config.toml", now=MOMENT) as gate:
        await SuppressionList(gate.house).add("anna@maskin.example", SuppressionReason.OBJECTION)
        await SuppressionList(gate.house).add("bo@maskin.example", SuppressionReason.BOUNCE)
        receipt = await gate.submit(invoice())
    to_anna, to_bo, to_books = receipt.mail_ids
    assert outbox(house).keys() == {f"{to_anna}.eml", f"{to_books}.eml"}
    assert to_bo not in outbox(house)


@pytest.mark.parametrize("stream", ["prospecting", "newsletter", "customer", "advertising"])
async def test_ready_made_advertising_is_refused(house: Path, outbox: Outbox, stream: str) -> None:
    async with penstock.open(house / "config.toml", now=MOMENT) as gate:
        with pytest.raises(penstock.InvalidInput):
            await gate.submit(invoice(), stream=stream)
    assert outbox(house) == {}


@pytest.mark.parametrize(
    ("header", "value"),
    [("To", "not an address"), ("To", ""), ("From", "a@nordlicht.example, b@nordlicht.example"), ("From", "nobody")],
)
async def test_a_message_without_sound_sender_or_recipient_is_refused(
    house: Path, outbox: Outbox, header: str, value: str
) -> None:
    head = {"From": "a@nordlicht.example", "To": "b@maskin.example", header: value}
    raw = "".join(f"{name}: {text}\r\n" for name, text in head.items()) + "Subject: x\r\n\r\nbody\r\n"
    async with penstock.open(house / "config.toml", now=MOMENT) as gate:
        with pytest.raises(penstock.InvalidInput):
            await gate.submit(raw.encode())
    assert outbox(house) == {}


async def test_a_wrong_config_is_one_exception_that_says_where(house: Path) -> None:
    (house / "config.toml").write_text("[stor]\n")
    with pytest.raises(penstock.ConfigError, match=r"config\.toml:1 stor.*'store'"):
        async with penstock.open(house / "config.toml"):
            pass


def test_the_public_names_are_those_that_are_promised() -> None:
    assert sorted(penstock.__all__) == list(penstock.__all__)
    assert all(getattr(penstock, name) is not None for name in penstock.__all__)
