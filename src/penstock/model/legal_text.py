"""The legal texts of a house: which may leave, as they were shipped or approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

__all__ = ["ApprovedText", "LegalTexts"]


@dataclass(frozen=True, slots=True)
class ApprovedText:
    """A text that may leave. `digest` is the SHA-256 (hex) of its file.

    `approved_by` is empty for one that was adopted as the package shipped it.
    """

    language: str
    id: str
    version: str
    digest: str
    reviewed_by: str
    approved_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LegalTexts:
    """What is known of the texts when a house opens.

    `folder` is the house's own, whose texts go before the shipped ones of their language. `shipped` are the digests by
    language that the installed package gives for its files, empty where it keeps no record. `approved` is by language.
    """

    folder: Path | None = None
    shipped: Mapping[str, str] = field(default_factory=dict)
    approved: Mapping[str, ApprovedText] = field(default_factory=dict)
