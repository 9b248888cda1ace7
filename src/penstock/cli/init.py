"""penstock init: a folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.context import DONE, guarded, say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; default: here.")] = Path(),
) -> None:
    """A ready-to-edit config.toml, keys (0600), one sample campaign and the letters."""
    guarded(lambda: _init(folder))


def _init(folder: Path) -> int:
    from penstock.demo.sample import write_sample
    from penstock.gate import open_gate
    from penstock.running import run_async

    config = write_sample(folder)

    async def make_keys() -> None:
        async with open_gate(config):
            pass

    run_async(make_keys)
    say(f"wrote {config}, keys/, campaigns/ and contacts.csv in {folder.resolve()}")
    say("next:")
    at = f"--config {config} " if folder != Path() else ""
    say(f"  1. edit {config}: the controller is you")
    say(f"  2. penstock {at}lint {folder / 'campaigns/purchasing.toml'}")
    say(f"  3. penstock {at}check {folder / 'campaigns/purchasing.toml'} --contacts {folder / 'contacts.csv'}")
    return DONE
