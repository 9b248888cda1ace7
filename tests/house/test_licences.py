"""What others compiled is shipped with their licence; each list of the data is known to be ours or theirs."""

from __future__ import annotations

from pathlib import Path

OURS = frozenset(
    {
        "authorities.csv",
        "country_languages.csv",
        "country_names.csv",
        "jurisdictions.csv",
        "role_accounts.csv",
        "special_categories.csv",
        "taxonomy.csv",
    }
)
"""Compiled by this project. Any other list in law/data is somebody else's: NAME.LICENSE stands beside it."""


def lists_and_licences(root: Path) -> tuple[set[str], set[str]]:
    names = {path.name for path in (root / "src/penstock/law/data").iterdir() if path.is_file()}
    licences = {name for name in names if name.endswith(".LICENSE")}
    return {name for name in names - licences if not name.startswith("__")}, licences


def test_every_list_of_others_has_its_licence(root: Path) -> None:
    lists, licences = lists_and_licences(root)
    theirs = lists - OURS
    assert theirs
    assert {f"{Path(name).stem}.LICENSE" for name in theirs} == licences


def test_a_licence_names_its_origin_and_terms(root: Path) -> None:
    for path in sorted((root / "src/penstock/law/data").glob("*.LICENSE")):
        text = path.read_text(encoding="utf-8")
        assert "://" in text or "package" in text.lower(), path.name
        assert any(
            word in text
            for word in (
                "Permission is hereby granted",
                "Apache License",
                "CC0",
                "public domain",
                "Redistribution",
            )
        ), path.name


def test_the_project_itself_has_its_licence(root: Path) -> None:
    assert "Apache License" in (root / "LICENSE").read_text(encoding="utf-8")
