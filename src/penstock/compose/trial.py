"""Renders every letter of a campaign once, in a process of its own that can be stopped: `python -m` this module.

Reads a campaign as JSON, writes one JSON object per line: language, part (`subject` or `fault`) and what was found.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from penstock.compose.fault import TemplateFault
from penstock.compose.sample import sample_contact, without
from penstock.compose.templates import TemplateShelf, letter_languages
from penstock.model.campaign import Campaign

__all__ = ["Trial", "try_campaign"]

_SECONDS = 5
_START_SECONDS = 10
_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Trial:
    """One finding: the rendered subject of a language, or a fault; `blank` names the field that was left empty."""

    language: str
    subject: str = ""
    fault: TemplateFault | None = None
    blank: str | None = None


def try_campaign(campaign: Campaign) -> list[Trial] | None:
    """What rendering finds; None when it took longer than 5 s of work or more than 1 GiB of memory."""
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "penstock.compose.trial"],
            input=orjson.dumps(campaign.slim(), default=bytes.decode),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS + _START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    if ran.returncode != 0:
        return None
    return [_read(orjson.loads(line)) for line in ran.stdout.splitlines()]


def _read(row: dict[str, object]) -> Trial:
    match row:
        case {"language": str(language), "fault": [str(file), int(line), variable, str(what)], "blank": blank}:
            fault = TemplateFault(file, line, variable if isinstance(variable, str) else None, what)
            return Trial(language, fault=fault, blank=blank if isinstance(blank, str) else None)
        case {"language": str(language), "subject": str(subject)}:
            return Trial(language, subject)
    raise ValueError("unreadable answer of the trial")


def _trials(campaign: Campaign) -> Iterator[Trial]:
    shelf = TemplateShelf()
    for language in letter_languages(campaign):
        template = shelf.letter_template(campaign, language)
        if isinstance(template, TemplateFault):
            yield Trial(language, fault=template)
            continue
        contact = sample_contact(language)
        letter = template.render(contact)
        if isinstance(letter, TemplateFault):
            yield Trial(language, fault=letter)
            continue
        yield Trial(language, letter.subject)
        for field in campaign.message.fields:
            if field == "address":
                continue
            fault = template.render(without(contact, field))
            if isinstance(fault, TemplateFault):
                yield Trial(language, fault=fault, blank=field)


def _row(trial: Trial) -> bytes:
    fault = trial.fault
    if fault is None:
        return orjson.dumps({"language": trial.language, "subject": trial.subject}) + b"\n"
    place = [fault.file, fault.line, fault.variable, fault.what]
    return orjson.dumps({"language": trial.language, "fault": place, "blank": trial.blank}) + b"\n"


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _main() -> None:
    from pydantic import TypeAdapter

    campaign = TypeAdapter(Campaign).validate_json(sys.stdin.buffer.read())
    _limit()
    for trial in _trials(campaign):
        sys.stdout.buffer.write(_row(trial))


if __name__ == "__main__":
    _main()
