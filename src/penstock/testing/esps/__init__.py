"""Local servers that behave as ESPs do, one file each, and how the config reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from penstock.testing.esp import FakeEsp

__all__ = ["NAMES", "fake_of", "settings_for"]

_FAKES = {
    "brevo": ("FakeBrevo", "brevo:?tracking=off"),
    "mailgun": ("FakeMailgun", "mailgun:mg.nordlicht.example"),
    "mailjet": ("FakeMailjet", "mailjet:"),
    "postmark": ("FakePostmark", "postmark:"),
    "resend": ("FakeResend", "resend:"),
    "sendgrid": ("FakeSendGrid", "sendgrid:"),
    "ses": ("FakeSES", "ses:eu-west-1"),
}
"""The class of each, and the address of an adapter that speaks with it."""

NAMES = tuple(_FAKES)
"""The ESPs that there is a local server for."""


def fake_of(esp: str) -> FakeEsp:
    """A fresh local server, not yet running. Raises KeyError for one that there is not."""
    made: FakeEsp = getattr(import_module(f"{__name__}.{esp}"), _FAKES[esp][0])()
    return made


def settings_for(esp: str, fake: FakeEsp) -> Mapping[str, str]:
    """What `[adapters.NAME]` says to send through this server, which runs: `url`, `endpoint`, and the secrets."""
    told = {"url": _FAKES[esp][1], "endpoint": fake.url, "api_key": fake.key}
    match esp:
        case "mailjet":
            told["password"] = str(getattr(fake, "secret"))  # noqa: B009 — only that server has one
        case "ses":
            told.update(api_key="AKIDEXAMPLE", password=fake.key)
    return told
