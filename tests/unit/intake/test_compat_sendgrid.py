"""SendGrid's request at our door: what is handed in, and what is answered."""

from __future__ import annotations

import base64
import copy
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.intake.compat_fakes import ANNA, BO, EVA, NOW, SEND, doors, message, send, text, to
from tests.unit.intake.http_fakes import KeptSubmissions, TwoClients, ask

from penstock.ports.intake import Refusal, RefusalKind

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def with_(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SEND), **fields}


def one(**fields: Any) -> dict[str, Any]:
    return with_(personalizations=[{"to": [{"email": ANNA}], **fields}])


async def test_a_request_is_answered_202_without_a_body_and_handed_in() -> None:
    acceptance = KeptSubmissions()
    answer = await send(SEND, acceptance)
    assert (answer.status, answer.body, answer.headers["x-message-id"]) == (202, b"", "id1-0")
    (taken,) = acceptance.taken
    assert (taken.sender, to(taken), taken.together) == (EVA, [ANNA], True)
    found = message(taken)
    assert (found["from"], found["to"], found["subject"]) == (
        f"Eva Berg <{EVA}>", f"Anna Keller <{ANNA}>", "Your invoice",
    )  # fmt: skip
    assert (text(taken), text(taken, "html")) == ("Dear Anna\n", "<p>Dear Anna</p>")


async def test_each_personalization_is_a_message_of_its_own_and_all_go_in_one_call() -> None:
    acceptance = KeptSubmissions()
    body = with_(
        personalizations=[
            {"to": [{"email": ANNA}, {"email": BO, "name": "Bø, Berg"}], "cc": [{"email": "cc@maskin.example"}],
             "bcc": [{"email": "secret@maskin.example"}]},
            {"to": [{"email": "c@maskin.example"}], "subject": "Yours, C", "from": {"email": "no@nordlicht.example"}},
        ]
    )  # fmt: skip
    assert (await send(body, acceptance)).status == 202
    assert len(acceptance.calls) == 1
    first, second = acceptance.taken
    assert to(first) == [ANNA, BO, "cc@maskin.example", "secret@maskin.example"]
    assert [each.addr_spec for each in message(first)["to"].addresses] == [ANNA, BO]
    assert message(first)["to"].addresses[1].display_name == "Bø, Berg"
    assert message(first)["cc"] == "cc@maskin.example"
    assert b"secret" not in first.data
    assert (message(second)["subject"], message(second)["from"], second.sender) == (
        "Yours, C", "no@nordlicht.example", "no@nordlicht.example",
    )  # fmt: skip


async def test_substitutions_fill_subject_text_html_and_headers_once() -> None:
    acceptance = KeptSubmissions()
    body = one(substitutions={"-name-": "-town-", "-town-": "Ulm"}, headers={"X-Ref": "r -town-"})
    body |= {"subject": "Hi -name-", "content": [{"type": "text/plain", "value": "-name- in -town-"}]}
    assert (await send(body, acceptance)).status == 202
    (taken,) = acceptance.taken
    assert (message(taken)["subject"], text(taken), message(taken)["x-ref"]) == (
        "Hi -town-", "-town- in Ulm", "r Ulm",
    )  # fmt: skip


async def test_a_substitution_that_swells_is_refused_before_it_is_made() -> None:
    body = one(substitutions={"a": "b" * 9_000})
    body["content"] = [{"type": "text/plain", "value": "a" * 20_000}]
    tracemalloc.start()
    try:
        answer = await send(body)
        assert (answer.status, len(answer.json["errors"])) == (413, 1)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


async def test_too_much_to_substitute_is_refused_at_once() -> None:
    tags = {f"-{place:03x}": "" for place in range(1_500)}
    people = [{"to": [{"email": f"{n}@maskin.example"}], "substitutions": tags} for n in range(10)]
    text = [{"type": "text/plain", "value": "-" * 30_000}]
    began = time.process_time()
    answer = await send(with_(personalizations=people, content=text))
    assert (answer.status, answer.json["errors"][0]["message"]) == (413, "There is too much to substitute.")
    assert time.process_time() - began < 4


async def test_files_and_images_stand_where_they_belong() -> None:
    acceptance = KeptSubmissions()
    files = [
        {"content": base64.b64encode(b"%PDF").decode(), "filename": "bill.pdf", "type": "application/pdf"},
        {"content": base64.b64encode(PNG).decode(), "filename": "logo.png", "disposition": "inline",
         "content_id": "logo"},
    ]  # fmt: skip
    body = with_(attachments=files)
    body["content"][1]["value"] = '<img src="cid:logo">'
    assert (await send(body, acceptance)).status == 202
    (taken,) = acceptance.taken
    found = {part.get_content_type(): part for part in message(taken).walk()}
    cid = found["image/png"]["content-id"].strip("<>")
    assert f'"cid:{cid}"' in text(taken, "html")
    assert (found["application/pdf"].get_payload(decode=True), found["image/png"].get_payload(decode=True)) == (
        b"%PDF", PNG,
    )  # fmt: skip


async def test_a_calendar_and_several_places_to_reply_to_go_with_it() -> None:
    acceptance = KeptSubmissions()
    body = with_(reply_to_list=[{"email": "a@nordlicht.example"}, {"email": "b@nordlicht.example"}])
    calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"
    body["content"].append({"type": "text/calendar; method=REQUEST", "value": calendar})
    assert (await send(body, acceptance)).status == 202
    found = message(acceptance.taken[0])
    assert found["reply-to"] == "a@nordlicht.example, b@nordlicht.example"
    assert "text/calendar" in [part.get_content_type() for part in found.walk()]


@pytest.mark.parametrize(
    "said",
    [
        {"headers": {"X-Penstock-Stream": "Prospecting", "x-penstock-campaign": "letters"}},
        {"custom_args": {"penstock_stream": "prospecting", "penstock_campaign": "letters", "order": "7"}},
        {"custom_args": {"penstock_stream": "transactional", "penstock_campaign": "letters"},
         "headers": {"X-Penstock-Stream": "prospecting"}},
    ],
)  # fmt: skip
async def test_stream_and_campaign_are_said_by_headers_or_arguments(said: dict[str, Any]) -> None:
    acceptance = KeptSubmissions()
    assert (await send(with_(categories=["bills", "more"], **said), acceptance)).status == 202
    assert (await send(one(**said), acceptance)).status == 202
    first, second = acceptance.taken
    assert (first.stream, first.campaign, first.tag) == ("prospecting", "letters", "bills")
    assert (second.stream, second.campaign, second.tag) == ("prospecting", "letters", "")
    assert b"enstock-" not in first.data


async def test_list_headers_come_in_as_they_do_by_smtp() -> None:
    acceptance = KeptSubmissions()
    assert (await send(with_(headers={"List-Unsubscribe": "<https://x.example/u>"}), acceptance)).status == 202
    assert message(acceptance.taken[0])["list-unsubscribe"] == "<https://x.example/u>"


async def test_sandbox_mode_is_looked_at_and_not_sent() -> None:
    acceptance = KeptSubmissions()
    body = with_(mail_settings={"sandbox_mode": {"enable": True}})
    answer = await send(body, acceptance)
    assert (answer.status, answer.body, acceptance.calls) == (200, b"", [])
    assert (await send({**body, "content": []}, acceptance)).status == 400


async def test_harmless_wishes_are_passed_over() -> None:
    tracking = {
        "click_tracking": {"enable": True, "enable_text": False},
        "open_tracking": {"enable": True},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": True, "utm_source": "x"},
    }
    body = with_(
        tracking_settings=tracking, ip_pool_name="pool", send_at=int(NOW.timestamp()), custom_args={"order": "7"},
        mail_settings={"bypass_list_management": {"enable": False}, "footer": {"enable": False}},
    )  # fmt: skip
    assert (await send(body)).status == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], None),
        ({}, "personalizations"),
        (with_(template_id="d-1"), "template_id"),
        (with_(asm={"group_id": 7}), "asm"),
        (with_(batch_id="b"), "batch_id"),
        (with_(send_at=int(NOW.timestamp()) + 3600), "send_at"),
        (one(send_at=int(NOW.timestamp()) + 3600), "personalizations.0.send_at"),
        (one(dynamic_template_data={"a": 1}), "personalizations.0.dynamic_template_data"),
        (with_(mail_settings={"bypass_list_management": {"enable": True}}), "mail_settings.bypass_list_management"),
        (with_(mail_settings={"footer": {"enable": True, "text": "x"}}), "mail_settings.footer"),
        (with_(tracking_settings={"subscription_tracking": {"enable": True}}),
         "tracking_settings.subscription_tracking"),
        (with_(tracking_settings={"open_tracking": {"enable": True, "substitution_tag": "%o%"}}),
         "tracking_settings.open_tracking.substitution_tag"),
        (with_(personalizations=[]), "personalizations"),
        (with_(personalizations=[{"to": []}]), "personalizations.0.to"),
        (with_(personalizations=[{"to": [{"email": "no address"}]}]), "personalizations.0.to.0.email"),
        (with_(personalizations=[{"to": [{"email": f"x <{ANNA}>"}]}]), "personalizations.0.to.0.email"),
        (with_(personalizations=[{"to": [{"email": ANNA}, {"email": ANNA.upper()}]}]), "personalizations.0"),
        (with_(personalizations=[{"to": [{"email": ANNA, "name": "x\r\nBcc: y"}]}]), "personalizations.0.to.0.email"),
        (with_(**{"from": {"name": "Eva"}}), "from.email"),
        (with_(**{"from": EVA}), "from"),
        (with_(subject=""), "subject"),
        (with_(subject=7), "subject"),
        (with_(subject=None), "subject"),
        (with_(subject="a\r\nBcc: b@c.example"), "subject"),
        (with_(content=[]), "content"),
        (with_(content=[{"type": "text/x-amp-html", "value": "x"}]), "content"),
        (with_(content=[{"type": "application/x", "value": "x"}]), "content.0.type"),
        (with_(headers={"Subject": "x"}), "headers.subject"),
        (one(headers={"BCC": "x"}), "personalizations.0.headers.bcc"),
        (with_(headers={"Date": "x"}), "headers.Date"),
        (with_(headers={"X-A": "b\nc"}), "headers.X-A"),
        (with_(headers={"X-Penstock-Steam": "transactional"}), "X-Penstock-Steam"),
        (with_(attachments=[{"content": "?", "filename": "a.pdf"}]), "attachments.0.content"),
        (with_(attachments=[{"content": "YQ==", "filename": "a.exe"}]), "attachments.0.type"),
        (with_(attachments=[{"content": "YQ==", "filename": "a/b"}]), "attachments.0.filename"),
        (with_(attachments=[{"filename": "a.pdf"}]), "attachments.0.content"),
        (with_(reply_to={"email": EVA}, reply_to_list=[{"email": EVA}]), "reply_to_list"),
        (with_(reply_to={"email": "x"}), "reply_to"),
        (one(substitutions={"": "x"}), "personalizations.0.substitutions"),
        (one(custom_args={"a": "b" * 10_001}), "personalizations.0.custom_args"),
        (with_(wish="x"), "wish"),
        (with_(personalizations=[{"to": [{"email": f"{n}@x.example"}]} for n in range(1_001)]), "personalizations"),
        (with_(personalizations=[{"to": [{"email": f"{n}.{m}@x.example"} for m in range(501)]} for n in range(2)]),
         "personalizations"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_as_sendgrid_tells_it(body: Any, field: str | None) -> None:
    acceptance = KeptSubmissions()
    answer = await send(body, acceptance)
    assert answer.status == 400
    assert {*answer.json["errors"][0]} == {"message", "field", "help"}
    assert answer.json["errors"][0]["field"] in {field, f"{field}.email"}
    assert ANNA not in answer.body.decode()
    assert acceptance.calls == []


async def test_several_faults_are_told_at_once() -> None:
    answer = await send({"from": {}, "personalizations": [{}]})
    assert [each["field"] for each in answer.json["errors"]] == ["personalizations.0.to", "from.email"]


async def test_a_thousand_recipients_are_one_call() -> None:
    acceptance = KeptSubmissions()
    body = with_(personalizations=[{"to": [{"email": f"{n}@maskin.example"} for n in range(1_000)]}])
    assert (await send(body, acceptance)).status == 202
    assert [len(each.recipients) for each in acceptance.calls[0]] == [500, 500]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer crm.wrong"}, 401),
        ({"authorization": "Basic Y3JtOnNlY3JldA=="}, 401),
        ({"content-type": "text/plain"}, 415),
        ({"content-encoding": "gzip"}, 415),
    ],
)
async def test_who_may_not_and_what_is_not_taken_is_told_in_the_same_form(headers: dict[str, str], status: int) -> None:
    answer = await send(SEND, headers=headers, caller="127.0.0.1")
    assert (answer.status, [*answer.json]) == (status, ["errors"])


async def test_other_methods_and_paths_are_told_in_the_same_form() -> None:
    for method, path, status in (("GET", "mail/send", 405), ("POST", "mail/batch", 404), ("GET", "scopes", 404)):
        answer = await ask(doors(), method, f"/compat/sendgrid/v3/{path}")
        assert (answer.status, [*answer.json]) == (status, ["errors"])


async def test_a_body_too_large_and_messages_too_large_together_are_413() -> None:
    assert (await send(b"x" * 1_400_000)).status == 413
    assert (await send(with_(content=[{"type": "text/plain", "value": "word " * 45_000}]))).status == 413
    people = [{"to": [{"email": f"{n}@maskin.example"}]} for n in range(100)]
    body = with_(personalizations=people, content=[{"type": "text/plain", "value": "word\n" * 20_000}])
    assert (await send(body)).status == 413


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal(RefusalKind.INVALID, "say which stream the mail belongs to"), 400),
        (Refusal(RefusalKind.FORBIDDEN, "this client may not send that"), 403),
        (Refusal(RefusalKind.BLOCKED, "a verdict stands against it", "OBJECTED"), 400),
        (Refusal(RefusalKind.LATER, "the store is away"), 503),
    ],
)
async def test_a_refusal_is_told_no_plainer_than_the_client_may_know(refusal: Refusal, status: int) -> None:
    answer = await send(SEND, KeptSubmissions({ANNA: refusal}))
    assert answer.status == status
    assert refusal.why in answer.json["errors"][0]["message"]
    assert refusal.code in answer.json["errors"][0]["message"]
    assert ("retry-after" in answer.headers) is (status == 503)
    bland = await send(SEND, KeptSubmissions({ANNA: refusal}), key="shop.secret")
    told = bland.json["errors"][0]["message"]
    assert (bland.status, told) == ((503, refusal.why) if status == 503 else (400, "not accepted"))


async def test_what_is_not_foreseen_is_temporary_and_tells_nothing() -> None:
    answer = await send(SEND, KeptSubmissions(breaks=True))
    assert (answer.status, ANNA in answer.body.decode(), answer.headers["retry-after"]) == (503, False, "30")


async def test_too_many_logins_are_put_off() -> None:
    app = doors(None, TwoClients(away=True))
    assert (await ask(app, "POST", "/compat/sendgrid/v3/mail/send", SEND)).status == 503


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(ANNA),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "name", "enable", "type",
        "value", "to", "content", "filename", "x"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
_NAMES = ["personalizations", "from", "subject", "content", "headers", "attachments", "reply_to", "categories",
          "custom_args", "send_at", "mail_settings", "tracking_settings", "asm"]  # fmt: skip


_OWN = ["to", "cc", "subject", "headers", "substitutions", "custom_args", "send_at"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.dictionaries(st.sampled_from(_NAMES), _VALUE, max_size=3),
    own=st.dictionaries(st.sampled_from(_OWN), _VALUE, max_size=2),
)
async def test_no_body_is_answered_with_a_fault_of_ours(changes: dict[str, Any], own: dict[str, Any]) -> None:
    body = with_(personalizations=[{**SEND["personalizations"][0], **own}])
    octets = json.dumps({**body, **changes}).encode()
    answer = await send(octets)
    assert answer.status in {200, 202, 400, 413}
    if answer.status >= 400:
        assert all({*each} == {"message", "field", "help"} for each in answer.json["errors"])
