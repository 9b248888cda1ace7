"""Walks a batch of mails through the stages. Judges and edits are values; nothing is sent here.

The rules of the batch: one answer per mail in the same order; checks that need no content judge every mail, so that all
reasons are known; later stages see only mails that may still go; a stage that raises or answers wrongly costs the one
mail that made it fail, never the batch; `Unavailable` ends the walk and everything comes back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeGuard

from penstock.errors import ConfigError, ContractError, Unavailable
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.observe.log import get_logger
from penstock.ports import Check, Edit, Phase, Stage

__all__ = ["COMMERCIAL_NEEDS", "Pipeline", "Timing", "refuse_unsafe_order"]

Timing = Callable[[str, float, int], None]
"""Called after each stage with its name, the seconds it took and the number of mails."""

COMMERCIAL_NEEDS = ("suppression", "legal_basis", "notice", "list_unsubscribe", "write", "verify")
"""Without these no advertising leaves; start-up refuses a list that lacks one."""

Answer = Mail | tuple[Reason, ...]
"""What a stage came to for one mail: its new content, or what it has to say."""

_log = get_logger("pipeline")


class Pipeline:
    """An ordered list of stages. `stage_seconds` bounds one call of one stage."""

    def __init__(self, stages: Sequence[Stage], *, stage_seconds: float = 30.0, timing: Timing | None = None) -> None:
        self.stages = tuple(stages)
        self._seconds = stage_seconds
        self._timing = timing

    async def run(self, mails: Sequence[Mail], *, last: Phase = Phase.SIGN) -> list[Mail]:
        """The same mails in the same order with their reasons and, where they may go, their finished content.

        Stages after the phase `last` are left out. Raises Unavailable when a stage could not reach what it needs.
        """
        walked = list(mails)
        said: list[tuple[Reason, ...]] = [()] * len(walked)  # not yet on the mails: making a mail anew costs more
        going: Sequence[int] = range(len(walked))
        judging = True
        for stage in self.stages:
            if stage.phase > last:
                break
            if getattr(stage, "hears", True) or stage.phase is not Phase.JUDGE:
                _put_down(walked, said)
            if judging and stage.phase is not Phase.JUDGE:
                judging, going = False, _still_going(walked, going)
            places = [place for place in going if walked[place].stream in stage.streams]
            if not places:
                continue
            started = time.perf_counter()
            answered = await self._ask(stage, [walked[place] for place in places])
            heard = False
            for place, answer in zip(places, answered, strict=True):
                if isinstance(answer, Mail):
                    walked[place] = answer
                else:
                    said[place] += answer
                    heard = True
            if heard and not judging:
                _put_down(walked, said)
                going = _still_going(walked, going)
            if self._timing is not None:
                self._timing(stage.name, time.perf_counter() - started, len(places))
        _put_down(walked, said)
        return walked

    async def _ask(self, stage: Stage, mails: Sequence[Mail]) -> list[Answer]:
        try:
            async with asyncio.timeout(self._seconds):
                return await _answers(stage, mails)
        except Unavailable:
            raise
        except TimeoutError:
            raise Unavailable(f"stage {stage.name} did not answer within {self._seconds:g} s") from None
        except Exception as fault:  # noqa: BLE001 — a plugin's bug must cost one mail, not the batch
            if len(mails) == 1:
                _log.error("stage_failed", stage=stage.name, mail=mails[0].id, fault=type(fault).__name__)
                return [(_failed(stage, fault),)]
        middle = len(mails) // 2
        return [*await self._ask(stage, mails[:middle]), *await self._ask(stage, mails[middle:])]


def _put_down(mails: list[Mail], said: list[tuple[Reason, ...]]) -> None:
    """Put what was said onto the mails."""
    for place, reasons in enumerate(said):
        if reasons:
            mail = mails[place]
            mails[place], said[place] = mail.with_reasons(mail.reasons + reasons), ()


def _still_going(mails: Sequence[Mail], places: Sequence[int]) -> Sequence[int]:
    """The places of the mails that nothing stands against so far."""
    return [place for place in places if strictest(mails[place].reasons) is Verdict.SEND]


def _is_check(stage: Stage) -> TypeGuard[Check]:
    return hasattr(stage, "judge")


def _is_edit(stage: Stage) -> TypeGuard[Edit]:
    return hasattr(stage, "edit")


async def _answers(stage: Stage, mails: Sequence[Mail]) -> list[Answer]:
    if _is_check(stage):
        judged = await stage.judge(mails)
        return [_heard(stage, mail, reasons) for mail, reasons in zip(mails, judged, strict=True)]
    if _is_edit(stage):
        edited = await stage.edit(mails)
        return [_edited(stage, mail, answer) for mail, answer in zip(mails, edited, strict=True)]
    raise ContractError(f"stage {stage.name} neither judges nor edits")


def _heard(stage: Stage, mail: Mail, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    if not reasons:
        raise ContractError(f"check {stage.name} said nothing about a mail")
    waived = mail.history.waived
    if waived:
        return tuple(_waived(reason) if reason.code in waived else reason for reason in reasons)
    return tuple(reasons)


def _waived(reason: Reason) -> Reason:
    if reason.verdict is not Verdict.HOLD:
        return reason
    # What a person lets pass proves nothing: its records must not pass for evidence with a later check.
    why = f"released by an operator: {reason.why}"
    return replace(reason, verdict=Verdict.SEND, code=None, why=why, facts=replace(reason.facts, records=()))


def _edited(stage: Stage, mail: Mail, answer: Mail | Reason) -> Answer:
    if isinstance(answer, Reason):
        if answer.verdict is Verdict.SEND:
            raise ContractError(f"edit {stage.name} answered a reason that stops nothing")
        # No release waives it: the edit did not happen, and the mail is not complete without it.
        return (answer,)
    if answer.id != mail.id or answer.envelope != mail.envelope or answer.reasons != mail.reasons:
        raise ContractError(f"edit {stage.name} redirected or re-judged a mail")
    return answer


def _failed(stage: Stage, fault: Exception) -> Reason:
    why = f"stage {stage.name} failed on this mail ({type(fault).__name__}); it is kept until the stage is mended"
    return Reason(stage.name, Verdict.HOLD, Code.STAGE_FAILED, why)


def refuse_unsafe_order(stages: Iterable[Stage]) -> None:
    """Raise ConfigError for a list whose phases are out of order, or that would let advertising leave incomplete."""
    listed = list(stages)
    for before, after in pairwise(listed):
        if after.phase < before.phase:
            raise ConfigError(
                f"stage {after.name} ({after.phase.name.lower()}) cannot come after "
                f"{before.name} ({before.phase.name.lower()})",
                where="stage",
                mend="order: judge, pace, compose, complete, write, verify, sign",
            )
    names = [stage.name for stage in listed]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"stage {name} is listed twice", where="stage", mend="keep one of them")
    missing = [name for name in ("compose", *COMMERCIAL_NEEDS) if name not in names]
    if missing:
        raise ConfigError(
            f"no advertising may leave without {', '.join(missing)}",
            where="stage",
            mend="add it back, or remove all [[stage]] tables for the shipped list",
        )
