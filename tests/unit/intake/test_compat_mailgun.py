"""Mailgun's request at our door: what is handed in, and what is answered."""

from __future__ import annotations

import base64
import json
import tracemalloc
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.intake.compat_fakes import ANNA, API, BO, EVA, NOW, doors, message, parts, post, text, to
from tests.unit.intake.http_fakes import KeptSubmissions, ask

from penstock.ports.intake import Refusal, RefusalKind

FORM: list[tuple[str, Any]] = [
    ("from", f"Eva Berg <{EVA}>"),
    ("to", f"Anna Keller <{ANNA}>"),
    ("subject", "Your invoice"),
    ("text", "Dear Anna\n"),
    ("html", "<p>Dear Anna</p>"),
]
RAW = f"From: {EVA}\nTo: all@list.example\nBcc: x@y.example\nSubject: Hi\nMessage-ID: <1@x.example>\n\nHello\n".encode()
MIME: list[tuple[str, Any]] = [("to", f"{ANNA}, {BO}"), ("message", ("message.mime", "message/rfc822", RAW))]
TARGET = "/compat/mailgun/v3/nordlicht.example/messages"


def with_(*more: tuple[str, Any], **changed: Any) -> list[tuple[str, Any]]:
    return [(name, changed.get(name, value)) for name, value in FORM if changed.get(name, value) is not None] + [*more]


async def test_a_form_of_parts_is_answered_and_handed_in() -> None:
    acceptance = KeptSubmissions()
    answer = await post(FORM, acceptance)
    assert (answer.status, answer.json) == (200, {"id": "<id1-0@nordlicht.example>", "message": "Queued. Thank you."})
    (taken,) = acceptance.taken
    assert (taken.sender, to(taken), taken.together) == (EVA, [ANNA], True)
    found = message(taken)
    assert (found["from"], found["to"], found["subject"]) == (
        f"Eva Berg <{EVA}>", f"Anna Keller <{ANNA}>", "Your invoice",
    )  # fmt: skip
    assert (text(taken), text(taken, "html")) == ("Dear Anna\n", "<p>Dear Anna</p>")


async def test_an_urlencoded_form_says_the_same() -> None:
    acceptance = KeptSubmissions()
    headers = {"content-type": "application/x-www-form-urlencoded", "authorization": API}
    body = urlencode([*FORM, ("h:X-Ref", "Größe"), ("o:tag", "bills"), ("o:tag", "more")]).encode()
    assert (await ask(doors(acceptance), "POST", TARGET, body, headers, key="")).status == 200
    (taken,) = acceptance.taken
    assert (to(taken), taken.tag, message(taken)["x-ref"], text(taken)) == ([ANNA], "bills", "Größe", "Dear Anna\n")


async def test_without_recipient_variables_all_get_the_same_message() -> None:
    acceptance = KeptSubmissions()
    people = [("to", f'"Berg, Bo" <{BO}>, {ANNA.upper()}'), ("cc", "c@maskin.example"), ("bcc", f"b@x.example,{BO}")]
    assert (await post(with_(*people), acceptance)).status == 200
    (taken,) = acceptance.taken
    assert to(taken) == [ANNA, BO, "c@maskin.example", "b@x.example"]
    assert [(each.display_name, each.addr_spec) for each in message(taken)["to"].addresses] == [
        ("Anna Keller", ANNA), ("Berg, Bo", BO),
    ]  # fmt: skip
    assert (message(taken)["cc"], b"b@x.example" in taken.data) == ("c@maskin.example", False)


async def test_with_recipient_variables_each_sees_itself_alone() -> None:
    acceptance = KeptSubmissions()
    variables = {ANNA: {"first": "Anna", "n": 7}, BO.upper(): {"first": "%recipient.n%"}}
    form = with_(
        ("to", f"Bo Berg <{BO}>"), ("recipient-variables", json.dumps(variables)), ("h:X-N", "%recipient.n%"),
        ("h:Reply-To", "%recipient.n% <r@nordlicht.example>"), subject="For %recipient.first%",
        text="%recipient.first% %recipient.n% %recipient% %recipient_email% %recipient_name% %recipient_fname% 5%",
    )  # fmt: skip
    assert (await post(form, acceptance)).status == 200
    (call,) = acceptance.calls
    anna, bo = call
    assert (to(anna), to(bo), message(bo)["to"]) == ([ANNA], [BO], f"Bo Berg <{BO}>")
    assert BO.encode() not in anna.data
    assert ANNA.encode() not in bo.data
    assert (message(anna)["subject"], message(anna)["x-n"]) == ("For Anna", "7")
    assert text(anna) == f"Anna 7 {ANNA} {ANNA} Anna Keller Anna 5%"
    assert text(bo) == f"%recipient.n% %recipient.n% {BO} {BO} Bo Berg Bo 5%"
    assert message(anna)["reply-to"] == "7 <r@nordlicht.example>"


async def test_variables_that_swell_are_refused_before_they_are_filled_in() -> None:
    variables = json.dumps({ANNA: {"a": "b" * 10_000}})
    tracemalloc.start()
    try:
        answer = await post(with_(("recipient-variables", variables), text="%recipient.a%" * 5_000))
        assert (answer.status, tracemalloc.get_traced_memory()[1] < 10_000_000) == (413, True)
    finally:
        tracemalloc.stop()


async def test_files_and_images_stand_where_they_belong() -> None:
    acceptance = KeptSubmissions()
    octets = bytes(range(256)) + b"\r\n--xy\r\n\n"
    files = [("attachment", ("bläd.pdf", "application/pdf", octets)), ("inline", ("logo.png", "image/png", octets))]
    assert (await post(with_(*files, html='<img src="cid:logo.png">'), acceptance)).status == 200
    (taken,) = acceptance.taken
    found = {part.get_content_type(): part for part in message(taken).walk()}
    assert f'"cid:{found["image/png"]["content-id"].strip("<>")}"' in text(taken, "html")
    assert [found[kind].get_payload(decode=True) for kind in ("application/pdf", "image/png")] == [octets, octets]
    assert found["application/pdf"].get_filename() == "bläd.pdf"


async def test_a_finished_message_stays_as_it_is() -> None:
    acceptance = KeptSubmissions()
    for form in (MIME, [MIME[0], ("message", RAW.decode())], [*MIME, ("recipient-variables", json.dumps({ANNA: {}}))]):
        assert (await post(form, acceptance, "messages.mime")).status == 200
    for taken in acceptance.taken:
        assert taken.data == RAW.replace(b"Bcc: x@y.example\n", b"").replace(b"\n", b"\r\n")
        assert (taken.sender, to(taken)) == (EVA, [ANNA, BO])


@pytest.mark.parametrize(
    "said",
    [
        [("h:X-Penstock-Stream", "prospecting"), ("h:x-penstock-campaign", "letters"), ("h:X-Penstock-Tag", "t")],
        [("v:penstock_stream", "prospecting"), ("v:penstock_campaign", "letters"), ("o:tag", "t"), ("v:order", "7")],
    ],
)
async def test_stream_and_campaign_are_said_by_headers_or_variables(said: list[tuple[str, Any]]) -> None:
    acceptance = KeptSubmissions()
    assert (await post(with_(*said), acceptance)).status == 200
    assert (await post(MIME + said, acceptance, "messages.mime")).status == 200
    for taken in acceptance.taken:
        assert (taken.stream, taken.campaign, taken.tag) == ("prospecting", "letters", "t")
        assert b"enstock-" not in taken.data


async def test_test_mode_is_looked_at_and_not_sent() -> None:
    acceptance = KeptSubmissions()
    answer = await post(with_(("o:testmode", "yes")), acceptance)
    assert (answer.status, answer.json["message"], acceptance.calls) == (200, "Queued. Thank you.", [])
    assert (await post(with_(("o:testmode", "yes"), subject=None), acceptance)).status == 400
    assert (await post(with_(("o:testmode", "no")), acceptance)).status == 200
    assert len(acceptance.calls) == 1


async def test_harmless_options_are_passed_over() -> None:
    past = format_datetime(NOW - timedelta(days=1))
    options = [("o:tracking", "yes"), ("o:dkim", "yes"), ("o:require-tls", "no"), ("o:deliverytime", past),
               ("amp-html", "<html>"), ("something", "else")]  # fmt: skip
    assert (await post(with_(*options))).status == 200


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (with_(**{"from": None}), "from parameter is missing"),
        (with_(to=None), "to parameter is missing"),
        (with_(subject=None), "subject parameter is missing"),
        (with_(text=None, html=None), "Need at least one"),
        (with_(to="anna"), "to parameter is not a valid address"),
        (with_(to=f"{ANNA}, , nobody@"), "to parameter is not a valid address"),
        (with_(to="(" * 9_000), "to parameter is not a valid address"),
        (with_(to="a@b.example," * 30_000), "to parameter is too long"),
        (with_(to=",".join(f"{n}@x.example" for n in range(1_001))), "too many recipients"),
        (with_(**{"from": f"{EVA}, {ANNA}"}), "from parameter is not a valid address"),
        (with_(subject="a\r\nBcc: x@y.example"), "subject holds a line break"),
        (with_(("h:X-A", "b\nc")), "h:X-A holds a line break"),
        (with_(("h:Date", "x")), "h:Date is set by Penstock"),
        (with_(("h:X-Penstock-Steam", "x")), "X-Penstock-Steam is nothing"),
        (with_(("h:Reply-To", "nobody")), "h:Reply-To parameter is not a valid address"),
        (with_(("template", "welcome")), "template parameter is not supported"),
        (with_(("t:variables", "{}")), "t:variables parameter is not supported"),
        (with_(("o:deliverytime", format_datetime(NOW + timedelta(hours=1)))), "o:deliverytime parameter is not"),
        (with_(("o:deliverytime", "soon")), "o:deliverytime parameter is not a valid date"),
        (with_(("o:deliverytime", "Mon, 99 Jan 2026 99:00:00 +9999")), "o:deliverytime parameter is not a valid date"),
        (with_(("o:time-zone-localize", "09:00")), "o:time-zone-localize parameter is not"),
        (with_(("o:require-tls", "yes")), "o:require-tls parameter is not supported"),
        (with_(("o:what", "yes")), "o:what parameter is not supported"),
        (with_(("v:a", "b" * 17_000)), "send options"),
        (with_(("recipient-variables", "[]")), "recipient-variables parameter is not a valid JSON"),
        (with_(("recipient-variables", "{")), "recipient-variables parameter is not a valid JSON"),
        (with_(("recipient-variables", '{"a": 1}')), "recipient-variables parameter is not a valid JSON"),
        (with_(text="leave: %unsubscribe_url%"), "Mailgun's unsubscribe variables"),
        (with_(("attachment", "text")), "attachment parameter is not a file"),
        (with_(("attachment", ("a.exe", "", b"MZ"))), "attachment type is a program"),
        (with_(("attachment", ("", "text/plain", b"x"))), "attachment name is no file name"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_as_mailgun_tells_it(form: list[tuple[str, Any]], told: str) -> None:
    acceptance = KeptSubmissions()
    answer = await post(form, acceptance)
    assert (answer.status, [*answer.json], acceptance.calls) == (400, ["message"], [])
    assert answer.json["message"].startswith(told)
    assert ANNA not in answer.body.decode()


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (MIME[1:], "to parameter is missing"),
        (MIME[:1], "message parameter is missing"),
        ([*MIME, MIME[1]], "message parameter stands twice"),
        ([MIME[0], ("message", ("m", "", b""))], "message parameter"),
        ([MIME[0], ("message", ("m", "", b"\r\n\r\n"))], "message there is no message"),
        ([MIME[0], ("message", ("m", "", b"Subject: no sender\n\nHi"))], "message the message needs a From"),
        ([*MIME, ("h:X-A", "b")], "h:X-A header fields are said in the message"),
        ([*MIME, ("recipient-variables", json.dumps({ANNA: {"a": "b"}}))], "recipient-variables parameter is not"),
        ([MIME[0], ("message", ("m", "", RAW + b"%unsubscribe_url%"))], "Mailgun's unsubscribe variables"),
    ],
)
async def test_what_is_wrong_with_a_finished_message_is_told(form: list[tuple[str, Any]], told: str) -> None:
    answer = await post(form, path="messages.mime")
    assert answer.status == 400
    assert answer.json["message"].startswith(told)


async def test_who_may_not_and_what_is_not_there_is_told() -> None:
    wrong = "Basic " + base64.b64encode(b"api:crm.wrong").decode()
    other = "Basic " + base64.b64encode(b"crm:crm.secret").decode()
    for login in ("", "Basic ?", "Bearer crm.secret", wrong, other):
        answer = await post(FORM, login=login)
        assert (answer.status, answer.json) == (401, "Forbidden")
    other = "/compat/mailgun/v3/other.example/messages"
    answer = await ask(doors(), "POST", other, b"", {"authorization": API}, key="")
    assert (answer.status, answer.json) == (404, {"message": "Domain not found: other.example"})
    for method, target, status in (
        ("GET", TARGET, 405),
        ("POST", "/compat/mailgun/v3/routes", 404),
        ("GET", "/compat/x", 404),
    ):
        answer = await ask(doors(), method, target, b"", {"authorization": API}, key="")
        assert (answer.status, [*answer.json]) == (status, ["message"])


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=xyz", 400),
        (parts(FORM)[0][:-20], "multipart/form-data; boundary=xyz", 400),
        (b"--xyz\r\nA: b\r\n\r\n1\r\n--xyz--\r\n", "multipart/form-data; boundary=xyz", 400),
        (b"--xyz\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n\xff\r\n--xyz--\r\n",
         "multipart/form-data; boundary=xyz", 400),
        (b"from=%FF&to=x", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"a&" * 6_000, "application/x-www-form-urlencoded", 413),
        (parts([("a", "b")] * 5_001)[0], "multipart/form-data; boundary=xyz", 413),
        (b"x" * 1_400_000, "application/x-www-form-urlencoded", 413),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_read_is_told(body: bytes, kind: str, status: int) -> None:
    answer = await ask(doors(), "POST", TARGET, body, {"authorization": API, "content-type": kind}, key="")
    assert (answer.status, [*answer.json]) == (status, ["message"])


async def test_a_refusal_is_told_with_its_status() -> None:
    for kind, status in ((RefusalKind.FORBIDDEN, 403), (RefusalKind.BLOCKED, 400), (RefusalKind.LATER, 503)):
        answer = await post(FORM, KeptSubmissions({ANNA: Refusal(kind, "it is so")}))
        assert (answer.status, answer.json) == (status, {"message": "it is so"})


_NAME = st.sampled_from(["from", "to", "cc", "subject", "text", "html", "o:tag", "o:testmode", "o:deliverytime",
    "h:X-A", "h:Reply-To", "h:", "v:penstock_stream", "recipient-variables", "attachment", "message", "x"])  # fmt: skip
_TEXT = st.text(max_size=30) | st.sampled_from([ANNA, f"<{ANNA}>", "yes", "{}", '{"a@b.example": {}}', "%recipient%"])
_FILE = st.tuples(st.sampled_from(["a.txt", "", "x"]), st.sampled_from(["text/plain", "", "?"]), st.binary(max_size=40))


@settings(max_examples=150, deadline=None)
@given(more=st.lists(st.tuples(_NAME, _TEXT | _FILE), max_size=5), path=st.sampled_from(["messages", "messages.mime"]))
async def test_no_form_is_answered_with_a_fault_of_ours(more: list[tuple[str, Any]], path: str) -> None:
    answer = await post([*more, *FORM, *MIME[1:]] if path == "messages.mime" else [*more, *FORM], path=path)
    assert answer.status in {200, 400}
    assert "message" in answer.json


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), cut=st.integers(0, 400))
async def test_no_octets_are_answered_with_a_fault_of_ours(body: bytes, cut: int) -> None:
    whole, kind = parts(FORM)
    answer = await ask(
        doors(), "POST", TARGET, whole[:cut] + body, {"authorization": API, "content-type": kind}, key=""
    )
    assert answer.status in {200, 400}
