"""Each rule of the batch has its test here, named after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest

from penstock.errors import ConfigError, StoreUnavailable, Unavailable
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Draft, Envelope, History, Letter, Mail
from penstock.model.verdict import Reason, Verdict, decide
from penstock.pipeline import COMMERCIAL_NEEDS, Pipeline, refuse_unsafe_order
from penstock.ports import ALL_STREAMS, NoOptions, Phase

NOBODY = Identity(b"p" * 32, (b"p" * 32,), (), None, None)


def a_mail(number: int, *, stream: Stream = Stream.PROSPECTING, waived: frozenset[str] = frozenset()) -> Mail:
    return Mail(
        id=f"{number:032x}",
        envelope=Envelope("a@sender.example", f"p{number}@firm.example"),
        stream=stream,
        controller="nordlicht",
        campaign=None,
        contact=None,
        kind=RecipientKind.NAMED,
        identity=NOBODY,
        content=Draft(),
        history=History(waived=waived),
    )


class Judges:
    """A check made of a function; it remembers what it was asked."""

    Options: ClassVar[type] = NoOptions
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def __init__(
        self,
        say: Callable[[Mail], Reason] = lambda _mail: Reason("judges", Verdict.SEND),
        *,
        name: str = "judges",
        phase: Phase = Phase.JUDGE,
        streams: frozenset[Stream] = ALL_STREAMS,
    ) -> None:
        self.name, self.phase, self.streams = name, phase, streams
        self._say = say
        self.asked: list[list[str]] = []

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        self.asked.append([mail.id for mail in mails])
        return [[self._say(mail)] for mail in mails]


class Edits:
    """An edit made of a function."""

    Options: ClassVar[type] = NoOptions
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    streams = ALL_STREAMS

    def __init__(
        self, change: Callable[[Mail], Mail | Reason], *, phase: Phase = Phase.COMPOSE, name: str = "edits"
    ) -> None:
        self.name, self.phase, self._change = name, phase, change
        self.asked: list[list[str]] = []

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        self.asked.append([mail.id for mail in mails])
        return [self._change(mail) for mail in mails]


def block(mail: Mail) -> Reason:
    return Reason("judges", Verdict.BLOCK, Code.SUPPRESSED_PERSON)


def block_even(mail: Mail) -> Reason:
    return block(mail) if int(mail.id, 16) % 2 == 0 else Reason("judges", Verdict.SEND)


async def test_rule_1_every_mail_gets_its_answer_in_the_same_order() -> None:
    mails = [a_mail(n) for n in range(7)]
    walked = await Pipeline([Judges(block_even)]).run(mails)
    assert [mail.id for mail in walked] == [mail.id for mail in mails]
    assert [mail.reasons[0].verdict for mail in walked] == [block_even(mail).verdict for mail in mails]


async def test_rule_1_a_forgotten_mail_is_an_error_never_a_pass() -> None:
    class Forgets(Judges):
        async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
            return [[Reason("forgets", Verdict.SEND)] for _ in mails[1:]]

    walked = await Pipeline([Forgets()]).run([a_mail(1), a_mail(2)])
    assert [decide(mail.reasons, "first").code for mail in walked] == [Code.STAGE_FAILED] * 2


async def test_rule_1_a_check_that_says_nothing_about_a_mail_holds_it() -> None:
    class Silent(Judges):
        async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
            return [[] for _ in mails]

    (walked,) = await Pipeline([Silent()]).run([a_mail(1)])
    assert decide(walked.reasons, "first").verdict is Verdict.HOLD


async def test_rule_4_checks_without_content_judge_every_mail_so_that_all_reasons_are_known() -> None:
    second = Judges(lambda _mail: Reason("second", Verdict.HOLD, Code.NOT_RELEVANT))
    (walked,) = await Pipeline([Judges(block), second]).run([a_mail(1)])
    assert decide(walked.reasons, "first").codes == (Code.SUPPRESSED_PERSON, Code.NOT_RELEVANT)


async def test_rule_4_later_stages_see_only_mails_that_may_still_go() -> None:
    pace, edit = Judges(phase=Phase.PACE), Edits(lambda mail: mail)
    mails = [a_mail(n) for n in range(4)]
    await Pipeline([Judges(block_even), pace, edit]).run(mails)
    assert pace.asked == [[mails[1].id, mails[3].id]]
    assert edit.asked == pace.asked


async def test_rule_5_a_stage_that_raises_costs_the_one_mail_that_made_it_fail() -> None:
    def poisoned(mail: Mail) -> Reason:
        if mail.id == a_mail(13).id:
            raise ZeroDivisionError
        return Reason("judges", Verdict.SEND)

    mails = [a_mail(n) for n in range(50)]
    walked = await Pipeline([Judges(poisoned)]).run(mails)
    held = [mail.id for mail in walked if decide(mail.reasons, "first").code is Code.STAGE_FAILED]
    assert held == [a_mail(13).id]
    assert [mail.id for mail in walked] == [mail.id for mail in mails]


async def test_rule_5_an_edit_that_redirects_a_mail_is_held() -> None:
    def redirects(mail: Mail) -> Mail:
        from dataclasses import replace

        return replace(mail, envelope=Envelope("a@sender.example", "somebody.else@firm.example"))

    (walked,) = await Pipeline([Edits(redirects)]).run([a_mail(1)])
    assert walked.envelope == a_mail(1).envelope
    assert decide(walked.reasons, "first").code is Code.STAGE_FAILED


async def test_rule_5_an_edit_stops_a_mail_only_by_a_reason_that_stops() -> None:
    (walked,) = await Pipeline([Edits(lambda _mail: Reason("edits", Verdict.SEND))]).run([a_mail(1)])
    assert decide(walked.reasons, "first").code is Code.STAGE_FAILED


async def test_rule_6_unavailable_ends_the_round() -> None:
    def away(_mail: Mail) -> Reason:
        raise StoreUnavailable("the store is away")

    with pytest.raises(StoreUnavailable):
        await Pipeline([Judges(away)]).run([a_mail(1)])


async def test_rule_6_a_stage_that_hangs_ends_the_round_as_a_temporary_failure() -> None:
    class Hangs(Judges):
        async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
            await asyncio.sleep(60)
            raise AssertionError

    with pytest.raises(Unavailable, match="did not answer"):
        await Pipeline([Hangs()], stage_seconds=0.01).run([a_mail(1)])


async def test_rule_7_edits_change_only_the_walking_copy() -> None:
    letter = Letter((), "text", None, "en", "t")
    original = a_mail(1)
    (walked,) = await Pipeline([Edits(lambda mail: mail.with_content(letter))]).run([original])
    assert walked.content is letter
    assert original.content == Draft()


async def test_a_stage_is_asked_only_about_its_streams() -> None:
    commercial = Judges(block, streams=frozenset({Stream.PROSPECTING}))
    walked = await Pipeline([commercial]).run([a_mail(1, stream=Stream.TRANSACTIONAL), a_mail(2)])
    assert [len(mail.reasons) for mail in walked] == [0, 1]


async def test_a_release_waives_exactly_the_hold_codes_it_names_and_never_a_block() -> None:
    hold = Judges(lambda _mail: Reason("judges", Verdict.HOLD, Code.NOT_RELEVANT))
    released = a_mail(1, waived=frozenset({Code.NOT_RELEVANT, Code.SUPPRESSED_PERSON}))
    (walked,) = await Pipeline([hold]).run([released])
    assert decide(walked.reasons, "first").verdict is Verdict.SEND
    (walked,) = await Pipeline([hold, Judges(block)]).run([released])
    assert decide(walked.reasons, "first").verdict is Verdict.BLOCK


SAFE = [
    ("suppression", Phase.JUDGE),
    ("legal_basis", Phase.JUDGE),
    ("rate_limit", Phase.PACE),
    ("compose", Phase.COMPOSE),
    ("notice", Phase.COMPLETE),
    ("list_unsubscribe", Phase.COMPLETE),
    ("write", Phase.WRITE),
    ("verify", Phase.VERIFY),
]


def listed(names: list[tuple[str, Phase]]) -> list[Judges]:
    return [Judges(name=name, phase=phase) for name, phase in names]


def test_rule_8_start_up_takes_the_safe_order() -> None:
    refuse_unsafe_order(listed(SAFE))


def test_rule_8_start_up_refuses_another_order() -> None:
    with pytest.raises(ConfigError, match="cannot come after"):
        refuse_unsafe_order(listed([*SAFE[1:], SAFE[0]]))


@pytest.mark.parametrize("name", ["compose", *COMMERCIAL_NEEDS])
def test_rule_8_start_up_refuses_advertising_without(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        refuse_unsafe_order(listed([item for item in SAFE if item[0] != name]))


def test_rule_8_start_up_refuses_a_stage_listed_twice() -> None:
    with pytest.raises(ConfigError, match="twice"):
        refuse_unsafe_order(listed([SAFE[0], *SAFE]))
