"""check, explain, preview, lint, send: the commands that take a campaign file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, PROBLEMS, WRONG_USE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["register"]

CampaignFile = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="Campaign file (TOML).")]
ContactsFile = Annotated[
    Path | None,
    typer.Option(
        "--contacts",
        metavar="FILE",
        help="Contact file: .csv, .jsonl, also .gz; else the contacts of the store.",
    ),
]
Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help='Read a column of yours as a field, e.g. --map "E-Mail=address".',
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=0, metavar="N", help="The first N rows only.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when anything was held, blocked, deferred or failed.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (check, explain, preview, lint, send):
        app.command()(command)


def mapping_of(mapped: list[str] | None) -> dict[str, str]:
    """`COLUMN=FIELD` pairs; the last `=` divides, so a column may hold one."""
    pairs = {}
    for each in mapped or []:
        column, equals, field = each.rpartition("=")
        if not equals or not column.strip() or not field.strip():
            raise InvalidInput(f"{each!r} is not COLUMN=FIELD", where="--map", mend='like --map "E-Mail=address"')
        pairs[column.strip()] = field.strip()
    return pairs


def check(
    context: typer.Context,
    campaign: CampaignFile,
    contacts: ContactsFile = None,
    mapped: Mapped = None,
    limit: Limit = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Decide for each contact whether it may be mailed; nothing is sent, nothing is written."""

    async def work(gate: Gate) -> int:
        from penstock.cli.tables import DecisionTable

        read = gate.campaign(campaign)
        table = DecisionTable(read.id, json=json, title=f"check {campaign.name}")
        source = gate.source(contacts, {**read.columns, **mapping_of(mapped)})
        async for decided in gate.decisions(read, source, limit=limit):
            table.add(decided)
        table.close(source.dropped_columns)
        return PROBLEMS if strict and table.problems else DONE

    with_gate(Globals.of(context), work, read_only=True)


def explain(
    context: typer.Context,
    campaign: CampaignFile,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    contacts: ContactsFile = None,
    mapped: Mapped = None,
    json: Json = False,
) -> None:
    """The whole decision for one contact: every stage, the data and where they came from, the rule, what would help."""

    async def work(gate: Gate) -> int:
        from penstock.cli.explanation import explained, record, width_of_screen
        from penstock.cli.one_contact import decide_one

        one = await decide_one(gate, campaign, address, contacts, mapping_of(mapped))
        services = gate.house.services
        if json:
            emit(record(one, services))
        else:
            stages = gate.house.pipeline(peek=True).stages
            say("\n".join(explained(one, stages, services, width_of_screen())))
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def preview(
    context: typer.Context,
    campaign: CampaignFile,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    contacts: ContactsFile = None,
    mapped: Mapped = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write here; .html makes a page, else an .eml file."),
    ] = None,
) -> None:
    """The finished mail as it would leave, with the blocks that rules added marked in the page."""

    async def work(gate: Gate) -> int:
        from penstock.cli.one_contact import compose_one
        from penstock.cli.preview_page import preview_page
        from penstock.cli.rows_out import write_out

        mail, data = await compose_one(gate, campaign, address, contacts, mapping_of(mapped))
        if out is None:
            typer.get_binary_stream("stdout").write(data)
            return DONE
        write_out(out, preview_page(mail, data) if out.suffix.lower() in {".html", ".htm"} else data)
        say(f"wrote {out}")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def lint(context: typer.Context, campaign: CampaignFile, json: Json = False) -> None:
    """Faults of the campaign itself, before any contact is touched. Exit 2 when there are errors."""

    async def work(gate: Gate) -> int:
        from penstock.cli.findings import show_findings

        findings = gate.lint(campaign)
        show_findings(findings, json=json, quiet_when_clean=False)
        return WRONG_USE if any(each.level == "error" for each in findings) else DONE

    with_gate(Globals.of(context), work, read_only=True)


def send(
    context: typer.Context,
    campaign: CampaignFile,
    contacts: ContactsFile = None,
    mapped: Mapped = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide only, like check.")] = False,
    limit: Limit = None,
    workers: Annotated[int, typer.Option("--workers", min=1, metavar="N", help="Processes on one store.")] = 1,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="End when nothing is due within this time."),
    ] = 60.0,
    strict: Strict = False,
    json: Json = False,
    test_to: Annotated[
        str | None,
        typer.Option("--test-to", metavar="ME", help="Send the first --limit mails (1) to yourself, marked as tests."),
    ] = None,
    as_address: Annotated[
        str | None, typer.Option("--as", metavar="ADDRESS", help="With --test-to: the mail of this contact.")
    ] = None,
) -> None:
    """The main job: lint, decide, complete, send once. Ctrl-C stops cleanly; the same command continues."""
    _refuse_together(test_to, as_address, dry_run=dry_run)
    if test_to is not None:
        _test(context, campaign, contacts, mapped, 1 if limit is None else limit, test_to, as_address, json)
        return
    if dry_run:
        check(context, campaign, contacts, mapped, limit, strict, json)
        return

    async def work(gate: Gate) -> int:
        from penstock.cli.send_run import SendOptions, run_send

        options = SendOptions(limit=limit, wait=wait, workers=workers, strict=strict, json=json)
        return await run_send(gate, campaign, contacts, mapping_of(mapped), options)

    with_gate(Globals.of(context), work)


def _refuse_together(test_to: str | None, as_address: str | None, *, dry_run: bool) -> None:
    if as_address is not None and test_to is None:
        raise InvalidInput("goes with --test-to only", where="--as")
    if test_to is not None and dry_run:
        raise InvalidInput("a test mail is sent, and --dry-run sends nothing", where="--test-to")


def _test(
    context: typer.Context,
    campaign: Path,
    contacts: Path | None,
    mapped: list[str] | None,
    limit: int,
    test_to: str,
    as_address: str | None,
    json: bool,
) -> None:
    """`send --test-to`."""

    async def work(gate: Gate) -> int:
        from penstock.cli.send_run import run_test

        return await run_test(gate, campaign, contacts, mapping_of(mapped), test_to, as_address, limit, json=json)

    with_gate(Globals.of(context), work)
