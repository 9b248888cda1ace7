"""What can be wrong with a template, as a value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TemplateFault"]


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """Where a template failed and at which variable. Holds nothing of the contact.

    `file` is the template in the campaign's words, `line` counts from 1, `variable` is as written there.
    """

    file: str
    line: int
    variable: str | None
    what: str

    def __str__(self) -> str:
        subject = f"{self.variable} " if self.variable else ""
        return f"{self.file}:{self.line}: {subject}{self.what}"
