"""penstock lia: assessments of legitimate interest, made, checked and shown."""

from __future__ import annotations

import json as json_text
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, WRONG_USE, Globals, emit, guarded, say
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import date

    from penstock.compose.lint import Finding
    from penstock.config.settings import Settings
    from penstock.config.toml_document import TomlDocument
    from penstock.model.assessment import Lia

__all__ = ["app"]

app = typer.Typer(
    name="lia",
    help="Assessments of legitimate interest (GDPR Art. 6(1)(f)): make, check and show their files.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The assessment, a TOML file that campaigns name as `lia`.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]

_NO_ADVICE = "Not legal advice: the reviewer answers for what the assessment says."
_REVIEW = "review it again, then set reviewed_at and expires_at"
_ADVISED = ("benefit_to_whom", "interest_link")
# What each key asks; shown in a new file and as the mend of a complaint.
_QUESTIONS = {
    "controller": "Who claims the interest: id or legal name of a [controllers.*] in the config.",
    "purpose": "What the mails are for: one concrete offer to one kind of recipient.",
    "interest": "Your interest in it: lawful, real and precise.",
    "benefit_to_whom": "Who gains by it: us | recipient | third_party | both.",
    "interest_link": "How the recipient's work and the offer hang together.",
    "necessity": "Why no milder way reaches the same people.",
    "reasonable_expectation": "Why the recipient will not be surprised to hear from you.",
    "impact": "What it costs the recipient: how many mails, which data, what could go wrong.",
    "safeguards": "What you do to keep that small.",
    "outcome": "Whether the interest prevails: approved | rejected.",
    "reviewer": "Who decided that: name and role.",
    "reviewed_at": "When; an assessment is reviewed again within 12 months and after each complaint.",
    "expires_at": "The last day it holds.",
}
_EMPTY = {
    "benefit_to_whom": '# benefit_to_whom = "both"',
    "safeguards": "safeguards = []",
    "outcome": '# outcome = "approved"',
    "reviewed_at": "# reviewed_at = 2026-06-01",
    "expires_at": "# expires_at = 2027-06-01",
}


@app.command()
def new(
    context: typer.Context,
    file: File,
    controller: Annotated[
        str | None,
        typer.Option("--controller", metavar="NAME", help="Id or legal name; default: the config's only controller."),
    ] = None,
) -> None:
    """Write a file ready to be filled; never over one that is there."""
    guarded(lambda: _new(Globals.of(context), file, controller))


@app.command()
def check(context: typer.Context, file: File, json: Json = False) -> None:
    """Complain about what is missing, wrong or out of date, with its line. Exit 2 when there are errors."""
    guarded(lambda: _check(Globals.of(context), file, json))


@app.command()
def show(context: typer.Context, file: File, json: Json = False) -> None:
    """What the assessment says, and whether it carries a claim of legitimate interest today."""
    guarded(lambda: _show(Globals.of(context), file, json))


def _new(options: Globals, file: Path, controller: str | None) -> int:
    named = _legal_name(_settings(options), controller)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(_blank(file.stem, named))
    except FileExistsError:
        raise InvalidInput("is there already", where=str(file), mend="choose another name") from None
    say(f"wrote {file}; fill it and run: penstock lia check {file}")
    say(_NO_ADVICE)
    return DONE


def _legal_name(settings: Settings, controller: str | None) -> str:
    from penstock.config.lia_file import known_controller

    if controller:
        return settings.controllers[known_controller(controller, settings, "--controller")].legal_name
    every = [one.legal_name for one in settings.controllers.values()]
    return every[0] if len(every) == 1 else ""


def _blank(stem: str, controller: str) -> str:
    id_ = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip(".-_")[:64] or "assessment"
    lines = [
        "# An assessment of legitimate interest (GDPR Art. 6(1)(f)).",
        "# Answer every key; remove the # before it where there is one.",
        f"# {_NO_ADVICE}",
        "[lia]",
        f"id = {_quoted(id_)}",
    ]
    written = {"controller": f"controller = {_quoted(controller)}", **_EMPTY}
    for key, question in _QUESTIONS.items():
        lines += [f"# {question}", written.get(key, f'{key} = ""')]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON escapes all that TOML wants escaped but DEL."""
    return json_text.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check(options: Globals, file: Path, json: bool) -> int:
    from penstock.cli.findings import show_findings

    document, lia = _read(options, file)
    found = _findings(document, lia, _today(options))
    show_findings(found, json=json, quiet_when_clean=True)
    errors = any(each.level == "error" for each in found)
    if not json and not errors:
        say(f"{file}: carries a claim of legitimate interest through {_last_day(lia)}")
    say(_NO_ADVICE, error=json)
    return WRONG_USE if errors else DONE


def _last_day(lia: Lia) -> date:
    """Of an assessment that carries."""
    from penstock.law.assessment import REVIEW_MONTHS
    from penstock.law.clocks import months_after

    assert lia.reviewed_at is not None
    assert lia.expires_at is not None
    return min(lia.expires_at, months_after(lia.reviewed_at, REVIEW_MONTHS))


def _findings(document: TomlDocument, lia: Lia, today: date) -> list[Finding]:
    from penstock.compose.lint import Finding
    from penstock.law.assessment import lia_faults, unanswered
    from penstock.model.codes import Code

    empty = unanswered(lia)
    found = [Finding("error", document.where(("lia", key)), "is not answered", _QUESTIONS[key]) for key in empty]
    for fault in lia_faults(lia, lia.controller, today):
        if fault.fields != empty:
            (key,) = fault.fields
            mend = _REVIEW if fault.code is Code.LIA_EXPIRED else _QUESTIONS[key]
            found.append(Finding("error", document.where(("lia", key)), fault.why, mend))
    advised = (key for key in _ADVISED if not getattr(lia, key))
    found += [Finding("warning", document.where(("lia", key)), "is not answered", _QUESTIONS[key]) for key in advised]
    return found


def _show(options: Globals, file: Path, json: bool) -> int:
    from dataclasses import asdict

    from penstock.law.assessment import lia_fault

    _, lia = _read(options, file)
    today = _today(options)
    code, why = lia_fault(lia, lia.controller, today) or (None, None)
    if json:
        emit({**asdict(lia), "code": code, "why": why})
        say(_NO_ADVICE, error=True)
        return DONE
    for key, value in asdict(lia).items():
        shown = "; ".join(value) if isinstance(value, tuple) else value
        say(f"{key.replace('_', ' '):22} {shown or '–'}")
    say(f"{code}: {why}" if code else f"carries a claim of legitimate interest on {today}")
    say(_NO_ADVICE)
    return DONE


def _read(options: Globals, file: Path) -> tuple[TomlDocument, Lia]:
    from penstock.config.lia_file import lia_of
    from penstock.config.toml_document import read_toml

    document = read_toml(file, InvalidInput)
    return document, lia_of(document, _settings(options))


def _settings(options: Globals) -> Settings:
    import os

    from penstock.config.settings import load_settings

    return load_settings(options.config, os.environ)


def _today(options: Globals) -> date:
    from penstock.clock import SystemClock

    return (options.now or SystemClock().now()).date()
