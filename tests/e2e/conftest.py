"""The program as its users meet it: the console script in a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

PROGRAM = Path(sys.executable).with_name("penstock")
MOMENT = "2026-11-23T09:00:00Z"
"""The moment the sample data was made for."""

SHORT_MESSAGE = """[message]
from = "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"
reply_to = "eva.berg@nordlicht.example"
subject = "purchasing for {{ company.name|default('your team') }}"
text = "short.txt.j2"
fields = ["given_name", "company.name", "reason"]
"""
SHORT_LETTER = (
    "Dear {{ given_name|default('reader') }},\n\nan offer.{% if reason %} Why now: {{ reason }}.{% endif %}\n\nEva\n"
)

T = TypeVar("T")
Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]


def environment(home: Path, extra: Mapping[str, str] | None) -> dict[str, str]:
    """Nothing of the tester's own settings; what `extra` says wins."""
    keep = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**keep, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error", **(extra or {})}


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """`penstock --now MOMENT …` as a list for subprocess; `now=None` leaves the clock alone."""

    def made(*args: str | Path, now: str | None = MOMENT) -> list[str]:
        return [str(PROGRAM), *(["--now", now] if now else []), *map(str, args)]

    return made


@pytest.fixture(scope="session")
def penstock(command: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the program to its end in the folder `cwd`."""
    home = tmp_path_factory.mktemp("home")

    def run(
        *args: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        now: str | None = MOMENT,
        preexec: Callable[[], None] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*args, now=now),
            cwd=cwd,
            env=environment(home, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            preexec_fn=preexec,
        )
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        assert "internal error" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def records(penstock: Run) -> Records:
    """Runs a command with `--json`; answers its lines. Standard output must hold nothing else."""

    def run(*args: str | Path, code: int = 0, **options: Any) -> list[dict[str, Any]]:
        done = penstock(*args, "--json", **options)
        assert done.returncode == code, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(isinstance(record, dict) for record in found)
        return found

    return run


@pytest.fixture(scope="session")
def refusal(penstock: Run) -> Refusal:
    """Runs a command that must fail with one clear line, warnings of lint apart; answers that line."""

    def run(*args: str | Path, code: int = 2, **options: Any) -> str:
        done = penstock(*args, **options)
        assert done.returncode == code, done.stdout + done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
        assert len(lines) == 1, done.stderr
        assert done.stdout == ""
        assert lines[0].startswith("penstock: ")
        return lines[0]

    return run


@pytest.fixture(scope="session")
def at_once() -> Callable[[Iterable[Callable[[], T]]], list[Future[T]]]:
    """Runs independent commands two at a time; their outcomes in order, for `result()` to tell in the test it is of."""

    def run(jobs: Iterable[Callable[[], T]]) -> list[Future[T]]:
        with ThreadPoolExecutor(2) as pool:
            return [pool.submit(job) for job in jobs]

    return run


@pytest.fixture(scope="session")
def sample(penstock: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `penstock init` wrote, once, and a second campaign with a short letter; tests work on copies."""
    folder = tmp_path_factory.mktemp("sample") / "house"
    done = penstock("init", folder, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    campaign, _, _ = (folder / "campaigns" / "purchasing.toml").read_text(encoding="utf-8").partition("[message]")
    (folder / "campaigns" / "short.toml").write_text(campaign + SHORT_MESSAGE, encoding="utf-8")
    (folder / "campaigns" / "short.txt.j2").write_text(SHORT_LETTER, encoding="utf-8")
    return folder


@pytest.fixture
def house(sample: Path, tmp_path: Path) -> Path:
    """A folder of one's own as `penstock init` leaves it: config, keys, empty store, one campaign."""
    return shutil.copytree(sample, tmp_path / "house")


@pytest.fixture(scope="session")
def finished_demo(penstock: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `penstock demo` left, once, beside a file of the user's; tests work on copies."""
    watched = tmp_path_factory.mktemp("demo")
    (watched / "mine.txt").write_text("mine")
    done = penstock("demo", "--out", "out", cwd=watched, env={"HOME": str(watched)}, now=None)
    assert done.returncode == 0, done.stderr
    assert str(Path("out") / "report.html") in done.stdout
    return watched / "out"


@pytest.fixture(scope="module")
def demo(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished demo, of this module's own."""
    return shutil.copytree(finished_demo, tmp_path_factory.mktemp("demo-of-module") / "out")


@pytest.fixture(scope="session")
def person() -> Callable[..., dict[str, Any]]:
    """Makes the record of a purchasing head at a machine maker of their own, whom nothing forbids to mail."""

    def made(name: str, **fields: Any) -> dict[str, Any]:
        domain = f"{name}-maskin.example"
        record: dict[str, Any] = {
            "address": f"{name}.berg@{domain}",
            "given_name": name.capitalize(),
            "family_name": "Berg",
            "language": "en",
            "country": "SE",
            "function": "purchasing",
            "company": {
                "name": f"{name.capitalize()} Maskin AB",
                "domains": [domain],
                "legal_form": "company",
                "industry": "C28",
                "employees": 120,
                "region": "SE-O",
            },
            "source": {
                "method": "own_site",
                "reference": f"https://{domain}/team",
                "collected_at": "2026-11-10",
                "visibility": "public",
                "why": "head of purchasing",
            },
            "verified_at": "2026-11-15",
            "reason": "your site shows a new plant",
        }
        company = fields.pop("company", {})
        return {**record, **fields, "company": {**record["company"], **company}}

    return made


@pytest.fixture(scope="session")
def contact_file() -> Callable[[Path, Iterable[Mapping[str, Any]]], Path]:
    """Writes records as a JSONL contact file."""

    def written(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
        path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="session")
def outbox() -> Callable[[Path], dict[str, bytes]]:
    """The finished mails of a folder by file name; a half-written one is a failure."""

    def read(folder: Path) -> dict[str, bytes]:
        files = sorted((folder / "outbox").iterdir()) if (folder / "outbox").is_dir() else []
        assert all(file.suffix == ".eml" for file in files)
        return {file.name: file.read_bytes() for file in files}

    return read


@pytest.fixture(scope="session")
def edited() -> Callable[..., Path]:
    """Replaces text in a file, which must be there."""

    def done(path: Path, *changes: tuple[str, str]) -> Path:
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return path

    return done


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder with its octets, to see what a command touched."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
        }

    return read
