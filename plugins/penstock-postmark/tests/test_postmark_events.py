from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from tomllib import loads
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.postmark import FakePostmark
from penstock.testing.webhook_contract import WebhookContract
from penstock_postmark import codec
from penstock_postmark.payload import MAIL_ID

SAMPLES = Path(__file__).parent / "samples"
OUR_ID = "0123456789abcdef0123456789abcdef"
RECEIPT = "b7bc2f4a-e38e-4336-af7d-e6c392c2f817"
AT = datetime(2026, 11, 22, 8, 59, 30, 907025, UTC)
NAMES = ("delivery", "bounce", "complaint", "open", "click", "unsubscribed", "reactivated")


def a_codec() -> WebhookCodec:
    return codec(WebhookAddress("main"))


def sample(name: str) -> dict[str, Any]:
    found = json.loads((SAMPLES / f"event_{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def event_of(name: str, **fields: Any) -> Event:
    """The event of the sample with other fields; a field that is ... is left out."""
    told = {key: value for key, value in {**sample(name), **fields}.items() if value is not ...}
    (event,) = a_codec().events(json.dumps(told).encode())
    return event


class TestContract(WebhookContract):
    """The promises of every codec; inherited. Postmark has no event for a mail that it took."""

    kinds: ClassVar[frozenset[EventKind]] = frozenset(EventKind) - {EventKind.ACCEPTED}

    def fake(self) -> FakeEsp:
        return FakePostmark()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return codec(WebhookAddress("main"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("delivery", EventKind.DELIVERED),
        ("bounce", EventKind.BOUNCED_HARD),
        ("complaint", EventKind.COMPLAINED),
        ("open", EventKind.OPENED),
        ("click", EventKind.CLICKED),
        ("unsubscribed", EventKind.UNSUBSCRIBED),
    ],
)
def test_each_record_is_an_event_of_our_mail(name: str, kind: EventKind) -> None:
    event = event_of(name)
    assert (event.kind, event.at) == (kind, AT)
    assert (event.mail_id, event.receipt, event.recipient) == (OUR_ID, RECEIPT, "anna@firm.example")
    assert event.words["record"] == sample(name)["RecordType"]
    assert event.words["stream"] == "offers"


BOUNCES = {
    "HardBounce": EventKind.BOUNCED_HARD,
    "Transient": EventKind.DEFERRED,
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "Subscribe": EventKind.UNKNOWN,
    "AutoResponder": EventKind.UNKNOWN,
    "AddressChange": EventKind.UNKNOWN,
    "DnsError": EventKind.BOUNCED_SOFT,
    "SpamNotification": EventKind.BOUNCED_POLICY,
    "OpenRelayTest": EventKind.UNKNOWN,
    "Unknown": EventKind.BOUNCED_SOFT,
    "SoftBounce": EventKind.BOUNCED_SOFT,
    "VirusNotification": EventKind.BOUNCED_POLICY,
    "ChallengeVerification": EventKind.UNKNOWN,
    "BadEmailAddress": EventKind.BOUNCED_HARD,
    "SpamComplaint": EventKind.COMPLAINED,
    "ManuallyDeactivated": EventKind.REJECTED,
    "Unconfirmed": EventKind.REJECTED,
    "Blocked": EventKind.BOUNCED_POLICY,
    "SMTPApiError": EventKind.REJECTED,
    "InboundError": EventKind.UNKNOWN,
    "DMARCPolicy": EventKind.BOUNCED_POLICY,
    "TemplateRenderingFailed": EventKind.REJECTED,
    "SomethingNew": EventKind.UNKNOWN,
}


@pytest.mark.parametrize("kind", BOUNCES)
def test_each_type_of_bounce_that_postmark_lists_has_its_meaning(kind: str) -> None:
    assert event_of("bounce", Type=kind, Details="").kind is BOUNCES[kind]
    assert event_of("bounce", Type=kind, Details="").words["type"] == kind


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("HardBounce", "smtp;550 5.1.1 no such user", EventKind.BOUNCED_HARD),
        ("HardBounce", "smtp;550-5.1.1 no such user", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 5.1.10 null MX", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 5.2.1 mailbox disabled", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 5.0.0 unknown user", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 5.1.0 address rejected", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 no code", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 5.1.1.9 is an address", EventKind.BOUNCED_HARD),
        ("HardBounce", "from 5.7.1.9 refused", EventKind.BOUNCED_HARD),
        ("HardBounce", "550 says server of version 5.7.1", EventKind.BOUNCED_HARD),
        ("HardBounce", "554 5.7.1 blocked", EventKind.BOUNCED_POLICY),
        ("HardBounce", "550 #5.7.26 unauthenticated", EventKind.BOUNCED_POLICY),
        ("HardBounce", "553 5.1.8 sender's domain is unknown", EventKind.BOUNCED_POLICY),
        ("HardBounce", "553 5.1.7 bad sender", EventKind.BOUNCED_POLICY),
        ("HardBounce", "552 5.2.2 mailbox full", EventKind.BOUNCED_SOFT),
        ("HardBounce", "550 5.4.1 access denied", EventKind.BOUNCED_SOFT),
        ("HardBounce", "550 4.4.7 expired", EventKind.BOUNCED_SOFT),
        ("HardBounce", "550 5.1.4 ambiguous", EventKind.BOUNCED_SOFT),
        ("SoftBounce", "550 5.1.1 no such user", EventKind.BOUNCED_SOFT),
        ("SoftBounce", "554 5.7.1 spam", EventKind.BOUNCED_POLICY),
        ("Unknown", "550 5.1.1 no such user", EventKind.BOUNCED_SOFT),
        ("Transient", "554 5.7.1 later", EventKind.DEFERRED),
        ("Blocked", "550 5.1.1 no such user", EventKind.BOUNCED_POLICY),
    ],
)
def test_the_status_code_corrects_what_postmark_thinks_and_never_to_hard(
    kind: str, details: str, expected: EventKind
) -> None:
    assert event_of("bounce", Type=kind, Details=details).kind is expected


def test_words_are_names_and_codes_and_no_text() -> None:
    words = event_of("bounce").words
    assert words == {"record": "Bounce", "type": "HardBounce", "stream": "offers", "status": "5.1.1"}
    assert "type" not in event_of("bounce", Type="anna@firm.example").words
    assert "stream" not in event_of("bounce", MessageStream="a b").words


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Origin": "Customer", "MessageID": None}, EventKind.UNKNOWN),
        ({"Origin": "Admin"}, EventKind.UNKNOWN),
        ({"SuppressionReason": "HardBounce"}, EventKind.UNKNOWN),
        ({"SuppressionReason": "SpamComplaint"}, EventKind.UNKNOWN),
        ({"SuppressSending": False}, EventKind.UNKNOWN),
        ({"SuppressSending": "true"}, EventKind.UNKNOWN),
        ({"SuppressSending": ...}, EventKind.UNKNOWN),
    ],
)
def test_only_who_unsubscribes_is_unsubscribed(changes: dict[str, Any], kind: EventKind) -> None:
    assert event_of("unsubscribed", **changes).kind is kind
    assert event_of("unsubscribed").kind is EventKind.UNSUBSCRIBED


def test_a_reactivation_takes_nobody_off_our_list() -> None:
    event = event_of("reactivated")
    assert (event.kind, event.receipt, event.mail_id) == (EventKind.UNKNOWN, "", "")


def test_a_bounce_is_known_by_its_id() -> None:
    assert event_of("bounce").key == event_of("bounce", Details="other", Inactive=False).key
    assert event_of("bounce").key != event_of("bounce", ID=7).key
    assert event_of("bounce", ID=42).key != event_of("complaint").key


@pytest.mark.parametrize("number", [None, "7", True, -1, 0, 1 << 70, 1.5, ...])
def test_without_an_id_of_its_own_an_event_is_known_by_what_it_says(number: Any) -> None:
    key = event_of("bounce", ID=number).key
    assert key == event_of("bounce", ID=number).key
    assert key != event_of("bounce", ID=number, Email="bo@firm.example").key
    assert len(key) < 100


@pytest.mark.parametrize(
    "changes",
    [
        {"OriginalLink": "https://nordlicht.example/other"},
        {"ReceivedAt": "2026-11-22T08:59:31Z"},
        {"Recipient": "bo@firm.example"},
        {"MessageID": "b7bc2f4a-e38e-4336-af7d-e6c392c2f818"},
        {"RecordType": "Open"},
    ],
)
def test_another_click_has_another_key(changes: dict[str, Any]) -> None:
    assert event_of("click").key != event_of("click", **changes).key
    assert event_of("click").key == event_of("click", UserAgent="other").key


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T08:59:30.9070259Z", AT),
        ("2026-11-22T03:59:30-05:00", AT.replace(microsecond=0)),
        ("2026-11-22T08:59:30", AT.replace(microsecond=0)),
    ],
)
def test_times_are_read_with_their_zone(text: str, at: datetime) -> None:
    event = event_of("delivery", DeliveredAt=text)
    assert event.at == at
    assert event.at.utcoffset() is not None


@pytest.mark.parametrize("text", [None, "soon", 7, "", "0001-01-01T00:00:00+23:59", "9" * 100, ...])
def test_an_event_without_a_time_is_told(text: Any) -> None:
    with pytest.raises(InvalidInput):
        event_of("delivery", DeliveredAt=text)


def test_an_unknown_record_with_a_time_is_unknown() -> None:
    event = event_of("delivery", RecordType="Teleported")
    assert (event.kind, event.mail_id) == (EventKind.UNKNOWN, OUR_ID)
    with pytest.raises(InvalidInput):
        event_of("delivery", RecordType="anna@firm.example")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"Metadata": {MAIL_ID: "a@b"}}, ("", RECEIPT)),
        ({"Metadata": {MAIL_ID: 7}}, ("", RECEIPT)),
        ({"Metadata": []}, ("", RECEIPT)),
        ({"Metadata": ...}, ("", RECEIPT)),
        ({"MessageID": "00000000-0000-0000-0000-000000000000"}, (OUR_ID, "")),
        ({"MessageID": "x" * 65}, (OUR_ID, "")),
        ({"MessageID": ["x"]}, (OUR_ID, "")),
    ],
)
def test_ids_that_cannot_be_ours_or_postmarks_are_none(changes: dict[str, Any], found: tuple[str, str]) -> None:
    event = event_of("delivery", **changes)
    assert (event.mail_id, event.receipt) == found


@pytest.mark.parametrize("recipient", [None, 7, "x\ny", "x" * 321])
def test_a_strange_recipient_is_nobody(recipient: Any) -> None:
    assert event_of("delivery", Recipient=recipient).recipient == ""


async def test_a_call_is_marked_by_its_body_and_too_large_a_one_is_refused() -> None:
    one = await a_codec().verify(WebhookCall({}, b"{}", AT))
    later = await a_codec().verify(WebhookCall({"x-pm-webhook-trace-id": "7"}, b"{}", AT + timedelta(days=30)))
    assert one == later
    assert one.mark != (await a_codec().verify(WebhookCall({}, b"{} ", AT))).mark
    assert one.visit == ""
    large = b" " * ((4 << 20) + 1)
    with pytest.raises(WebhookRejected):
        await a_codec().verify(WebhookCall({}, large, AT))
    with pytest.raises(InvalidInput):
        a_codec().events(large)


def test_calls_are_not_signed_and_so_ask_for_a_path_and_a_login() -> None:
    found = a_codec()
    assert (found.signed, found.needs_path, found.refused) == (False, True, 403)


def test_marks_name_the_mail_and_switch_tracking_off() -> None:
    assert dict(a_codec().marks(OUR_ID)) == {
        "X-PM-Metadata-penstock_mail_id": OUR_ID,
        "X-PM-TrackOpens": "false",
        "X-PM-TrackLinks": "None",
    }


def test_the_entry_point_leads_to_the_codec() -> None:
    project = loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    point = EntryPoint("postmark", project["entry-points"]["penstock.webhooks"]["postmark"], "penstock.webhooks")
    assert point.load() is codec


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(sorted(sample("bounce"))), anything, max_size=4))
def test_no_content_of_a_field_crashes_or_becomes_a_bounce_of_nobody(name: str, fields: dict[str, Any]) -> None:
    told = {**sample(name), **fields}
    try:
        (event,) = a_codec().events(json.dumps(told).encode("utf-8", "replace"))
    except InvalidInput:
        return
    assert event.key
    assert event.at.tzinfo is not None
    assert all("@" not in value for value in event.words.values())
    assert event.kind is not EventKind.BOUNCED_HARD or told.get("Type") in {"HardBounce", "BadEmailAddress"}
