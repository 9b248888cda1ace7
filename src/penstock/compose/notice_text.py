"""The legal texts: one file per language, of the package or of the house's own, read and compiled once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from penstock.compose.fault import TemplateFault
from penstock.compose.sandbox import Compiled, Sandbox, translator_of
from penstock.errors import ConfigError
from penstock.model.verdict import Variant

__all__ = ["BLOCKS", "DASHES", "EXTRAS", "Block", "Extra", "NoticeFile", "NoticeShelf", "NoticeText", "compiled_phrase"]

Block = Literal["identity", "reason", "source", "rights", "objection", "optout", "contact"]
BLOCKS: Mapping[Variant, tuple[Block, ...]] = {
    "first": ("identity", "reason", "source", "rights", "objection", "optout", "contact"),
    "regular": ("identity", "reason", "optout", "contact"),
}
"""The mandatory blocks in their order (contract section 7)."""
Extra = Literal["commercial", "unsolicited", "acknowledgement", "representative_uk", "derived"]
EXTRAS: tuple[Extra, ...] = get_args(Extra)
"""What single countries or sources ask for beyond the blocks: `[extras]` of the file, each optional."""
DASHES = "-" * 40
"""The line above the blocks in the text part."""

_FILE = "notice.toml"


@dataclass(frozen=True, slots=True)
class NoticeFile:
    """A legal text as it lies on disk. `digest` is the SHA-256 (hex) of its octets; `own`: of the house's folder."""

    path: Path
    octets: bytes
    digest: str
    own: bool
    table: Mapping[str, Any]

    @property
    def language(self) -> str:
        """BCP 47, as the folder is named."""
        return self.path.parent.name

    @property
    def id(self) -> str:
        """The name of the text."""
        return str(self.table["id"])

    @property
    def version(self) -> str:
        """The version that its author gave it."""
        return str(self.table["version"])

    def said(self, key: Literal["reviewed_by", "approved_by"]) -> str:
        """Whom the file itself names."""
        return str(self.table.get(key, "")).strip()


@dataclass(frozen=True, slots=True)
class NoticeText:
    """The notice in one language. `version` names its id, version, language and the digest of its file.

    `blocks` has one or more wordings for each block: the same content in other words, so that mail clients do not
    fold away what a later mail repeats.
    """

    version: str
    language: str
    direction: str
    reply_phrase: str
    objection_heading: str
    blocks: Mapping[tuple[Variant, Block], tuple[Compiled, ...]]
    sources: Mapping[str, Compiled]
    functions: Mapping[str, str]
    labels: Mapping[str, str]
    extras: Mapping[Extra, Compiled]


@dataclass(slots=True)
class NoticeShelf:
    """The folder `notices/<language>/notice.toml` and one of the house's own, whose files go before those of the same
    language. Raises ConfigError when a file cannot be used.
    """

    folder: Path
    own: Path | None = None
    _files: dict[str, NoticeFile] = field(default_factory=dict)
    _kept: dict[str, NoticeText] = field(default_factory=dict)
    _sandbox: Sandbox = field(default_factory=lambda: Sandbox(html=False))

    def languages(self) -> frozenset[str]:
        """The languages there is a notice in."""
        folders = (self.folder, self.own) if self.own is not None else (self.folder,)
        return frozenset(path.parent.name for folder in folders for path in folder.glob(f"*/{_FILE}"))

    def file(self, language: str) -> NoticeFile:
        """The file of a language, which must be one of `languages()`; read once."""
        found = self._files.get(language)
        if found is None:
            path = self.folder / language / _FILE
            own = self.own / language / _FILE if self.own is not None else path
            is_own = self.own is not None and own.is_file()
            found = self._files[language] = _read(own if is_own else path, own=is_own)
        return found

    def text(self, language: str) -> NoticeText:
        """The notice in that language, which must be one of `languages()`."""
        found = self._kept.get(language)
        if found is None:
            file = self.file(language)
            try:
                found = self._kept[language] = self._made(file, str(file.path))
            except KeyError as missing:
                raise ConfigError(f"the notice lacks {missing}", where=str(file.path)) from missing
            except (TypeError, AttributeError) as fault:
                raise ConfigError("a key of the notice is of another kind", where=str(file.path)) from fault
        return found

    def _made(self, file: NoticeFile, where: str) -> NoticeText:
        table = file.table
        blocks = {
            (variant, block): self._wordings(table[variant][block], f"{where} {variant}.{block}")
            for variant, names in BLOCKS.items()
            for block in names
        }
        return NoticeText(
            version=f"{file.id}-{file.version}-{file.language}-{file.digest[:12]}",
            language=file.language,
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
            extras=self._extras(table.get("extras", {}), where),
        )

    def _wordings(self, given: object, where: str) -> tuple[Compiled, ...]:
        wordings: list[Any] = given if isinstance(given, list) else [given]
        if not wordings or not all(isinstance(each, str) and each.strip() for each in wordings):
            raise ConfigError("a block of the notice is neither a text nor a list of texts", where=where)
        return tuple(compiled_phrase(self._sandbox, each, where) for each in wordings)

    def _extras(self, given: Mapping[str, str], where: str) -> dict[Extra, Compiled]:
        unknown = sorted(set(given) - set(EXTRAS))
        if unknown:
            mend = f"known are {', '.join(EXTRAS)}"
            raise ConfigError(f"the notice has an unknown extra {unknown[0]}", where=f"{where} extras", mend=mend)
        return {
            name: compiled_phrase(self._sandbox, given[name], f"{where} extras.{name}")
            for name in EXTRAS
            if given.get(name, "").strip()
        }


def compiled_phrase(sandbox: Sandbox, source: str, name: str) -> Compiled:
    """A text of ours, compiled. Raises ConfigError where it is no template."""
    made = sandbox.compiled(source, name, translator_of({}))
    if isinstance(made, TemplateFault):
        raise ConfigError(made.what, where=f"{made.file}:{made.line}")
    return made


def _read(path: Path, *, own: bool) -> NoticeFile:
    try:
        octets = path.read_bytes()
        table = tomllib.loads(octets.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigError("the notice cannot be read", where=str(path), mend=type(fault).__name__) from fault
    missing = [key for key in ("id", "version", "language") if key not in table]
    if missing:
        raise ConfigError(f"the notice lacks {missing[0]}", where=str(path))
    if table["language"] != path.parent.name:
        mend = "name the folder by the language of the text"
        raise ConfigError("the notice is in another language than its folder says", where=str(path), mend=mend)
    return NoticeFile(path, octets, hashlib.sha256(octets).hexdigest(), own, table)
