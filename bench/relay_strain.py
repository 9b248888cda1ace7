"""What relay.py asks of a relay besides speed: a hundred thousand mails that wait, and one of 25 MB."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple

import psutil
from bench.campaign_sink import taken
from bench.relay_client import NotingSink, SmtpClient
from bench.relay_house import FROM, SEED_ADDRESS, SENDER, Relay, RelayGround, message, running
from bench.relay_postfix import free_port, listens

LARGE = 25_000_000
SESSIONS = 20


def handed_in(port: int, letter: Path, mails: int) -> float:
    """Seconds that smtp-source takes for them, each to another recipient."""
    ends = ("-f", SENDER, "-t", SEED_ADDRESS, "-F", str(letter), f"127.0.0.1:{port}")
    started = time.perf_counter()
    subprocess.run(["smtp-source", "-N", "-s", str(SESSIONS), "-m", str(mails), *ends], check=True)
    return time.perf_counter() - started


@contextmanager
def sink_at(folder: Path, port: int) -> Iterator[None]:
    """`smtp-sink` there, counting into `folder/sink`."""
    with (folder / "sink").open("wb") as counts:
        sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{port}", "100"], stdout=counts)
    try:
        while not listens(port):
            time.sleep(0.05)
        yield
    finally:
        sink.terminate()
        sink.wait()


def megabytes(relay: Relay) -> dict[str, float]:
    """The most memory that each process ever had (VmHWM)."""
    found = {}
    for each in relay.family():
        lines = Path(f"/proc/{each.pid}/status").read_text().splitlines()
        (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        found[f"{each.pid}"] = peak / 1024
    return found


class Waiting(NamedTuple):
    """Mails accepted a second with an empty and a full queue, seconds to restart, peaks, and how it drained."""

    empty: float
    full: float
    restart: float
    peak: float
    first: float
    drained: float


def waiting(ground: RelayGround, mails: int, probe: int) -> Waiting:
    """Fill the queue of a relay whose way out is dead, start it again, and let the way out come back."""
    port, letter = free_port(), ground.folder / "order.eml"
    letter.write_bytes(
        message().replace(b"X-Penstock-Campaign: purchasing-2026", b"X-Penstock-Stream: transactional")
        .replace(b"\r\n", b"\n")
    )  # fmt: skip
    with ground.copy(port) as house:
        with running(house) as relay:
            empty = probe / handed_in(relay.smtp, letter, probe)
            handed_in(relay.smtp, letter, mails - 2 * probe)
            full = probe / handed_in(relay.smtp, letter, probe)
            peak = max(megabytes(relay).values())
        with running(house) as relay:
            restart, began = relay.seconds, time.perf_counter()
            with sink_at(ground.folder, port):
                first = 0.0
                while (come := taken(ground.folder)) < mails:
                    first = first or (time.perf_counter() - began if come else 0.0)
                    assert time.perf_counter() - began < 1_800, come
                    time.sleep(0.1)
                drained = time.perf_counter() - began - first
            peak = max(peak, *megabytes(relay).values())
    return Waiting(empty, full, restart, peak, first, drained)


def large_message() -> bytes:
    """A letter of the campaign with a file, 25 MB when handed in."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["Subject"], made["X-Penstock-Campaign"] = FROM, "Purchasing", "purchasing-2026"
    made.set_content("The catalogue is enclosed.\n")
    made.add_alternative("<html><body><p>The catalogue is enclosed.</p></body></html>\n", subtype="html")
    made.add_attachment(b"", maintype="application", subtype="pdf", filename="catalogue.pdf")
    head, _, tail = made.as_bytes().rpartition(b"\r\n\r\n--")
    line = base64.b64encode(b"\x00\x10\x83\x10" * 14 + b"\x51") + b"\r\n"
    return head + b"\r\n\r\n" + line * ((LARGE - len(head)) // len(line)) + b"\r\n--" + tail


class Large(NamedTuple):
    """Growth of memory as a multiple of the mail, the longest a mail of another session took, and that without it."""

    listener: float
    worker: float
    wait: float
    usual: float
    seconds: float


async def large(ground: RelayGround) -> Large:
    """Send 25 MB through a relay while another session hands in small mails all the time."""
    sink, data, letter = NotingSink(), large_message(), message()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, limit=2 * LARGE)
    with ground.copy(server.sockets[0].getsockname()[1]) as house, running(house) as relay:
        other = await SmtpClient.connected(relay.smtp)
        waits: list[float] = []

        async def small(first: int, until: asyncio.Event) -> None:
            number = first
            while not until.is_set():
                began = time.perf_counter()
                await other.send(number, letter)
                waits.append(time.perf_counter() - began)
                number += 1
                await asyncio.sleep(0.01)

        stop = asyncio.Event()
        beside = asyncio.create_task(small(1, stop))
        await asyncio.sleep(2)
        usual = max(waits[len(waits) // 2 :])
        stop.set()
        await beside
        stop.clear()
        waits.clear()
        parts = {role: relay.part(role) for role in ("listener", "worker")}
        before = {role: each.memory_info().rss for role, each in parts.items()}
        peaks = dict(before)
        beside = asyncio.create_task(small(1_000, stop))
        watching = asyncio.create_task(_watch(parts, peaks))
        client = await SmtpClient.connected(relay.smtp)
        began, octets = time.perf_counter(), sink.octets
        await client.send(0, data, f"4999{SEED_ADDRESS}")
        async with asyncio.timeout(120):
            while sink.octets - octets < LARGE:
                await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        stop.set()
        await beside
        watching.cancel()
        await client.close()
        await other.close()
    server.close()
    await server.wait_closed()
    grown = {role: (peaks[role] - before[role]) / len(data) for role in parts}
    return Large(grown["listener"], grown["worker"], max(waits), usual, seconds)


async def _watch(parts: dict[str, psutil.Process], peaks: dict[str, int]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        while True:
            for role, each in parts.items():
                peaks[role] = max(peaks[role], each.memory_info().rss)
            await asyncio.sleep(0.01)
