"""What Penstock raises.

    PenstockError
    ├── ConfigError        the configuration cannot be used; at start only
    ├── InvalidInput       what was handed in cannot be read (exit 2, 550, 400)
    ├── WebhookRejected    a webhook that proves nothing about its sender (403, no words)
    ├── Unavailable        nothing happened and it may be repeated (exit 3, 451, 503)
    │   ├── StoreUnavailable
    │   ├── QueueUnavailable
    │   └── AdapterUnavailable
    └── ContractError      a plugin broke a promise of `penstock.ports`

What happens to *one mail* is never an exception but a value: see `penstock.model.verdict` and `penstock.model.outcome`.
Messages carry ids, field names and file positions; never an address, a name or a body.
"""

from __future__ import annotations

__all__ = [
    "AdapterUnavailable",
    "ConfigError",
    "ContractError",
    "InvalidInput",
    "PenstockError",
    "QueueUnavailable",
    "StoreUnavailable",
    "Unavailable",
    "WebhookRejected",
]


class PenstockError(Exception):
    """The root of everything Penstock raises on purpose.

    `where` says file:line or key, `mend` how to put it right; both may be empty.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.mend})" if self.mend else line


class ConfigError(PenstockError):
    """The configuration cannot be used."""


class InvalidInput(PenstockError):  # noqa: N818 — the tree above reads better without suffixes
    """A file, an argument or a message from outside cannot be read."""


class WebhookRejected(PenstockError):  # noqa: N818
    """A webhook whose origin could not be verified."""


class Unavailable(PenstockError):  # noqa: N818
    """A part we depend on did not answer; nothing happened, the same call may be repeated."""


class StoreUnavailable(Unavailable):
    """The database cannot be reached, is locked, full or read-only."""


class QueueUnavailable(Unavailable):
    """The queue cannot be reached."""


class AdapterUnavailable(Unavailable):
    """No way out for mails at present; none of them was started."""


class ContractError(PenstockError):
    """A stage or an adapter broke what `penstock.ports` asks of it."""
