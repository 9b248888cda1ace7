"""What every command shares: the global options, output as people or programs read it, and exit codes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from penstock.errors import ConfigError, ContractError, InvalidInput, PenstockError, Unavailable

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = [
    "DONE",
    "INTERRUPTED",
    "PROBLEMS",
    "UNAVAILABLE",
    "WRONG_USE",
    "Globals",
    "emit",
    "guarded",
    "say",
    "with_gate",
]

DONE, PROBLEMS, WRONG_USE, UNAVAILABLE, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130


@dataclass(frozen=True, slots=True)
class Globals:
    """The options before the command. `now` is None for the machine's clock."""

    config: Path | None = None
    now: datetime | None = None

    @classmethod
    def of(cls, context: typer.Context) -> Globals:
        """As parsed by the root callback."""
        found = context.find_object(cls)
        return found if found is not None else cls()


def emit(record: Any) -> None:
    """One JSON object on a line of standard output."""
    import orjson

    sys.stdout.write(orjson.dumps(record, default=str).decode() + "\n")


def say(text: str, *, error: bool = False) -> None:
    """A plain line for people; `error` sends it to standard error."""
    typer.echo(text, err=error)


def guarded(work: Callable[[], int]) -> None:
    """Run a command's work and leave with its exit code; errors become one clear line each."""
    try:
        code = work()
        sys.stdout.flush()
    except (ConfigError, InvalidInput, ContractError) as fault:
        say(f"penstock: {fault}", error=True)
        code = WRONG_USE
    except Unavailable as fault:
        say(f"penstock: {fault}; nothing was lost, the same command continues", error=True)
        code = UNAVAILABLE
    except PenstockError as fault:
        say(f"penstock: {fault}", error=True)
        code = WRONG_USE
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("penstock: interrupted; the same command continues", error=True)
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except OSError as fault:
        what = fault.strerror or type(fault).__name__
        say(f"penstock: {fault.filename or 'standard output'}: {what}; the same command continues", error=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = UNAVAILABLE
    except Exception as fault:
        say(
            f"penstock: internal error: {type(fault).__name__} at {_place(fault)}; please report this line",
            error=True,
        )
        if os.environ.get("PENSTOCK_TRACEBACK") == "1":
            raise
        code = BUG
    raise typer.Exit(code)


def _place(fault: BaseException) -> str:
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def with_gate(
    options: Globals,
    work: Callable[[Gate], Coroutine[Any, Any, int]],
    *,
    read_only: bool = False,
    runs_on: bool = False,
) -> None:
    """Open the gate as configured, run the work on it, close it, leave with its exit code.

    With `runs_on` the time of `--now` is where the clock starts, else where it stands.
    """

    async def opened() -> int:
        from penstock.clock import ShiftedClock
        from penstock.gate import open_gate
        from penstock.running import stopping_by_signal

        clock = ShiftedClock(options.now) if runs_on and options.now else None
        async with open_gate(options.config, now=options.now, clock=clock, read_only=read_only) as gate:
            with stopping_by_signal(gate.stop):
                return await work(gate)

    from penstock.running import run_async

    guarded(lambda: run_async(opened))
