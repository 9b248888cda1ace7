"""Where the shipped templates are."""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Iterable
from pathlib import Path

from penstock.errors import ConfigError

__all__ = ["notice_digests", "template_folder"]

_NOTICE = re.compile(r"(?:^|/)penstock/templates/notices/(?P<language>[^/]+)/notice\.toml$")


def template_folder() -> Path:
    """`penstock/templates` of an installed wheel, else `templates/` at the top of the checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parent.parent / "templates"):
        if (folder / "notices").is_dir():
            return folder
    raise ConfigError("the shipped templates are missing", where=str(package), mend="install penstock again")


def notice_digests(folder: Path, record: Iterable[str] | None = None) -> dict[str, str]:
    """SHA-256 (hex) by language of the notices that this package was installed with.

    By the wheel's own RECORD, or the given lines of one; empty where that does not speak of the templates in `folder`,
    as in a checkout.
    """
    found = {}
    for path, digest, *_ in (row for row in csv.reader(_record(folder) if record is None else record) if len(row) > 1):
        named = _NOTICE.search(path)
        kind, _, encoded = digest.partition("=")
        if named is not None and kind == "sha256":
            found[named["language"]] = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex()
    return found


def _record(folder: Path) -> list[str]:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        installed = distribution("penstock")
    except PackageNotFoundError:
        return []
    if Path(str(installed.locate_file("penstock/templates"))).resolve() != folder.resolve():
        return []
    return (installed.read_text("RECORD") or "").splitlines()
