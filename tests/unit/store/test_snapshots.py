"""What a decision used: kept beside the ledger, read back as it was, gone when it is erased."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.store.conftest import START, World

from penstock.model.contact import Company, Consent, Contact, Flag, Mechanism, Source, SourceMethod
from penstock.model.mail import NEW, History, Mail, Touch
from penstock.model.moment import as_moment
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.store.ledger_rows import LedgerRow
from penstock.store.snapshots import snapshot_of
from penstock.store.sqlite import SqliteStore

SOURCE = Source(
    SourceMethod.EVENT, "https://fair.example/list", as_moment("2026-11-01"), "e.berg", why="asked for an offer"
)
ANNA = Contact(
    "anna.keller@muster.example",
    "Anna",
    company=Company("Muster AG", employees=120, revenue=1234567.89),
    source=SOURCE,
    flags=(Flag.RESTRICTED,),
    consents=(Consent("email", "nordlicht", "offers", as_moment("2026-01-01"), mechanism=Mechanism.WRITTEN),),
    verified_at=as_moment("2026-11-01T10:11:12.000013+01:00"),
)


async def saved(store: SqliteStore, world: World, history: History = NEW) -> Mail:
    new = world.new_mail()
    await store.mails.accept([new])
    return replace(world.mail(new), contact=ANNA, history=history)


async def only_row(store: SqliteStore, mail: Mail) -> LedgerRow:
    return (await store.ledger.show(mail.id))[-1]


async def read_back(store: SqliteStore, mail: Mail, *, begun: bool) -> tuple[Contact | None, History | None]:
    row = await only_row(store, mail)
    assert row.kind == ("begin" if begun else "decision")
    inputs = await store.snapshots.inputs(row.seq, row.body["snapshot"])
    assert inputs is not None
    assert mail.campaign is not None
    assert (inputs.campaign, inputs.recipient) == (mail.campaign.digest, None)
    return inputs.contact, inputs.history


async def test_a_stop_keeps_what_it_used_as_a_start_does(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await store.ledger.record([(mail, world.stop())])
    assert await read_back(store, mail, begun=False) == (ANNA, NEW)
    assert await store.ledger.begin([(mail, world.go())]) == [None]
    assert await read_back(store, mail, begun=True) == (ANNA, NEW)
    assert await store.snapshots.erase([mail.id]) == 2


moments = st.integers(0, 10**14).map(lambda micros: START - timedelta(microseconds=micros))
touches = st.lists(moments.map(lambda at: Touch("", at)), max_size=4).map(tuple)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.builds(
        History,
        person=touches,
        company=touches,
        noticed=st.booleans(),
        sent_at=st.none() | moments,
        twin=st.none() | st.just("a" * 32),
        waived=st.frozensets(st.sampled_from(["UNVERIFIED", "STALE"])),
    )
)
async def test_the_history_comes_back_without_the_names_of_other_mails(
    make_store: Callable[[], Awaitable[SqliteStore]], world: World, history: History
) -> None:
    store = await make_store()
    named = replace(history, person=tuple(Touch("b" * 32, touch.at) for touch in history.person))
    mail = await saved(store, world, named)
    await store.ledger.record([(mail, world.stop())])
    assert (await read_back(store, mail, begun=False))[1] == history
    await store.aclose()


async def test_a_stop_of_a_mail_that_was_never_saved_keeps_nothing_as_nobody_could_erase_it(
    store: SqliteStore, world: World
) -> None:
    mail = replace(world.mail(world.new_mail()), contact=ANNA)
    await store.ledger.record([(mail, world.stop())])
    row = await only_row(store, mail)
    assert (row.body["snapshot"], row.body["provenance"]) == (None, None)
    assert await store.snapshots.get(row.seq) is None


async def test_a_row_names_basis_and_provenance_without_a_value(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    facts = Facts(("campaign.basis",), ("basis:legitimate_interest", "jurisdiction:SE"))
    decision = decide((Reason("address", Verdict.SEND), Reason("legal_basis", Verdict.SEND, facts=facts)), "first")
    await store.ledger.begin([(mail, decision)])
    row = await only_row(store, mail)
    assert (row.body["basis"], len(row.body["provenance"])) == ("legitimate_interest", 16)
    assert not [word for word in ("fair", "e.berg", "event", "Anna", "muster") if word in str(row.body)]


def test_equal_sources_have_different_ids_so_that_none_can_be_guessed(world: World) -> None:
    mail = replace(world.mail(world.new_mail()), contact=ANNA)
    one, two = (snapshot_of(mail, secret) for secret in ("one", "two"))
    assert one.provenance != two.provenance
    assert one.digest != two.digest
    assert snapshot_of(replace(mail, contact=Contact("a@muster.example")), "one").provenance is None


async def test_a_mail_without_a_contact_keeps_its_recipient(store: SqliteStore, world: World) -> None:
    mail = replace(await saved(store, world), contact=None, campaign=None)
    await store.ledger.record([(mail, world.stop())])
    row = await only_row(store, mail)
    inputs = await store.snapshots.inputs(row.seq, row.body["snapshot"])
    assert inputs is not None
    assert (inputs.campaign, inputs.contact, inputs.recipient) == (None, None, "anna.keller@muster.example")


async def test_values_that_are_not_the_ones_of_the_row_are_refused(store: SqliteStore, world: World) -> None:
    def forge(connection: apsw.Connection) -> None:
        connection.execute("UPDATE snapshots SET record = CAST(replace(record, 'Anna', 'Emma') AS BLOB)")

    mail = await saved(store, world)
    await store.ledger.record([(mail, world.stop())])
    await store.database.write(forge)
    row = await only_row(store, mail)
    with pytest.raises(ValueError, match="not the ones that the row names"):
        await store.snapshots.inputs(row.seq, row.body["snapshot"])
