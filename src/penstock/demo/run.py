"""The demo's run: suppressions, contacts, decisions, mails, report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from penstock.demo.report_page import report_page
from penstock.demo.sample import MOMENT, write_demo
from penstock.errors import StoreUnavailable
from penstock.gate import open_gate
from penstock.send_report import SendReport
from penstock.suppression_list import SuppressionList

__all__ = ["run_demo"]


async def run_demo(folder: Path, stopping: Callable[[asyncio.Event], AbstractContextManager[None]]) -> SendReport:
    """Do the main job in `folder` at the sample's moment and leave report.html there.

    Raises InvalidInput when the folder holds something else, Unavailable when it cannot be written.
    """
    config = write_demo(folder)
    lines: list[dict[str, object]] = []
    async with open_gate(config, now=MOMENT) as gate:
        with stopping(gate.stop):
            await SuppressionList(gate.house).import_file(folder / "suppressions.csv")
            campaign = gate.campaign(folder / "campaigns" / "purchasing.toml")
            report = await gate.send(campaign, folder / "contacts.csv", wait=0, emit=lines.append)
        page = report_page(campaign, lines, folder / "outbox", gate.house.services.templates)
    try:
        (folder / "report.html").write_text(page, encoding="utf-8")
    except OSError as fault:
        raise StoreUnavailable(f"cannot be written: {fault.strerror}", where=str(folder / "report.html")) from None
    return report
