"""penstock campaign: see where campaigns stand, approve, pause, resume and cancel them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate

if TYPE_CHECKING:
    from penstock.campaign_desk import CampaignDesk, CampaignRow
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(
    name="campaign",
    help="See where campaigns stand; approve, pause, resume, cancel. Binding in every process within a second.",
    no_args_is_help=True,
)

CampaignId = Annotated[str, typer.Argument(metavar="ID", help="The id in the campaign file, as `list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Every campaign that was sent or offered: state, approval, and its mails by state."""

    async def work(gate: Gate) -> int:
        rows = await _desk(gate).rows()
        four_eyes = gate.house.services.safety.four_eyes
        for row in rows:
            if json:
                emit(_record(row))
            else:
                say(_line(row, four_eyes=four_eyes))
        if not json:
            say(f"{len(rows)} campaigns")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def approve(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(metavar="ID", help="Its id, or its file (.toml) before the first send.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves; not the owner of the campaign.")],
    json: Json = False,
) -> None:
    """Sign a campaign off. Bound to its text, templates, audience, assessment and the policy in force."""

    async def act(gate: Gate) -> tuple[str, str]:
        desk, id_ = _desk(gate), campaign
        if campaign.endswith(".toml"):
            read = gate.campaign(Path(campaign))
            await desk.offer(read)
            id_ = read.id
        done = await desk.approve(id_, by)
        what = f"{done.queued} mails that waited for it go with the next `penstock send` or worker"
        return id_, f"approved in the form {done.form}; {what}"

    _act(context, act, json)


@app.command()
def pause(context: typer.Context, id_: CampaignId, json: Json = False) -> None:
    """Stop it: no mail of it begins any more, in any process, until it is resumed."""

    async def act(gate: Gate) -> tuple[str, str]:
        known = await _desk(gate).pause(id_)
        return id_, "paused" if known else "paused; nothing of a campaign with this id was ever sent"

    _act(context, act, json)


@app.command()
def resume(context: typer.Context, id_: CampaignId, json: Json = False) -> None:
    """Let a paused campaign go on."""

    async def act(gate: Gate) -> tuple[str, str]:
        queued = await _desk(gate).resume(id_)
        return id_, f"resumed; {queued} mails that it held go with the next `penstock send` or worker"

    _act(context, act, json)


@app.command()
def cancel(context: typer.Context, id_: CampaignId, json: Json = False) -> None:
    """Give up all mails of it that have not begun, for good."""

    async def act(gate: Gate) -> tuple[str, str]:
        given_up = await _desk(gate).cancel(id_)
        return id_, f"cancelled; {given_up} mails were given up"

    _act(context, act, json)


def _act(context: typer.Context, act: Callable[[Gate], Coroutine[Any, Any, tuple[str, str]]], json: bool) -> None:
    async def work(gate: Gate) -> int:
        id_, what = await act(gate)
        if json:
            emit({"campaign": id_, "done": what})
        else:
            say(f"{id_}: {what}")
        return DONE

    with_gate(Globals.of(context), work)


def _desk(gate: Gate) -> CampaignDesk:
    from penstock.campaign_desk import CampaignDesk

    return CampaignDesk(gate.house)


def _record(row: CampaignRow) -> dict[str, Any]:
    from penstock.decision_line import iso

    return {
        "campaign": row.id,
        "state": row.state,
        "form": row.form,
        "approved": row.approved,
        "approved_by": row.approved_by or None,
        "starts_at": iso(row.starts_at),
        "expires_at": iso(row.expires_at),
        "first_sent_at": iso(row.first_sent_at),
        "mails": row.mails,
    }


def _line(row: CampaignRow, *, four_eyes: bool) -> str:
    waits = f"waits for approval of the form {row.form}" if four_eyes else ""
    approval = f"approved by {row.approved_by}" if row.approved else waits
    mails = ", ".join(f"{number} {state}" for state, number in sorted(row.mails.items())) or "no mails"
    return "  ".join(part for part in (f"{row.id:32}", f"{row.state:9}", approval, mails) if part)
