"""The conformance suite bites: for each mistake that a plugin can make, a test that it inherits fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse, Refusal
from penstock.model.event import EventKind
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome
from penstock.ports import Capabilities, Genuine, WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp, Mood
from penstock.testing.esp_contract import EspContract
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.webhook_contract import SignedWebhookContract
from penstock_sendgrid.deliver import SendGrid

Spoil = Callable[[dict[str, Any]], object]
Said = Callable[[Sequence[Outcome]], Sequence[Outcome]]


@dataclass
class BrokenSendGrid:
    """The plugin for SendGrid with one mistake in what it asks, or in what it makes of the answer."""

    spoil: Spoil = lambda _asked: None
    said: Said = lambda outcomes: outcomes
    per_request: int = 1
    good: SendGrid = field(default_factory=lambda: SendGrid("test-key"))
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        self.capabilities = self.good.capabilities

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        request = self.good.request(mails)
        if isinstance(request, Failed):
            return request
        asked = json.loads(request.body)
        self.spoil(asked)
        return replace(request, body=json.dumps(asked).encode())

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        return self.said(self.good.outcomes(mails, response))

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        return self.good.refusal(response)

    async def inspect(self, exchange: Exchange, /) -> str | None:
        return None


class ImpatientExchange(Exchange):
    """Sends again what nobody answered: the mistake that doubles mail."""

    async def send(self, request: HttpRequest) -> Any:
        answer = await super().send(request)
        return answer if isinstance(answer, HttpResponse) and answer.status < 500 else await super().send(request)


def suite(esp: BrokenSendGrid, exchange: type[Exchange] = Exchange) -> EspContract:
    class Suite(EspContract):
        def fake(self) -> FakeEsp:
            return FakeSendGrid()

        def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
            return HttpAdapter("main", esp, exchange(fake.url), FakeClock())

    return Suite()


def without(*path: str) -> Spoil:
    def spoil(asked: dict[str, Any]) -> None:
        inner = asked
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]

    return spoil


def tracked(asked: dict[str, Any]) -> None:
    asked["tracking_settings"]["open_tracking"]["enable"] = True


def shouted(asked: dict[str, Any]) -> None:
    asked["subject"] = asked["subject"].upper()


def anonymous(asked: dict[str, Any]) -> None:
    for each in (asked, *asked["personalizations"]):
        each.pop("custom_args", None)


def made_up(asked: dict[str, Any]) -> None:
    asked["priority"] = "high"


def all_accepted(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    return [Accepted("x")] * len(outcomes)


def telling(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    return [Failed("refused@firm.example is refused") if isinstance(each, Failed) else each for each in outcomes]


def nameless(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    return [Accepted() if isinstance(each, Accepted) else each for each in outcomes]


MISTAKES: dict[str, tuple[BrokenSendGrid, Callable[[EspContract], Coroutine[Any, Any, None]]]] = {
    "forgets the id": (
        BrokenSendGrid(anonymous),
        lambda suite: suite.test_each_mail_arrives_once_whole_and_names_itself(),
    ),
    "says what is not described": (
        BrokenSendGrid(made_up),
        lambda suite: suite.test_each_mail_arrives_once_whole_and_names_itself(),
    ),
    "loses headers": (
        BrokenSendGrid(without("headers", "List-Unsubscribe")),
        lambda suite: suite.test_the_headers_of_the_contract_survive_or_are_named_as_lost(),
    ),
    "tracks": (BrokenSendGrid(tracked), lambda suite: suite.test_nothing_is_tracked()),
    "leaves tracking to the account": (
        BrokenSendGrid(without("tracking_settings")),
        lambda suite: suite.test_nothing_is_tracked(),
    ),
    "changes words": (BrokenSendGrid(shouted), lambda suite: suite.test_every_script_arrives_as_written("Grüße")),
    "takes a refusal for a success": (
        BrokenSendGrid(said=all_accepted),
        lambda suite: suite.test_a_refused_recipient_fails_alone(),
    ),
    "quotes addresses": (
        BrokenSendGrid(said=telling),
        lambda suite: suite.test_an_answer_never_brings_an_address_into_our_words(),
    ),
    "keeps no receipt": (
        BrokenSendGrid(said=nameless),
        lambda suite: suite.test_each_mail_arrives_once_whole_and_names_itself(),
    ),
    "forgets a mail": (
        BrokenSendGrid(said=lambda outcomes: outcomes[1:]),
        lambda suite: suite.test_each_mail_arrives_once_whole_and_names_itself(),
    ),
    "trusts any 200": (
        BrokenSendGrid(said=all_accepted),
        lambda suite: suite.test_what_may_have_been_accepted_is_uncertain(Mood.HTML),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_found_by_its_test(mistake: str) -> None:
    esp, test = MISTAKES[mistake]
    await test(suite(BrokenSendGrid()))
    with pytest.raises((AssertionError, StopIteration)):
        await test(suite(esp))


@pytest.mark.parametrize("mood", [Mood.HANG_UP, Mood.ACCEPT_THEN_ERROR])
async def test_a_plugin_that_sends_again_what_was_not_answered_is_found(mood: Mood) -> None:
    with pytest.raises(AssertionError):
        await suite(BrokenSendGrid(), ImpatientExchange).test_what_may_have_been_accepted_is_uncertain(mood)


@dataclass
class BrokenCodec:
    """The codec for SendGrid with one mistake."""

    good: WebhookCodec
    mistake: str
    signed: bool = True
    needs_path: bool = False
    refused: int = 403

    async def verify(self, call: WebhookCall, /) -> Genuine:
        if self.mistake == "believes anybody":
            return Genuine(str(hash(call.body)))
        if self.mistake == "forgets the time":
            stamp = int(call.headers.get("x-twilio-email-event-webhook-timestamp", "0") or 0)
            call = replace(call, received_at=call.received_at.fromtimestamp(stamp, call.received_at.tzinfo))
        genuine = await self.good.verify(call)
        return Genuine("always the same") if self.mistake == "marks all alike" else genuine

    def events(self, body: bytes, /) -> Any:
        events = self.good.events(body)
        match self.mistake:
            case "takes soft for hard":
                soft, hard = EventKind.BOUNCED_SOFT, EventKind.BOUNCED_HARD
                return [replace(each, kind=hard) if each.kind is soft else each for each in events]
            case "names events alike":
                return [replace(each, key="k") for each in events]
            case "falls over":
                return [replace(each, key=str(1 // len(events[1:]))) for each in events]
        return events

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        return [("X-Märke", mail_id)] if self.mistake == "marks with umlauts" else self.good.marks(mail_id)


def calls(mistake: str) -> SignedWebhookContract:
    class Suite(SignedWebhookContract):
        def fake(self) -> FakeEsp:
            return FakeSendGrid()

        def codec(self, fake: FakeEsp) -> WebhookCodec:
            from penstock_sendgrid.events import codec

            good = codec(WebhookAddress("main", lambda: fake.webhook_key))
            return BrokenCodec(good, mistake) if mistake else good

    return Suite()


@pytest.mark.parametrize(
    ("mistake", "test"),
    [
        ("believes anybody", "test_a_forged_call_is_refused"),
        ("believes anybody", "test_a_changed_body_is_refused"),
        ("believes anybody", "test_signatures_of_nonsense_are_refused"),
        ("forgets the time", "test_a_call_from_long_ago_is_refused"),
        ("marks all alike", "test_a_call_made_again_has_the_same_mark_and_another_has_not"),
        ("takes soft for hard", "test_every_kind_of_event_is_understood"),
        ("names events alike", "test_every_kind_of_event_is_understood"),
        ("falls over", "test_an_event_told_again_has_the_same_key"),
    ],
)
async def test_a_mistake_of_a_codec_is_found_by_its_test(mistake: str, test: str) -> None:
    await getattr(calls(""), test)()
    with pytest.raises((AssertionError, pytest.fail.Exception, ZeroDivisionError, ValueError)):
        await getattr(calls(mistake), test)()


def test_marks_that_no_header_takes_are_found() -> None:
    with pytest.raises(AssertionError):
        calls("marks with umlauts").test_marks_are_header_fields_that_name_the_mail()
