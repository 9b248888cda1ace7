"""The page about what adapters carry is what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

PAGE = "docs/reference/adapters/capabilities.md"
SCRIPT = "docs/capability_table.py"


def test_the_table_of_capabilities_is_what_its_script_makes(root: Path) -> None:
    made = runpy.run_path(str(root / SCRIPT))["page"]()
    assert made == (root / PAGE).read_text(encoding="utf-8"), f"run: uv run --group test python {SCRIPT}"


def test_every_esp_with_a_page_of_its_own_stands_in_both_tables(root: Path) -> None:
    page = (root / PAGE).read_text(encoding="utf-8")
    for each in sorted((root / "docs/reference/adapters").glob("*.md")):
        if each.name not in {"capabilities.md", "README.md"}:
            assert page.count(f"\n| [{each.stem}]({each.name}) |") == 2, each.stem
