"""How fast mails walk through the pipeline, and what a whole run costs, in one process on one core.

    uv run --group test python bench/pipeline.py [--quick] [--profile]

Stages are the shipped ones, the store is SQLite itself, mails are handed to an adapter that only counts them. The
letter is about 8 KB of text and HTML; contacts are invented with a fixed seed, each at a company of its own.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from penstock.errors import Unavailable
from penstock.gate import Gate, open_gate
from penstock.model.mail import Letter, Mail, Message
from penstock.model.outcome import Accepted, Outcome
from penstock.model.verdict import Verdict, strictest
from penstock.pipeline import Pipeline
from penstock.ports import Capabilities, ContactRow, Phase
from penstock.running import run_async
from penstock.sources.rows import RowReader

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEED = 20261123
REPEATS = 3
BATCHES = (1, 10, 50, 100, 500)
FULL, QUICK = (1_000, 20_000, 200_000), (500, 2_000)
GOALS = {"mails": 3_000, "checks": 10_000, "flat": 1.1, "megabytes": 250}

CONFIG = """
[store]
url = "{store}"
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
registration = "556000-0000"
contact = "privacy@nordlicht.example"
phone = "+46 8 000 00 00"
privacy_url = "https://nordlicht.example/privacy"
storage_locations = ["EU"]
recipients = ["our e-mail provider"]
[adapters.main]
url = "file:outbox"
[web]
base_url = "https://mail.nordlicht.example"
[inbound]
reply_domain = "reply.nordlicht.example"
"""
CAMPAIGN = """
[campaign]
id = "purchasing-2026"
controller = "nordlicht"
purpose = "offer of purchasing software to purchasing heads in machinery"
product = "purchasing software"
topic = ["purchasing"]
owner = "Eva Berg"
lia = "lia.toml"
starts_at = 2026-11-20T08:00:00Z
expires_at = 2026-12-20T18:00:00Z
[audience]
countries = ["FR", "SE", "GB", "IE", "FI"]
industries = ["C28"]
functions = ["purchasing"]
employees = { min = 50, max = 500 }
[caps]
person = ["1/7d", "3/90d"]
company = ["5/30d"]
[message]
from = "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"
reply_to = "eva.berg@nordlicht.example"
subject = "{{ company.name }}: purchasing without spreadsheets"
text = "letter.txt.j2"
html = "letter.html.j2"
fields = ["given_name", "family_name", "company.name", "reason"]
"""
LIA = files("penstock.demo").joinpath("data/lia/purchasing.toml").read_text(encoding="utf-8")
SALUTATION = "{% if given_name and family_name %}Dear {{ given_name }} {{ family_name }}{% else %}Good day{% endif %},"
LETTER = """
we write to {{ company.name }} for a plain reason: {{ reason }}. Where a plant grows, the number of parts,
suppliers and delivery dates grows with it, and the spreadsheet in which all of them live becomes the
slowest machine in the building.

Nordlicht makes software for people who buy parts for machines. It keeps requests, offers, orders and
confirmations of one part in one place, beside the drawing they belong to. Whoever opens a part sees what it
cost last time, who delivered late, and which of the open orders will not arrive before the assembly starts.

Nothing has to be replaced for it. The ERP system stays what it is; we read articles and orders from it
every night and write confirmed dates back. Most customers begin with one product group and ten suppliers,
and decide after six weeks whether the rest shall follow.

A maker of packing machines in Småland, with about as many employees as {{ company.name }}, has worked this
way since spring. Three buyers now look after what five did before; the two others went to supplier
development, where somebody had been missing for years. Late deliveries fell from eleven to four in a
hundred.

Some things it does not do: it negotiates for nobody, it does not grade suppliers with stars, and it shows
no advertising. For a handful of orders a week a spreadsheet is quite enough, and we shall gladly tell you
so.

If you like, we show you in twenty minutes how it looks with a few of your own parts. A reply with a day
that suits you will do. If purchasing is not your concern, you need not do anything at all.

Two pages about the first six weeks, with the questions that buyers ask us most and the answers that we can give, lie on
our site under the heading of machinery. There is no form to fill in before you may read them.
"""
PARAGRAPHS = tuple(each.replace("\n", " ") for each in LETTER.strip().split("\n\n"))
POINTS = (
    "Requests, offers and orders of a part in one place, with their history",
    "Late confirmations seen while there is still time to act",
    "Supplier prices compared in minutes, in one currency, without copying cells",
)
STYLE = """
body { margin: 0; padding: 0; background-color: #eef2f4; color: #24303a; font-family: 'Segoe UI', Arial, sans-serif; }
.page { width: 100%; background-color: #eef2f4; }
.card { width: 100%; max-width: 600px; background-color: #ffffff; border-radius: 6px; }
.head { padding: 28px 40px 0 40px; font-size: 14px; line-height: 20px; font-weight: 600; color: #0c6a5b; }
.letter { padding: 24px 40px 40px 40px; font-size: 16px; line-height: 1.6; color: #24303a; }
.p { margin: 0 0 18px 0; padding: 0; font-size: 16px; line-height: 1.6; color: #24303a; text-align: left; }
.item { padding: 11px 0; border-top: 1px solid #dbe3e7; font-size: 15px; line-height: 1.55; color: #333; }
.name { margin: 26px 0 0 0; font-weight: 600; color: #12212b; }
@media (max-width: 480px) { .letter { padding: 20px 20px 28px 20px !important; } }
"""
GIVEN = ("Anna", "Björn", "Céline", "David", "Elodie", "Fredrik", "Grace", "Håkan", "Inès", "Jürgen", "Karin", "Liam")
FAMILY = ("Åkerlund", "Bennett", "Carlier", "Dufour", "Ekholm", "Fairley", "Grönvall", "Hughes", "Lefèvre", "Östberg")
TITLES = ("Head of Purchasing", "Responsable achats", "Inköpschef", "Procurement Manager", "Strategic Buyer")
FIRMS = ("Fräs", "Kyl", "Werk", "Lyft", "Press", "Pump", "Pack", "Drift")
COUNTRIES = ("FR", "SE", "GB", "IE", "FI")
REASONS = (
    "your site shows a new plant in Lyon",
    "you told in October of a second assembly hall in Göteborg",
    "you are looking for two buyers for your plant in Leeds",
)


class Counting:
    """The adapter that mails end at: it counts them and keeps none, as a mail that left is kept nowhere either."""

    name = "main"
    capabilities = Capabilities(smtputf8=True)

    def __init__(self) -> None:
        self.mails = 0
        self.octets = 0

    async def prepare(self) -> None:
        return None

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        for mail in mails:
            assert isinstance(mail.content, Message)
            self.octets += len(mail.content.data)
        self.mails += len(mails)
        return [Accepted("counted")] * len(mails)

    async def aclose(self) -> None:
        return None


def letter_html(letter: Sequence[str] = PARAGRAPHS) -> str:
    """The paragraphs in the table layout that mail clients ask for."""
    paragraphs = "\n".join(f'<p class="p">{each}</p>' for each in letter)
    points = "\n".join(f'<tr><td class="item" valign="top">{each}</td></tr>' for each in POINTS)
    return (
        f'<!doctype html>\n<html lang="en" dir="ltr"><head><meta charset="utf-8">'
        f"<title>Purchasing without spreadsheets</title><style>{STYLE}</style></head>\n<body>"
        '<table class="page" role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">\n'
        '<table class="card" role="presentation" width="100%" cellpadding="0" cellspacing="0">'
        f'<tr><td class="head">Nordlicht Software</td></tr>\n<tr><td class="letter"><p class="p">{SALUTATION}</p>\n'
        f'{paragraphs}\n<table role="presentation" width="100%">{points}</table>\n'
        '<p class="name">Eva Berg</p><p class="p">Nordlicht Software AB</p></td></tr></table></td></tr></table>'
        "</body></html>\n"
    )


def letter_text(letter: Sequence[str] = PARAGRAPHS) -> str:
    points = "\n".join(f"- {each}" for each in POINTS)
    return "\n\n".join((SALUTATION, *letter[:4], points, *letter[4:], "Eva Berg\nNordlicht Software AB")) + "\n"


def invented(number: int) -> Iterator[dict[str, Any]]:
    """Contacts as a file has them. Every second states its function, the others only a title."""
    dice = random.Random(SEED)
    for n in range(number):
        given, family, country = dice.choice(GIVEN), dice.choice(FAMILY), dice.choice(COUNTRIES)
        domain = f"firm-{n:06d}.example"
        yield {
            "address": f"person{dice.randrange(1000)}@{domain}",
            "given_name": given,
            "family_name": family,
            "language": "en",
            "country": country,
            "title": dice.choice(TITLES),
            "function": "purchasing" if n % 2 else None,
            "company": {
                "name": f"{dice.choice(FIRMS)}{family} {n}",
                "id": f"{country}-{n:09d}",
                "domains": [domain],
                "legal_form": "company",
                "industry": dice.choice(("C28.12", "C28.2", "C28.93")),
                "activity": "machinery",
                "employees": dice.randrange(50, 500),
            },
            "source": {
                "method": "own_site",
                "reference": f"https://{domain}/team",
                "collected_at": f"2026-11-{dice.randrange(1, 15):02d}",
                "collected_by": "e.berg",
                "visibility": "public",
                "why": "in charge of purchasing at a machinery maker",
            },
            "verified_at": f"2026-11-{dice.randrange(15, 22):02d}",
            "reason": dice.choice(REASONS),
        }


def furnish(folder: Path, store: str, letter: Sequence[str] = PARAGRAPHS) -> Path:
    """Config, campaign and letter in an empty folder; the config's path."""
    (folder / "campaign.toml").write_text(CAMPAIGN)
    (folder / "lia.toml").write_text(LIA)
    (folder / "letter.txt.j2").write_text(letter_text(letter))
    (folder / "letter.html.j2").write_text(letter_html(letter))
    config = folder / "config.toml"
    config.write_text(CONFIG.format(store=store))
    return config


def drafts(gate: Gate, folder: Path, number: int) -> list[Mail]:
    campaign, reader = gate.campaign(folder / "campaign.toml"), RowReader({}, str)
    made = []
    for line, record in enumerate(invented(number), 1):
        row = reader.read(line, record, "")
        assert isinstance(row, ContactRow), row
        made.append(gate.house.assembler.mail(campaign, row.contact))
    return made


class Spent(NamedTuple):
    """Seconds by the wall clock and of the processor, all threads of this process together."""

    wall: float
    processor: float


async def walk(pipeline: Pipeline, mails: Sequence[Mail], batch: int, last: Phase = Phase.SIGN) -> Spent:
    """What all mails cost in batches. Every mail must come out as one that may go."""
    wall = processor = 0.0
    for at in range(0, len(mails), batch):
        part = mails[at : at + batch]
        started, used = time.perf_counter(), time.process_time()
        walked = await pipeline.run(part, last=last)
        wall += time.perf_counter() - started
        processor += time.process_time() - used
        stopped = [mail.reasons for mail in walked if strictest(mail.reasons) is not Verdict.SEND]
        assert not stopped, stopped[0]
    return Spent(wall, processor)


async def median(pipeline: Pipeline, mails: Sequence[Mail], batch: int, last: Phase = Phase.SIGN) -> Spent:
    """The walk with the median wall time of several, after one to warm up."""
    await walk(pipeline, mails[:500], batch, last)
    return sorted([await walk(pipeline, mails, batch, last) for _ in range(REPEATS)])[REPEATS // 2]


async def sizes(gate: Gate, mail: Mail) -> str:
    """What one mail weighs: the letter before its notice, and the finished message."""
    composed = (await gate.house.pipeline().run([mail], last=Phase.COMPOSE))[0].content
    finished = (await gate.house.pipeline().run([mail]))[0].content
    assert isinstance(composed, Letter)
    assert isinstance(finished, Message)
    text, html = len(composed.text.encode()), len((composed.html or "").encode())
    return f"letter: text {text:,} + HTML {html:,} octets; finished with notice: {len(finished.data):,} octets"


async def show_speed(gate: Gate, mails: Sequence[Mail]) -> None:
    pipeline = gate.house.pipeline()
    print(f"\n{len(mails):,} mails, batch 500, median of {REPEATS}")
    print(f"| {'what':32} | {'mails/s':>9} | {'µs/mail':>8} | {'CPU µs/mail':>11} | {'goal/s':>8} |")
    print(f"| {'-' * 32} | {'-' * 8}: | {'-' * 7}: | {'-' * 10}: | {'-' * 7}: |")
    for what, last, goal in (
        ("whole pipeline", Phase.SIGN, "mails"),
        ("checks that need no content", Phase.JUDGE, "checks"),
    ):
        spent = await median(pipeline, mails, 500, last)
        wall, processor = (seconds / len(mails) * 1e6 for seconds in spent)
        print(f"| {what:32} | {1e6 / wall:>9,.0f} | {wall:>8.1f} | {processor:>11.1f} | ≥ {GOALS[goal]:>6,} |")


async def show_shares(gate: Gate, mails: Sequence[Mail]) -> None:
    spent: dict[str, float] = defaultdict(float)

    def note(stage: str, seconds: float, _mails: int) -> None:
        spent[stage] += seconds

    pipeline = gate.house.pipeline(timing=note)
    await walk(pipeline, mails[:500], 500)
    spent.clear()
    for _ in range(REPEATS):
        await walk(pipeline, mails, 500)
    total = sum(spent.values())
    print(f"\nshare of each stage, mean of {REPEATS}")
    print(f"| {'stage':18} | {'µs/mail':>8} | {'share':>6} |")
    print(f"| {'-' * 18} | {'-' * 7}: | {'-' * 5}: |")
    for stage, seconds in spent.items():
        print(f"| {stage:18} | {seconds / REPEATS / len(mails) * 1e6:>8.1f} | {seconds / total:>6.1%} |")


async def show_batches(gate: Gate, mails: Sequence[Mail]) -> None:
    pipeline = gate.house.pipeline()
    print(f"\nwhole pipeline by size of batch, median of {REPEATS}")
    print(f"| {'batch':>5} | {'µs/mail':>8} | {'CPU µs/mail':>11} |")
    print(f"| {'-' * 4}: | {'-' * 7}: | {'-' * 10}: |")
    for batch in BATCHES:
        part = mails[: max(batch, min(len(mails), batch * 40, 5_000))]
        wall, processor = (seconds / len(part) * 1e6 for seconds in await median(pipeline, part, batch))
        print(f"| {batch:>5} | {wall:>8.1f} | {processor:>11.1f} |")


async def in_memory(quick: bool, profile: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = furnish(folder, "sqlite://:memory:")
        async with open_gate(config, now=NOW) as gate:
            mails = drafts(gate, folder, 1_000 if quick else 10_000)
            print(await sizes(gate, mails[0]))
            await show_speed(gate, mails)
            await show_shares(gate, mails)
            await show_batches(gate, mails)
            if profile:
                pipeline = gate.house.pipeline()
                await walk(pipeline, mails[:500], 500)
                with cProfile.Profile() as watched:
                    await walk(pipeline, mails, 500)
                pstats.Stats(watched).sort_stats("tottime").print_stats(35)


async def whole_run(folder: Path, config: Path) -> dict[str, float]:
    """Plan and send a campaign to what contacts.jsonl holds, as `penstock send` does."""
    async with open_gate(config, now=NOW) as gate:
        counting = Counting()
        gate.house = replace(gate.house, adapters={"main": counting})
        started, used = time.perf_counter(), time.process_time()
        planned: dict[str, float] = {}

        def progress(what: str, _count: int) -> None:
            planned[what] = time.perf_counter() - started

        report = await gate.send(folder / "campaign.toml", folder / "contacts.jsonl", wait=0, progress=progress)
        seconds, processor = time.perf_counter() - started, time.process_time() - used
        assert counting.mails == report.rows == report.outcomes["accepted"], report
    return {
        "mails": counting.mails,
        "seconds": seconds,
        "plan": planned.get("planned", 0.0),
        "processor": processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def one_run(number: int, store: str, profile: bool) -> None:
    """In a process of its own, so that the peak of memory is this run's alone. Prints one JSON line."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    try:
        url = "sqlite://:memory:" if store == "memory" else "sqlite:///penstock.db"
        config = furnish(folder, url)
        with (folder / "contacts.jsonl").open("w") as file:
            file.writelines(json.dumps(record) + "\n" for record in invented(number))
        if profile:
            with cProfile.Profile() as watched:
                found = run(whole_run(folder, config))
            pstats.Stats(watched, stream=sys.stderr).sort_stats("tottime").print_stats(35)
        else:
            found = run(whole_run(folder, config))
        print(json.dumps(found))
    finally:
        shutil.rmtree(folder)


def measured(number: int, store: str, repeats: int) -> dict[str, float]:
    """The run with the median time of several."""
    runs: list[dict[str, float]] = []
    for _ in range(repeats):
        command = [sys.executable, __file__, "--run", str(number), "--store", store]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # errors are shown
        runs.append(json.loads(done.stdout))
    return sorted(runs, key=lambda each: each["seconds"])[len(runs) // 2]


def show_runs(quick: bool) -> None:
    """Flatness and memory. What a run of one mail takes is the start: it is shown, and not spread over the mails."""
    print("\nwhole run: read the file, plan, judge, compose, begin, hand over, end; a process of its own each")
    print(
        f"| {'store':6} | {'contacts':>8} | {'mails/s':>8} | {'µs/mail':>8} | {'of which plan':>13} | {'× first':>7} | "
        f"{'CPU µs/mail':>11} | {'× first':>7} | {'peak RSS MB':>11} |"
    )
    print(
        f"| {'-' * 6} | {'-' * 7}: | {'-' * 7}: | {'-' * 7}: | {'-' * 12}: | {'-' * 6}: | "
        f"{'-' * 10}: | {'-' * 6}: | {'-' * 10}: |"
    )
    counts = QUICK if quick else FULL
    start = measured(1, "file", REPEATS)
    first: dict[tuple[str, str], float] = {}
    for store, number in [(store, each) for store in ("memory", "file") for each in counts]:
        found = measured(number, store, REPEATS if number <= 20_000 else 1)
        cells = []
        for clock in ("seconds", "processor"):
            each = (found[clock] - start[clock]) / (number - 1) * 1e6
            times = f"{each / first.setdefault((store, clock), each):.2f}"
            cells.append((each, times))
        (wall, growth), (processor, more) = cells
        print(
            f"| {store:6} | {number:>8,} | {number / found['seconds']:>8,.0f} | {wall:>8.1f} | "
            f"{found['plan'] / number * 1e6:>13.1f} | {growth:>7} | {processor:>11.1f} | {more:>7} | "
            f"{found['megabytes']:>11.0f} |",
            flush=True,
        )
    print(
        f"start (a run of one mail): {start['seconds'] * 1000:.0f} ms, taken off the µs/mail; "
        f"goals: × ≤ {GOALS['flat']}, peak < {GOALS['megabytes']} MB at {FULL[-1]:,}"
    )


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """As the command line runs its work: uvloop where it is installed, the same settings of the process."""

    async def awaited() -> Any:
        return await work

    return run_async(awaited)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small numbers, some seconds")
    parser.add_argument("--profile", action="store_true", help="also show where the time goes (cProfile)")
    parser.add_argument("--run", type=int, metavar="N", help="one whole run with N contacts; one JSON line")
    parser.add_argument("--store", choices=("file", "memory"), default="file", help="for --run")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if given.run is not None:
        one_run(given.run, given.store, given.profile)
        return
    run(in_memory(given.quick, given.profile))
    show_runs(given.quick)


if __name__ == "__main__":
    try:
        main()
    except Unavailable as fault:
        sys.exit(str(fault))
