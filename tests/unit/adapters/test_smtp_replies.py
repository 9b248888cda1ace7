from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.smtp_replies import Bounce, Kind, Scope, Stage, asked_delay, classify, receipt
from penstock.model.codes import Code

HARD, SOFT, SENDER, CONTENT, POLICY = Bounce.HARD, Bounce.SOFT, Bounce.SENDER, Bounce.CONTENT, Bounce.POLICY
DEAD, AUTH, RATE = Code.HARD_BOUNCED, Code.AUTH_MISSING, Code.RATE_BACKOFF

# The bounce table row by row: reply code, status, text, then class and code.
ROWS = [
    (550, "5.1.1", "unknown", HARD, DEAD),
    (550, None, "User unknown in virtual mailbox table", HARD, DEAD),
    (550, None, "No such user here", HARD, DEAD),
    (550, "5.0.0", "mailbox not found", HARD, DEAD),
    (550, "5.1.2", "no such domain", HARD, DEAD),
    (550, "5.1.3", "bad address", HARD, DEAD),
    (553, None, "malformed address", HARD, DEAD),
    (551, None, "user not local; please try <other@firm.example>", HARD, DEAD),
    (550, "5.1.6", "moved", HARD, DEAD),
    (556, None, "domain does not accept mail", HARD, DEAD),
    (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", HARD, DEAD),
    (550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281)", HARD, DEAD),
    (550, "5.1.7", "invalid sender", SENDER, None),
    (550, "5.1.8", "Access denied, bad outbound sender", SENDER, None),
    (525, None, "user account disabled", SENDER, None),
    (550, "5.7.13", "disabled", SENDER, None),
    (553, "5.7.1", "<bounce@nordlicht.example>: Sender address rejected: not owned by user", SENDER, None),
    (550, "5.2.1", "mailbox disabled", HARD, None),
    (550, "5.7.17", "mailbox owner has changed", HARD, DEAD),
    (550, "5.7.18", "domain owner has changed", HARD, DEAD),
    (554, "5.2.2", "mailbox full", SOFT, None),
    (452, "4.2.2", "mailbox full", SOFT, None),
    (552, None, "over storage allocation", SOFT, None),
    (552, "5.2.3", "message too big", CONTENT, None),
    (552, "5.3.4", "message too big for system", CONTENT, None),
    (552, None, "message size exceeds fixed limit", CONTENT, None),
    (550, "5.2.4", "mailing list expansion", SOFT, None),
    (421, None, "closing", SOFT, None),
    (450, None, "busy", SOFT, None),
    (451, "4.3.0", "error", SOFT, None),
    (452, None, "too many", SOFT, None),
    (451, "4.7.1", "please wait", SOFT, RATE),
    (450, None, "Greylisted", SOFT, RATE),
    (550, "5.4.1", "no answer from host", SOFT, None),
    (550, "5.4.4", "unable to route", SOFT, None),
    (554, "5.4.6", "hop count exceeded", SOFT, None),
    (451, "4.4.7", "queue too long", SOFT, None),
    (550, "5.4.7", "delivery time expired", SOFT, None),
    (501, "5.5.4", "bad argument", SENDER, None),
    (500, None, "what?", SENDER, None),
    (554, "5.6.0", "message has a bare LF", SENDER, None),
    (554, "5.6.3", "conversion needed", SENDER, None),
    (553, "5.6.7", "non-ASCII addresses not permitted", SENDER, Code.SMTPUTF8_UNSUPPORTED),
    (550, "5.7.1", "blocked by our content filter", POLICY, None),
    (554, None, "Service unavailable; client host blocked using zen.spamhaus.org", POLICY, None),
    (571, None, "refused", POLICY, None),
    (550, "5.7.1", "The recipient refuses mail from you", Bounce.OBJECTION, None),
    (550, "5.7.20", "no passing DKIM signature", SENDER, AUTH),
    (550, "5.7.23", "SPF validation failed", SENDER, AUTH),
    (550, "5.7.26", "multiple authentication checks failed", SENDER, AUTH),
    (550, "5.7.27", "sender has null MX", SENDER, AUTH),
    (550, "5.7.29", "ARC failure", SENDER, AUTH),
    (550, "5.7.28", "mail flood detected", POLICY, RATE),
    (550, "5.7.515", "Access denied, sending domain does not meet the required level", SENDER, AUTH),
    (550, "5.0.0", "no", Bounce.UNKNOWN, None),
    (550, None, "denied", Bounce.UNKNOWN, None),
]


@pytest.mark.parametrize(("basic", "status", "text", "bounce", "code"), ROWS)
def test_each_row_of_the_bounce_table(
    basic: int, status: str | None, text: str, bounce: Bounce, code: Code | None
) -> None:
    reply = classify(Stage.DOT, basic, status, text)
    assert (reply.bounce, reply.code) == (bounce, code)
    assert reply.status[0] == str(basic)[0]


@pytest.mark.parametrize(
    ("basic", "status", "text"), [row[:3] for row in ROWS if row[3] is SENDER and row[4] is not None]
)
def test_a_refusal_of_our_sender_is_never_the_address_s_fault(basic: int, status: str | None, text: str) -> None:
    assert classify(Stage.RCPT, basic, status, text).code is not DEAD


@pytest.mark.parametrize(
    ("basic", "status", "text", "scope"),
    [
        (530, "5.7.0", "Must issue a STARTTLS command first", Scope.ACCOUNT),
        (530, "5.7.57", "Client not authenticated to send mail", Scope.ACCOUNT),
        (534, "5.7.9", "Application-specific password required", Scope.ACCOUNT),
        (535, "5.7.8", "Username and Password not accepted", Scope.ACCOUNT),
        (550, "5.7.64", "TenantAttribution; Relay Access Denied", Scope.ACCOUNT),
        (554, "5.7.1", "<anna@muster-werk.example>: Relay access denied", Scope.ACCOUNT),
        (550, "5.7.60", "Client does not have permissions to send as this sender", Scope.SENDER),
        (554, "5.2.252", "SendAsDenied; not allowed to send as", Scope.SENDER),
        (550, "5.7.501", "Access denied, spam abuse detected", Scope.SENDER),
        (550, "5.7.606", "Access denied, banned sending IP", Scope.SENDER),
        (550, "5.7.705", "Access denied, tenant has exceeded threshold", Scope.SENDER),
        (550, "5.7.708", "Access denied, traffic not accepted from this IP", Scope.SENDER),
    ],
)
def test_what_refuses_us_stops_the_adapter(basic: int, status: str, text: str, scope: Scope) -> None:
    reply = classify(Stage.RCPT, basic, status, text)
    assert reply.scope is scope
    assert reply.stops_adapter
    assert reply.code in {None, AUTH}


@pytest.mark.parametrize(
    ("basic", "status", "text"),
    [
        (550, "5.4.5", "Daily user sending limit exceeded"),
        (550, "5.4.5", "Daily SMTP relay limit exceeded for customer"),
        (554, "5.1.90", "Your message can't be sent because you've reached your daily limit for message recipients"),
        (550, "5.7.233", "trial tenant limit"),
        (432, "4.3.2", "STOREDRV.ClientSubmit; sender thread limit exceeded"),
        (451, "4.7.500", "Server busy. Please try again later"),
        (421, "4.7.28", "unusual rate of mail"),
    ],
)
def test_limits_are_waited_for(basic: int, status: str, text: str) -> None:
    reply = classify(Stage.DOT, basic, status, text)
    assert reply.kind is Kind.LATER
    assert reply.code is RATE or basic == 421


def test_552_after_rcpt_is_read_as_452() -> None:
    assert classify(Stage.RCPT, 552, None, "too many recipients").kind is Kind.LATER
    assert classify(Stage.RCPT, 552, "5.2.2", "over quota").kind is Kind.LATER
    assert classify(Stage.DOT, 552, "5.2.2", "over quota").kind is Kind.FAILED


def test_whatever_mail_from_is_refused_for_is_about_us() -> None:
    assert classify(Stage.MAIL, 550, "5.1.1", "unknown").scope is Scope.SENDER
    assert classify(Stage.MAIL, 554, "5.7.1", "client host blocked").stops_adapter
    assert classify(Stage.MAIL, 552, "5.3.4", "too big").scope is Scope.CONTENT
    assert classify(Stage.MAIL, 555, None, "unknown parameter").scope is Scope.CONTENT


@given(st.sampled_from(Stage), st.integers(200, 299) | st.integers(400, 599), st.none() | st.just("5.1.1"), st.text())
def test_every_reply_has_a_meaning_that_its_first_digit_bears(
    stage: Stage, code: int, status: str | None, text: str
) -> None:
    reply = classify(stage, code, status, text)
    assert reply.meaning
    match code // 100:
        case 2:
            assert reply.kind is Kind.ACCEPTED
        case 4:
            assert reply.kind is Kind.LATER
            assert not reply.stops_adapter
            assert reply.code is not DEAD
        case _:
            assert reply.kind is not Kind.ACCEPTED


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("greylisted, try again in 300 seconds", timedelta(minutes=5)),
        ("try again in 5 minutes", timedelta(minutes=5)),
        ("come back in 2h", timedelta(hours=2)),
        ("wait 1 s", timedelta(minutes=1)),
        ("wait 99999 hours", timedelta(days=1)),
        ("not now", None),
        ("AS750 5 mails", None),
    ],
)
def test_the_delay_that_a_server_asks_for(text: str, wanted: timedelta | None) -> None:
    assert asked_delay(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2.0.0 Ok: queued as 4F2C5A91", "4F2C5A91"),
        ("OK id=1tXyZ1-000001-AB", "1tXyZ1-000001-AB"),
        ("2.6.0 <x@nordlicht.example> [InternalId=123456, Hostname=a.example] Queued mail for delivery", "123456"),
        ("2.0.0 OK anna@muster-werk.example", "250 2.0.0"),
        ("fine, Anna", "250"),
    ],
)
def test_the_receipt_is_an_id_and_no_address(text: str, wanted: str) -> None:
    assert receipt(250, text) == wanted
