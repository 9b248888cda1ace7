"""People who mean harm at the SMTP door: an answer that the RFCs know or an end, little memory, nobody else waits."""

from __future__ import annotations

import asyncio
import random
import re
import resource
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from tests.integration.besieged import Attacker, at_once, attacker, little_memory

from penstock.intake.smtp_door import Deadlines, SmtpDoor
from penstock.intake.smtp_listener import SmtpListener
from penstock.model.campaign import Stream
from penstock.ports import Client, Receipt, Refusal, Submission, Taken

HERE = "127.0.0.1"
EHLO = b"EHLO evil.example\r\n"
MAIL = b"MAIL FROM:<mallory@evil.example>\r\n"
RCPT = b"RCPT TO:<anna@kunde.example>\r\n"
LETTER = b"From: eva@nordlicht.example\r\nTo: anna@kunde.example\r\nSubject: x\r\n\r\nhello\r\n"
END = b".\r\n"
WHOLE = EHLO + MAIL + RCPT + b"DATA\r\n" + LETTER + END
SMUGGLED = b"MAIL FROM:<admin@nordlicht.example>\r\nRCPT TO:<victim@kunde.example>\r\nDATA\r\n" + LETTER + END
QUICK = Deadlines(command=0.4, data=0.4, session=5.0, tls=0.4, login=0.4, proxy=0.4, closing=0.4)

KNOWN = frozenset(
    {211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 432, 450, 451, 452, 454, 455}
    | {500, 501, 502, 503, 504, 521, 523, 524, 530, 534, 535, 538, *range(550, 557)}
)
"""RFC 5321 section 4.2.3, RFC 3207, RFC 4954, RFC 7504."""
LINE = re.compile(rb"(\d{3})([ -])[\x20-\x7e]*\r\n")


class Desk:
    """Takes everything, and remembers."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        self.taken += submissions
        return [
            Receipt(tuple(Taken("1", person.address) for person in each.recipients), Stream.TRANSACTIONAL)
            for each in submissions
        ]

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        raise AssertionError("nobody asks here")

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        return None

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        raise AssertionError("nobody asks here")


class Keeper:
    """Lets in whoever calls from `near`, and crm by its password; `hangs` never answers."""

    def __init__(self, near: str, *, hangs: bool = False) -> None:
        self.tries = 0
        self._near = near
        self._hangs = hangs

    async def login(self, name: str, secret: str, caller: str, /) -> Client | None:
        self.tries += 1
        if self._hangs:
            await asyncio.Event().wait()
        return Client("crm", frozenset({Stream.TRANSACTIONAL})) if (name, secret) == ("crm", "secret") else None

    async def bearer(self, key: str, caller: str, /) -> Client | None:
        raise AssertionError("no keys here")

    def neighbour(self, caller: str, /) -> Client | None:
        return Client("", frozenset({Stream.TRANSACTIONAL})) if caller == self._near else None


class Siege:
    """The door under attack, and a well-behaved client beside the attackers."""

    def __init__(self, port: int, desk: Desk, keeper: Keeper, listener: SmtpListener) -> None:
        self.port, self.desk, self.keeper, self.listener = port, desk, keeper, listener
        self.polite = 0

    @property
    def wrongly_taken(self) -> list[Submission]:
        return [each for each in self.desk.taken if each.sender != "eva@nordlicht.example"]

    async def answers(self, octets: bytes, *, half: bool = True) -> list[int]:
        """The codes of all replies to these octets, each of which the RFCs know."""
        async with attacker(self.port) as wire:
            await wire.send(octets)
            if half:
                wire.no_more()
            return codes(await wire.said())

    async def serves_others(self, port: int | None = None) -> None:
        """A whole dialogue of somebody else is over at once."""
        took = []
        for _ in range(3):
            began = time.perf_counter()
            async with attacker(port or self.port) as wire:
                mail = WHOLE.replace(b"mallory@evil", b"eva@nordlicht") + b"QUIT\r\n"
                await wire.send(mail)
                assert codes(await wire.said()) == [220, 250, 250, 250, 354, 250, 221]
            self.polite += 1
            took.append(time.perf_counter() - began)
            if took[-1] < 0.2:
                break
        at_once(took)
        assert len(self.desk.taken) - len(self.wrongly_taken) == self.polite


def codes(said: bytes) -> list[int]:
    """Of whole replies; nothing may stand between or behind them."""
    found, place = [], 0
    while place < len(said):
        line = LINE.match(said, place)
        assert line is not None, said[place : place + 80]
        assert line.end() - place <= 512
        assert int(line[1]) in KNOWN, line[0]
        if line[2] == b" ":
            found.append(int(line[1]))
        place = line.end()
    return found


@asynccontextmanager
async def besieged(keeper: Keeper | None = None, *, served: bool = True, **door: Any) -> AsyncIterator[Siege]:
    """In the end others are served (unless not `served`), and of all sessions nothing is left."""
    desk, keeper, numbers = Desk(), keeper or Keeper(HERE), count()
    settings = replace(SmtpDoor(name="mx.nordlicht.example", connections_per_client=500), **door)
    listener = SmtpListener(desk, keeper, settings, lambda: f"s{next(numbers)}")
    _, port = await listener.open(HERE, 0)
    siege = Siege(port, desk, keeper, listener)
    try:
        yield siege
        if served:
            await siege.serves_others()
        await emptied(listener)
    finally:
        await listener.aclose(0.5)
        assert listener.counters.held_octets == 0
        assert listener.counters.open_sessions == 0


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    for _ in range(int(seconds * 100)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def emptied(listener: SmtpListener) -> None:
    await until(lambda: not listener.counters.open_sessions, 4)


def brief(octets: object) -> str:
    """A name for a case."""
    return ascii(octets[:30])[2:-1] if isinstance(octets, bytes) else ""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sink.example"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


# Order.

VERBS = (
    b"EHLO evil.example", b"HELO evil.example", b"MAIL FROM:<mallory@evil.example>", b"RCPT TO:<anna@kunde.example>",
    b"DATA", b"RSET", b"NOOP", b"VRFY anna", b"EXPN all", b"HELP", b"AUTH PLAIN =", b"STARTTLS", b"BDAT 4 LAST",
    b"ETRN x", b"TURN", b"SEND FROM:<a@b.example>", b"XCLIENT ADDR=127.0.0.1", b"XFORWARD NAME=x", b"LHLO x", b"GET /",
)  # fmt: skip


def expected(verbs: Sequence[bytes]) -> tuple[list[bool], int]:
    """By RFC 5321 section 4.1.4 alone: which of these succeed, and how many messages are taken."""
    greeted = mail = rcpt = False
    fine, taken = [], 0
    for each in verbs:
        match each[:4]:
            case b"EHLO" | b"HELO":
                greeted, mail, rcpt, ok = True, False, False, True
            case b"MAIL":
                ok = greeted and not mail
                mail = mail or ok
            case b"RCPT":
                ok = mail
                rcpt = rcpt or ok
            case b"DATA":
                ok = mail and rcpt
                mail, rcpt, taken = mail and not ok, rcpt and not ok, taken + ok
            case b"RSET":
                mail, rcpt, ok = False, False, True
            case b"NOOP" | b"VRFY" | b"HELP":
                ok = True
            case _:
                ok = False
        fine.append(ok)
    return fine, taken


async def told(siege: Siege, verbs: Sequence[bytes]) -> None:
    fine, taken = expected(verbs)
    octets = bytearray()
    for each, ok in zip(verbs, fine, strict=True):
        octets += each + b"\r\n" + (LETTER + END if each == b"DATA" and ok else b"")
    before = len(siege.desk.taken)
    found = await siege.answers(bytes(octets))
    wanted = [True]
    for each, ok in zip(verbs, fine, strict=True):
        wanted += [True, True] if each == b"DATA" and ok else [ok]
    assert [code < 400 for code in found] == wanted, (verbs, found)
    assert len(siege.desk.taken) - before == taken


async def test_any_three_commands_in_any_order_do_what_the_rfc_says() -> None:
    async with besieged(Keeper(HERE)) as siege:
        for first, *rest in product(VERBS[:12], repeat=3):
            if rest[0] != first:
                await told(siege, [first, *rest])
        siege.desk.taken.clear()


async def test_long_dialogues_in_random_order_do_what_the_rfc_says() -> None:
    dice, verbs = (
        random.Random(7),
        [each for each in VERBS if not each.startswith(b"AUTH")],
    )  # three of these are an end
    async with besieged(Keeper(HERE)) as siege:
        for _ in range(300):
            await told(siege, [*dice.choices(VERBS[:5], k=9), *dice.choices(verbs, k=9)])
        assert siege.desk.taken
        siege.desk.taken.clear()


# Length.


@pytest.mark.parametrize("verb", [b"", b"EHLO ", b"MAIL FROM:<", b"RCPT TO:<", b"AUTH PLAIN ", b"NOOP ", b"\0", b"\r"])
@pytest.mark.parametrize("length", [1_001, 5_000, 13_000, 1 << 20])
async def test_a_line_without_measure_gets_one_answer(verb: bytes, length: int) -> None:
    async with besieged() as siege:
        with little_memory():
            found = await siege.answers(EHLO + verb + b"A" * length + b"\r\nNOOP\r\n")
        assert found[:2] == [220, 250]
        assert found[2] in {500, 501, 503, 504, 553, 555, 421, 535}
        assert found[3:] == [250]
        assert siege.wrongly_taken == []


async def test_a_line_that_never_ends_costs_nothing() -> None:
    async with besieged() as siege:
        with little_memory():
            async with attacker(siege.port) as wire:
                for _ in range(64):
                    await wire.send(b"A" * (1 << 20))
                await siege.serves_others()
                wire.slam()


async def test_many_who_send_half_a_line_without_measure_cost_little() -> None:
    async with besieged() as siege:
        with little_memory(40):
            wires = [await asyncio.open_connection(HERE, siege.port) for _ in range(200)]
            for _, writer in wires:
                writer.write(b"A" * 12_000)
            await asyncio.sleep(0.2)
            await siege.serves_others()
            for _, writer in wires:
                writer.close()


async def test_a_message_without_end_is_held_up_to_the_limit_and_never_taken() -> None:
    async with besieged(size_limit=1 << 20) as siege:
        with little_memory():
            async with attacker(siege.port) as wire:
                await wire.send(EHLO + MAIL + RCPT + b"DATA\r\n")
                for _ in range(40):
                    await wire.send((b"x" * 998 + b"\r\n") * 1_000)
                    assert siege.listener.counters.held_octets <= 1 << 20
                await siege.serves_others()
                wire.no_more()
                assert codes(await wire.said()) == [220, 250, 250, 250, 354]
        assert siege.wrongly_taken == []


async def test_a_thousand_recipients_are_not_more_than_are_allowed() -> None:
    crowd = b"".join(b"RCPT TO:<p%d@kunde.example>\r\n" % number for number in range(110))
    async with besieged() as siege:
        found = await siege.answers(EHLO + MAIL + crowd)
        assert found[3:103] == [250] * 100
        assert found[103:113] == [452] * 10


# Cuts, rubbish, silence.


async def test_a_hostile_dialogue_is_answered_alike_however_it_is_cut() -> None:
    evil = EHLO + MAIL + RCPT + b"DATA\r\nSubject: x\r\n\r\na\n.\r\n" + SMUGGLED + b"\0\xff\r\nBDAT 3\r\nQUIT\r\n"
    async with besieged() as siege:
        whole = await siege.answers(evil)
        assert whole[-1] == 221
        for place in range(0, len(evil), 2):
            async with attacker(siege.port) as wire:
                await wire.send(evil[:place])
                await asyncio.sleep(0.001)
                await wire.send(evil[place:])
                assert codes(await wire.said()) == whole, place
        async with attacker(siege.port) as wire:
            await wire.drip(evil)
            assert codes(await wire.said()) == whole
        assert siege.wrongly_taken == []


@pytest.mark.parametrize("seed", range(6))
async def test_rubbish_is_answered_and_ended(seed: int) -> None:
    dice = random.Random(seed)
    words = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"MAIL",
        b"DATA",
        b".",
        b" ",
        b"FROM:<",
        b">",
        b"\xff",
        b"\xe2\x82",
        b"A" * 600,
    ]
    rubbish = b"".join(dice.choice(words) if dice.random() < 0.8 else dice.randbytes(9) for _ in range(60_000))
    async with besieged() as siege:
        with little_memory():
            found = await siege.answers(rubbish)
        assert found[0] == 220
        assert found[-1] == 421
        assert len(found) <= 40
        assert siege.desk.taken == []


async def test_who_never_reads_is_not_written_to_without_end() -> None:
    async with besieged(deadlines=replace(QUICK, command=3.0)) as siege:
        with little_memory(), socket.create_connection((HERE, siege.port)) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.setblocking(False)
            since = time.perf_counter()
            last = since
            while time.perf_counter() - last < 0.5:  # for so long the kernel takes nothing more of it
                assert time.perf_counter() - since < 6, "the door reads on though nobody reads its replies"
                with suppress(BlockingIOError):
                    if raw.send(b"HELP\r\n" * 20_000):
                        last = time.perf_counter()
                await asyncio.sleep(0.005)
            await siege.serves_others()


@pytest.mark.parametrize("octets", [b"", EHLO[:6], EHLO, EHLO + MAIL, WHOLE[:-40], WHOLE[:-5], WHOLE[:-2], WHOLE[:-1]])
@pytest.mark.parametrize("rude", [False, True])
async def test_who_breaks_off_before_the_end_has_handed_in_nothing(octets: bytes, rude: bool) -> None:
    async with besieged() as siege:
        async with attacker(siege.port) as wire:
            await wire.send(octets)
            if rude:
                await asyncio.sleep(0.02)
                wire.slam()
            else:
                wire.no_more()
                assert 250 not in codes(await wire.said())[5:]
        assert siege.desk.taken == []


async def test_who_closes_only_one_way_reads_all_replies() -> None:
    async with besieged() as siege:
        assert await siege.answers(WHOLE + b"NOOP\r\n") == [220, 250, 250, 250, 354, 250, 250]
        assert len(siege.wrongly_taken) == 1


@pytest.mark.parametrize(
    ("fast", "slow"),
    [
        (b"", b"N" * 500),
        (b"", b"NOOP\r" * 100),
        (EHLO + MAIL + RCPT + b"DATA\r\n", b"x" * 500),
        (EHLO + b"AUTH LOGIN\r\n", b"Y" * 500),
        (EHLO + b"AUTH PLAIN\r\n", b""),
        (EHLO, b""),
    ],
)
async def test_octets_that_trickle_in_do_not_keep_a_session(fast: bytes, slow: bytes) -> None:
    async with besieged(deadlines=QUICK) as siege:

        async def one() -> None:
            async with attacker(siege.port) as wire:
                await wire.send(fast)
                dripping = asyncio.create_task(wire.drip(slow, 0.02))
                began = time.perf_counter()
                assert codes(await wire.said())[-1] == 421
                assert time.perf_counter() - began < 3.0
                dripping.cancel()
                await asyncio.gather(dripping, return_exceptions=True)

        await asyncio.gather(*(one() for _ in range(40)), siege.serves_others())
        assert siege.listener.counters.overdue >= 40


CROWD = """
import resource, socket, sys
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
wires = []
for number in range(int(sys.argv[2])):
    wires.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60))
print("there", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("room", "further"), [(10_100, 220), (9_000, 421)])
async def test_ten_thousand_connections_that_say_nothing(room: int, further: int) -> None:
    """Whoever comes then is served, or told 421 where the door is full."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(before[1], 12_000)), before[1]))
    try:
        async with besieged(connections=room, connections_per_client=room) as siege:
            with little_memory(160):
                crowd = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", CROWD, str(siege.port), "10000",
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                assert crowd.stdin is not None
                assert crowd.stdout is not None
                assert await asyncio.wait_for(crowd.stdout.readline(), 60) == b"there\n"
                await until(lambda: siege.listener.counters.sessions >= 10_000)
                found = await siege.answers(b"", half=False) if further == 421 else None
                assert found in ([421], None)
                if further == 220:
                    assert siege.listener.counters.open_sessions == 10_000
                    await siege.serves_others()
            crowd.stdin.close()
            await crowd.wait()
            await until(lambda: not siege.listener.counters.open_sessions)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# Octets that do not belong there.

ODD = [
    b"NOOP\0\r\n", b"\0\r\n", b"MA\0IL FROM:<a@b.example>\r\n", b"MAIL FROM:<a\0@b.example>\r\n",
    b"MAIL FROM:<a@b.example\0>\r\n", b"\xffNOOP\r\n", b"NOOP \xc3\x28\r\n", b"MAIL FROM:<a@b.example> SIZE=\xb2\r\n",
    b"MAIL FROM:<\xed\xa0\x80@b.example>\r\n", b"NOOP\n", b"NOOP\r\r\n", b"NOOP\rNOOP\r\n",
    b"MAIL FROM:<a@b.example>\n",
    b"NOOP\x0b\r\n", b"NO\x08OP\r\n", b"\x1b[2J\r\n", b"MAIL FROM:<a@b.example> SIZE=-1\r\n",
    b"MAIL FROM:<a@b.example> SIZE=99999999999999999999999\r\n", b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2\r\n",
    b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", b"MAIL FROM:<a@b.example> X=y\r\n", b"MAIL FROM:a@b.example\r\n",
    b"MAIL FROM:<a@b@c.example>\r\n", b"MAIL FROM:<a b@c.example>\r\n", b"MAIL FROM:<<a@b.example>>\r\n",
    b"MAIL FROM:<a@b.example><c@d.example>\r\n", b"MAIL TO:<a@b.example>\r\n", b"MAIL\r\n", b"MAIL FROM:\r\n",
    b'MAIL FROM:<"a\\\r\n', b"MAIL FROM:<a@[127.0.0.1]>\r\n", b"MAIL FROM:<a@-b.example>\r\n",
    b"MAIL FROM:<a@b.example> ENVID=+0D+0AX\r\n", b"MAIL FROM:<a@" + b"b" * 300 + b".example>\r\n",
]  # fmt: skip


@pytest.mark.parametrize("octets", ODD, ids=brief)
async def test_a_command_with_octets_that_do_not_belong_there_does_nothing(octets: bytes) -> None:
    async with besieged() as siege:
        found = await siege.answers(EHLO + octets + RCPT)
        assert all(code >= 500 or code == 452 for code in found[2:]), found
        assert found[2] in {500, 501, 503, 550, 552, 553, 555, 452}
        assert found[-1] == 503


@pytest.mark.parametrize(
    "octets", [b"BDAT 0 LAST\r\n", b"BDAT 600 LAST\r\n" + LETTER, b"BDAT -1\r\n", b"BDAT 9e9 LAST\r\n"]
)
async def test_chunks_are_not_offered_and_not_taken(octets: bytes) -> None:
    async with besieged() as siege:
        async with attacker(siege.port) as wire:
            await wire.send(EHLO + MAIL + RCPT + octets)
            wire.no_more()
            said = await wire.said()
        assert b"CHUNKING" not in said
        assert all(code >= 500 for code in codes(said)[4:])
        assert siege.wrongly_taken == []


# Two mails out of one.

ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\r\n.\r\r\n", b"\n\n.\r\n",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n. \r\n", b"\r\n.\t\r\n", b"\r\n..\r\n", b"\r\n .\r\n", b"\x85.\x85",
    b"\x0b.\x0b",
    b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n.\r \n", b"\n\r.\n\r", b"\r\n.\r\n\r"[:4], b"\x00\r\n.\n", b"\x0c.\x0c",
    b"=0D=0A.=0D=0A", b"\r\n\xef\xbb\xbf.\r\n", b"\x8d\x8a.\x8d\x8a",
]  # fmt: skip


@pytest.mark.parametrize("mark", ENDS, ids=brief)
@pytest.mark.parametrize("door", [{}, {"long_lines": "encode"}])
async def test_no_end_but_the_one_of_the_rfc_ends_a_message(mark: bytes, door: dict[str, Any]) -> None:
    evil = EHLO + MAIL + RCPT + b"DATA\r\n" + LETTER.removesuffix(b"\r\n") + mark + SMUGGLED + b"QUIT\r\n"
    async with besieged(**door) as siege:
        found = await siege.answers(evil)
        assert found[:5] == [220, 250, 250, 250, 354]
        assert found[5] in {250, 550, 554}
        assert found[6:] == [221]
        taken = siege.wrongly_taken
        assert len(taken) == (found[5] == 250)
        for each in taken:
            assert [person.address for person in each.recipients] == ["anna@kunde.example"]
            assert b"admin@nordlicht.example" in each.data, "what stands behind the mark is content"
            assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", each.data)


@pytest.mark.parametrize("mark", ENDS[:12], ids=brief)
async def test_a_false_end_is_none_wherever_the_packets_are_cut(mark: bytes) -> None:
    head, evil = EHLO + MAIL + RCPT + b"DATA\r\n" + LETTER.removesuffix(b"\r\n"), mark + SMUGGLED + b"QUIT\r\n"
    async with besieged() as siege:
        for place in range(len(mark) + 6):
            async with attacker(siege.port) as wire:
                await wire.send(head)
                await asyncio.sleep(0.002)
                await wire.send(evil[:place])
                await asyncio.sleep(0.002)
                await wire.send(evil[place:])
                found = codes(await wire.said())
                assert found[:5] == [220, 250, 250, 250, 354]
                assert found[6:] == [221]
        assert {each.sender for each in siege.wrongly_taken} <= {"mallory@evil.example"}


# Load balancers.


def second(command: int, family: int, payload: bytes, length: int | None = None) -> bytes:
    """A PROXY header of version 2."""
    size = len(payload) if length is None else length
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, family]) + size.to_bytes(2, "big") + payload


FOUR = socket.inet_aton("192.0.2.9") + socket.inet_aton("192.0.2.1") + b"\x10\x00\x00\x19"
SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::9") * 2 + b"\x10\x00\x00\x19"
WRONG_HEADERS = [
    b"PROXY\r\n", b"PROXY \r\n", b"PROXY TCP4\r\n", b"PROXY TCP4 192.0.2.9 192.0.2.1 1\r\n",
    b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 192.0.2.9 192.0.2.1 1 65536\r\n", b"PROXY TCP4 192.0.2.9 192.0.2.1 -1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n",
    b"PROXY TCP6 192.0.2.9 192.0.2.1 1 2\r\n", b"PROXY TCP4 192.0.2.999 192.0.2.1 1 2\r\n",
    b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2 3\r\n", b"PROXY TCP4 127.0.0.01 127.0.0.1 1 2\r\n",
    b"PROXY TCP4  127.0.0.1 127.0.0.1 1 2\r\n",
    b"PROXY TCP4 localhost localhost 1 2\r\n", b"PROXY TCP4 127.0.0.1\0 127.0.0.1 1 2\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 \xb2 2\r\n", b"PROXY TCP4 " + b"1" * 200 + b"\r\n",
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
    second(0x21, 0x11, FOUR[:11]), second(0x21, 0x11, b""), second(0x21, 0x21, FOUR), second(0x21, 0x31, bytes(216)),
    second(0x21, 0x12, FOUR), second(0x31, 0x11, FOUR), second(0x11, 0x11, FOUR), second(0x22, 0x11, FOUR),
    second(0x21, 0x41, SIX), second(0x21, 0x11, FOUR, 65_535), second(0x21, 0xFF, FOUR),
    b"\r\n\r\n\0\r\nQUIP\n\x21\x11\0\x0c" + FOUR,
    EHLO, b"\r\n", b"\0" * 300, b"QUIT\r\n",
]  # fmt: skip


@pytest.mark.parametrize("header", WRONG_HEADERS, ids=brief)
async def test_a_wrong_header_of_a_load_balancer_ends_the_connection(header: bytes) -> None:
    async with besieged(served=False, proxy_networks=("127.0.0.0/8",)) as siege:
        assert await siege.answers(header + WHOLE, half=False) in ([], [421])
        assert siege.desk.taken == []


@pytest.mark.parametrize(
    "header", [second(0x21, 0x11, FOUR), b"PROXY TCP4 192.0.2.9 192.0.2.1 4096 25\r\n", b"PROXY UNK"]
)
async def test_a_header_that_is_cut_off_or_late_gets_nobody_in(header: bytes) -> None:
    async with besieged(served=False, proxy_networks=("127.0.0.0/8",), deadlines=QUICK) as siege:
        for place in range(len(header)):
            async with attacker(siege.port) as wire:
                await wire.send(header[:place])
                wire.no_more()
                assert codes(await wire.said()) in ([], [421])
        began = time.perf_counter()
        assert await siege.answers(header[:-1], half=False) in ([], [421])
        assert time.perf_counter() - began < 3.0
        assert siege.desk.taken == []


@pytest.mark.parametrize(
    "header",
    [
        second(0x20, 0, b""), second(0x21, 0, b"x" * 40), b"PROXY UNKNOWN\r\n", second(0x20, 0x11, FOUR),
        second(0x21, 0x11, FOUR), second(0x21, 0x21, SIX), b"PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2\r\n",
    ],
    ids=brief,
)  # fmt: skip
async def test_behind_a_load_balancer_its_own_address_opens_nothing(header: bytes) -> None:
    async with besieged(served=False, proxy_networks=("127.0.0.0/8",)) as siege:
        assert await siege.answers(header + EHLO + MAIL) == [220, 250, 530]
        assert (await siege.answers(header + EHLO + b"AUTH PLAIN " + b64encode(b"\0crm\0secret") + b"\r\n"))[2] in {
            530,
            538,
        }
        assert siege.keeper.tries == 0
        assert (await siege.answers(header * 2 + b"\r\n" + EHLO + MAIL))[-1] == 530, (
            "the second header is a command, and unknown"
        )


@pytest.mark.parametrize("header", [second(0x21, 0x11, FOUR), b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"])
async def test_from_elsewhere_the_header_is_an_unknown_command(header: bytes) -> None:
    async with besieged(Keeper("192.0.2.9"), served=False, proxy_networks=("192.0.2.0/24",)) as siege:
        found = await siege.answers(header + b"\r\n" + EHLO + MAIL)
        assert found[0] == 220
        assert set(found[1:-2]) == {500}
        assert found[-2:] == [250, 530]


# TLS.


def shaken(client: ssl.SSLObject, incoming: ssl.MemoryBIO) -> bool:
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


class Masked:
    """A client with TLS in its own hands, record by record."""

    def __init__(self, wire: Attacker) -> None:
        self.wire = wire
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)

    def hello(self) -> bytes:
        assert not shaken(self.tls, self.incoming)
        return self.outgoing.read()

    async def shake(self) -> None:
        done = False
        while not done:
            done = shaken(self.tls, self.incoming)
            await self.wire.send(self.outgoing.read())
            if not done:
                piece = await self.wire.reader.read(65_536)
                assert piece
                self.incoming.write(piece)

    def record(self, octets: bytes) -> bytes:
        self.tls.write(octets)
        return self.outgoing.read()

    async def said(self) -> bytes:
        self.incoming.write(await self.wire.said())
        found = bytearray()
        with suppress(ssl.SSLError):
            while piece := self.tls.read(65_536):
                found += piece
        return bytes(found)


@asynccontextmanager
async def starting_tls(siege: Siege, behind: bytes = b"") -> AsyncIterator[Masked]:
    """A client that has been told to go ahead; `behind` goes in one packet with STARTTLS."""
    async with attacker(siege.port) as wire:
        await wire.send(EHLO + b"STARTTLS\r\n" + behind)
        while not (await wire.line()).startswith(b"220 2.0.0"):
            pass
        yield Masked(wire)


async def test_commands_in_the_clear_behind_starttls_are_never_obeyed(tls: ssl.SSLContext) -> None:
    async with besieged(tls=tls, deadlines=replace(Deadlines(), closing=0.2)) as siege:
        for behind in (
            b"NOOP\r\n",
            EHLO + SMUGGLED,
            MAIL,
            b"AUTH PLAIN " + b64encode(b"\0crm\0secret") + b"\r\n",
            b"MAIL",
        ):
            async with starting_tls(siege, behind) as masked:
                await masked.shake()
                await masked.wire.send(masked.record(RCPT + MAIL + EHLO + b"STARTTLS\r\nQUIT\r\n"))
                assert codes(await masked.said()) == [503, 503, 250, 503, 221]
        assert siege.keeper.tries == 0
        assert siege.wrongly_taken == []


@pytest.mark.parametrize(
    "octets",
    [
        b"\0" * 50, b"NOOP\r\n" * 20, b"\x16\x03\x01\xff\xff" + b"A" * 70_000, b"\x15\x03\x01\0\x02\x02\x28",
        b"\x16\x03\x00\0\x04\x01\0\0\0", b"\x80\x2e\x01\0\x02", b"\x17\x03\x03\0\x10" + b"x" * 16,
    ],
    ids=brief,
)  # fmt: skip
async def test_rubbish_in_the_place_of_a_handshake_ends_the_connection(tls: ssl.SSLContext, octets: bytes) -> None:
    async with besieged(tls=tls, deadlines=QUICK) as siege:
        with little_memory():
            for early in (b"", octets):
                async with starting_tls(siege, early) as masked:
                    await masked.wire.send(octets)
                    masked.wire.no_more()
                    assert b"250" not in await masked.wire.said()
        assert siege.listener.counters.tls_faults == 2
        assert siege.desk.taken == []


async def test_a_handshake_that_stops_anywhere_is_given_up(tls: ssl.SSLContext) -> None:
    async with besieged(tls=tls, deadlines=QUICK) as siege:

        async def one(part: float, rude: bool) -> None:
            async with starting_tls(siege) as masked:
                hello = masked.hello()
                await masked.wire.send(hello[: int(len(hello) * part)])
                if rude:
                    await asyncio.sleep(0.05)
                    masked.wire.slam()
                else:
                    began = time.perf_counter()
                    await masked.wire.said()
                    assert time.perf_counter() - began < 3.0

        tries = [(part / 10, rude) for part in range(11) for rude in (False, True)]
        await asyncio.gather(*(one(*each) for each in tries), siege.serves_others())
        assert siege.listener.counters.tls_faults == len(tries)


@pytest.mark.parametrize("spoil", ["cut", "flip", "clear", "reset", "eof"])
async def test_tls_that_fails_in_the_middle_of_a_message_takes_nothing(tls: ssl.SSLContext, spoil: str) -> None:
    async with besieged(tls=tls) as siege:
        async with starting_tls(siege) as masked:
            await masked.shake()
            await masked.wire.send(masked.record(EHLO + MAIL + RCPT + b"DATA\r\n"))
            rest = masked.record(LETTER + END)
            match spoil:
                case "cut":
                    await masked.wire.send(rest[:-1])
                    masked.wire.no_more()
                case "flip":
                    await masked.wire.send(rest[:-1] + bytes([rest[-1] ^ 1]))
                case "clear":
                    await masked.wire.send(LETTER + END)
                case "reset":
                    await masked.wire.send(rest[: len(rest) // 2])
                    masked.wire.slam()
                case _:
                    masked.wire.no_more()
            if spoil != "reset":
                assert codes(await masked.said())[:4] in ([250, 250, 250, 354], [])
        await emptied(siege.listener)
        assert siege.desk.taken == []


async def test_a_plain_client_at_the_door_of_tls_and_tls_at_the_plain_one_get_nowhere(tls: ssl.SSLContext) -> None:
    async with besieged(served=False, tls=tls, implicit_tls=True, deadlines=QUICK) as siege:
        async with attacker(siege.port) as wire:
            await wire.send(WHOLE)
            wire.no_more()
            assert b"250" not in await wire.said()
        assert siege.desk.taken == []
    async with besieged(tls=tls) as siege, attacker(siege.port) as wire:
        await wire.send(Masked(wire).hello() + b"\r\n")
        wire.no_more()
        assert set(codes(await wire.said())) <= {220, 500, 421}


@pytest.mark.needs("openssl")
async def test_nobody_makes_the_door_shake_hands_again(tls: ssl.SSLContext) -> None:
    words = ("s_client", "-tls1_2", "-starttls", "smtp", "-connect")
    async with besieged(tls=tls, deadlines=replace(Deadlines(), closing=0.2)) as siege:
        client = await asyncio.create_subprocess_exec(
            "openssl", *words, f"{HERE}:{siege.port}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert client.stdin is not None
        await until(lambda: siege.listener.counters.open_sessions == 1)
        await asyncio.sleep(0.3)
        client.stdin.write(b"R\n")  # its word for another handshake
        told, _ = await asyncio.wait_for(client.communicate(), 8)
        assert b"RENEGOTIATING" in told
        assert b"no renegotiation" in told


# Logins.


def word(octets: bytes) -> bytes:
    return b64encode(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"AUTH\r\n", b"AUTH \r\n", b"AUTH XOAUTH2 x\r\n", b"AUTH CRAM-MD5\r\n", b"AUTH PLAIN !!!!\r\n",
        b"AUTH PLAIN =\r\n",
        b"AUTH PLAIN " + word(b"crm") + b"\r\n", b"AUTH PLAIN " + word(b"\0crm\0secret\0") + b"\r\n",
        b"AUTH PLAIN ====\r\n",
        b"AUTH PLAIN " + word(b"admin\0crm\0secret") + b"\r\n",
        b"AUTH PLAIN " + word(b"\0crm\0" + b"x" * 6_000) + b"\r\n",
        b"AUTH PLAIN " + word(b"\0\0") + b"\r\n", b"AUTH PLAIN " + word(b"\0crm\0\xff\xfe") + b"\r\n",
        b"AUTH PLAIN\r\n*\r\n",
        b"AUTH PLAIN\r\n" + EHLO, b"AUTH PLAIN\r\n" + word(b"\0crm\0secret") + b"\n", b"AUTH LOGIN\r\n\r\n\r\n",
        b"AUTH LOGIN " + word(b"crm") + b"\r\n*\r\n",
        b"AUTH LOGIN\r\n" + word(b"crm") + b"\r\n" + b"A" * 20_000 + b"\r\n",
        b"AUTH PLAIN " + word(b"\0crm\0secret")[:-1] + b"\r\n", b"AUTH PLAIN " + word(b"\0crm\0secret") + b" x\r\n",
        b"AUTH PLAIN " + word(b"\0crm\0secret") + b"=\r\n", b"AUTH PLAIN  " + word(b"\0crm\0secret") + b"\r\n",
        b"AUTH LOGIN\r\n" + MAIL + b"AUTH\r\n", b"AUTH LOGIN " + b"A" * 12_300 + b"\r\n",
    ],
    ids=brief,
)  # fmt: skip
async def test_a_login_that_is_none_lets_nobody_in(octets: bytes) -> None:
    async with besieged(Keeper(""), served=False) as siege:
        found = await siege.answers(EHLO + octets + b"RSET\r\n" + MAIL)
        assert 235 not in found
        assert found[-1] == 530
        assert [code for code in found[2:-2] if code not in {334, 500, 501, 503, 504, 535, 554, 250}] == []


async def test_who_guesses_is_sent_away_and_who_hangs_the_login_is_told_later() -> None:
    guess = b"AUTH PLAIN " + word(b"\0crm\0guess") + b"\r\n"
    async with besieged(Keeper(""), served=False) as siege:
        assert await siege.answers(EHLO + guess * 50 + MAIL) == [220, 250, 535, 535, 421]
        assert siege.keeper.tries == 3
    async with besieged(Keeper(HERE, hangs=True), deadlines=QUICK) as siege:
        found = await asyncio.gather(*(siege.answers(EHLO + guess) for _ in range(50)), siege.serves_others())
        assert found[:-1] == [[220, 250, 454]] * 50
