from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.smtp_opening import offers_of
from penstock.adapters.smtp_session import Offers, ServerReply, Session, SessionBroken


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (1, 0)

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


def a_session() -> tuple[Session, Wire]:
    wire = Wire()
    return Session(wire, Offers()), wire


async def all_of(session: Session) -> list[ServerReply | str]:
    seen: list[ServerReply | str] = []
    while True:
        try:
            seen.append(await session.reply(0.01))
        except SessionBroken as fault:
            return [*seen, fault.why]


lines = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=20).map(str.encode)
replies = st.tuples(st.integers(200, 599), st.lists(lines, min_size=1, max_size=4))


def written(code: int, texts: list[bytes]) -> bytes:
    marks = [b"-"] * (len(texts) - 1) + [b" "]
    return b"".join(b"%d%s%s\r\n" % (code, mark, text) for mark, text in zip(marks, texts, strict=True))


@given(st.lists(replies, min_size=1, max_size=6), st.integers(1, 30))
def test_replies_are_read_the_same_however_they_are_cut(
    given_replies: list[tuple[int, list[bytes]]], step: int
) -> None:
    async def read() -> list[ServerReply | str]:
        session, _ = a_session()
        wire = b"".join(written(*reply) for reply in given_replies)
        for at in range(0, len(wire), step):
            session.data_received(wire[at : at + step])
        session.connection_lost(None)
        return await all_of(session)

    seen = asyncio.run(read())
    assert seen[:-1] == [ServerReply(code, tuple(texts)) for code, texts in given_replies]
    assert seen[-1] == "the server closed the connection"


@given(st.binary(max_size=200))
def test_no_octets_whatever_raise_anything(data: bytes) -> None:
    async def read() -> None:
        session, _ = a_session()
        session.data_received(data)
        session.connection_lost(OSError())
        for reply in (await all_of(session))[:-1]:
            assert isinstance(reply, ServerReply)
            assert reply.status is None or reply.status[0] in "245"
            assert isinstance(reply.text, str)

    asyncio.run(read())


@pytest.mark.parametrize(
    "line",
    [
        b"hello\r\n",
        b"25 ok\r\n",
        b"999 ok\r\n",
        b"150 ok\r\n",
        b"250ok\r\n",
        b"250-a\r\n550 b\r\n",
        b"\r\n",
        b"250 " + b"x" * 5000,
    ],
)
async def test_what_is_no_smtp_ends_the_session(line: bytes) -> None:
    session, wire = a_session()
    session.data_received(line)
    assert wire.closed
    assert "the server answers" in str((await all_of(session))[-1])


async def test_a_server_without_end_is_left() -> None:
    session, wire = a_session()
    for _ in range(200):
        session.data_received(b"250-more\r\n")
    assert wire.closed


async def test_silence_ends_the_session_and_the_reason_stays() -> None:
    session, wire = a_session()
    for _ in range(2):
        with pytest.raises(SessionBroken, match="silent") as caught:
            await session.reply(0.01)
        assert caught.value.timed_out
    assert wire.closed
    assert not session.usable
    session.write(b"QUIT\r\n")
    assert wire.written == []


async def test_a_session_to_which_something_was_said_unasked_is_not_used_again() -> None:
    session, _ = a_session()
    session.data_received(b"421 4.4.2 idle for too long\r\n")
    assert not session.usable
    with pytest.raises(SessionBroken, match="nothing had asked"):
        session.expect_silence()


async def test_a_fresh_session_can_be_used() -> None:
    session, _ = a_session()
    assert session.usable
    session.expect_silence()


async def test_draining_waits_until_all_octets_have_left() -> None:
    session, _ = a_session()
    await session.drained(0.01)
    session.pause_writing()
    waiting = asyncio.create_task(session.drained(5))
    await asyncio.sleep(0)
    session.data_received(b"250 early\r\n")
    await asyncio.sleep(0.01)
    assert not waiting.done()
    session.resume_writing()
    await waiting
    session.pause_writing()
    with pytest.raises(SessionBroken, match="silent"):
        await session.drained(0.01)
    assert session.paused


async def test_a_reply_that_came_before_the_end_can_still_be_read() -> None:
    session, _ = a_session()
    session.data_received(b"421 4.3.2 bye\r\n")
    session.connection_lost(None)
    assert (await session.reply(1)).status == "4.3.2"
    with pytest.raises(SessionBroken):
        await session.reply(1)


@pytest.mark.parametrize(
    ("extensions", "offers"),
    [
        ({}, Offers()),
        ({"size": "35882577", "pipelining": "", "dsn": ""}, Offers(True, False, False, True, True, 35_882_577)),
        ({"size": ""}, Offers(sized=True)),
        ({"size": "²", "8bitmime": "", "smtputf8": ""}, Offers(False, True, True, False, True, 0)),
    ],
)
async def test_what_a_server_offers_is_read(extensions: dict[str, str], offers: Offers) -> None:
    assert offers_of(extensions) == offers
