"""Rows of the table of law as CSV: every cell is checked, a fault is told with file, line and column."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from penstock.errors import InvalidInput
from penstock.law.jurisdiction import CONDITIONS, Jurisdiction, Permission, SignOff
from penstock.model.contact import Mechanism

__all__ = ["COLUMNS", "SIGNED", "Cells", "TableRow", "cells_of", "mark_of", "read_rows", "read_table"]

COLUMNS = (
    "cc", "named", "generic", "sole", "soft_optin", "ext_register", "optout_ack", "ad_label", "postal_address",
    "optout_days_max", "optout_link_valid_days", "proof", "proof_years", "role_relevance", "conf", "effective_from",
    "statute", "conditions",
)  # fmt: skip
SIGNED = ("signed_by", "signed_at")
"""Further columns that a file of one's own may have."""

_SOFT_OPTIN = ("yes", "yes:4_conditions", "yes:12_months", "no", "n/a", "implied_24m_6m")
_AD_LABELS = (
    "none", "recognisable", "subject_recognisable", "ad_identified", "explicit_commercial", "explicit_unsolicited",
)  # fmt: skip
_POSTAL = ("legal_footer", "mandatory")
_CONFIDENCE = ("none", "low", "medium", "high")
_PROOFS = tuple(each.value for each in Mechanism if each is not Mechanism.PRE_TICKED)
_YES_NO = ("yes", "no")
_COUNTRY = re.compile(r"[A-Z]{2}|\*\*")
_MISNAMED = {"UK": "write GB", "EL": "write GR", "EU": "name its countries"}
_REGISTER = re.compile(r"[A-Z][A-Z0-9-]{0,30}")
_DAYS = re.compile(r"[0-9]{1,3}(?:bd)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row as read at `where` (file:line). `own`: laid over the shipped rows, before which it goes."""

    rule: Jurisdiction
    where: str
    applies_from: date
    own: bool = False


def read_table(text: str, name: str, columns: Sequence[str], more: Sequence[str] = ()) -> Iterator[tuple[int, Cells]]:
    """The records of a CSV text with comma or semicolon, blank lines left out, each with its line.

    Raises InvalidInput for a header that lacks one of `columns` or has another than these and `more`, and for a record
    of another length.
    """
    text = text.removeprefix("\ufeff")
    first = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    start = 1
    try:
        for record in reader:
            where, line, start = f"{name}:{start}", start, reader.line_num + 1
            if not any(cell.strip() for cell in record):
                continue
            if not header:
                header = _header(record, where, columns, more)
            elif len(record) != len(header):
                raise InvalidInput(f"{len(record)} cells where the header has {len(header)}", where=where)
            else:
                yield line, Cells(where, dict(zip(header, (cell.strip() for cell in record), strict=True)))
    except csv.Error:
        raise InvalidInput("wrong quoting", where=f"{name}:{start}") from None
    if not header:
        raise InvalidInput("the file is empty", where=name, mend=f"expected the columns {', '.join(columns)}")


def _header(record: Sequence[str], where: str, columns: Sequence[str], more: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in record]
    for name in names:
        if name not in columns and name not in more:
            raise InvalidInput(f"unknown column {name!r}", where=where, mend=f"known: {', '.join((*columns, *more))}")
        if names.count(name) > 1:
            raise InvalidInput(f"the column {name!r} stands there twice", where=where)
    if missing := [name for name in columns if name not in names]:
        raise InvalidInput(f"the column {missing[0]!r} is missing", where=where)
    return names


def read_rows(text: str, name: str, *, own: bool = False) -> list[TableRow]:
    """All rows of a file. `own` files may be signed off in their rows.

    Raises InvalidInput naming file, line and column of the first cell that cannot be used.
    """
    rows: list[TableRow] = []
    seen: dict[tuple[str, date], str] = {}
    for line, cells in read_table(text, name, COLUMNS, SIGNED if own else ()):
        rule = _jurisdiction(cells)
        where = f"{name}:{line}"
        if (other := seen.setdefault((rule.cc, rule.effective_from), where)) != where:
            raise InvalidInput(f"the same country and day as {other}", where=f"{where}:effective_from")
        rows.append(TableRow(rule, where, rule.effective_from, own))
    return rows


def cells_of(rule: Jurisdiction) -> dict[str, str]:
    """The row as it is written, by column."""
    numbers = {"optout_link_valid_days": rule.optout_link_valid_days, "proof_years": rule.proof_years}
    flags = {"optout_ack": rule.optout_ack, "role_relevance": rule.role_relevance}
    cells = {name: "" if number is None else str(number) for name, number in numbers.items()}
    cells |= {name: "yes" if flag else "no" for name, flag in flags.items()}
    cells |= {name: _written(getattr(rule, name)) for name in ("named", "generic", "sole")}
    cells |= {"proof": "|".join(rule.proof), "conf": rule.confidence, "effective_from": rule.effective_from.isoformat()}
    return {name: cells[name] if name in cells else getattr(rule, name) for name in COLUMNS}


def _written(permission: Permission) -> str:
    return ":".join(filter(None, (permission.kind, "+".join(permission.conditions))))


def mark_of(rule: Jurisdiction) -> str:
    """A digest of the row's content by which a sign-off names it."""
    return hashlib.sha256("\x1f".join(cells_of(rule).values()).encode()).hexdigest()[:16]


def _jurisdiction(cells: Cells) -> Jurisdiction:
    return Jurisdiction(
        cc=cells.country("cc"),
        named=cells.permission("named"),
        generic=cells.permission("generic"),
        sole=cells.permission("sole"),
        soft_optin=cells.word("soft_optin", _SOFT_OPTIN),
        ext_register=cells.form("ext_register", _REGISTER, "a register's name in capitals, or nothing", empty=True),
        optout_ack=cells.word("optout_ack", _YES_NO) == "yes",
        ad_label=cells.word("ad_label", _AD_LABELS),
        postal_address=cells.word("postal_address", _POSTAL),
        optout_days_max=cells.form("optout_days_max", _DAYS, "days such as 0, 10 or 10bd (business days)"),
        optout_link_valid_days=cells.number("optout_link_valid_days"),
        proof=cells.proof("proof"),
        proof_years=cells.number("proof_years"),
        role_relevance=cells.word("role_relevance", _YES_NO) == "yes",
        confidence=cells.word("conf", _CONFIDENCE),
        statute=cells.text("statute"),
        conditions=cells.text("conditions"),
        effective_from=cells.day("effective_from"),
        signed_off=cells.signed(),
    )


@dataclass(frozen=True, slots=True)
class Cells:
    """One record at `where` (file:line).

    Every method answers one cell's value or raises InvalidInput naming file, line and column; values are not quoted.
    """

    where: str
    record: dict[str, str]

    def fault(self, column: str, what: str, mend: str = "") -> InvalidInput:
        """What is wrong with the cell, to be raised."""
        return InvalidInput(what, where=f"{self.where}:{column}", mend=mend)

    def word(self, column: str, known: Sequence[str]) -> str:
        """One of the known words."""
        cell = self.record[column]
        if cell not in known:
            raise self.fault(column, f"expected one of {', '.join(known)}")
        return cell

    def form(self, column: str, form: re.Pattern[str], expected: str, *, empty: bool = False) -> str:
        """Text of a form."""
        cell = self.record[column]
        if not form.fullmatch(cell) and not (empty and not cell):
            raise self.fault(column, f"expected {expected}")
        return cell

    def country(self, column: str, other: str = "**") -> str:
        """ISO 3166 alpha-2, or what stands for all others."""
        cell = self.record[column]
        if cell in _MISNAMED:
            raise self.fault(column, "no ISO 3166 country code", _MISNAMED[cell])
        if cell != other:
            self.form(column, _COUNTRY, f"two capital letters (ISO 3166), or {other}")
        return cell

    def permission(self, column: str) -> Permission:
        """`in`, `out`, `review`, or `cond:` with known conditions."""
        match self.record[column]:
            case "in" | "out" | "review" as kind:
                return Permission(kind)
            case cell if cell.startswith("cond:"):
                names = cell.removeprefix("cond:").split("+")
                if any(name not in CONDITIONS for name in names):
                    raise self.fault(column, "a condition that nobody judges", f"known: {', '.join(CONDITIONS)}")
                return Permission("cond", tuple(names))
            case _:
                raise self.fault(column, "expected in, out, review or cond:CONDITION+CONDITION")

    def number(self, column: str) -> int | None:
        """A whole number; None for an empty cell."""
        cell = self.form(column, re.compile("[0-9]{1,4}"), "a whole number, or nothing", empty=True)
        return int(cell) if cell else None

    def proof(self, column: str) -> tuple[str, ...]:
        """`any_proven` alone, or mechanisms of consent."""
        names = tuple(dict.fromkeys(self.record[column].split("|")))
        if names != ("any_proven",) and any(name not in _PROOFS for name in names):
            raise self.fault(column, f"expected any_proven, or some of {', '.join(_PROOFS)} with | between them")
        return names

    def text(self, column: str) -> str:
        """One printable line."""
        cell = self.record[column]
        if not cell or len(cell) > _LONGEST_TEXT or not cell.isprintable():
            raise self.fault(column, f"expected one line of text, at most {_LONGEST_TEXT} characters")
        return cell

    def day(self, column: str) -> date:
        """An ISO date."""
        cell = self.form(column, _DAY, "an ISO date such as 2026-11-01")
        try:
            return date.fromisoformat(cell)
        except ValueError:
            raise self.fault(column, "no day of the calendar") from None

    def signed(self) -> SignOff | None:
        """The sign-off in the row itself; a name without a day, or a day without a name, is none of either."""
        name, day = (self.record.get(column, "") for column in SIGNED)
        if not name and not day:
            return None
        if not name or not day:
            raise self.fault(SIGNED[0] if not name else SIGNED[1], "a sign-off needs both name and day")
        return SignOff(self.text(SIGNED[0]), self.day(SIGNED[1]))
