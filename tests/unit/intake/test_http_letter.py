"""From JSON to the octets that are handed in: one letter per recipient, by the same writer as campaigns' mails."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.intake.http_fakes import MAIL

from penstock.intake.http_letter import Handed, LetterDesk
from penstock.intake.http_mail import read_mail
from penstock.intake.http_problem import RequestError
from penstock.ports.intake import Client, Submission

CRM = Client("crm", frozenset())
ANNA, BO = "anna.keller@muster-werk.example", "bo.lind@maskin.example"
PNG = {"name": "logo.png", "content": base64.encodebytes(b"\x89PNG" * 40).decode(), "cid": "logo@nordlicht.example"}
PDF = {"name": "offer.pdf", "type": "application/pdf", "content": base64.b64encode(b"%PDF").decode()}


def handed_in(fields: Mapping[str, Any], client: Client = CRM) -> list[Submission]:
    desk = LetterDesk(Handed(client), size_limit=1_000_000, most=10_000_000)
    return desk.submissions(read_mail({name: value for name, value in fields.items() if value is not ...}))


def one(**fields: Any) -> Submission:
    (found,) = handed_in({**MAIL, **fields})
    return found


def parsed(submission: Submission) -> email.message.EmailMessage:
    return email.message_from_bytes(submission.data, policy=email.policy.default)


def refusal(**fields: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        handed_in({**MAIL, **fields})
    return caught.value


def test_a_text_is_a_plain_message() -> None:
    assert one().data == (
        b"From: Eva Berg <eva.berg@nordlicht.example>\r\nTo: anna.keller@muster-werk.example\r\n"
        b"Subject: Your invoice\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n'
        b"Dear Anna,\r\n\r\nit is enclosed.\r\n"
    )


def test_each_recipient_gets_a_mail_of_its_own_that_names_no_other() -> None:
    found = handed_in({**MAIL, "to": [f"Änna <{ANNA}>", BO, BO.upper().replace("BO.LIND", "bo.lind")]})
    assert [[each.address for each in submission.recipients] for submission in found] == [[ANNA], [BO]]
    assert [parsed(each)["To"].addresses[0].addr_spec for each in found] == [ANNA, BO]
    assert parsed(found[0])["To"].addresses[0].display_name == "Änna"
    assert found[0].data.partition(b"\r\n\r\n")[2] == found[1].data.partition(b"\r\n\r\n")[2]


def test_copies_share_one_message_and_blind_ones_are_not_in_it() -> None:
    found = one(cc=[f"Bo <{BO}>", "Åsa <asa@maskin.example>"], bcc="c@maskin.example", reply_to=f'"Lind, Bo" <{BO}>')
    assert [each.address for each in found.recipients] == [ANNA, BO, "asa@maskin.example", "c@maskin.example"]
    message = parsed(found)
    assert message["Cc"] == f"Bo <{BO}>, asa@maskin.example"
    assert message["Reply-To"].addresses[0].display_name == "Lind, Bo"
    assert b"c@maskin" not in found.data
    assert refusal(to=[ANNA, BO], cc="c@maskin.example").where == "to"


def test_files_images_and_both_parts_arrive() -> None:
    found = one(html='<p>Dear <b>Anna</b> <img src="cid:logo@nordlicht.example"></p>', attachments=[PNG, PDF])
    message = parsed(found)
    files = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert files["logo.png"].get_payload(decode=True) == b"\x89PNG" * 40
    assert files["offer.pdf"].get_content_type() == "application/pdf"
    assert (
        found.data
        == one(html='<p>Dear <b>Anna</b> <img src="cid:logo@nordlicht.example"></p>', attachments=[PNG, PDF]).data
    )


def test_another_content_has_another_boundary() -> None:
    assert parsed(one(html="<p>a</p>")).get_boundary() != parsed(one(html="<p>b</p>")).get_boundary()
    one_file, other = ({**PDF, "content": base64.b64encode(text).decode()} for text in (b"%PDF1", b"%PDF2"))
    assert parsed(one(attachments=[one_file])).get_boundary() != parsed(one(attachments=[other])).get_boundary()


def test_html_alone_gets_a_text_in_which_braces_stay() -> None:
    html = "<style>@media{#a{color:red}}</style><p>Dear {{ Anna }} {% x %} {# <b>y</b> #}</p><p>&#123;{ z</p>"
    body = parsed(one(text=..., html=html)).get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == "Dear {{ Anna }} {% x %} {# y #}\n\n{{ z"


def test_without_variables_nothing_is_filled_in() -> None:
    assert b"{{ name }} {% if" in one(text="{{ name }} {% if").data


def test_values_are_filled_in_and_escaped_in_html_only() -> None:
    found = one(
        subject="Invoice {{ number }}",
        text="{{ who.name }}: {{ total }} {% for i in items %}{{ i.name }};{% endfor %}{{ nick|default('-') }}\n",
        html="<p>{{ who.name }}</p>",
        variables={
            "number": 7,
            "who": {"name": "A & B"},
            "total": 1.5,
            "items": [{"name": "x"}, {"name": "y"}],
            "nick": None,
        },
    )
    message = parsed(found)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert message["Subject"] == "Invoice 7"
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == "A & B: 1.5 x;y;-\n"
    assert html is not None
    assert "A &amp; B" in html.get_content()


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a\n{{ nmae }}", "text, line 2", "nmae is not among the variables"),
        ("{{ who.nmae }}", "text, line 1", "who.nmae is not among the variables"),
        ("{{ nick }}", "text, line 1", "nick is null"),
        ("{{ name", "text, line 1", ""),
        ("{% for i in range(10**9) %}{% endfor %}", "text, line 1", ""),
        ("{{ name.__class__ }}", "text, line 1", ""),
        ("{{ who.items() }}", "text, line 1", ""),
        ("{% include 'x' %}", "text, line 1", ""),
        ("{{ list }}", "text, line 1", "prints a list"),
        ("{{ '%999999999d' % 1 }}", "text, line 1", ""),
    ],
)
def test_a_template_that_cannot_be_rendered_is_told(text: str, where: str, what: str) -> None:
    fault = refusal(text=text, variables={"name": "Anna", "nick": None, "who": {"name": "x"}, "list": [1]})
    assert (fault.status, fault.where) == (422, where)
    assert fault.what.startswith(what)
    assert "Anna" not in fault.what


@pytest.mark.parametrize("name", ["a b", "1a", "t", "none", "", "ü", "a.b", "\0meter"])
def test_a_variable_has_a_name_that_a_template_can_say(name: str) -> None:
    fault = refusal(variables={name: 1})
    assert (fault.status, fault.where.startswith("variables.")) == (422, True)


def test_many_long_templates_are_not_compiled() -> None:
    assert "more than 262144" in refusal(text="{{ a }}" * 40_000, variables={"a": 1}).what


def test_further_header_fields_go_along() -> None:
    message = parsed(
        one(headers={"X-Order": "Köln 7", "In-Reply-To": "<a@b.example>", "Message-ID": "<own@b.example>"})
    )
    assert (message["X-Order"], message["In-Reply-To"]) == ("Köln 7", "<a@b.example>")
    assert message["Message-ID"] == "<own@b.example>"


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, "x") for name in (
        "From", "to", "CC", "Bcc", "Reply-To", "Sender", "Subject", "Return-Path", "Received", "DKIM-Signature", "Date",
        "MIME-Version", "Content-Type", "content-id", "X-Penstock-Stream", "x-penstock-anything", "List-Unsubscribe",
        "List-Unsubscribe-Post", "Resent-To", "ARC-Seal", "Authentication-Results", "Disposition-Notification-To",
        "a b", "", "X:", "Message-ID",
    )] + [("X-A", "a\r\nBcc: c@maskin.example"), ("X-A", "a\nb"), ("X-A", "\0"), ("In-Reply-To", "ü")],
)  # fmt: skip
def test_header_fields_that_are_not_the_clients_to_say_are_refused(name: str, value: str) -> None:
    fault = refusal(headers={name: value})
    assert (fault.status, fault.where.startswith("headers.")) == (422, True)
    assert "maskin" not in str(fault)


def test_a_header_field_stands_there_once() -> None:
    assert refusal(headers={"X-A": "1", "x-a": "2"}).what == "stands there twice"


def test_without_content_it_is_the_campaigns_own_letter() -> None:
    contact = {"given_name": "Anna", "address": ANNA}
    (found,) = handed_in({"campaign": "purchasing-2026", "contact": contact})
    assert (found.data, found.sender, found.contact, found.campaign) == (b"", "", contact, "purchasing-2026")
    assert [each.address for each in found.recipients] == [ANNA]
    (named,) = handed_in({"to": BO}, Client("crm", frozenset(), campaign="c"))
    assert (named.data, named.recipients[0].address) == (b"", BO)
    with pytest.raises(RequestError, match="subject: is missing"):
        handed_in({"to": BO})


def test_who_hands_in_says_what_it_is_and_who_is_told() -> None:
    found = one(stream="customer", campaign="c", controller="Nordlicht Software AB", tag="t", dsn=["failure", "delay"])
    assert (found.stream, found.campaign, found.controller, found.tag) == (
        "customer",
        "c",
        "Nordlicht Software AB",
        "t",
    )
    assert found.recipients[0].notify == {"FAILURE", "DELAY"}
    assert one(envelope_from="").sender == ""
    assert one(envelope_from="bounce@nordlicht.example").sender == "bounce@nordlicht.example"
    assert refusal(dsn=["never", "failure"]).where == "dsn"


@pytest.mark.parametrize(
    ("fields", "where", "mend"),
    [
        ({"sujbect": "x"}, "sujbect", "did you mean 'subject'?"),
        ({"From": "x"}, "From", "did you mean 'from'?"),
        ({"from_": "x"}, "from_", "did you mean 'from'?"),
        ({"attachments": [{**PDF, "nmae": "x"}]}, "attachments[0].nmae", "did you mean 'name'?"),
        ({"attachments": [{"name": "a.txt"}]}, "attachments[0].content", ""),
        ({"attachments": [PDF, {**PDF, "content": "%"}]}, "attachments[1].content", ""),
        ({"attachments": [{**PDF, "content": "YQ"}]}, "attachments[0].content", ""),
        ({"attachments": [{**PDF, "name": "a/b.pdf"}]}, "attachments[0].name", ""),
        ({"attachments": [{**PDF, "name": "a.exe"}]}, "attachments[0].type", ""),
        ({"attachments": [{**PDF, "type": "pdf"}]}, "attachments[0].type", ""),
        ({"attachments": [{**PNG, "cid": "logo"}]}, "attachments[0].cid", "write it name@domain (RFC 2392)"),
        ({"to": 7}, "to", ""), ({"to": []}, "to", ""), ({"to": [7]}, "to[0]", ""), ({"to": ""}, "to[0]", ""),
        ({"to": "anna"}, "to", ""), ({"to": [ANNA, "bo"]}, "to[1]", ""), ({"to": f"{ANNA}, {BO}"}, "to", ""),
        ({"to": f"A\r\nBcc: {BO} <{ANNA}>"}, "to", ""), ({"from": f"a\x00 <{ANNA}>"}, "from", ""),
        ({"subject": "a\r\nBcc: x"}, "subject", ""), ({"subject": ...}, "subject", ""), ({"text": ...}, "text", ""),
        ({"from": ...}, "from", ""), ({"to": ...}, "to", ""), ({"text": 7}, "text", ""),
        ({"contact": []}, "contact", ""),
        ({"headers": {"X-A": 1}}, "headers.X-A", ""), ({"stream": "spam"}, "stream", ""), ({"tag": "a\nb"}, "tag", ""),
        ({"to": [ANNA, BO], "contact": {}}, "to", "hand in one mail for each"), ({"dsn": ["sometimes"]}, "dsn[0]", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_path_of_the_field(fields: dict[str, Any], where: str, mend: str) -> None:
    fault = refusal(**fields)
    assert (fault.status, fault.where) == (422, where)
    assert fault.mend.startswith(mend)
    assert ANNA not in str(fault)


@pytest.mark.parametrize("value", [None, 7, "x", [], [[]], True])
def test_what_is_no_object_is_no_mail(value: Any) -> None:
    with pytest.raises(RequestError, match="is no object"):
        read_mail(value)


@given(
    st.fixed_dictionaries(
        {"from": st.just("eva.berg@nordlicht.example"), "to": st.just(ANNA), "subject": st.text(max_size=200),
         "text": st.text(max_size=400)},
        optional={"html": st.text(max_size=200), "reply_to": st.text(max_size=60), "tag": st.text(max_size=20),
                  "headers": st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=3),
                  "variables": st.dictionaries(st.text("ab{}", max_size=3), st.integers() | st.text(max_size=5))},
    )
)  # fmt: skip
def test_whatever_is_handed_in_is_a_message_or_one_refusal(fields: dict[str, Any]) -> None:
    try:
        (found,) = handed_in(fields)
    except RequestError as refused:
        found, status = None, refused.status
    if found is None:
        assert status == 422
        return
    assert found.data.count(b"\n") == found.data.count(b"\r\n") == found.data.count(b"\r")
    assert parsed(found)["To"] == ANNA
    assert len(parsed(found).get_all("Subject") or ()) == 1
