"""What clients of the relay hear of their mails, in a whole house with a scripted way out."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from penstock.assembly import ReadyMade, new_mail
from penstock.config.settings import load_settings
from penstock.model.campaign import Campaign, MessageSpec, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.suppression import SuppressionReason
from penstock.model.verdict import Reason, Verdict, decide
from penstock.ports import Capabilities
from penstock.reporting_back import relay_name, report_back
from penstock.store.placing import HandedIn
from penstock.suppression_list import SuppressionList
from penstock.testing import FakeClock, MemoryAdapter
from penstock.wiring import House, open_house

CONFIG = """
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
contact = "privacy@nordlicht.example"
privacy_url = "https://nordlicht.example/privacy"

[web]
base_url = "https://mail.nordlicht.example"

[[relay.credentials]]
name = "crm"
password_hash = "x"
streams = ["transactional"]

[[relay.credentials]]
name = "shop"
password_hash = "x"
streams = ["transactional"]
detail = "bland"
"""
ORIGINAL = (
    b"From: Eva <eva@nordlicht.example>\r\nTo: Anna <anna@maskin.example>\r\nSubject: Invoice\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@nordlicht.example>\r\n\r\nA secret body.\r\n"
)
DEAD = Failed("550 5.1.1 to RCPT: there is no such mailbox", "5.1.1", Code.HARD_BOUNCED)
CRM = "crm@nordlicht.example"
ANNA = "anna@maskin.example"


@dataclass
class Relay:
    """A house whose only way out answers `outcome` for all but notifications."""

    house: House
    clock: FakeClock
    out: MemoryAdapter
    outcome: Outcome

    async def hand_in(self, *, recipient: str = ANNA, data: bytes = ORIGINAL, number: int = 1, **said: str) -> str:
        """Save a mail as the relay's door does."""
        mail_id = hashlib.sha256(f"{number}".encode()).hexdigest()[:32]
        handed = HandedIn(**({"client": "crm", "sender": CRM, "notify": "FAILURE"} | said))
        made = ReadyMade(
            Message(data), "eva@nordlicht.example", Stream.TRANSACTIONAL, "nordlicht", sender=handed.sender
        )
        mail = self.house.assembler.ready_made(mail_id, Contact(recipient), made)
        await self.house.store.mails.accept([new_mail(mail, "main", self.clock.now(), handed)])
        return mail_id

    async def work(self) -> None:
        """All that is due goes."""
        while await self.house.worker().round():
            pass

    def told(self) -> list[Mail]:
        """The notifications that left."""
        return [mail for mail in self.out.delivered if mail.stream is Stream.NOTICE]

    async def hears(self) -> list[Mail]:
        """Everything that is due leaves, a sweep, and the rest leaves."""
        await self.work()
        await report_back(self.house)
        await self.work()
        return self.told()


def content(mail: Mail) -> EmailMessage:
    assert isinstance(mail.content, Message)
    message = email.message_from_bytes(mail.content.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def said(mail: Mail) -> dict[str, str]:
    """The fields on the recipient."""
    parts: Any = content(mail).get_payload()
    return dict(parts[1].get_payload()[1].items())


def words(mail: Mail) -> str:
    parts: Any = content(mail).get_payload()
    return str(parts[0].get_content())


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock, out: MemoryAdapter, more: str) -> AsyncIterator[House]:
    config = folder / "config.toml"
    config.write_text(CONFIG + more)
    house = await open_house(load_settings(config, {}), clock)
    services = replace(house.services, capabilities={"main": out.capabilities})
    try:
        yield replace(house, adapters={"main": out}, services=services)
    finally:
        await house.aclose()


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with _relay(tmp_path) as made:
        yield made


@asynccontextmanager
async def _relay(folder: Path, *, null_sender: bool = True, more: str = "") -> AsyncIterator[Relay]:
    clock = FakeClock()
    made: list[Relay] = []

    def answer(mail: Mail) -> Outcome:
        return Accepted("250") if mail.stream is Stream.NOTICE else made[0].outcome

    out = MemoryAdapter(capabilities=Capabilities(smtputf8=True, null_sender=null_sender), answer=answer)
    async with opened(folder, clock, out, more) as house:
        made.append(Relay(house, clock, out, DEAD))
        yield made[0]


async def test_who_asked_hears_once_of_a_mail_that_failed(relay: Relay) -> None:
    await relay.hand_in(envelope_id="order17", orcpt=f"rfc822;{ANNA}")
    (told,) = await relay.hears()
    assert (told.envelope.sender, told.envelope.recipient) == ("", CRM)
    assert content(told)["From"].addresses[0].addr_spec == "mailer-daemon@mail.nordlicht.example"
    assert said(told) == {
        "Original-Recipient": f"rfc822; {ANNA}",
        "Final-Recipient": f"rfc822; {ANNA}",
        "Action": "failed",
        "Status": "5.1.1",
        "Diagnostic-Code": "smtp; 550 5.1.1",
        "Last-Attempt-Date": "Mon, 23 Nov 2026 09:00:00 +0000",
    }
    assert "HARD_BOUNCED" in words(told)
    assert await report_back(relay.house) == 0
    assert await relay.hears() == [told]


async def test_who_is_to_hear_nothing_more_than_that_it_failed_does(relay: Relay) -> None:
    await relay.hand_in(client="shop")
    (told,) = await relay.hears()
    assert "HARD_BOUNCED" not in words(told)
    await relay.hand_in(client="gone since", number=2)
    assert "HARD_BOUNCED" not in words((await relay.hears())[1])


@pytest.mark.parametrize(("client", "status", "named"), [("crm", "5.1.1", True), ("shop", "5.7.1", False)])
async def test_a_verdict_of_ours_is_a_failure_and_named_only_to_whom_it_may_be(
    relay: Relay, client: str, status: str, *, named: bool
) -> None:
    await SuppressionList(relay.house).add(ANNA, SuppressionReason.BOUNCE)
    await relay.hand_in(client=client)
    (told,) = await relay.hears()
    assert (said(told)["Action"], said(told)["Status"]) == ("failed", status)
    assert "Diagnostic-Code" not in said(told)
    assert ("HARD_BOUNCED" in words(told)) is named


@pytest.mark.parametrize(
    ("outcome", "notify", "action"),
    [
        (Accepted("250"), "SUCCESS", "relayed"),
        (Accepted("250"), "DELAY,FAILURE,SUCCESS", "relayed"),
        (Accepted("250"), "FAILURE", ""),
        (DEAD, "SUCCESS", ""),
        (DEAD, "DELAY", ""),
        (DEAD, "", ""),
        (Uncertain("who knows"), "DELAY,FAILURE,SUCCESS", ""),
    ],
)
async def test_only_what_was_asked_for_is_told(relay: Relay, outcome: Outcome, notify: str, action: str) -> None:
    relay.outcome = outcome
    await relay.hand_in(notify=notify)
    await relay.hears()
    relay.clock.advance(timedelta(hours=5))
    told = await relay.hears()
    assert [said(each)["Action"] for each in told] == ([action] if action else [])


async def test_a_waiting_mail_is_told_of_once_after_four_hours_and_its_end_apart(relay: Relay) -> None:
    relay.outcome = TryLater("451 4.3.0 to RCPT: not now", after=timedelta(hours=3))
    await relay.hand_in(notify="DELAY,FAILURE")
    assert await relay.hears() == []
    relay.clock.advance(timedelta(hours=4, minutes=1))
    (told,) = await relay.hears()
    assert (said(told)["Action"], said(told)["Status"]) == ("delayed", "4.0.0")
    assert said(told)["Will-Retry-Until"] == "Sat, 28 Nov 2026 09:00:00 +0000"
    relay.clock.advance(timedelta(hours=5))
    relay.outcome = DEAD
    assert [said(each)["Action"] for each in await relay.hears()] == ["delayed", "failed"]


async def test_a_waiting_mail_is_not_told_of_without_being_asked(relay: Relay) -> None:
    relay.outcome = TryLater("451 4.3.0 to RCPT: not now", after=timedelta(hours=3))
    await relay.hand_in(notify="FAILURE")
    await relay.work()
    relay.clock.advance(timedelta(hours=5))
    assert await relay.hears() == []


async def test_a_mail_that_a_person_dropped_is_not_told_of(relay: Relay) -> None:
    dropped = await relay.hand_in()
    await relay.house.store.mails.drop([dropped])
    assert await relay.hears() == []


@pytest.mark.parametrize(
    ("sender", "head"),
    [
        ("", b""),
        (CRM, b"Auto-Submitted: auto-replied\r\n"),
        (CRM, b"Precedence: bulk\r\n"),
        ("no address", b""),
    ],
)
async def test_there_is_no_answer_to_an_answer(relay: Relay, sender: str, head: bytes) -> None:
    await relay.hand_in(sender=sender, data=head + ORIGINAL)
    assert await relay.hears() == []
    assert await _open(relay) == 0


async def test_a_notification_that_fails_is_not_told_of(tmp_path: Path) -> None:
    async with _relay(tmp_path) as relay:
        refusing = MemoryAdapter(capabilities=relay.out.capabilities, answer=lambda _mail: DEAD)
        relay.house = replace(relay.house, adapters={"main": refusing})
        await relay.hand_in()
        await relay.hears()
        assert len(refusing.batches) == 2
        assert await relay.hears() == []
        assert await report_back(relay.house) == 0


async def test_a_client_whose_own_address_is_dead_gets_none(relay: Relay) -> None:
    await SuppressionList(relay.house).add(CRM, SuppressionReason.BOUNCE)
    await relay.hand_in()
    assert await relay.hears() == []


async def test_a_way_out_that_takes_no_null_reverse_path_carries_none_and_that_is_said_once(tmp_path: Path) -> None:
    async with _relay(tmp_path, null_sender=False) as relay:
        for number in (1, 2):
            await relay.hand_in(number=number, recipient=f"anna{number}@maskin.example")
        await relay.work()
        with capture_logs() as logs:
            assert await report_back(relay.house) == 0
            assert await report_back(relay.house) == 0
    entries = [each for each in logs if each["event"] == "notifications_not_carried"]
    assert [(each["adapter"], each["mails"]) for each in entries] == [("main", 2)]


async def test_a_mail_that_a_campaign_writes_is_told_of_as_long_as_its_contact_is_kept(relay: Relay) -> None:
    store, spec = relay.house.store, MessageSpec("Eva <eva@nordlicht.example>", "Offer", text="a.txt.j2")
    campaign = Campaign("autumn", "nordlicht", "offer", spec, digest="autumn")
    for number, address in enumerate((ANNA, "bo@maskin.example")):
        contact = Contact(address)
        (kept,) = await store.contacts.upsert([(contact, relay.house.identifier.of(contact))])
        mail = replace(relay.house.assembler.mail(campaign, contact, kept.id), id=f"{number:032x}")
        handed = HandedIn("crm", CRM, notify="FAILURE")
        await store.mails.accept([new_mail(mail, "main", relay.clock.now(), handed)])
        await store.ledger.record([(mail, decide((Reason("a_check", Verdict.BLOCK, None, "no"),), "first"))])
        if number:
            await store.contacts.delete([kept.id])
    assert await report_back(relay.house) == 1
    await relay.work()
    (told,) = relay.told()
    assert said(told)["Final-Recipient"] == f"rfc822; {ANNA}"
    assert len(content(told).get_payload()) == 2


async def test_while_all_mail_is_redirected_so_are_notifications_and_whom_they_are_for_stays_on_record(
    tmp_path: Path,
) -> None:
    async with _relay(tmp_path, more='[safety]\nredirect_all_to = "tester@nordlicht.example"\n') as relay:
        await relay.hand_in()
        (told,) = await relay.hears()
        assert told.envelope.recipient == "tester@nordlicht.example"
        (saved,) = await relay.house.store.mails.load([told.id])
    assert saved is not None
    assert saved.recipient == CRM


@pytest.mark.parametrize(("returned", "back"), [("FULL", True), ("HDRS", False), ("", False)])
async def test_the_message_goes_back_as_the_client_asked(relay: Relay, returned: str, *, back: bool) -> None:
    await relay.hand_in(returned=returned)
    (told,) = await relay.hears()
    assert ("A secret body." in str(content(told))) is back
    assert "Subject: Invoice" in str(content(told))


async def test_a_message_in_a_file_gives_its_head(relay: Relay) -> None:
    large = ORIGINAL + (b"x" * 70 + b"\r\n") * 20_000
    await relay.hand_in(data=large, returned="FULL")
    (told,) = await relay.hears()
    assert isinstance(told.content, Message)
    assert b"Subject: Invoice" in told.content.data
    assert len(told.content.data) < 4_000


async def test_two_sweeps_at_once_make_one_notification(relay: Relay) -> None:
    for number in range(5):
        await relay.hand_in(number=number, recipient=f"anna{number}@maskin.example")
    await relay.work()
    assert sum(await asyncio.gather(report_back(relay.house), report_back(relay.house))) == 5
    await relay.work()
    assert len(relay.told()) == len({mail.id for mail in relay.told()}) == 5


async def test_more_notifications_than_share_a_transaction_are_all_sent(relay: Relay) -> None:
    for number in range(120):
        await relay.hand_in(number=number, recipient=f"anna{number}@maskin.example")
    assert len(await relay.hears()) == 120


async def test_a_mail_handed_in_once_more_is_told_of_once_more(relay: Relay) -> None:
    await SuppressionList(relay.house).add(ANNA, SuppressionReason.BOUNCE)
    await relay.hand_in()
    assert len(await relay.hears()) == 1
    relay.clock.advance(timedelta(seconds=1))
    await relay.hand_in()
    assert len(await relay.hears()) == 2


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ('[relay]\nname = "mx.nordlicht.example"\n[web]\nbase_url = "https://mail.nordlicht.example"\n', "mx."),
        ('[web]\nbase_url = "https://mail.nordlicht.example:8443"\n', "mail."),
        ('[[sender]]\ndomain = "nordlicht.example"\n', ""),
    ],
)
def test_a_relay_has_a_name(tmp_path: Path, lines: str, name: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(lines)
    assert relay_name(load_settings(config, {})) == f"{name}nordlicht.example"


def test_a_relay_without_any_is_this_machine(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    assert relay_name(load_settings(config, {})) == "localhost"


async def _open(relay: Relay) -> int:
    """How many mails a sweep still looks at."""
    count = "SELECT count(*) FROM submissions WHERE told < 2 AND notify <> ''"
    return await relay.house.store.database.read(lambda each: int(each.execute(count).get))


@pytest.mark.parametrize(
    ("sender", "hears"),
    [
        (CRM, True),
        ("bounce@crm.nordlicht.example", True),
        ("b@bounce.nordlicht-mail.example", True),
        ("somebody@elsewhere.example", False),
    ],
)
async def test_word_goes_to_senders_of_the_house_only(tmp_path: Path, sender: str, *, hears: bool) -> None:
    ours = '[[sender]]\ndomain = "nordlicht.example"\nreturn_path = "bounce.nordlicht-mail.example"\n'
    async with _relay(tmp_path, more=ours) as relay:
        await relay.hand_in(sender=sender)
        assert bool(await relay.hears()) is hears
        assert await report_back(relay.house) == 0
