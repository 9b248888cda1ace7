"""Rows of the ledger as people read them: what was decided, by which rule, and whether it would be decided so again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.cli.context import say
from penstock.cli.tables import MARKS
from penstock.replaying import Answer

if TYPE_CHECKING:
    from penstock.replaying import Replay
    from penstock.store.ledger_rows import LedgerRow

__all__ = ["replay_record", "show_row"]

_BASIS = "basis:"
_WHY = {
    Answer.SAME: "decided again from the kept inputs, with the same verdict, the same codes and the same stages",
    Answer.ERASED: "the decision stays on record, what it used was erased",
    Answer.NOT_KEPT: "the row was written without the inputs that a replay needs",
}
_UNEXPLAINED = (
    "policy version, table of law, policy settings and campaign are as they were: "
    "senders, suppliers, safety settings or the program changed"
)


def replay_record(replay: Replay) -> dict[str, Any]:
    """The answer for programs."""
    return {
        "answer": replay.answer.value,
        "verdict": replay.verdict,
        "codes": list(replay.codes),
        "differences": [
            {"stage": each.stage, "then": list(each.then), "now": list(each.now)} for each in replay.differences
        ],
        "replayed": list(replay.replayed),
        "as_recorded": list(replay.as_recorded),
        "changed": list(replay.changed),
        "why": replay.why or None,
    }


def show_row(row: LedgerRow, replay: Replay | None) -> None:
    """One row; a decision with its basis, its stages and the answer of its replay."""
    if replay is None:
        say(f"{_time(row.at)}  {_event(row)}   (row {row.seq})")
        return
    body = row.body
    verdict = body["verdict"]
    codes = f"  {' '.join(body['codes'])}" if body["codes"] else ""
    begun = f", sending begun (attempt {body['attempt']})" if row.kind == "begin" else ""
    say("")
    say(f"{_time(row.at)}  {MARKS[verdict]} {verdict.upper()}{codes}{begun}   (row {row.seq})")
    for name, value in _facts(row):
        say(f"    {name:11} {value}")
    for stage, said, code, fields, records, rule in body["reasons"]:
        _show_stage(stage, said, code, fields, [each for each in records if not each.startswith(_BASIS)], rule)
    _show_replay(replay)


def _event(row: LedgerRow) -> str:
    """An outcome, a release and whatever else is no decision."""
    body = row.body
    told = [row.kind, *([body["outcome"]] if body.get("outcome") else []), *([row.code] if row.code else [])]
    if body.get("waived"):
        told.append(f"waived: {' '.join(body['waived'])}")
    return " ".join(told)


def _facts(row: LedgerRow) -> list[tuple[str, str]]:
    body = row.body
    stream, contact = body["stream"], f"{body['variant']} contact"
    settings = f", table of law {body['law']}, settings {body['settings']}" if body.get("law") else ""
    found = [
        ("mail", row.mail_id or "–"),
        ("campaign", f"{body['step']}, {stream}, {contact}" if body["step"] else f"none, {stream}"),
        ("controller", body["controller"]),
        ("basis", (body.get("basis") or "none recorded").replace("_", " ")),
        ("policy", f"{body['policy']}{settings}"),
        ("provenance", body.get("provenance") or "none recorded"),
    ]
    if row.kind == "begin":
        found.append(("notice", f"version {body['notice']}" if body.get("notice") else "none in this mail"))
    if body["until"]:
        found.append(("not before", _time(body["until"])))
    return found


def _show_stage(
    stage: str, said: str, code: str | None, fields: list[str], records: list[str], rule: str | None
) -> None:
    name = f"{stage} {code}" if code else stage
    say(f"      {MARKS[said]} {name:36} {rule or ''}".rstrip())
    if said != "send" and fields:
        say(f"          looked at {', '.join(fields)}")
    if records:
        say(f"          rests on {', '.join(records)}")


def _show_replay(replay: Replay) -> None:
    why = replay.why or _WHY.get(replay.answer, "")
    if replay.answer is Answer.DIFFERS and replay.verdict is not None:
        why = f"decided again from the kept inputs it is {' '.join([replay.verdict.upper(), *replay.codes])}"
    say(f"    {'replay':11} {replay.answer}: {why}")
    for each in replay.differences:
        say(f"      {each.stage}: {_words(each.then)} then, {_words(each.now)} now")
    if replay.as_recorded:
        say(f"      taken as recorded (lists, other mails, the letter): {', '.join(replay.as_recorded)}")
    if replay.changed:
        say(f"      changed since: {'; '.join(replay.changed)}")
    elif replay.answer is Answer.DIFFERS:
        say(f"      {_UNEXPLAINED}")


def _words(said: tuple[str, ...]) -> str:
    return " and ".join(said) or "nothing"


def _time(at: str) -> str:
    """To the second; rows are written in UTC."""
    return f"{at[:10]} {at[11:19]} UTC"
