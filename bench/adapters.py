"""Finished mails through the ESP plugins, beside django-anymail sending the same ones.

    uv run --group test python bench/adapters.py [--mails N] [--repeats N] [--only ESP,…] [--slice N] [--quick]
    uv run --group test python bench/adapters.py --profile ESP

Each side is one process; the server is another, which gives each ESP's answer of success and looks at nothing, so that
it is not what is measured. Beforehand some mails go to the bundled fakes, which refuse what is not described: none may
be refused. CPU is the sender's alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that bench is a package here too

from bench.adapters_sample import written

HERE = Path(__file__).parent
SECONDS = 900.0  # the most that one run may take
TO_FAKES = 200
WARM = 10


class Kind(NamedTuple):
    """How an ESP takes mails, and what is to be reached with it."""

    batches: bool
    per_second: int
    times: int


SINGLE, BATCHES = Kind(False, 2_000, 5), Kind(True, 5_000, 10)
ESPS = {
    "sendgrid": SINGLE,
    "mailgun": SINGLE,
    "ses": SINGLE,
    "brevo": SINGLE,
    "postmark": BATCHES,
    "mailjet": BATCHES,
    "resend": BATCHES,
}
Run = dict[str, Any]


class Server:
    """A process at `url`; `told` is what it had, once it has ended."""

    def __init__(self, child: subprocess.Popen[str], url: str) -> None:
        self.url = url
        self.told: Run = {}
        self._child = child

    def end(self) -> None:
        out, _ = self._child.communicate(timeout=30)
        self.told = json.loads(out)


@contextmanager
def server(mode: str) -> Iterator[Server]:
    command = [sys.executable, str(HERE / "adapters_server.py"), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            found = Server(child, child.stdout.readline().strip())
            assert found.url, "the server did not start"
            yield found
            found.end()
        finally:
            if child.poll() is None:
                child.kill()


def reported(script: str, *given: str) -> Run:
    """The JSON line that a sender prints about itself."""
    command = [sys.executable, str(HERE / "peers" / script), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} {given[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    sys.stderr.write(done.stderr if "profile" in given else "")
    found: Run = json.loads(done.stdout.splitlines()[-1])
    return found


def checked(esps: Sequence[str], size: int) -> None:
    """All of ours against the fakes: every mail arrives, and nothing of the requests is refused."""
    for esp in esps:
        with server(esp) as fake:
            found = reported("penstock_adapter.py", esp, fake.url, str(TO_FAKES), str(size))
        assert fake.told == {"mails": found["handed"], "refused": []}, (esp, fake.told)


def measured(esp: str, letters: Path, mails: int, size: int) -> tuple[Run, Run]:
    """One run of each side, and the server's word that every mail arrived."""
    with server("sink") as sink:
        ours = reported("penstock_adapter.py", esp, sink.url, str(mails), str(size))
    assert sink.told["mails"] == ours["handed"], (esp, sink.told)
    with server("sink") as sink:
        peer = reported("anymail_sender.py", esp, sink.url, str(letters), str(size))
    assert sink.told["mails"] == peer["handed"], (esp, sink.told)
    return ours, peer


def show(runs: dict[str, list[tuple[Run, Run]]]) -> None:
    print("| ESP      | mails a request | mails/s | CPU µs/mail | anymail mails/s | CPU µs/mail | × anymail | goals |")
    print("|----------|----------------:|--------:|------------:|----------------:|------------:|----------:|-------|")
    for esp, several in runs.items():
        kind = ESPS[esp]
        rate, peer_rate = (
            statistics.median(each[at]["mails"] / each[at]["seconds"] for each in several) for at in (0, 1)
        )
        cpu, peer_cpu = (
            statistics.median(1e6 * each[at]["processor"] / each[at]["mails"] for each in several) for at in (0, 1)
        )
        goals = (
            f"≥ {kind.per_second:,}/s {said(rate >= kind.per_second)}",
            f"≥ {kind.times} × {said(rate >= kind.times * peer_rate)}",
        )
        cells = f"{rate:>7,.0f} | {cpu:>11,.0f} | {peer_rate:>15,.0f} | {peer_cpu:>11,.0f} | {rate / peer_rate:>9.1f}"
        print(f"| {esp:8} | {'many' if kind.batches else 'one':>15} | {cells} | {', '.join(goals)} |")


def said(met: bool) -> str:
    return "met" if met else "**missed**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=10_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--only", type=lambda names: names.split(","), default=list(ESPS), metavar="ESP,…")
    parser.add_argument("--slice", type=int, default=50, metavar="N", help="mails in one deliver(); the worker's: 50")
    parser.add_argument("--quick", action="store_true", help="200 mails, once: shows that it runs, not how fast")
    parser.add_argument("--profile", metavar="ESP", choices=list(ESPS), help="ours alone, once: where the time goes")
    given = parser.parse_args()
    mails, repeats = (200, 1) if given.quick else (given.mails, given.repeats)
    if given.profile:
        with server("sink") as sink:
            reported("penstock_adapter.py", given.profile, sink.url, str(mails), str(given.slice), "profile")
        return
    checked(given.only, given.slice)
    runs: dict[str, list[tuple[Run, Run]]] = {}
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        letters = Path(name) / "letters.jsonl"
        written(letters, WARM + mails)
        for turn in range(1, repeats + 1):
            for esp in given.only:
                found = measured(esp, letters, mails, given.slice)
                runs.setdefault(esp, []).append(found)
                ours, peer = found
                print(
                    f"round {turn}, {esp}: {ours['seconds']:.2f} s, anymail {peer['seconds']:.2f} s",
                    file=sys.stderr,
                    flush=True,
                )
    ours, peer = next(iter(runs.values()))[0]
    print(f"{mails:,} mails of {ours['octets']:,} octets when finished, {given.slice} in a slice, median of {repeats}; "
          f"{peer['version']}")  # fmt: skip
    show(runs)


if __name__ == "__main__":
    main()
