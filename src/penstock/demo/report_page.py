"""report.html: what the demo decided, as a page to look at."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.law.version import POLICY
from penstock.model.campaign import Campaign
from penstock.model.codes import PRECEDENCE, Code

__all__ = ["report_page"]

_ORDER = ("send", "defer", "hold", "block", "reject")
_FAMILIES = {
    1: "objections",
    2: "address and person",
    3: "permission",
    4: "basis, relevance, source",
    5: "freshness, caps, schedule",
    6: "the finished mail",
    7: "rate",
    9: "stage and import",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `share` is the percentage of the longest bar."""

    verdict: str
    code: str
    family: str
    number: int
    share: float
    why: str
    example: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the outbox as its reader sees it."""

    file: str
    to: str
    subject: str
    language: str
    html: str
    text: str


def report_page(campaign: Campaign, lines: Sequence[Mapping[str, Any]], outbox: Path, templates: Path) -> str:
    """The page as HTML text; everything in it is embedded."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(templates / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    verdicts = Counter(str(each["verdict"]) for each in lines)
    countries = Counter(str(each["address"]).rpartition(".")[2] for each in lines if each["address"])
    return environment.get_template("report.html.j2").render(
        campaign=campaign,
        policy=POLICY,
        total=len(lines),
        accepted=sum(each["outcome"] == "accepted" for each in lines),
        verdicts=[(verdict, verdicts[verdict]) for verdict in _ORDER if verdicts[verdict]],
        rows=_rows(lines),
        samples=_samples(lines, outbox),
        countries=countries,
    )


def _rows(lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    numbers: Counter[tuple[str, str]] = Counter((each["verdict"], each["code"] or "") for each in lines)
    longest = max(numbers.values(), default=1)
    rows = []
    for (verdict, code), number in numbers.items():
        first = next(each for each in lines if (each["verdict"], each["code"] or "") == (verdict, code))
        key, value = ("code", code) if code else ("stage", "relevance")
        reason = next((each for each in first["reasons"] if each[key] == value), None)
        rows.append(
            Row(
                verdict=verdict,
                code=code,
                family=_family(verdict, code),
                number=number,
                share=round(100 * number / longest, 1),
                why=reason["why"] if reason else first.get("why", ""),
                example=first["address"] or f"line {first.get('line')}",
            )
        )
    return sorted(rows, key=lambda row: (_ORDER.index(row.verdict), PRECEDENCE[Code(row.code)] if row.code else 0))


def _family(verdict: str, code: str) -> str:
    if code:
        return _FAMILIES[PRECEDENCE[Code(code)] // 10]
    return "nothing stands against it" if verdict == "send" else "the row cannot be read"


def _samples(lines: Sequence[Mapping[str, Any]], outbox: Path) -> list[Sample]:
    """The first accepted mail of each language."""
    found: dict[str, Sample] = {}
    for each in lines:
        file = outbox / f"{each['mail_id']}.eml"
        if each["outcome"] != "accepted" or not file.is_file():
            continue
        sample = _sample(file)
        found.setdefault(sample.language, sample)
    return [found[language] for language in sorted(found)]


def _sample(file: Path) -> Sample:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    bodies = {kind: message.get_body((kind,)) for kind in ("html", "plain")}
    html = bodies["html"].get_content() if bodies["html"] else ""
    language = html.partition('lang="')[2].partition('"')[0] or "–"
    return Sample(
        file=f"outbox/{file.name}",
        to=str(message["To"]),
        subject=str(message["Subject"]),
        language=language,
        html=html,
        text=bodies["plain"].get_content() if bodies["plain"] else "",
    )
