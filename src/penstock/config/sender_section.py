"""`[[sender]]` as types: the domains that may stand in From, and their keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from penstock.config.secret_text import SecretValue
from penstock.config.sections import Day, Domain, Section

__all__ = ["DkimSettings", "Ed25519Settings", "SenderSettings", "is_selector"]

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_SELECTOR = 63


def is_selector(text: str) -> bool:
    """Whether it may stand before `._domainkey.` in DNS (RFC 6376 section 3.1), in lower case."""
    return len(text) <= _LONGEST_SELECTOR and _SELECTOR.fullmatch(text) is not None


def _selector(text: str) -> str:
    if not is_selector(text.lower()):
        raise ValueError("expected a selector such as s1: letters, digits, '-' and '.'")
    return text.lower()


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, Mapping) else value


Selector = Annotated[str, AfterValidator(_selector)]


class Ed25519Settings(Section):
    """`ed25519` of a key: a second signature beside the first (RFC 8463)."""

    selector: Selector
    key: SecretValue


class DkimSettings(Section):
    """`dkim` of a sender (RFC 6376): a key and the day it begins to sign (UTC); without one it does so at once."""

    selector: Selector
    key: SecretValue
    from_: Day | None = Field(default=None, alias="from")
    ed25519: Ed25519Settings | None = None


class SenderSettings(Section):
    """`[[sender]]`: a domain that may stand in From. `dkim` is one table or a list of them."""

    domain: Domain
    controllers: tuple[str, ...] = ()
    dkim: Annotated[tuple[DkimSettings, ...], BeforeValidator(_as_list)] = ()
    return_path: Domain = ""
    adapters: tuple[str, ...] = ()
