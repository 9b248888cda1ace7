"""Decisions made again from what is on record: the same inputs under the same rules must give the same verdict.

A replay rebuilds the mail from the snapshot of a ledger row and the campaign in the form that the row names, freezes
the clock at the row's time, and walks the mail through the checks that judge before anything is composed. What a check
read from lists of the store, from other mails of the same batch or from the finished letter is no input that a snapshot
keeps: such reasons are taken as they were recorded, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from penstock.assembly import ReadyMade
from penstock.clock import SystemClock
from penstock.law.version import POLICY
from penstock.model.campaign import Campaign, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail, Message
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.pipeline import Pipeline
from penstock.ports import Capabilities, Phase, Stage
from penstock.store.house_rules import short_mark
from penstock.store.ledger_rows import LedgerRow
from penstock.store.snapshots import Inputs
from penstock.wiring import House

__all__ = ["Answer", "Difference", "Replay", "Replayer"]

_DECISIONS = frozenset({"decision", "begin"})
_OUTSIDE = frozenset({"suppressions", "standings", "registers", "list_stats", "rates", "returns"})
"""Services whose answers come from the store or from beyond it, and are others by now."""
_AT_BEGIN = "begin"
_BATCH = "batch:"
_DUPLICATE = "duplicate"


class Answer(StrEnum):
    """What a replay found."""

    SAME = "same"
    DIFFERS = "differs"
    ERASED = "inputs erased (Art. 17)"
    NOT_KEPT = "no inputs kept"
    UNUSABLE = "inputs unusable"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one stage says otherwise now: verdict and code of each reason; empty where it says nothing."""

    stage: str
    then: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer, and what it rests on.

    `verdict` and `codes` are those of the replay, None and empty where there was none. `replayed` and `as_recorded` are
    stages; `changed` names what is in force today and was not then, which explains a difference. `why` is said of
    inputs that cannot be used.
    """

    answer: Answer
    verdict: Verdict | None = None
    codes: tuple[Code, ...] = ()
    differences: tuple[Difference, ...] = ()
    replayed: tuple[str, ...] = ()
    as_recorded: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    why: str = ""


class Replayer:
    """Replays rows of the ledger one after the other; reads the store, writes nothing."""

    def __init__(self, house: House) -> None:
        """Builds the stages as configured. Raises ConfigError."""
        self._house = house
        self._clock = _RowClock()
        self._ways_out = _WaysOut()
        services = replace(house.services, clock=self._clock, capabilities=self._ways_out)
        stages = replace(house, services=services).pipeline(peek=True).stages
        again = [stage for stage in stages if _can_be_replayed(stage)]
        self._pipeline = Pipeline(again)
        self._not_again = frozenset(stage.name for stage in stages if stage not in again) | {_AT_BEGIN}
        self._law = short_mark(services.jurisdictions.digest)
        self._settings = short_mark(services.policy_mark)

    async def replay(self, row: LedgerRow) -> Replay | None:
        """The answer for one row; None for a row that is no decision.

        Raises StoreUnavailable, and Unavailable where a stage did not answer in time.
        """
        if row.kind not in _DECISIONS:
            return None
        digest = row.body.get("snapshot")
        if digest is None:
            return Replay(Answer.NOT_KEPT)
        try:
            inputs = await self._house.store.snapshots.inputs(row.seq, digest)
            if inputs is None:
                return Replay(Answer.ERASED)
            if inputs.history is None:
                return Replay(Answer.NOT_KEPT)
            recorded = _recorded(row)
            mail = await self._rebuilt(row, inputs)
        except ValueError as fault:
            return Replay(Answer.UNUSABLE, why=_plain(fault))
        return await self._judged(row, mail, recorded)

    async def _rebuilt(self, row: LedgerRow, inputs: Inputs) -> Mail:
        """The mail as it was judged. Raises ValueError where a part of it is gone."""
        assert row.mail_id is not None
        assert inputs.history is not None
        assembler, contact_id = self._house.assembler, row.body.get("contact")
        campaign = await self._campaign(inputs)
        if campaign is not None and inputs.contact is not None:
            mail = assembler.mail(campaign, inputs.contact, contact_id)
        elif inputs.recipient is not None:
            stream, controller = Stream(row.body["stream"]), row.body["controller"]
            made = ReadyMade(Message(b""), "", stream, controller, sender="", campaign=campaign)
            mail = assembler.ready_made(row.mail_id, Contact(inputs.recipient), made)
        else:
            raise ValueError("the kept inputs are those of no mail")
        return replace(mail, id=row.mail_id, history=inputs.history)

    async def _campaign(self, inputs: Inputs) -> Campaign | None:
        if inputs.campaign is None:
            return None
        campaign = await self._house.store.campaigns.load(inputs.campaign)
        if campaign is None:
            raise ValueError("the campaign in the form of that time is not in the store any more")
        return campaign

    async def _judged(self, row: LedgerRow, mail: Mail, recorded: Sequence[Reason]) -> Replay:
        taken = self._not_again | {reason.stage for reason in recorded if _rests_on_the_batch(reason, mail)}
        self._clock.moment = datetime.fromisoformat(row.at)
        self._ways_out.smtputf8 = _smtputf8(recorded)
        (walked,) = await self._pipeline.run([mail])
        again = [reason for reason in walked.reasons if reason.stage not in taken]
        kept = [reason for reason in recorded if reason.stage in taken]
        decision = decide((*kept, *again), walked.variant)
        differences = tuple(_differences([reason for reason in recorded if reason.stage not in taken], again))
        as_then = (row.body["verdict"], tuple(row.body["codes"])) == (decision.verdict, decision.codes)
        return Replay(
            Answer.SAME if as_then and not differences else Answer.DIFFERS,
            decision.verdict,
            decision.codes,
            differences,
            tuple(dict.fromkeys(reason.stage for reason in again)),
            tuple(dict.fromkeys(reason.stage for reason in kept)),
            tuple(await self._changes(row)),
        )

    async def _changes(self, row: LedgerRow) -> list[str]:
        """What is in force today and was not when the row was written."""
        body, changed = row.body, []
        if body["policy"] != POLICY:
            changed.append(f"policy version ({body['policy']} then, {POLICY} now)")
        if body["law"] != self._law:
            changed.append("table of law")
        elif body["settings"] != self._settings and not changed:
            changed.append("settings of the policy or list of stages")
        newest = await self._house.store.campaigns.newest(body["step"]) if body["step"] is not None else None
        if newest is not None and newest.digest != body["campaign"]:
            changed.append("campaign (replayed in the form of that time)")
        return changed


class _RowClock(SystemClock):
    """Stands still at the moment of the row that is replayed."""

    def __init__(self) -> None:
        self.moment = super().now()

    def now(self) -> datetime:
        """The moment set."""
        return self.moment


class _WaysOut(Mapping[str, Capabilities]):
    """Every way out, as able as it was: what its next hop offers today proves nothing about then."""

    def __init__(self) -> None:
        self.smtputf8: bool | None = True

    def __getitem__(self, name: str) -> Capabilities:
        return Capabilities(smtputf8=self.smtputf8)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _can_be_replayed(stage: Stage) -> bool:
    return stage.phase is Phase.JUDGE and not _OUTSIDE.intersection(stage.needs)


def _recorded(row: LedgerRow) -> list[Reason]:
    """The reasons of a row, without their sentences. Raises ValueError for words of another version."""
    return [
        Reason(
            stage,
            Verdict(verdict),
            None if code is None else Code(code),
            facts=Facts(tuple(fields), tuple(records)),
            rule=rule,
        )
        for stage, verdict, code, fields, records, rule in row.body["reasons"]
    ]


def _rests_on_the_batch(reason: Reason, mail: Mail) -> bool:
    """Whether other mails that were judged at the same moment decided it: no history tells of them."""
    if reason.stage == _DUPLICATE:
        return any(record not in (mail.id, mail.history.twin) for record in reason.facts.records)
    return any(record.startswith(_BATCH) for record in reason.facts.records)


def _smtputf8(recorded: Sequence[Reason]) -> bool | None:
    """What the way out could do then, as far as it stood against the mail; None: it was not known."""
    found = next((reason for reason in recorded if reason.code is Code.SMTPUTF8_UNSUPPORTED), None)
    if found is None:
        return True
    return None if found.verdict is Verdict.DEFER else False


def _differences(then: Sequence[Reason], now: Sequence[Reason]) -> Iterator[Difference]:
    for stage in dict.fromkeys(reason.stage for reason in (*then, *now)):
        before, after = (tuple(sorted(_said(each) for each in part if each.stage == stage)) for part in (then, now))
        if before != after:
            yield Difference(stage, before, after)


def _said(reason: Reason) -> str:
    return f"{reason.verdict} {reason.code}" if reason.code is not None else reason.verdict.value


def _plain(fault: ValueError) -> str:
    """Our own words; those of a parser may quote values."""
    return str(fault) if type(fault) is ValueError else "this version cannot read the kept inputs"
