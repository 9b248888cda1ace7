"""What the program reads at run time is inside the wheel, and is found in the checkout, too."""

from __future__ import annotations

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from penstock.templates import template_folder

LANGUAGES = ["cs", "da", "de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv"]
OFFLINE_FIRST: tuple[list[str], ...] = (["--offline"], [])


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built now. The build backend usually lies in uv's cache already."""
    out = tmp_path_factory.mktemp("wheel")
    for extra in OFFLINE_FIRST:
        command = ["uv", "build", "--wheel", "--package", "penstock", "--out-dir", str(out), *extra]
        built = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
        if built.returncode == 0:
            break
    assert built.returncode == 0, built.stderr
    with ZipFile(next(out.glob("penstock-*.whl"))) as archive:
        return set(archive.namelist())


@pytest.mark.needs("uv")
@pytest.mark.parametrize(
    "name",
    [
        "penstock/py.typed",
        "penstock/templates/notices/en/notice.toml",
        "penstock/templates/letters/purchasing.txt.j2",
        "penstock/demo/data/contacts.csv",
        "penstock/demo/data/config.toml",
        "penstock/store/sql/sqlite/migrations/0001-first.sql",
        "penstock/store/sql/sqlite/queries/ledger.sql",
        "penstock/law/data/mail_providers.txt",
        "penstock/law/data/mail_providers.LICENSE",
    ],
)
def test_the_wheel_holds(name: str, wheel: set[str]) -> None:
    assert name in wheel


@pytest.mark.needs("uv")
def test_the_wheel_holds_every_data_file_of_the_checkout(root: Path, wheel: set[str]) -> None:
    package, templates = root / "src/penstock", root / "templates"
    wanted = {f"penstock/{path.relative_to(package).as_posix()}" for path in files_below(package)}
    wanted |= {f"penstock/templates/{path.relative_to(templates).as_posix()}" for path in files_below(templates)}
    assert wanted - wheel == set()


@pytest.mark.needs("uv")
def test_the_wheel_holds_nothing_but_the_package(wheel: set[str]) -> None:
    strange = {name for name in wheel if not name.startswith(("penstock/", "penstock-"))}
    assert strange == set()
    assert not {name for name in wheel if name.endswith((".pyc", ".db", ".pem", ".eml"))}


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_checkout_reads_its_own_templates(root: Path) -> None:
    assert template_folder() == root / "templates"
    assert sorted(path.name for path in (root / "templates/notices").iterdir()) == LANGUAGES
