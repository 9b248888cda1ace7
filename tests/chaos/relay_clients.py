"""Programs that hand mail to a relay and try again, whatever happens, until they are told that it is taken."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from .relay_scene import FROM, RelayProcesses
from .scene import address

__all__ = ["Clients", "Door"]

_PATIENCE = 20.0  # for one attempt
_PAUSE = 0.05
_FAILED = re.compile(r"^550 5\.7\.1 this mail of the campaign could not be delivered .*\(DUPLICATE\)")
_QUEUED = re.compile(r"^250 2\.0\.0 queued as ([0-9a-f]{32})")


class Door(StrEnum):
    """How a mail is handed in. Only by the first one a mail whose answer got lost is another mail."""

    SMTP = "smtp"
    LETTER = "letter of a campaign by smtp"
    HTTP = "http with a key"

    @property
    def once(self) -> bool:
        """Whether handing in again is no second mail."""
        return self is not Door.SMTP

    @classmethod
    def of(cls, number: int) -> Door:
        """Each in turn."""
        return list(cls)[number % 3]


@dataclass(slots=True)
class Clients:
    """Hand in mails with the numbers 0 to `mails` - 1, some at a time."""

    relay: RelayProcesses
    mails: int
    told: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Mail ids answered, by number."""
    attempts: Counter[int] = field(default_factory=Counter)
    given_up: set[int] = field(default_factory=set)
    """Numbers whose letter has failed already, as a later try was told: the answer to the one before was lost."""
    refused: list[str] = field(default_factory=list)
    """Answers that no try will change."""
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, sessions: int) -> None:
        """Return when all are taken."""
        numbers = iter(range(self.mails))
        async with asyncio.TaskGroup() as group:
            for _ in range(sessions):
                group.create_task(self._session(numbers))

    async def one_more(self) -> None:
        """Hand in the next number."""
        self.mails += 1
        await self._session(iter([self.mails - 1]))

    async def reached(self, number: int) -> None:
        """Return when that many are taken."""
        while len(self.told) + len(self.given_up) < number:
            self._progress.clear()
            await self._progress.wait()

    async def _session(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            while number not in self.told and number not in self.given_up:
                self.attempts[number] += 1
                try:
                    async with asyncio.timeout(_PATIENCE):
                        mail_id = await (self._post(number) if Door.of(number) is Door.HTTP else self._mail(number))
                except (OSError, EOFError, TimeoutError, ValueError):
                    await asyncio.sleep(_PAUSE)
                    continue
                if mail_id:
                    self.told[number].append(mail_id)
                else:
                    self.given_up.add(number)
                self._progress.set()

    async def _mail(self, number: int) -> str:
        """One session with one message; raises for everything but a 250. Empty for a letter that has failed already."""
        asked = "X-Penstock-Campaign: letters" if Door.of(number) is Door.LETTER else "X-Penstock-Stream: transactional"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay.smtp)
        try:
            for said in (
                "", "EHLO client.example", "MAIL FROM:<eva.berg@nordlicht.example>", f"RCPT TO:<{address(number)}>",
                "DATA", f"From: {FROM}\r\nSubject: number {number}\r\n{asked}\r\n\r\nsoftware for purchasing\r\n.",
            ):  # fmt: skip
                if said:
                    writer.write(said.encode() + b"\r\n")
                reply = await _reply(reader)
                if _FAILED.match(reply) and Door.of(number) is Door.LETTER and self.attempts[number] > 1:
                    return ""
                if reply[0] not in "23":
                    self._refused(reply, final=reply[0] == "5")
            found = _QUEUED.match(reply)
            if found is None:
                raise ValueError(reply)
            return found[1]
        finally:
            writer.close()

    async def _post(self, number: int) -> str:
        body = json.dumps(
            {
                "from": FROM, "to": address(number), "subject": f"number {number}", "text": "your order\n",
                "stream": "transactional",
            }
        ).encode()  # fmt: skip
        head = (
            f"POST /api/v1/mails HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nIdempotency-Key: number-{number}\r\nConnection: close\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay.http)
        try:
            writer.write(head.encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
        status, (_, _, text) = answer.split(b" ")[1:2], answer.partition(b"\r\n\r\n")
        if status != [b"202"]:
            self._refused(answer.decode(), final=bool(status) and status[0][:1] == b"4" and status[0] != b"408")
        return str(json.loads(text)["mails"][0]["id"])

    def _refused(self, answer: str, *, final: bool) -> None:
        if final:
            self.refused.append(answer)
            raise AssertionError(answer)
        raise ValueError(answer)


async def _reply(reader: asyncio.StreamReader) -> str:
    while True:
        line = (await reader.readline()).decode()
        if not line.endswith("\n"):
            raise EOFError
        if line[3] == " ":
            return line
