"""Mails come in at one place: saved with their tickets or refused, whoever brings them."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.acceptance.accepting import Accepting
from penstock.config.campaign_file import read_campaign
from penstock.errors import StoreUnavailable
from penstock.gate import Gate
from penstock.law.countries import country_code
from penstock.model.campaign import Stream
from penstock.model.mail import Mail
from penstock.model.suppression import SuppressionReason
from penstock.pipeline import Pipeline
from penstock.ports import Client, ContactRow, Phase, Receipt, Recipient, Refusal, RefusalKind, Submission
from penstock.sources.rows import RowReader
from penstock.store.bodies import LARGE
from penstock.store.handing_in import Against, Handed
from penstock.store.placing import Placed
from penstock.suppression_list import SuppressionList
from penstock.wiring import House

Person = Callable[..., dict[str, Any]]
Open = Callable[..., AbstractAsyncContextManager[Gate]]

FROM = '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
ANNA, BO = "anna.berg@anna-maskin.example", "bo.berg@bo-maskin.example"
CRM = Client("crm", frozenset({Stream.PROSPECTING, Stream.TRANSACTIONAL}), frozenset({"nordlicht"}))


def message(
    text: str = "purchasing software\n", to: str = ANNA, from_: str = FROM, subject: str = "Purchasing", **asked: str
) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = from_, to, subject
    for name, value in asked.items():
        made[f"X-Penstock-{name.capitalize()}"] = value
    made.set_content(text)
    return made.as_bytes(policy=email.policy.SMTP)


def submission(*recipients: str, client: Client = CRM, data: bytes | None = None, **said: Any) -> Submission:
    asked: dict[str, Any] = {} if "stream" in said or data is not None else {"stream": "transactional"}
    people = tuple(Recipient(each) for each in recipients or (ANNA,))
    return Submission(client, "bounce@nordlicht.example", people, data or message(), **asked, **said)


LETTER: dict[str, Any] = {"stream": "prospecting", "campaign": "letters"}


@pytest.fixture
async def gate(house: Path, campaign: Path, opened: Open, person: Person) -> AsyncIterator[Gate]:
    """The sample's house with a campaign whose letters are handed in, and Anna as the only contact."""
    head, _, rest = campaign.read_text().partition("[message]")
    _, _, translations = rest.partition("[translations")
    del translations
    letters = head.replace('id = "purchasing-2026"', 'id = "letters"')
    file = campaign.with_name("letters.toml")
    file.write_text(f"{letters}[message]\nfrom = '{FROM}'\nrelayed = true\n")
    async with opened() as gate:
        await gate.house.store.campaigns.save(read_campaign(file, gate.settings))
        await gate.house.store.campaigns.save(read_campaign(campaign, gate.settings))
        row = RowReader({}, country_code).read(1, person("anna"))
        assert isinstance(row, ContactRow)
        await gate.house.store.contacts.upsert([(row.contact, gate.house.identifier.of(row.contact))])
        yield gate


@pytest.fixture
def accepting(gate: Gate) -> Accepting:
    return Accepting(gate.house)


async def receipt(accepting: Accepting, *given: Submission) -> Receipt:
    answers = await accepting.take(given)
    found = answers[-1]
    assert isinstance(found, Receipt), found
    return found


async def refusal(accepting: Accepting, given: Submission) -> Refusal:
    (found,) = await accepting.take([given])
    assert isinstance(found, Refusal), found
    return found


async def states(gate: Gate, *ids: str) -> list[str | None]:
    return [each.state if each else None for each in await gate.house.store.mails.load(ids)]


async def sent(gate: Gate) -> None:
    await gate.house.worker().drain(wait=0, stop=asyncio.Event())


async def test_each_recipient_gets_a_mail_of_its_own_with_its_ticket(gate: Gate, accepting: Accepting) -> None:
    found = await receipt(accepting, submission(ANNA, BO))
    assert [each.address for each in found.taken] == [ANNA, BO]
    assert await states(gate, *(each.mail_id for each in found.taken)) == ["queued", "queued"]
    assert await gate.house.queue.depth() == 2


async def test_advertising_goes_out_with_notice_and_links_and_once_ever(
    gate: Gate, accepting: Accepting, house: Path
) -> None:
    given = submission(ANNA, **LETTER)
    (first,) = (await receipt(accepting, given)).taken
    await sent(gate)
    assert await states(gate, first.mail_id) == ["accepted"]
    (file,) = (house / "outbox").glob("*.eml")
    assert b"List-Unsubscribe: <https://" in file.read_bytes()
    assert b"X-Penstock" not in file.read_bytes()
    (again,) = (await receipt(accepting, given)).taken
    assert (again.mail_id, again.repeated) == (first.mail_id, True)
    other = await refusal(accepting, replace(given, data=message("other words\n")))
    assert (other.kind, other.code) == (RefusalKind.BLOCKED, "DUPLICATE")
    await sent(gate)
    assert len([*(house / "outbox").glob("*.eml")]) == 1


async def test_what_waits_goes_as_it_was_handed_in_last(gate: Gate, accepting: Accepting, house: Path) -> None:
    await receipt(accepting, submission(ANNA, **LETTER))
    await receipt(accepting, submission(ANNA, data=message("newer words\n"), **LETTER))
    await sent(gate)
    (file,) = (house / "outbox").glob("*.eml")
    assert b"newer words" in file.read_bytes()


async def test_advertising_to_somebody_unknown_is_held_until_the_contact_is_imported(
    gate: Gate, accepting: Accepting, person: Person, house: Path
) -> None:
    (mail,) = (await receipt(accepting, submission(BO, data=message(to=BO), **LETTER))).taken
    await sent(gate)
    (held,) = await gate.house.store.mails.held("", 9)
    assert (held.mail_id, held.code) == (mail.mail_id, "CONTACT_UNKNOWN")
    row = RowReader({}, country_code).read(1, person("bo"))
    assert isinstance(row, ContactRow)
    await gate.house.store.contacts.upsert([(row.contact, gate.house.identifier.of(row.contact))])
    await gate.house.store.mails.release([mail.mail_id], "imported")
    await sent(gate)
    assert await states(gate, mail.mail_id) == ["accepted"]


async def test_a_client_may_ask_that_unknown_people_are_refused_or_bring_the_contact(
    accepting: Accepting, gate: Gate, person: Person
) -> None:
    strict = replace(CRM, unknown_contact="refuse")
    found = await refusal(accepting, submission(BO, client=strict, **LETTER))
    assert (found.kind, found.code) == (RefusalKind.BLOCKED, "CONTACT_UNKNOWN")
    (mail,) = (await receipt(accepting, submission(BO, client=strict, contact=person("bo"), **LETTER))).taken
    await sent(gate)
    assert await states(gate, mail.mail_id) == ["accepted"]
    found = await refusal(accepting, submission(BO, contact={"country": 7}, **LETTER))
    assert found.kind is RefusalKind.INVALID


async def test_the_campaigns_own_letter_is_written_to_the_contact(
    gate: Gate, accepting: Accepting, house: Path, person: Person
) -> None:
    given = Submission(CRM, "", (Recipient(BO),), b"", campaign="purchasing-2026", contact=person("bo"))
    (mail,) = (await receipt(accepting, given)).taken
    await sent(gate)
    assert await states(gate, mail.mail_id) == ["accepted"]
    found = await refusal(accepting, replace(given, contact=None, recipients=(Recipient("x@y.example"),)))
    assert found.code == "CONTACT_UNKNOWN"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"stream": "newsletter"}, RefusalKind.FORBIDDEN),
        ({"stream": "advertising"}, RefusalKind.INVALID),
        ({"stream": ""}, RefusalKind.INVALID),
        ({"stream": "prospecting"}, RefusalKind.INVALID),
        ({"stream": "prospecting", "campaign": "nobody-knows"}, RefusalKind.INVALID),
        ({"stream": "prospecting", "campaign": "purchasing-2026"}, RefusalKind.INVALID),
        ({"stream": "transactional", "controller": "sued"}, RefusalKind.INVALID),
        ({"stream": "transactional", "data": b"no head"}, RefusalKind.INVALID),
        ({"stream": "transactional", "data": b"To: a@b.example\r\n\r\nx\r\n"}, RefusalKind.INVALID),
        ({"stream": "transactional", "data": message(from_="a@b.example, c@d.example")}, RefusalKind.INVALID),
        ({"stream": "transactional", "data": b"Received: x\r\n" * 51 + message()}, RefusalKind.INVALID),
        ({"stream": "transactional", "data": b"From: a@b.example\r\n" + message()}, RefusalKind.INVALID),
    ],
)
async def test_what_may_not_be_handed_in_is_refused_and_nothing_is_saved(
    gate: Gate, accepting: Accepting, said: dict[str, Any], kind: RefusalKind
) -> None:
    found = await refusal(accepting, submission(**said))
    assert found.kind is kind
    assert "@" not in found.why
    assert await gate.house.queue.depth() == 0


async def test_the_message_says_what_its_envelope_does_not(gate: Gate, accepting: Accepting) -> None:
    data = message(stream="prospecting", campaign="letters", tag="autumn")
    (mail,) = (await receipt(accepting, submission(ANNA, data=data))).taken
    (saved,) = await gate.house.store.mails.load([mail.mail_id])
    assert saved is not None
    assert saved.campaign is not None
    assert (saved.stream, saved.campaign.id, saved.tag, saved.sender) == (
        "prospecting", "letters", "autumn", "bounce@nordlicht.example",
    )  # fmt: skip


async def test_a_key_makes_a_repeat_the_same_submission(gate: Gate, accepting: Accepting) -> None:
    given = submission(ANNA, BO, key="k1", request=b"1" * 32)
    first = await receipt(accepting, given)
    again, both = await receipt(accepting, given), await receipt(accepting, given, given)
    assert [each.mail_id for each in again.taken] == [each.mail_id for each in first.taken]
    assert (first.repeated, again.repeated, both.repeated) == (False, True, True)
    assert (await refusal(accepting, replace(given, request=b"2" * 32))).kind is RefusalKind.CONFLICT
    other = await receipt(accepting, replace(given, client=replace(CRM, name="shop")))
    assert not other.repeated
    assert await gate.house.queue.depth() == 4


async def test_two_of_one_key_at_the_same_time_are_one(gate: Gate, accepting: Accepting) -> None:
    given = submission(key="k1", request=b"1" * 32)
    found = await asyncio.gather(*(receipt(accepting, given) for _ in range(5)))
    assert len({each.taken[0].mail_id for each in found}) == 1
    assert await gate.house.queue.depth() == 1


async def test_verdicts_at_once_refuse_what_nobody_may_send(gate: Gate, accepting: Accepting) -> None:
    await SuppressionList(gate.house).add(ANNA, SuppressionReason.OBJECTION)
    await SuppressionList(gate.house).add(BO, SuppressionReason.BOUNCE)
    asking = replace(CRM, verdicts="at_once")
    found = await refusal(accepting, submission(ANNA, client=asking, **LETTER))
    assert (found.kind, found.code) == (RefusalKind.BLOCKED, "SUPPRESSED_PERSON")
    assert await gate.house.queue.depth() == 0
    await receipt(accepting, submission(ANNA, client=asking))
    assert await accepting.admits(asking, "", ANNA) is None
    dead = await accepting.admits(asking, "", BO)
    assert dead is not None
    assert dead.code == "HARD_BOUNCED"
    assert await accepting.admits(CRM, "", BO) is None
    odd = await accepting.admits(CRM, "", "no address")
    assert odd is not None
    assert odd.kind is RefusalKind.INVALID


async def test_a_dry_run_says_what_would_become_of_it_and_saves_nothing(
    gate: Gate, accepting: Accepting, person: Person
) -> None:
    lines = await accepting.judge(submission(ANNA, **LETTER))
    assert not isinstance(lines, Refusal)
    assert [(each["address"], each["verdict"], each["variant"]) for each in lines] == [(ANNA, "send", "first")]
    lines = await accepting.judge(submission(BO, contact=person("bo", born="2015-01-01"), **LETTER))
    assert not isinstance(lines, Refusal)
    assert [each["code"] for each in lines] == ["MINOR"]
    assert await gate.house.queue.depth() == 0
    bo = RowReader({}, country_code).read(1, person("bo"))
    assert isinstance(bo, ContactRow)
    assert await gate.house.store.contacts.find([gate.house.identifier.of(bo.contact)]) == [None]


async def test_a_client_sees_its_own_mails_only(gate: Gate, accepting: Accepting) -> None:
    (mail,) = (await receipt(accepting, submission(ANNA, **LETTER))).taken
    await sent(gate)
    seen = await accepting.look_up(CRM, mail.mail_id)
    assert seen is not None
    assert (seen["state"], seen["outcome"], seen["decision"]["verdict"]) == ("accepted", "accepted", "send")
    assert await accepting.look_up(replace(CRM, name="other"), mail.mail_id) is None
    assert await accepting.look_up(CRM, "0" * 32) is None
    assert await accepting.look_up(CRM, "no id") is None


async def test_large_messages_lie_in_files_beside_the_store(gate: Gate, accepting: Accepting, house: Path) -> None:
    large = message("x" * 70 + "\n" + ("y" * 70 + "\n") * (LARGE // 70))
    found = await receipt(accepting, submission(ANNA, BO, data=large, stream="transactional"))
    (file,) = (house / "penstock.db-bodies").iterdir()
    assert file.read_bytes() == large
    assert file.stat().st_mode & 0o077 == 0
    await sent(gate)
    assert await states(gate, *(each.mail_id for each in found.taken)) == ["accepted", "accepted"]


async def test_a_store_that_is_away_means_later_and_bodies_that_cannot_be_written_too(
    gate: Gate, accepting: Accepting, house: Path
) -> None:
    (house / "penstock.db-bodies").write_text("a file where a folder must be")
    found = await refusal(accepting, submission(data=message("x\n" * LARGE), stream="transactional"))
    assert found.kind is RefusalKind.LATER
    await gate.house.store.database.aclose()
    assert (await refusal(accepting, submission())).kind is RefusalKind.LATER
    with pytest.raises(StoreUnavailable):
        await accepting.judge(submission())


async def test_many_at_the_same_time_share_transactions_and_keep_their_answers(
    gate: Gate, accepting: Accepting
) -> None:
    given = [submission(f"x{number}@muster.example") for number in range(200)]
    given[50] = submission("nobody")
    found = await asyncio.gather(*(accepting.take([each]) for each in given))
    assert [isinstance(each, Refusal) for (each,) in found] == [number == 50 for number in range(200)]
    addresses = [each.taken[0].address for (each,) in found if isinstance(each, Receipt)]
    assert addresses == [each.recipients[0].address for number, each in enumerate(given) if number != 50]
    assert await gate.house.queue.depth() == 199


async def test_who_comes_a_moment_later_shares_the_next_transaction(
    gate: Gate, accepting: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails, groups = gate.house.store.mails, []
    hand_in = mails.hand_in

    async def counted(handed: Sequence[Handed], /) -> Sequence[Sequence[Placed] | Against]:
        groups.append(len(handed))
        return await hand_in(handed)

    monkeypatch.setattr(mails, "hand_in", counted)

    async def session(first: int) -> None:
        for number in range(first, first + 5):
            await asyncio.sleep(first / 5e4)  # few at the same time
            await receipt(accepting, submission(f"x{number}@muster.example"))

    await asyncio.gather(*(session(first) for first in range(0, 100, 5)))
    assert groups.count(1) < 3
    groups.clear()
    await session(100)
    assert groups == [1] * 5


async def test_who_goes_away_does_not_undo_what_is_being_saved(gate: Gate, accepting: Accepting) -> None:
    task = asyncio.create_task(accepting.take([submission()]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await receipt(accepting, submission(BO))
    assert await gate.house.queue.depth() == 2


async def test_advertising_on_a_transactional_stream_is_told_of(accepting: Accepting) -> None:
    await receipt(accepting, submission())
    assert accepting.counts["advertising_on_transactional"] == 0
    await receipt(accepting, submission(data=message("To unsubscribe click here\n"), stream="transactional"))
    await receipt(accepting, submission(data=b"List-Id: <a.b.example>\r\n" + message(), stream="transactional"))
    assert accepting.counts["advertising_on_transactional"] == 2
    assert accepting.counts["taken"] == 3


async def test_messages_are_forgotten_some_days_after_their_end(gate: Gate, accepting: Accepting, house: Path) -> None:
    large = message("x\n" * LARGE)
    over = await receipt(accepting, submission(ANNA, BO, data=large, stream="transactional"))
    await sent(gate)
    open_ = await receipt(accepting, submission(ANNA, data=large, stream="transactional", key="k", request=b"1" * 32))
    mails, end = gate.house.store.mails, gate.house.clock.now()
    assert await mails.forget_messages(end) == 0
    assert await mails.forget_messages(end + timedelta(seconds=1)) == 2
    assert len([*(house / "penstock.db-bodies").iterdir()]) == 1  # one still waits
    await sent(gate)
    assert await mails.forget_messages(end + timedelta(seconds=1)) == 1
    assert [*(house / "penstock.db-bodies").iterdir()] == []
    seen = await accepting.look_up(CRM, over.taken[0].mail_id)
    assert seen is not None
    assert (seen["state"], seen["decision"]["address"]) == ("accepted", None)
    again = await receipt(accepting, submission(key="k", request=b"1" * 32))
    assert again.taken[0].mail_id != open_.taken[0].mail_id


# What is broken.


async def test_what_breaks_the_taking_costs_itself_and_nobody_else(gate: Gate, accepting: Accepting) -> None:
    unreadable = submission(stream="prospecting", campaign=cast("str", ["no name"]))
    unwritable = submission(key="k", request=cast("bytes", object()))
    given = [submission(f"x{number}@muster.example") for number in range(60)]
    given[7], given[41] = unreadable, unwritable
    found = await asyncio.gather(*(accepting.take([each]) for each in given))
    assert [number for number, (each,) in enumerate(found) if isinstance(each, Refusal)] == [7, 41]
    assert await gate.house.queue.depth() == 58
    told = {each for (each,) in found if isinstance(each, Refusal)}
    assert {each.kind for each in told} == {RefusalKind.LATER}
    assert all("store" not in each.why for each in told)
    assert (accepting.counts["faults"], accepting.counts["taken"]) == (2, 58)


async def test_what_hangs_together_with_a_fault_is_put_off_as_a_whole(gate: Gate, accepting: Accepting) -> None:
    broken = submission(BO, together=True, key="k", request=cast("bytes", object()))
    call = asyncio.create_task(accepting.take([submission(together=True), broken]))
    single = await receipt(accepting, submission(BO))
    assert [each.kind for each in await call if isinstance(each, Refusal)] == [RefusalKind.LATER] * 2
    assert await states(gate, single.taken[0].mail_id) == ["queued"]
    assert await gate.house.queue.depth() == 1


async def test_a_store_that_is_away_is_no_fault(gate: Gate, accepting: Accepting) -> None:
    await gate.house.store.database.aclose()
    found = await refusal(accepting, submission())
    assert (found.kind, "store" in found.why) == (RefusalKind.LATER, True)
    assert accepting.counts["faults"] == 0


# Verdicts at once.

ASKING = replace(CRM, verdicts="at_once")


class Walked(Pipeline):
    """The stages of a house, and how they were walked; nobody gets through while `gate` is closed."""

    def __init__(self, stages: Pipeline) -> None:
        super().__init__(stages.stages)
        self.runs: list[tuple[int, Phase]] = []
        self.gate = asyncio.Event()

    async def run(self, mails: Any, *, last: Phase = Phase.SIGN) -> list[Mail]:
        self.runs.append((len(mails), last))
        await self.gate.wait()
        return await super().run(mails, last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(House):
    """Keeps the pipelines that it makes."""

    made: list[Walked] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def pipeline(self, *, peek: bool = False, timing: Any = None) -> Pipeline:
        self.begun.set()
        self.made.append(Walked(House.pipeline(self, peek=peek, timing=timing)))
        return self.made[-1]


@pytest.fixture
def watched(gate: Gate) -> Watched:
    return Watched(**{each.name: getattr(gate.house, each.name) for each in fields(gate.house)})


async def test_who_asks_for_verdicts_at_once_keeps_nobody_else_waiting(watched: Watched) -> None:
    accepting = Accepting(watched)
    asked = asyncio.create_task(accepting.take([submission(client=ASKING)]))
    await asyncio.wait_for(watched.begun.wait(), 10)
    async with asyncio.timeout(5):
        await receipt(accepting, submission(BO))
    assert not asked.done()
    watched.made[0].gate.set()
    assert isinstance((await asyncio.wait_for(asked, 10))[0], Receipt)


async def test_verdicts_of_many_are_one_walk_through_stages_that_are_made_once(watched: Watched) -> None:
    accepting = Accepting(watched)
    given = [submission(f"x{number}@muster.example", client=ASKING) for number in range(20)]
    calls = asyncio.gather(*(accepting.take([each]) for each in given))
    await asyncio.wait_for(watched.begun.wait(), 10)
    (stages,) = watched.made
    stages.gate.set()
    assert all(isinstance(each, Receipt) for (each,) in await asyncio.wait_for(calls, 10))
    assert stages.runs == [(20, Phase.SIGN)]
    await asyncio.wait_for(accepting.judge(submission()), 10)
    await refusal(accepting, submission("nobody", client=ASKING))
    assert len(watched.made) == 1


async def test_of_large_messages_the_content_is_not_judged_at_once(watched: Watched) -> None:
    accepting = Accepting(watched)
    large = submission(client=ASKING, data=message("x\n" * (1 << 20)), stream="transactional")
    asked = asyncio.create_task(accepting.take([large, submission(BO, client=ASKING)]))
    await asyncio.wait_for(watched.begun.wait(), 10)
    watched.made[0].gate.set()
    assert [type(each) for each in await asyncio.wait_for(asked, 10)] == [Receipt, Receipt]
    assert watched.made[0].runs == [(1, Phase.SIGN), (1, Phase.PACE)]


async def test_a_verdict_against_one_stands_against_all_that_hangs_together(gate: Gate, accepting: Accepting) -> None:
    await SuppressionList(gate.house).add(BO, SuppressionReason.BOUNCE)
    first, second = submission(client=ASKING, together=True), submission(BO, client=ASKING, together=True)
    answers = await accepting.take([first, second, submission("cy@muster.example", client=ASKING)])
    assert [each.code if isinstance(each, Refusal) else "" for each in answers] == ["HARD_BOUNCED", "HARD_BOUNCED", ""]
    assert await gate.house.queue.depth() == 1


# Who objected.


async def few_look_ups(gate: Gate, number: int) -> Accepting:
    """Behind a config that tells a client so many in an hour."""
    relay = gate.settings.relay.model_copy(update={"look_ups": f"{number}/h"})
    return Accepting(replace(gate.house, settings=gate.settings.model_copy(update={"relay": relay})))


async def test_nobody_is_told_at_once_of_more_people_than_may_be_looked_up(gate: Gate) -> None:
    accepting = await few_look_ups(gate, 3)
    await SuppressionList(gate.house).add(BO, SuppressionReason.BOUNCE)
    kinds = [getattr(await accepting.admits(ASKING, "", BO), "kind", None) for _ in range(2)]
    kinds += [(await refusal(accepting, submission(BO, client=ASKING))).kind for _ in range(2)]
    assert kinds == [RefusalKind.BLOCKED] * 3 + [RefusalKind.LATER]
    # Those whom nothing stands against must not be told apart from the others now.
    living = await accepting.admits(ASKING, "", ANNA)
    assert living is not None
    assert living.kind is RefusalKind.LATER
    assert (await refusal(accepting, submission(client=ASKING))).kind is RefusalKind.LATER
    assert await gate.house.queue.depth() == 0
    other = replace(ASKING, name="shop")
    assert await accepting.admits(other, "", ANNA) is None
    await receipt(accepting, submission(client=replace(ASKING, verdicts="later")))


async def test_who_is_known_here_is_told_no_oftener(gate: Gate, person: Person) -> None:
    accepting = await few_look_ups(gate, 2)
    strict = replace(CRM, unknown_contact="refuse")
    given = [submission(f"x{number}@muster.example", client=strict, **LETTER) for number in range(4)]
    found = await accepting.take([*given, submission(client=strict, **LETTER), submission(client=strict)])
    kinds = [each.kind if isinstance(each, Refusal) else None for each in found]
    assert kinds == [*[RefusalKind.BLOCKED] * 2, *[RefusalKind.LATER] * 3, None]


async def test_what_a_campaign_sent_itself_may_be_asked_as_often_as_one_likes(gate: Gate) -> None:
    accepting = await few_look_ups(gate, 1)
    await receipt(accepting, submission(ANNA, **LETTER))
    await sent(gate)
    for number in range(3):
        found = await refusal(accepting, submission(ANNA, data=message(f"words {number}\n"), **LETTER))
        assert found.code == "DUPLICATE"


# What came before.


async def test_a_repeat_is_answered_as_the_first_time_whatever_stands_against_it_now(
    gate: Gate, accepting: Accepting
) -> None:
    given = submission(ANNA, client=ASKING, key="k1", request=b"1" * 32, **LETTER)
    first = await receipt(accepting, given)
    await sent(gate)
    await SuppressionList(gate.house).add(ANNA, SuppressionReason.OBJECTION)
    again = await receipt(accepting, given)
    assert (again.taken[0].mail_id, again.stream, again.repeated) == (first.taken[0].mail_id, first.stream, True)
    assert again.taken[0].address == ANNA
    narrower = replace(ASKING, streams=frozenset({Stream.TRANSACTIONAL}))
    assert (await receipt(accepting, replace(given, client=narrower))).repeated
    other = replace(given, client=narrower, request=b"2" * 32)
    assert (await refusal(accepting, other)).kind is RefusalKind.CONFLICT


async def test_a_refusal_under_a_key_is_a_refusal_again(gate: Gate, accepting: Accepting) -> None:
    await receipt(accepting, submission(ANNA, **LETTER))
    await sent(gate)
    given = submission(ANNA, data=message("other words\n"), key="k2", request=b"1" * 32, **LETTER)
    for _ in range(2):
        assert (await refusal(accepting, given)).code == "DUPLICATE"


async def test_a_mail_of_a_campaign_that_was_given_up_is_not_taken_as_a_repeat(
    gate: Gate, accepting: Accepting
) -> None:
    given = submission(ANNA, **LETTER)
    (mail,) = (await receipt(accepting, given)).taken
    await gate.house.store.mails.drop([mail.mail_id])
    found = await refusal(accepting, given)
    assert (found.kind, found.code) == (RefusalKind.BLOCKED, "DUPLICATE")
    assert "cancelled" in found.why


async def test_several_mails_that_were_all_given_up_are_no_repeat_either(gate: Gate, accepting: Accepting) -> None:
    given = submission(ANNA, BO, **LETTER)
    mails = [mail.mail_id for mail in (await receipt(accepting, given)).taken]
    await gate.house.store.mails.drop(mails[:1])
    assert [mail.repeated for mail in (await receipt(accepting, given)).taken] == [True, False]
    await gate.house.store.mails.drop(mails)
    assert (await refusal(accepting, given)).code == "DUPLICATE"


# Contacts that come with a submission.


async def test_a_contact_is_kept_only_where_its_submission_is_taken(
    gate: Gate, accepting: Accepting, person: Person
) -> None:
    bo = RowReader({}, country_code).read(1, person("bo"))
    assert isinstance(bo, ContactRow)
    identity = gate.house.identifier.of(bo.contact)
    given = submission(BO, contact=person("bo"), **LETTER)
    await SuppressionList(gate.house).add(BO, SuppressionReason.OBJECTION)
    await refusal(accepting, replace(given, client=ASKING))
    await receipt(accepting, submission(key="k", request=b"1" * 32))
    await refusal(accepting, replace(given, key="k", request=b"2" * 32))
    await accepting.take([replace(given, together=True), submission("nobody", together=True)])
    assert await gate.house.store.contacts.find([identity]) == [None]
    (mail,) = (await receipt(accepting, given)).taken
    (known,) = await gate.house.store.contacts.find([identity])
    (saved,) = await gate.house.store.mails.load([mail.mail_id])
    assert known is not None
    assert saved is not None
    assert saved.contact_id == known.id


async def test_a_contact_whose_data_were_erased_is_refused(gate: Gate, accepting: Accepting, person: Person) -> None:
    await SuppressionList(gate.house).add(BO, SuppressionReason.ERASURE)
    found = await refusal(accepting, submission(BO, contact=person("bo"), **LETTER))
    assert (found.kind, found.code) == (RefusalKind.BLOCKED, "ERASED_TOMBSTONE")
