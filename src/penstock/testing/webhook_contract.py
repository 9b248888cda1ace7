"""What every plugin promises of the calls that come back, as tests that its own test class inherits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from penstock.errors import InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import WebhookCall, WebhookCodec
from penstock.testing.esp import Arrived, FakeEsp, Happening, PostedCall

__all__ = ["SignedWebhookContract", "WebhookContract"]

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_MAIL_ID = "0123456789abcdef0123456789abcdef"


class WebhookContract(ABC):
    """Override `fake` and `codec`; `kinds` where the ESP has no event for some of them.

    An ESP that signs its calls inherits `SignedWebhookContract`.
    """

    kinds: ClassVar[frozenset[EventKind]] = frozenset(EventKind)
    """What this ESP tells of at all."""
    returns_mail_id: ClassVar[bool] = True
    """Whether our id comes back; else the receipt must name the mail."""

    @abstractmethod
    def fake(self) -> FakeEsp:
        """A fresh fake of the ESP; it need not run."""
        ...

    @abstractmethod
    def codec(self, fake: FakeEsp) -> WebhookCodec:
        """The plugin's codec, knowing the fake's key."""
        ...

    def _happened(self, *kinds: EventKind, key: str = "event") -> list[Happening]:
        return [
            Happening(
                kind,
                Arrived(
                    sender="eva.berg@nordlicht.example",
                    recipient=f"person{number}@firm.example",
                    subject="Words",
                    text="Words",
                    html=None,
                    headers={},
                    mail_id=_MAIL_ID[:-2] + f"{number:02x}",
                ),
                f"{key}-{number}",
                NOW - timedelta(seconds=30),
            )
            for number, kind in enumerate(kinds)
        ]

    async def _read(self, fake: FakeEsp, happened: Sequence[Happening]) -> list[Event]:
        codec = self.codec(fake)
        events: list[Event] = []
        for call in fake.calls(happened, NOW):
            await codec.verify(_call(call))
            events += codec.events(call.body)
        return events

    async def test_every_kind_of_event_is_understood(self) -> None:
        """One event each, with its own key, its time, the person and a name for the mail."""
        kinds = sorted(self.kinds)
        happened = self._happened(*kinds)
        events = await self._read(self.fake(), happened)
        assert [each.kind for each in events] == kinds
        assert len({each.key for each in events}) == len(events)
        for event, cause in zip(events, happened, strict=True):
            assert abs(event.at - cause.at) <= timedelta(seconds=60)
            assert event.recipient in {cause.arrived.recipient, ""}
            assert event.mail_id == cause.arrived.mail_id if self.returns_mail_id else event.receipt
            assert all("@" not in f"{name}{value}" for name, value in event.words.items())

    async def test_an_event_told_again_has_the_same_key(self) -> None:
        """ESPs repeat: in another call, at another time."""
        fake = self.fake()
        happened = self._happened(min(self.kinds))
        first = [each.key for each in await self._read(fake, happened)]
        again = [each.key for each in await self._read(fake, happened)]
        assert first == again

    async def test_a_call_made_again_has_the_same_mark_and_another_has_not(self) -> None:
        """So that a replayed call is known."""
        fake = self.fake()
        codec = self.codec(fake)
        kind = min(self.kinds)
        (one,), (other,) = (fake.calls(self._happened(kind, key=key), NOW) for key in ("one", "other"))
        marks = [(await codec.verify(_call(call))).mark for call in (one, one, other)]
        assert marks[0] == marks[1] != marks[2]
        assert all(0 < len(mark) <= 200 for mark in marks)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"<html></html>", b"[]", b"null", b"7", b'"x"', b"{}", b'[{}]', b"\xff\xfe\x00", b'{"a": "\xe9"}',
         b"[" * 100_000, b'[{"event": {"deep": []}, "timestamp": "soon", "email": 7}]'],
    )  # fmt: skip
    async def test_a_body_that_is_none_of_this_esps_is_told_or_empty(self, body: bytes) -> None:
        """Never a crash, never an event that stops somebody's mail."""
        codec = self.codec(self.fake())
        try:
            events = codec.events(body)
        except InvalidInput:
            return
        assert all(each.kind is EventKind.UNKNOWN for each in events)

    def test_marks_are_header_fields_that_name_the_mail(self) -> None:
        """For ESPs reached by SMTP; an ESP without such fields has none."""
        for name, value in self.codec(self.fake()).marks(_MAIL_ID):
            assert name.isascii()
            assert value.isascii()
            assert value.isprintable()
            assert len(value) < 900


class SignedWebhookContract(WebhookContract):
    """The same of an ESP that signs its calls."""

    covers_body: ClassVar[bool] = True
    """Whether the signature covers the body. Mailgun's covers a time and a token: there the token is the mark, and the
    core takes it once and with one body only."""
    signs_time: ClassVar[bool] = True
    window: ClassVar[timedelta] = timedelta(hours=25)
    """A call older than this is refused."""

    async def test_a_forged_call_is_refused(self) -> None:
        """Another key, no signature, and every header of it spoilt; nothing in the refusal tells why."""
        fake, forger = self.fake(), self.fake()
        codec = self.codec(fake)
        assert codec.signed
        forger.webhook_key = _other_key(fake, forger)
        (forged,) = forger.calls(self._happened(min(self.kinds)), NOW)
        for call in (forged, PostedCall({"content-type": "application/json"}, forged.body)):
            with pytest.raises(WebhookRejected):
                await codec.verify(_call(call))

    async def test_a_changed_body_is_refused(self) -> None:
        """Another person, half of it. (What a signature of fields lets through, such as a blank, changes nothing.)"""
        fake = self.fake()
        codec = self.codec(fake)
        if not self.covers_body:
            return
        (call,) = fake.calls(self._happened(min(self.kinds)), NOW)
        for body in (call.body.replace(b"person0", b"person9"), call.body[: len(call.body) // 2]):
            with pytest.raises(WebhookRejected):
                await codec.verify(_call(PostedCall(call.headers, body)))

    async def test_a_call_from_long_ago_is_refused(self) -> None:
        """And one from a future that no clock error explains."""
        fake = self.fake()
        codec = self.codec(fake)
        if not self.signs_time:
            return
        (call,) = fake.calls(self._happened(min(self.kinds)), NOW)
        await codec.verify(_call(call))
        for at in (NOW + self.window, NOW - timedelta(hours=1)):
            with pytest.raises(WebhookRejected):
                await codec.verify(replace(_call(call), received_at=at))

    async def test_signatures_of_nonsense_are_refused(self) -> None:
        """Headers that no honest caller sends: too long, no base64, not ASCII."""
        fake = self.fake()
        codec = self.codec(fake)
        assert codec.signed
        (call,) = fake.calls(self._happened(min(self.kinds)), NOW)
        for nonsense in ("", "%", "ü", "A" * 100_000, "1" * 5_000, "v1,", "\0"):
            spoilt = {name: nonsense for name in call.headers if name != "content-type"}
            if self.covers_body:
                with pytest.raises(WebhookRejected):
                    await codec.verify(_call(PostedCall(spoilt, call.body)))


def _call(posted: PostedCall) -> WebhookCall:
    return WebhookCall(posted.headers, posted.body, NOW)


def _other_key(fake: FakeEsp, forger: FakeEsp) -> str:
    """Fakes that make a key pair of their own differ already; the others get one."""
    return forger.webhook_key if forger.webhook_key != fake.webhook_key else fake.webhook_key[:-6] + "forged"
