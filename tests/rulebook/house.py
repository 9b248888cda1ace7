"""The folders in which cases are decided: config, campaign, assessment, registers and contacts as files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tests.rulebook.case import CONTROLLER, PURPOSE, SELLERS, Case, Changes
from tests.rulebook.country_cases import ROWS

PROGRAM = Path(sys.executable).with_name("penstock")
REGISTERS = ("ECG", "KZP", "DGC", "LI-ECG")
Answer = dict[str, Any] | str
"""The decision line of a case, or what the program said when it gave none."""

CONTACT: dict[str, Any] = {
    "address": "anna.keller@muster-werk-{n}.example", "given_name": "Anna", "family_name": "Keller", "language": "fr",
    "country": "FR", "workplace_country": None, "recipient_kind": None, "title": "Responsable achats",
    "function": "purchasing", "seniority": "head", "born": None, "flags": [],
    "company": {"name": "Muster Werk {n} SA", "id": "FR-00000{n}", "domains": ["muster-werk-{n}.example"],
                "legal_form": "company", "industry": "C28", "activity": "machinery", "employees": 120, "revenue": None,
                "region": "FR-IDF"},
    "source": {"method": "own_site", "reference": "https://muster-werk-{n}.example/team", "collected_at": "2026-11-10",
               "collected_by": "e.berg", "supplier": None, "visibility": "public",
               "why": "head of purchasing in machinery"},
    "verified_at": "2026-11-15", "reason": "your site shows a new plant in Lyon", "last_contact_from_person_at": None,
    "consents": [],
    "relationship": {"last_purchase_at": None, "last_inquiry_at": None, "similar_goods": None,
                     "notice_at_collection": None, "purchased_from": None},
    "published": {"url": None, "seen_at": None, "for_offers": None, "no_advertising": None},
    "notice_given_at": None,
}  # fmt: skip
"""The contract's sample contact, to whom nothing forbids to write."""

CAMPAIGN: dict[str, Any] = {
    "campaign": {
        "id": "purchasing-2026", "controller": CONTROLLER, "purpose": PURPOSE, "product": "purchasing software",
        "product_for": "companies", "topic": ["purchasing", "achats", "Einkauf", "inköp"], "owner": "Eva Berg",
        "channel": "email", "stream": "prospecting", "basis": "legitimate_interest", "lia": "lia.toml",
        "starts_at": datetime(2026, 11, 20, 8, tzinfo=UTC), "expires_at": datetime(2026, 12, 20, 18, tzinfo=UTC)},
    "audience": {"countries": [*ROWS, "BR", "JP", "UA"], "industries": ["C28"], "functions": ["purchasing"],
                 "seniority": [], "employees": {"min": 50, "max": 500}, "regions": [], "unknown": "hold"},
    "caps": {"person": ["1/7d", "3/90d"], "company": ["5/30d"]},
    "message": {
        "from": "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>",
        "reply_to": "eva.berg@nordlicht.example", "subject": "achats, purchasing, Einkauf, inköp",
        "text": "letter.txt.j2", "fields": ["reason"]},
}  # fmt: skip
LETTER = "Bonjour,\n\nan offer.{% if reason %} {{ reason }}.{% endif %}\n\nEva\n"

LIA: dict[str, Any] = {
    "lia": {
        "id": "purchasing-2026", "controller": CONTROLLER,
        "purpose": "offer purchasing software to purchasing heads in machinery",
        "interest": "winning customers whose work our product serves", "benefit_to_whom": "both",
        "interest_link": "they run purchasing; the product automates it",
        "necessity": "no milder way reaches the persons in charge",
        "reasonable_expectation": "a purchasing head expects offers for purchasing tools",
        "impact": "one short mail, at most three in 90 days",
        "safeguards": ["professional address only", "opt-out in each mail", "source named"],
        "outcome": "approved", "reviewer": "A. Lind, privacy officer", "reviewed_at": date(2026, 6, 1),
        "expires_at": date(2027, 6, 1)},
}  # fmt: skip


def seller(name: str, country: str) -> dict[str, Any]:
    """A controller of the config."""
    return {
        "legal_name": name, "address": f"1 Example Street, {country}", "country": country,
        "registration": "556000-0000", "contact": "privacy@nordlicht.example", "phone": "+46 8 000 00 00",
        "privacy_url": "https://nordlicht.example/privacy", "storage_locations": ["EU"],
        "recipients": ["our e-mail provider"], "eu_representative": "Eva Berg, Storgatan 1, 111 22 Stockholm, Sweden",
    }  # fmt: skip


def supplier(**changes: Any) -> dict[str, Any]:
    """An approved supplier with a contract and fresh data."""
    return {"status": "approved", "contract": "C-1", "method": "own_site", "last_refresh": date(2026, 10, 1)} | changes


CONFIG: dict[str, Any] = {
    "controllers": {
        "base": seller(CONTROLLER, "SE"),
        **{country.lower(): seller(name, country) for country, name in SELLERS.items()}
    },
    "adapters": {"main": {"url": "file:outbox"}},
    "routes": {"default": "main"},
    "web": {"base_url": "https://mail.nordlicht.example"},
    "inbound": {"reply_domain": "reply.nordlicht.example"},
    "registers": {name: {"file": f"{name}.csv", "fetched_at": date(2026, 11, 15)} for name in REGISTERS},
    "suppliers": {
        "approved-one": supplier(),
        "banned-one": supplier(status="banned"),
        "probation-one": supplier(status="probation"),
        "consent-one": supplier(requires_consent=True),
        "fresh-one": supplier(last_refresh=date(2025, 11, 24)),
        "edge-one": supplier(last_refresh=date(2025, 11, 23)),
        "stale-one": supplier(last_refresh=date(2025, 11, 22)),
        "undated-one": supplier(last_refresh=None),
        "uncontracted-one": supplier(contract=None),
        "guessing-one": supplier(method="inferred"),
    },
}  # fmt: skip


def changed(base: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """`base` with the changes by dotted key."""
    whole = deepcopy(dict(base))
    for key, value in changes.items():
        *folders, last = key.split(".")
        place = whole
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return whole


def toml_value(value: Any) -> str:
    """One value as TOML writes it; JSON's texts are TOML's, too."""
    match value:
        case date():
            return value.isoformat()
        case list():
            return f"[{', '.join(map(toml_value, value))}]"
        case dict():
            pairs = (f"{json.dumps(key)} = {toml_value(each)}" for key, each in value.items() if each is not None)
            return f"{{{', '.join(pairs)}}}"
        case _:
            return json.dumps(value)


def toml(document: Mapping[str, Mapping[str, Any]]) -> str:
    """A document of tables; what is None is left out."""
    return "".join(
        f"[{table}]\n" + "".join(f"{json.dumps(key)} = {toml_value(value)}\n" for key, value in pairs.items()
                                 if value is not None)
        for table, pairs in document.items()
    )  # fmt: skip


def numbered(value: Any, number: int) -> Any:
    """`{n}` in every text of a value replaced by the number of the case."""
    match value:
        case str():
            return value.replace("{n}", f"{number:04}")
        case list():
            return [numbered(each, number) for each in value]
        case dict():
            return {key: numbered(each, number) for key, each in value.items()}
        case _:
            return value


def contact(changes: Changes, number: int) -> dict[str, Any]:
    """The base contact with the changes, of a company of the case's own."""
    record: dict[str, Any] = numbered(changed(CONTACT, changes), number)
    return record


class House:
    """A folder for cases that differ in contacts, suppressions and register entries only."""

    def __init__(self, folder: Path, cases: Sequence[tuple[int, Case]]) -> None:
        self.folder = folder
        self.cases = cases

    def build(self) -> None:
        """Write every file; entries of the opt-out registers are those of all cases."""
        self.folder.mkdir(parents=True)
        _, case = self.cases[0]
        rows = [contact(row, number) for number, case in self.cases for row in (*case.before, case.contact)]
        files = {
            "config.toml": toml(changed(CONFIG, case.config)),
            "campaign.toml": toml(changed(CAMPAIGN, case.campaign)),
            "lia.toml": toml(changed(LIA, case.lia)),
            "letter.txt.j2": LETTER,
            "contacts.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
            "suppressions.csv": "".join(("address,domain,company_id,reason,scope\n", *self.lines_of_suppressions())),
            **{f"{name}.csv": self.register(name) for name in REGISTERS},
        }
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def lines_of_suppressions(self) -> Iterator[str]:
        """All that the cases want suppressed, one line each."""
        return (f"{numbered(entry, number)}\n" for number, case in self.cases for entry in case.suppressed)

    def register(self, name: str) -> str:
        """An opt-out register: somebody nobody writes to, and whom the cases name."""
        entries = [
            numbered(entry, number) for number, case in self.cases for where, entry in case.registered if where == name
        ]
        return "\n".join(("nobody@never-written-to.example", *entries, ""))

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The program in this folder at the cases' moment, without the tester's own settings."""
        _, case = self.cases[0]
        return subprocess.run(
            [PROGRAM, "--config", "config.toml", "--now", case.now, *args],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def answers(self) -> list[Answer]:
        """The decision line of each case; where the program failed, what it said."""
        self.build()
        if any(case.suppressed for _, case in self.cases):
            listed = self.run("suppress", "import", "suppressions.csv", "--strict")
            if listed.returncode:
                return [listed.stderr or listed.stdout] * len(self.cases)
        done = self.run("check", "campaign.toml", "--contacts", "contacts.jsonl", "--json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        wanted = [len(case.before) + 1 for _, case in self.cases]
        if done.returncode or len(lines) != sum(wanted):
            return [f"exit {done.returncode}, {len(lines)} lines: {done.stderr}"] * len(self.cases)
        return [lines[sum(wanted[: place + 1]) - 1] for place in range(len(wanted))]


def decided(cases: Iterable[Case], folder: Path) -> list[Answer]:
    """The answer to each case, in order. Cases that differ in the contact only share one run of the program."""
    groups: dict[str, list[tuple[int, Case]]] = defaultdict(list)
    for number, case in enumerate(cases):
        shared = (case.now, case.campaign, case.lia, case.config)
        groups[json.dumps(shared, default=str, sort_keys=True)].append((number, case))
    houses = [House(folder / str(number), group) for number, group in enumerate(groups.values())]
    found: dict[int, Answer] = {}
    with ThreadPoolExecutor(2) as pool:
        for house, answers in zip(houses, pool.map(House.answers, houses), strict=True):
            found.update(zip((number for number, _ in house.cases), answers, strict=True))
    return [found[number] for number in range(len(found))]
