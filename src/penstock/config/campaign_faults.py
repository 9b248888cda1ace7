"""What a campaign file can get wrong although every key and type is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, get_type_hints

from penstock.config.fault import Fault
from penstock.config.nearest import did_you_mean
from penstock.model.address import Address, parse_address
from penstock.model.contact import Contact
from penstock.model.window import parse_window

if TYPE_CHECKING:
    from penstock.config.campaign_file import CampaignFile

__all__ = ["first_campaign_fault"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ALPHA_2 = re.compile(r"(?!UK)[A-Z]{2}")


def first_campaign_fault(
    file: CampaignFile, controllers: Mapping[str, str], installed: Callable[[str], object]
) -> Fault | None:
    """The first fault; `controllers` holds ids and legal names without case, `installed` finds a module by its name."""
    for find in (_campaign, _caps, _addresses, _message):
        if fault := next(find(file), None):
            return fault
    if file.message.inline == "rendered" and not installed("css_inline"):
        mend = 'install it with `pip install "penstock[css-inline]"`, or leave `inline` out'
        return Fault("needs css-inline, which is not installed", ("message", "inline"), mend)
    wanted = file.campaign.controller
    if wanted.casefold() not in controllers:
        mend = (
            did_you_mean(wanted.casefold(), controllers.keys()) if controllers else "the config has no [controllers.*]"
        )
        return Fault("no controller of the config has this name", ("campaign", "controller"), mend)
    return None


def _campaign(file: CampaignFile) -> Iterator[Fault]:
    campaign = file.campaign
    if campaign.channel != "email":
        yield Fault("only the channel email is in this version", ("campaign", "channel"), 'use "email"')
    if campaign.starts_at and campaign.expires_at and campaign.starts_at >= campaign.expires_at:
        yield Fault("ends before it starts", ("campaign", "expires_at"), "starts_at must be earlier")
    if campaign.reconfirm and not campaign.stream.commercial:
        mend = "such a question is advertising: use prospecting, newsletter or customer"
        yield Fault("cannot ask people whether to go on", ("campaign", "stream"), mend)
    size = file.audience.employees
    if size and size.min is not None and size.max is not None and size.min > size.max:
        yield Fault("min is greater than max", ("audience", "employees"))
    for place, code in enumerate(file.audience.countries):
        if not _ALPHA_2.fullmatch(code):
            mend = 'use "GB"' if code.upper() in {"UK", "GB"} else ""
            yield Fault("expected two capital letters such as FR (ISO 3166)", ("audience", "countries", place), mend)


def _caps(file: CampaignFile) -> Iterator[Fault]:
    for key, caps in (("person", file.caps.person), ("company", file.caps.company)):
        for place, cap in enumerate(caps):
            try:
                parse_window(cap)
            except ValueError as fault:
                yield Fault(str(fault), ("caps", key, place))


def _addresses(file: CampaignFile) -> Iterator[Fault]:
    for key, text in (("from", file.message.from_), ("reply_to", file.message.reply_to)):
        if text is None:
            continue
        shown = text.rpartition("<")[2].strip().removesuffix(">") if text.endswith(">") else text
        if _CONTROL.search(text):
            yield Fault("contains a control character", ("message", key))
        seen = parse_address(shown)
        if not isinstance(seen, Address):
            yield Fault(f"no e-mail address: {seen.why}", ("message", key), 'expected "Name <name@domain>"')


def _message(file: CampaignFile) -> Iterator[Fault]:
    told = file.message
    if told.relayed:
        for key in ("subject", "text", "html", "calendar", "attachments", "images"):
            if getattr(told, key):
                yield Fault("its letters are handed in ready-made", ("message", key), "leave it out, or `relayed`")
    elif not told.subject.strip():
        yield Fault("is missing" if not told.subject else "is empty", ("message", "subject"), "give it a value")
    elif told.text is None and told.html is None:
        mend = "name at least one template file, or say `relayed = true` where other programs hand the letters in"
        yield Fault("neither text nor html is given", ("message",), mend)
    known = set(_contact_fields(Contact))
    for place, name in enumerate(file.message.fields):
        if name not in known:
            yield Fault("no contact field", ("message", "fields", place), did_you_mean(name, known))


def _contact_fields(kind: type, prefix: str = "") -> Iterator[str]:
    hints = get_type_hints(kind)
    for item in fields(kind):
        inner = hints[item.name]
        yield f"{prefix}{item.name}"
        if is_dataclass(inner) and isinstance(inner, type):
            yield from _contact_fields(inner, f"{prefix}{item.name}.")
