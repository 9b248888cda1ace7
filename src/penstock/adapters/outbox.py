"""The adapter that sends nothing: every mail becomes a file in a folder."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

from penstock.errors import AdapterUnavailable
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import Capabilities

__all__ = ["FileAdapter"]

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class FileAdapter:
    """Writes `<mail id>.eml` (mode 0600): exactly the message's octets (RFC 5322), nothing of the envelope.

    A file appears whole or not at all; the same mail twice is the same file. `smtputf8` says whether mails
    whose addresses need RFC 6531 are taken.
    """

    def __init__(self, name: str, folder: Path, *, smtputf8: bool = True) -> None:
        self.name = name
        self.capabilities = Capabilities(max_batch=50, smtputf8=smtputf8, idempotent=True)
        self._folder = folder

    async def prepare(self) -> None:
        """Nothing to learn."""

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """Accepted once file and folder are on disk.

        A disk that fails before the first mail: AdapterUnavailable. One that fails later: the rest TryLater.
        """
        return await asyncio.to_thread(self._write_all, tuple(mails))

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _write_all(self, mails: Sequence[Mail]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        broken = ""
        for mail in mails:
            data = mail.content.data if isinstance(mail.content, Message) else None
            if data is None or not _FILE_NAME.fullmatch(mail.id):
                outcomes.append(Failed("not a finished message" if data is None else "no usable mail id"))
                continue
            if not broken:
                broken = self._write(mail.id, data)
                if broken and not any(isinstance(outcome, Accepted) for outcome in outcomes):
                    raise AdapterUnavailable(broken, where=str(self._folder), mend="see that the folder can be written")
            outcomes.append(TryLater(broken, attempt_used=False) if broken else Accepted(f"{mail.id}.eml"))
        return self._settled(outcomes)

    def _settled(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Make the new names durable: without that a file may be seen now and gone after a crash."""
        if not any(isinstance(outcome, Accepted) for outcome in outcomes):
            return outcomes
        try:
            _sync_folder(self._folder)
        except OSError as fault:
            doubt = Uncertain(f"the folder could not be synced: {fault.strerror}")
            return [doubt if isinstance(outcome, Accepted) else outcome for outcome in outcomes]
        return outcomes

    def _write(self, name: str, data: bytes) -> str:
        """Empty when the file is there, else why not."""
        part = self._folder / f".{name}.part"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / f"{name}.eml")
        except OSError as fault:
            _remove(part)
            return f"cannot be written: {fault.strerror}"
        return ""


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return  # what stopped us from writing may stop us from removing; the next try overwrites it


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
