"""Every seam of the house: what a stage, an adapter, a source, the store and the queue promise each other.

Batch in, batch out: every method takes a sequence and answers one item per input, in the same order. Stages and
adapters say what they find as values; they raise only `penstock.errors.Unavailable` (nothing happened, repeat) or by
a bug.
"""

from penstock.ports.adapters import Adapter, AdapterAddress, Capabilities
from penstock.ports.clock import Clock
from penstock.ports.lists import Counts, ListKey, ListStats, NoLists, Registers, Supplier
from penstock.ports.queue import Grant, Queue, RateQuery, Rates, Settlement, Ticket
from penstock.ports.services import Services, Tokens
from penstock.ports.signing import NoSenders, SenderDomain, Senders, Signer
from penstock.ports.sources import ContactRow, RowFault, Source
from penstock.ports.stages import ALL_STREAMS, COMMERCIAL_STREAMS, Check, Edit, NoOptions, Phase, Stage
from penstock.ports.store import (
    BEGUN_ELSEWHERE,
    Ending,
    HistoryQuery,
    Ledger,
    Mails,
    SavedMail,
    Standings,
    Suppressions,
)

__all__ = [
    "ALL_STREAMS",
    "BEGUN_ELSEWHERE",
    "COMMERCIAL_STREAMS",
    "Adapter",
    "AdapterAddress",
    "Capabilities",
    "Check",
    "Clock",
    "ContactRow",
    "Counts",
    "Edit",
    "Ending",
    "Grant",
    "HistoryQuery",
    "Ledger",
    "ListKey",
    "ListStats",
    "Mails",
    "NoLists",
    "NoOptions",
    "NoSenders",
    "Phase",
    "Queue",
    "RateQuery",
    "Rates",
    "Registers",
    "RowFault",
    "SavedMail",
    "SenderDomain",
    "Senders",
    "Services",
    "Settlement",
    "Signer",
    "Source",
    "Stage",
    "Standings",
    "Supplier",
    "Suppressions",
    "Ticket",
    "Tokens",
]
