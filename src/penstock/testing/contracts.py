"""Promises as tests: a plugin's test class inherits one of these and gives the thing to be tested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Adapter, Check, Edit, Phase, Services, Stage
from penstock.testing.samples import a_contact, a_mail

__all__ = ["AdapterContract", "CheckContract", "EditContract", "StageContract"]


def different_mails(number: int) -> list[Mail]:
    """Mails to different people at different companies."""
    return [a_mail(a_contact(f"person{n}@firm{n}.example")) for n in range(number)]


class StageContract(ABC):
    """What checks and edits share. Override `stage`."""

    @abstractmethod
    def stage(self) -> Stage:
        """A fresh instance of the stage under test."""
        ...

    def test_it_says_what_it_is(self) -> None:
        """Name, phase, streams, reads and needs are declared."""
        stage = self.stage()
        assert stage.name.isidentifier()
        assert stage.phase in Phase
        assert stage.streams
        assert all(isinstance(name, str) for name in stage.reads)

    def test_what_it_needs_exists(self) -> None:
        """Every name in `needs` is a service."""
        known = set(Services.__dataclass_fields__)
        assert set(self.stage().needs) <= known


class CheckContract(StageContract):
    """What every check promises."""

    def mails(self, number: int) -> Sequence[Mail]:
        """Mails for the check; override where it needs finished ones."""
        return different_mails(number)

    def store_calls(self) -> int:
        """How many store calls the stage made so far; override where it makes any."""
        return 0

    async def _judged(self, stage: Check, mails: Sequence[Mail]) -> Sequence[Sequence[Reason]]:
        answers = await stage.judge(mails)
        assert len(answers) == len(mails)
        return answers

    async def test_it_gives_every_mail_at_least_one_reason(self) -> None:
        """One non-empty answer per mail."""
        stage = cast("Check", self.stage())
        for reasons in await self._judged(stage, self.mails(7)):
            assert reasons
            assert all(reason.stage == stage.name for reason in reasons)

    async def test_a_reason_against_a_mail_says_why(self) -> None:
        """Whatever is not `send` has a sentence."""
        stage = cast("Check", self.stage())
        for reasons in await self._judged(stage, self.mails(3)):
            assert all(reason.why for reason in reasons if reason.verdict is not Verdict.SEND)

    async def test_it_changes_no_mail(self) -> None:
        """Mails are frozen; what it was given is what it leaves."""
        stage = cast("Check", self.stage())
        mails = list(self.mails(3))
        before = [replace(mail) for mail in mails]
        await self._judged(stage, mails)
        assert mails == before

    async def test_the_number_of_store_calls_does_not_grow_with_the_batch(self) -> None:
        """Rule 2 of the batch."""
        stage = cast("Check", self.stage())
        start = self.store_calls()
        await self._judged(stage, self.mails(1))
        one = self.store_calls() - start
        await self._judged(stage, self.mails(500))
        assert self.store_calls() - start - one == one


class EditContract(StageContract):
    """What every edit promises. Override `mails` with mails in the form the edit works on."""

    def mails(self, number: int) -> Sequence[Mail]:
        """Mails for the edit."""
        return different_mails(number)

    async def test_it_answers_each_mail_in_order_and_redirects_none(self) -> None:
        """The same ids and envelopes, or a reason that stops."""
        stage = cast("Edit", self.stage())
        mails = self.mails(7)
        answers = await stage.edit(mails)
        for mail, answer in zip(mails, answers, strict=True):
            if isinstance(answer, Reason):
                assert answer.verdict is not Verdict.SEND
            else:
                assert (answer.id, answer.envelope, answer.reasons) == (mail.id, mail.envelope, mail.reasons)

    async def test_the_same_mail_gives_the_same_content(self) -> None:
        """A repeat is the identical payload (rule 7 of the batch)."""
        stage = cast("Edit", self.stage())
        mails = self.mails(2)
        assert await stage.edit(mails) == await stage.edit(mails)


class AdapterContract(ABC):
    """What every adapter promises. Override `adapter`, and `mails` where finished ones differ."""

    @abstractmethod
    def adapter(self) -> Adapter:
        """A fresh adapter that can reach its next hop."""
        ...

    def mails(self, number: int) -> Sequence[Mail]:
        """Finished mails."""
        data = b"From: a@sender.example\r\nTo: b@firm.example\r\nSubject: x\r\n\r\nHello\r\n"
        return [mail.with_content(Message(data)) for mail in different_mails(number)]

    async def test_one_outcome_per_mail(self) -> None:
        """In order, of the four kinds."""
        adapter = self.adapter()
        try:
            outcomes = await adapter.deliver(self.mails(3))
        finally:
            await adapter.aclose()
        assert len(outcomes) == 3
        assert all(isinstance(outcome, Accepted | TryLater | Failed | Uncertain) for outcome in outcomes)

    async def test_closing_twice_is_harmless(self) -> None:
        """`aclose` may be called again."""
        adapter = self.adapter()
        await adapter.aclose()
        await adapter.aclose()
