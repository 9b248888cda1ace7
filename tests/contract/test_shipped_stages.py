"""Every shipped stage and adapter keeps the promises that plugins inherit as tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.outbox import FileAdapter
from penstock.model.mail import Mail
from penstock.model.verdict import Reason
from penstock.ports import Adapter, NoOptions, Phase, Services, Stage
from penstock.stages.checks.address import AddressCheck, AddressOptions
from penstock.stages.checks.duplicate import Duplicate
from penstock.stages.checks.frequency_cap import FrequencyCap, FrequencyCapOptions
from penstock.stages.checks.rate_limit import RateLimit, RateLimitOptions
from penstock.stages.checks.relevance import Relevance
from penstock.stages.checks.schedule import Schedule
from penstock.stages.checks.suppression import SuppressionCheck
from penstock.stages.checks.verify import Verify
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.notice import Notice, NoticeOptions
from penstock.stages.edits.write import Write
from penstock.stages.shipped import SHIPPED
from penstock.testing import (
    AdapterContract,
    CheckContract,
    CountingRates,
    CountingSuppressions,
    EditContract,
    MemoryAdapter,
    StageContract,
    some_services,
)
from penstock.testing.contracts import different_mails


async def walked(mails: Sequence[Mail], services: Services, *stages: type[Any]) -> list[Mail]:
    """The mails after these edits."""
    done = list(mails)
    for kind in stages:
        edit = kind(kind.Options(), services)
        answers = await edit.edit(done)
        assert not any(isinstance(answer, Reason) for answer in answers), answers
        done = list(answers)
    return done


def finished(number: int, *stages: type[Any]) -> list[Mail]:
    """Made in a thread of its own: the test's loop is running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(walked(different_mails(number), some_services(), *stages))).result()


class TestSuppression(CheckContract):
    suppressions = CountingSuppressions()

    def stage(self) -> Stage:
        return SuppressionCheck(NoOptions(), some_services(suppressions=self.suppressions))

    def store_calls(self) -> int:
        return self.suppressions.calls


class TestAddress(CheckContract):
    def stage(self) -> Stage:
        return AddressCheck(AddressOptions(), some_services())


class TestSchedule(CheckContract):
    def stage(self) -> Stage:
        return Schedule(NoOptions(), some_services())


class TestRelevance(CheckContract):
    def stage(self) -> Stage:
        return Relevance(NoOptions(), some_services())


class TestDuplicate(CheckContract):
    def stage(self) -> Stage:
        return Duplicate(NoOptions(), some_services())


class TestFrequencyCap(CheckContract):
    def stage(self) -> Stage:
        return FrequencyCap(FrequencyCapOptions(person=("1/7d",)), some_services())


class TestRateLimit(CheckContract):
    rates = CountingRates()

    def stage(self) -> Stage:
        services = some_services(rates=self.rates, adapter_rates={"main": ("100/s",)})
        return RateLimit(RateLimitOptions(per_domain=("20/30min",)), services)

    def store_calls(self) -> int:
        return self.rates.calls


class TestVerify(CheckContract):
    def stage(self) -> Stage:
        return Verify(NoOptions(), some_services())

    def mails(self, number: int) -> Sequence[Mail]:
        return finished(number, Compose, Notice, ListUnsubscribe, Write)


class TestCompose(EditContract):
    def stage(self) -> Stage:
        return Compose(NoOptions(), some_services())


class TestNotice(EditContract):
    def stage(self) -> Stage:
        return Notice(NoticeOptions(), some_services())

    def mails(self, number: int) -> Sequence[Mail]:
        return finished(number, Compose)


class TestListUnsubscribe(EditContract):
    def stage(self) -> Stage:
        return ListUnsubscribe(NoOptions(), some_services())

    def mails(self, number: int) -> Sequence[Mail]:
        return finished(number, Compose)


class TestWrite(EditContract):
    def stage(self) -> Stage:
        return Write(NoOptions(), some_services())

    def mails(self, number: int) -> Sequence[Mail]:
        return finished(number, Compose)


class TestMemoryAdapter(AdapterContract):
    def adapter(self) -> Adapter:
        return MemoryAdapter()


class TestFileAdapter(AdapterContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "outbox"

    def adapter(self) -> Adapter:
        return FileAdapter("main", self.folder)


def test_no_shipped_stage_is_left_out() -> None:
    contracts = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, StageContract)]
    tried = {kind().stage().name for kind in contracts if kind.__name__.startswith("Test")}
    assert tried == set(SHIPPED)


def test_the_shipped_list_is_in_the_order_of_phases() -> None:
    phases = {"rate_limit": Phase.PACE, "compose": Phase.COMPOSE, "write": Phase.WRITE, "verify": Phase.VERIFY}
    names = list(SHIPPED)
    assert [name for name in names if name in phases] == list(phases)
