from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.mailjet import FakeMailjet
from penstock.testing.webhook_contract import WebhookContract
from penstock_mailjet import codec
from penstock_mailjet.bounce import ERRORS
from penstock_mailjet.events import KINDS

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OURS = "0123456789abcdef0123456789abcdef"
TOLD: dict[str, Any] = {
    "event": "bounce",
    "time": 1795337970,
    "MessageID": 13792286917004336,
    "email": "anna@firm.example",
    "CustomID": OURS,
}
MADE = codec(WebhookAddress("main"))


class TestContract(WebhookContract):
    """What every plugin promises of calls; inherited."""

    kinds: ClassVar[frozenset[EventKind]] = frozenset(EventKind) - {EventKind.ACCEPTED}

    def fake(self) -> FakeEsp:
        return FakeMailjet()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return codec(WebhookAddress("main"))


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"event_{name}.json").read_text(encoding="utf-8"))


def read(told: Any) -> Event:
    (event,) = MADE.events(json.dumps(told).encode())
    assert all("@" not in f"{name}{value}" for name, value in event.words.items())
    return event


def bounced(error: object = None, *, hard: object = None, comment: object = None, **told: object) -> Event:
    return read({**TOLD, "error": error, "hard_bounce": hard, "comment": comment, **told})


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("sent", EventKind.DELIVERED, {}),
        ("open", EventKind.OPENED, {}),
        ("click", EventKind.CLICKED, {}),
        (
            "bounce",
            EventKind.BOUNCED_HARD,
            {"error_related_to": "recipient", "error": "user unknown", "hard_bounce": "true", "status": "5.1.1"},
        ),
        ("blocked", EventKind.REJECTED, {"error_related_to": "mailjet", "error": "preblocked"}),
        ("spam", EventKind.COMPLAINED, {"source": "JMRPP"}),
        ("unsub", EventKind.UNSUBSCRIBED, {}),
    ],
)
def test_each_event_is_read_as_mailjet_documents_it(name: str, kind: EventKind, words: Mapping[str, str]) -> None:
    told = sample(name)
    event = read(told)
    assert event.kind is kind
    assert event.words == {"event": name, **words}
    assert (event.mail_id, event.receipt, event.recipient) == (OURS, str(told["MessageID"]), "anna@firm.example")
    assert event.at == datetime(2026, 11, 22, 8, 59, 30, tzinfo=UTC)


def test_every_event_of_mailjet_has_its_sample() -> None:
    assert {path.stem.removeprefix("event_") for path in SAMPLES.glob("event_*.json")} == {*KINDS, "grouped"}


def test_events_of_one_second_come_together_and_older_ones_name_the_mail_by_text() -> None:
    events = MADE.events(json.dumps(sample("grouped")).encode())
    assert [event.kind for event in events] == [EventKind.DELIVERED, EventKind.DELIVERED, EventKind.COMPLAINED]
    assert [event.receipt for event in events] == ["18858825588804172", "18858825588803684", "18858825588804172"]
    assert len({event.key for event in events}) == 3


@pytest.mark.parametrize(
    ("error", "permanent", "passing"),
    [
        ("user unknown", EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT),
        ("mailbox inactive", EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT),
        ("quota exceeded", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("blacklisted", EventKind.REJECTED, EventKind.REJECTED),
        ("spam reporter", EventKind.REJECTED, EventKind.REJECTED),
        ("invalid domain", EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT),
        ("no mail host", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("relay/access denied", EventKind.BOUNCED_POLICY, EventKind.BOUNCED_POLICY),
        ("greylisted", EventKind.BOUNCED_SOFT, EventKind.DEFERRED),
        ("typofix", EventKind.REJECTED, EventKind.REJECTED),
        ("sender blocked", EventKind.BOUNCED_POLICY, EventKind.BOUNCED_POLICY),
        ("content blocked", EventKind.BOUNCED_POLICY, EventKind.BOUNCED_POLICY),
        ("policy issue", EventKind.BOUNCED_POLICY, EventKind.BOUNCED_POLICY),
        ("system issue", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("protocol issue", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("connection issue", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("preblocked", EventKind.REJECTED, EventKind.REJECTED),
        ("duplicate in campaign", EventKind.REJECTED, EventKind.REJECTED),
        ("a new error", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
        ("", EventKind.BOUNCED_SOFT, EventKind.BOUNCED_SOFT),
    ],
)
def test_a_bounce_is_told_apart_by_its_error(error: str, permanent: EventKind, passing: EventKind) -> None:
    assert bounced(error, hard=True).kind is permanent
    assert bounced(error, hard=False).kind is passing
    assert bounced(error).kind is passing
    assert bounced(error, hard=True).words.get("error", "") == (error if error in ERRORS else "")


@pytest.mark.parametrize(
    ("comment", "kind", "status"),
    [
        ("550 5.1.1 <anna@firm.example>: user unknown", EventKind.BOUNCED_HARD, "5.1.1"),
        ("550-5.2.1 disabled", EventKind.BOUNCED_HARD, "5.2.1"),
        ("550 5.5.0 mailbox unavailable", EventKind.BOUNCED_HARD, "5.5.0"),
        ("550 5.7.1 refused", EventKind.BOUNCED_POLICY, "5.7.1"),
        ("550 5.1.8 bad sender", EventKind.BOUNCED_POLICY, "5.1.8"),
        ("552 5.2.2 full", EventKind.BOUNCED_SOFT, "5.2.2"),
        ("450 4.1.1 try later", EventKind.BOUNCED_SOFT, "4.1.1"),
        ("450 4.2.0 later; then 550 5.1.1 no", EventKind.BOUNCED_HARD, "5.1.1"),
        ("550 5.1.1.7 is no status", EventKind.BOUNCED_HARD, ""),
        ("refused by 5.7.1 and 192.0.2.25", EventKind.BOUNCED_HARD, ""),
        ("x" * 2_000 + " 550 5.7.1 refused", EventKind.BOUNCED_HARD, ""),
        (7, EventKind.BOUNCED_HARD, ""),
        (None, EventKind.BOUNCED_HARD, ""),
    ],
)
def test_a_status_code_can_only_take_back_that_a_bounce_is_hard(comment: object, kind: EventKind, status: str) -> None:
    event = bounced("user unknown", hard=True, comment=comment)
    assert (event.kind, event.words.get("status", "")) == (kind, status)
    assert bounced("a new error", hard=True, comment=comment).kind is not EventKind.BOUNCED_HARD
    assert bounced("preblocked", hard=True, comment=comment).kind is EventKind.REJECTED


@pytest.mark.parametrize("hard", ["true", 1, "yes", [True], None])
def test_only_a_plain_true_makes_a_bounce_hard(hard: object) -> None:
    assert bounced("user unknown", hard=hard).kind is EventKind.BOUNCED_SOFT


def test_what_mailjet_blocked_is_no_bounce_whatever_its_error() -> None:
    for error in (*ERRORS, "a new error"):
        assert bounced(error, hard=True, event="blocked").kind is EventKind.REJECTED


@pytest.mark.parametrize("word", ["typofix", "Sent", "sent ", "anna@firm.example", "parseapi"])
def test_any_other_word_is_unknown(word: str) -> None:
    assert read({**TOLD, "event": word}).kind is EventKind.UNKNOWN


def test_texts_are_never_words() -> None:
    event = bounced("user <anna@firm.example>", hard="anna@firm.example", error_related_to="anna@firm.example")
    assert event.words == {"event": "bounce"}
    assert read({**TOLD, "event": "spam", "source": "anna@firm.example"}).words == {"event": "spam"}


@pytest.mark.parametrize("written", [None, 7, "", "x" * 101, "an id", "a@b", ["x"], {"x": 1}, True])
def test_what_cannot_be_our_id_or_receipt_or_address_is_left_out(written: Any) -> None:
    event = read({**TOLD, "CustomID": written, "MessageID": [written], "mj_message_id": "x", "email": written})
    assert (event.mail_id, event.receipt) == ("", "")
    assert event.recipient in {"", "a@b"}
    assert read({**TOLD, "email": "anna@firm.example\r\nX"}).recipient == ""
    assert read({**TOLD, "email": "a" * 320 + "@firm.example"}).recipient == ""
    assert read({**TOLD, "MessageID": True, "mj_message_id": "12"}).receipt == "12"
    assert read({**TOLD, "MessageID": -1}).receipt == ""


@pytest.mark.parametrize("at", ["1795337970", 1795337970.0, 1795337970])
def test_the_time_is_seconds_since_1970(at: Any) -> None:
    assert read({**TOLD, "time": at}).at == datetime(2026, 11, 22, 8, 59, 30, tzinfo=UTC)


def test_the_key_is_the_same_for_a_repetition_and_in_either_version() -> None:
    alone = read(TOLD)
    grouped = read([{**dict(reversed(TOLD.items())), "geo": "SE"}])
    assert alone.key == grouped.key
    others = [{**TOLD, name: "other"} for name in ("event", "MessageID", "email", "url", "error", "ip")]
    keys = {read(each).key for each in [TOLD, *others, {**TOLD, "time": 1795337971}]}
    assert len(keys) == 8


def test_an_event_that_cannot_be_read_is_left_out_of_many() -> None:
    good = {**TOLD, "event": "spam"}
    bad: list[Any] = [7, {}, {"event": "open"}, {"time": 1795337970}, {**good, "event": ["x"]}]
    times: list[Any] = [True, "soon", -1, 10**400, float("nan"), float("inf"), None, []]
    bad += [{**good, "time": at} for at in times]
    assert [event.kind for event in MADE.events(json.dumps([*bad, good]).encode())] == [EventKind.COMPLAINED]
    with pytest.raises(InvalidInput):
        MADE.events(json.dumps(bad).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"7", b"[", b"[" * 100_000, b"\xff", b"<html>", b'[{"time": ' + b"9" * 5_000 + b"}]"]
)
def test_a_body_that_is_no_event_is_told(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        MADE.events(body)


def test_an_empty_list_holds_no_events() -> None:
    assert list(MADE.events(b"[]")) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (*TOLD, "error", "hard_bounce", "comment", "error_related_to", "source", "mj_message_id", "url")


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_strange_content_never_ends_in_anything_but_events_or_invalid_input(told: dict[str, Any]) -> None:
    try:
        events = MADE.events(json.dumps([{**TOLD, **told}]).encode())
    except InvalidInput:
        return
    assert all(event.kind in EventKind and event.key and "@" not in str(event.words) for event in events)


async def test_a_call_is_marked_by_its_body() -> None:
    marks = {(await MADE.verify(WebhookCall({}, body, NOW))).mark for body in (b"[]", b"[]", b"[ ]")}
    assert len(marks) == 2


@pytest.mark.parametrize("body", [b"", b" " * ((16 << 20) + 1)], ids=["empty", "too long"])
async def test_a_body_that_no_call_of_mailjets_has_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRejected):
        await MADE.verify(WebhookCall({}, body, NOW))


def test_marks_name_the_mail_and_switch_tracking_off() -> None:
    assert dict(MADE.marks(OURS)) == {
        "X-MJ-CustomID": OURS,
        "X-Mailjet-TrackOpen": "0",
        "X-Mailjet-TrackClick": "0",
    }


def test_a_key_is_refused_at_start_because_nothing_is_signed() -> None:
    with pytest.raises(ConfigError, match="signs no calls") as caught:
        codec(WebhookAddress("main", lambda: "geheim"))
    assert "geheim" not in str(caught.value)


def test_it_is_not_signed_and_is_found_through_its_entry_point() -> None:
    assert (MADE.signed, MADE.needs_path, MADE.refused) == (False, True, 403)
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    point = EntryPoint("mailjet", project["entry-points"]["penstock.webhooks"]["mailjet"], "penstock.webhooks")
    assert point.load() is codec
