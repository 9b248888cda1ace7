"""report.html: what the demo decided, as a page to look at."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from penstock.law.version import POLICY
from penstock.model.campaign import Campaign
from penstock.model.codes import PRECEDENCE, Code

__all__ = ["Played", "report_page"]

_ORDER = ("send", "defer", "hold", "block", "reject")
_GOES, _UNREADABLE = "Nothing stands against it", "The row cannot be read"
_FAMILIES = {
    1: "Somebody said no",
    2: "The address and the person",
    3: "Permission to e-mail",
    4: "Basis, relevance, source",
    5: "Freshness, caps, schedule",
    6: "The finished mail",
    7: "Our own pace",
    9: "A stage or an import failed",
}

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Played:
    """A campaign with the lines of its mails, in the order in which they were told."""

    campaign: Campaign
    lines: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `share` is the percentage of the longest bar of what was stopped, 0 for what goes.

    `behind` is the headline over a code that is never one itself.
    """

    family: str
    verdict: str
    code: str
    number: int
    share: float
    why: str
    example: str
    campaign: str
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the outbox as its reader sees it."""

    file: str
    to: str
    subject: str
    language: str
    html: str
    text: str


def report_page(played: Sequence[Played], outbox: Path, templates: Path) -> str:
    """The page as HTML text; everything in it is embedded."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(templates / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    lines: list[Line] = [line for each in played for line in each.lines]
    verdicts = Counter(str(each["verdict"]) for each in lines)
    rows = sorted([*_rows(lines), *_behind(lines)], key=_place)
    return environment.get_template("report.html.j2").render(
        policy=POLICY,
        total=len(lines),
        accepted=_accepted(lines),
        verdicts=[(verdict, verdicts[verdict]) for verdict in _ORDER if verdicts[verdict]],
        campaigns=[(each.campaign, len(each.lines), _accepted(each.lines)) for each in played],
        families=[(family, list(of)) for family, of in groupby(rows, key=lambda row: row.family)],
        samples=_samples(lines, outbox),
    )


def _accepted(lines: Iterable[Line]) -> int:
    return sum(each["outcome"] == "accepted" for each in lines)


def _rows(lines: Sequence[Line]) -> Iterator[Row]:
    numbers: Counter[tuple[str, str]] = Counter((each["verdict"], each["code"] or "") for each in lines)
    longest = _longest(lines)
    for (verdict, code), number in numbers.items():
        first = next(each for each in lines if (each["verdict"], each["code"] or "") == (verdict, code))
        yield _row(first, verdict, code, number, longest)


def _behind(lines: Sequence[Line]) -> Iterator[Row]:
    """Codes that are true of a mail but never its headline: a reader of the table looks for them, too."""
    numbers = Counter(code for each in lines for code in each["codes"])
    longest = _longest(lines)
    for code in numbers.keys() - {each["code"] for each in lines}:
        first = next(each for each in lines if code in each["codes"])
        verdict = next(each["verdict"] for each in first["reasons"] if each["code"] == code)
        yield _row(first, verdict, code, numbers[code], longest, behind=first["code"])


def _longest(lines: Sequence[Line]) -> int:
    stopped = Counter((each["verdict"], each["code"]) for each in lines if each["verdict"] != "send")
    return max(stopped.values(), default=1)


def _row(first: Line, verdict: str, code: str, number: int, longest: int, behind: str = "") -> Row:
    key, value = ("code", code) if code else ("stage", "legal_basis")
    reason = next((each for each in first["reasons"] if each[key] == value), None)
    return Row(
        family=_family(verdict, code),
        verdict=verdict,
        code=code,
        number=number,
        share=0.0 if verdict == "send" else round(100 * number / longest, 1),
        why=reason["why"] if reason else first.get("why", ""),
        example=first["address"] or f"line {first.get('line')}",
        campaign=first["campaign"],
        behind=behind,
    )


def _family(verdict: str, code: str) -> str:
    if code:
        return _FAMILIES[PRECEDENCE[Code(code)] // 10]
    return _GOES if verdict == "send" else _UNREADABLE


def _place(row: Row) -> tuple[int, int, int]:
    """What goes first, then the families in their order, then what cannot be read."""
    families = [_GOES, *_FAMILIES.values(), _UNREADABLE]
    code = PRECEDENCE[Code(row.code)] if row.code else 0
    return families.index(row.family), code, _ORDER.index(row.verdict)


def _samples(lines: Sequence[Line], outbox: Path) -> list[Sample]:
    """The first accepted mail of each language."""
    found: dict[str, Sample] = {}
    for each in lines:
        file = outbox / f"{each['mail_id']}.eml"
        if each["outcome"] != "accepted" or not file.is_file():
            continue
        sample = _sample(file)
        if sample.html:
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
