"""Exports of mail services: what each list comes to in our columns, what is left out, what is refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.config.settings import load_settings
from penstock.errors import InvalidInput
from penstock.ports import RowFault
from penstock.sources.suppression_formats.foreign_rows import (
    LeftOut,
    SuppressionRow,
    columns_of,
    foreign_rows,
    shape_of,
)
from penstock.sources.suppression_formats.services import SERVICES
from penstock.sources.suppression_formats.suppression_file import FORMATS, open_suppression_file
from penstock.sources.suppression_formats.written_moment import DateStyle, read_moment
from penstock.suppression_list import COLUMNS, SuppressionList
from penstock.testing import FakeClock
from penstock.wiring import House, open_house

AT = "2026-10-05T07:30:00+00:00"
EPOCH = 1791185400
OUT, BAD = "left out", "fault"

# service, file name, what stands in it, what each row comes to: "REASON[+REASON] ADDRESS [DATE]", OUT or BAD
SAMPLES: list[tuple[str, str, str, list[str]]] = [
    (
        "sendgrid", "suppression_bounces.csv",
        f'status,reason,email,created\n5.1.1,"550 5.1.1 no such user\nat all",anna@firm.example,{EPOCH}\n',
        [f"bounce anna@firm.example {AT}"],
    ),
    (
        "sendgrid", "suppression_invalid_emails.csv",
        f"reason,email,created\nMail domain mentioned in email address is unknown,anna@firm.example,{EPOCH}\n",
        [f"bounce anna@firm.example {AT}"],
    ),
    (
        "sendgrid", "spam.csv", f"email,created,ip\nanna@firm.example,{EPOCH},192.0.2.7\n",
        [f"complaint anna@firm.example {AT}"],
    ),
    (
        "sendgrid", "suppression_unsubscribes.csv",
        f"email,created\nanna@firm.example,{EPOCH}\n,{EPOCH}\nbo@firm.example,soon\n",
        [f"unsubscribe anna@firm.example {AT}", BAD, BAD],
    ),
    (
        "sendgrid", "all.json",
        json.dumps([{"email": "anna@firm.example", "group_id": 1, "group_name": "News", "created_at": EPOCH}]),
        [f"unsubscribe anna@firm.example {AT}"],
    ),
    ("sendgrid", "group.json", '["anna@firm.example", 7]', ["unsubscribe anna@firm.example", BAD]),
    (
        "sendgrid", "activity.csv",
        ("processed,event,email,type\n2026-10-05 07:30:00,bounce,anna@firm.example,bounce\n"
        "2026-10-05 07:30:00,bounce,bo@firm.example,blocked\n2026-10-05 07:30:00,deferred,carl@firm.example,\n"
        "2026-10-05 07:30:00,group_unsubscribe,dora@firm.example,\n2026-10-05 07:30:00,new,erik@firm.example,\n"),
        [f"bounce anna@firm.example {AT}", OUT, OUT, f"unsubscribe dora@firm.example {AT}", BAD],
    ),
    (
        "mailgun", "bounces.csv",
        'address,code,error,created_at\nanna@firm.example,550,"no, never","Mon, 05 Oct 2026 07:30:00 UTC"\n',
        [f"bounce anna@firm.example {AT}"],
    ),
    (
        "mailgun", "export.json",
        json.dumps({
            "items": [
                {"address": "anna@firm.example", "tags": ["*"], "created_at": "Mon, 05 Oct 2026 07:30:00 UTC"},
                {"address": "bo@firm.example", "tags": ["news"], "created_at": "Mon, 01 Jan 0001 00:00:00 UTC"},
                {"address": "carl@firm.example", "created_at": "Mon, 05 Oct 2026 09:30:00 +0200"},
                {"value": "dora@firm.example", "type": "address"},
                {"nobody": "knows"},
            ],
            "paging": {"next": "https://api.mailgun.example/"},
        }),
        [f"unsubscribe anna@firm.example {AT}", "unsubscribe bo@firm.example", f"complaint carl@firm.example {AT}",
         OUT, BAD],
    ),
    ("mailgun", "unsubscribes.csv", "address\nanna@firm.example\n", ["unsubscribe anna@firm.example"]),
    (
        "postmark", "dump.json",
        json.dumps({"Suppressions": [
            {"EmailAddress": f"{name}@firm.example", "SuppressionReason": reason, "Origin": origin,
             "CreatedAt": "2026-10-05T03:30:00-04:00"}
            for name, reason, origin in [
                ("anna", "HardBounce", "Recipient"), ("bo", "SpamComplaint", "Recipient"),
                ("carl", "ManualSuppression", "Recipient"), ("dora", "ManualSuppression", "Customer"),
                ("erik", "Whim", "Admin"),
            ]
        ]}),
        [f"bounce anna@firm.example {AT}", f"complaint bo@firm.example {AT}", f"unsubscribe carl@firm.example {AT}",
         f"other dora@firm.example {AT}", BAD],
    ),
    (
        "postmark", "suppressions.csv",
        '"Email Address","Suppression Reason",Origin,"Created At"\nanna@firm.example,HardBounce,Recipient,2026-10-05\n',
        ["bounce anna@firm.example 2026-10-05T00:00:00+00:00"],
    ),
    (
        "postmark", "bounces.jsonl",
        ('{"Email": "anna@firm.example", "Type": "HardBounce", "BouncedAt": "2026-10-05T07:30:00Z"}\n\n'
        '{"Email": "bo@firm.example", "Type": "SoftBounce", "BouncedAt": "2026-10-05T07:30:00Z"}\nno JSON\n'),
        [f"bounce anna@firm.example {AT}", OUT, BAD],
    ),
    (
        "ses", "list.json",
        json.dumps({"SuppressedDestinationSummaries": [
            {"EmailAddress": "anna@firm.example", "Reason": "BOUNCE", "LastUpdateTime": "2026-10-05T09:30:00+02:00"},
            {"EmailAddress": "bo@firm.example", "Reason": "COMPLAINT", "LastUpdateTime": EPOCH + 0.5},
            {"EmailAddress": "carl@firm.example", "Reason": "MANUAL", "LastUpdateTime": EPOCH},
        ]}),
        [f"bounce anna@firm.example {AT}", "complaint bo@firm.example 2026-10-05T07:30:00.500000+00:00", BAD],
    ),
    (
        "ses", "import-job.csv", "anna@firm.example,BOUNCE\nbo@firm.example,COMPLAINT\n",
        ["bounce anna@firm.example", "complaint bo@firm.example"],
    ),
    (
        "ses", "contacts.json",
        json.dumps({"Contacts": [
            {"EmailAddress": "anna@firm.example", "UnsubscribeAll": True, "LastUpdatedTimestamp": EPOCH},
            {"EmailAddress": "bo@firm.example", "UnsubscribeAll": False, "TopicPreferences": [
                {"TopicName": "a", "SubscriptionStatus": "OPT_IN"}, {"TopicName": "b", "SubscriptionStatus": "OPT_OUT"},
            ]},
            {"EmailAddress": "carl@firm.example", "UnsubscribeAll": False, "TopicPreferences": []},
        ]}),
        [f"unsubscribe anna@firm.example {AT}", "unsubscribe bo@firm.example", OUT],
    ),
    (
        "brevo", "blocked.json",
        json.dumps({"count": 4, "contacts": [
            {"email": f"{code}@firm.example", "senderEmail": "eva@nordlicht.example",
             "reason": {"code": code, "message": "words"}, "blockedAt": "2026-10-05T07:30:00.000Z"}
            for code in ("unsubscribedViaEmail", "contactFlaggedAsSpam", "hardBounce", "adminBlocked", "newCode")
        ]}),
        [f"unsubscribe unsubscribedViaEmail@firm.example {AT}", f"complaint contactFlaggedAsSpam@firm.example {AT}",
         f"bounce hardBounce@firm.example {AT}", f"other adminBlocked@firm.example {AT}", BAD],
    ),
    ("brevo", "blocked.json", '{"domains": ["lyft.example"]}', ["other lyft.example"]),
    (
        "brevo", "contacts.jsonl",
        ('{"email": "anna@firm.example", "emailBlacklisted": true, "modifiedAt": "2026-10-05T07:30:00Z"}\n'
        '{"email": "bo@firm.example", "emailBlacklisted": false, "listUnsubscribed": [4, 5], "modifiedAt": null}\n'
        '{"email": "carl@firm.example", "emailBlacklisted": false, "listUnsubscribed": null, "modifiedAt": null}\n'),
        [f"other anna@firm.example {AT}", "unsubscribe bo@firm.example", OUT],
    ),
    (
        "brevo", "logs.csv",
        ("st_text,ts,sub,frm,email,tag,mid,link\n"
        "Hard bounce,05-10-2026 07:30:00,Hi,eva@nordlicht.example,anna@firm.example,NA,<1@x.example>,NA\n"
        "Soft bounce,05-10-2026 07:30:00,Hi,eva@nordlicht.example,bo@firm.example,NA,<2@x.example>,NA\n"
        "Blocked,05-10-2026 07:30:00,Hi,eva@nordlicht.example,carl@firm.example,NA,<3@x.example>,NA\n"
        "Inviata,05-10-2026 07:30:00,Hi,eva@nordlicht.example,dora@firm.example,NA,<4@x.example>,NA\n"),
        [f"bounce anna@firm.example {AT}", OUT, OUT, BAD],
    ),
    ("brevo", "blocklisted.csv", "EMAIL;FIRSTNAME\nanna@firm.example;Anna\n", ["other anna@firm.example"]),
    (
        "mailjet", "contacts.json",
        json.dumps({"Count": 3, "Data": [
            {"Email": "anna@firm.example", "IsExcludedFromCampaigns": True, "IsSpamComplaining": True,
             "ExclusionFromCampaignsUpdatedAt": "2026-10-05T07:30:00Z"},
            {"Email": "bo@firm.example", "IsExcludedFromCampaigns": False, "IsSpamComplaining": False},
        ]}),
        [f"unsubscribe+complaint anna@firm.example {AT}", OUT],
    ),
    ("mailjet", "exclusion_list.csv", "email\nanna@firm.example\n", ["unsubscribe anna@firm.example"]),
    (
        "mailjet", "contacts.csv",
        ("Email,IsUnsubscribed,UnsubscribedAt\nanna@firm.example,true,10/25/2026\nbo@firm.example,true,05/10/2026\n"
        "carl@firm.example,perhaps,\n"),
        ["unsubscribe anna@firm.example 2026-10-25T00:00:00+00:00", BAD, BAD],
    ),
    (
        "resend", "suppressions.csv",
        ("id,email,origin,source_id,created_at\n1,anna@firm.example,bounce,2,2026-10-05 07:30:00.000+00\n"
        "1,bo@firm.example,manual,,2026-10-05 07:30:00\n1,carl@firm.example,guess,,2026-10-05 07:30:00\n"),
        [f"bounce anna@firm.example {AT}", f"other bo@firm.example {AT}", BAD],
    ),
    (
        "resend", "contacts.json",
        json.dumps({"object": "list", "data": [
            {"email": "anna@firm.example", "unsubscribed": True}, {"email": "bo@firm.example", "unsubscribed": False},
        ]}),
        ["unsubscribe anna@firm.example", OUT],
    ),
    (
        "mailchimp", "unsubscribed_email_audience_export_1.csv",
        ('"Email Address","First Name",UNSUB_TIME,UNSUB_REASON,LEID,EUID\n'
        'anna@firm.example,Anna,"2026-10-05 07:30:00","N (Never)",1,2\nbo@firm.example,Bo,10/05/2026 7:30 AM,,1,2\n'),
        [f"unsubscribe anna@firm.example {AT}", f"unsubscribe bo@firm.example {AT}"],
    ),
    (
        "mailchimp", "cleaned_email_audience_export_1.csv",
        '"Email Address",CLEAN_TIME,LEID,EUID\nanna@firm.example,"2026-10-05 07:30:00",1,2\n',
        [f"bounce anna@firm.example {AT}"],
    ),
    (
        "mailchimp", "subscribed_email_audience_export_1.csv",
        '"Email Address",Address,LEID,EUID\nanna@firm.example,"Storgatan 1",1,2\n', [OUT],
    ),
    (
        "mailchimp", "members.json",
        json.dumps({"members": [
            {"email_address": f"{status}@firm.example", "unique_email_id": "x", "status": status,
             "last_changed": "2026-10-05T07:30:00+00:00"}
            for status in ("unsubscribed", "cleaned", "subscribed", "archived")
        ]}),
        [f"unsubscribe unsubscribed@firm.example {AT}", f"bounce cleaned@firm.example {AT}", OUT, BAD],
    ),
    (
        "hubspot", "unsubscribes-and-bounces.csv",
        ("Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce,Marketing Information\n"
        "anna@firm.example,FALSE,TRUE,FALSE,FALSE,TRUE\nbo@firm.example,UNKNOWN_USER,FALSE,FALSE,TRUE,\n"
        "carl@firm.example,MAILBOX_FULL,,,,\ndora@firm.example,,,,,TRUE\nerik@firm.example,TRUE,TRUE,TRUE,,\n"
        "fay@firm.example,,maybe,,,\n"),
        ["unsubscribe anna@firm.example", "bounce bo@firm.example", OUT, "unsubscribe dora@firm.example",
         "unsubscribe+complaint+bounce erik@firm.example", BAD],
    ),
    (
        "hubspot", "contacts.csv",
        ("Record ID,Email,Unsubscribed from all email,Opted out of email: One to One,Email hard bounce reason\n"
        "1,anna@firm.example,true,,\n2,bo@firm.example,false,true,\n3,carl@firm.example,,,Unknown user\n"
        "4,dora@firm.example,,,\n5,erik@firm.example,,,Boredom\n"),
        ["unsubscribe anna@firm.example", "unsubscribe bo@firm.example", "bounce carl@firm.example", OUT, BAD],
    ),
    (
        "hubspot", "search.json",
        json.dumps({"results": [{"id": "1", "properties": {
            "email": "anna@firm.example", "hs_email_optout": "true", "hs_email_optout_survey_reason": "too many",
        }}]}),
        ["unsubscribe anna@firm.example"],
    ),
    ("hubspot", "opt-out.csv", "Email\nanna@firm.example\n", ["unsubscribe anna@firm.example"]),
]  # fmt: skip


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


async def read(path: Path, format_: str = "auto") -> tuple[str, list[str]]:
    """The format and list taken, and each row in short."""
    opened = open_suppression_file(path, COLUMNS, format_)
    return f"{opened.format}:{opened.list_name}", [short(row) async for chunk in opened.chunks for row in chunk]


def short(row: SuppressionRow | LeftOut | RowFault) -> str:
    if isinstance(row, SuppressionRow):
        first = row.entries[0]
        subject = first.get("address") or first.get("domain") or first["hash"]
        return " ".join(filter(None, ["+".join(each["reason"] for each in row.entries), subject, first.get("at")]))
    assert row.why
    return OUT if isinstance(row, LeftOut) else BAD


@pytest.mark.parametrize(("service", "name", "text", "told"), SAMPLES, ids=[f"{each[0]} {each[1]}" for each in SAMPLES])
async def test_a_list_of_a_service_comes_to_this(
    tmp_path: Path, service: str, name: str, text: str, told: list[str]
) -> None:
    assert (await read(written(tmp_path, name, text), service))[1] == told
    assert (await read(written(tmp_path, name + ".gz", text), service))[1] == told


def test_every_service_of_the_option_has_samples() -> None:
    assert list(FORMATS) == ["auto", *SERVICES]
    assert {each[0] for each in SAMPLES} == set(SERVICES)


async def test_marks_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    semicolons = "\ufeffaddress;code;error;created_at\r\nanna@firm.example;550;x;2026-10-05 07:30:00\r\n"
    assert (await read(written(tmp_path, "a.csv", semicolons), "mailgun"))[1] == [f"bounce anna@firm.example {AT}"]
    tabs = semicolons.replace(";", "\t").replace("address", "ADDRESS")
    assert (await read(written(tmp_path, "b.csv", tabs), "mailgun"))[1] == [f"bounce anna@firm.example {AT}"]


async def test_a_column_that_stands_there_twice_counts_where_it_is_filled(tmp_path: Path) -> None:
    """Mailchimp's own columns come back as merge fields when an export was imported again."""
    text = "Email Address,UNSUB_TIME,UNSUB_TIME,LEID,EUID\nanna@firm.example,2026-10-05 07:30:00,,1,2\n"
    assert (await read(written(tmp_path, "x.csv", text), "mailchimp"))[1] == [f"unsubscribe anna@firm.example {AT}"]


async def test_a_byte_order_mark_before_json_does_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, "group.json", '\ufeff["anna@firm.example"]')
    assert (await read(path, "sendgrid"))[1] == ["unsubscribe anna@firm.example"]


@pytest.mark.parametrize("name", ["suppression_blocks.csv", "my-blocks.json"])
async def test_blocks_of_sendgrid_are_refused_and_it_is_said_why(tmp_path: Path, name: str) -> None:
    rows = [{"email": "anna@firm.example", "created": EPOCH, "reason": "no route", "status": "4.0.0"}]
    text = json.dumps(rows) if name.endswith("json") else f"status,reason,email,created\n4.0.0,x,a@firm.example,{EPOCH}"
    for format_ in ("sendgrid", "auto"):
        with pytest.raises(InvalidInput, match="about one mail that failed"):
            await read(written(tmp_path, name, text), format_)


@pytest.mark.parametrize(
    ("service", "name", "text", "why"),
    [
        ("sendgrid", "export.csv", "status,reason,email,created\n", "same columns"),
        ("sendgrid", "bounces-and-blocks.csv", "status,reason,email,created\n", "name and columns"),
        ("sendgrid", "export.csv", "email\na@firm.example\n", "name has to tell"),
        ("sendgrid", "export.csv", "a@firm.example\n", "holds data"),
        ("sendgrid", "export.csv", "", "empty"),
        ("sendgrid", "export.xlsx", "email,created\n", "neither CSV nor JSON"),
        ("mailgun", "export.csv", "address,domain\n,lyft.example\n", "allowlist"),
        ("mailgun", "whitelist.csv", "address\na@firm.example\n", "allowlist"),
        ("mailchimp", "subscribed.csv", "Email Address,UNSUB_TIME,LEID,EUID\n", "name and columns"),
        ("postmark", "dump.json", '{"ErrorCode": 10, "Message": "no"}', "no list of postmark"),
        ("postmark", "dump.json", '{"Suppressions": [', "not JSON"),
        ("auto", "dump.json", '[{"email": "a@firm.example"}]', "--format sendgrid"),
        ("auto", "list.csv", "email,reason\na@firm.example,objection\n", "--format sendgrid"),
        ("excel", "list.csv", "address\n", "no format is called"),
    ],
)
async def test_a_file_that_is_none_is_refused_as_a_whole(
    tmp_path: Path, service: str, name: str, text: str, why: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await read(written(tmp_path, name, text), service)
    assert why in str(refused.value)
    assert "a@firm" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "header", "taken"),
    [
        ("suppression_bounces.csv", "status,reason,email,created", "sendgrid:bounces"),
        ("x.csv", "email,created,ip", "sendgrid:spam reports"),
        ("x.csv", "address,code,error,created_at", "mailgun:bounces"),
        ("x.csv", "address,tags,created_at", "mailgun:unsubscribes"),
        ("x.csv", "EmailAddress,SuppressionReason,Origin,CreatedAt", "postmark:suppressions"),
        ("x.csv", "EmailAddress,Reason,LastUpdateTime", "ses:suppression list"),
        ("x.csv", "st_text,ts,sub,frm,email,tag,mid,link", "brevo:log"),
        ("x.csv", "id,email,origin,source_id,created_at", "resend:suppressions"),
        ("x.csv", "Email Address,Address,Domain,CLEAN_TIME,LEID,EUID", "mailchimp:cleaned"),
        ("x.csv", "Email,Portal Bounce,Portal Unsubscribe", "hubspot:unsubscribes and bounces"),
        ("x.csv", "address,reason,scope,at", "auto:"),
        ("x.csv", "address,tags,created_at,reason", "auto:"),
        ("x.csv", "address,tags", "auto:"),
        ("x.csv", "address,created_at", "auto:"),
        ("x.csv", "email,created,ip,scope,address", "auto:"),
    ],
)
async def test_a_header_is_recognised_where_it_is_unmistakable(
    tmp_path: Path, name: str, header: str, taken: str
) -> None:
    assert await read(written(tmp_path, name, header + "\n")) == (taken, [])


async def test_json_is_recognised_by_its_first_entry(tmp_path: Path) -> None:
    found = {service: text for service, name, text, _ in SAMPLES if name in {"dump.json", "list.json", "members.json"}}
    assert set(found) == {"postmark", "ses", "mailchimp"}
    for service, text in found.items():
        taken, _ = await read(written(tmp_path, "x.json", text))
        assert taken.startswith(f"{service}:")
    lines = '{"address": "anna@firm.example", "reason": "objection"}\n'
    assert await read(written(tmp_path, "own.jsonl", lines)) == ("auto:", ["objection anna@firm.example"])


@pytest.mark.parametrize(("kind", "column"), [("md5", "email_md5"), ("sha256", "Email Hash"), ("sha256", "email")])
async def test_a_hash_in_the_place_of_an_address_goes_to_our_hashes(tmp_path: Path, kind: str, column: str) -> None:
    digest = hashlib.new(kind, b"anna@firm.example").hexdigest()
    path = written(tmp_path, "unsubscribes.csv", f"{column},created\n{digest},{EPOCH}\nabc,{EPOCH}\n")
    assert (await read(path, "sendgrid"))[1] == [f"unsubscribe {kind}:{digest} {AT}", BAD]


@pytest.mark.parametrize(
    ("text", "styles", "moment"),
    [
        ("1791185400", [DateStyle.EPOCH], AT),
        ("2026-10-05 07:30:00", [DateStyle.ISO], AT),
        ("2026-10-05T09:30:00+02:00", [DateStyle.ISO], AT),
        ("2026-10-05 07:30:00 +0000 UTC", [DateStyle.ISO], AT),
        ("2026-10-05 07:30 UTC", [DateStyle.ISO], AT),
        ("Mon, 05 Oct 2026 07:30:00 GMT", [DateStyle.RFC_2822], AT),
        ("5 Oct 2026 09:30:00 +0200", [DateStyle.RFC_2822], AT),
        ("10/05/2026 7:30 AM", [DateStyle.MONTH_FIRST], AT),
        ("05-10-2026 07:30:00", [DateStyle.DAY_FIRST], AT),
        ("10/10/2026", [DateStyle.MONTH_FIRST, DateStyle.DAY_FIRST], "2026-10-10T00:00:00+00:00"),
        ("10/05/2026 12:30 AM", [DateStyle.MONTH_FIRST], "2026-10-05T00:30:00+00:00"),
    ],
)
def test_a_date_is_read_in_the_styles_of_its_service(text: str, styles: list[DateStyle], moment: str) -> None:
    read_as = read_moment(text, styles)
    assert read_as is not None
    assert read_as.isoformat() == moment


@pytest.mark.parametrize("text", ["0", "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 UTC", "0000-00-00 00:00:00"])
def test_no_date_is_no_date(text: str) -> None:
    assert read_moment(text, DateStyle) is None


@pytest.mark.parametrize(
    "text",
    ["soon", "1791185400000", "17", "2026-13-01", "05/10/2026", "13/13/2026", "10/05/26", "13:00 10/05/2026", "",
     "Mon, 99 Oct 2026 07:30:00 UTC", "10/05/2026 13:30 PM"],
)  # fmt: skip
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|styles"):
        read_moment(text, DateStyle)


WORDS = st.sampled_from(
    ["", "anna@firm.example", "TRUE", "false", "bounce", "BOUNCE", "HardBounce", "Blocked", "unsubscribed",
     "1791185400", "2026-10-05 07:30:00", "Unknown user", "OPT_OUT", "d41d8cd98f00b204e9800998ecf8427e"]
)  # fmt: skip
CELLS = WORDS | st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_row_is_ever_lost(service: str, data: st.DataObject) -> None:
    """Whatever stands in the cells: each record is used, left out or told as bad, in its order."""
    shapes = [shape for shape in SERVICES[service].shapes if not (shape.refused or shape.by_name)]
    shape = data.draw(st.sampled_from(shapes))
    told = {column for words in shape.says if not words.begins for column in words.columns}
    columns = sorted(shape.columns | told | set(shape.at) - shape.without)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(columns), max_size=len(columns)), max_size=8))
    as_json = [dict(zip(columns, row, strict=True)) for row in rows]
    with TemporaryDirectory() as folder:
        for name, text in (
            ("x.csv", as_csv(columns, rows)),
            ("x.jsonl", "".join(f"{json.dumps(r)}\n" for r in as_json)),
        ):
            path = written(Path(folder), name, text)
            found = columns_of(path, SERVICES[service].pages) or frozenset(columns)
            items = [*foreign_rows(path, SERVICES[service], shape_of(path, SERVICES[service], found))]
            assert len(items) == len(rows)
            assert [item.line for item in items] == sorted(item.line for item in items)


def as_csv(columns: list[str], rows: list[list[str]]) -> str:
    """Every cell in quotes, so that an empty row is a row; without NUL, which makes several bad rows of one."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[cell.replace("\0", "") for cell in row] for row in rows])
    return out.getvalue()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.chdir(tmp_path)
    house = await open_house(load_settings({"store": {"url": "sqlite:///penstock.db"}}, {}), FakeClock())
    yield house
    await house.aclose()


async def test_rows_are_added_left_out_or_bad_and_the_sum_is_right(house: House, tmp_path: Path) -> None:
    entries = SuppressionList(house)
    for number, (service, name, text, told) in enumerate(SAMPLES):
        folder = tmp_path / str(number)
        folder.mkdir()
        imported = await entries.import_file(written(folder, name, text), service)
        counts = (imported.rows, imported.left_out.total(), len(imported.faults))
        assert counts == (len(told), told.count(OUT), told.count(BAD))
        assert imported.added == len(told) - told.count(OUT) - told.count(BAD)
        assert imported.format == service
    assert {hit.reason.value for hit in await entries.check("erik@firm.example")} == {
        "unsubscribe", "complaint", "bounce",
    }  # fmt: skip
    assert await entries.check("anyone@lyft.example")
    assert not [hit async for hit in entries.walk() if hit.entry.scope != "all"]


async def test_a_file_refused_as_a_whole_holds_nothing_and_a_bad_row_holds_all(house: House, tmp_path: Path) -> None:
    entries = SuppressionList(house)
    with pytest.raises(InvalidInput, match="one mail that failed"):
        await entries.import_file(written(tmp_path, "blocks.csv", "status,reason,email,created\n"), "sendgrid")
    assert await house.store.suppressions.unresolved() == []
    left = written(tmp_path, "subscribed.csv", "Email Address,LEID,EUID\nanna@firm.example,1,2\n")
    await entries.import_file(left)
    assert await house.store.suppressions.unresolved() == []
    bad = written(tmp_path, "list.csv", "EmailAddress,Reason,LastUpdateTime\nanna@firm.example,WHIM,1791185400\n")
    imported = await entries.import_file(bad)
    assert "anna" not in str(imported.faults[0].why)
    assert await house.store.suppressions.unresolved() == ["all"]
