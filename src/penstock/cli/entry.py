"""The console entry point: small, so that Ctrl-C is answered from the first moment."""

from __future__ import annotations

import sys

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command line; an interruption while it is still being loaded is one like any other."""
    try:
        from penstock.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
