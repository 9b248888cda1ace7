"""A password or key as the config names it: read only when it is used, never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from penstock.config.toml_document import read_text
from penstock.errors import ConfigError

__all__ = ["SecretText", "SecretValue"]


@dataclass(frozen=True, slots=True, repr=False)
class SecretText:
    """`env:NAME`, `file:PATH` (relative to `folder`) or the secret itself. False when empty."""

    reference: str = ""
    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return bool(self.reference)

    def __repr__(self) -> str:
        named = self.reference.startswith(("env:", "file:"))
        return f"SecretText({self.reference if named or not self.reference else '…'!r})"

    def reveal(self) -> str:
        """The secret, without line ends at its end. Raises ConfigError when variable or file is missing."""
        kind, _, place = self.reference.partition(":")
        match kind:
            case "env":
                secret = self.environ.get(place, "")
                if not secret:
                    raise ConfigError("the environment variable is not set", where=self.reference)
            case "file":
                secret = read_text(self.folder / place, ConfigError).rstrip("\r\n")
                if not secret:
                    raise ConfigError("the file is empty", where=self.reference)
            case _:
                secret = self.reference
        return secret


def _as_secret(value: Any, info: ValidationInfo) -> SecretText:
    if isinstance(value, SecretText):
        return value
    if not isinstance(value, str):
        raise ValueError('expected "env:NAME", "file:PATH" or a text')
    if not value:
        return SecretText()
    context = info.context or {}
    return SecretText(value, context.get("folder", Path()), context.get("environ", {}))


SecretValue = Annotated[SecretText, PlainValidator(_as_secret)]
"""The type of a settings key that holds a secret; the validation context gives `folder` and `environ`."""
