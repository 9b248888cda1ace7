"""What went before: touches, notices, twins."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import apsw
import pytest
from tests.unit.store.conftest import World

from penstock.model.mail import NEW
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import Ending, HistoryQuery
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore


def watch(statements: list[str], connection: apsw.Connection) -> None:
    """Note every statement from now on."""

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        statements.append(sql)
        return True

    connection.exec_trace = note


async def begin(
    store: SqliteStore, world: World, new: NewMail, outcome: Outcome | None = None, notice: str | None = None
) -> None:
    (known,) = await store.mails.accept([new])
    assert known.answer == "new"
    mail = world.mail(new, notice=notice)
    assert await store.ledger.begin([(mail, world.go())]) == [None]
    if outcome is not None:
        await store.ledger.end([Ending(mail, world.go(), outcome)])


def ask(world: World, new: NewMail, *, days: int = 30, most: int = 10, controller: str = "nordlicht") -> HistoryQuery:
    since = world.clock.now() - timedelta(days=days)
    return HistoryQuery(new.id, new.identity, controller, new.step, since, most)


async def test_a_person_nobody_wrote_to_has_no_past(store: SqliteStore, world: World) -> None:
    assert await store.mails.history([ask(world, world.new_mail())]) == [NEW]
    assert await store.mails.history([]) == []


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(None, True), (Accepted(), True), (Uncertain("x"), True), (Failed("x"), False), (TryLater("x"), False)],
)
async def test_what_may_have_reached_the_person_counts_as_a_touch(
    store: SqliteStore, world: World, outcome: Outcome | None, counts: bool
) -> None:
    before = world.new_mail(campaign=world.campaign("before"))
    await begin(store, world, before, outcome)
    (history,) = await store.mails.history([ask(world, world.new_mail())])
    assert [touch.mail_id for touch in history.person] == ([before.id] if counts else [])
    assert [touch.mail_id for touch in history.company] == ([before.id] if counts else [])


async def test_touches_are_the_newest_within_the_span_and_never_the_mail_itself(
    store: SqliteStore, world: World
) -> None:
    sent = []
    for number in range(6):
        sent.append(world.new_mail(campaign=world.campaign(f"c{number}")))
        await begin(store, world, sent[-1], Accepted())
        world.clock.pass_time(timedelta(days=10))
    (history,) = await store.mails.history([ask(world, world.new_mail(), days=40, most=3)])
    assert [touch.mail_id for touch in history.person] == [mail.id for mail in reversed(sent[3:])]
    assert history.person[0].at == world.clock.now() - timedelta(days=10)
    (exactly,) = await store.mails.history([ask(world, world.new_mail(), days=40)])
    assert len(exactly.person) == 4
    (own,) = await store.mails.history([ask(world, sent[5], days=40)])
    assert [touch.mail_id for touch in own.person] == [mail.id for mail in reversed(sent[2:5])]


async def test_colleagues_and_the_organisation_share_a_company_past_once(store: SqliteStore, world: World) -> None:
    one = world.identity("a@muster.example")
    organisation = world.keyring.anchor("org:FR-1")
    one = type(one)(one.person, one.person_keys, one.company_keys, one.company, organisation)
    other = world.identity("b@subsidiary.example")
    other = type(other)(other.person, other.person_keys, other.company_keys, other.company, organisation)
    first = world.new_mail(identity=one, campaign=world.campaign("first"))
    await begin(store, world, first, Accepted())
    queries = [
        ask(world, world.new_mail("c@muster.example")),
        ask(world, world.new_mail(identity=other)),
        ask(world, world.new_mail(identity=one)),
        ask(world, world.new_mail("d@elsewhere.example")),
    ]
    histories = await store.mails.history(queries)
    assert [[touch.mail_id for touch in history.company] for history in histories] == [[first.id]] * 3 + [[]]
    assert [len(history.person) for history in histories] == [0, 0, 1, 0]


async def test_a_notice_counts_when_it_was_accepted_and_for_its_controller_only(
    store: SqliteStore, world: World
) -> None:
    lost = world.new_mail(campaign=world.campaign("lost"))
    await begin(store, world, lost, Uncertain("x"), notice="n1")
    assert not (await store.mails.history([ask(world, world.new_mail())]))[0].noticed
    plain = world.new_mail(campaign=world.campaign("plain"))
    await begin(store, world, plain, Accepted())
    assert not (await store.mails.history([ask(world, world.new_mail())]))[0].noticed
    given = world.new_mail(campaign=world.campaign("given"))
    await begin(store, world, given, Accepted(), notice="n1")
    mine, theirs = await store.mails.history(
        [ask(world, world.new_mail()), ask(world, world.new_mail(), controller="sydlicht")]
    )
    assert (mine.noticed, theirs.noticed) == (True, False)


async def test_a_doubt_resolved_as_sent_has_given_its_notice(store: SqliteStore, world: World) -> None:
    new = world.new_mail(campaign=world.campaign("before"))
    await begin(store, world, new, Uncertain("x"), notice="n1")
    await store.mails.resolve(new.id, sent=True)
    assert (await store.mails.history([ask(world, world.new_mail())]))[0].noticed


async def test_a_regular_mail_gives_no_notice(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    mail = world.mail(new, notice="n1")
    await store.ledger.begin([(mail, world.go("regular"))])
    await store.ledger.end([Ending(mail, world.go("regular"), Accepted())])
    assert not (await store.mails.history([ask(world, world.new_mail())]))[0].noticed


async def test_a_mail_that_was_accepted_says_when(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await begin(store, world, new, Accepted())
    at = world.clock.now()
    world.clock.pass_time(timedelta(days=3))
    assert (await store.mails.history([ask(world, new)]))[0].sent_at == at


async def test_another_form_of_the_person_in_the_same_step_is_a_twin(store: SqliteStore, world: World) -> None:
    dots = world.new_mail(identity=world.identity("a.nna@mail.example", provider="anna"))
    plain = world.new_mail(identity=world.identity("anna@mail.example", provider="anna"))
    other_step = world.new_mail(identity=plain.identity, campaign=world.campaign("other"))
    assert dots.id != plain.id
    await store.mails.accept([dots, plain, other_step])
    queries = [ask(world, new) for new in (dots, plain, other_step)]
    assert [history.twin for history in await store.mails.history(queries)] == [None, dots.id, None]
    mail = world.mail(plain)
    await store.ledger.begin([(mail, world.go())])
    assert [history.twin for history in await store.mails.history(queries)] == [plain.id, dots.id, None]


async def test_a_mail_that_did_not_and_will_not_go_is_no_twin(store: SqliteStore, world: World) -> None:
    dots = world.new_mail(identity=world.identity("a.nna@mail.example", provider="anna"))
    plain = world.new_mail(identity=world.identity("anna@mail.example", provider="anna"))
    await store.mails.accept([dots, plain])
    await store.ledger.record([(world.mail(dots), world.stop())])
    assert (await store.mails.history([ask(world, plain)]))[0].twin is None


async def test_a_mail_not_saved_yet_has_the_saved_one_as_its_twin(store: SqliteStore, world: World) -> None:
    dots = world.new_mail(identity=world.identity("a.nna@mail.example", provider="anna"))
    plain = world.new_mail(identity=world.identity("anna@mail.example", provider="anna"))
    await store.mails.accept([dots])
    assert (await store.mails.history([ask(world, plain)]))[0].twin == dots.id


async def test_what_was_waived_is_part_of_the_past(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    await store.ledger.record([(world.mail(new), world.stop())])
    await store.mails.release([new.id], "fine")
    assert (await store.mails.history([ask(world, new)]))[0].waived == {"UNVERIFIED"}


async def test_the_number_of_statements_does_not_grow_with_the_batch(store: SqliteStore, world: World) -> None:
    mails = [world.new_mail(f"p{number}@c{number % 9}.example") for number in range(500)]
    await store.mails.accept(mails)
    await store.mails.load([mails[0].id])  # the campaign is read once
    counts = []
    for size in (1, 500):
        statements: list[str] = []

        await store.database.write(partial(watch, statements))
        histories = await store.mails.history([ask(world, new) for new in mails[:size]])
        await store.mails.load([new.id for new in mails[:size]])
        assert len(histories) == size
        counts.append(sum("SELECT" in sql for sql in statements))
    assert counts[0] == counts[1] <= 10
