"""A house with a running relay as its foreign clients meet it: doors, a certificate, a login, people, an outbox."""

from __future__ import annotations

import email
import email.policy
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.staying import Stayer, staying, until

from penstock.intake.credentials import password_hash

__all__ = [
    "ADVERTISING",
    "FROM",
    "LOGIN",
    "SECRET",
    "SENDER",
    "TRANSACTIONAL",
    "RelayHouse",
    "furnished",
    "letter",
    "serving",
]

SENDER = "eva.berg@nordlicht.example"
FROM = f'"Eva Berg, Nordlicht Software AB" <{SENDER}>'
LOGIN, SECRET = "crm", "correct horse: battery=staple"
TRANSACTIONAL: Mapping[str, str] = {"X-Penstock-Stream": "transactional"}
ADVERTISING: Mapping[str, str] = {"X-Penstock-Stream": "prospecting", "X-Penstock-Campaign": "letters"}

_CAMPAIGN = f"""[message]
from = '{FROM}'
relayed = true
"""
_RELAY = """
[relay]
smtps = ["127.0.0.1:0"]
networks = ["192.0.2.0/24"]
tls_certificate = "tls/cert.pem"
tls_key = "tls/key.pem"
campaigns = ["campaigns/letters.toml"]

[[relay.credentials]]
name = "{login}"
password_hash = "{hash}"
streams = ["transactional", "prospecting"]
"""


@dataclass(frozen=True)
class RelayHouse:
    """The folder of a house and the relay that runs in it."""

    folder: Path
    relay: Stayer

    @property
    def certificate(self) -> Path:
        return self.folder / "tls/cert.pem"

    @property
    def smtp(self) -> int:
        return self.relay.smtp

    @property
    def smtps(self) -> int:
        return next(port(url) for url in self.relay.urls if url.startswith("smtps:"))

    @property
    def http(self) -> str:
        return next(url for url in self.relay.urls if url.endswith("/api/v1/mails"))

    def outbox(self) -> list[EmailMessage]:
        """All mails that have left."""
        return [read(file.read_bytes()) for file in sorted((self.folder / "outbox").glob("*.eml"))]

    def sent(self, *addresses: str) -> list[EmailMessage]:
        """The one mail to each of these, once they have left."""
        until(lambda: set(addresses) <= set(self._left().values()), 12)
        left = self._left()
        assert [[*left.values()].count(address) for address in addresses] == [1] * len(addresses)
        files = {address: file for file, address in left.items()}
        return [read(files[address].read_bytes()) for address in addresses]

    def _left(self) -> dict[Path, str]:
        """The files in the outbox, each with the recipient that the store knows."""
        with closing(sqlite3.connect(f"file:{self.folder / 'penstock.db'}?mode=ro", uri=True)) as base:
            rows = base.execute(
                "SELECT lower(hex(mails.id)), coalesce(recipient, json_extract(CAST(record AS TEXT), '$.address')) "
                "FROM mails LEFT JOIN contacts ON contacts.identity = mails.identity"
            ).fetchall()
        known = {(self.folder / "outbox" / f"{mail_id}.eml"): str(address) for mail_id, address in rows}
        return {file: known[file] for file in (self.folder / "outbox").glob("*.eml")}


def read(data: bytes) -> EmailMessage:
    """A mail as a strict reader sees it."""
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def port(url: str) -> int:
    found = urlsplit(url).port
    assert found is not None
    return found


def letter(to: str, asked: Mapping[str, str], text: str = "", **files: bytes) -> bytes:
    """A letter as a program of the house would write it; `files` are attachments by name."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = FROM, to, "Purchasing without spreadsheets"
    for name, value in asked.items():
        made[name] = value
    made.set_content(text or "An offer of purchasing software.\r\n.\r\n..\r\nGrüße\r\n", cte="8bit")
    for name, octets in files.items():
        made.add_attachment(octets, maintype="application", subtype="octet-stream", filename=f"{name}.bin")
    return made.as_bytes()


def furnished(
    sample: Path, folder: Path, records: Iterable[Mapping[str, Any]], penstock: Callable[..., Any], contact_file: Any
) -> Path:
    """A copy of the sample, ready for a relay: certificate, login, a campaign of relayed letters, these people."""
    house = shutil.copytree(sample, folder)
    (house / "tls").mkdir()
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(house / "tls/key.pem"), "-out", str(house / "tls/cert.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True, timeout=60)
    campaign = (house / "campaigns/purchasing.toml").read_text(encoding="utf-8")
    head, _, _ = campaign.replace('id = "purchasing-2026"', 'id = "letters"').partition("[message]")
    (house / "campaigns/letters.toml").write_text(head.replace('["5/30d"]', '["500/30d"]') + _CAMPAIGN)
    with (house / "config.toml").open("a", encoding="utf-8") as config:
        config.write(_RELAY.format(login=LOGIN, hash=password_hash(SECRET)))
    people = contact_file(house / "people.jsonl", records)
    done = penstock("contacts", "import", people, cwd=house)
    assert done.returncode == 0, done.stderr
    return house


@contextmanager
def serving(house: Path, env: Mapping[str, str] | None = None) -> Iterator[RelayHouse]:
    """`penstock relay` with the doors and a worker; it has to end well."""
    with staying(house, "relay", "--only", "smtp,http,worker", env=env, lines=4) as relay:
        yield RelayHouse(house, relay)
        assert relay.stop() == 0
