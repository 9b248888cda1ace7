"""The shipped legal texts: one file per language, read and compiled once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from penstock.compose.fault import TemplateFault
from penstock.compose.sandbox import Compiled, Sandbox, translator_of
from penstock.errors import ConfigError
from penstock.model.verdict import Variant

__all__ = ["BLOCKS", "DASHES", "Block", "NoticeShelf", "NoticeText", "compiled_phrase"]

Block = Literal["identity", "reason", "source", "rights", "objection", "optout", "contact"]
BLOCKS: Mapping[Variant, tuple[Block, ...]] = {
    "first": ("identity", "reason", "source", "rights", "objection", "optout", "contact"),
    "regular": ("identity", "reason", "optout", "contact"),
}
"""The mandatory blocks in their order (contract section 7)."""
DASHES = "-" * 40
"""The line above the blocks in the text part."""


@dataclass(frozen=True, slots=True)
class NoticeText:
    """The notice in one language. `version` names its id, version, language and the digest of its file."""

    version: str
    language: str
    direction: str
    reply_phrase: str
    objection_heading: str
    blocks: Mapping[tuple[Variant, Block], Compiled]
    sources: Mapping[str, Compiled]
    functions: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(slots=True)
class NoticeShelf:
    """The folder `notices/<language>/notice.toml`. Raises ConfigError when a file cannot be used."""

    folder: Path
    _kept: dict[str, NoticeText] = field(default_factory=dict)
    _sandbox: Sandbox = field(default_factory=lambda: Sandbox(html=False))

    def languages(self) -> frozenset[str]:
        """The languages there is a notice in."""
        return frozenset(path.parent.name for path in self.folder.glob("*/notice.toml"))

    def text(self, language: str) -> NoticeText:
        """The notice in that language, which must be one of `languages()`."""
        found = self._kept.get(language)
        if found is None:
            found = self._kept[language] = self._read(self.folder / language / "notice.toml")
        return found

    def _read(self, path: Path) -> NoticeText:
        try:
            raw = path.read_bytes()
            table = tomllib.loads(raw.decode("utf-8"))
            return self._made(table, hashlib.sha256(raw).hexdigest()[:12], str(path))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
            raise ConfigError("the notice cannot be read", where=str(path), mend=type(fault).__name__) from fault
        except KeyError as missing:
            raise ConfigError(f"the notice lacks {missing}", where=str(path)) from missing

    def _made(self, table: Mapping[str, Any], digest: str, where: str) -> NoticeText:
        blocks = {
            (variant, block): compiled_phrase(self._sandbox, table[variant][block], f"{where} {variant}.{block}")
            for variant, names in BLOCKS.items()
            for block in names
        }
        return NoticeText(
            version=f"{table['id']}-{table['version']}-{table['language']}-{digest}",
            language=table["language"],
            direction=table.get("direction", "ltr"),
            reply_phrase=table["reply_phrase"],
            objection_heading=table["first"]["objection_heading"],
            blocks=blocks,
            sources={
                method: compiled_phrase(self._sandbox, phrase, f"{where} sources.{method}")
                for method, phrase in table["sources"].items()
            },
            functions=table["functions"],
            labels=table["labels"],
        )


def compiled_phrase(sandbox: Sandbox, source: str, name: str) -> Compiled:
    """A text of ours, compiled. Raises ConfigError where it is no template."""
    made = sandbox.compiled(source, name, translator_of({}))
    if isinstance(made, TemplateFault):
        raise ConfigError(made.what, where=f"{made.file}:{made.line}")
    return made
