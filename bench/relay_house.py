"""The relay that relay.py measures: its folder with contacts and campaign, and its processes."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from textwrap import fill
from typing import Any

import psutil
from bench.campaign_sample import uncapped
from bench.pipeline import NOW, PARAGRAPHS, furnish, invented, letter_html, letter_text

PROGRAM = Path(sys.executable).with_name("penstock")
WATCH = Path(__file__).with_name("peers") / "relay_watch"
SENDER = "eva.berg@nordlicht.example"
FROM = f'"Eva Berg, Nordlicht Software AB" <{SENDER}>'
LONGER = (*PARAGRAPHS, *PARAGRAPHS[1:4])  # 8 KB when written
SEED_ADDRESS = "person@firm.example"  # smtp-source writes a number in front
_PLAIN_OCTETS = 7_800
_RELAYED = f"[message]\nfrom = '{FROM}'\nrelayed = true\n"
_RELAY = """
[relay]
smtp = ["127.0.0.1:0"]
streams = ["prospecting", "transactional"]
campaigns = ["campaign.toml"]
connections_per_client = 1000
grace_seconds = 10
"""
_SIGNS = """
[[sender]]
domain = "nordlicht.example"
dkim = { selector = "s1", key = "file:keys/dkim-nordlicht.example-s1.pem" }
"""


def colleague(number: int) -> dict[str, Any]:
    """What is known of the recipient that smtp-source gives that number."""
    found = dict(_FIRST)
    return found | {"address": f"{number}{SEED_ADDRESS}", "family_name": f"Berg {number}"}


_FIRST = next(
    each | {"source": each["source"] | {"reference": "https://firm.example/team"},
            "company": each["company"] | {"domains": ["firm.example"]}}
    for each in invented(1)
)  # fmt: skip


def message(mark: str = "") -> bytes:
    """A letter of text and HTML as programs write it, of 8 KB, for the campaign. CRLF line ends."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = FROM, "you <you@firm.example>", f"Purchasing without spreadsheets{mark}"
    made["X-Penstock-Campaign"] = "purchasing-2026"
    text, html = (_plain(each) for each in (letter_text(LONGER), letter_html(LONGER)))
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    return made.as_bytes()


def plain_message() -> bytes:
    """The same as text alone, without a sign that needs an encoding, of 8 KB: what smtp-source makes by itself."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = FROM, "you <you@firm.example>", "Purchasing without spreadsheets"
    made["X-Penstock-Campaign"] = "purchasing-2026"
    words = _plain(letter_text((*LONGER, *LONGER, *LONGER))).encode("ascii", "replace").decode()
    text = "\n\n".join(fill(paragraph, 72) for paragraph in words.split("\n\n"))
    made.set_content(text[:_PLAIN_OCTETS].rpartition("\n\n")[0] + "\n", cte="7bit")
    return made.as_bytes()


def _plain(template: str) -> str:
    """The letter of the other benches without its template words."""
    out, rest = "", template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        out += before + ("Muster" if rest.startswith("{") else "")
        rest = rest.partition("}}" if rest.startswith("{") else "}")[2].removeprefix("}")
    return out + rest


@dataclass(frozen=True, slots=True)
class RelayGround:
    """A folder with an imported house, of which each run gets a copy."""

    folder: Path

    @classmethod
    def prepared(cls, folder: Path, contacts: int) -> RelayGround:
        """Make the house and import so many contacts."""
        house = folder / "house"
        house.mkdir()
        furnish(house, "sqlite:///penstock.db")
        head, _, _ = uncapped().partition("[message]")
        (house / "campaign.toml").write_text(head + _RELAYED)
        with (house / "contacts.jsonl").open("w") as file:
            file.writelines(json.dumps(colleague(number)) + "\n" for number in range(1, contacts + 1))
        for name, octets in (("letter", message()), ("plain", plain_message())):
            (folder / f"{name}.eml").write_bytes(octets.replace(b"\r\n", b"\n"))
        ground = cls(folder)
        ground.command(house, "contacts", "import", "contacts.jsonl")
        return ground

    @property
    def letter(self) -> Path:
        return self.folder / "letter.eml"

    @property
    def plain(self) -> Path:
        return self.folder / "plain.eml"

    @staticmethod
    def command(house: Path, *words: str) -> str:
        """What the program wrote."""
        command = [str(PROGRAM), "--now", NOW.isoformat(), *words]
        done = subprocess.run(command, cwd=house, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
        return done.stdout

    @contextmanager
    def copy(self, port: int, *, settings: str = "", dkim: bool = False) -> Iterator[Path]:
        """A house of one's own whose mails go to that port; it goes away afterwards."""
        house = Path(tempfile.mkdtemp(prefix="house-", dir=self.folder))
        try:
            shutil.copytree(self.folder / "house", house, dirs_exist_ok=True)
            config = house / "config.toml"
            way = f"smtp://127.0.0.1:{port}?tls=none&connections=10"
            config.write_text(config.read_text().replace("file:outbox", way) + _RELAY + settings)
            if dkim:
                self.command(house, "dkim", "new", "nordlicht.example")
                config.write_text(config.read_text() + _SIGNS)
            yield house
        finally:
            shutil.rmtree(house)


@dataclass
class Relay:
    """A relay that is ready. `seconds`: how long that took."""

    process: subprocess.Popen[bytes]
    log: Path
    seconds: float = 0.0
    urls: list[str] = field(default_factory=list)

    @property
    def smtp(self) -> int:
        (url,) = (url for url in self.urls if url.startswith("smtp://"))
        return int(url.rpartition(":")[2])

    def family(self) -> list[psutil.Process]:
        """All its processes."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children()]

    def part(self, role: str) -> psutil.Process:
        """The `listener` or the `worker`."""
        for each in psutil.Process(self.process.pid).children():
            listens = any(one.status == psutil.CONN_LISTEN for one in each.net_connections("tcp"))
            if listens == (role == "listener"):
                return each
        raise AssertionError(role)

    def processor(self) -> dict[str, float]:
        """Processor seconds of listener and worker."""
        found = {}
        for role in ("listener", "worker"):
            spent = self.part(role).cpu_times()
            found[role] = spent.user + spent.system
        return found


@asynccontextmanager
async def running_beside(house: Path) -> AsyncIterator[Relay]:
    """As `running`, for those whose loop has something to do meanwhile."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, running(house))
        await asyncio.to_thread(stack.close)


@contextmanager
def running(house: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Relay]:
    """`penstock relay` in that folder, until the block ends."""
    log = house / "relay.log"
    began = time.perf_counter()
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(PROGRAM), "--now", NOW.isoformat(), "relay", *(words or ("--only", "smtp,worker"))],
            cwd=house, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
    relay = Relay(process, log)
    family: Sequence[psutil.Process] = ()
    try:
        relay.urls = _ready(process, log)
        relay.seconds = time.perf_counter() - began
        yield relay
        process.terminate()
        process.wait(60)
    finally:
        if process.poll() is None:
            family = relay.family()
            for each in family:
                each.kill()
            process.wait(20)
        psutil.wait_procs(family, 10)
        assert process.stdout is not None
        process.stdout.close()


def _ready(process: subprocess.Popen[bytes], log: Path) -> list[str]:
    assert process.stdout is not None
    text, end = "", time.monotonic() + 60
    while "sending\n" not in text:
        if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
            raise RuntimeError(f"not ready: {log.read_text()[-1000:]}")
        data = os.read(process.stdout.fileno(), 65_536).decode()
        if not data:
            raise RuntimeError(f"it went: {log.read_text()[-1000:]}")
        text += data
    return [line.split()[-1] for line in text.splitlines() if line.startswith("listening at ")]
