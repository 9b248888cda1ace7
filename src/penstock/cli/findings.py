"""What lint found, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from penstock.cli.context import emit, say

if TYPE_CHECKING:
    from penstock.compose.lint import Finding

__all__ = ["show_findings"]


def show_findings(findings: Sequence[Finding], *, json: bool, quiet_when_clean: bool, error: bool = False) -> None:
    """Errors first; `error` writes people's lines to standard error."""
    for each in sorted(findings, key=lambda finding: finding.level):
        if json:
            emit(asdict(each))
        else:
            mend = f" ({each.mend})" if each.mend else ""
            say(f"{each.level}: {each.where}: {each.what}{mend}", error=error)
    if not findings and not quiet_when_clean and not json:
        say("lint: nothing found")
