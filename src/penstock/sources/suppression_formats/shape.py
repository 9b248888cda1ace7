"""What the table of a service is made of: its lists, their columns, and what the words in them mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.suppression import SuppressionReason
from penstock.sources.suppression_formats.written_moment import DateStyle

__all__ = ["HASH_COLUMNS", "ListShape", "Meaning", "Service", "Words", "flag", "plain_name"]

Meaning = SuppressionReason | str
"""A reason, or in words why an entry that says so is left out."""

HASH_COLUMNS = frozenset(
    {
        "md5", "emailmd5", "md5email", "md5hash", "sha256", "emailsha256", "sha256email", "sha256hash", "emailhash",
        "hashedemail",
    }
)  # fmt: skip
"""Columns that stand for the address where that was taken out; which hash it is, its length tells."""

_NOT_PLAIN = re.compile(r"[\W_]+")


def plain_name(text: str) -> str:
    """A column or word without case, blanks and marks: "Email Address", EMAIL_ADDRESS and emailAddress are one."""
    return _NOT_PLAIN.sub("", text.lower())


@dataclass(frozen=True, slots=True)
class Words:
    """A column whose words say what happened. All names and words are plain (`plain_name`).

    Several columns are read as one, their words joined by "/"; a missing column is an empty word. `begins`: the rule
    is for each column whose name begins so. `listed`: the cell holds several words with commas between them.
    `otherwise` is what any other word means; without it the row is bad.
    """

    columns: tuple[str, ...]
    meanings: Mapping[str, Meaning]
    otherwise: Meaning | None = None
    begins: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class ListShape:
    """One kind of file a service gives out.

    It is told by its `columns` and by those it must be `without`; where that is not enough (`by_name`), or where the
    name of the file is plainer, by a word of the name that begins like one of `named`. `sure`: no other file looks
    so. `always` is what being on the list means, else `says` tells it row by row. `refused`: why the file is none of
    suppressions. `subject` is our column for what stands in the column `address`, `at` holds the columns with the
    date, the first that is filled counts.
    """

    name: str
    columns: frozenset[str]
    address: str = "email"
    subject: str = "address"
    always: Meaning | None = None
    says: tuple[Words, ...] = ()
    at: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    named: tuple[str, ...] = ()
    by_name: bool = False
    sure: bool = False
    refused: str = ""

    def fits(self, columns: frozenset[str]) -> bool:
        """Whether a file or record with these columns may be such a list."""
        if HASH_COLUMNS & columns:
            columns |= {self.address}
        return self.columns <= columns and not self.without & columns


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is known of one service's exports.

    `pages` are the keys under which its interface's answers hold the entries; `headerless` the columns of a CSV file
    that it writes without a header line.
    """

    name: str
    shapes: tuple[ListShape, ...]
    dates: tuple[DateStyle, ...]
    pages: frozenset[str] = field(default_factory=frozenset)
    headerless: tuple[str, ...] = ()


def flag(column: str, reason: SuppressionReason, no: str, *, begins: bool = False) -> Words:
    """A column of yes and no; `no` says why a row with a no is left out."""
    yes = dict.fromkeys(("true", "yes", "1"), reason)
    return Words((column,), {**yes, **dict.fromkeys(("", "false", "no", "0"), no)}, begins=begins)
