from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.adapters.address import adapter_from_url
from penstock.adapters.outbox import FileAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.campaign import Stream
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Draft, Envelope, Mail, Message
from penstock.model.outcome import Accepted, Failed, TryLater

DATA = b"From: eva.berg@nordlicht.example\r\nTo: anna@muster-werk.example\r\n\r\n.dot\r\nhello\r\n"


def mail(number: int, content: Draft | Message | None = None, mail_id: str = "") -> Mail:
    return Mail(
        id=mail_id or f"{number:032x}",
        envelope=Envelope("bounce@nordlicht.example", "anna@muster-werk.example"),
        stream=Stream.PROSPECTING,
        controller="nordlicht",
        campaign=None,
        contact=None,
        kind=RecipientKind.NAMED,
        identity=Identity(b"p", (), (), None, None),
        content=content or Message(DATA),
    )


async def test_each_mail_becomes_a_file_of_exactly_its_octets(tmp_path: Path) -> None:
    adapter = FileAdapter("main", tmp_path / "deep" / "outbox")
    outcomes = await adapter.deliver([mail(1), mail(2, Message(b"x" * 100_000))])
    assert outcomes == [Accepted(f"{1:032x}.eml"), Accepted(f"{2:032x}.eml")]
    folder = tmp_path / "deep" / "outbox"
    assert (folder / f"{1:032x}.eml").read_bytes() == DATA
    assert sorted(path.name for path in folder.iterdir()) == [f"{1:032x}.eml", f"{2:032x}.eml"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    await adapter.aclose()


async def test_the_same_mail_twice_is_one_file(tmp_path: Path) -> None:
    adapter = FileAdapter("main", tmp_path)
    await adapter.deliver([mail(1)])
    (tmp_path / f".{1:032x}.part").write_bytes(b"left by a crash")
    assert await adapter.deliver([mail(1)]) == [Accepted(f"{1:032x}.eml")]
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [DATA]


async def test_a_mail_that_is_not_finished_fails_alone(tmp_path: Path) -> None:
    outcomes = await FileAdapter("main", tmp_path).deliver([mail(1, Draft()), mail(2), mail(3, mail_id="../../escape")])
    assert [type(outcome) for outcome in outcomes] == [Failed, Accepted, Failed]
    assert not (tmp_path.parent / "escape.eml").exists()


async def test_nothing_to_deliver_touches_nothing(tmp_path: Path) -> None:
    assert await FileAdapter("main", tmp_path / "outbox").deliver([]) == []
    assert not (tmp_path / "outbox").exists()


async def test_a_folder_that_cannot_be_made_is_an_adapter_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    adapter = FileAdapter("main", tmp_path / "outbox" / "deeper")
    with pytest.raises(AdapterUnavailable) as caught:
        await adapter.deliver([mail(1)])
    assert caught.value.where == str(tmp_path / "outbox" / "deeper")
    assert caught.value.mend


async def test_when_the_disk_fails_half_way_the_rest_is_tried_later_with_no_attempt_used(
    tmp_path: Path,
) -> None:
    (tmp_path / f"{2:032x}.eml").mkdir()  # a name that cannot be taken
    first, second, third = await FileAdapter("main", tmp_path).deliver([mail(1), mail(2), mail(3)])
    assert first == Accepted(f"{1:032x}.eml")
    assert isinstance(second, TryLater)
    assert isinstance(third, TryLater)
    assert not second.attempt_used
    assert not third.attempt_used
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{1:032x}.eml", f"{2:032x}.eml"]


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from penstock.adapters.outbox import FileAdapter
from penstock.errors import AdapterUnavailable
sys.path.insert(0, {tests!r})
from test_outbox import Message, mail

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path({folder!r})
try:
    asyncio.run(FileAdapter("main", folder).deliver([mail(1, Message(b"x" * 5000))]))
except AdapterUnavailable as fault:
    assert fault.where == str(folder)
    assert list(folder.iterdir()) == [], list(folder.iterdir())
    raise SystemExit(7)
"""


def test_a_file_that_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    code = FULL_DISK.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "outbox"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr


def test_addresses_of_adapters_are_read(tmp_path: Path) -> None:
    adapter = adapter_from_url("main", "file:outbox", tmp_path)
    assert (adapter.name, adapter.capabilities.smtputf8, adapter.capabilities.max_batch) == ("main", True, 50)
    assert not adapter_from_url("main", "file:outbox?smtputf8=no", tmp_path).capabilities.smtputf8
    assert not (tmp_path / "outbox").exists()


@pytest.mark.parametrize("url", ["file:{}/out", "file://{}/out"])
async def test_an_absolute_folder_does_not_start_at_the_config(tmp_path: Path, url: str) -> None:
    await adapter_from_url("main", url.format(tmp_path), Path("/nowhere")).deliver([mail(1)])
    assert (tmp_path / "out" / f"{1:032x}.eml").exists()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("file:", "no folder"),
        ("file:out?smtputf=no", "did you mean 'smtputf8'"),
        ("file:out?smtputf8=perhaps", "expected yes or no"),
        ("smtp://user:hunter2@127.0.0.1", "not in this version"),
        ("outbox", "nothing here sends by"),
    ],
)
def test_addresses_that_are_not_understood_are_refused_without_repeating_them(
    tmp_path: Path, url: str, what: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        adapter_from_url("main", url, tmp_path)
    assert caught.value.where == "adapters.main.url"
    assert what in str(caught.value)
    assert "hunter2" not in str(caught.value)
