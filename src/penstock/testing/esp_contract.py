"""What every ESP plugin promises, as tests that its own test class inherits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest

from penstock.adapters.http import HttpAdapter
from penstock.compose.mime import serialise
from penstock.errors import AdapterUnavailable
from penstock.model.mail import Attachment, Mail, Message
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.testing.esp import Arrived, FakeEsp, Mood
from penstock.testing.samples import a_contact, a_letter, a_mail

__all__ = ["EspContract", "finished"]

_ONE_CLICK = "List-Unsubscribe=One-Click"


def finished(address: str, **letter: object) -> Mail:
    """A finished mail as the pipeline hands it over: bytes that keep their letter."""
    mail = a_mail(a_contact(address))
    whole = a_letter(**letter)
    own = (
        ("To", address),
        ("Date", "Fri, 20 Nov 2026 09:00:00 +0000"),
        ("Message-ID", f"<{mail.id}.0123456789ab@nordlicht.example>"),
        ("Reply-To", "eva.berg@nordlicht.example"),
        ("List-Unsubscribe", f"<https://mail.nordlicht.example/u/{mail.id}>"),
        ("List-Unsubscribe-Post", _ONE_CLICK),
        ("List-Id", "purchasing software <purchasing-2026.list.nordlicht.example>"),
        ("Feedback-ID", "a1b2c3:prospecting::psdeadbeef"),
        ("MIME-Version", "1.0"),
    )
    kept = tuple(header for header in whole.headers if header[0] != "To")
    whole = whole.with_headers((*kept, *own))
    data = serialise(whole, boundary="=_0123456789abcdef")
    assert isinstance(data, bytes), data
    return mail.with_content(Message(data, whole))


class EspContract(ABC):
    """Override `fake` and `adapter`, and `lost` where the ESP loses or replaces headers by its description."""

    lost: ClassVar[frozenset[str]] = frozenset()
    """Lower-case names of headers that do not arrive through this ESP; the plugin's capabilities must name them."""

    @abstractmethod
    def fake(self) -> FakeEsp:
        """A fresh fake of the ESP."""
        ...

    @abstractmethod
    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        """The plugin's adapter, pointed at the fake."""
        ...

    async def _sent(
        self, mails: Sequence[Mail], *moods: Mood
    ) -> tuple[Sequence[Accepted | TryLater | Failed | Uncertain], FakeEsp]:
        async with self.fake() as fake:
            fake.moods += moods
            adapter = self.adapter(fake)
            try:
                return await adapter.deliver(mails), fake
            finally:
                await adapter.aclose()

    async def _one(self, mail: Mail) -> Arrived:
        (outcome,), fake = await self._sent([mail])
        assert isinstance(outcome, Accepted), (outcome, fake.refused)
        (arrived,) = fake.arrived
        return arrived

    async def test_each_mail_arrives_once_whole_and_names_itself(self) -> None:
        """Recipient, sender, subject, both parts and the id that what comes back is matched by."""
        mails = [finished(f"person{n}@firm{n}.example", text=f"Hello {n}") for n in range(7)]
        outcomes, fake = await self._sent(mails)
        assert fake.refused == []
        assert all(isinstance(outcome, Accepted) and outcome.receipt for outcome in outcomes)
        by_recipient = {each.recipient: each for each in fake.arrived}
        assert len(fake.arrived) == len(by_recipient) == 7
        for number, mail in enumerate(mails):
            each = by_recipient[mail.envelope.recipient]
            assert each.mail_id == mail.id
            assert each.text.strip() == f"Hello {number}"
            assert each.html is not None
            assert "Hello Anna" in each.html
            assert each.subject == "Muster Werk SA: purchasing without spreadsheets"
            assert each.sender.endswith("eva.berg@nordlicht.example>") or each.sender == "eva.berg@nordlicht.example"
            assert "eva.berg@nordlicht.example" in each.reply_to

    async def test_the_headers_of_the_contract_survive_or_are_named_as_lost(self) -> None:
        """List-Unsubscribe above all: it is why mailbox providers take the mail."""
        mail = finished("anna@firm.example")
        arrived = await self._one(mail)
        assert isinstance(mail.content, Message)
        assert mail.content.letter is not None
        for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"):
            if name.lower() not in self.lost:
                assert arrived.headers.get(name.lower()) == mail.content.letter.header(name), name
        async with self.fake() as fake:
            adapter = self.adapter(fake)
            assert self.lost <= adapter.capabilities.lost_headers
            await adapter.aclose()
        assert "list-unsubscribe" not in self.lost

    async def test_nothing_is_tracked(self) -> None:
        """No opens, no clicks, no unsubscribe link of the ESP's own."""
        assert not (await self._one(finished("anna@firm.example"))).tracking

    async def test_text_alone_arrives_as_text_alone(self) -> None:
        """No HTML is made up."""
        assert (await self._one(finished("anna@firm.example", html=None))).html is None

    @pytest.mark.parametrize(
        "text", ["Grüße aus Köln", "Привет", "こんにちは", "שלום", "مرحبا", "👩‍🚀 {{x}} %s <b> &amp; \"'"]
    )
    async def test_every_script_arrives_as_written(self, text: str) -> None:
        """Subject and text, template marks of the ESP included."""
        letter = a_letter()
        headers = tuple((name, text if name == "Subject" else value) for name, value in letter.headers)
        arrived = await self._one(finished("anna@firm.example", text=text, headers=headers))
        assert arrived.subject == text
        assert arrived.text.strip() == text

    async def test_attachments_arrive_byte_for_byte(self) -> None:
        """Names and content."""
        data = bytes(range(256)) * 40
        files = (Attachment("Angebot – März.pdf", "application/pdf", data),)
        arrived = await self._one(finished("anna@firm.example", attachments=files))
        assert arrived.attachments == (("Angebot – März.pdf", data),)

    async def test_a_refused_recipient_fails_alone(self) -> None:
        """The others of the same delivery go."""
        mails = [finished(f"{local}@firm.example") for local in ("anna", "refused", "bo")]
        outcomes, fake = await self._sent(mails)
        first, refused, last = outcomes
        assert isinstance(first, Accepted)
        assert isinstance(last, Accepted)
        assert isinstance(refused, Failed)
        assert "@" not in refused.why
        assert sorted(each.recipient for each in fake.arrived) == ["anna@firm.example", "bo@firm.example"]

    async def test_too_much_at_once_waits_as_asked(self) -> None:
        """429: nothing was taken."""
        outcomes, fake = await self._sent([finished("anna@firm.example")], Mood.RATE_LIMIT)
        (outcome,) = outcomes
        assert isinstance(outcome, TryLater)
        assert outcome.after == timedelta(seconds=7) or outcome.after == timedelta(seconds=30)
        assert fake.arrived == []

    @pytest.mark.parametrize("mood", [Mood.SERVER_ERROR, Mood.ACCEPT_THEN_ERROR, Mood.HANG_UP, Mood.HTML])
    async def test_what_may_have_been_accepted_is_uncertain(self, mood: Mood) -> None:
        """Never tried again blindly."""
        outcomes, fake = await self._sent([finished("anna@firm.example")], mood)
        assert isinstance(outcomes[0], Uncertain)
        assert len(fake.arrived) <= 1

    async def test_an_answer_cut_short_is_accepted_or_uncertain(self) -> None:
        """An ESP that answers without a body has nothing to cut."""
        outcomes, fake = await self._sent([finished("anna@firm.example")], Mood.TRUNCATED)
        assert isinstance(outcomes[0], Accepted | Uncertain)
        assert len(fake.arrived) == 1

    async def test_a_wrong_key_burns_no_mail(self) -> None:
        """401: the way out closes, and the mails are as they were."""
        async with self.fake() as fake:
            adapter = self.adapter(fake, key="wrong")
            with pytest.raises(AdapterUnavailable):
                await adapter.deliver([finished("anna@firm.example"), finished("bo@firm.example")])
            await adapter.aclose()
            assert fake.arrived == []

    async def test_a_big_batch_goes_in_order(self) -> None:
        """As many requests as the ESP needs, one outcome each."""
        mails = [finished(f"p{n}@firm{n}.example") for n in range(120)]
        mails[60] = finished("refused@firm.example")
        outcomes, fake = await self._sent(mails)
        assert [isinstance(outcome, Accepted) for outcome in outcomes] == [n != 60 for n in range(120)]
        assert len(fake.arrived) == 119

    async def test_a_ready_made_message_arrives_with_the_same_words(self) -> None:
        """Transactional mail comes as bytes; an ESP that takes fields gets them out of it."""
        mail = finished("anna@firm.example", text="Räksmörgås")
        assert isinstance(mail.content, Message)
        arrived = await self._one(replace(mail, content=Message(mail.content.data)))
        assert arrived.text.strip() == "Räksmörgås"
        assert arrived.subject == "Muster Werk SA: purchasing without spreadsheets"

    async def test_an_answer_never_brings_an_address_into_our_words(self) -> None:
        """Whys and receipts go into ledger and logs."""
        outcomes, _ = await self._sent([finished("refused@firm.example")])
        assert "@" not in repr(outcomes)
