from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import COMMERCIAL, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact, Flag
from penstock.model.identity import Identity
from penstock.model.mail import Mail
from penstock.model.suppression import Hit, SuppressionKind, SuppressionReason
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import Check, NoOptions, Services
from penstock.stages.checks.suppression import SuppressionCheck

Make = Callable[..., Mail]
MakeServices = Callable[..., Services]

AT = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
PERSON, DOMAIN, COMPANY = SuppressionKind.PERSON, SuppressionKind.DOMAIN, SuppressionKind.COMPANY


class Entries:
    """Gives each person the hits named for it, anybody else the same hits; counts its calls."""

    def __init__(self, *hits: Hit, by_person: Mapping[bytes, tuple[Hit, ...]] | None = None) -> None:
        self.found, self.by_person, self.calls = hits, by_person or {}, 0
        self.waiting: tuple[str, ...] = ()

    async def hits(self, identities: Sequence[Identity], /) -> list[tuple[Hit, ...]]:
        self.calls += 1
        return [self.by_person.get(who.person, self.found) for who in identities]

    async def unresolved(self) -> tuple[str, ...]:
        return self.waiting


def a_hit(reason: SuppressionReason, kind: SuppressionKind = PERSON, scope: str = "all", entry: str = "e1") -> Hit:
    return Hit(entry, kind, scope, reason, AT)


async def judged(make_services: MakeServices, mail: Mail, *hits: Hit) -> list[Reason]:
    check: Check = SuppressionCheck(NoOptions(), make_services(suppressions=Entries(*hits)))
    (reasons,) = await check.judge([mail])
    assert reasons
    return list(reasons)


def codes(reasons: list[Reason]) -> list[Code | None]:
    return [reason.code for reason in reasons if reason.verdict is not Verdict.SEND]


@pytest.mark.parametrize("stream", sorted(COMMERCIAL))
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (SuppressionReason.OBJECTION, [Code.SUPPRESSED_PERSON]),
        (SuppressionReason.UNSUBSCRIBE, [Code.SUPPRESSED_PERSON]),
        (SuppressionReason.PHONE, [Code.SUPPRESSED_PERSON]),
        (SuppressionReason.OTHER, [Code.SUPPRESSED_PERSON]),
        (SuppressionReason.COMPLAINT, [Code.COMPLAINED, Code.SUPPRESSED_PERSON]),
        (SuppressionReason.BOUNCE, [Code.HARD_BOUNCED]),
        (SuppressionReason.ERASURE, [Code.ERASED_TOMBSTONE]),
    ],
)
async def test_every_entry_of_a_person_blocks_commercial_mail_under_its_own_code(
    make_mail: Make,
    make_services: MakeServices,
    stream: Stream,
    reason: SuppressionReason,
    expected: list[Code],
) -> None:
    reasons = await judged(make_services, make_mail(stream=stream), a_hit(reason))
    assert codes(reasons) == expected
    for each in reasons:
        assert each.verdict is Verdict.BLOCK
        assert each.facts.until is None
        assert each.facts.records == ("e1",)
        assert "2026-10-01" in each.why
        assert each.rule


@pytest.mark.parametrize("kind", [DOMAIN, COMPANY])
@pytest.mark.parametrize("reason", list(SuppressionReason))
async def test_an_entry_of_a_company_or_its_domain_blocks_commercial_mail(
    make_mail: Make, make_services: MakeServices, kind: SuppressionKind, reason: SuppressionReason
) -> None:
    assert codes(await judged(make_services, make_mail(), a_hit(reason, kind))) == [Code.SUPPRESSED_COMPANY]


@pytest.mark.parametrize("kind", list(SuppressionKind))
@pytest.mark.parametrize("reason", list(SuppressionReason))
async def test_transactional_mail_stops_only_at_dead_addresses_and_erasures(
    make_mail: Make, make_services: MakeServices, kind: SuppressionKind, reason: SuppressionReason
) -> None:
    expected = {
        SuppressionReason.BOUNCE: [Code.HARD_BOUNCED],
        SuppressionReason.ERASURE: [Code.ERASED_TOMBSTONE],
    }
    mail = make_mail(stream=Stream.TRANSACTIONAL)
    assert codes(await judged(make_services, mail, a_hit(reason, kind))) == expected.get(reason, [])


@pytest.mark.parametrize("reason", list(SuppressionReason))
async def test_a_notice_stops_only_at_a_dead_address(
    make_mail: Make, make_services: MakeServices, reason: SuppressionReason
) -> None:
    mail = make_mail(stream=Stream.NOTICE, contact=Contact("p@firm.example", flags=(Flag.RESTRICTED,)))
    expected = [Code.HARD_BOUNCED] if reason is SuppressionReason.BOUNCE else []
    assert codes(await judged(make_services, mail, a_hit(reason))) == expected


@pytest.mark.parametrize(
    ("scope", "binds"),
    [
        ("all", True),
        ("controller:nordlicht", True),
        ("controller:Nordlicht Software AB", True),
        ("controller:other", False),
        ("channel:email", True),
        ("channel:phone", False),
        ("what is this", True),
    ],
)
async def test_an_entry_binds_as_far_as_its_scope_goes(
    make_mail: Make, make_services: MakeServices, scope: str, binds: bool
) -> None:
    found = codes(await judged(make_services, make_mail(), a_hit(SuppressionReason.OBJECTION, scope=scope)))
    assert found == ([Code.SUPPRESSED_PERSON] if binds else [])


async def test_all_entries_are_named(make_mail: Make, make_services: MakeServices) -> None:
    hits = (
        a_hit(SuppressionReason.OBJECTION, entry="e1"),
        a_hit(SuppressionReason.BOUNCE, entry="e2"),
        a_hit(SuppressionReason.OTHER, DOMAIN, entry="e3"),
    )
    reasons = await judged(make_services, make_mail(), *hits)
    assert codes(reasons) == [Code.SUPPRESSED_PERSON, Code.HARD_BOUNCED, Code.SUPPRESSED_COMPANY]
    assert [reason.facts.records for reason in reasons] == [("e1",), ("e2",), ("e3",)]


@pytest.mark.parametrize("stream", list(Stream))
async def test_a_restricted_contact_gets_no_commercial_mail(
    make_mail: Make, make_services: MakeServices, stream: Stream
) -> None:
    mail = make_mail(stream=stream, contact=Contact("p@firm.example", flags=(Flag.RESTRICTED,)))
    assert codes(await judged(make_services, mail)) == ([Code.RESTRICTED] if stream in COMMERCIAL else [])


async def test_a_mail_without_an_entry_gets_a_reason_too(make_mail: Make, make_services: MakeServices) -> None:
    (reason,) = await judged(make_services, make_mail(contact=None))
    assert (reason.verdict, reason.code) == (Verdict.SEND, None)
    assert reason.why
    assert reason.facts.fields


@given(
    hits=st.lists(
        st.builds(
            Hit,
            entry=st.just("e"),
            kind=st.sampled_from(SuppressionKind),
            scope=st.sampled_from(["all", "controller:nordlicht", "controller:x", "channel:post", ":", "?"]),
            reason=st.sampled_from(SuppressionReason),
            at=st.just(AT),
        ),
        max_size=4,
    ),
    more=st.builds(
        Hit,
        entry=st.just("f"),
        kind=st.sampled_from(SuppressionKind),
        scope=st.sampled_from(["all", "controller:nordlicht", "controller:x", "channel:post"]),
        reason=st.sampled_from(SuppressionReason),
        at=st.just(AT),
    ),
    stream=st.sampled_from(Stream),
)
async def test_one_more_entry_never_lets_a_blocked_mail_go(
    make_mail: Make, make_services: MakeServices, hits: list[Hit], more: Hit, stream: Stream
) -> None:
    mail = make_mail(stream=stream)
    before = strictest(await judged(make_services, mail, *hits))
    after = strictest(await judged(make_services, mail, *hits, more))
    assert after.rank >= before.rank


async def test_the_list_is_asked_once_per_batch_and_answers_keep_their_order(
    make_mail: Make, make_services: MakeServices
) -> None:
    counted = []
    for size in (1, 500):
        blocked = {b"person %d" % n: (a_hit(SuppressionReason.OTHER),) for n in range(0, size, 2)}
        entries = Entries(by_person=blocked)
        check = SuppressionCheck(NoOptions(), make_services(suppressions=entries))
        answers = await check.judge([make_mail(n) for n in range(size)])
        assert [strictest(each) is Verdict.BLOCK for each in answers] == [n % 2 == 0 for n in range(size)]
        counted.append(entries.calls)
    assert counted == [1, 1]


async def test_no_answer_from_the_list_for_a_mail_is_an_error(make_mail: Make, make_services: MakeServices) -> None:
    class Forgetful(Entries):
        async def hits(self, identities: Sequence[Identity], /) -> list[tuple[Hit, ...]]:
            return []

    check = SuppressionCheck(NoOptions(), make_services(suppressions=Forgetful()))
    with pytest.raises(ValueError):
        await check.judge([make_mail()])


async def test_a_controller_that_is_not_configured_is_bound_by_entries_for_its_name(
    make_mail: Make, make_services: MakeServices
) -> None:
    mail = replace(make_mail(), controller="gone")
    hit = a_hit(SuppressionReason.OBJECTION, scope="controller:gone")
    assert codes(await judged(make_services, mail, hit)) == [Code.SUPPRESSED_PERSON]


@pytest.mark.parametrize(
    ("stream", "scope", "held"),
    [
        (Stream.PROSPECTING, "all", True),
        (Stream.CUSTOMER, "controller:nordlicht", True),
        (Stream.PROSPECTING, "controller:somebody", False),
        (Stream.TRANSACTIONAL, "all", False),
        (Stream.NOTICE, "all", False),
    ],
)
async def test_rows_of_a_do_not_mail_file_that_nobody_settled_hold_commercial_mail_of_their_scope(
    make_mail: Make, make_services: MakeServices, stream: Stream, scope: str, held: bool
) -> None:
    entries = Entries()
    entries.waiting = (scope,)
    check: Check = SuppressionCheck(NoOptions(), make_services(suppressions=entries))
    (reasons,) = await check.judge([make_mail(stream=stream)])
    assert (codes(list(reasons)) == [Code.IMPORT_UNRESOLVED]) is held
