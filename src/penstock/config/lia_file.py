"""Reads a file with a legitimate-interest assessment (contract section 9) into a `Lia`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, ValidationError

from penstock.config.fault import first_fault
from penstock.config.nearest import did_you_mean
from penstock.config.sections import Day, Name, Section
from penstock.config.settings import Settings
from penstock.config.toml_document import TomlDocument, read_toml
from penstock.errors import InvalidInput
from penstock.model.assessment import Benefit, Lia, LiaOutcome

__all__ = ["LiaFile", "LiaTable", "known_controller", "lia_of", "read_lia"]

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class LiaTable(Section):
    """`[lia]`. Only `id` is needed to read it: what else is missing is judged, not refused."""

    id: Name
    controller: Text = ""
    purpose: Text = ""
    interest: Text = ""
    benefit_to_whom: Benefit | None = None
    interest_link: Text = ""
    necessity: Text = ""
    reasonable_expectation: Text = ""
    impact: Text = ""
    safeguards: tuple[Text, ...] = ()
    outcome: LiaOutcome | None = None
    reviewer: Text = ""
    reviewed_at: Day | None = None
    expires_at: Day | None = None


class LiaFile(Section):
    """The whole file."""

    lia: LiaTable


def read_lia(path: Path, settings: Settings) -> Lia:
    """Read one assessment; its `controller` becomes the id of one of `[controllers.*]`.

    Raises InvalidInput with file, line and key for a file that cannot be read, unknown keys, wrong dates and words, and
    a controller that the config does not have. An assessment that is incomplete, rejected or out of date is read.
    """
    return lia_of(read_toml(path, InvalidInput), settings)


def lia_of(document: TomlDocument, settings: Settings) -> Lia:
    """The assessment in a document that was read already. Raises as `read_lia`."""
    try:
        table = LiaFile.model_validate(document.table).lia
    except ValidationError as error:
        fault = first_fault(error, LiaFile)
        raise InvalidInput(fault.what, where=document.where(fault.path), mend=fault.mend) from None
    who = known_controller(table.controller, settings, document.where(("lia", "controller")))
    return Lia(**(table.model_dump() | {"controller": who}))


def known_controller(named: str, settings: Settings, where: str) -> str:
    """The id of the controller with this id or legal name, matched without case; empty stays empty.

    Raises InvalidInput at `where` for a name that the config does not have.
    """
    if not named:
        return ""
    ids = {one.legal_name.casefold(): id_ for id_, one in settings.controllers.items()}
    ids |= {id_.casefold(): id_ for id_ in settings.controllers}
    if found := ids.get(named.casefold()):
        return found
    mend = did_you_mean(named.casefold(), ids) if ids else "the config has no [controllers.*]"
    raise InvalidInput("no controller of the config has this name", where=where, mend=mend)
