"""`/api/v1/mails` as programs meet it, without a server: who may, what is taken, what is answered."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.unit.intake.http_fakes import LINE, MAIL, RULES, KeptSubmissions, TwoClients, ask, door

from penstock.ports.intake import Receipt, Refusal, RefusalKind, Submission

MAILS = "/api/v1/mails"
ANNA, BO = "anna.keller@muster-werk.example", "bo.lind@maskin.example"
RAW = (
    b"From: Eva <eva.berg@nordlicht.example>\r\nTo: Anna <anna.keller@muster-werk.example>\r\nSubject: x\r\n\r\nHi\r\n"
)
AS_RAW = {"Content-Type": "message/rfc822"}
OBJECTED = Refusal(RefusalKind.BLOCKED, "she objected", "OBJECTED")


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def mail(**fields: Any) -> dict[str, Any]:
    return {**MAIL, **fields}


async def test_a_mail_is_taken_and_answered_with_its_id() -> None:
    acceptance = KeptSubmissions()
    answer = await ask(door(acceptance), "POST", MAILS, MAIL)
    assert (answer.status, answer.json) == (
        202,
        {"mails": [{"id": "id1-0", "address": ANNA}], "stream": "transactional"},
    )
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    (taken,) = acceptance.taken
    assert (taken.client.name, taken.sender, taken.key) == ("crm", "eva.berg@nordlicht.example", "")
    assert [each.address for each in taken.recipients] == [ANNA]


@pytest.mark.parametrize("headers", [basic("crm:secret"), {"Authorization": "bearer crm.secret"}])
async def test_login_is_by_key_or_by_name_and_secret(headers: Mapping[str, str]) -> None:
    assert (await ask(door(), "POST", MAILS, MAIL, headers)).status == 202


@pytest.mark.parametrize(
    "headers",
    [{}, basic("crm:wrong"), basic("crm"), {"Authorization": "Bearer crm.wrong"}, {"Authorization": "Bearer"},
     {"Authorization": "Basic !"}, {"Authorization": "Basic /w=="}, {"Authorization": "Digest crm.secret"}],
)  # fmt: skip
async def test_without_a_right_login_nothing_is_read(headers: Mapping[str, str]) -> None:
    acceptance = KeptSubmissions()
    app = door(acceptance)
    for method, path in (("POST", MAILS), ("GET", f"{MAILS}/of-crm")):
        answer = await ask(app, method, path, b"\xff" * 10, headers, key="")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["connection"] == "close"
        assert answer.json["title"] == "Unauthorized"
    assert acceptance.calls == []


async def test_a_listed_network_needs_no_login_but_a_wrong_one_is_not_forgiven() -> None:
    app = door()
    assert (await ask(app, "POST", MAILS, MAIL, caller="127.0.0.1", key="")).status == 202
    assert (await ask(app, "POST", MAILS, MAIL, caller="127.0.0.1", key="crm.wrong")).status == 401


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "Origin"])
async def test_who_comes_through_a_proxy_or_from_a_web_page_has_to_log_in(name: str) -> None:
    app = door()
    covered = {name: "198.51.100.9"}
    assert (await ask(app, "POST", MAILS, MAIL, covered, caller="127.0.0.1", key="")).status == 401
    assert (await ask(app, "POST", MAILS, MAIL, covered, caller="127.0.0.1")).status == 202
    trusting = door(rules=dataclasses.replace(RULES, trusts_proxies=True))
    expected = 401 if name == "Origin" else 202
    assert (await ask(trusting, "POST", MAILS, MAIL, covered, caller="127.0.0.1", key="")).status == expected


async def test_a_batch_is_one_call_and_has_an_answer_for_each() -> None:
    acceptance = KeptSubmissions(refusals={BO: OBJECTED})
    items = [MAIL, mail(to=BO), mail(sujbect="x"), mail(to=[ANNA, BO])]
    answer = await ask(door(acceptance), "POST", MAILS, items)
    assert answer.status == 200
    assert [each["status"] for each in answer.json] == [202, 422, 422, 202]
    assert len(acceptance.calls) == 1
    assert answer.json[0]["mails"][0]["address"] == ANNA
    assert answer.json[1]["problem"] == {
        "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "she objected",
        "code": "OBJECTED",
    }  # fmt: skip
    assert answer.json[2]["problem"]["where"] == "[2].sujbect"
    assert answer.json[2]["problem"]["mend"] == "did you mean 'subject'?"
    assert [each["address"] for each in answer.json[3]["refused"]] == [BO]


async def test_a_batch_has_1_to_500_mails() -> None:
    acceptance = KeptSubmissions()
    app = door(acceptance)
    assert (await ask(app, "POST", MAILS, [MAIL] * 500)).status == 200
    assert len(acceptance.taken) == 500
    assert (await ask(app, "POST", MAILS, [MAIL] * 501)).status == 413
    assert (await ask(app, "POST", MAILS, [])).status == 422
    many = await ask(app, "POST", MAILS, [mail(to=[f"a{n}.{m}@maskin.example" for n in range(300)]) for m in range(2)])
    assert [each["status"] for each in many.json] == [202, 413]


async def test_a_store_that_is_away_is_503_and_may_be_asked_again() -> None:
    app = door(KeptSubmissions(away=True))
    for method, target, body in (
        ("POST", MAILS, MAIL), ("POST", MAILS, [MAIL, MAIL]), ("POST", f"{MAILS}?dry_run=1", MAIL),
        ("GET", f"{MAILS}/x", b""),
    ):  # fmt: skip
        answer = await ask(app, method, target, body)
        assert (answer.status, answer.headers["retry-after"]) == (503, "30"), target
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await ask(door(doorkeeper=TwoClients(away=True)), "POST", MAILS, MAIL)).status == 503


async def test_what_nobody_foresaw_is_temporary_and_tells_nothing() -> None:
    with capture_logs() as logs:
        answer = await ask(door(KeptSubmissions(breaks=True)), "POST", MAILS, MAIL)
    assert answer.status == 503
    assert "RuntimeError" not in answer.body.decode()
    assert ANNA not in answer.body.decode() + str(logs)
    assert [each["event"] for each in logs] == ["request_failed"]


@pytest.mark.parametrize(
    ("kind", "status"), [("INVALID", 422), ("FORBIDDEN", 403), ("BLOCKED", 422), ("CONFLICT", 409), ("LATER", 503)]
)
async def test_a_refusal_has_its_status_and_bland_clients_are_told_no_more(kind: str, status: int) -> None:
    refusal = Refusal(RefusalKind[kind], "she objected", "OBJECTED")
    app = door(KeptSubmissions(refusals={ANNA: refusal}))
    plain = await ask(app, "POST", MAILS, MAIL)
    assert (plain.status, plain.json["detail"], plain.json["code"]) == (status, "she objected", "OBJECTED")
    bland = await ask(app, "POST", MAILS, MAIL, key="shop.secret")
    if kind in {"CONFLICT", "LATER"}:
        assert bland.status == status
    else:
        assert (bland.status, bland.json["detail"], "code" in bland.json) == (422, "not accepted", False)


async def test_the_same_request_under_its_key_is_one() -> None:
    acceptance = KeptSubmissions()
    app, key = door(acceptance), {"Idempotency-Key": "order 117"}
    first, again = [await ask(app, "POST", MAILS, MAIL, key) for _ in range(2)]
    assert first.status == again.status == 202
    assert first.json == again.json
    for target, body in ((MAILS, mail(subject="another")), (f"{MAILS}?dry_run=0", MAIL)):
        other = await ask(app, "POST", target, body, key)
        assert (other.status, other.json["title"]) == (409, "Conflict")
    assert (await ask(app, "POST", MAILS, mail(subject="another"), key, key="shop.secret")).status == 202
    assert acceptance.taken[0].key == "order 117"
    assert len(acceptance.taken[0].request) == 32


async def test_each_mail_of_a_request_has_a_key_of_its_own() -> None:
    acceptance = KeptSubmissions()
    await ask(door(acceptance), "POST", MAILS, [mail(to=[ANNA, BO]), MAIL], {"Idempotency-Key": "k"})
    assert [each.key for each in acceptance.taken] == ["k", "k\n0.1", "k\n1.0"]
    assert len({each.request for each in acceptance.taken}) == 1


@pytest.mark.parametrize("key", ["k" * 256, "schlüssel", "a\tb"])
async def test_a_key_that_cannot_be_one_is_told(key: str) -> None:
    answer = await ask(door(), "POST", MAILS, MAIL, {"Idempotency-Key": key})
    assert (answer.status, answer.json["where"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("target", "headers"),
    [(f"{MAILS}?dry_run=1", {}), (f"{MAILS}?dry_run=TRUE", {}), (MAILS, {"X-Penstock-Dry-Run": "1"}),
     (f"{MAILS}?dry_run=0", {"X-Penstock-Dry-Run": "1"})],
)  # fmt: skip
async def test_a_dry_run_answers_the_decision_and_saves_nothing(target: str, headers: Mapping[str, str]) -> None:
    acceptance = KeptSubmissions()
    with capture_logs() as logs:
        answer = await ask(door(acceptance), "POST", target, mail(to=[ANNA, BO]), headers)
    assert answer.status == 200
    assert answer.json == {"decisions": [{**LINE, "address": ANNA}, {**LINE, "address": BO}]}
    assert (acceptance.calls, len(acceptance.judged)) == ([], 2)
    assert [(each["event"], each["client"], each["mails"]) for each in logs] == [("dry_run", "crm", 2)]


async def test_a_dry_run_of_a_batch_has_decisions_for_each() -> None:
    app = door(KeptSubmissions(refusals={BO: OBJECTED}))
    answer = await ask(app, "POST", f"{MAILS}?dry_run=1", [MAIL, mail(to=BO), mail(to=7)])
    assert [each["status"] for each in answer.json] == [200, 422, 422]
    assert answer.json[0]["decisions"] == [LINE]


@pytest.mark.parametrize("target", [f"{MAILS}?dryrun=1", f"{MAILS}?dry_run=yes", f"{MAILS}?dry_run=", f"{MAILS}?to=a",
                                    f"{MAILS}?dry_run=0&dry_run=1"])  # fmt: skip
async def test_a_misspelt_wish_sends_nothing(target: str) -> None:
    acceptance = KeptSubmissions()
    answer = await ask(door(acceptance), "POST", target, MAIL)
    assert answer.status == 400
    assert answer.json["where"].startswith("?")
    assert acceptance.calls == []


async def test_nobody_may_ask_often_who_objected() -> None:
    app = door()
    statuses = [(await ask(app, "POST", f"{MAILS}?dry_run=1", MAIL)).status for _ in range(3)]
    statuses += [(await ask(app, "GET", f"{MAILS}/of-crm")).status for _ in range(3)]
    assert statuses == [200] * 5 + [429]
    refused = await ask(app, "POST", f"{MAILS}?dry_run=1", MAIL)
    assert (refused.status, refused.headers["retry-after"]) == (429, "12")
    assert (await ask(app, "GET", f"{MAILS}/of-shop", key="shop.secret")).status == 200
    assert (await ask(app, "POST", MAILS, MAIL)).status == 202
    assert (await ask(app, "POST", f"{MAILS}?dry_run=1", [MAIL] * 6, key="shop.secret")).status == 413


async def test_bland_clients_get_verdicts_without_reasons() -> None:
    answer = await ask(door(), "POST", f"{MAILS}?dry_run=1", MAIL, key="shop.secret")
    assert answer.json == {"decisions": [{"address": ANNA, "campaign": None, "verdict": "block", "code": None,
                                          "codes": [],
                                          "reasons": [], "outcome": None}]}  # fmt: skip
    state = await ask(door(), "GET", f"{MAILS}/of-shop", key="shop.secret")
    assert state.json == {"mail_id": "of-shop", "state": "done", "outcome": None}


async def test_a_client_sees_its_own_mails_only() -> None:
    app = door()
    own = await ask(app, "GET", f"{MAILS}/of-crm")
    assert (own.status, own.json["decision"], own.json["contact_id"]) == (200, LINE, "c1")
    for other in ("of-shop", "none", "x" * 129, "%00"):
        answer = await ask(door(), "GET", f"{MAILS}/{other}")
        assert (answer.status, answer.json["detail"]) == (404, "no such mail"), other


async def test_a_look_up_of_an_address_writes_it_into_no_log() -> None:
    with capture_logs() as logs:
        answer = await ask(door(), "GET", f"{MAILS}/{ANNA}")
    assert answer.status == 404
    assert "anna" not in str(logs) + answer.body.decode()


async def test_what_is_not_there_is_told_as_a_problem_document() -> None:
    app = door()
    for path in ("/api/", "/api/v1/mail", "/api/v1/mails/", "/api/v1/mails/a/b", "/api/v2/mails"):
        answer = await ask(app, "POST", path, MAIL)
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json"), path
    for method, path, allow in (("GET", MAILS, "POST"), ("BREW", MAILS, "POST"), ("POST", f"{MAILS}/x", "GET, HEAD")):
        answer = await ask(app, method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_another_media_type_is_415(kind: str) -> None:
    answer = await ask(door(), "POST", MAILS, MAIL, {"Content-Type": kind})
    assert (answer.status, answer.json["where"]) == (415, "Content-Type")


async def test_compressed_bodies_are_not_taken() -> None:
    assert (await ask(door(), "POST", MAILS, MAIL, {"Content-Encoding": "gzip"})).status == 415


async def test_what_is_too_large_is_413_told_or_not() -> None:
    app = door()
    limit = RULES.body_limit
    told = await ask(app, "POST", MAILS, b"{", {"Content-Length": str(limit + 1)})
    assert (told.status, told.headers["connection"]) == (413, "close")
    assert (await ask(app, "POST", MAILS, b" " * (limit + 1), pieces=20)).status == 413
    assert (await ask(app, "POST", MAILS, b" ", {"Content-Length": "9" * 5_000})).status == 413
    assert (await ask(app, "POST", MAILS, mail(text="x" * 200_000))).status == 413
    assert (await ask(app, "POST", MAILS, RAW + b"x" * 200_000, AS_RAW)).status == 413
    files = [{"name": "a.bin", "content": base64.b64encode(b"x" * 100_000).decode()}]
    many = await ask(app, "POST", MAILS, mail(to=[f"a{n}@maskin.example" for n in range(30)], attachments=files))
    assert (many.status, many.json["detail"]) == (413, "the mails of this request are too large together")


async def test_the_room_of_a_body_is_taken_until_its_mails_are_saved() -> None:
    full, saved = asyncio.Event(), asyncio.Event()

    class Slow(KeptSubmissions):
        async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
            answers = await super().take(submissions)
            if len(self.calls) == 8:
                full.set()
            await saved.wait()
            return answers

    acceptance = Slow()
    app, text = door(acceptance), json.dumps(MAIL).encode()
    large = text + b" " * (RULES.body_limit - len(text))
    asked = [asyncio.create_task(ask(app, "POST", MAILS, large)) for _ in range(8)]
    await asyncio.wait_for(full.wait(), 10)
    more = await asyncio.wait_for(ask(app, "POST", MAILS, MAIL), 10)
    assert (more.status, more.headers["retry-after"]) == (503, "30")
    saved.set()
    assert [each.status for each in await asyncio.gather(*asked)] == [202] * 8
    assert (await ask(app, "POST", MAILS, MAIL)).status == 202


async def test_a_raw_message_goes_as_it_is_to_all_in_its_head() -> None:
    acceptance = KeptSubmissions()
    data = RAW.replace(
        b"Subject:", b"Cc: bo.lind@maskin.example,\r\n Eva <eva@x.example>\r\nBcc: c@x.example\r\nSubject:"
    )
    answer = await ask(door(acceptance), "POST", f"{MAILS}?stream=transactional&campaign=c1&tag=t", data, AS_RAW)
    assert answer.status == 202
    (taken,) = acceptance.taken
    assert [each.address for each in taken.recipients] == [ANNA, BO, "eva@x.example", "c@x.example"]
    assert taken.data == data.replace(b"Bcc: c@x.example\r\n", b"")
    assert (taken.sender, taken.stream, taken.campaign, taken.tag) == (
        "eva.berg@nordlicht.example",
        "transactional",
        "c1",
        "t",
    )


async def test_a_raw_message_goes_to_whom_the_address_line_says() -> None:
    acceptance = KeptSubmissions()
    target = f"{MAILS}?to=bo.lind@maskin.example&to=c@x.example&from=bounce@nordlicht.example"
    assert (await ask(door(acceptance), "POST", target, RAW.replace(b"\r\n", b"\n"), AS_RAW)).status == 202
    (taken,) = acceptance.taken
    assert [each.address for each in taken.recipients] == [BO, "c@x.example"]
    assert (taken.sender, taken.data) == ("bounce@nordlicht.example", RAW)
    assert (await ask(door(acceptance), "POST", f"{MAILS}?from=", RAW, AS_RAW)).status == 202
    assert acceptance.taken[1].sender == ""


@pytest.mark.parametrize(
    ("data", "query"),
    [(b"", ""), (b"\r\n", ""), (b"", "?from=&to=bo.lind@maskin.example"),
     (b"Subject: x\r\n\r\nHi", ""), (RAW.replace(b"To:", b"X-To:"), ""),
     (RAW.replace(b"anna.keller@", b"anna keller@"), ""), (RAW, "?to=anna"), (RAW, "?stream=spam"), (RAW, "?from=x"),
     (RAW, "?tag=" + "t" * 201), (b"From: a@b.example, c@d.example\r\nTo: e@f.example\r\n\r\n", ""),
     (b"X: y\r\n" * 50_000 + RAW, ""), (b"\xff: \xfe\r\nFrom: \xff@x.example\r\nTo: \xfe@x.example\r\n\r\n", "")],
)  # fmt: skip
async def test_a_raw_message_without_sense_is_not_taken(data: bytes, query: str) -> None:
    acceptance = KeptSubmissions()
    roomy = dataclasses.replace(RULES, size_limit=1_000_000)
    answer = await ask(door(acceptance, rules=roomy), "POST", MAILS + query, data, AS_RAW)
    assert (answer.status, acceptance.calls) == (422, [])


async def test_the_document_is_for_everybody_and_names_what_is_there() -> None:
    answer = await ask(door(), "GET", "/api/v1/openapi.json", key="")
    assert answer.status == 200
    assert set(answer.json["paths"]) == {MAILS, f"{MAILS}/{{id}}", "/api/v1/openapi.json"}
    assert set(answer.json["components"]["schemas"]["MailIn"]["properties"]) == {
        "from", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "attachments", "stream", "campaign",
        "controller", "contact", "variables", "headers", "tag", "envelope_from", "dsn",
    }  # fmt: skip
    assert json.loads(answer.body)["openapi"].startswith("3.1")
