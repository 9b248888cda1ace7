"""Finished mails through one ESP plugin, slices side by side as the worker hands them over; prints one JSON line.

    penstock_adapter.py ESP URL MAILS SLICE [profile]

The adapter has looked at the account and handed over a few mails before the time is taken.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that bench is a package here too

from bench.adapters_sample import mails

from penstock.clock import SystemClock
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted
from penstock.ports import Adapter, AdapterAddress
from penstock.running import run_async

WARM = 10
IN_FLIGHT = 4
PLACES = {"mailgun": "mg.nordlicht.example", "ses": "eu-north-1"}
OPTIONS = {"brevo": {"tracking": "off"}, "postmark": {"settings": "unread"}, "resend": {"settings": "unread"}}
SECRETS = {"mailjet": "test-secret", "ses": "test-key"}


def adapter(esp: str, url: str) -> Adapter:
    key = "AKIDEXAMPLE" if esp == "ses" else "test-key"
    address = AdapterAddress(
        "main", PLACES.get(esp, ""), SystemClock(), OPTIONS.get(esp, {}), lambda: key, lambda: SECRETS.get(esp, ""), url
    )
    (point,) = entry_points(group="penstock.adapters", name=esp)
    made: Adapter = point.load()(address)
    return made


async def some(way: Adapter, work: Iterator[list[Mail]]) -> int:
    octets = 0
    for each in work:
        outcomes = await way.deliver(each)
        wrong = [outcome for outcome in outcomes if not isinstance(outcome, Accepted)]
        assert not wrong, wrong[0]
        octets += sum(len(mail.content.data) for mail in each if isinstance(mail.content, Message))
    return octets


def slices(all_mails: Sequence[Mail], size: int) -> Iterator[list[Mail]]:
    rest = iter(all_mails)
    while some_mails := list(islice(rest, size)):
        yield some_mails


async def sent(esp: str, url: str, number: int, size: int, profile: cProfile.Profile | None) -> dict[str, object]:
    way, ready = adapter(esp, url), list(mails(WARM + number))
    await way.prepare()
    await way.deliver(ready[:WARM])
    work = slices(ready[WARM:], size)
    if profile:
        profile.enable()
    wall, processor = time.perf_counter(), time.process_time()
    octets = sum(await asyncio.gather(*(some(way, work) for _ in range(IN_FLIGHT))))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    if profile:
        profile.disable()
    await way.aclose()
    return {
        "mails": number,
        "handed": number + WARM,
        "seconds": wall,
        "processor": processor,
        "octets": octets // number,
    }


def main() -> None:
    esp, url, number, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    profile = cProfile.Profile() if sys.argv[5:] == ["profile"] else None
    print(json.dumps(run_async(lambda: sent(esp, url, number, size, profile))))
    if profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
