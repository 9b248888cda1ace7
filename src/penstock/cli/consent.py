"""penstock consent: what people agreed to, with its proof, and what they took back."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from penstock.consent_desk import ConsentDesk, Recorded, Withdrawn
    from penstock.gate import Gate
    from penstock.model.contact import Consent

__all__ = ["app"]

app = typer.Typer(name="consent", help="Consents: record, withdraw, list.", no_args_is_help=True)

WhoseAddress = Annotated[str, typer.Argument(metavar="ADDRESS", help="The person's address.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


class MechanismWord(StrEnum):
    """How it was given; a pre-ticked box is no consent."""

    DOUBLE_OPT_IN = "double_opt_in"
    SINGLE_OPT_IN = "single_opt_in"
    WRITTEN = "written"
    ORAL = "oral"


@app.command()
def record(
    context: typer.Context,
    address: WhoseAddress,
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="email, phone, post or sms.")],
    controller: Annotated[str, typer.Option("--controller", metavar="NAME", help="To whom it was given.")],
    purpose: Annotated[str, typer.Option("--purpose", metavar="P", help="For what: a campaign's purpose or product.")],
    wording: Annotated[str, typer.Option("--wording", metavar="V", help="Which text the person agreed to.")],
    mechanism: Annotated[MechanismWord, typer.Option("--mechanism", help="How it was given.")],
    evidence: Annotated[str, typer.Option("--evidence", metavar="E", help="Digest or reference of the proof.")],
    given_at: Annotated[
        str | None, typer.Option("--given-at", metavar="T", help="ISO date or date-time; else now.")
    ] = None,
    lift: Annotated[
        bool, typer.Option("--lift", help="Take away earlier refusals of the person, where the consent is proven.")
    ] = False,
    json: Json = False,
) -> None:
    """Keep a consent with its proof; the contact is made where it is unknown."""

    async def work(gate: Gate) -> int:
        from penstock.model.contact import Consent, Mechanism

        consent = Consent(
            channel, controller, purpose, _moment(given_at), wording, Mechanism(mechanism.value), evidence
        )
        recorded = await _desk(gate).record(address, consent, lift=lift)
        if json:
            emit(_recorded(recorded))
            return DONE
        say("kept with a new contact; say where it comes from" if recorded.is_new else "kept with the contact")
        if lift:
            say(f"{len(recorded.lifted)} entries of the suppression list lifted")
        for hit in recorded.standing:
            say(f"  still binding: {hit.kind} {hit.reason}, scope {hit.scope}, since {hit.at:%Y-%m-%d}  ({hit.entry})")
        return DONE

    with_gate(Globals.of(context), work)


@app.command()
def withdraw(
    context: typer.Context,
    address: WhoseAddress,
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="Only this channel; else all.")] = "",
    controller: Annotated[str, typer.Option("--controller", metavar="NAME", help="Only this one; else all.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", metavar="P", help="Only this purpose; else all.")] = "",
    json: Json = False,
) -> None:
    """Withdraw consents, effective at once; where none is on record it counts as an objection."""

    async def work(gate: Gate) -> int:
        found = await _desk(gate).withdraw(address, channel=channel, controller=controller, purpose=purpose)
        if json:
            emit(_withdrawn(found))
        elif found.entry is not None:
            say(f"no consent is on record; kept as an objection (entry {found.entry})")
        else:
            say(f"{found.consents} consents withdrawn" if found.consents else "withdrawn already")
        return DONE

    with_gate(Globals.of(context), work)


@app.command("list")
def list_(context: typer.Context, address: WhoseAddress, json: Json = False) -> None:
    """Every consent on record of a person, withdrawn ones too."""

    async def work(gate: Gate) -> int:
        consents = await _desk(gate).consents(address)
        for consent in consents:
            emit(consent) if json else say(_line(consent))
        if not json:
            say(f"{len(consents)} consents")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def _desk(gate: Gate) -> ConsentDesk:
    from penstock.consent_desk import ConsentDesk

    return ConsentDesk(gate.house)


def _moment(text: str | None) -> datetime | None:
    from penstock.model.moment import as_moment

    if text is None:
        return None
    try:
        return as_moment(text)
    except ValueError:
        raise InvalidInput("is no ISO date or date-time", where="--given-at", mend="such as 2026-11-15") from None


def _recorded(found: Recorded) -> dict[str, Any]:
    standing = [{"entry": hit.entry, "kind": hit.kind, "reason": hit.reason} for hit in found.standing]
    return {
        "contact_id": found.contact_id,
        "is_new": found.is_new,
        "lifted": list(found.lifted),
        "standing": standing,
    }


def _withdrawn(found: Withdrawn) -> dict[str, Any]:
    return {"contact_id": found.contact_id, "withdrawn": found.consents, "entry": found.entry}


def _line(consent: Consent) -> str:
    given = f"{consent.given_at:%Y-%m-%d}" if consent.given_at else "at an unknown time"
    taken = f", withdrawn {consent.withdrawn_at:%Y-%m-%d}" if consent.withdrawn_at else ""
    how = consent.mechanism or "in an unknown way"
    what = (
        f"{consent.channel or 'any channel'} for {consent.controller or 'anybody'}: {consent.purpose or 'no purpose'}"
    )
    return f"given {given} ({how}){taken}  {what}"
