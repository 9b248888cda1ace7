"""Reads a campaign file and its templates into a `Campaign` (contract section 5: the tables and keys)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import orjson
from pydantic import Field, ValidationError

from penstock.config.campaign_faults import first_campaign_fault
from penstock.config.enclosure_files import Attached, read_enclosures
from penstock.config.fault import Fault, first_fault
from penstock.config.lia_file import read_lia
from penstock.config.sections import Filled, Language, Name, Section
from penstock.config.senders import sender_fault
from penstock.config.settings import Settings
from penstock.config.template_files import read_templates
from penstock.config.toml_document import read_toml
from penstock.errors import InvalidInput
from penstock.model.assessment import Lia
from penstock.model.campaign import Audience, Basis, Campaign, Caps, MessageSpec, Stream
from penstock.model.moment import Moment

__all__ = ["CampaignFile", "CampaignTable", "MessageTable", "campaign_digest", "read_campaign"]


class CampaignTable(Section):
    """`[campaign]`: who writes to whom why, and when."""

    id: Name
    controller: Filled
    purpose: Filled
    product: str = ""
    product_for: Literal["companies", "persons", "both"] = "companies"
    topic: tuple[str, ...] = ()
    owner: str = ""
    tag: str = ""
    channel: str = "email"
    stream: Stream = Stream.PROSPECTING
    basis: Basis = Basis.LEGITIMATE_INTEREST
    lia: Filled | None = None
    dpia: Filled | None = None
    reconfirm: bool = False
    starts_at: Moment | None = None
    expires_at: Moment | None = None


class MessageTable(Section):
    """`[message]`: what the letter is made of. `text`, `html`, `calendar`, attachments and images name files by paths
    relative to the campaign file. `relayed`: each letter is handed in ready-made, and From is its client's.
    """

    from_: Filled = Field(alias="from")
    subject: str = ""
    reply_to: Filled | None = None
    text: Filled | None = None
    html: Filled | None = None
    calendar: Filled | None = None
    attachments: tuple[Attached, ...] = ()
    images: dict[str, Filled] = Field(default_factory=dict)
    fields: tuple[str, ...] = ()
    fallback_language: Language | None = None
    inline: Literal["template", "rendered"] = "template"
    relayed: bool = False


class CampaignFile(Section):
    """The whole file."""

    campaign: CampaignTable
    message: MessageTable
    audience: Audience = Audience()
    caps: Caps = Caps()
    translations: dict[Language, dict[str, str]] = Field(default_factory=dict)
    map: dict[Filled, Filled] = Field(default_factory=dict)


def read_campaign(path: Path, settings: Settings, installed: Callable[[str], object] = find_spec) -> Campaign:
    """Read one campaign; its `controller` becomes the id of one of `[controllers.*]`.

    Raises InvalidInput with file, line and key for whatever cannot be understood or is missing,
    templates included. Whether the templates are any good is not asked here. `installed` finds a module by its name.
    """
    document = read_toml(path, InvalidInput)
    try:
        file = CampaignFile.model_validate(document.table)
    except ValidationError as error:
        fault = first_fault(error, CampaignFile)
        raise InvalidInput(fault.what, where=document.where(fault.path), mend=fault.mend) from None
    controllers = _controllers(settings)
    if doubt := first_campaign_fault(file, controllers, installed) or _sender(file, controllers, settings):
        raise InvalidInput(doubt.what, where=document.where(doubt.path), mend=doubt.mend)
    told = file.message
    message = MessageSpec(
        **told.model_dump(exclude={"attachments", "images", "relayed"}),
        templates=read_templates(path.parent, told.text, told.html, told.calendar, document.where),
        enclosures=read_enclosures(path.parent, told.attachments, told.images, document.where, settings),
    )
    campaign = Campaign(
        **(file.campaign.model_dump() | {"controller": controllers[file.campaign.controller.casefold()]}),
        message=message,
        audience=file.audience,
        caps=file.caps,
        translations=file.translations,
        columns=file.map,
        lia_document=_lia(path.parent / file.campaign.lia, settings) if file.campaign.lia else None,
        dpia_document=_file_digest(path.parent / file.campaign.dpia) if file.campaign.dpia else None,
    )
    return replace(campaign, digest=campaign_digest(campaign))


def campaign_digest(campaign: Campaign) -> str:
    """SHA-256 (hex) over everything the campaign says, its digest left out; templates and files count by content."""
    said = asdict(replace(campaign.slim(), digest=""))
    content = orjson.dumps(said, default=bytes.decode, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()


def _sender(file: CampaignFile, controllers: Mapping[str, str], settings: Settings) -> Fault | None:
    who = controllers[file.campaign.controller.casefold()]
    found = sender_fault(settings, file.message.from_, who, file.campaign.stream)
    return Fault(found[0], ("message", "from"), found[1]) if found else None


def _lia(path: Path, settings: Settings) -> Lia | None:
    """The assessment; None where there is no such file: each mail is then told that it is missing."""
    return read_lia(path, settings) if path.exists() else None


def _file_digest(path: Path) -> str | None:
    """SHA-256 (hex) of a file; None for one that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _controllers(settings: Settings) -> dict[str, str]:
    """Id and legal name, without case, to id."""
    named = {one.legal_name.casefold(): name for name, one in settings.controllers.items()}
    return named | {name.casefold(): name for name in settings.controllers}
