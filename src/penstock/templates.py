"""Where the shipped templates are."""

from __future__ import annotations

from pathlib import Path

from penstock.errors import ConfigError

__all__ = ["template_folder"]


def template_folder() -> Path:
    """`penstock/templates` of an installed wheel, else `templates/` at the top of the checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parent.parent / "templates"):
        if (folder / "notices").is_dir():
            return folder
    raise ConfigError("the shipped templates are missing", where=str(package), mend="install penstock again")
