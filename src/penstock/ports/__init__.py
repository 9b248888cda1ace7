"""Every seam of the house: what a stage, an adapter, a source, the store and the queue promise each other.

Batch in, batch out: every method takes a sequence and answers one item per input, in the same order. Stages and
adapters say what they find as values; they raise only `penstock.errors.Unavailable` (nothing happened, repeat) or by
a bug.
"""

from penstock.ports.adapters import Adapter, AdapterAddress, Capabilities
from penstock.ports.clock import Clock
from penstock.ports.esp_lists import ErasureReceipt, EspErasure, EspLists, Listed
from penstock.ports.intake import (
    Acceptance,
    Client,
    Doorkeeper,
    Receipt,
    Recipient,
    Refusal,
    RefusalKind,
    Submission,
    Taken,
)
from penstock.ports.lists import Counts, ListKey, ListStats, NoLists, Registers, Supplier
from penstock.ports.queue import Grant, Queue, RateQuery, Rates, Settlement, Ticket
from penstock.ports.returns import (
    Kept,
    NobodySilent,
    PastEvent,
    ReturnCount,
    Returns,
    SavedCall,
    Silence,
    Silences,
    Told,
)
from penstock.ports.services import NobodyTried, PublicPages, Services, Tokens
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
from penstock.ports.webhooks import Genuine, Marks, WebhookAddress, WebhookCall, WebhookCodec

__all__ = [
    "ALL_STREAMS",
    "BEGUN_ELSEWHERE",
    "COMMERCIAL_STREAMS",
    "Acceptance",
    "Adapter",
    "AdapterAddress",
    "Capabilities",
    "Check",
    "Client",
    "Clock",
    "ContactRow",
    "Counts",
    "Doorkeeper",
    "Edit",
    "Ending",
    "ErasureReceipt",
    "EspErasure",
    "EspLists",
    "Genuine",
    "Grant",
    "HistoryQuery",
    "Kept",
    "Ledger",
    "ListKey",
    "ListStats",
    "Listed",
    "Mails",
    "Marks",
    "NoLists",
    "NoOptions",
    "NoSenders",
    "NobodySilent",
    "NobodyTried",
    "PastEvent",
    "Phase",
    "PublicPages",
    "Queue",
    "RateQuery",
    "Rates",
    "Receipt",
    "Recipient",
    "Refusal",
    "RefusalKind",
    "Registers",
    "ReturnCount",
    "Returns",
    "RowFault",
    "SavedCall",
    "SavedMail",
    "SenderDomain",
    "Senders",
    "Services",
    "Settlement",
    "Signer",
    "Silence",
    "Silences",
    "Source",
    "Stage",
    "Standings",
    "Submission",
    "Supplier",
    "Suppressions",
    "Taken",
    "Ticket",
    "Tokens",
    "Told",
    "WebhookAddress",
    "WebhookCall",
    "WebhookCodec",
]
