"""One fault of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An `error` would stop mails, a `warning` may. `where` is file:line or a key of the campaign.

    `stops`: the campaign cannot be sent at all; else the mails concerned wait, and others go.
    """

    level: Literal["error", "warning"]
    where: str
    what: str
    mend: str = ""
    stops: bool = True
