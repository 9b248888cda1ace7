"""The fake Amazon SES refuses what the service model does not know, and answers in its shapes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import botocore  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from yarl import URL

from penstock.testing import FakeClock
from penstock.testing.esp import Arrived, Mood, OnList
from penstock.testing.esp_contract import finished
from penstock.testing.esps.ses import FakeSES, SesAccount
from penstock.testing.esps.ses_shapes import (
    CREATE_CONTACT,
    LIST_CONTACTS,
    PUT_SUPPRESSED,
    PUT_SUPPRESSION,
    SEND,
    SEND_BULK,
    UPDATE_CONTACT,
    Blob,
    Flag,
    Items,
    Number,
    Shape,
    Structure,
    Text,
)

MODEL = json.loads(
    gzip.decompress((Path(botocore.__file__).parent / "data/sesv2/2019-09-27/service-2.json.gz").read_bytes())
)
OPERATIONS, SHAPES = MODEL["operations"], MODEL["shapes"]
ONE, BULK = "/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails"
LIST = "/v2/email/suppression/addresses"
OFF = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}
RAW = (
    b"From: Eva Berg <eva@nordlicht.example>\r\nTo: anna@firm.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Reply-To: eva@nordlicht.example\r\nMessage-ID: <1@nordlicht.example>\r\nDate: Fri, 20 Nov 2026 09:00:00 +0000\r\n"
    b"List-Unsubscribe: <https://mail.nordlicht.example/u/1>,\r\n <mailto:u@nordlicht.example>\r\n"
    b"X-SES-MESSAGE-TAGS: penstock_mail_id=m0, other=1\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\r\nAnna\r\n"
)
MISSING = object()


def a_raw(data: bytes = RAW, **members: object) -> dict[str, Any]:
    body = {
        "FromEmailAddress": "eva@nordlicht.example",
        "Destination": {"ToAddresses": ["anna@firm.example"]},
        "Content": {"Raw": {"Data": base64.b64encode(data).decode()}},
        "EmailTags": [{"Name": "penstock_mail_id", "Value": "m1"}],
        "ConfigurationOverrides": OFF,
        **members,
    }
    return {name: value for name, value in body.items() if value is not MISSING}


def a_simple(**parts: object) -> dict[str, Any]:
    simple = {
        "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
        "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}},
        "Headers": [{"Name": "List-Id", "Value": "<list.nordlicht.example>"}],
        "Attachments": [{"FileName": "a.pdf", "RawContent": base64.b64encode(b"%PDF").decode()}],
        **parts,
    }
    return a_raw(Content={"Simple": {key: value for key, value in simple.items() if value is not MISSING}})


def a_bulk(*entries: dict[str, Any], **members: object) -> dict[str, Any]:
    content = {"Subject": "Hello {{name}}", "Text": "Dear {{name}} of {{firm}}"}
    template = {"TemplateContent": content, "TemplateData": '{"firm": "Firm"}'}
    return {
        "FromEmailAddress": "eva@nordlicht.example",
        "DefaultContent": {"Template": template},
        "BulkEmailEntries": list(entries),
        "ConfigurationOverrides": OFF,
        **members,
    }


def an_entry(local: str, **members: object) -> dict[str, Any]:
    data = {"ReplacementTemplateData": json.dumps({"name": local})}
    return {
        "Destination": {"ToAddresses": [f"{local}@firm.example"]},
        "ReplacementTags": [{"Name": "mail-id", "Value": f"m-{local}"}],
        "ReplacementEmailContent": {"ReplacementTemplate": data},
        **members,
    }


class Answer:
    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.data)
        assert isinstance(found, dict)
        return found

    @property
    def kind(self) -> str:
        return self.headers.get("x-amzn-ErrorType", "")


def signed(
    method: str, url: str, data: bytes, headers: dict[str, str], key: str = "test-key", token: str | None = None
) -> dict[str, str]:
    request = AWSRequest(method=method, url=url, data=data, headers=headers)
    SigV4Auth(Credentials("AKIDEXAMPLE", key, token), "ses", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


async def call(
    fake: FakeSES,
    method: str,
    path: str,
    body: object = None,
    *,
    change: Callable[[dict[str, str]], None] = lambda headers: None,
    sent: bytes | None = None,
    **headers: str,
) -> Answer:
    """`change` spoils the headers after they were signed, `sent` is another body than the signed one."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    url = fake.url + path
    given = signed(method, url, data, named, fake.key, fake.session_token or None)
    change(given)
    data = data if sent is None else sent
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, URL(url, encoded=True), data=io.BytesIO(data) if data else None, headers=given
        ) as answer,
    ):
        return Answer(answer.status, dict(answer.headers), await answer.read())


async def asked(body: object, fake: FakeSES | None = None, path: str = ONE) -> tuple[Answer, FakeSES]:
    fake = fake or FakeSES()
    async with fake:
        return await call(fake, "POST", path, body), fake


async def arrived(body: object, fake: FakeSES | None = None) -> Arrived:
    answer, fake = await asked(body, fake)
    assert (answer.status, fake.refused) == (200, [])
    (one,) = fake.arrived
    return one


def differences(shape: Shape, name: str, where: str = "$") -> Iterator[str]:
    """Where the fake's table and botocore's model differ."""
    model = SHAPES[name]
    match shape:
        case Structure():
            inside = {key for key, each in model["members"].items() if each.get("location") != "uri"}
            needed = set(model.get("required", ())) & inside
            if shape.members.keys() != inside or {*shape.needed} != needed:
                yield where
                return
            for member, inner in shape.members.items():
                yield from differences(inner, model["members"][member]["shape"], f"{where}.{member}")
        case Items():
            if model["type"] != "list" or shape.most != model.get("max"):
                yield where
            yield from differences(shape.item, model["member"]["shape"], f"{where}[]")
        case Text():
            pattern = model.get("pattern", "").removeprefix("^").removesuffix("$")
            told = (model.get("min", 0), model.get("max"), pattern, tuple(model.get("enum", ())))
            if model["type"] != "string" or told != (shape.least, shape.most, shape.pattern, shape.words):
                yield where
        case Blob() | Flag() | Number():
            if model["type"] != {Blob: "blob", Flag: "boolean", Number: "integer"}[type(shape)]:
                yield where


@pytest.mark.parametrize(
    ("shape", "operation"),
    [
        (SEND, "SendEmail"),
        (SEND_BULK, "SendBulkEmail"),
        (PUT_SUPPRESSED, "PutSuppressedDestination"),
        (PUT_SUPPRESSION, "PutAccountSuppressionAttributes"),
        (CREATE_CONTACT, "CreateContact"),
        (UPDATE_CONTACT, "UpdateContact"),
        (LIST_CONTACTS, "ListContacts"),
    ],
)
def test_its_tables_are_those_of_the_service_model(shape: Structure, operation: str) -> None:
    assert [*differences(shape, OPERATIONS[operation]["input"]["shape"])] == []


def test_a_table_that_differs_is_noticed() -> None:
    spoilt = Structure({**SEND.members, "EmailTags": Items(Text())}, SEND.needed)
    assert [*differences(spoilt, "SendEmailRequest")] == ["$.EmailTags[]"]
    assert [*differences(Structure(SEND.members), "SendEmailRequest")] == ["$"]


def misfits(value: Any, name: str, where: str = "$") -> Iterator[str]:
    """Where an answer is not of the model's shape."""
    model = SHAPES[name]
    kinds: dict[str, Any] = {
        "string": str,
        "boolean": bool,
        "double": float,
        "timestamp": float,
        "list": list,
        "structure": dict,
    }
    if not isinstance(value, kinds[model["type"]]):
        yield where
    elif model["type"] == "list":
        for each in value:
            yield from misfits(each, model["member"]["shape"], f"{where}[]")
    elif model["type"] == "structure":
        yield from (f"{where}.{key} is missing" for key in model.get("required", ()) if key not in value)
        for key, each in value.items():
            if key not in model["members"]:
                yield f"{where}.{key}"
            else:
                yield from misfits(each, model["members"][key]["shape"], f"{where}.{key}")
    elif "enum" in model and value not in model["enum"]:
        yield where


def of(operation: str, answer: Answer) -> dict[str, Any]:
    """The answer's body, once it fits the model."""
    assert answer.status == 200, answer.data
    assert answer.headers["Content-Type"].startswith("application/json")
    assert [*misfits(answer.json, OPERATIONS[operation]["output"]["shape"])] == []
    return answer.json


async def test_raw_bytes_arrive_with_sess_own_message_id_and_date() -> None:
    answer, fake = await asked(a_raw())
    message_id = of("SendEmail", answer)["MessageId"]
    assert answer.headers["x-amzn-RequestId"]
    (one,) = fake.arrived
    assert one.raw is not None
    assert (one.sender, one.recipient, one.subject) == (
        "Eva Berg <eva@nordlicht.example>",
        "anna@firm.example",
        "Grüße",
    )
    assert (one.text.split(), one.html, one.reply_to, one.mail_id) == (
        ["Hello", "Anna"],
        None,
        "eva@nordlicht.example",
        "m1",
    )
    assert one.headers["message-id"] == f"<{message_id}@eu-central-1.amazonses.example>"
    assert one.headers["list-unsubscribe"] == "<https://mail.nordlicht.example/u/1>, <mailto:u@nordlicht.example>"
    assert one.raw.lower().count(b"message-id:") == one.raw.lower().count(b"date:") == 1
    assert b"<1@nordlicht.example>" not in one.raw
    assert b"x-ses" not in one.raw.lower()
    assert one.raw.endswith(b"\r\n\r\nHello\r\n\r\nAnna\r\n")
    assert b"/u/1>,\r\n <mailto:" in one.raw


async def test_recipients_and_sender_may_stand_in_the_bytes_alone() -> None:
    data = RAW.replace(b"To: anna@firm.example", b"To: anna@firm.example\r\nBcc: bo@firm.example", 1)
    body = a_raw(data, Destination=MISSING, FromEmailAddress=MISSING, EmailTags=MISSING)
    answer, fake = await asked(body)
    assert answer.status == 200
    assert [each.recipient for each in fake.arrived] == ["anna@firm.example", "bo@firm.example"]
    assert {each.mail_id for each in fake.arrived} == {"m0"}
    assert not any(b"bcc" in (each.raw or b"").lower() for each in fake.arrived)


async def test_a_finished_mail_of_ours_arrives_whole() -> None:
    mail = finished("anna@firm.example", text="Grüße aus Köln")
    data = mail.content.data  # type: ignore[union-attr]
    one = await arrived(a_raw(data))
    assert one.text.strip() == "Grüße aus Köln"
    assert one.html is not None
    assert one.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


async def test_simple_content_arrives_and_without_a_charset_only_ascii_does() -> None:
    one = await arrived(a_simple(Body={"Text": {"Data": "Köln"}, "Html": {"Data": "Köln", "Charset": "UTF-8"}}))
    assert (one.subject, one.text, one.html, one.raw) == ("Grüße", "K?ln", "Köln", None)
    assert one.attachments == (("a.pdf", b"%PDF"),)
    assert one.headers["list-id"] == "<list.nordlicht.example>"


async def test_a_template_in_the_request_is_filled() -> None:
    template = {
        "TemplateContent": {"Subject": "Hi {{name}}", "Html": "<p>{{name}}</p>"},
        "TemplateData": '{"name":"A"}',
    }
    one = await arrived(a_raw(Content={"Template": template}, ReplyToAddresses=["bo@nordlicht.example"]))
    assert (one.subject, one.html, one.reply_to) == ("Hi A", "<p>A</p>", "bo@nordlicht.example")


@pytest.mark.parametrize(
    ("overrides", "tracked"),
    [
        (OFF, False),
        (MISSING, True),
        ({}, True),
        ({"Tracking": {"OpenTrackingEnabled": "DISABLED"}}, True),
        ({"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "ENABLED"}}, True),
    ],
)
async def test_what_the_request_does_not_switch_off_counts_as_tracking(overrides: object, tracked: bool) -> None:
    assert (await arrived(a_raw(ConfigurationOverrides=overrides))).tracking is tracked


async def test_a_contact_list_brings_links_of_sess_own() -> None:
    fake = FakeSES(account=SesAccount(contact_lists={"offers": {}}))
    assert (await arrived(a_raw(ListManagementOptions={"ContactListName": "offers"}), fake)).tracking
    ordered = RAW.replace(b"MIME-Version", b"X-SES-LIST-MANAGEMENT-OPTIONS: offers\r\nMIME-Version")
    assert (await arrived(a_raw(ordered))).tracking


@pytest.mark.parametrize(
    ("given", "name"),
    [({"x": "only"}, "only"), ({"a": "1", "mail-id": "m"}, "m"), ({"a": "1", "b": "2"}, ""), ({}, "")],
)
async def test_our_id_is_found_among_the_tags(given: dict[str, str], name: str) -> None:
    data = RAW.replace(b"X-SES-MESSAGE-TAGS: penstock_mail_id=m0, other=1\r\n", b"")
    told = [{"Name": key, "Value": value} for key, value in given.items()]
    assert (await arrived(a_raw(data, EmailTags=told))).mail_id == name


LONG = RAW + b"x" * 999 + b"\r\n"
WRONG: dict[str, tuple[Any, str]] = {
    "an unknown member": (a_raw(Idempotency="x"), "BadRequestException"),
    "an unknown member below": (a_raw(Destination={"To": []}), "BadRequestException"),
    "another type": (a_raw(FromEmailAddress=7), "SerializationException"),
    "a truth for a text": (a_raw(ConfigurationSetName=True), "SerializationException"),
    "a text for a list": (a_raw(Destination={"ToAddresses": "anna@firm.example"}), "SerializationException"),
    "no content": (a_raw(Content=MISSING), "BadRequestException"),
    "empty content": (a_raw(Content={}), "BadRequestException"),
    "two kinds of content": (
        a_raw(Content={**a_raw()["Content"], **a_simple()["Content"]}),
        "BadRequestException",
    ),
    "no base64": (a_raw(Content={"Raw": {"Data": "%"}}), "SerializationException"),
    "raw without data": (a_raw(Content={"Raw": {}}), "BadRequestException"),
    "no blank line": (a_raw(b"From: eva@nordlicht.example\r\nSubject: x"), "BadRequestException"),
    "no From": (a_raw(b"Subject: x\r\n\r\nHello"), "BadRequestException"),
    "a header twice": (a_raw(b"Date: x\r\n" + RAW), "BadRequestException"),
    "two signatures": (a_raw(b"DKIM-Signature: a\r\nDKIM-Signature: b\r\n" + RAW), "BadRequestException"),
    "a long line": (a_raw(LONG), "BadRequestException"),
    "an unknown charset": (a_raw(RAW.replace(b"charset=utf-8", b"charset=martian")), "BadRequestException"),
    "more than 40 MB": (a_raw(RAW + b"x\r\n" * (14 << 20)), "MessageRejected"),
    "nobody": (a_raw(RAW.replace(b"To: anna@firm.example\r\n", b""), Destination={}), "BadRequestException"),
    "51 recipients": (
        a_raw(Destination={"BccAddresses": [f"p{n}@firm.example" for n in range(51)]}),
        "BadRequestException",
    ),
    "no address": (a_raw(Destination={"ToAddresses": ["anna"]}), "BadRequestException"),
    "an address beyond ASCII": (a_raw(Destination={"ToAddresses": ["änna@firm.example"]}), "BadRequestException"),
    "a sender's name beyond ASCII": (a_raw(FromEmailAddress="Ä <e@nordlicht.example>"), "BadRequestException"),
    "a bad reply address": (a_raw(ReplyToAddresses=["eva"]), "BadRequestException"),
    "a bad address for bounces": (a_raw(FeedbackForwardingEmailAddress="eva"), "BadRequestException"),
    "a tag with a dot": (a_raw(EmailTags=[{"Name": "id", "Value": "a.b"}]), "BadRequestException"),
    "a long tag": (a_raw(EmailTags=[{"Name": "x" * 257, "Value": "a"}]), "BadRequestException"),
    "a tag without a value": (a_raw(EmailTags=[{"Name": "x"}]), "BadRequestException"),
    "an unknown endpoint": (a_raw(EndpointId="e"), "NotFoundException"),
    "an unknown tenant": (a_raw(TenantName="t"), "NotFoundException"),
    "an empty ARN": (a_raw(FromEmailAddressIdentityArn=""), "BadRequestException"),
    "an unknown contact list": (a_raw(ListManagementOptions={"ContactListName": "x"}), "NotFoundException"),
    "an unknown configuration set": (a_raw(ConfigurationSetName="x"), "NotFoundException"),
    "another word for off": (
        a_raw(ConfigurationOverrides={"Tracking": {"OpenTrackingEnabled": "OFF"}}),
        "BadRequestException",
    ),
    "simple without a body": (a_simple(Body={}), "BadRequestException"),
    "simple without a subject": (a_simple(Subject=MISSING), "BadRequestException"),
    "simple without a sender": (
        {key: value for key, value in a_simple().items() if key != "FromEmailAddress"},
        "BadRequestException",
    ),
    "an unknown charset of a part": (a_simple(Subject={"Data": "ü", "Charset": "martian"}), "BadRequestException"),
    "16 headers": (
        a_simple(Headers=[{"Name": f"X-{n}", "Value": "1"} for n in range(16)]),
        "BadRequestException",
    ),
    "a header that is SES's": (a_simple(Headers=[{"Name": "Message-ID", "Value": "1"}]), "BadRequestException"),
    "a header named twice": (
        a_simple(Headers=[{"Name": n, "Value": "1"} for n in ("X-A", "x-a")]),
        "BadRequestException",
    ),
    "a header with a line break": (a_simple(Headers=[{"Name": "X-A", "Value": "1\r\n2"}]), "BadRequestException"),
    "a header beyond ASCII": (a_simple(Headers=[{"Name": "X-A", "Value": "ü"}]), "BadRequestException"),
    "a long header": (a_simple(Headers=[{"Name": "X-A", "Value": "x" * 996}]), "BadRequestException"),
    "a file without a name": (a_simple(Attachments=[{"RawContent": "YQ=="}]), "BadRequestException"),
    "a long file name": (
        a_simple(Attachments=[{"RawContent": "YQ==", "FileName": "x" * 256}]),
        "BadRequestException",
    ),
    "an unknown template": (a_raw(Content={"Template": {"TemplateName": "t"}}), "NotFoundException"),
    "a template without a body": (
        a_raw(Content={"Template": {"TemplateContent": {"Subject": "x"}}}),
        "BadRequestException",
    ),
    "template data that is no object": (
        a_raw(Content={"Template": {"TemplateContent": {"Subject": "x", "Text": "x"}, "TemplateData": "[]"}}),
        "BadRequestException",
    ),
    "no object": ([], "SerializationException"),
    "no JSON": (b"{", "SerializationException"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_the_model_and_the_guide_do_not_allow_is_refused(name: str) -> None:
    body, kind = WRONG[name]
    answer, fake = await asked(body)
    assert answer.kind == kind
    assert answer.status == (404 if kind == "NotFoundException" else 400)
    assert set(answer.json) == {"message"}
    assert len(fake.refused) == 1
    assert fake.arrived == []
    assert kind == "SerializationException" or kind in {e["shape"] for e in OPERATIONS["SendEmail"]["errors"]}


async def test_a_refused_recipient_is_an_illegal_address() -> None:
    answer, fake = await asked(a_raw(Destination={"ToAddresses": ["refused@firm.example"]}))
    assert (answer.status, answer.kind) == (400, "BadRequestException")
    assert "refused@firm.example" in answer.json["message"]
    assert fake.arrived == []


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (SesAccount(suspended=True), "AccountSuspendedException"),
        (SesAccount(sending=False), "SendingPausedException"),
        (SesAccount(quota=200.0, sent=200.0), "LimitExceededException"),
        (SesAccount(identities={"other.example": True}), "MessageRejected"),
        (SesAccount(identities={"nordlicht.example": False}), "MessageRejected"),
        (SesAccount(identities={"nordlicht.example": True}, production=False), "MessageRejected"),
        (SesAccount(sets={"x": False}), "SendingPausedException"),
    ],
)
async def test_the_account_may_forbid_to_send(account: SesAccount, kind: str) -> None:
    named = "x" if account.sets else MISSING
    answer, fake = await asked(a_raw(ConfigurationSetName=named), FakeSES(account=account))
    assert (answer.status, answer.kind) == (400, kind)
    assert fake.arrived == []


@pytest.mark.parametrize("known", [{"eva@nordlicht.example": True}, {"nordlicht.example": True}, {"example": True}])
async def test_an_address_its_domain_or_one_above_may_be_verified(known: dict[str, bool]) -> None:
    assert (await arrived(a_raw(), FakeSES(account=SesAccount(identities=known)))).recipient


async def test_both_senders_must_be_verified() -> None:
    account = SesAccount(identities={"nordlicht.example": True})
    answer, _ = await asked(a_raw(FromEmailAddress="eva@other.example"), FakeSES(account=account))
    assert answer.kind == "MessageRejected"


async def test_mail_to_a_suppressed_address_is_taken_and_does_not_arrive() -> None:
    account = SesAccount()
    listed = [OnList("BOUNCE", "Anna@firm.example", datetime(2026, 10, 5, tzinfo=UTC))]
    answer, fake = await asked(a_raw(), FakeSES(account=account, listed=listed))
    assert (answer.status, fake.arrived, account.sent) == (200, [], 1.0)
    account.suppressed_reasons = ["COMPLAINT"]
    assert (await asked(a_raw(), FakeSES(account=account, listed=listed)))[1].arrived


async def test_bulk_answers_each_entry_for_itself() -> None:
    answer, fake = await asked(a_bulk(*map(an_entry, ("anna", "refused", "bo"))), path=BULK)
    results = of("SendBulkEmail", answer)["BulkEmailEntryResults"]
    assert [each["Status"] for each in results] == ["SUCCESS", "INVALID_PARAMETER", "SUCCESS"]
    assert results[0]["MessageId"] != results[2]["MessageId"]
    first, second = fake.arrived
    assert (first.subject, first.text, first.mail_id) == ("Hello anna", "Dear anna of Firm", "m-anna")
    assert (second.recipient, second.tracking) == ("bo@firm.example", False)


async def test_headers_of_an_entry_replace_those_of_the_template() -> None:
    body = a_bulk(an_entry("anna", ReplacementHeaders=[{"Name": "x-a", "Value": "own"}]))
    body["DefaultContent"]["Template"]["Headers"] = [{"Name": "X-A", "Value": "all"}, {"Name": "X-B", "Value": "all"}]
    _, fake = await asked(body, path=BULK)
    assert (fake.arrived[0].headers["x-a"], fake.arrived[0].headers["x-b"]) == ("own", "all")


async def test_an_unknown_template_is_told_for_each_entry() -> None:
    body = a_bulk(an_entry("anna"), DefaultContent={"Template": {"TemplateName": "t"}})
    answer, fake = await asked(body, path=BULK)
    assert of("SendBulkEmail", answer)["BulkEmailEntryResults"][0]["Status"] == "TEMPLATE_NOT_FOUND"
    assert fake.arrived == []


@pytest.mark.parametrize(
    "body",
    [a_bulk(), a_bulk(*(an_entry(f"p{n}") for n in range(51))), a_bulk(an_entry("a"), DefaultContent={}), a_raw()],
)
async def test_bulk_asks_for_a_template_and_at_most_50(body: dict[str, Any]) -> None:
    answer, fake = await asked(body, path=BULK)
    assert (answer.status, fake.arrived) == (400, [])


def without(name: str) -> Callable[[dict[str, str]], None]:
    def change(headers: dict[str, str]) -> None:
        headers.pop(name)

    return change


def replaced(old: str, new: str) -> Callable[[dict[str, str]], None]:
    def change(headers: dict[str, str]) -> None:
        assert old in headers["Authorization"]
        headers["Authorization"] = headers["Authorization"].replace(old, new)

    return change


UNSIGNED: dict[str, tuple[Callable[[dict[str, str]], None], str]] = {
    "no signature": (without("Authorization"), "MissingAuthenticationTokenException"),
    "another algorithm": (replaced("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), "IncompleteSignatureException"),
    "no date": (without("X-Amz-Date"), "IncompleteSignatureException"),
    "a bearer token": (lambda headers: headers.update(Authorization="Bearer x"), "IncompleteSignatureException"),
    "another service": (replaced("/ses/", "/sns/"), "SignatureDoesNotMatch"),
    "another region": (replaced("/eu-central-1/", "/us-east-1/"), "SignatureDoesNotMatch"),
    "another day": (lambda headers: headers.update({"X-Amz-Date": "20000101T000000Z"}), "SignatureDoesNotMatch"),
    "host not signed": (replaced("host;", ""), "SignatureDoesNotMatch"),
    "a header slipped in": (lambda headers: headers.update({"X-Amz-User-Agent": "x"}), "SignatureDoesNotMatch"),
    "another type": (lambda headers: headers.update({"Content-Type": "text/json"}), "SignatureDoesNotMatch"),
    "a token of nobody's": (lambda h: h.update({"X-Amz-Security-Token": "t"}), "UnrecognizedClientException"),
}


@pytest.mark.parametrize("name", UNSIGNED)
async def test_a_signature_that_does_not_hold_is_refused(name: str) -> None:
    change, kind = UNSIGNED[name]
    async with FakeSES() as fake:
        answer = await call(fake, "POST", ONE, a_raw(), change=change)
    assert (answer.status, answer.kind) == (403, kind)
    assert "test-key" not in answer.json["message"]
    assert fake.arrived == []


async def test_a_digest_that_is_signed_and_not_the_bodys_is_refused() -> None:
    async with FakeSES() as fake:
        assert (await call(fake, "POST", ONE, a_raw(), X_Amz_Content_Sha256="0" * 64)).kind == "SignatureDoesNotMatch"
    assert fake.arrived == []


async def test_another_body_another_path_or_another_key_breaks_the_signature() -> None:
    async with FakeSES() as fake:
        other = json.dumps(a_raw(EmailTags=[])).encode()
        assert (await call(fake, "POST", ONE, a_raw(), sent=other)).kind == "SignatureDoesNotMatch"
        fake.key = "other"
        stale = signed("POST", fake.url + BULK, b"{}", {"Content-Type": "application/json"}, "other")
        swap = lambda headers: headers.update(stale)  # noqa: E731
        assert (await call(fake, "POST", ONE, b"{}", change=swap)).kind == "SignatureDoesNotMatch"
        assert (await call(fake, "POST", BULK, b"{}", change=swap)).kind == "BadRequestException"
    assert fake.arrived == []


@pytest.mark.parametrize(
    ("fake", "status"),
    [
        (FakeSES(access_key="AKIDEXAMPLE", region="eu-central-1"), 200),
        (FakeSES(access_key="AKIDOTHER"), 403),
        (FakeSES(region="us-east-1"), 403),
        (FakeSES(session_token="temporary"), 200),
    ],
)
async def test_key_region_and_token_can_be_held_to(fake: FakeSES, status: int) -> None:
    answer, _ = await asked(a_raw(), fake)
    assert answer.status == status


@pytest.mark.parametrize(("hours", "status"), [(0, 200), (1, 403), (-1, 403)])
async def test_the_time_of_a_signature_can_be_held_to(hours: int, status: int) -> None:
    clock = FakeClock(datetime.now(UTC) + timedelta(hours=hours))
    answer, _ = await asked(a_raw(), FakeSES(clock=clock))
    assert answer.status == status


@pytest.mark.parametrize(
    ("mood", "status", "kind"),
    [
        (Mood.BAD_KEY, 403, "UnrecognizedClientException"),
        (Mood.RATE_LIMIT, 429, "TooManyRequestsException"),
        (Mood.SERVER_ERROR, 500, "InternalServiceErrorException"),
    ],
)
async def test_moods_answer_in_awss_shape(mood: Mood, status: int, kind: str) -> None:
    answer, _ = await asked(a_raw(), FakeSES(moods=[mood]))
    assert (answer.status, answer.kind, set(answer.json)) == (status, kind, {"message"})


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", ONE, 404, "UnknownOperationException"),
        ("POST", "/v2/email/outbound", 404, "UnknownOperationException"),
        ("POST", ONE + "?x=1", 400, "BadRequestException"),
        ("GET", "/v2/email/account?x=1", 400, "BadRequestException"),
        ("GET", "/v2/email/identities/x.example", 404, "NotFoundException"),
        ("GET", "/v2/email/configuration-sets/x", 404, "NotFoundException"),
    ],
)
async def test_what_is_not_described_has_no_path(method: str, path: str, status: int, kind: str) -> None:
    async with FakeSES() as fake:
        answer = await call(fake, method, path, a_raw() if method == "POST" else None)
    assert (answer.status, answer.kind) == (status, kind)


async def test_unknown_headers_and_types_are_refused() -> None:
    async with FakeSES() as fake:
        assert (await call(fake, "POST", ONE, a_raw(), Idempotency_Key="1")).status == 400
        assert (await call(fake, "POST", ONE, a_raw(), Content_Type="text/plain")).status == 415
        assert fake.arrived == []


async def test_the_account_is_told_as_it_is() -> None:
    async with FakeSES(account=SesAccount(quota=200.0, rate=1.0)) as fake:
        await call(fake, "POST", ONE, a_raw())
        told = of("GetAccount", await call(fake, "GET", "/v2/email/account"))
        assert told["SendQuota"] == {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 1.0}
        assert told["SendingEnabled"]
        fake.account.suspended = True
        told = of("GetAccount", await call(fake, "GET", "/v2/email/account"))
        assert (told["SendingEnabled"], told["EnforcementStatus"]) == (False, "SHUTDOWN")


async def test_sets_and_identities_are_told() -> None:
    account = SesAccount(identities={"nordlicht.example": True}, sets={"offers": False})
    async with FakeSES(account=account) as fake:
        path = "/v2/email/configuration-sets/offers"
        told = of("GetConfigurationSet", await call(fake, "GET", path))
        assert told["SendingOptions"] == {"SendingEnabled": False}
        events = await call(fake, "GET", f"{path}/event-destinations")
        assert of("GetConfigurationSetEventDestinations", events) == {"EventDestinations": []}
        told = of("GetEmailIdentity", await call(fake, "GET", "/v2/email/identities/nordlicht.example"))
        assert (told["IdentityType"], told["VerifiedForSendingStatus"]) == ("DOMAIN", True)


async def test_the_suppression_list_takes_tells_pages_and_gives_back() -> None:
    async with FakeSES() as fake:
        for number in range(5):
            reason = "COMPLAINT" if number == 4 else "BOUNCE"
            body = {"EmailAddress": f"p{number}+x@firm.example", "Reason": reason}
            assert of("PutSuppressedDestination", await call(fake, "PUT", LIST, body)) == {}
        page = of("ListSuppressedDestinations", await call(fake, "GET", LIST + "?PageSize=3&Reason=BOUNCE"))
        assert len(page["SuppressedDestinationSummaries"]) == 3
        token = page["NextToken"].replace("=", "%3D")
        path = f"{LIST}?PageSize=3&Reason=BOUNCE&NextToken={token}"
        rest = of("ListSuppressedDestinations", await call(fake, "GET", path))
        assert [each["EmailAddress"] for each in rest["SuppressedDestinationSummaries"]] == ["p3+x@firm.example"]
        assert "NextToken" not in rest
        one = f"{LIST}/p4%2Bx%40firm.example"
        told = of("GetSuppressedDestination", await call(fake, "GET", one))
        assert told["SuppressedDestination"]["Reason"] == "COMPLAINT"
        assert of("DeleteSuppressedDestination", await call(fake, "DELETE", one)) == {}
        for method in ("GET", "DELETE"):
            assert (await call(fake, method, one)).kind == "NotFoundException"


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("PUT", LIST, {"EmailAddress": "a@firm.example", "Reason": "UNSUBSCRIBE"}, "BadRequestException"),
        ("PUT", LIST, {"EmailAddress": "a", "Reason": "BOUNCE"}, "BadRequestException"),
        ("PUT", LIST, {"EmailAddress": "a@firm.example"}, "BadRequestException"),
        ("GET", f"{LIST}?Page=1", None, "BadRequestException"),
        ("GET", f"{LIST}?PageSize=0", None, "BadRequestException"),
        ("GET", f"{LIST}?Reason=X", None, "BadRequestException"),
        ("GET", f"{LIST}?NextToken=x", None, "InvalidNextTokenException"),
        ("GET", f"{LIST}?StartDate=yesterday", None, "SerializationException"),
    ],
)
async def test_wrong_questions_about_the_list_are_refused(method: str, path: str, body: object, kind: str) -> None:
    async with FakeSES() as fake:
        answer = await call(fake, method, path, body)
    assert (answer.status, answer.kind) == (400, kind)
    assert fake.listed == []


CONTACTS = "/v2/email/contact-lists/offers/contacts"
TOPICS = {"offers": {"news": "OPT_IN", "events": "OPT_OUT"}}
SINCE = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)


def a_list(**fields: Any) -> FakeSES:
    return FakeSES(account=SesAccount(contact_lists=TOPICS), **fields)


def out_of(*topics: str, **members: object) -> dict[str, Any]:
    return {"TopicPreferences": [{"TopicName": each, "SubscriptionStatus": "OPT_OUT"} for each in topics], **members}


async def test_what_stands_on_the_list_is_told_with_its_time_by_reason_and_day() -> None:
    listed = [OnList("BOUNCE", "a@firm.example", SINCE), OnList("COMPLAINT", "b@firm.example", SINCE)]
    listed += [OnList("offers", "c@firm.example", SINCE)]
    listed += [OnList("BOUNCE", "d@firm.example", SINCE + timedelta(days=9))]
    async with FakeSES(listed=listed) as fake:
        for query, found in (
            ("", "abd"),
            ("?Reason=BOUNCE", "ad"),
            ("?Reason=BOUNCE&Reason=COMPLAINT", "abd"),
            ("?StartDate=2026-10-10T00%3A00%3A00Z", "d"),
            ("?EndDate=2026-10-10T00%3A00%3A00Z", "ab"),
        ):
            told = of("ListSuppressedDestinations", await call(fake, "GET", LIST + query))
            assert "".join(each["EmailAddress"][0] for each in told["SuppressedDestinationSummaries"]) == found
        assert told["SuppressedDestinationSummaries"][0]["LastUpdateTime"] == SINCE.timestamp()


async def test_an_address_is_suppressed_once_and_the_last_reason_counts() -> None:
    async with FakeSES(clock=FakeClock(datetime.now(UTC))) as fake:
        for reason in ("BOUNCE", "COMPLAINT"):
            await call(fake, "PUT", LIST, {"EmailAddress": "Anna@firm.example", "Reason": reason})
        assert [(each.list_name, each.address) for each in fake.listed] == [("COMPLAINT", "anna@firm.example")]
        assert abs(fake.listed[0].at - datetime.now(UTC)) < timedelta(minutes=1)
        await call(fake, "DELETE", f"{LIST}/anna%40firm.example")
        assert fake.listed == []


async def test_a_contact_opts_out_of_topics_and_an_update_names_them_all() -> None:
    async with a_list() as fake:
        one = f"{CONTACTS}/anna%40firm.example"
        body = {"EmailAddress": "anna@firm.example", **out_of("news", "events")}
        assert of("CreateContact", await call(fake, "POST", CONTACTS, body)) == {}
        assert {each.list_name for each in fake.listed} == {"offers.news", "offers.events"}
        assert (await call(fake, "POST", CONTACTS, body)).kind == "AlreadyExistsException"
        assert of("UpdateContact", await call(fake, "PUT", one, out_of("news"))) == {}
        assert [each.list_name for each in fake.listed] == ["offers.news"]
        told = of("GetContact", await call(fake, "GET", one))
        assert told["TopicPreferences"] == out_of("news")["TopicPreferences"]
        assert (told["UnsubscribeAll"], len(told["TopicDefaultPreferences"])) == (False, 2)
        await call(fake, "PUT", one, {"UnsubscribeAll": True})
        assert [each.list_name for each in fake.listed] == ["offers"]
        assert of("GetContact", await call(fake, "GET", one))["UnsubscribeAll"] is True
        await call(fake, "PUT", one, {})
        assert fake.listed == []
        assert of("GetContact", await call(fake, "GET", one))["TopicPreferences"] == []


async def test_a_contact_that_is_deleted_is_erased() -> None:
    async with a_list(listed=[OnList("offers.news", "anna@firm.example", SINCE)]) as fake:
        one = f"{CONTACTS}/anna%40firm.example"
        assert of("DeleteContact", await call(fake, "DELETE", one)) == {}
        assert (fake.listed, fake.erased) == ([], ["anna@firm.example"])
        for method, body in (("DELETE", None), ("GET", None), ("PUT", {})):
            assert (await call(fake, method, one, body)).kind == "NotFoundException"
        assert fake.erased == ["anna@firm.example"]


async def test_contacts_are_told_page_by_page_and_by_what_they_opted_out_of() -> None:
    listed = [OnList("offers.news", f"p{number}@firm.example", SINCE) for number in range(5)]
    listed += [OnList("offers", "all@firm.example", SINCE), OnList("BOUNCE", "b@firm.example", SINCE)]
    async with a_list(listed=listed, contacts={("offers", "in@firm.example")}) as fake:
        path = f"{CONTACTS}/list"
        whole = of("ListContacts", await call(fake, "POST", path, {}))
        assert len(whole["Contacts"]) == 7
        found, token = [], None
        while True:
            chosen = {"FilteredStatus": "OPT_OUT", "TopicFilter": {"TopicName": "news"}}
            body = {"Filter": chosen, "PageSize": 4, **({"NextToken": token} if token else {})}
            page = of("ListContacts", await call(fake, "POST", path, body))
            found.append([each["EmailAddress"] for each in page["Contacts"]])
            if (token := page.get("NextToken")) is None:
                break
        assert [len(each) for each in found] == [4, 2]
        assert "all@firm.example" in found[1]
        chosen = {"FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "news"}}
        page = of("ListContacts", await call(fake, "POST", path, {"Filter": chosen}))
        assert [each["EmailAddress"] for each in page["Contacts"]] == ["in@firm.example"]
        told = of("GetContactList", await call(fake, "GET", "/v2/email/contact-lists/offers"))
        assert [each["TopicName"] for each in told["Topics"]] == ["news", "events"]


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("GET", "/v2/email/contact-lists/other", None, "NotFoundException"),
        ("POST", CONTACTS.replace("offers", "other"), {"EmailAddress": "a@firm.example"}, "NotFoundException"),
        ("POST", CONTACTS, {"EmailAddress": "a@firm.example", **out_of("sports")}, "NotFoundException"),
        ("POST", CONTACTS, {"EmailAddress": "a@firm.example", "Topics": []}, "BadRequestException"),
        ("POST", CONTACTS, {"EmailAddress": "a"}, "BadRequestException"),
        ("POST", CONTACTS, {"EmailAddress": "a@firm.example", "UnsubscribeAll": "yes"}, "SerializationException"),
        ("POST", f"{CONTACTS}/list", {"Filter": {"TopicFilter": {"TopicName": "sports"}}}, "NotFoundException"),
        ("POST", f"{CONTACTS}/list", {"Filter": {"FilteredStatus": "OUT"}}, "BadRequestException"),
        ("POST", f"{CONTACTS}/list", {"PageSize": 0}, "BadRequestException"),
        ("POST", f"{CONTACTS}/list", {"PageSize": "5"}, "SerializationException"),
        ("POST", f"{CONTACTS}/list", {"NextToken": "x"}, "InvalidNextTokenException"),
        ("POST", f"{CONTACTS}/list?PageSize=5", {}, "BadRequestException"),
        ("GET", CONTACTS, None, "UnknownOperationException"),
    ],
)
async def test_wrong_questions_about_contacts_are_refused(method: str, path: str, body: object, kind: str) -> None:
    async with a_list() as fake:
        answer = await call(fake, method, path, body)
    assert (answer.kind, answer.status) == (
        kind,
        404 if kind in {"NotFoundException", "UnknownOperationException"} else 400,
    )
    assert fake.listed == []


@pytest.mark.parametrize(("name", "goes"), [("offers.news", False), ("offers", False), ("offers.events", True)])
async def test_who_opted_out_gets_nothing_that_is_sent_for_the_topic(name: str, goes: bool) -> None:
    listed = [OnList(name, "anna@firm.example", SINCE)]
    options = {"ContactListName": "offers", "TopicName": "news"}
    answer, fake = await asked(a_raw(ListManagementOptions=options), a_list(listed=listed))
    assert (answer.status, bool(fake.arrived)) == (200, goes)
    assert (await asked(a_raw(), a_list(listed=listed)))[1].arrived


async def test_tags_of_a_mail_are_kept_for_its_events() -> None:
    answer, fake = await asked(a_raw())
    assert fake.tags[answer.json["MessageId"]]["penstock_mail_id"] == "m1"


async def test_reasons_of_the_account_can_be_set() -> None:
    async with FakeSES() as fake:
        path = "/v2/email/account/suppression"
        await call(fake, "PUT", path, {"SuppressedReasons": ["COMPLAINT"]})
        assert fake.account.suppressed_reasons == ["COMPLAINT"]
        assert (await call(fake, "PUT", path, {"SuppressedReasons": ["X"]})).status == 400


async def test_botocores_own_client_sends_and_reads_errors() -> None:
    async with FakeSES() as fake:
        client = botocore.session.Session().create_client(
            "sesv2",
            "eu-central-1",
            endpoint_url=fake.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="test-key",
        )
        told = await asyncio.to_thread(client.send_email, **a_raw(Content={"Raw": {"Data": RAW}}))
        assert told["MessageId"]
        person = {"EmailAddress": "anna+b@firm.example"}
        await asyncio.to_thread(client.put_suppressed_destination, **person, Reason="BOUNCE")
        found = await asyncio.to_thread(client.get_suppressed_destination, **person)
        assert found["SuppressedDestination"]["LastUpdateTime"].year == 2026
        account = await asyncio.to_thread(client.get_account)
        assert account["SendQuota"]["SentLast24Hours"] == 1.0
        with pytest.raises(ClientError) as fault:
            await asyncio.to_thread(client.send_email, **a_raw(Content={"Raw": {"Data": b"no header"}}))
        assert fault.value.response["Error"]["Code"] == "BadRequestException"
        client.close()
    assert [each.recipient for each in fake.arrived] == ["anna@firm.example"]
