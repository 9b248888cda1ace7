"""Parts for tests, one's own and a plugin author's: clocks, sample mails, stores in memory, contract tests.

Importing this room needs pytest only for the contract classes' own asserts, not at run time.
"""

from penstock.testing.clocks import FakeClock
from penstock.testing.contracts import AdapterContract, CheckContract, EditContract, StageContract
from penstock.testing.fakes import CountingRates, CountingSuppressions, MemoryAdapter
from penstock.testing.memory import memory_queue, memory_store
from penstock.testing.samples import a_campaign, a_contact, a_keyring, a_letter, a_mail, some_services

__all__ = [
    "AdapterContract",
    "CheckContract",
    "CountingRates",
    "CountingSuppressions",
    "EditContract",
    "FakeClock",
    "MemoryAdapter",
    "StageContract",
    "a_campaign",
    "a_contact",
    "a_keyring",
    "a_letter",
    "a_mail",
    "memory_queue",
    "memory_store",
    "some_services",
]
