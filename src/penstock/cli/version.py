"""penstock version."""

from __future__ import annotations

import typer

from penstock.cli.context import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(version)


def version() -> None:
    """The version of the program and of its rule tables."""
    from importlib.metadata import version as installed

    from penstock.law.version import POLICY

    say(f"penstock {installed('penstock')}, rule tables {POLICY}")
