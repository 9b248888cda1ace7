"""The SMTP adapter against a server that misbehaves in every way we could think of."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.smtp import SmtpAdapter
from penstock.adapters.smtp_lanes import Limits
from penstock.adapters.smtp_login import AccessTokens, Auth, Credentials, TokenRequest
from penstock.adapters.smtp_transaction import Timeouts
from penstock.adapters.smtp_url import SmtpAddress, Tls, Utf8
from penstock.errors import AdapterUnavailable
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Envelope, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.testing.clocks import FakeClock

from .scripted_sink import Act, Received, ScriptedSink, running

DATA = b"From: eva.berg@nordlicht.example\r\nTo: anna@muster-werk.example\r\n\r\n.dot\r\nhello\r\n..\r\n.\r\nbye\r\n"
QUICK = Timeouts(opening=2.0, mail=0.3, rcpt=0.3, data=0.3, block=0.3, dot=0.3)
ACCEPTED = Accepted("4F2C5A91")


def mail(number: int = 1, data: bytes = DATA, recipient: str = "") -> Mail:
    return Mail(
        id=f"{number:032x}",
        envelope=Envelope("bounce+1@nordlicht.example", recipient or f"anna{number}@muster-werk.example"),
        stream=Stream.PROSPECTING,
        controller="nordlicht",
        campaign=None,
        contact=None,
        kind=RecipientKind.NAMED,
        identity=Identity(b"p", (), (), None, None),
        content=Message(data),
    )


def mails(number: int) -> list[Mail]:
    return [mail(n) for n in range(number)]


class Secret:
    def __init__(self, text: str) -> None:
        self.text = text

    def reveal(self) -> str:
        return self.text


def adapter_for(sink: ScriptedSink, **fields: Any) -> SmtpAdapter:
    address = SmtpAddress(
        "127.0.0.1",
        sink.port,
        fields.pop("tls", Tls.NONE),
        connections=fields.pop("connections", 1),
        smtputf8=fields.pop("smtputf8", Utf8.AUTO),
        helo="client.example",
    )
    return SmtpAdapter("main", address, fields.pop("clock", FakeClock()), **{"timeouts": QUICK, **fields})


@asynccontextmanager
async def talking_to(sink: ScriptedSink, **fields: Any) -> AsyncIterator[SmtpAdapter]:
    async with running(sink):
        adapter = adapter_for(sink, **fields)
        try:
            yield adapter
        finally:
            await adapter.aclose()


def kinds(outcomes: Sequence[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


async def test_a_mail_arrives_octet_by_octet_with_all_that_the_server_offers() -> None:
    sink = ScriptedSink()
    async with talking_to(sink) as adapter:
        assert await adapter.deliver([mail(7)]) == [ACCEPTED]
    assert sink.received == [
        Received(
            f"MAIL FROM:<bounce+1@nordlicht.example> SIZE={len(DATA)} RET=HDRS ENVID={7:032x}",
            "RCPT TO:<anna7@muster-werk.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;anna7@muster-werk.example",
            DATA,
        )
    ]
    assert sink.commands[0] == "EHLO client.example"
    assert sink.commands[-1] == "QUIT"


async def test_fields_for_the_esp_behind_the_server_go_before_all_others() -> None:
    def marks(mail_id: str) -> Sequence[tuple[str, str]]:
        return (("X-SMTPAPI", f'{{"unique_args": {{"id": "{mail_id}"}}}}'), ("X-Track", "no"))

    sink = ScriptedSink()
    async with talking_to(sink, marks=marks) as adapter:
        (outcome,) = await adapter.deliver([mail(7)])
        assert adapter.capabilities.permission == "consent"
    assert isinstance(outcome, Accepted)
    assert outcome.via == "main"
    head = f'X-SMTPAPI: {{"unique_args": {{"id": "{7:032x}"}}}}\r\nX-Track: no\r\n'.encode()
    assert sink.received[0].data == head + DATA


async def test_a_bare_server_is_spoken_to_one_command_at_a_time() -> None:
    sink = ScriptedSink(extensions=())
    async with talking_to(sink) as adapter:
        assert await adapter.deliver([mail(1), mail(2)]) == [ACCEPTED, ACCEPTED]
    assert sink.received[0].mail == "MAIL FROM:<bounce+1@nordlicht.example>"
    assert sink.received[1].rcpt == "RCPT TO:<anna2@muster-werk.example>"
    assert not any(b"MAIL" in each and b"RCPT" in each for each in sink.writes)


async def test_an_envelope_goes_in_one_write_and_the_next_one_behind_the_message() -> None:
    sink = ScriptedSink()
    async with talking_to(sink) as adapter:
        await adapter.deliver(mails(3))
    assert any(each.startswith(b"MAIL") and each.endswith(b"DATA\r\n") for each in sink.writes)
    assert sum(b"\r\n.\r\nMAIL" in each and each.endswith(b"DATA\r\n") for each in sink.writes) == 2
    assert [received.data for received in sink.received] == [DATA] * 3
    assert sink.count("RSET") == 0


async def test_a_big_message_goes_in_pieces() -> None:
    data = b"Subject: x\r\n\r\n" + (b".line of a big message\r\n" * 20_000)
    sink = ScriptedSink(extensions=("PIPELINING",))
    async with talking_to(sink) as adapter:
        assert await adapter.deliver([mail(1, data), mail(2)]) == [ACCEPTED, ACCEPTED]
    assert [received.data for received in sink.received] == [data, DATA]


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_a_temporary_refusal_is_for_later_and_stops_no_other(verb: str, extensions: tuple[str, ...]) -> None:
    sink = ScriptedSink({verb: ["451 4.3.0 not now"]}, extensions=extensions)
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(3))
    assert kinds(outcomes) == [TryLater, Accepted, Accepted]
    assert isinstance(outcomes[0], TryLater)
    assert outcomes[0].attempt_used
    assert [received.rcpt[9:14] for received in sink.received if verb != "DOT"] == ["anna1", "anna2"] * (verb != "DOT")


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
@pytest.mark.parametrize("verb", ["RCPT", "DATA", "DOT"])
async def test_a_permanent_refusal_fails_that_mail_alone(verb: str, extensions: tuple[str, ...]) -> None:
    sink = ScriptedSink({verb: ["554 5.7.1 not wanted"]}, extensions=extensions)
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(3))
    assert kinds(outcomes) == [Failed, Accepted, Accepted]
    assert isinstance(outcomes[0], Failed)
    assert (outcomes[0].status, outcomes[0].code) == ("5.7.1", None)


async def test_greylisting_is_waited_out_as_long_as_the_server_asks() -> None:
    sink = ScriptedSink({"RCPT": ["450 4.7.1 <anna1@muster-werk.example>: greylisted, try again in 5 minutes"]})
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver([mail(1)])
    assert outcomes == [
        TryLater("450 4.7.1 to RCPT: greylisted (RFC 6647)", timedelta(minutes=5), code=Code.RATE_BACKOFF)
    ]


async def test_an_unknown_user_is_a_hard_bounce_and_no_empty_mail_is_sent_to_a_server_that_goes_on() -> None:
    sink = ScriptedSink({"RCPT": ["550 5.1.1 <anna0@muster-werk.example>: User unknown"]})  # and answers 354 to DATA
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(2))
    assert outcomes == [Failed("550 5.1.1 to RCPT: there is no such mailbox", "5.1.1", Code.HARD_BOUNCED), ACCEPTED]
    assert [received.rcpt[9:14] for received in sink.received] == ["anna1"]
    assert sink.connections == 2


async def test_a_refused_recipient_is_reset_before_the_next_mail() -> None:
    script = {"RCPT": ["550 5.1.1 unknown"], "DATA": ["554 5.5.1 no valid recipients"]}
    sink = ScriptedSink(script)
    async with talking_to(sink) as adapter:
        assert kinds(await adapter.deliver(mails(2))) == [Failed, Accepted]
    assert (sink.connections, sink.count("RSET")) == (1, 1)


async def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    adapter = adapter_for(ScriptedSink(port=port))
    with pytest.raises(AdapterUnavailable, match="cannot be reached"):
        await adapter.deliver(mails(3))
    await adapter.aclose()


@pytest.mark.parametrize(
    "greeting", ["421 4.3.2 too busy", "554 5.7.1 your network is listed", Act.DROP, Act.STALL, Act.GARBAGE]
)
async def test_a_server_that_does_not_greet_us_is_unavailable_and_asked_once(greeting: str | Act) -> None:
    sink = ScriptedSink({"CONNECT": [greeting] * 99})
    timeouts = Timeouts(opening=0.3)
    async with talking_to(sink, connections=10, timeouts=timeouts) as adapter:
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails(20))
        assert sink.connections == 1
    assert sink.count("MAIL") == 0


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
@pytest.mark.parametrize("act", [Act.DROP, Act.STALL, Act.GARBAGE, "421 4.3.2 going down", "250 2.0.0 what?"])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_whatever_happens_before_the_final_dot_is_certainly_not_sent(
    verb: str, act: str | Act, extensions: tuple[str, ...]
) -> None:
    if act == "250 2.0.0 what?" and verb in {"MAIL", "RCPT"}:
        act = "354 what?"
    if verb == "BODY" and act is Act.STALL:
        act = Act.DEAF
    sink = ScriptedSink({verb: [act]}, extensions=extensions)
    body = b"Subject: x\r\n\r\n" + b"x" * 60 + b"\r\n"
    big = body if verb != "BODY" else body + b"line\r\n" * 2_000_000
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver([mail(0, big), mail(1)])
        given_up = verb in {"RCPT", "DATA"} and act is Act.STALL and extensions  # pipelining, and then it works
        assert outcomes[0] == ACCEPTED if given_up else isinstance(outcomes[0], TryLater)
        assert outcomes[1] == ACCEPTED
        assert await adapter.deliver([mail(2)]) == [ACCEPTED]
    wanted = ["anna1", "anna2"] if isinstance(outcomes[0], TryLater) else ["anna0", "anna1", "anna2"]
    assert [received.rcpt[9:14] for received in sink.received] == wanted


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
@pytest.mark.parametrize("act", [Act.DROP, Act.STALL, Act.GARBAGE, "354 and now?"])
async def test_what_happens_after_the_final_dot_leaves_a_doubt_and_nothing_is_sent_twice(
    act: str | Act, extensions: tuple[str, ...]
) -> None:
    sink = ScriptedSink({"DOT": [act]}, extensions=extensions)
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(3))
    assert kinds(outcomes) == [Uncertain, Accepted, Accepted]
    assert [received.rcpt[9:14] for received in sink.received] == ["anna0", "anna1", "anna2"]


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
async def test_a_refusal_in_the_middle_of_the_message_is_its_answer(extensions: tuple[str, ...]) -> None:
    sink = ScriptedSink({"BODY": ["552 5.3.4 that is enough"]}, extensions=extensions)
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver([mail(0, DATA + b"line\r\n" * 2_000_000), mail(1)])
    assert outcomes == [Failed("552 5.3.4 to message: the message is too large", "5.3.4"), ACCEPTED]
    assert len(sink.received) == 1


async def test_a_server_that_stops_reading_before_the_end_has_not_got_the_mail() -> None:
    sink = ScriptedSink({"BODY": [Act.DEAF]}, extensions=("PIPELINING",))
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver([mail(1, b"Subject: x\r\n\r\n" + b"line\r\n" * 3_000_000)])
    assert kinds(outcomes) == [TryLater]
    assert sink.received == []


async def test_a_connection_that_the_server_closed_while_idle_is_replaced_unseen() -> None:
    sink = ScriptedSink()
    async with talking_to(sink) as adapter:
        assert await adapter.deliver([mail(1)]) == [ACCEPTED]
        sink.drop_all()
        assert await adapter.deliver([mail(2)]) == [ACCEPTED]
        await asyncio.sleep(0.05)
        sink.drop_all()
        await asyncio.sleep(0.05)
        assert await adapter.deliver([mail(3)]) == [ACCEPTED]
    assert sink.connections == 3
    assert len(sink.received) == 3


async def test_a_worn_out_connection_is_replaced_unseen() -> None:
    sink = ScriptedSink({"MAIL": ["250 ok", "421 4.7.0 too many messages on this connection"]})
    async with talking_to(sink) as adapter:
        assert await adapter.deliver(mails(3)) == [ACCEPTED] * 3
    assert sink.connections == 2


async def test_pipelining_that_loses_commands_is_given_up_and_no_mail_is_lost_or_doubled() -> None:
    sink = ScriptedSink(loses_pipelined=True)
    async with talking_to(sink, connections=3) as adapter:
        assert await adapter.deliver(mails(6)) == [ACCEPTED] * 6
        assert await adapter.deliver(mails(6)) == [ACCEPTED] * 6
    assert len(sink.received) == 12


async def test_a_server_that_loses_what_stands_behind_a_message_costs_one_wait() -> None:
    sink = ScriptedSink(loses_what_follows=True)
    async with talking_to(sink) as adapter:
        assert await adapter.deliver(mails(6)) == [ACCEPTED] * 6
    assert len(sink.received) == 6
    assert sink.connections == 2


async def test_pipelining_that_is_answered_out_of_order_is_given_up() -> None:
    sink = ScriptedSink({"RCPT": ["503 5.5.1 MAIL first"]})
    async with talking_to(sink) as adapter:
        assert await adapter.deliver(mails(3)) == [ACCEPTED] * 3
    assert len(sink.received) == 3
    assert not any(b"\r\n.\r\nMAIL" in each for each in sink.writes)


async def test_a_reply_too_many_is_never_taken_for_the_next_one() -> None:
    sink = ScriptedSink({"DOT": ["250 2.0.0 ok\r\n250 2.0.0 once more"]}, extensions=())
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(2))
    assert kinds(outcomes) == [Accepted, Accepted]
    assert sink.connections == 2
    assert len(sink.received) == 2


async def test_no_loop_where_every_connection_breaks() -> None:
    sink = ScriptedSink({"DATA": [Act.DROP] * 1000})
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(50))
        assert kinds(outcomes) == [TryLater] * 50
        assert sum(isinstance(each, TryLater) and each.attempt_used for each in outcomes) == 3
        with pytest.raises(AdapterUnavailable, match="left alone"):
            await adapter.deliver(mails(5))
    assert sink.connections == 3


async def test_three_doubts_in_a_row_close_the_way_out_until_the_pause_is_over() -> None:
    clock = FakeClock()
    sink = ScriptedSink({"DOT": [Act.DROP] * 3})
    async with talking_to(sink, clock=clock) as adapter:
        outcomes = await adapter.deliver(mails(9))
        assert kinds(outcomes) == [Uncertain] * 3 + [TryLater] * 6
        assert all(isinstance(each, TryLater) and not each.attempt_used for each in outcomes[3:])
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails(1))
        clock.advance(timedelta(seconds=61))
        assert await adapter.deliver([mail(3)]) == [ACCEPTED]
    assert len(sink.received) == 4


async def test_no_session_is_lost_by_failures_and_no_more_are_open_than_allowed() -> None:
    fine: list[str | Act] = ["250 ok"] * 9
    acts: list[str | Act] = [
        *fine,
        Act.DROP,
        *fine,
        Act.GARBAGE,
        *fine,
        "421 4.3.2 bye",
        *fine,
        "451 no",
        *fine,
        Act.STALL,
        *fine,
    ]
    sink = ScriptedSink({"MAIL": acts, "DOT": [*fine, *fine, Act.DROP, *fine, *fine, Act.GARBAGE]}, delay=0.002)
    async with talking_to(sink, connections=4) as adapter:
        first = await asyncio.gather(*(adapter.deliver(mails(25)) for _ in range(4)))
        assert {len(outcomes) for outcomes in first} == {25}
        sink.most_open = 0
        again = await asyncio.gather(*(adapter.deliver(mails(50)) for _ in range(4)))
        assert [kinds(outcomes) for outcomes in again] == [[Accepted] * 50] * 4
        assert sink.most_open <= 4
        assert sink.open == 4


async def test_a_server_that_wants_fewer_connections_gets_fewer() -> None:
    sink = ScriptedSink({"CONNECT": ["220 a", "220 b", *["421 4.7.0 too many connections"] * 99]}, delay=0.001)
    async with talking_to(sink, connections=10) as adapter:
        for _ in range(3):
            assert await adapter.deliver(mails(50)) == [ACCEPTED] * 50
    assert sink.connections <= 10


async def test_outcomes_stand_in_the_order_of_the_mails() -> None:
    def about(number: int) -> str:
        return "550 5.1.1 no" if number % 3 == 0 else "250 ok"

    sink = ScriptedSink({"RCPT": [about(n) for n in range(30)], "DATA": []}, delay=0.001)
    async with talking_to(sink, connections=5) as adapter:
        outcomes = await adapter.deliver(mails(30))
    arrived = {received.rcpt.partition("<")[2].partition("@")[0] for received in sink.received}
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [f"anna{n}" in arrived for n in range(30)]
    assert len(arrived) == 20


async def test_an_idle_session_says_quit_when_its_time_is_over() -> None:
    sink = ScriptedSink()
    async with talking_to(sink, limits=Limits(sessions=1, idle=0.05)) as adapter:
        await adapter.deliver([mail(1)])
        await asyncio.sleep(0.2)
        assert (sink.commands[-1], sink.open) == ("QUIT", 0)
        assert await adapter.deliver([mail(2)]) == [ACCEPTED]


async def test_a_session_carries_only_so_many_mails() -> None:
    sink = ScriptedSink()
    async with talking_to(sink, limits=Limits(sessions=1, mails=4)) as adapter:
        assert await adapter.deliver(mails(10)) == [ACCEPTED] * 10
    assert sink.connections == 3


async def test_whoever_gives_up_waiting_takes_his_waiting_mails_with_him() -> None:
    sink = ScriptedSink({"DOT": [Act.STALL]})
    async with talking_to(sink, timeouts=Timeouts(dot=0.5)) as adapter:
        waiting = asyncio.create_task(adapter.deliver(mails(5)))
        await sink.arrived.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await adapter.deliver([mail(9)]) == [ACCEPTED]
    assert [received.rcpt[9:14] for received in sink.received] == ["anna0", "anna9"]


async def test_closing_answers_what_is_under_way_and_takes_nothing_more() -> None:
    sink = ScriptedSink({"DOT": [Act.STALL]})
    async with talking_to(sink, timeouts=Timeouts()) as adapter:
        waiting = asyncio.create_task(adapter.deliver(mails(5)))
        await sink.arrived.wait()
        await adapter.aclose()
        assert kinds(await waiting) == [Uncertain] + [TryLater] * 4
        await adapter.aclose()
        with pytest.raises(AdapterUnavailable, match="closed"):
            await adapter.deliver(mails(1))


async def test_what_the_server_cannot_take_is_not_offered_to_it() -> None:
    sink = ScriptedSink(extensions=("SIZE 300",))
    given = [
        mail(0, recipient="ännä@muster-werk.example"),
        mail(1, b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\nx\r\n"),
        mail(2, b"Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n"),
        mail(3, DATA * 5),
        mail(4, b"Subject: x\n\nbare\n"),
        mail(5, recipient="x@y.example>\r\nRCPT TO:<z@y.example"),
        mail(6),
    ]
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(given)
        assert not adapter.capabilities.smtputf8
    assert [(each.status, each.code) for each in outcomes if isinstance(each, Failed)] == [
        ("5.6.7", Code.SMTPUTF8_UNSUPPORTED),
        ("5.6.7", Code.SMTPUTF8_UNSUPPORTED),
        ("5.6.3", None),
        ("5.3.4", None),
        ("5.6.0", Code.HEADER_INVALID),
        ("5.1.3", Code.INVALID_ADDRESS),
    ]
    assert outcomes[6] == ACCEPTED
    assert sink.count("MAIL") == 1


async def test_a_server_that_offers_it_gets_non_ascii_mail() -> None:
    sink = ScriptedSink()
    async with talking_to(sink) as adapter:
        eight = mail(1, b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\nx\r\n", "ännä@muster-werk.example")
        assert await adapter.deliver([eight]) == [ACCEPTED]
        assert adapter.capabilities.smtputf8
    assert "BODY=8BITMIME SMTPUTF8" in sink.received[0].mail
    assert sink.received[0].rcpt.endswith(r"ORCPT=utf-8;\x{E4}nn\x{E4}@muster-werk.example")


async def test_nothing_personal_that_a_server_says_gets_into_an_outcome() -> None:
    echo = "anna1@muster-werk.example Anna Keller"
    sink = ScriptedSink(
        {"RCPT": [f"550 5.7.1 {echo}"], "DOT": [f"250 2.0.0 {echo}", f"451 4.3.0 {echo}"]}, extensions=()
    )
    async with talking_to(sink) as adapter:
        said = repr(await adapter.deliver(mails(3)))
    assert "anna1" not in said
    assert "Keller" not in said


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sink.example"
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


def client_side(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate / "cert.pem"))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
async def test_mails_go_over_tls(certificate: Path, tls: Tls) -> None:
    sink = ScriptedSink(tls=server_side(certificate), implicit=tls is Tls.IMPLICIT, needs_login=True)
    who = Credentials("eva", Secret("geheim"))
    big = b"Subject: x\r\n\r\n" + b".line\r\n" * 100_000
    async with talking_to(sink, tls=tls, tls_context=client_side(certificate), credentials=who) as adapter:
        assert await adapter.deliver([*mails(3), mail(3, big)]) == [ACCEPTED] * 4
    assert [received.data for received in sink.received] == [DATA] * 3 + [big]
    assert sink.commands.count("STARTTLS") == (tls is Tls.STARTTLS)
    assert sink.commands.index("secret \0eva\0geheim") > (1 if tls is Tls.STARTTLS else 0)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
@pytest.mark.parametrize("verb", ["DATA", "DOT"])
async def test_a_break_over_tls_is_told_apart_like_any_other(certificate: Path, tls: Tls, verb: str) -> None:
    sink = ScriptedSink({verb: [Act.DROP]}, tls=server_side(certificate), implicit=tls is Tls.IMPLICIT)
    async with talking_to(sink, tls=tls, tls_context=client_side(certificate)) as adapter:
        assert kinds(await adapter.deliver(mails(2))) == [Uncertain if verb == "DOT" else TryLater, Accepted]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
async def test_a_certificate_that_nobody_vouches_for_gets_no_password_and_no_mail(certificate: Path, tls: Tls) -> None:
    sink = ScriptedSink(tls=server_side(certificate), implicit=tls is Tls.IMPLICIT, needs_login=True)
    async with talking_to(sink, tls=tls, credentials=Credentials("eva", Secret("geheim"))) as adapter:
        with pytest.raises(AdapterUnavailable, match="certificate is not trusted"):
            await adapter.deliver(mails(2))
    assert not [line for line in sink.commands if "secret" in line or "MAIL" in line]


async def test_without_starttls_nothing_is_sent_where_it_is_wanted() -> None:
    sink = ScriptedSink(needs_login=True)
    async with talking_to(sink, tls=Tls.STARTTLS, credentials=Credentials("eva", Secret("geheim"))) as adapter:
        with pytest.raises(AdapterUnavailable, match="does not offer STARTTLS"):
            await adapter.deliver(mails(2))
    assert [line.split()[0] for line in sink.commands] == ["EHLO"]


@pytest.mark.parametrize("auth", [None, Auth.PLAIN, Auth.LOGIN, Auth.CRAM_MD5])
async def test_each_way_to_log_in_works(auth: Auth | None) -> None:
    sink = ScriptedSink(needs_login=True)
    async with talking_to(sink, credentials=Credentials("eva", Secret("geheim"), auth)) as adapter:
        assert await adapter.deliver([mail(1)]) == [ACCEPTED]
    secret = next(line for line in sink.commands if line.startswith("secret"))
    assert secret.startswith({None: "secret \0eva\0geheim", Auth.CRAM_MD5: "secret eva "}.get(auth, "secret ")), secret


async def test_an_access_token_that_was_revoked_is_traded_for_another() -> None:
    asked = []

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        body = b'{"access_token": "token-%d", "expires_in": 3600}' % len(asked)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(endpoint, "127.0.0.1", 0)
    request = TokenRequest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "client")
    tokens = AccessTokens(request, Secret("refresh"), None, FakeClock())
    sink = ScriptedSink({"AUTH": ["235 ok", "535 5.7.3 expired", "235 ok"]}, needs_login=True)
    who = Credentials("eva", Secret("refresh"), Auth.XOAUTH2, tokens)
    async with talking_to(sink, credentials=who) as adapter:
        assert await adapter.deliver([mail(1)]) == [ACCEPTED]
        sink.drop_all()
        assert await adapter.deliver([mail(2)]) == [ACCEPTED]
    server.close()
    await server.wait_closed()
    said = [line.removeprefix("secret ") for line in sink.commands if line.startswith("secret")]
    assert said == [f"user=eva\x01auth=Bearer token-{n}\x01\x01" for n in (1, 1, 2)]


async def test_a_refused_login_burns_no_mail_and_is_not_tried_again_soon() -> None:
    clock = FakeClock()
    sink = ScriptedSink({"AUTH": ["535 5.7.8 no"] * 9}, needs_login=True)
    async with talking_to(sink, connections=5, credentials=Credentials("eva", Secret("x")), clock=clock) as adapter:
        for _ in range(3):
            with pytest.raises(AdapterUnavailable, match="login was refused"):
                await adapter.deliver(mails(9))
        assert (sink.connections, sink.count("AUTH"), sink.count("MAIL")) == (1, 1, 0)
        clock.advance(timedelta(minutes=16))
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails(9))
        assert sink.connections == 2


async def test_a_login_that_gets_lost_in_the_middle_is_renewed() -> None:
    sink = ScriptedSink({"MAIL": ["250 ok", "250 ok", "530 5.7.0 Authentication required"]}, needs_login=True)
    async with talking_to(sink, credentials=Credentials("eva", Secret("x"))) as adapter:
        assert await adapter.deliver(mails(5)) == [ACCEPTED] * 5
    assert sink.count("AUTH") == 2
    assert len(sink.received) == 5


async def test_a_login_that_cannot_be_renewed_burns_no_mail() -> None:
    script = {"MAIL": ["250 ok", *["530 5.7.0 Authentication required"] * 9], "AUTH": ["235 ok", "535 5.7.8 no"]}
    sink = ScriptedSink(script, needs_login=True)
    async with talking_to(sink, credentials=Credentials("eva", Secret("x"))) as adapter:
        outcomes = await adapter.deliver(mails(5))
        assert kinds(outcomes) == [Accepted] + [TryLater] * 4
        assert not any(isinstance(each, TryLater) and each.attempt_used for each in outcomes)
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails(5))
    assert sink.count("AUTH") == 2


@pytest.mark.parametrize(
    "reply", ["550 5.7.26 unauthenticated", "553 5.7.1 sender address rejected", "550 5.1.8 bad outbound sender"]
)
async def test_a_refusal_of_our_sender_stops_the_adapter_and_burns_no_mail(reply: str) -> None:
    sink = ScriptedSink({"DOT": [reply] * 9})
    async with talking_to(sink) as adapter:
        outcomes = await adapter.deliver(mails(4))
        assert not any(isinstance(each, TryLater) and each.attempt_used for each in outcomes)
        assert kinds(outcomes) == [TryLater] * 4
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails(4))
    assert sink.count("DATA") <= 2  # the second was announced behind the first
    assert len(sink.received) == 1


@pytest.mark.needs("smtp-sink")
async def test_postfix_own_sink_takes_them_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rights = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec("smtp-sink", *rights, f"127.0.0.1:{port}", "100")
    adapter = adapter_for(ScriptedSink(port=port), connections=5, timeouts=Timeouts())
    try:
        for _ in range(100):
            try:
                assert kinds(await adapter.deliver(mails(50))) == [Accepted] * 50
                break
            except AdapterUnavailable:
                await asyncio.sleep(0.05)
        done = await asyncio.gather(*(adapter.deliver(mails(50)) for _ in range(4)))
        assert [kinds(each) for each in done] == [[Accepted] * 50] * 4
    finally:
        await adapter.aclose()
        process.terminate()
        await process.wait()
