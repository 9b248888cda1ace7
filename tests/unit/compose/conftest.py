"""A campaign to compose letters of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Campaign, Controller, MessageSpec, TemplateFile
from penstock.ports import Rates, Services, Suppressions, Tokens

TEMPLATES = Path(__file__).parents[3] / "templates"
CONTROLLER = Controller(
    "nordlicht", "Nordlicht Software AB", "Storgatan 1, Stockholm", "SE", contact="privacy@nordlicht.example"
)

CampaignOf = Callable[..., Campaign]


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def machine(self) -> float:
        return 0.0


@pytest.fixture
def campaign() -> CampaignOf:
    """Make a campaign; keyword arguments of the message and of the campaign alike."""

    def made(files: Sequence[TemplateFile] = (), **changes: Any) -> Campaign:
        message: dict[str, Any] = {
            "from_": "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>",
            "reply_to": "eva.berg@nordlicht.example",
            "subject": "{{ t('purchasing without spreadsheets') }}",
            "fields": (),
            "templates": tuple(files) or (TemplateFile("text", "", "letter.txt.j2", "Hello.\n"),),
        }
        keys = {*message, "fallback_language", "enclosures", "inline"}
        message |= {key: changes.pop(key) for key in list(changes) if key in keys}
        told: dict[str, Any] = {
            "id": "purchasing-2026",
            "controller": "nordlicht",
            "purpose": "offer of purchasing software",
            "topic": ("purchasing", "achats"),
        }
        return Campaign(message=MessageSpec(**message), **(told | changes))

    return made


@pytest.fixture
def services() -> Services:
    return Services(
        clock=StoppedClock(),
        suppressions=cast("Suppressions", None),
        rates=cast("Rates", None),
        tokens=cast("Tokens", None),
        taxonomy=Taxonomy([("fr", "purchasing", "achats")]),
        controllers={"nordlicht": CONTROLLER},
        templates=TEMPLATES,
        base_url="https://mail.nordlicht.example",
    )
