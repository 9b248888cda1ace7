"""penstock suppress: the lasting "do not mail"."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, PROBLEMS, Globals, emit, say, with_gate

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.model.suppression import Hit
    from penstock.store.suppressions import StoredSuppression

__all__ = ["app"]

app = typer.Typer(name="suppress", help="The suppression list: persons, domains and companies.", no_args_is_help=True)

Subject = Annotated[
    str, typer.Argument(metavar="ADDRESS|DOMAIN|COMPANY-ID", help="Whom it is about; a hash works too.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


class ReasonWord(StrEnum):
    """Why an entry is made by hand."""

    OBJECTION = "objection"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"
    PHONE = "phone"
    OTHER = "other"


@app.command()
def add(
    context: typer.Context,
    subject: Subject,
    reason: Annotated[ReasonWord, typer.Option("--reason", help="Why.")],
    scope: Annotated[str, typer.Option("--scope", metavar="S", help="all, controller:NAME or channel:NAME.")] = "all",
    json: Json = False,
) -> None:
    """Never mail this person, domain or company again, effective at once."""

    async def work(gate: Gate) -> int:
        from penstock.model.suppression import SuppressionReason
        from penstock.suppression_list import SuppressionList

        entries = SuppressionList(gate.house)
        entry = await entries.add(subject, SuppressionReason(reason.value), scope=scope)
        kind = entries.keys(subject)[0]
        if json:
            emit({"entry": entry, "kind": kind, "reason": reason, "scope": scope})
        else:
            say(f"kept: {kind} entry {entry} ({reason}, {scope})")
        return DONE

    with_gate(Globals.of(context), work)


@app.command()
def remove(
    context: typer.Context,
    subject: Subject,
    why: Annotated[str, typer.Option("--why", prompt="Why may this entry go?", help="Kept with the removal.")],
    json: Json = False,
) -> None:
    """Take an entry away again; the removal stays in the ledger."""

    async def work(gate: Gate) -> int:
        from penstock.errors import InvalidInput
        from penstock.suppression_list import SuppressionList

        if not why.strip():
            raise InvalidInput("a reason is needed", where="--why")
        number = await SuppressionList(gate.house).remove(subject, why.strip())
        if json:
            emit({"removed": number})
        else:
            say(
                f"{number} entr{'y' if number == 1 else 'ies'} removed"
                if number
                else "no entry was made for exactly this"
            )
        return DONE

    with_gate(Globals.of(context), work)


@app.command()
def check(
    context: typer.Context,
    subject: Subject,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when something is found.")] = False,
    json: Json = False,
) -> None:
    """Which entries hold mail to this address, domain or company back."""

    async def work(gate: Gate) -> int:
        from penstock.suppression_list import SuppressionList

        hits = await SuppressionList(gate.house).check(subject)
        if json:
            emit({"subject": subject, "suppressed": bool(hits), "entries": [_hit(hit) for hit in hits]})
        elif hits:
            say("suppressed:")
            for hit in hits:
                say(f"  {hit.kind:8} {hit.reason:12} scope {hit.scope}, since {hit.at:%Y-%m-%d}  ({hit.entry})")
        else:
            say("not suppressed")
        return PROBLEMS if strict and hits else DONE

    with_gate(Globals.of(context), work, read_only=True)


def _hit(hit: Hit) -> dict[str, str]:
    return {
        "entry": hit.entry,
        "kind": hit.kind.value,
        "scope": hit.scope,
        "reason": hit.reason.value,
        "at": hit.at.isoformat(),
    }


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """All entries."""

    async def work(gate: Gate) -> int:
        from penstock.suppression_list import SuppressionList

        number = 0
        async for each in SuppressionList(gate.house).walk():
            number += 1
            if json:
                emit(_stored(each))
            else:
                entry = each.entry
                subject = entry.subject or "(known by hash only)"
                say(f"{entry.kind:8} {subject:44} {entry.reason:12} {entry.scope:20} {entry.at:%Y-%m-%d}")
        if not json:
            say(f"{number} entries")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def _stored(each: StoredSuppression) -> dict[str, str | None]:
    entry = each.entry
    return {
        "entry": each.id,
        "kind": entry.kind.value,
        "subject": entry.subject,
        "scope": entry.scope,
        "reason": entry.reason.value,
        "at": entry.at.isoformat(),
        "origin": entry.origin,
    }


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="CSV or JSONL: address, domain, company_id or hash, reason, scope, at; or a service's export.",
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="F",
            help="auto (the columns above, and exports that look like no other), sendgrid, mailgun, postmark, ses, "
            "brevo, mailjet, resend, mailchimp, hubspot.",
        ),
    ] = "auto",
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Unusable rows of FILE, or of every file, are settled.")
    ] = False,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a row could not be used.")] = False,
) -> None:
    """Add the entries of a file; nothing is ever removed by it.

    Unusable rows hold commercial mail of their scope until --resolve says that they are settled.
    """
    from penstock.cli.suppress_import import imported, settled

    if resolve:
        with_gate(Globals.of(context), lambda gate: settled(gate, file, json=json))
    else:
        with_gate(Globals.of(context), lambda gate: imported(gate, file, format_, json=json, strict=strict))


@app.command()
def export(
    context: typer.Context,
    hashed: Annotated[bool, typer.Option("--hashed", help="Keyed hashes in the place of addresses.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here (0600); else standard output.")
    ] = None,
    json: Json = False,
) -> None:
    """All entries as CSV (JSONL with --json); `suppress import` reads it back."""

    async def work(gate: Gate) -> int:
        from penstock.cli.rows_out import RowsOut
        from penstock.suppression_list import COLUMNS, SuppressionList

        with RowsOut(out, COLUMNS, json=json) as rows:
            async for row in SuppressionList(gate.house).export(hashed=hashed):
                rows.write(row)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def sync(
    context: typer.Context,
    adapter: Annotated[str, typer.Argument(metavar="ADAPTER", help="The name of an [adapters.NAME].")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what differs.")] = False,
    json: Json = False,
) -> None:
    """Two-way with an ESP's own lists: what either side has is added to the other, and nothing is ever removed.

    Given to the ESP are objections of people for whom it was handed mail before, and only on a list bound to a stream.
    """
    from penstock.cli.suppress_sync import synced

    with_gate(Globals.of(context), lambda gate: synced(gate, adapter, dry_run=dry_run, json=json), read_only=dry_run)
