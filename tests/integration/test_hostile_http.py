"""People who mean harm at the HTTP door: an answer of RFC 9110 or an end, little memory, nobody else waits."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.integration.besieged import at_once, attacker, little_memory
from tests.unit.intake.http_fakes import MAIL, RULES, KeptSubmissions, TwoClients

from penstock.intake.http_door import http_routes
from penstock.ports import Client
from penstock.web.listener import serve

BODY = json.dumps(MAIL).encode()
KEY = b"Authorization: Bearer crm.secret\r\n"
START = b"POST /api/v1/mails HTTP/1.1\r\nHost: x\r\n" + KEY + b"Content-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"
POLITE = START + CLOSE + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
EVIL = json.dumps({**MAIL, "to": "victim@muster-werk.example"}).encode()
SMUGGLED = START + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [\x20-\x7e]*\r\n")
KNOWN = frozenset(
    {100, 200, 202, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 417, 422, 426, 429, 431, 501, 503, 505}
)


class NoNeighbours(TwoClients):
    """Lets nobody in without a key."""

    def neighbour(self, caller: str, /) -> Client | None:
        return None


class Siege:
    """The door under attack, and a well-behaved client beside the attackers."""

    def __init__(self, port: int, kept: KeptSubmissions) -> None:
        self.port, self.kept = port, kept
        self.polite = 0

    @property
    def victims(self) -> int:
        people = [person.address for each in self.kept.taken for person in each.recipients]
        return people.count("victim@muster-werk.example")

    @property
    def wrongly_taken(self) -> int:
        return len(self.kept.taken) - self.polite

    async def said(self, octets: bytes, *, half: bool = False) -> bytes:
        """All answers; `half` closes the way there, else the other side has to end it."""
        async with attacker(self.port) as wire:
            await wire.send(octets)
            if half:
                wire.no_more()
            return await wire.said()

    async def statuses(self, octets: bytes, *, half: bool = False) -> list[int]:
        """Of all answers to these octets, each of which the RFC knows."""
        return statuses(await self.said(octets, half=half))

    async def serves_others(self) -> None:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            assert await self.statuses(POLITE) == [202]
            self.polite += 1
            took.append(time.perf_counter() - began)
            if took[-1] < 0.2:
                break
        at_once(took)


def statuses(said: bytes) -> list[int]:
    found = [int(each) for each in STATUS.findall(said)]
    assert set(found) <= KNOWN, found
    assert bool(found) == bool(said)
    return found


@asynccontextmanager
async def besieged(*, head_seconds: float = 5.0, served: bool = True, **rules: Any) -> AsyncIterator[Siege]:
    kept, stop, url = KeptSubmissions(), asyncio.Event(), asyncio.get_running_loop().create_future()
    routes = http_routes(kept, NoNeighbours(), replace(RULES, **rules))
    server = asyncio.create_task(
        serve(routes, "127.0.0.1:0", stop, ready=url.set_result, head_seconds=head_seconds, grace=1)
    )
    try:
        siege = Siege(urlsplit(await asyncio.wait_for(url, 5)).port or 0, kept)
        await siege.serves_others()
        yield siege
        if served:
            await siege.serves_others()
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


def post(body: bytes, more: bytes = b"", start: bytes = START) -> bytes:
    return start + CLOSE + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def brief(octets: object) -> str:
    """A name for a case."""
    return ascii(octets[-40:])[2:-1] if isinstance(octets, bytes) else ""


# One request or two.

LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
UNCLEAR = [
    LENGTH + CHUNKED + b"\r\n" + CHUNKS,
    CHUNKED + LENGTH + b"\r\n" + CHUNKS,
    b"Content-Length: 4\r\n" + CHUNKED + b"\r\n" + CHUNKS,
    LENGTH + CHUNKED + b"\r\n" + BODY,
    LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    b"Content-Length: 0\r\n" + LENGTH + b"\r\n" + BODY,
    b"Content-Length: 5, %d\r\n\r\n" % len(BODY) + BODY,
    b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
    b"Content-Length: -1\r\n\r\n" + BODY,
    b"Content-Length: 0x%x\r\n\r\n" % len(BODY) + BODY,
    b"Content-Length: 1_0\r\n\r\n" + BODY,
    b"Content-Length: \xb2\r\n\r\n" + BODY,
    b"Content-Length: %d\x0b\r\n\r\n" % len(BODY) + BODY,
    b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
    b"Content-Length:\r\n\r\n" + BODY,
    b"Content-Length: 9" + b"9" * 400 + b"\r\n\r\n" + BODY,
    b"Transfer-Encoding: xchunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
    b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"Transfer-Encoding:\x0bchunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"Transfer-Encoding: \"chunked\"\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"X: y\rTransfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"X: y\0\r\nTransfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    b"Transfer-Encoding\0: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS,
    CHUNKED + b"\r\n-1\r\n" + BODY + b"\r\n0\r\n\r\n",
    CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n" + BODY,
    CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
    CHUNKED + b"\r\n5\r\nhelloXX\r\n0\r\n\r\n",
    CHUNKED + b"\r\n5 \r\nhello0\r\n\r\n",
    CHUNKED + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"\r\nfffffffffffffff0\r\n" + BODY,
    b" folded: x\r\n" + LENGTH + b"\r\n" + BODY,
    b"X: y\r\n folded\r\n" + CHUNKED + LENGTH + b"\r\n" + CHUNKS,
]  # fmt: skip


@pytest.mark.parametrize("rest", UNCLEAR, ids=brief)
async def test_a_request_whose_end_is_unclear_is_the_last_one(rest: bytes) -> None:
    """Or none. Else a proxy that reads its length in another way would hand in for strangers."""
    async with besieged() as siege:
        with little_memory():
            found = await siege.statuses(START + rest + SMUGGLED, half=True)
        assert siege.victims == 0
        assert len(found) <= 1
        assert siege.wrongly_taken <= 1


async def test_requests_one_behind_the_other_are_answered_each() -> None:
    async with besieged() as siege:
        assert await siege.statuses(SMUGGLED * 3 + POLITE) == [202] * 4
        assert siege.victims == 3
        assert await siege.statuses(POLITE + SMUGGLED) == [202], "behind the last nothing is heard"
        assert siege.victims == 3


# Heads.

HEADS = [
    b"POST /api/v1/mails HTTP/1.1\r\n" + KEY + LENGTH + b"\r\n" + BODY,
    b"POST /api/v1/mails HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + KEY + LENGTH + b"\r\n" + BODY,
    b"POST /api/v1/mails HTTP/2.0\r\nHost: x\r\n" + KEY + LENGTH + b"\r\n" + BODY,
    b"POST /api/v1/mails\r\n" + BODY, b"POST  /api/v1/mails  HTTP/1.1\r\nHost: x\r\n\r\n", b"GET\r\n\r\n",
    b"\r\n" * 5_000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 600,
    b"EHLO evil.example\r\n",
    b"\0" * 5_000, b"\xff" * 5_000, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    START + b"X: " + b"a" * 100_000 + b"\r\n\r\n", START + b"X: y\r\n" * 20_000 + b"\r\n",
    START + b"".join(b"X-%d: y\r\n" % number for number in range(9_000)) + b"\r\n", START + b": y\r\n\r\n",
    START + b"no colon\r\n\r\n", START + b"X\x01: y\r\n\r\n", START + b"X: a\x01b\0\r\n\r\n",
    b"POST /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("octets", HEADS, ids=brief)
async def test_a_head_that_is_none_is_refused(octets: bytes) -> None:
    async with besieged(head_seconds=0.5, seconds=0.5) as siege:
        with little_memory():
            assert set(await siege.statuses(octets, half=True)) <= {400, 404, 405, 413, 414, 415, 422, 431, 505}
        assert siege.wrongly_taken == 0


@pytest.mark.parametrize(
    "target",
    [
        b"//api/v1/mails", b"/api/v1/mails/", b"/api/v1/../v1/mails", b"/api/v1/mails/../mails",
        b"/api/v1/%6dails%00", b"/API/v1/mails",
        b"/api/v1/mails%2f", b"/api/v1/mails;x", b"/api//v1/mails", b"\\api\\v1\\mails", b"*", b"/",
        b"/api/v1/mails%20", b"/%2e%2e/%2e%2e/etc/passwd",
        b"/api/v1/mails/..%2f..%2f..%2fpenstock.db", b"/api/v1/mails?stream=transactional&x=%00",
        b"/api/v1/mails?%ff", b"/api/v1/mails?stream=a&stream=b",
        b"/api/v1/mails?dry_run=2", b"/api/v1/mails?to=victim@muster-werk.example", b"/api/v1/mails/" + b"a" * 9_000,
    ],
    ids=brief,
)  # fmt: skip
async def test_tricks_with_the_path_find_nothing(target: bytes) -> None:
    async with besieged() as siege:
        for method in (b"POST", b"GET", b"DELETE", b"TRACE", b"CONNECT", b"post", b"OPTIONS", b"PUT"):
            request = POLITE.replace(b"POST /api/v1/mails", method + b" " + target)
            (status,) = await siege.statuses(request)
            assert status in {400, 404, 405, 422}, (method, status)
        assert siege.wrongly_taken == 0


@pytest.mark.parametrize(
    "login",
    [
        b"Bearer", b"Bearer ", b"Bearer crm", b"Bearer crm.", b"Bearer .secret", b"Bearer crm.secret.x",
        b"Bearer crm.\xff\xfe", b"Bearer \xc3\xa9.x",
        b"Bearer crm.secre\tt", b"Bearer crm.secret, Bearer crm.x", b"Bearer " + b"x" * 12_000, b"Basic",
        b"Basic ====", b"Basic crm:secret", b"Basic \xff",
        b"Basic " + b64encode(b"crm"), b"Basic " + b64encode(b"crm:\xff"), b"Basic " + b64encode(b"crm:secret\0"),
        b"Basic " + b64encode(b"\0:secret"),
        b"Negotiate x", b"Digest username=crm", b"crm.secret", b"BearerX crm.secret", b"Bearer Bearer crm.secret",
        b"Bearer crm%2esecret",
        b"Bearer \xa0crm.secret", b"Bearer crm.secret\xa0", b"Bearer crm.secret\x85",
    ],
    ids=brief,
)  # fmt: skip
async def test_a_login_that_is_none_lets_nobody_in(login: bytes) -> None:
    async with besieged() as siege:
        assert await siege.statuses(POLITE.replace(b"Bearer crm.secret", login)) in ([401], [400])
        assert await siege.statuses(POLITE.replace(KEY, b"X-Forwarded-For: 127.0.0.1\r\nOrigin: null\r\n")) == [401]
        assert siege.wrongly_taken == 0


async def test_two_logins_in_one_request_are_not_a_choice() -> None:
    async with besieged() as siege:
        for first, second in ((b"crm.secret", b"crm.wrong"), (b"crm.wrong", b"crm.secret")):
            both = b"Authorization: Bearer " + first + b"\r\nAuthorization: Bearer " + second + b"\r\n"
            assert await siege.statuses(POLITE.replace(KEY, both)) in ([400], [401])
        assert siege.wrongly_taken == 0


# Bodies.


def extended(fields: bytes) -> bytes:
    """The mail with more in it."""
    return BODY[:-1] + b", " + fields + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[", b"{", b"null", b"1", b'"x"', b"true", b"[]", b"[1]", b"[null]", b"[[]]", b"{}",
        b"\xef\xbb\xbf" + BODY, b"\xff\xfe" + BODY,
        b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        extended(b'"tag": ' + b"[" * 50_000 + b"]" * 50_000), extended(b'"tag": NaN'), extended(b'"tag": 1e999'),
        extended(b'"tag": ' + b"9" * 100_000), extended(b'"tag": "\\ud800"'), extended(b'"tag": "\xff"'),
        extended(b'"to": "victim@muster-werk.example"'), extended(b'"__proto__": {}'),
        extended(b'"subject\\u0000": "x"'),
        BODY + BODY, BODY + b"\0", BODY.replace(b"Your invoice", b"x\\r\\nBcc: victim@muster-werk.example"),
        BODY.replace(b"Your invoice", b"x\\u0000"), BODY.replace(b'"anna.keller@', b'"a\\r\\nRCPT TO:<v>@'),
        extended(b'"headers": {"X-A": "b\\r\\nBcc: v@x.example"}'),
        extended(b'"headers": {"X\\r\\nBcc": "v@x.example"}'),
        extended(b'"headers": {"Bcc": "victim@muster-werk.example"}'),
        extended(b'"envelope_from": "a@b.example> SIZE=1"'),
        extended(b'"attachments": [{"name": "x", "content": "!!"}]'),
        extended(b'"attachments": [{"name": "../../etc/passwd\\u0000", "content": "eA=="}]'),
    ],
    ids=brief,
)  # fmt: skip
async def test_a_body_that_is_no_mail_is_refused(body: bytes) -> None:
    async with besieged() as siege:
        with little_memory(40):
            found = await siege.said(post(body))
        (status,) = statuses(found)
        if body[:1] == b"[" and status == 200:  # each mail of a batch has its own
            assert json.loads(found.partition(b"\r\n\r\n")[2])[0]["status"] in {400, 422}
        else:
            assert status in {400, 422, 413}
        assert siege.wrongly_taken == 0


async def test_one_bad_mail_among_five_hundred_spoils_only_itself() -> None:
    mails: list[Any] = [{**MAIL, "to": f"p{number}@muster-werk.example"} for number in range(500)]
    mails[250] = {"to": 1, "deep": [[[[]]]]}
    async with besieged(size_limit=1 << 20) as siege:
        said = await siege.said(post(json.dumps(mails).encode()))
        found = [each["status"] for each in json.loads(said.partition(b"\r\n\r\n")[2])]
        assert (found[250], {*found[:250], *found[251:]}) == (422, {202})
        assert siege.wrongly_taken == 499
        siege.polite += 499
        assert await siege.statuses(post(json.dumps([*mails, MAIL]).encode())) in ([413], [422])
        assert siege.wrongly_taken == 0


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"gzip, gzip", b"x", b"identity, gzip"])
async def test_packed_bodies_are_not_unpacked(encoding: bytes) -> None:
    bomb = gzip.compress(bytes(1 << 27))
    async with besieged() as siege:
        with little_memory():
            assert await siege.statuses(post(bomb, b"Content-Encoding: " + encoding + b"\r\n")) == [415]
            assert (await siege.statuses(post(gzip.compress(BODY), b"Content-Encoding: identity\r\n")))[0] == 400
        assert siege.wrongly_taken == 0


async def test_bodies_without_measure_are_cut_off() -> None:
    async with besieged() as siege:
        with little_memory():
            chunk = b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"
            async with attacker(siege.port) as wire:
                await wire.send(START + CHUNKED + b"\r\n")
                told, sent = asyncio.create_task(wire.said()), 0
                while not told.done():
                    await wire.send(chunk)
                    await asyncio.sleep(0.005)
                    sent += 1
                assert statuses(await told) in ([413], []), "a reset may outrun the answer"
                assert sent < 50
            assert await siege.statuses(START + CLOSE + b"Content-Length: 99999999999\r\n\r\n") == [413]
        assert siege.wrongly_taken == 0


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (b"", 400), (b"x" * 255, 202), (b"x" * 256, 400), (b"x" * 9_000, 400), (b"\xc3\xa9", 400), (b"a\tb", 400),
        (b"a b", 202),
        (b"1\r\nIdempotency-Key: 2", 400), (b"' OR 1=1 --", 202), (b"../../x", 202),
    ],
    ids=brief,
)  # fmt: skip
async def test_keys_against_doubles_cannot_be_abused(key: bytes, status: int) -> None:
    async with besieged() as siege:
        head = b"Idempotency-Key: " + key + b"\r\n"
        assert await siege.statuses(post(BODY, head)) == [status]
        siege.polite += status == 202
        if status == 202:
            again = await asyncio.gather(*(siege.said(post(BODY, head)) for _ in range(5)))
            assert len({each.partition(b"\r\n\r\n")[2] for each in again}) == 1
            assert await siege.statuses(post(EVIL, head)) == [409]
            other = post(BODY, head, START.replace(b"crm.", b"shop."))
            assert await siege.statuses(other) == [202], "another's own key"
            siege.polite = len(siege.kept.taken)
        assert siege.victims == len([each for each in siege.kept.taken if b"victim" in each.data])


# Silence.


@pytest.mark.parametrize(
    ("fast", "slow"),
    [
        (b"", b""), (b"", b"POST /api/v1/mails HTTP/1.1\r\n" * 9), (START, b"X: y\r\n" * 90),
        (START + LENGTH + b"\r\n", b" " * 500),
        (START + LENGTH + b"\r\n", b""), (START + CHUNKED + b"\r\n", b"1\r\n \r\n" * 90), (POLITE.replace(CLOSE,
        b""), b"P" * 500),
    ],
    ids=brief,
)  # fmt: skip
async def test_octets_that_trickle_in_do_not_keep_a_connection(fast: bytes, slow: bytes) -> None:
    async with besieged(head_seconds=0.4, seconds=0.4) as siege:

        async def one() -> None:
            async with attacker(siege.port) as wire:
                await wire.send(fast)
                dripping = asyncio.create_task(wire.drip(slow, 0.02))
                began = time.perf_counter()
                assert set(statuses(await wire.said())) <= {202, 408}
                assert time.perf_counter() - began < 4.0
                dripping.cancel()
                await asyncio.gather(dripping, return_exceptions=True)

        await asyncio.gather(*(one() for _ in range(40)), siege.serves_others())
        siege.polite = len(siege.kept.taken)


async def test_a_crowd_that_says_nothing_is_let_go_and_a_client_is_served_or_told_so() -> None:
    async with besieged(head_seconds=2.0) as siege:
        with little_memory(60):
            crowd = [await asyncio.open_connection("127.0.0.1", siege.port) for _ in range(1_500)]
            found = await siege.statuses(POLITE)
            assert found in ([202], [503])
            siege.polite += found == [202]
            for reader, writer in crowd:
                assert await asyncio.wait_for(reader.read(), 8) == b""
                writer.close()


@pytest.mark.parametrize("seed", range(4))
async def test_rubbish_is_refused(seed: int) -> None:
    dice = random.Random(seed)
    words = [
        START,
        LENGTH,
        CHUNKED,
        b"\r\n",
        b"\r\n\r\n",
        b"0\r\n\r\n",
        BODY,
        b"GET / HTTP/1.1\r\n",
        b"\0",
        b"\xff" * 9,
        b": ",
    ]
    async with besieged() as siege:
        with little_memory():
            for _ in range(60):
                rubbish = b"".join(dice.choice(words) for _ in range(40))
                statuses(await siege.said(rubbish, half=True))
        siege.polite = len(siege.kept.taken)


@pytest.mark.parametrize("place", range(0, len(POLITE) - 1, 23))
async def test_who_breaks_off_has_handed_in_nothing(place: int) -> None:
    async with besieged() as siege:
        await siege.statuses(POLITE[:place], half=True)
        async with attacker(siege.port) as wire:
            await wire.send(POLITE[:place])
            await asyncio.sleep(0.01)
            wire.slam()
        assert siege.wrongly_taken == 0


@pytest.mark.parametrize(
    "head",
    [
        b"Expect: 200-ok\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"TE: trailers, chunked\r\n", b"Connection: Host\r\n",
    ],
    ids=brief,
)  # fmt: skip
async def test_wishes_for_another_protocol_change_nothing(head: bytes) -> None:
    async with besieged() as siege:
        found = await siege.statuses(POLITE.replace(CLOSE, head + CLOSE))
        assert found in ([202], [100, 202], [417], [400])
        siege.polite += found[-1] == 202
        assert siege.wrongly_taken == 0
