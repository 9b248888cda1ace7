"""penstock dkim: keys that sign mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, guarded, say

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.config.dkim_record import NewKey

__all__ = ["app"]

app = typer.Typer(name="dkim", help="Keys that sign mail (DKIM, RFC 6376).", no_args_is_help=True)

_OWNER_ONLY = 0o600


@app.command()
def new(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain in From that is to sign.")],
    selector: Annotated[
        str | None,
        typer.Option("--selector", metavar="NAME", help="What the key is found by in DNS; default: s1, Ed25519: e1."),
    ] = None,
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="An Ed25519 key, for a second signature beside the one by RSA.")
    ] = False,
    bits: Annotated[int, typer.Option("--bits", help="The length of an RSA key: 2048 to 4096.")] = 2048,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make a private key (0600) in the keys folder; print its DNS record and the lines for the config."""
    guarded(lambda: _new(Globals.of(context), domain, selector or ("e1" if ed25519 else "s1"), ed25519, bits, json))


def _new(options: Globals, domain: str, selector: str, ed25519: bool, bits: int, json: bool) -> int:
    import os

    from penstock.config.dkim_record import make_key
    from penstock.config.settings import load_settings

    settings = load_settings(options.config, os.environ)
    made = make_key(domain, selector, bits=None if ed25519 else bits)
    file = settings.keys_folder / f"dkim-{made.domain}-{made.selector}.pem"
    _write(file, made.pem)
    inside = file.is_relative_to(settings.base)
    reference = f"file:{file.relative_to(settings.base) if inside else file.absolute()}"
    _show(made, file, made.config(reference), json=json)
    return DONE


def _write(file: Path, pem: bytes) -> None:
    import os

    from penstock.errors import InvalidInput

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        mend = "a key is never overwritten: choose another --selector"
        raise InvalidInput("is there already", where=str(file), mend=mend) from None
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        file.unlink()  # half a key would only stand in the way of the next try
        raise


def _show(made: NewKey, file: Path, config: str, *, json: bool) -> None:
    if json:
        record = {"name": made.name, "type": "TXT", "value": made.value, "strings": made.strings}
        facts = {"file": str(file), "domain": made.domain, "selector": made.selector, "algorithm": made.algorithm}
        emit({**facts, "record": record, "config": config})
        return
    say(f"wrote {file} ({made.algorithm}); keep it secret and back it up\n")
    say("publish in DNS:")
    strings = " ".join(f'"{each}"' for each in made.strings)
    say(f"{made.name}. TXT ( {strings} )\n")
    say("once it is there, write into the config:")
    say(config)
