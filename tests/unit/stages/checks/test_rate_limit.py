from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigError
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Verdict, strictest
from penstock.ports import ALL_STREAMS, Check, Grant, Phase, RateQuery, Services
from penstock.stages.checks.rate_limit import RateLimit, RateLimitOptions

Make = Callable[..., Mail]
MakeServices = Callable[..., Services]

READY = datetime(2026, 11, 20, 9, 0, 30, tzinfo=UTC)


class Budgets:
    """Grants by key at most what is named, everything to other keys; remembers each call."""

    def __init__(self, **budgets: int) -> None:
        self.budgets = {key.replace("__", ":", 1): number for key, number in budgets.items()}
        self.calls: list[list[RateQuery]] = []

    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        self.calls.append(list(queries))
        return [Grant(min(q.wanted, self.budgets.get(q.key, q.wanted)), READY.timestamp()) for q in queries]


def a_check(
    make_services: MakeServices,
    rates: Budgets,
    options: RateLimitOptions | None = None,
    adapter_rates: dict[str, tuple[str, ...]] | None = None,
) -> Check:
    routes = {"default": "main", "transactional": "second"}
    services = make_services(rates=rates, adapter_rates=adapter_rates or {}, routes=routes)
    return RateLimit(options or RateLimitOptions(), services)


async def verdicts(check: Check, mails: Sequence[Mail]) -> list[Verdict]:
    answers = await check.judge(mails)
    assert all(answers)
    return [strictest(each) for each in answers]


async def test_without_rates_the_store_is_not_asked(make_mail: Make, make_services: MakeServices) -> None:
    rates = Budgets()
    check = a_check(make_services, rates, adapter_rates={"main": ()})
    assert await verdicts(check, [make_mail(n) for n in range(3)]) == [Verdict.SEND] * 3
    assert rates.calls == []


async def test_the_first_mails_of_an_adapter_go_and_the_rest_wait_without_a_decision(
    make_mail: Make, make_services: MakeServices
) -> None:
    check = a_check(make_services, Budgets(adapter__main=2), adapter_rates={"main": ("2/s",)})
    answers = await check.judge([make_mail(n) for n in range(4)])
    assert [strictest(each) for each in answers] == [Verdict.SEND, Verdict.SEND, Verdict.DEFER, Verdict.DEFER]
    (waits,) = answers[3]
    assert (waits.code, waits.pace, waits.facts.until) == (Code.RATE_BACKOFF, True, READY)


async def test_each_stream_is_paced_by_its_own_adapter(make_mail: Make, make_services: MakeServices) -> None:
    rates = Budgets(adapter__main=0)
    check = a_check(make_services, rates, adapter_rates={"main": ("1/s",), "second": ("1/s",)})
    mails = [make_mail(0), make_mail(1, stream=Stream.TRANSACTIONAL), make_mail(2, stream=Stream.NOTICE)]
    assert await verdicts(check, mails) == [Verdict.DEFER, Verdict.SEND, Verdict.DEFER]
    assert sorted((q.key, q.wanted) for q in rates.calls[0]) == [("adapter:main", 2), ("adapter:second", 1)]


async def test_each_recipient_domain_has_a_lane_of_its_own(make_mail: Make, make_services: MakeServices) -> None:
    rates = Budgets(**{"domain__big.example": 1})
    check = a_check(make_services, rates, RateLimitOptions(per_domain=("20/30min",)))
    to = ["a@big.example", "b@BIG.example", "c@small.example", "d@big.example"]
    mails = [make_mail(n, recipient=recipient) for n, recipient in enumerate(to)]
    assert await verdicts(check, mails) == [Verdict.SEND, Verdict.DEFER, Verdict.SEND, Verdict.DEFER]
    assert [(q.key, q.rates, q.wanted) for q in rates.calls[0]] == [
        ("domain:big.example", ("20/30min",), 3),
        ("domain:small.example", ("20/30min",), 1),
    ]


async def test_a_named_domain_has_its_own_rates_and_an_empty_list_frees_it(
    make_mail: Make, make_services: MakeServices
) -> None:
    rates = Budgets()
    options = RateLimitOptions(("20/30min",), {"Big.example": ("500/h", "5/s"), "free.example": ()})
    check = a_check(make_services, rates, options)
    to = ["a@big.example", "b@free.example", "c@small.example"]
    assert await verdicts(check, [make_mail(n, recipient=each) for n, each in enumerate(to)]) == [Verdict.SEND] * 3
    assert {q.key: q.rates for q in rates.calls[0]} == {
        "domain:big.example": ("500/h", "5/s"),
        "domain:small.example": ("20/30min",),
    }


async def test_a_mail_needs_both_grants_and_the_adapter_is_asked_only_for_what_domains_granted(
    make_mail: Make, make_services: MakeServices
) -> None:
    rates = Budgets(**{"domain__big.example": 1, "adapter__main": 2})
    check = a_check(make_services, rates, RateLimitOptions(per_domain=("1/s",)), {"main": ("2/s",)})
    to = ["a@big.example", "b@big.example", "c@x.example", "d@y.example"]
    mails = [make_mail(n, recipient=each) for n, each in enumerate(to)]
    assert await verdicts(check, mails) == [Verdict.SEND, Verdict.DEFER, Verdict.SEND, Verdict.DEFER]
    assert [[q.wanted for q in call] for call in rates.calls] == [[2, 1, 1], [3]]


async def test_nothing_is_asked_of_an_adapter_when_no_domain_granted(
    make_mail: Make, make_services: MakeServices
) -> None:
    rates = Budgets(**{"domain__big.example": 0})
    check = a_check(make_services, rates, RateLimitOptions(per_domain=("1/s",)), {"main": ("2/s",)})
    assert await verdicts(check, [make_mail(recipient="a@big.example")]) == [Verdict.DEFER]
    assert len(rates.calls) == 1


async def test_the_number_of_calls_does_not_grow_with_the_batch(make_mail: Make, make_services: MakeServices) -> None:
    counts = []
    for size in (1, 500):
        rates = Budgets()
        check = a_check(make_services, rates, RateLimitOptions(per_domain=("1/s",)), {"main": ("2/s",)})
        await verdicts(check, [make_mail(n) for n in range(size)])
        counts.append(len(rates.calls))
    assert counts == [2, 2]


@pytest.mark.parametrize(
    ("options", "adapter_rates", "where"),
    [
        (RateLimitOptions(per_domain=("fast",)), {}, "rate_limit.per_domain"),
        (RateLimitOptions(domains={"big.example": ("fast",)}), {}, "rate_limit.domains.big.example"),
        (RateLimitOptions(), {"main": ("fast",)}, "adapters.main.rate"),
    ],
)
def test_a_rate_that_cannot_be_read_stops_the_start(
    make_services: MakeServices,
    options: RateLimitOptions,
    adapter_rates: dict[str, tuple[str, ...]],
    where: str,
) -> None:
    with pytest.raises(ConfigError, match=where):
        a_check(make_services, Budgets(), options, adapter_rates)


def test_every_stream_is_paced_after_all_judging() -> None:
    assert RateLimit.streams == ALL_STREAMS
    assert RateLimit.phase is Phase.PACE


@given(
    domains=st.lists(st.sampled_from("abc"), max_size=12),
    budgets=st.dictionaries(st.sampled_from("abc"), st.integers(0, 4)),
    adapter=st.integers(0, 12),
)
async def test_the_first_of_each_lane_go_and_no_budget_is_exceeded(
    make_mail: Make, make_services: MakeServices, domains: list[str], budgets: dict[str, int], adapter: int
) -> None:
    rates = Budgets(**{f"domain__{name}.example": most for name, most in budgets.items()}, adapter__main=adapter)
    check = a_check(make_services, rates, RateLimitOptions(per_domain=("1/s",)), {"main": ("2/s",)})
    mails = [make_mail(n, recipient=f"p@{name}.example") for n, name in enumerate(domains)]
    going = [verdict is Verdict.SEND for verdict in await verdicts(check, mails)]
    granted: list[bool] = []
    seen = dict.fromkeys("abc", 0)
    for name in domains:
        seen[name] += 1
        granted.append(seen[name] <= budgets.get(name, len(domains)) and sum(granted) < adapter)
    assert going == granted
