"""The SMTP door over real sockets: dialogue, order, limits, time, TLS, logins, balancers, and all who misbehave."""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
import ssl
import struct
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import uvloop

from penstock.errors import StoreUnavailable
from penstock.intake.smtp_door import Deadlines, SmtpDoor
from penstock.intake.smtp_listener import SmtpListener
from penstock.model.campaign import Stream
from penstock.ports import Client, Receipt, Recipient, Refusal, RefusalKind, Submission, Taken

STREAMS = frozenset({Stream.TRANSACTIONAL})
NEIGHBOUR = Client("", STREAMS)
CRM = Client("crm", STREAMS)
DOOR = SmtpDoor(name="mx.nordlicht.example")
MESSAGE = b"From: eva@nordlicht.example\r\nTo: anna@kunde.example\r\nSubject: x\r\n\r\nhello\r\n.dot\r\n"
ON_WIRE = MESSAGE.replace(b"\r\n.", b"\r\n..")
END = b".\r\n"
MAIL = b"MAIL FROM:<eva@nordlicht.example>\r\n"
RCPT = b"RCPT TO:<anna@kunde.example>\r\n"
ENVELOPE = b"EHLO client.example\r\n" + MAIL + RCPT + b"DATA\r\n"

CODE = re.compile(r"\d{3}(?: \d\.\d\.\d+)?|$")

Answer = Callable[[Submission], Awaitable[Receipt | Refusal]]


async def fine(submission: Submission) -> Receipt | Refusal:
    return Receipt(tuple(Taken(f"id-{each.address}", each.address) for each in submission.recipients), Stream.CUSTOMER)


class Desk:
    """An acceptance that remembers; `answer` says what becomes of a submission."""

    def __init__(self, answer: Answer = fine, admits: Mapping[str, Refusal | Exception] | None = None) -> None:
        self.taken: list[Submission] = []
        self.begun = asyncio.Event()
        self._answer = answer
        self._admits = admits or {}

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        self.begun.set()
        answers = [await self._answer(each) for each in submissions]
        self.taken += submissions
        return answers

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        raise AssertionError("this door asks for no decision lines")

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        said = self._admits.get(recipient)
        if isinstance(said, Exception):
            raise said
        return said

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        raise AssertionError("this door looks nothing up")


class Keeper:
    """Knows `neighbours` by address, and one client with a password; `slow` waits before it answers."""

    def __init__(self, *neighbours: str, slow: asyncio.Event | None = None, fault: Exception | None = None) -> None:
        self.callers: list[str] = []
        self._neighbours = neighbours
        self._slow = slow
        self._fault = fault

    async def login(self, name: str, secret: str, caller: str, /) -> Client | None:
        self.callers.append(caller)
        if self._slow is not None:
            await self._slow.wait()
        if self._fault is not None:
            raise self._fault
        return CRM if (name, secret) in {("crm", "pässword"), ("erp", "password")} else None

    async def bearer(self, key: str, caller: str, /) -> Client | None:
        raise AssertionError("this door takes no API keys")

    def neighbour(self, caller: str, /) -> Client | None:
        return NEIGHBOUR if caller in self._neighbours else None


class Wire:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next reply, its lines joined; empty at the end."""
        lines = []
        while line := (await asyncio.wait_for(self.reader.readline(), 5)).decode():
            lines.append(line.rstrip("\r\n"))
            if line[3:4] == " ":
                break
        return "\n".join(lines)

    async def say(self, octets: bytes, replies: int = 1) -> list[str]:
        self.writer.write(octets)
        return [await self.reply() for _ in range(replies)]

    async def codes(self, octets: bytes, replies: int = 1) -> list[str]:
        return [CODE.match(reply)[0] for reply in await self.say(octets, replies)]  # type: ignore[index]

    async def rest(self) -> bytes:
        with suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 5)
        return b""


class House:
    def __init__(self, listener: SmtpListener, desk: Desk, keeper: Keeper, port: int) -> None:
        self.listener, self.desk, self.keeper, self.port = listener, desk, keeper, port
        self.counters = listener.counters
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, *, greeted: bool = True, tls: ssl.SSLContext | None = None) -> Wire:
        host = "sink.example" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=host)
        self._writers.append(writer)
        wire = Wire(reader, writer)
        if greeted:
            assert await wire.reply() == "220 mx.nordlicht.example ESMTP"
        return wire

    async def empty(self) -> None:
        """Until no session is left."""
        for _ in range(300):
            if not self.counters.open_sessions:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("sessions that do not end")

    async def aclose(self) -> None:
        for writer in self._writers:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


@asynccontextmanager
async def house(
    desk: Desk | None = None, keeper: Keeper | None = None, grace: float = 2.0, **door: Any
) -> AsyncIterator[House]:
    desk, keeper = desk or Desk(), keeper or Keeper("127.0.0.1")
    numbers = count()
    listener = SmtpListener(desk, keeper, replace(DOOR, **door), lambda: f"s{next(numbers)}")
    _, port = await listener.open("127.0.0.1", 0)
    here = House(listener, desk, keeper, port)
    try:
        yield here
    finally:
        await here.aclose()
        await listener.aclose(grace)
        assert here.counters.open_sessions == 0
        assert here.counters.held_octets == 0


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sink.example"
    names = ["-addext", "subjectAltName=DNS:sink.example,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@pytest.fixture
def client_side(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate / "cert.pem"))


def login(name: str = "crm", secret: str = "pässword") -> bytes:
    return b"AUTH PLAIN " + b64encode(f"\0{name}\0{secret}".encode()) + b"\r\n"


# The dialogue.


async def test_a_whole_dialogue_hands_in_what_was_said() -> None:
    async with house() as here:
        wire = await here.connect()
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert offer.splitlines()[0] == "250-mx.nordlicht.example"
        assert "250-SIZE 26214400" in offer
        assert "STARTTLS" not in offer
        mail = b"MAIL FROM:<eva@nordlicht.example> SIZE=100 RET=HDRS ENVID=abc BODY=8BITMIME\r\n"
        rcpt = b"RCPT TO:<anna@kunde.example> NOTIFY=FAILURE ORCPT=rfc822;anna@kunde.example\r\n"
        assert await wire.codes(mail) == ["250 2.1.0"]
        assert await wire.codes(rcpt) == ["250 2.1.5"]
        assert await wire.codes(RCPT) == ["250 2.1.5"]
        assert await wire.codes(b"RCPT TO:<bo@kunde.example>\r\n") == ["250 2.1.5"]
        assert await wire.codes(b"DATA\r\n") == ["354"]
        assert await wire.say(ON_WIRE + END) == ["250 2.0.0 queued as id-anna@kunde.example"]
        assert await wire.codes(b"QUIT\r\n") == ["221 2.0.0"]
        assert await wire.rest() == b""
        assert here.counters.accepted == 1
    anna = Recipient("anna@kunde.example", frozenset({"FAILURE"}), "rfc822;anna@kunde.example")
    assert here.desk.taken == [
        Submission(
            NEIGHBOUR, "eva@nordlicht.example", (anna, Recipient("bo@kunde.example")), MESSAGE,
            envelope_id="abc", returned="HDRS",
        )
    ]  # fmt: skip


async def test_pipelined_commands_are_answered_in_order_and_in_few_pieces() -> None:
    async with house() as here:
        wire = await here.connect()
        wire.writer.write(ENVELOPE)
        await asyncio.sleep(0.2)
        got = await wire.reader.read(65_536)
        assert [line[:3] for line in got.split(b"\r\n") if line[3:4] == b" "] == [b"250", b"250", b"250", b"354"]
        two = ON_WIRE + END + MAIL + RCPT + b"RCPT TO:<>\r\nDATA\r\n"
        assert await wire.codes(two, 5) == ["250 2.0.0", "250 2.1.0", "250 2.1.5", "501 5.1.3", "354"]
        assert await wire.codes(ON_WIRE + END + b"RSET\r\nQUIT\r\n", 3) == ["250 2.0.0", "250 2.0.0", "221 2.0.0"]
    assert [each.data for each in here.desk.taken] == [MESSAGE, MESSAGE]


async def test_a_dialogue_cut_at_any_octet_comes_to_the_same() -> None:
    whole = ENVELOPE + ON_WIRE + END + b"QUIT\r\n"
    async with house() as here:
        seen = set()
        for number in range(0, len(whole), 3):
            wire = await here.connect()
            wire.writer.write(whole[:number])
            await asyncio.sleep(0.001)
            wire.writer.write(whole[number:])
            seen.add(await wire.rest())
        assert len(seen) == 1
        wire = await here.connect()
        for place in range(len(whole)):
            wire.writer.write(whole[place : place + 1])
            await asyncio.sleep(0)
        assert await wire.rest() in seen
    assert {each.data for each in here.desk.taken} == {MESSAGE}


async def test_every_command_has_its_place() -> None:
    async with house() as here:
        wire = await here.connect()
        assert await wire.codes(MAIL + RCPT + b"DATA\r\n", 3) == ["503 5.5.1"] * 3
        assert await wire.codes(b"EHLO\r\n") == ["501 5.5.4"]
        assert await wire.codes(b"HELO client.example\r\n") == ["250"]
        assert await wire.codes(b"DATA\r\n") == ["503 5.5.1"]
        assert await wire.codes(MAIL + MAIL + b"DATA\r\n", 3) == ["250 2.1.0", "503 5.5.1", "554 5.5.1"]
        assert await wire.codes(RCPT + b"DATA x\r\n", 2) == ["250 2.1.5", "501 5.5.4"]
        assert await wire.codes(b"RSET\r\n" + RCPT, 2) == ["250 2.0.0", "503 5.5.1"]
        assert await wire.codes(b"NOOP x\r\nVRFY eva\r\nHELP\r\n", 3) == ["250 2.0.0", "252 2.1.5", "214 2.0.0"]
        assert await wire.codes(b"EXPN all\r\nSTARTTLS\r\nXYZZY\r\n", 3) == ["502 5.5.1", "502 5.5.1", "500 5.5.1"]
        assert await wire.codes(MAIL + b"EHLO again.example\r\n", 2) == ["250 2.1.0", "250"]
        assert await wire.codes(RCPT) == ["503 5.5.1"]


async def test_rubbish_gets_an_answer_each_and_an_end() -> None:
    async with house() as here:
        wire = await here.connect()
        rubbish = [b"\r\n", b"\0\0\r\n", b"\xff\xfe\r\n", b"NOOP\n", b"GET / HTTP/1.1\r\n", b"x" * 20_000 + b"\r\n"]
        assert await wire.codes(b"".join(rubbish), 6) == [
            "500 5.5.1", "500 5.5.2", "500 5.5.2", "500 5.5.2", "500 5.5.1", "500 5.5.2",
        ]  # fmt: skip
        replies = await wire.codes(b"MAIL\r\n" * 14, 14)
        assert replies == ["503 5.5.1"] * 13 + ["421 4.7.0"]
        assert await wire.rest() == b""
        assert here.counters.refused["errors"] == 1


async def test_addresses_outside_ascii_need_smtputf8() -> None:
    mail = "MAIL FROM:<jürgen@nordlicht.example>".encode()
    async with house() as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n")
        assert await wire.codes(mail + b"\r\n") == ["553 5.6.7"]
        assert await wire.codes(MAIL + "RCPT TO:<jörg@kunde.example>\r\n".encode(), 2) == ["250 2.1.0", "553 5.6.7"]
        assert await wire.codes(b"RSET\r\n" + mail + b" SMTPUTF8\r\n", 2) == ["250 2.0.0", "250 2.1.0"]
        assert await wire.codes(b"RCPT TO:<j\xfcrg@kunde.example>\r\n") == ["500 5.5.2"]
        rcpt = "RCPT TO:<jörg@kunde.example>\r\nDATA\r\n".encode()
        assert await wire.codes(rcpt, 2) == ["250 2.1.5", "354"]
        assert await wire.codes(ON_WIRE + END) == ["250 2.0.0"]
    assert here.desk.taken[0].sender == "jürgen@nordlicht.example"
    assert here.desk.taken[0].recipients == (Recipient("jörg@kunde.example"),)


# The message.


@pytest.mark.parametrize(
    "mark",
    [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\n", b"a\0b", b"a\rb", b"a\nb", b"\r\n\x00.\r\n"],
)
async def test_a_smuggled_end_ends_nothing_and_the_message_is_refused(mark: bytes) -> None:
    smuggled = b"MAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\nspam\r\n"
    async with house() as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        assert await wire.codes(b"Subject: x\r\n\r\nhi" + mark + smuggled + END + b"NOOP\r\n", 2) == [
            "550 5.6.0",
            "250 2.0.0",
        ]
        assert here.counters.refused == {"syntax": 1}
    assert here.desk.taken == []


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (END, "550 5.6.0"),
        (b"Subject: x\r\n\r\n" + b"y" * 999 + b"\r\n" + END, "550 5.6.0"),
        (b"Subject: x\r\n\r\n" + b"y" * 998 + b"\r\n" + END, "250 2.0.0"),
        (b"Subject: x\r\n\r\n." + b"." * 998 + b"\r\n" + END, "250 2.0.0"),
        (b"Received: by a.example\r\n" * 51 + b"\r\nx\r\n" + END, "554 5.4.6"),
        (b"received: by a.example\r\n" * 50 + b"\r\nReceived: x\r\n" + END, "250 2.0.0"),
    ],
)
async def test_a_message_gets_the_reply_of_its_field(octets: bytes, code: str) -> None:
    async with house() as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        assert await wire.codes(octets + b"NOOP\r\n", 2) == [code, "250 2.0.0"]


async def test_long_lines_are_encoded_where_the_door_is_told_to() -> None:
    async with house(long_lines="encode") as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        assert await wire.codes(b"Subject: x\r\n\r\n" + b"y" * 5_000 + b"\r\n" + END) == ["250 2.0.0"]
        await wire.say(MAIL + RCPT + b"DATA\r\n", 3)
        assert await wire.codes(b"Subject: " + b"y" * 5_000 + b"\r\n\r\nx\r\n" + END) == ["550 5.6.0"]
    (taken,) = here.desk.taken
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in taken.data
    assert max(map(len, taken.data.split(b"\r\n"))) < 100


async def test_a_message_over_the_limit_is_refused_before_or_while_it_comes() -> None:
    async with house(size_limit=10_000) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n")
        assert await wire.codes(b"MAIL FROM:<eva@nordlicht.example> SIZE=10001\r\n") == ["552 5.3.4"]
        await wire.say(MAIL + RCPT + b"DATA\r\n", 3)
        for _ in range(200):
            wire.writer.write(b"x" * 998 + b"\r\n")
            await wire.writer.drain()
            assert here.counters.held_octets <= 10_000
        assert await wire.codes(END + b"NOOP\r\n", 2) == ["552 5.3.4", "250 2.0.0"]
        assert here.counters.refused == {"size": 2}
    assert here.desk.taken == []


async def test_what_all_sessions_hold_is_bounded() -> None:
    async with house(held_octets=10_000) as here:
        first, second = await here.connect(), await here.connect()
        await first.say(ENVELOPE, 4)
        await second.say(ENVELOPE, 4)
        first.writer.write(b"Subject: x\r\n\r\n" + b"x\r\n" * 3_000)
        await asyncio.sleep(0.1)
        assert await second.codes(b"Subject: x\r\n\r\n" + b"x\r\n" * 3_000 + END) == ["452 4.3.1"]
        assert await first.codes(END) == ["250 2.0.0"]
        await second.say(MAIL + RCPT + b"DATA\r\n", 3)
        assert await second.codes(b"Subject: x\r\n\r\n" + b"x\r\n" * 3_000 + END) == ["250 2.0.0"]


# Who may, and what the acceptance says.


async def test_a_stranger_is_relayed_for_by_nobody() -> None:
    async with house(keeper=Keeper()) as here:
        wire = await here.connect()
        assert await wire.codes(ENVELOPE, 4) == ["250", "530 5.7.0", "503 5.5.1", "503 5.5.1"]
        assert here.counters.refused == {"no_login": 1}


@pytest.mark.parametrize(
    "octets",
    [
        login(),
        b"AUTH PLAIN\r\n" + b64encode("\0crm\0pässword".encode()) + b"\r\n",
        b"auth login\r\n" + b64encode(b"crm") + b"\r\n" + b64encode("pässword".encode()) + b"\r\n",
        b"AUTH LOGIN " + b64encode(b"crm") + b"\r\n" + b64encode("pässword".encode()) + b"\r\n",
    ],
)
async def test_a_login_opens_the_door(octets: bytes) -> None:
    async with house(keeper=Keeper()) as here:
        wire = await here.connect()
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert "AUTH PLAIN LOGIN" in offer
        codes = await wire.codes(octets, octets.count(b"\r\n"))
        assert codes == ["334"] * (len(codes) - 1) + ["235 2.7.0"]
        assert await wire.codes(login()) == ["503 5.5.1"]
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert "AUTH" not in offer
        assert await wire.codes(MAIL + RCPT + b"DATA\r\n" + ON_WIRE + END, 4) == [
            "250 2.1.0", "250 2.1.5", "354", "250 2.0.0",
        ]  # fmt: skip
        assert here.keeper.callers == ["127.0.0.1"]
    assert here.desk.taken[0].client == CRM


@pytest.mark.parametrize(
    ("octets", "codes"),
    [
        (b"AUTH PLAIN\r\n*\r\n", ["334", "501 5.0.0"]),
        (b"AUTH LOGIN\r\n\r\n*\r\n", ["334", "334", "501 5.0.0"]),
        (b"AUTH PLAIN !!!\r\n", ["501 5.5.2"]),
        (b"AUTH PLAIN =\r\n", ["535 5.7.8"]),
        (b"AUTH PLAIN\r\n" + b"A" * 20_000 + b"\r\n", ["334", "500 5.5.2"]),
        (b"AUTH PLAIN\r\nQQ==\n", ["334", "500 5.5.2"]),
        (b"AUTH CRAM-MD5\r\n", ["504 5.5.4"]),
        (b"AUTH\r\n", ["501 5.5.4"]),
        (login("crm", "wrong"), ["535 5.7.8"]),
        (login("crm", ""), ["535 5.7.8"]),
        (MAIL + login(), ["530 5.7.0", "235 2.7.0"]),
    ],
)
async def test_a_login_that_fails_says_as_little_as_it_can(octets: bytes, codes: list[str]) -> None:
    async with house(keeper=Keeper()) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n")
        assert await wire.codes(octets + b"NOOP\r\n", len(codes) + 1) == [*codes, "250 2.0.0"]


async def test_the_third_wrong_login_ends_the_session() -> None:
    async with house(keeper=Keeper()) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n")
        assert await wire.codes(login("crm", "no") * 3, 3) == ["535 5.7.8", "535 5.7.8", "421 4.7.0"]
        assert await wire.rest() == b""
        assert here.counters.refused == {"login": 3}


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), ValueError("secret")])
async def test_a_login_that_cannot_be_judged_is_for_later(fault: Exception) -> None:
    async with house(keeper=Keeper(fault=fault)) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n")
        assert await wire.say(login()) == ["454 4.7.0 try again later"]


async def test_a_slow_login_keeps_nobody_else_waiting_and_not_for_ever() -> None:
    slow = asyncio.Event()
    keeper = Keeper("127.0.0.1", slow=slow)
    async with house(keeper=keeper, deadlines=Deadlines(login=0.5)) as here:
        wire, other = await here.connect(), await here.connect()
        wire.writer.write(b"EHLO client.example\r\n" + login() + b"NOOP\r\n")
        assert await wire.codes(b"") == ["250"]
        assert await other.codes(ENVELOPE + ON_WIRE + END, 5) == ["250", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0"]
        assert await wire.codes(b"", 2) == ["454 4.7.0", "250 2.0.0"]


async def test_a_refusal_tells_what_its_client_may_hear() -> None:
    async def no(_submission: Submission) -> Receipt | Refusal:
        return Refusal(RefusalKind.BLOCKED, "a verdict stands against it", "OBJECTED")

    admits: dict[str, Refusal | Exception] = {
        "dead@kunde.example": Refusal(RefusalKind.INVALID, "it cannot be written to"),
        "odd@kunde.example": ValueError("odd@kunde.example"),
        "away@kunde.example": Refusal(RefusalKind.LATER, "the store is away"),
    }
    async with house(Desk(no, admits)) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n" + MAIL, 2)
        assert await wire.say(b"".join(b"RCPT TO:<%b>\r\n" % address.encode() for address in admits), 3) == [
            "550 5.6.0 it cannot be written to", "451 4.3.0 try again later", "451 4.3.0 the store is away",
        ]  # fmt: skip
        await wire.say(RCPT + b"DATA\r\n", 2)
        assert await wire.say(ON_WIRE + END) == ["550 5.7.1 a verdict stands against it (OBJECTED)"]
        assert here.counters.refused == {"blocked": 1, "invalid": 1, "later": 1, "faults": 1}


async def test_whatever_the_acceptance_raises_is_for_later_and_said_to_nobody() -> None:
    async def stumbles(_submission: Submission) -> Receipt | Refusal:
        raise ValueError("eva@nordlicht.example")

    async with house(Desk(stumbles)) as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        assert await wire.say(ON_WIRE + END + b"NOOP\r\n", 2) == ["451 4.3.0 try again later", "250 2.0.0 ok"]


async def test_recipients_beyond_the_limit_come_in_another_message() -> None:
    async with house(recipient_limit=2) as here:
        wire = await here.connect()
        await wire.say(b"EHLO client.example\r\n" + MAIL, 2)
        rcpts = b"".join(b"RCPT TO:<a%d@kunde.example>\r\n" % number for number in (1, 1, 2, 3))
        assert await wire.codes(rcpts, 4) == ["250 2.1.5", "250 2.1.5", "250 2.1.5", "452 4.5.3"]
        assert await wire.codes(b"DATA\r\n" + ON_WIRE + END, 2) == ["354", "250 2.0.0"]
    assert [each.address for each in here.desk.taken[0].recipients] == ["a1@kunde.example", "a2@kunde.example"]


# Connections.


async def test_connections_over_a_limit_are_told_to_come_later() -> None:
    async with house(connections_per_client=2) as here:
        first, _ = await here.connect(), await here.connect()
        third = await here.connect(greeted=False)
        assert await third.rest() == b"421 4.7.0 too many connections\r\n"
        await first.say(b"QUIT\r\n")
        assert await first.rest() == b""
        await here.connect()
        assert here.counters.refused == {"connections": 1}
    async with house(connections=1) as here:
        await here.connect()
        assert await (await here.connect(greeted=False)).rest() == b"421 4.7.0 too many connections\r\n"


async def test_a_thousand_idle_connections_do_not_slow_one_that_works() -> None:
    async with house(connections=2_000, connections_per_client=2_000) as here:
        await asyncio.gather(*(here.connect() for _ in range(1_000)))
        assert here.counters.open_sessions == 1_000
        wire = await here.connect()
        async with asyncio.timeout(2):
            assert await wire.codes(ENVELOPE + ON_WIRE + END, 5) == [
                "250", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0",
            ]  # fmt: skip


QUICK = Deadlines(command=0.3, data=0.3, session=60, tls=0.3, login=0.3, proxy=0.3, closing=0.3)


@pytest.mark.parametrize("before", [b"", ENVELOPE, b"EHLO client.example\r\nAUTH PLAIN\r\n"])
async def test_octets_that_trickle_in_do_not_keep_a_session_open(before: bytes) -> None:
    async with house(deadlines=QUICK) as here:
        wire, silent = await here.connect(), await here.connect()
        wire.writer.write(before)
        silent.writer.write(before + b"x")
        trickle = asyncio.create_task(_trickle(wire))
        got = await silent.rest()
        await here.empty()
        trickle.cancel()
        assert got.endswith(b"421 4.4.2 timeout\r\n")
        assert here.counters.overdue == 2


async def _trickle(wire: Wire) -> None:
    while True:
        wire.writer.write(b"x")
        await asyncio.sleep(0.02)


async def test_a_session_without_any_message_ends_however_busy_it_is() -> None:
    async with house(deadlines=replace(QUICK, command=60, session=0.4)) as here:
        wire = await here.connect()
        replies = []
        with suppress(ConnectionError):
            while reply := (await wire.say(b"NOOP\r\n"))[0]:
                replies.append(reply)
                await asyncio.sleep(0.02)
        assert replies[-1] == "421 4.4.2 timeout"
        assert len(replies) < 100


async def test_a_peer_that_reads_no_replies_is_not_served_on_and_then_dropped() -> None:
    async with house(deadlines=QUICK) as here:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", here.port))
        sent = 0
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(3):
                while True:
                    await loop.sock_sendall(sock, b"HELP\r\n" * 10_000)
                    sent += 60_000
        sock.close()
        assert sent < 20_000_000
        assert here.counters.overdue >= 1


async def test_half_closed_and_broken_connections_end_cleanly() -> None:
    async with house() as here:
        wire = await here.connect()
        wire.writer.write(b"EHLO client.example\r\nNOOP\r\nNOO")
        wire.writer.write_eof()
        assert (await wire.rest()).endswith(b"250 HELP\r\n250 2.0.0 ok\r\n")
        wire = await here.connect()
        wire.writer.write(ENVELOPE + b"Subject: half a mess")
        wire.writer.write_eof()
        assert (await wire.rest()).endswith(b"354 end with <CRLF>.<CRLF>\r\n")
        for octets in (b"", b"EHLO", ENVELOPE, ENVELOPE + ON_WIRE):
            wire = await here.connect()
            wire.writer.write(octets)
            await asyncio.sleep(0.01)
            wire.writer.transport.abort()
        await here.empty()
    assert here.desk.taken == []


async def test_a_client_that_has_no_more_to_say_still_hears_what_became_of_its_message() -> None:
    go_on = asyncio.Event()

    async def slow(submission: Submission) -> Receipt | Refusal:
        await go_on.wait()
        return await fine(submission)

    async with house(Desk(slow)) as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        wire.writer.write(ON_WIRE + END)
        wire.writer.write_eof()
        await here.desk.begun.wait()
        await asyncio.sleep(0.05)
        go_on.set()
        assert await wire.rest() == b"250 2.0.0 queued as id-anna@kunde.example\r\n"


async def test_a_client_that_drops_after_the_dot_does_not_undo_what_is_taken() -> None:
    go_on = asyncio.Event()

    async def slow(submission: Submission) -> Receipt | Refusal:
        await go_on.wait()
        return await fine(submission)

    async with house(Desk(slow)) as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        wire.writer.write(ON_WIRE + END)
        await here.desk.begun.wait()
        wire.writer.transport.abort()
        await asyncio.sleep(0.1)
        assert here.desk.taken == []
        go_on.set()
    assert [each.data for each in here.desk.taken] == [MESSAGE]
    assert here.counters.accepted == 1


async def test_closing_the_door_says_so_and_lets_what_has_begun_finish() -> None:
    go_on = asyncio.Event()

    async def slow(submission: Submission) -> Receipt | Refusal:
        await go_on.wait()
        return await fine(submission)

    async with house(Desk(slow)) as here:
        idle, busy = await here.connect(), await here.connect()
        await busy.say(ENVELOPE, 4)
        busy.writer.write(ON_WIRE + END + b"NOOP\r\n")
        await here.desk.begun.wait()
        closing = asyncio.create_task(here.listener.aclose(5))
        assert await idle.rest() == b"421 4.3.2 going down, come again\r\n"
        with pytest.raises(OSError):
            await here.connect()
        go_on.set()
        assert await busy.codes(b"", 2) == ["250 2.0.0", "421 4.3.2"]
        async with asyncio.timeout(2):
            await closing


async def test_closing_the_door_does_not_wait_longer_than_its_grace() -> None:
    async with house() as here:
        wire = await here.connect()
        await wire.say(ENVELOPE, 4)
        async with asyncio.timeout(2):
            await here.listener.aclose(0.2)
        assert await wire.rest() == b""


# Load balancers.


def second_version(address: str) -> bytes:
    body = socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 12_345, 25)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(body).to_bytes(2) + body


@pytest.mark.parametrize("header", [b"PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\r\n", second_version("192.0.2.7")])
async def test_a_listed_balancer_says_who_calls(header: bytes) -> None:
    async with house(keeper=Keeper("192.0.2.7"), proxy_networks=("127.0.0.0/8",), connections_per_client=1) as here:
        wire = await here.connect(greeted=False)
        for place in range(len(header)):
            wire.writer.write(header[place : place + 1])
            await asyncio.sleep(0)
        assert await wire.codes(ENVELOPE, 5) == ["220", "250", "250 2.1.0", "250 2.1.5", "354"]
        other = await here.connect(greeted=False)
        other.writer.write(header)
        assert await other.rest() == b"421 4.7.0 too many connections\r\n"


async def test_an_address_that_a_balancer_tells_is_no_loopback_of_ours_and_none_told_is_no_neighbour() -> None:
    async with house(keeper=Keeper("127.0.0.1"), proxy_networks=("127.0.0.1/32",)) as here:
        wire = await here.connect(greeted=False)
        header = b"PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\r\n"
        assert await wire.codes(header + b"EHLO x.example\r\n" + MAIL + login(), 4) == [
            "220", "250", "530 5.7.0", "538 5.7.11",
        ]  # fmt: skip
        wire = await here.connect(greeted=False)
        assert await wire.codes(b"PROXY UNKNOWN\r\nEHLO x.example\r\n" + MAIL, 3) == ["220", "250", "530 5.7.0"]


async def test_a_balancer_that_says_nothing_of_use_is_not_served() -> None:
    async with house(proxy_networks=("127.0.0.1",), deadlines=QUICK) as here:
        wire = await here.connect(greeted=False)
        wire.writer.write(b"EHLO client.example\r\n")
        assert await wire.rest() == b"421 4.3.0 no service\r\n"
        silent = await here.connect(greeted=False)
        assert await silent.rest() == b"421 4.4.2 timeout\r\n"


async def test_from_elsewhere_a_proxy_header_is_an_unknown_command() -> None:
    async with house(proxy_networks=("192.0.2.0/24",)) as here:
        wire = await here.connect()
        assert await wire.codes(b"PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n") == ["500 5.5.1"]


# TLS.


@pytest.mark.needs("openssl")
async def test_starttls_begins_anew_and_drops_what_was_said_in_the_clear(
    server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    async with house(tls=server_side) as here:
        wire = await here.connect()
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert "250-STARTTLS" in offer
        assert await wire.codes(b"STARTTLS now\r\n") == ["501 5.5.4"]
        await wire.say(MAIL)
        assert await wire.codes(b"STARTTLS\r\nEHLO evil.example\r\n" + MAIL) == ["220 2.0.0"]
        await wire.writer.start_tls(client_side, server_hostname="sink.example")
        assert await wire.codes(RCPT) == ["503 5.5.1"]
        assert await wire.codes(MAIL) == ["503 5.5.1"]
        assert await wire.codes(b"STARTTLS\r\n") == ["503 5.5.1"]
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert "STARTTLS" not in offer
        assert await wire.codes(login()) == ["235 2.7.0"]
        assert await wire.codes(MAIL + RCPT + b"DATA\r\n" + ON_WIRE + END, 4) == [
            "250 2.1.0", "250 2.1.5", "354", "250 2.0.0",
        ]  # fmt: skip
    assert here.desk.taken[0].client == CRM


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("balancer", [False, True])
async def test_a_door_may_begin_with_tls_behind_a_balancer_too(
    server_side: ssl.SSLContext, certificate: Path, balancer: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate / "cert.pem")
    networks = ("127.0.0.1",) if balancer else ()
    async with house(tls=server_side, implicit_tls=True, proxy_networks=networks) as here:
        codes = await asyncio.to_thread(_secure_dialogue, here.port, context, balancer)
    assert codes == [b"220", b"250", b"235"]


def _secure_dialogue(port: int, context: ssl.SSLContext, balancer: bool) -> list[bytes]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="sink.example")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        first = b"PROXY TCP4 192.0.2.7 192.0.2.1 1 465\r\n" if balancer else b""

        def handshake() -> bool:
            tls.do_handshake()
            return True

        def until_done(step: Callable[[], Any]) -> Any:
            nonlocal first
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    done = None
                sock.sendall(first + outgoing.read())  # the header and the ClientHello in one piece
                first = b""
                if done is not None:
                    return done
                incoming.write(sock.recv(65_536))

        until_done(handshake)
        codes = [until_done(lambda: tls.read(4_096))[:3]]
        for command in (b"EHLO client.example\r\n", login()):
            tls.write(command)
            codes.append(until_done(lambda: tls.read(4_096))[:3])
        return codes


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    "rubbish", [b"EHLO client.example\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0" * 5_000, b""]
)
async def test_a_handshake_that_fails_ends_one_session_and_harms_no_other(
    server_side: ssl.SSLContext, implicit: bool, rubbish: bytes
) -> None:
    async with house(tls=server_side, implicit_tls=implicit, deadlines=QUICK) as here:
        for ends in (False, True):
            wire = await here.connect(greeted=not implicit)
            if not implicit:
                await wire.say(b"STARTTLS\r\n")
            await asyncio.sleep(0.02)
            wire.writer.write(rubbish)
            if ends:
                await asyncio.sleep(0.02)
                wire.writer.close()
            else:
                assert b"250" not in await wire.rest()
        await here.empty()
        assert here.counters.tls_faults == 2


@pytest.mark.needs("openssl")
def greeted_in_tls(port: int, context: ssl.SSLContext) -> None:
    """A client that begins the handshake as soon as it may, faster than any loop turns."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.recv(1_000)
        plain.sendall(b"EHLO quick.example\r\n")
        plain.recv(1_000)
        plain.sendall(b"STARTTLS\r\n")
        assert plain.recv(1_000).startswith(b"220")
        with context.wrap_socket(plain, server_hostname="sink.example") as secured:
            secured.sendall(b"QUIT\r\n")
            assert secured.recv(1_000).startswith(b"221")


async def hurried(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    async with house(tls=server_side) as here:
        for _ in range(40):
            await asyncio.to_thread(greeted_in_tls, here.port, client_side)


async def test_a_handshake_that_begins_at_once_is_not_taken_for_plain_text(
    server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    await hurried(server_side, client_side)


def test_nor_under_the_faster_loop(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hurried(server_side, client_side))


async def test_without_tls_no_password_is_heard_from_elsewhere(server_side: ssl.SSLContext) -> None:
    async with house(keeper=Keeper(), tls=server_side, proxy_networks=("127.0.0.1",)) as here:
        wire = await here.connect(greeted=False)
        await wire.say(b"PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n")
        (offer,) = await wire.say(b"EHLO client.example\r\n")
        assert "AUTH" not in offer
        assert await wire.codes(login()) == ["538 5.7.11"]
        assert here.keeper.callers == []


@pytest.mark.needs("openssl")
async def test_tls_and_ends_are_the_same_under_the_faster_loop(server_side: ssl.SSLContext, certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))

    async def all_ways() -> None:
        for balancer in (False, True):
            await test_a_door_may_begin_with_tls_behind_a_balancer_too(server_side, certificate, balancer)
        await test_starttls_begins_anew_and_drops_what_was_said_in_the_clear(server_side, context)
        for rubbish in (b"EHLO client.example\r\n", b""):
            await test_a_handshake_that_fails_ends_one_session_and_harms_no_other(server_side, True, rubbish)
            await test_a_handshake_that_fails_ends_one_session_and_harms_no_other(server_side, False, rubbish)
        await test_half_closed_and_broken_connections_end_cleanly()
        await test_a_peer_that_reads_no_replies_is_not_served_on_and_then_dropped()
        await test_closing_the_door_says_so_and_lets_what_has_begun_finish()

    await asyncio.to_thread(uvloop.run, all_ways())


# Programs of others.


@pytest.mark.needs("openssl")
async def test_smtplib_hands_in(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.starttls(context=client_side)
            client.login("erp", "password")  # it knows ASCII alone there
            client.sendmail("eva@nordlicht.example", ["anna@kunde.example", "bo@kunde.example"], MESSAGE)

    async with house(keeper=Keeper(), tls=server_side) as here:
        await asyncio.to_thread(send, here.port)
    assert [(each.data, len(each.recipients)) for each in here.desk.taken] == [(MESSAGE, 2)]


@pytest.mark.needs("openssl")
async def test_aiosmtplib_hands_in(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    async with house(keeper=Keeper(), tls=server_side) as here:
        await aiosmtplib.send(
            MESSAGE, sender="eva@nordlicht.example", recipients=["anna@kunde.example"], hostname="127.0.0.1",
            port=here.port, start_tls=True, tls_context=client_side, username="crm", password="pässword",
        )  # fmt: skip
    assert here.desk.taken[0].data == MESSAGE


@pytest.mark.needs("openssl", "swaks")
async def test_swaks_hands_in_with_tls_login_and_pipelining(server_side: ssl.SSLContext) -> None:
    async with house(keeper=Keeper(), tls=server_side) as here:
        for mechanism in ("PLAIN", "LOGIN"):
            await _run(
                "swaks", "--server", "127.0.0.1", "--port", str(here.port), "--tls", "--pipeline", "--auth", mechanism,
                "--auth-user", "crm", "--auth-password", "pässword", "--from", "eva@nordlicht.example",
                "--to", "anna@kunde.example,bo@kunde.example", "--body", ".\nhello\n.dot",
            )  # fmt: skip
    assert [len(each.recipients) for each in here.desk.taken] == [2, 2]
    assert b"\r\n.\r\nhello\r\n.dot\r\n" in here.desk.taken[0].data


@pytest.mark.needs("openssl", "curl")
async def test_curl_hands_in_over_either_tls(server_side: ssl.SSLContext, certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MESSAGE)
    for implicit in (False, True):
        async with house(keeper=Keeper(), tls=server_side, implicit_tls=implicit) as here:
            await _run(
                "curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", str(certificate / "cert.pem"),
                "--user", "crm:pässword", "--mail-from", "eva@nordlicht.example", "--mail-rcpt", "anna@kunde.example",
                "--upload-file", str(tmp_path / "mail.eml"), f"smtp{'s' * implicit}://127.0.0.1:{here.port}",
            )  # fmt: skip
        assert here.desk.taken[0].data == MESSAGE


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode(errors="replace")
