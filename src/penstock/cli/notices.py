"""penstock notices: the legal texts of the mails: see them, compare them, approve them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.compose.notice_text import NoticeFile, NoticeShelf
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(
    name="notices",
    help="The legal texts of the mails: see them, compare them with what was approved, approve them.",
    no_args_is_help=True,
)

_SHORT = 12
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every text in use: id, version, language, digest, who reviewed and approved it, and whether it may leave."""

    async def work(gate: Gate) -> int:
        shelf = _shelf(gate)
        for language in sorted(shelf.languages()):
            _tell(gate, shelf.file(language), json=json)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def diff(
    context: typer.Context,
    language: Annotated[str, typer.Argument(metavar="LANG", help="The language, such as de.")],
    json: Json = False,
) -> None:
    """What differs between the text that was approved, or adopted as shipped, and the one in use."""

    async def work(gate: Gate) -> int:
        shelf = _shelf(gate)
        file = _file(shelf, language)
        known = gate.house.services.legal_texts.approved.get(language)
        before = await gate.house.store.notice_texts.source(language) or b""
        name = f"{known.id} {known.version} ({known.digest[:_SHORT]})" if known else "no text known"
        lines = _diff(before, file, name)
        if json:
            emit({"language": language, "approved": known.digest if known else None, "in_use": file.digest,
                  "same": not lines, "diff": "\n".join(lines)})  # fmt: skip
        else:
            say(
                "\n".join(lines)
                or f"{language}: the text in use is the {'approved' if known and known.approved_by else 'shipped'} one"
            )
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def approve(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves the texts.")],
    languages: Annotated[
        list[str] | None, typer.Argument(metavar="[LANG]...", help="Of these languages; else all in use.")
    ] = None,
    reviewed_by: Annotated[
        str, typer.Option("--reviewed-by", metavar="NAME", help="Who reviewed them; else whom the file names.")
    ] = "",
    at: Annotated[str, typer.Option("--at", metavar="DATE", help="The day of it, such as 2026-11-20; else now.")] = "",
    json: Json = False,
) -> None:
    """Let the texts in use leave, in exactly this form. Mails that waited go with the next `penstock send`."""

    async def work(gate: Gate) -> int:
        from penstock.compose.notice_approval import TextState, text_state
        from penstock.legal_texts import text_of

        moment = _moment(at, gate.house.clock.now())
        names = _name(by, "--by"), _name(reviewed_by, "--reviewed-by") if reviewed_by else ""
        shelf, texts = _shelf(gate), gate.house.services.legal_texts
        files = [_sound(shelf, each) for each in dict.fromkeys(languages or sorted(shelf.languages()))]
        due = files if languages else [each for each in files if text_state(each, texts) is not TextState.APPROVED]
        approved = [(text_of(each, moment, *names), each.octets) for each in due]
        await gate.house.store.notice_texts.approve(approved)
        for text, _ in approved:
            if json:
                emit(asdict(text))
            else:
                say(
                    f"{text.language}: {text.id} {text.version} ({text.digest[:_SHORT]}) approved by {text.approved_by}"
                )
        if not json:
            say(f"{len(approved)} texts approved; mails that waited go with the next `penstock send`")
        return DONE

    with_gate(Globals.of(context), work)


def _shelf(gate: Gate) -> NoticeShelf:
    from penstock.compose.notice_text import NoticeShelf

    services = gate.house.services
    return NoticeShelf(services.templates / "notices", services.legal_texts.folder)


def _file(shelf: NoticeShelf, language: str) -> NoticeFile:
    known = shelf.languages()
    if language not in known:
        mend = f"there are {', '.join(sorted(known))}"
        raise InvalidInput(f"there is no notice in {language!r}", where="LANG", mend=mend)
    return shelf.file(language)


def _sound(shelf: NoticeShelf, language: str) -> NoticeFile:
    """The file of a text that can be used: nobody shall approve one that stops every mail."""
    from penstock.compose.notice_trial import notice_faults, table_faults

    file = _file(shelf, language)
    mend = "mend the text, then approve it"
    for wrong in table_faults(file):
        raise InvalidInput(f"{wrong.key} {wrong.what}", where=str(file.path), mend=mend)
    for fault in notice_faults(shelf.text(language)):
        what = f"{fault.variable or ''} {fault.what}".strip()
        raise InvalidInput(what, where=f"{fault.file}:{fault.line}", mend=mend)
    return file


def _tell(gate: Gate, file: NoticeFile, *, json: bool) -> None:
    from penstock.compose.notice_approval import text_state

    texts = gate.house.services.legal_texts
    state, known = text_state(file, texts), texts.approved.get(file.language)
    known = None if known is None or known.digest != file.digest else known
    reviewed = known.reviewed_by if known else file.said("reviewed_by")
    approved = known.approved_by if known else ""
    if json:
        emit({"language": file.language, "id": file.id, "version": file.version, "digest": file.digest,
              "state": state, "holds": state.holds, "reviewed_by": reviewed or None, "approved_by": approved or None,
              "at": known.at.isoformat() if known else None, "file": str(file.path), "own": file.own})  # fmt: skip
        return
    day = f", {known.at:%Y-%m-%d}" if known else ""
    people = f"reviewed by {reviewed or 'nobody'}, approved by {approved or 'nobody'}{day}"
    place = f"  {file.path}" if file.own else ""
    say(f"{file.language:6} {file.id:20} {file.version:6} {file.digest[:_SHORT]}  {state:10} {people}{place}")


def _diff(before: bytes, file: NoticeFile, name: str) -> list[str]:
    from difflib import unified_diff

    old, new = (octets.decode("utf-8", "replace").splitlines() for octets in (before, file.octets))
    in_use = f"in use: {file.path}"
    return [line.rstrip("\n") for line in unified_diff(old, new, name, in_use, lineterm="")]


def _name(text: str, option: str) -> str:
    name = text.strip()
    if not name or not name.isprintable():
        raise InvalidInput("a name is needed", where=option)
    return name


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("no day of the calendar", where="--at", mend="such as 2026-11-20") from None
    if day > now.date():
        raise InvalidInput(
            f"{day} lies in the future", where="--at", mend="an approval counts from the day it is given"
        )
    return datetime.combine(day, time(), UTC)
