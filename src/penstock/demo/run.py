"""The demo's run: suppressions, contacts, decisions, mails, report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from penstock.config.settings import Settings, load_settings
from penstock.demo.at_an_esp import EspDemo, Heard
from penstock.demo.report_page import Played, report_page
from penstock.demo.sample import MOMENT, write_demo
from penstock.errors import StoreUnavailable
from penstock.gate import Gate, open_gate
from penstock.send_report import SendReport
from penstock.suppression_list import SuppressionList

__all__ = ["CAMPAIGNS", "Demo", "run_demo"]

CAMPAIGNS = {"purchasing": "contacts.csv", "customers": "customers.csv", "service": "service.csv"}
"""Each campaign with its contacts: the main one, one to customers, and one that waits for a bad import."""

_SUPPRESSIONS = ("suppressions.csv", "service-suppressions.csv")


@dataclass(slots=True)
class Demo:
    """What a demo came to: a report per campaign, and what the ESP got and told, where it went through one."""

    reports: list[SendReport]
    heard: Heard | None = None


async def run_demo(
    folder: Path, stopping: Callable[[asyncio.Event], AbstractContextManager[None]], esp: EspDemo | None = None
) -> Demo:
    """Do the main job in `folder` at the sample's moment and leave report.html there.

    With `esp` the mails go through its plugin to a local server instead of the outbox.
    A run that was interrupted comes last and leaves no page. Raises InvalidInput when the folder holds something else,
    Unavailable when it cannot be written, ConfigError where the ESP's plugin is not installed.
    """
    config = write_demo(folder)
    if esp is None:
        return await _run(load_settings(config, {}), folder, stopping, None)
    async with esp.fake:
        return await _run(load_settings(config, esp.environ), folder, stopping, esp)


async def _run(
    settings: Settings,
    folder: Path,
    stopping: Callable[[asyncio.Event], AbstractContextManager[None]],
    esp: EspDemo | None,
) -> Demo:
    reports: list[SendReport] = []
    played: list[Played] = []
    done = Demo(reports)
    async with open_gate(settings, now=MOMENT) as gate:
        with stopping(gate.stop):
            for name in _SUPPRESSIONS:
                await SuppressionList(gate.house).import_file(folder / name)
            for name, contacts in CAMPAIGNS.items():
                played.append(Played(gate.campaign(folder / "campaigns" / f"{name}.toml"), []))
                reports.append(await _play(gate, played[-1], folder / contacts))
                if reports[-1].interrupted:
                    return done
        if esp is not None:
            done.heard = await esp.listen(gate)
        page = report_page(played, folder / "outbox", gate.house.services.templates)
    try:
        (folder / "report.html").write_text(page, encoding="utf-8")
    except OSError as fault:
        raise StoreUnavailable(f"cannot be written: {fault.strerror}", where=str(folder / "report.html")) from None
    return done


async def _play(gate: Gate, played: Played, contacts: Path) -> SendReport:
    return await gate.send(played.campaign, contacts, wait=0, emit=played.lines.append)
