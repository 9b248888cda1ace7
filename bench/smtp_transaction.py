"""What handing a finished mail to a mail server costs: our adapter and aiosmtplib's own `sendmail`, side by side.

    uv run --group test python bench/smtp_transaction.py [--mails N] [--connections N] [--asyncio]

The server is Postfix's `smtp-sink` (Debian: `apt-get install postfix`), which announces PIPELINING and forgets what it
gets. Messages are ready bytes of 8 KB; both sides keep their connections open. CPU is ours alone, not the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiosmtplib import SMTP

from penstock.adapters.smtp import SmtpAdapter
from penstock.adapters.smtp_url import SmtpAddress, Tls
from penstock.clock import SystemClock
from penstock.errors import AdapterUnavailable
from penstock.model.campaign import Stream
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Envelope, Mail, Message
from penstock.model.outcome import Accepted

REPEATS = 5
SLICE, IN_FLIGHT = 50, 4
HEAD = b"From: eva.berg@nordlicht.example\r\nTo: anna@muster-werk.example\r\nSubject: purchasing\r\n\r\n"
DATA = HEAD + b"A line of plain text that is about as long as a line of quoted-printable text is.\r\n" * 96
SENDER = "bounce@nordlicht.example"


class Measured(NamedTuple):
    per_second: float
    cpu_microseconds: float


Sender = Callable[[Sequence[Mail]], Awaitable[None]]


def mails(number: int) -> list[Mail]:
    return [
        Mail(
            id=f"{n:032x}",
            envelope=Envelope(SENDER, f"person{n}@firm.example"),
            stream=Stream.PROSPECTING,
            controller="nordlicht",
            campaign=None,
            contact=None,
            kind=RecipientKind.NAMED,
            identity=Identity(b"p", (), (), None, None),
            content=Message(DATA),
        )
        for n in range(number)
    ]


@asynccontextmanager
async def smtp_sink() -> AsyncIterator[int]:
    """The sink's port, once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rights = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec("smtp-sink", *rights, f"127.0.0.1:{port}", "200")
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
        yield port
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def through_adapter(port: int, connections: int) -> AsyncIterator[Sender]:
    adapter = SmtpAdapter("main", SmtpAddress("127.0.0.1", port, Tls.NONE, connections=connections), SystemClock())

    async def slices(work: list[Sequence[Mail]]) -> None:
        while work:
            outcomes = await adapter.deliver(work.pop())
            if not all(isinstance(outcome, Accepted) for outcome in outcomes):
                raise AdapterUnavailable("the sink did not take a mail")

    async def send(given: Sequence[Mail]) -> None:
        work = [given[at : at + SLICE] for at in range(0, len(given), SLICE)]
        await asyncio.gather(*(slices(work) for _ in range(IN_FLIGHT)))

    try:
        yield send
    finally:
        await adapter.aclose()


@asynccontextmanager
async def through_sendmail(port: int, connections: int) -> AsyncIterator[Sender]:
    clients = [SMTP(hostname="127.0.0.1", port=port, local_hostname="client.example") for _ in range(connections)]
    for client in clients:
        await client.connect()

    async def some(client: SMTP, work: list[Mail]) -> None:
        while work:
            mail = work.pop()
            assert isinstance(mail.content, Message)
            await client.sendmail(mail.envelope.sender, [mail.envelope.recipient], mail.content.data)

    async def send(given: Sequence[Mail]) -> None:
        work = list(given)
        await asyncio.gather(*(some(client, work) for client in clients))

    try:
        yield send
    finally:
        for client in clients:
            await client.quit()


async def measured(send: Sender, given: Sequence[Mail]) -> Measured:
    wall, cpu = time.perf_counter(), time.process_time()
    await send(given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(len(given) / wall, 1e6 * cpu / len(given))


async def compare(number: int, connections: int) -> None:
    given = mails(number)
    runs: dict[str, list[Measured]] = {"penstock adapter": [], "aiosmtplib sendmail": []}
    async with (
        smtp_sink() as port,
        through_adapter(port, connections) as ours,
        through_sendmail(port, connections) as theirs,
    ):
        for send in (ours, theirs):
            await measured(send, given[:500])  # warm: all connections are open
        for _ in range(REPEATS):
            for name, send in (("penstock adapter", ours), ("aiosmtplib sendmail", theirs)):
                runs[name].append(await measured(send, given))
    print(f"{number} mails of {len(DATA)} octets, {connections} connections, median of {REPEATS} runs")
    print(f"{'':22}{'mails/s':>10}{'CPU µs/mail':>14}")
    middle = {}
    for name, all_runs in runs.items():
        middle[name] = Measured(*(statistics.median(column) for column in zip(*all_runs, strict=True)))
        print(f"{name:22}{middle[name].per_second:>10,.0f}{middle[name].cpu_microseconds:>14,.0f}")
    mine, other = middle["penstock adapter"], middle["aiosmtplib sendmail"]
    ratios = (mine.per_second / other.per_second, other.cpu_microseconds / mine.cpu_microseconds)
    print(f"{'times better':22}{ratios[0]:>10.1f}{ratios[1]:>14.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--asyncio", action="store_true", help="the standard event loop even where uvloop is installed")
    given = parser.parse_args()
    if shutil.which("smtp-sink") is None:
        sys.exit("needs smtp-sink, which comes with Postfix")
    work = compare(given.mails, given.connections)
    try:
        if given.asyncio:
            raise ImportError
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    main()
