"""Penstock: a compliance pipeline for outgoing B2B e-mail.

async with penstock.open("config.toml") as gate:
    report = await gate.send("campaigns/purchasing.toml", contacts="contacts.csv")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.errors import (
        AdapterUnavailable,
        ConfigError,
        ContractError,
        InvalidInput,
        PenstockError,
        StoreUnavailable,
        Unavailable,
    )
    from penstock.gate import Gate, Receipt
    from penstock.gate import open_gate as open  # noqa: A004 — the public name is penstock.open
    from penstock.model.codes import Code
    from penstock.model.verdict import Decision, Reason, Verdict
    from penstock.send_report import SendReport

__all__ = [
    "AdapterUnavailable",
    "Code",
    "ConfigError",
    "ContractError",
    "Decision",
    "Gate",
    "InvalidInput",
    "PenstockError",
    "Reason",
    "Receipt",
    "SendReport",
    "StoreUnavailable",
    "Unavailable",
    "Verdict",
    "open",
]

_HOMES = {
    "Code": ("penstock.model.codes", "Code"),
    "Decision": ("penstock.model.verdict", "Decision"),
    "Gate": ("penstock.gate", "Gate"),
    "Reason": ("penstock.model.verdict", "Reason"),
    "Receipt": ("penstock.gate", "Receipt"),
    "SendReport": ("penstock.sending", "SendReport"),
    "Verdict": ("penstock.model.verdict", "Verdict"),
    "open": ("penstock.gate", "open_gate"),
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: `import penstock` stays cheap for the command line."""
    if name not in __all__:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES.get(name, ("penstock.errors", name))
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
