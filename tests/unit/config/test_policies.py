"""Tables of law of one's own: stricter as one likes, laxer only with a name and a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from penstock.config.policies import add_signoffs, read_policies, signoffs_for
from penstock.errors import ConfigError, InvalidInput
from penstock.law.jurisdiction_rows import COLUMNS, SIGNED, cells_of
from penstock.law.jurisdictions import ANY, Permission, Table

DAY = date(2026, 11, 23)
SHIPPED = Table.load()

Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a file of the folder `policies`: one row per country code, with changed cells."""

    def write(name: str = "own.csv", **rows: dict[str, str]) -> Path:
        folder = tmp_path / "policies"
        folder.mkdir(exist_ok=True)
        columns = (*COLUMNS, *SIGNED)
        lines = [",".join(columns)]
        for cc, changes in rows.items():
            known = cells_of(SHIPPED.of(cc, DAY)) | {"cc": cc, "effective_from": "2026-11-01"}
            cells = known | dict.fromkeys(SIGNED, "") | changes
            lines.append(",".join(f'"{cells[column]}"' for column in columns))
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write


def test_without_a_folder_or_files_the_shipped_table_goes(tmp_path: Path) -> None:
    assert read_policies(tmp_path / "policies").digest == SHIPPED.digest
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "notes.txt").write_text("not a table")
    assert read_policies(tmp_path / "policies").digest == SHIPPED.digest


def test_a_stricter_row_goes_from_its_day_on_and_leaves_other_countries_alone(written: Write) -> None:
    table = read_policies(written(SE={"named": "in"}))
    assert table.of("SE", date(2026, 10, 31)).named == Permission("out")
    assert table.of("SE", date(2026, 11, 1)).named == Permission("in")
    assert table.of("FI", DAY) == SHIPPED.of("FI", DAY)
    assert table.version == SHIPPED.version
    assert table.digest != SHIPPED.digest


def test_a_laxer_row_that_nobody_signed_is_refused_with_file_and_line(written: Write) -> None:
    folder = written(FI={"generic": "in"}, DE={"generic": "out", "proof": "any_proven"})
    with pytest.raises(ConfigError, match="for DE is laxer than the shipped table in generic, proof") as caught:
        read_policies(folder)
    assert caught.value.where == f"{folder / 'own.csv'}:3"


def test_a_laxer_row_signed_off_by_name_and_day_goes_from_that_day_on(written: Write) -> None:
    table = read_policies(written(DE={"generic": "out", "signed_by": "L. Roth", "signed_at": "2026-11-10"}))
    assert table.of("DE", date(2026, 11, 9)).generic == Permission("in")
    rule = table.of("DE", date(2026, 11, 10))
    assert rule.generic == Permission("out")
    assert rule.signed_off is not None
    assert (rule.signed_off.by, rule.signed_off.at) == ("L. Roth", date(2026, 11, 10))


def test_a_stricter_row_does_not_wait_for_its_signature(written: Write) -> None:
    table = read_policies(written(SE={"named": "in", "signed_by": "L. Roth", "signed_at": "2027-01-01"}))
    rule = table.of("SE", DAY)
    assert rule.named == Permission("in")
    assert rule.signed_off is None


@pytest.mark.parametrize("half", [{"signed_by": "L. Roth"}, {"signed_at": "2026-11-10"}])
def test_half_a_signature_is_a_fault(written: Write, half: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="needs both name and day"):
        read_policies(written(DE={"generic": "out"} | half))


def test_a_wrong_cell_is_told_with_file_line_and_column(written: Write) -> None:
    folder = written(SE={"named": "perhaps"})
    with pytest.raises(ConfigError) as caught:
        read_policies(folder)
    assert caught.value.where == f"{folder / 'own.csv'}:2:named"


def test_the_same_country_and_day_in_two_files_is_a_fault(written: Write) -> None:
    written("a.csv", SE={"named": "in"})
    folder = written("b.csv", SE={"named": "review"})
    with pytest.raises(ConfigError, match=r"same country and day as .*a\.csv:2") as caught:
        read_policies(folder)
    assert caught.value.where == f"{folder / 'b.csv'}:2"


def test_a_file_that_ends_in_capitals_is_read_and_hidden_ones_are_not(written: Write) -> None:
    written(".half.csv", SE={"named": "nonsense"})
    assert read_policies(written("OWN.CSV", SE={"named": "in"})).of("SE", DAY).named == Permission("in")


def test_a_country_without_a_row_may_get_one_only_with_a_signature(written: Write) -> None:
    with pytest.raises(ConfigError, match="for BR is laxer"):
        read_policies(written(BR={"generic": "out", "conf": "none"}))
    folder = written(BR={"generic": "out", "conf": "medium", "signed_by": "L. Roth", "signed_at": "2026-11-10"})
    table = read_policies(folder)
    assert table.listed("BR")
    assert table.of("BR", DAY).generic == Permission("out")
    assert table.of("BR", date(2026, 11, 1)).cc == ANY


def test_the_rule_for_all_other_countries_cannot_be_softened_unsigned(written: Write) -> None:
    with pytest.raises(ConfigError, match=r"for \*\* is laxer"):
        read_policies(written(**{ANY: {"named": "out"}}))


def test_a_row_from_before_the_shipped_one_is_measured_by_it(written: Write) -> None:
    table = read_policies(written(SK={"named": "in", "effective_from": "2020-01-01"}))
    assert table.of("SK", date(2022, 1, 31)).cc == ANY
    assert table.of("SK", date(2022, 2, 1)).named == Permission("in")


def test_what_a_laxer_row_would_do_can_be_looked_at(written: Write) -> None:
    assert read_policies(written(DE={"generic": "out"}), checked=False).of("DE", DAY).generic == Permission("out")


# --- sign-offs


def test_a_signed_table_has_signed_rows_and_the_file_keeps_earlier_ones(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    for name, cc in (("L. Roth", "SE"), ('M. "Max" Ort, LL.M.', None)):
        add_signoffs(folder, signoffs_for(read_policies(folder), cc, name, date(2026, 11, 20), DAY))
    table = read_policies(folder)
    found = [table.of(cc, DAY).signed_off for cc in ("SE", "FR")]
    assert [each and each.by for each in found] == ["L. Roth", 'M. "Max" Ort, LL.M.']
    assert (folder / "signoffs.csv").read_text(encoding="utf-8").count("\n") == 3
    assert [path.name for path in folder.iterdir()] == ["signoffs.csv"]


def test_a_row_changed_after_its_sign_off_is_unsigned_again(written: Write) -> None:
    folder = written(SE={"named": "in"})
    add_signoffs(folder, signoffs_for(read_policies(folder), None, "L. Roth", date(2026, 11, 20), DAY))
    assert read_policies(folder).of("SE", DAY).signed_off is not None
    written(SE={"named": "review"})
    changed = read_policies(folder)
    assert changed.of("SE", DAY).signed_off is None
    assert changed.of("FR", DAY).signed_off is not None


def test_an_own_row_is_not_covered_by_an_earlier_sign_off_of_the_shipped_table(written: Write, tmp_path: Path) -> None:
    add_signoffs(tmp_path / "policies", signoffs_for(SHIPPED, None, "L. Roth", date(2026, 11, 20), DAY))
    assert read_policies(written(SE={"named": "in"})).of("SE", DAY).signed_off is None


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("Sweden,L. Roth,2026-11-20,2026-11,", "cc"),
        ("SE,,2026-11-20,2026-11,", "signed_by"),
        ("SE,L. Roth,yesterday,2026-11,", "signed_at"),
        ("SE,L. Roth,2026-11-20,latest,", "table"),
        ("SE,L. Roth,2026-11-20,2026-11,all", "row"),
    ],
)
def test_a_sign_off_that_cannot_be_read_is_told_with_its_column(tmp_path: Path, line: str, column: str) -> None:
    path = tmp_path / "signoffs.csv"
    path.write_text(f"cc,signed_by,signed_at,table,row\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_policies(tmp_path)
    assert caught.value.where == f"{path}:2:{column}"


def test_sign_offs_written_by_hand_need_no_mark_of_a_row(tmp_path: Path) -> None:
    text = "cc,signed_by,signed_at,table\n*,L. Roth,2026-11-20,2026-11\n"
    (tmp_path / "signoffs.csv").write_text(text, encoding="utf-8")
    assert read_policies(tmp_path).of("FR", DAY).signed_off is not None


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "policies").write_text("a file")
    with pytest.raises(InvalidInput, match="cannot be written"):
        add_signoffs(tmp_path / "policies", signoffs_for(SHIPPED, "SE", "L. Roth", DAY, DAY))
