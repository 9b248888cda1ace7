"""The sample folder that `init` and `demo` write: config, a campaign with letters and contacts; two more for `demo`."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

from penstock.errors import InvalidInput, StoreUnavailable
from penstock.templates import template_folder

__all__ = ["MOMENT", "write_demo", "write_sample"]

MOMENT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""The moment the sample data was made for; the demo runs then."""

_SAMPLE = {
    "config.toml": "config.toml",
    "contacts.csv": "contacts.csv",
    "suppressions.csv": "suppressions.csv",
    "purchasing.toml": "campaigns/purchasing.toml",
    "lia/purchasing.toml": "campaigns/lia/purchasing.toml",
    "suppliers/contact-atlas.toml": "suppliers/contact-atlas.toml",
}
"""File of the package's data to file of the folder."""

_DEMO = {
    "demo/config.toml": "config.toml",
    "demo/customers.toml": "campaigns/customers.toml",
    "demo/customers.txt.j2": "campaigns/letters/customers.txt.j2",
    "demo/customers.de.txt.j2": "campaigns/letters/customers.de.txt.j2",
    "demo/customers.csv": "customers.csv",
    "demo/service.toml": "campaigns/service.toml",
    "demo/service.de.txt.j2": "campaigns/letters/service.de.txt.j2",
    "demo/service.csv": "service.csv",
    "demo/service-suppressions.csv": "service-suppressions.csv",
    "demo/registers/ecg.csv": "registers/ecg.csv",
}
"""What only the demo shows: an invented register and a second company must not slip into anybody's own house."""

SAMPLE_MARK = "# Penstock sample."
DEMO_MARK = "# Penstock demo."


def write_sample(folder: Path) -> Path:
    """Write the sample into `folder` and answer its config file.

    Nothing that exists is overwritten: a file of the sample that is there already is InvalidInput. Raises
    StoreUnavailable when nothing can be written.
    """
    _refuse_file(folder)
    for name in ("config.toml", "campaigns", "contacts.csv", "penstock.db", "keys"):
        if (folder / name).exists():
            raise InvalidInput("exists already", where=str(folder / name), mend="choose another folder")
    return _write(folder, SAMPLE_MARK, demo=False)


def write_demo(folder: Path) -> Path:
    """Write the sample for a demo: into a new or empty folder, or afresh over an earlier demo (told by its first line).

    Raises InvalidInput for a folder that holds anything else, StoreUnavailable when nothing can be written.
    """
    _refuse_file(folder)
    config = folder / "config.toml"
    if folder.is_dir() and any(folder.iterdir()):
        if not (config.is_file() and config.read_text(encoding="utf-8", errors="replace").startswith(DEMO_MARK)):
            raise InvalidInput("the folder is not empty", where=str(folder), mend="choose an empty or a new folder")
        for name in ("outbox", "keys", "rejects"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for each in (*folder.glob("penstock.db*"), folder / "report.html"):
            each.unlink(missing_ok=True)
    return _write(folder, DEMO_MARK, demo=True)


def _refuse_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidInput("is not a folder", where=str(folder), mend="choose another folder")


def _write(folder: Path, mark: str, *, demo: bool) -> Path:
    try:
        _copy(folder, demo=demo)
        config = folder / "config.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("{mark}", mark, 1), encoding="utf-8")
    except OSError as fault:
        raise StoreUnavailable(
            f"cannot write: {fault.strerror}", where=str(folder), mend="choose another folder"
        ) from None
    return config


def _copy(folder: Path, *, demo: bool) -> None:
    shutil.copytree(template_folder() / "letters", folder / "campaigns" / "letters", dirs_exist_ok=True)
    with as_file(files("penstock.demo") / "data") as data:
        for name, target in {**_SAMPLE, **(_DEMO if demo else {})}.items():
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / name, folder / target)
