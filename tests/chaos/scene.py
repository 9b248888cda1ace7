"""The folder that a round is played in: config, keys, empty store, campaign and contacts."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from penstock.gate import open_gate

__all__ = ["MOMENT", "MOST_MAILS", "Scene", "address", "client_name"]

MOMENT = "2026-11-23T09:00:00+00:00"
MOST_MAILS = 600  # more than one lease, so that there is work for two
_CONFIG = """
[store]
url = "sqlite:///penstock.db"
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
url = "smtp://127.0.0.1:{port}?helo={helo}"
[web]
base_url = "https://mail.nordlicht.example"
[inbound]
reply_domain = "reply.nordlicht.example"
"""
_CAMPAIGN = """
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
countries = ["SE"]
industries = ["C28"]
functions = ["purchasing"]
[message]
from = "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"
reply_to = "eva.berg@nordlicht.example"
subject = "{{{{ company.name }}}}: purchasing without spreadsheets"
text = "{letter}"
fields = ["given_name", "company.name", "reason"]
"""
_LIA = files("penstock.demo").joinpath("data/lia/purchasing.toml").read_text(encoding="utf-8")
_SHORT = "Dear {{ given_name }},\n\nan offer for {{ company.name }}. Why now: {{ reason }}.\n\nEva Berg\n"
_LONG = _SHORT + "\nNothing has to be replaced for it: the orders stay where they are, and so do the people.\n" * 3_000


def address(number: int) -> str:
    """Whom the contact with that number is."""
    return f"anna@firm-{number:04d}.example"


def client_name(worker: int) -> str:
    """What that worker says in EHLO, by which the server knows whom to kill."""
    return f"worker-{worker}.example"


def _contact(number: int) -> dict[str, object]:
    domain = address(number).partition("@")[2]
    return {
        "address": address(number),
        "given_name": "Anna",
        "family_name": "Berg",
        "language": "en",
        "country": "SE",
        "function": "purchasing",
        "company": {"name": f"Maskin {number} AB", "domains": [domain], "legal_form": "company", "industry": "C28"},
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


@dataclass(frozen=True, slots=True)
class Scene:
    """One such folder."""

    folder: Path

    @classmethod
    async def make(cls, folder: Path) -> Scene:
        """Prepare one; rounds are played in copies."""
        scene = cls(folder)
        folder.mkdir(parents=True)
        (folder / "lia.toml").write_text(_LIA)
        for name, letter in (("short", _SHORT), ("long", _LONG)):
            (folder / f"{name}.txt.j2").write_text(letter)
            (folder / f"{name}.toml").write_text(_CAMPAIGN.format(letter=f"{name}.txt.j2"))
        scene.contacts.write_text("".join(json.dumps(_contact(number)) + "\n" for number in range(MOST_MAILS)))
        scene.point_at(port=9, workers=1)
        async with open_gate(scene.config(0)):
            pass  # keys and store are made
        return scene

    def copy(self, folder: Path) -> Scene:
        """One of one's own."""
        return Scene(shutil.copytree(self.folder, folder))

    def point_at(self, *, port: int, workers: int) -> None:
        """Write the workers' configs, which differ in the name they give in EHLO."""
        for worker in range(workers):
            self.config(worker).write_text(_CONFIG.format(port=port, helo=client_name(worker)))

    def config(self, worker: int) -> Path:
        """The config of that worker."""
        return self.folder / f"config-{worker}.toml"

    def campaign(self, *, long: bool) -> Path:
        """The campaign with a letter of some lines, or of a quarter of a megabyte."""
        return self.folder / ("long.toml" if long else "short.toml")

    def journal(self, worker: int) -> Path:
        """Where that worker notes what it has in hand."""
        return self.folder / f"journal-{worker}.jsonl"

    @property
    def contacts(self) -> Path:
        """The contact file."""
        return self.folder / "contacts.jsonl"
