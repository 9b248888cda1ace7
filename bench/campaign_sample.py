"""What campaign_smtp.py sends: contacts at several hundred companies, and their finished mails for the peers."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.pipeline import CAMPAIGN, NOW, PARAGRAPHS, furnish, invented, run

from penstock.gate import open_gate
from penstock.model.mail import Letter, Message

COMPANIES = 500
CAPS = '[caps]\nperson = ["1/7d", "3/90d"]\ncompany = ["5/30d"]\n'
OF_THE_WRITER = {"from", "to", "subject", "reply-to", "mime-version", "date", "message-id"}


@dataclass(frozen=True, slots=True)
class Sample:
    """Files: contacts as JSONL, letters (one JSON object per mail, for those who build), messages (ready ones)."""

    folder: Path
    octets: int
    """Of a finished message, on average."""
    letter: tuple[str, ...] = PARAGRAPHS
    """The paragraphs."""

    @property
    def contacts(self) -> Path:
        return self.folder / "contacts.jsonl"

    @property
    def letters(self) -> Path:
        return self.folder / "letters.jsonl"

    @property
    def messages(self) -> Path:
        return self.folder / "messages.jsonl"

    @contextmanager
    def house(self, port: int, connections: int) -> Iterator[Path]:
        """A folder with config, campaign and letter, and no store yet; it goes away afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="house-", dir=self.folder))
        try:
            config = furnish(folder, "sqlite:///penstock.db", self.letter)
            way = f"smtp://127.0.0.1:{port}?tls=none&connections={connections}"
            config.write_text(config.read_text().replace("file:outbox", way))
            (folder / "campaign.toml").write_text(uncapped())
            yield folder
        finally:
            shutil.rmtree(folder)


def uncapped() -> str:
    """The campaign without caps: ten mails of it go to each company."""
    assert CAPS in CAMPAIGN
    return CAMPAIGN.replace(CAPS, "")


def colleagues(number: int) -> Iterator[dict[str, Any]]:
    """The contacts of the pipeline's bench, brought together at a few hundred companies."""
    firms: list[dict[str, Any]] = []
    for n, contact in enumerate(invented(number)):
        if n < COMPANIES:
            firms.append(contact)
        firm = firms[n % COMPANIES]
        domain = firm["company"]["domains"][0]
        yield {
            **contact,
            "address": f"person{n}@{domain}",
            "country": firm["country"],
            "company": firm["company"],
            "source": contact["source"] | {"reference": f"https://{domain}/team"},
        }


def prepared(folder: Path, mails: int, paragraphs: int) -> Sample:
    """Write the sample into an empty folder. Every contact must be one that may be mailed."""
    sample = Sample(folder, 0, PARAGRAPHS[:paragraphs])
    with sample.contacts.open("w") as file:
        file.writelines(json.dumps(contact) + "\n" for contact in colleagues(mails))
    return Sample(folder, run(_finished(sample)) // mails, sample.letter)


async def _finished(sample: Sample) -> int:
    """Have every mail finished once and keep what the peers need; the octets of all together."""
    octets = 0
    with sample.house(25, 1) as house, sample.letters.open("w") as letters, sample.messages.open("w") as messages:
        async with open_gate(house / "config.toml", now=NOW) as gate:
            async for decided in gate.decisions(house / "campaign.toml", sample.contacts):
                mail = decided.mail
                assert mail is not None, decided.fault
                assert isinstance(mail.content, Message), decided.reasons
                assert mail.content.letter is not None
                octets += len(mail.content.data)
                ends = {"sender": mail.envelope.sender, "recipient": mail.envelope.recipient}
                letters.write(json.dumps(ends | _parts(mail.content.letter)) + "\n")
                messages.write(json.dumps(ends | {"data": mail.content.data.decode("ascii")}) + "\n")
    return octets


def _parts(letter: Letter) -> dict[str, Any]:
    """What a program that builds mails is given."""
    return {
        "from": _quoted(letter.header("From") or ""),
        "to": _quoted(letter.header("To") or ""),
        "reply_to": letter.header("Reply-To"),
        "subject": letter.header("Subject"),
        "headers": {name: value for name, value in letter.headers if name.lower() not in OF_THE_WRITER},
        "text": letter.text,
        "html": letter.html,
    }


def _quoted(mailbox: str) -> str:
    """`Name <address>` with the name in quotes, since a comma in it means two mailboxes to others."""
    name, _, address = mailbox.rpartition(" <")
    return f'"{name}" <{address}' if name else mailbox
