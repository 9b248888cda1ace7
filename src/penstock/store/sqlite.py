"""The store on SQLite: everything that is kept, in one file."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable

from penstock.errors import ConfigError
from penstock.model.keyring import Keyring
from penstock.ports import Clock
from penstock.store.bodies import Bodies
from penstock.store.campaigns import Campaigns
from penstock.store.chain import Chain
from penstock.store.connections import path_of
from penstock.store.contacts import Contacts
from penstock.store.database import Database
from penstock.store.house_rules import HouseRules
from penstock.store.ledger import Ledger
from penstock.store.list_stats import ListStats
from penstock.store.mails import Mails
from penstock.store.notice_texts import NoticeTexts
from penstock.store.opening import Opened, has_data, open_to_look, open_to_write
from penstock.store.outcomes import Outcomes
from penstock.store.placing import PlacingSql
from penstock.store.rates import Rates
from penstock.store.receivers import Receivers
from penstock.store.records import ContactRecord
from penstock.store.returns import Returns
from penstock.store.snapshots import Snapshots
from penstock.store.standings import Standings
from penstock.store.submissions import Submissions
from penstock.store.suppressions import Suppressions

__all__ = ["SqliteStore", "has_data"]


def _random_id() -> str:
    return secrets.token_hex(16)


class SqliteStore:
    """The rooms of one open store. `database` is what the queue in the store works on."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        *,
        new_id: Callable[[], str],
        rules: HouseRules,
        bodies: Bodies,
    ) -> None:
        self.database = database
        records = ContactRecord()
        chain = Chain(keyring, database.statements("ledger"), database.statements("meta"))
        self.contacts = Contacts(database, clock, records, new_id)
        self.suppressions = Suppressions(database, clock, chain)
        self.campaigns = Campaigns(database, clock)
        self.standings = Standings(database, clock, chain)
        self.mails = Mails(
            database,
            clock,
            chain,
            self.campaigns,
            records,
            self.contacts,
            bodies=bodies,
            redirecting=bool(rules.safety.redirect_to),
        )
        placing = PlacingSql(
            database.statements("mails"), database.statements("identities"), bodies, bool(rules.safety.redirect_to)
        )
        self.submissions = Submissions(database, self.campaigns, placing)
        self.ledger = Ledger(database, clock, keyring, chain, self.suppressions, new_id=new_id, rules=rules)
        self.rates = Rates(database, clock)
        self.list_stats = ListStats(database)
        self.notice_texts = NoticeTexts(database, clock, chain)
        self.returns = Returns(database, clock, chain, self.suppressions, records)
        self.snapshots = Snapshots(database, records)
        self.outcomes = Outcomes(database)
        self.receivers = Receivers(database, clock)

    @classmethod
    async def open(
        cls,
        url: str,
        keyring: Keyring,
        clock: Clock,
        *,
        read_only: bool = False,
        new_id: Callable[[], str] = _random_id,
        rules: HouseRules = HouseRules(),  # noqa: B008 — frozen
    ) -> SqliteStore:
        """Open the store at `url`, made and brought up to date where needed; with `read_only` nothing is
        written.

        `new_id` answers random text, `rules` bind every mail. Raises ConfigError (URL, folder, other keys, a newer or
        foreign file) and StoreUnavailable (disk, rights, locks).
        """
        path = path_of(url)

        def connect() -> Opened:
            if not read_only:
                return open_to_write(path, keyring, new_id=new_id, jitter=random.random)
            if path is None:
                raise ConfigError("a store in memory cannot be looked at only", where="store.url")
            return open_to_look(path, keyring)

        opened = await asyncio.to_thread(connect)
        database = Database(opened.writer, opened.reader)
        return cls(database, keyring, clock, new_id=new_id, rules=rules, bodies=Bodies.beside(path))

    async def aclose(self) -> None:
        """Finish what waits and close the file."""
        await self.database.aclose()
