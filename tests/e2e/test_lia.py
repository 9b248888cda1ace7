"""`penstock lia`: an assessment from the empty file to one that carries."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Edited = Callable[..., Path]

SAMPLE = "campaigns/lia/purchasing.toml"


def test_a_new_file_names_the_controller_and_asks_for_all_the_rest(
    penstock: Run, records: Records, house: Path
) -> None:
    done = penstock("lia", "new", "campaigns/lia/my offer.toml", cwd=house)
    assert done.returncode == 0, done.stderr
    assert "ot legal advice" in done.stdout
    found = records("lia", "check", "campaigns/lia/my offer.toml", code=2, cwd=house)
    errors = {each["where"].split(" lia.")[1] for each in found if each["level"] == "error"}
    assert errors == {
        "purpose", "interest", "necessity", "reasonable_expectation", "impact", "safeguards", "outcome", "reviewer",
        "reviewed_at", "expires_at",
    }  # fmt: skip
    assert all(each["mend"] for each in found)
    (shown,) = records("lia", "show", "campaigns/lia/my offer.toml", cwd=house)
    assert (shown["id"], shown["controller"], shown["code"]) == ("my-offer", "nordlicht", "LIA_MISSING")


def test_each_complaint_names_the_line_it_is_about(penstock: Run, edited: Edited, house: Path) -> None:
    edited(
        house / SAMPLE,
        ('impact = "one short mail, at most three in 90 days"', 'impact = " "'),
        ("2027-06-01", "2026-11-22"),
    )
    done = penstock("lia", "check", SAMPLE, cwd=house)
    assert done.returncode == 2
    assert f"error: {SAMPLE}:10 lia.impact: is not answered (" in done.stdout
    assert f"error: {SAMPLE}:15 lia.expires_at: The assessment expired on 2026-11-22." in done.stdout


def test_a_good_assessment_passes_and_is_shown(penstock: Run, records: Records, house: Path) -> None:
    done = penstock("lia", "check", SAMPLE, cwd=house)
    assert (done.returncode, done.stderr) == (0, "")
    assert "through 2027-06-01" in done.stdout
    assert "ot legal advice" in done.stdout
    assert records("lia", "check", SAMPLE, cwd=house) == []
    (shown,) = records("lia", "show", SAMPLE, cwd=house)
    assert (shown["outcome"], shown["reviewed_at"], shown["code"]) == ("approved", "2026-06-01", None)
    told = penstock("lia", "show", SAMPLE, cwd=house)
    assert "A. Lind, privacy officer" in told.stdout
    assert "ot legal advice" in told.stdout


def test_a_year_later_the_same_file_is_out_of_date(records: Records, house: Path) -> None:
    found = records("lia", "check", SAMPLE, code=2, cwd=house, now="2027-06-02T00:00:00Z")
    assert [each["where"].split(" lia.")[1] for each in found] == ["expires_at", "reviewed_at"]


def test_a_new_file_never_replaces_one_that_is_there(refusal: Refusal, house: Path) -> None:
    before = (house / SAMPLE).read_bytes()
    assert "is there already" in refusal("lia", "new", SAMPLE, cwd=house)
    assert (house / SAMPLE).read_bytes() == before


def test_wrong_keys_and_strange_controllers_are_refused(refusal: Refusal, edited: Edited, house: Path) -> None:
    assert "no controller" in refusal("lia", "new", "a.toml", "--controller", "Sued", cwd=house)
    assert not (house / "a.toml").exists()
    edited(house / SAMPLE, ("necessity", "neccessity"))
    assert f"{SAMPLE}:8 lia.neccessity" in refusal("lia", "check", SAMPLE, cwd=house)
