"""Every shipped stage and adapter keeps the promises that plugins inherit as tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from penstock.adapters.outbox import FileAdapter
from penstock.compose.dkim import DkimKey, DkimSigner
from penstock.model.mail import Mail, Message
from penstock.model.verdict import Reason
from penstock.ports import Adapter, Counts, ListKey, NoOptions, NoSenders, Phase, Services, Signer, Stage
from penstock.stages.checks.adapter_terms import AdapterTerms, AdapterTermsOptions
from penstock.stages.checks.address import AddressCheck, AddressOptions
from penstock.stages.checks.duplicate import Duplicate
from penstock.stages.checks.external_register import ExternalRegister
from penstock.stages.checks.frequency_cap import FrequencyCap, FrequencyCapOptions
from penstock.stages.checks.freshness import Freshness, FreshnessOptions
from penstock.stages.checks.impact_assessment import ImpactAssessment, ImpactAssessmentOptions
from penstock.stages.checks.legal_basis import LegalBasis, LegalBasisOptions
from penstock.stages.checks.legitimate_interest import LegitimateInterest
from penstock.stages.checks.over_solicited import OverSolicited
from penstock.stages.checks.provenance import Provenance, ProvenanceOptions
from penstock.stages.checks.rate_limit import RateLimit, RateLimitOptions
from penstock.stages.checks.relevance import Relevance
from penstock.stages.checks.schedule import Schedule
from penstock.stages.checks.silent_adapter import SilentAdapter
from penstock.stages.checks.suppression import SuppressionCheck
from penstock.stages.checks.verify import Verify
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.dkim import Dkim
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
    FakeClock,
    MemoryAdapter,
    StageContract,
    a_contact,
    a_mail,
    some_services,
)
from penstock.testing.contracts import different_mails
from penstock.testing.fakes import FakeReturns


class CountingRegisters:
    """Registers that list nobody."""

    def __init__(self) -> None:
        self.calls = 0

    async def listed(self, register: str, addresses: Sequence[str], /) -> Sequence[bool | None]:
        assert register in {"ECG", "KZP"}
        self.calls += 1
        return [False] * len(addresses)


class CountingListStats:
    """Nothing was sent before."""

    def __init__(self) -> None:
        self.calls = 0

    async def of(self, keys: Sequence[ListKey], /) -> Sequence[Counts]:
        self.calls += 1
        return [Counts()] * len(keys)


class SampleSenders(NoSenders):
    """Everybody's mail is signed with one key."""

    def __init__(self) -> None:
        self._signer = DkimSigner("nordlicht.example", [DkimKey("e1", Ed25519PrivateKey.generate())])

    def any(self) -> bool:
        return True

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        return self._signer


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


class TestLegalBasis(CheckContract):
    def stage(self) -> Stage:
        return LegalBasis(LegalBasisOptions(), some_services())


class TestExternalRegister(CheckContract):
    registers = CountingRegisters()

    def stage(self) -> Stage:
        return ExternalRegister(NoOptions(), some_services(registers=self.registers))

    def mails(self, number: int) -> Sequence[Mail]:
        """People of two countries with a register each: one look-up a register."""
        countries = ("AT", "BG")
        return [a_mail(a_contact(f"p{n}@firm{n}.example", country=countries[n % 2])) for n in range(max(number, 2))]

    def store_calls(self) -> int:
        return self.registers.calls


class TestLegitimateInterest(CheckContract):
    def stage(self) -> Stage:
        return LegitimateInterest(NoOptions(), some_services())


class TestAdapterTerms(CheckContract):
    def stage(self) -> Stage:
        return AdapterTerms(AdapterTermsOptions(), some_services())


class MinuteClock(FakeClock):
    """A minute passes between any two looks at the machine's time."""

    def machine(self) -> float:
        self.advance(timedelta(minutes=1))
        return super().machine()


class TestSilentAdapter(CheckContract):
    returns = FakeReturns()

    def stage(self) -> Stage:
        clock, way = MinuteClock(), {"default": "failover(main other)"}
        watched: dict[str, Any] = {"doors": frozenset({"main", "other"}), "silent_after_hours": 24}
        return SilentAdapter(NoOptions(), some_services(clock=clock, routes=way, returns=self.returns, **watched))

    def store_calls(self) -> int:
        return self.returns.asked


class TestImpactAssessment(CheckContract):
    def stage(self) -> Stage:
        return ImpactAssessment(ImpactAssessmentOptions(), some_services())


class TestProvenance(CheckContract):
    def stage(self) -> Stage:
        return Provenance(ProvenanceOptions(), some_services())


class TestFreshness(CheckContract):
    def stage(self) -> Stage:
        return Freshness(FreshnessOptions(), some_services())


class TestOverSolicited(CheckContract):
    stats = CountingListStats()

    def stage(self) -> Stage:
        return OverSolicited(NoOptions(), some_services(list_stats=self.stats))

    def store_calls(self) -> int:
        return self.stats.calls


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


class TestDkim(EditContract):
    senders = SampleSenders()

    def stage(self) -> Stage:
        return Dkim(NoOptions(), some_services(senders=self.senders))

    def mails(self, number: int) -> Sequence[Mail]:
        return finished(number, Compose, Write)

    async def test_it_signs_each(self) -> None:
        answers = await Dkim(NoOptions(), some_services(senders=self.senders)).edit(self.mails(20))
        assert all(isinstance(each, Mail) and isinstance(each.content, Message) for each in answers)
        assert all(each.content.data.startswith(b"DKIM-Signature: ") for each in answers)  # type: ignore[union-attr]


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
