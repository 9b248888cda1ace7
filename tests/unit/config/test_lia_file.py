from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from penstock.config.lia_file import read_lia
from penstock.config.settings import Settings, load_settings
from penstock.errors import InvalidInput
from penstock.model.assessment import Benefit, Lia, LiaOutcome

CONFIG = """
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
"""

LIA = """\
[lia]
id = "purchasing-2026"
controller = "Nordlicht Software AB"
purpose = "offer purchasing software to purchasing heads in machinery"
interest = "winning customers whose work our product serves"
benefit_to_whom = "both"
interest_link = "they run purchasing; the product automates it"
necessity = "no milder way reaches the persons in charge"
reasonable_expectation = "a purchasing head expects offers for purchasing tools"
impact = "one short mail, at most three in 90 days"
safeguards = ["professional address only", "opt-out in each mail"]
outcome = "approved"
reviewer = "A. Lind, privacy officer"
reviewed_at = 2026-06-01
expires_at = 2027-06-01
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config.toml").write_text(CONFIG)
    return load_settings(tmp_path / "config.toml", {})


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = LIA
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "lia.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, settings: Settings) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_lia(path, settings)
    return caught.value


def test_an_assessment_is_read_whole(tmp_path: Path, settings: Settings) -> None:
    assert read_lia(written(tmp_path), settings) == Lia(
        id="purchasing-2026",
        controller="nordlicht",
        purpose="offer purchasing software to purchasing heads in machinery",
        interest="winning customers whose work our product serves",
        benefit_to_whom=Benefit.BOTH,
        interest_link="they run purchasing; the product automates it",
        necessity="no milder way reaches the persons in charge",
        reasonable_expectation="a purchasing head expects offers for purchasing tools",
        impact="one short mail, at most three in 90 days",
        safeguards=("professional address only", "opt-out in each mail"),
        outcome=LiaOutcome.APPROVED,
        reviewer="A. Lind, privacy officer",
        reviewed_at=date(2026, 6, 1),
        expires_at=date(2027, 6, 1),
    )


@pytest.mark.parametrize("name", ["nordlicht", "NORDLICHT", "nordlicht software ab"])
def test_the_controller_may_be_named_by_id_or_legal_name_in_any_case(
    tmp_path: Path, settings: Settings, name: str
) -> None:
    assert read_lia(written(tmp_path, ("Nordlicht Software AB", name)), settings).controller == "nordlicht"


def test_dates_may_be_written_as_text(tmp_path: Path, settings: Settings) -> None:
    lia = read_lia(written(tmp_path, ("2026-06-01", '"2026-06-01"')), settings)
    assert lia.reviewed_at == date(2026, 6, 1)


def test_an_unfinished_assessment_is_read_and_left_to_be_judged(tmp_path: Path, settings: Settings) -> None:
    (path := tmp_path / "lia.toml").write_text('[lia]\nid = "begun"\npurpose = "  "\n')
    assert read_lia(path, settings) == Lia(id="begun")


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("necessity =", "neccessity =", ":8 lia.neccessity", "did you mean 'necessity'?"),
        ("[lia]", "[lai]", ":1 lai", "did you mean 'lia'?"),
        ('id = "purchasing-2026"\n', "", ":1 lia.id", "the key 'id' is missing"),
        ('"purchasing-2026"', '"pur chasing"', ":2 lia.id", "expected a name"),
        ('"Nordlicht Software AB"', '"Nordlich Software"', ":3 lia.controller", "nordlicht software ab"),
        ('"both"', '"bot"', ":6 lia.benefit_to_whom", "did you mean 'both'?"),
        ('"approved"', '"aproved"', ":12 lia.outcome", "did you mean 'approved'?"),
        ('"approved"', '""', ":12 lia.outcome", "expected one of approved, rejected"),
        ("2026-06-01", "'in June'", ":14 lia.reviewed_at", "ISO"),
        ("2027-06-01", "2027-06-01T00:00:00Z", ":15 lia.expires_at", "expected a date"),
        ("2027-06-01", "20270601", ":15 lia.expires_at", "expected a date"),
        ('["professional address only", "opt-out in each mail"]', '"many"', ":11 lia.safeguards", "expected a list"),
        ('"opt-out in each mail"', "7", ":11 lia.safeguards[1]", "expected text in quotes"),
        ("[lia]", "[lia", ":1", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, settings: Settings, old: str, new: str, where: str, what: str
) -> None:
    path = written(tmp_path, (old, new))
    error = refused(path, settings)
    assert error.where == f"{path}{where}"
    assert what in str(error)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, settings: Settings) -> None:
    assert "cannot be read" in refused(tmp_path / "nothing.toml", settings).what


def test_without_controllers_in_the_config_none_is_known(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    error = refused(written(tmp_path), load_settings(tmp_path / "empty.toml", {}))
    assert error.mend == "the config has no [controllers.*]"
