"""`penstock init`: a folder to start from."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]
Refusal = Callable[..., str]
Contents = Callable[[Path], dict[str, bytes]]


def test_it_writes_config_keys_campaign_and_letters(sample: Path) -> None:
    assert (sample / "config.toml").read_text(encoding="utf-8").startswith("# Penstock sample.")
    assert {file.name for file in (sample / "campaigns" / "letters").iterdir()} >= {
        "purchasing.txt.j2",
        "purchasing.html.j2",
        "purchasing.fr.txt.j2",
    }
    assert (sample / "contacts.csv").is_file()
    keys = list((sample / "keys").iterdir())
    assert {key.name.partition("-")[0] for key in keys} == {"pepper", "token", "ledger"}
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((sample / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((sample / "penstock.db").stat().st_mode) == 0o600


def test_what_it_wrote_passes_lint_and_says_what_to_do_next(penstock: Run, tmp_path: Path) -> None:
    made = penstock("init", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "lint" in made.stdout
    assert "check" in made.stdout
    linted = penstock("lint", "campaigns/purchasing.toml", cwd=tmp_path)
    assert linted.returncode == 0
    assert "error" not in linted.stdout


def test_it_overwrites_nothing(refusal: Refusal, contents: Contents, house: Path) -> None:
    before = contents(house)
    assert "config.toml" in refusal("init", ".", cwd=house)
    assert contents(house) == before


def test_a_file_in_the_place_of_the_folder_is_said_so(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "taken" in refusal("init", "taken", cwd=tmp_path)
    assert "taken" in refusal("init", "taken/below", cwd=tmp_path, code=3)
