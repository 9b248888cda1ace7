"""plugins/README.md, followed to the letter: its blocks become a package that is built, tested, typed and sent with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "plugins/README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
NOW = "2026-11-23T09:00:00Z"
"""The moment that the sample contacts were made for."""
CONFIG = "config.toml"
"""The block that goes into the config of a house."""
TRY_IT = "plugins/penstock-paloma/tests/try_it.py"
_BLOCK = re.compile(r'^```[a-z]+ title="([^"\n]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """The files of the page, by their path."""
    found = _BLOCK.findall(README)
    assert len(found) == len({path for path, _ in found})
    return dict(found)


def written(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """The package as the page has it, with changes: file, what stands there, what shall."""
    files = {path: text for path, text in blocks().items() if path != CONFIG}
    for path, old, new in changes:
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def run(
    *words: object, cwd: Path, paths: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    own = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(cwd),
        "LANG": "C.UTF-8",
    }
    return subprocess.run(
        [*map(str, words)], cwd=cwd, env={**own, **(env or {})}, capture_output=True, encoding="utf-8", timeout=300
    )


def own_tests(package: Path, paths: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Its tests, under the settings that they have as a member of the workspace."""
    settings = ("-c", ROOT / "pyproject.toml", "--rootdir", package, "-p", "no:cacheprovider", "-q")
    return run(sys.executable, "-m", "pytest", *settings, *more, "tests", cwd=package, paths=paths)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, at the place in the workspace that the page says."""
    return written(tmp_path_factory.mktemp("checkout") / "plugins" / "penstock-paloma")


@pytest.fixture(scope="module")
def installed(package: Path) -> Path:
    """A folder that holds the built package with its entry points."""
    out, site = package.parent / "wheels", package.parent / "site"
    build = ("build", "--offline", "--wheel", "--python", sys.executable, "--out-dir", str(out), str(package))
    done = subprocess.run(["uv", *build], capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, said(done)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with `shop`, as `penstock init` leaves it, and the page's block in the place of its adapter."""
    done = run(BIN / "penstock", "init", "shop", cwd=tmp_path, paths=tmp_path)
    assert done.returncode == 0, said(done)
    config = tmp_path / "shop" / CONFIG
    text = config.read_text(encoding="utf-8")
    changed = re.sub(r"^\[adapters\.main\]\n(?:[^\[\n].*\n)+", lambda _: blocks()[CONFIG], text, flags=re.MULTILINE)
    assert changed != text
    config.write_text(changed, encoding="utf-8")
    return tmp_path


def commands() -> list[list[str]]:
    """What the page calls `try_it.py` with, in its order."""
    lines = [shlex.split(line) for line in README.splitlines() if line.startswith("uv run ") and TRY_IT in line]
    assert all(line[:4] == ["uv", "run", "--all-packages", "python"] for line in lines)
    return [line[line.index(TRY_IT) + 1 :] for line in lines]


def tried(package: Path, installed: Path, house: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, package / "tests/try_it.py", "--now", NOW, *command)
    return run(*words, cwd=house, paths=installed, env={"PYTHONWARNINGS": "error"})


@pytest.mark.needs("uv")
def test_its_tests_pass(package: Path, installed: Path) -> None:
    done = own_tests(package, installed)
    assert done.returncode == 0, said(done)
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 40


@pytest.mark.parametrize(
    "change",
    [
        ("src/penstock_paloma/deliver.py", "if response.status == 202 else", "or 'sent' if response.status else"),
        ("src/penstock_paloma/events.py", "if not hmac.compare_digest(digest, signature[2]):", "if not digest:"),
        ("src/penstock_paloma/lists.py", 'after, page["next"]', "after, None"),
        ("src/penstock_paloma/fake.py", '"/v1/messages"', '"/v2/messages"'),
    ],
    ids=["deliver", "events", "lists", "fake"],
)
def test_its_tests_notice_a_broken_block(tmp_path: Path, change: tuple[str, str, str]) -> None:
    package = written(tmp_path, change)
    done = own_tests(package, package / "src", "-x")
    assert done.returncode == 1, said(done)
    assert " failed" in done.stdout


def test_it_is_typed_strictly(package: Path) -> None:
    checked = ("--config-file", ROOT / "pyproject.toml", "--strict", "--cache-dir", package.parent / "mypy")
    done = run(sys.executable, "-m", "mypy", *checked, "src", "tests", cwd=package, paths=package)
    assert done.returncode == 0, said(done)


def test_it_is_written_in_the_style_of_the_house(package: Path) -> None:
    checkout = package.parents[1]
    settings = ("--config", ROOT / "pyproject.toml", "--no-cache")
    places = f"src=['{package / 'src'}', '{ROOT / 'src'}']"
    for words in (("check", *settings, "--config", places), ("format", "--check", *settings)):
        done = run(sys.executable, "-m", "ruff", *words, package, cwd=checkout, paths=checkout)
        assert done.returncode == 0, said(done)


@pytest.mark.needs("uv")
def test_mails_sent_with_it_arrive_and_its_list_is_read(package: Path, installed: Path, house: Path) -> None:
    send, sync = commands()
    assert "send" in send
    assert "sync" in sync
    done = tried(package, installed, house, send)
    assert done.returncode == 0, said(done)
    accepted = int(re.findall(r"outcome accepted +(\d+)", done.stdout)[0])
    assert accepted > 100
    assert f"{accepted} mails arrived at the fake" in done.stdout
    done = tried(package, installed, house, sync)
    assert done.returncode == 0, said(done)
    assert "0 mails arrived" in done.stdout


@pytest.mark.needs("uv")
def test_a_config_with_a_webhook_finds_its_codec(installed: Path, package: Path) -> None:
    """By the second entry point, under the same name."""
    look = (
        "from importlib.metadata import entry_points\nfrom penstock.ports import WebhookAddress\n"
        "(point,) = [each for each in entry_points(group='penstock.webhooks') if each.name == 'paloma']\n"
        "print(point.load()(WebhookAddress('main', lambda: 'secret')).signed)\n"
    )
    done = run(sys.executable, "-c", look, cwd=package, paths=installed)
    assert done.stdout == "True\n", said(done)
