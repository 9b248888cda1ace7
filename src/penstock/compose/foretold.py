"""What a campaign's files tell about all letters of one template, before any is written."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.compose.finished import Finding
from penstock.compose.masker import mask
from penstock.compose.subject_faults import topic_stems
from penstock.compose.templates import default_language
from penstock.compose.tracking import campaign_urls
from penstock.model.campaign import Campaign
from penstock.model.codes import Code

__all__ = ["Foretold", "foretold"]


@dataclass(frozen=True, slots=True)
class Foretold:
    """Addresses that differ by contact, what the topic is named by, whether letters may look different."""

    tracking: tuple[Finding, ...] = ()
    stems: frozenset[str] = frozenset()
    varies: bool = False


def foretold(campaign: Campaign | None, language: str) -> Foretold:
    """Read the files of a campaign for the letters in one language. Costs milliseconds: once per template."""
    if campaign is None:
        return Foretold()
    tracking = (
        (Code.TRACKING_WITHOUT_CONSENT, "message", f"an address in {name}:{url.line} carries {url.field}")
        for name, url in campaign_urls(campaign, language)
    )
    stems = topic_stems(campaign, language, default_language(campaign))
    return Foretold(tuple(tracking), stems, _varies(campaign))


def _varies(campaign: Campaign) -> bool:
    """Whether the contact decides how letters look or what stands in what: one letter does not speak for all then."""
    sources = (file.source for file in campaign.message.templates if file.part == "html")
    return any(masked.styled_by_tags or masked.branches.loose for masked in map(mask, sources))
