"""What relay.py asks of a relay besides speed: a hundred thousand mails that wait, and one of 25 MB."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple

import psutil
from bench.campaign_sink import taken
from bench.relay_client import NotingSink, SmtpClient
from bench.relay_house import FROM, SEED_ADDRESS, SENDER, Relay, RelayGround, message, running, running_beside
from bench.relay_postfix import free_port, listens

LARGE = 25_000_000 - 1_000  # what a line of base64 leaves of it
PROBER = Path(__file__).with_name("peers") / "relay_prober.py"
SESSIONS = 20
_PROBES = 3


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
            empty = _pace(relay, letter, probe)
            handed_in(relay.smtp, letter, mails - 2 * _PROBES * probe)
            full = _pace(relay, letter, probe)
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


def _pace(relay: Relay, letter: Path, mails: int) -> float:
    """Mails accepted a second, the median of three times so many: once in a while the store's log is carried over."""
    return statistics.median(mails / handed_in(relay.smtp, letter, mails) for _ in range(_PROBES))


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
    sink, data = NotingSink(), large_message()
    letter = ground.folder / "small.eml"
    letter.write_bytes(message())
    async with sink.listening() as port:
        with ground.copy(port) as house:
            async with running_beside(house) as relay:
                async with _probed(relay.smtp, letter, 1) as usual:
                    await asyncio.sleep(3)
                parts = {role: relay.part(role) for role in ("listener", "worker")}
                before = {role: each.memory_info().rss for role, each in parts.items()}
                peaks = dict(before)
                watching = asyncio.create_task(_watch(parts, peaks))
                client = await SmtpClient.connected(relay.smtp)
                async with _probed(relay.smtp, letter, 2_000) as waits:
                    await asyncio.sleep(0.5)
                    began = time.perf_counter()
                    await client.send(0, data, f"4999{SEED_ADDRESS}")
                    await sink.until(lambda: sink.largest >= LARGE)
                    seconds = time.perf_counter() - began
                    await asyncio.sleep(0.5)
                watching.cancel()
                await client.close()
    grown = {role: (peaks[role] - before[role]) / len(data) for role in parts}
    return Large(grown["listener"], grown["worker"], max(waits), max(usual[10:]), seconds)


@asynccontextmanager
async def _probed(port: int, letter: Path, first: int) -> AsyncIterator[list[float]]:
    """How long each mail of another process took in the meantime; filled at the end."""
    command = (sys.executable, str(PROBER), str(port), str(letter), str(first))
    prober = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    waits: list[float] = []
    yield waits
    told, _ = await prober.communicate(b"\n")
    waits += json.loads(told)


async def _watch(parts: dict[str, psutil.Process], peaks: dict[str, int]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        while True:
            for role, each in parts.items():
                peaks[role] = max(peaks[role], each.memory_info().rss)
            await asyncio.sleep(0.01)
