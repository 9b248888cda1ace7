"""One request from its body to its answer: read, made into submissions, taken or judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from penstock.intake.http_answers import Accepted, Decisions, DryRunItem, Item, decisions, summed_up
from penstock.intake.http_json import read_json
from penstock.intake.http_letter import Handed, LetterDesk
from penstock.intake.http_mail import MOST_MAILS, read_mail
from penstock.intake.http_problem import Problem, RequestError, problem_of, refused
from penstock.intake.http_raw import raw_submission
from penstock.ports.intake import Acceptance, Client, Receipt, Refusal, RefusalKind, Submission

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

__all__ = ["Handing", "Made", "Wish"]

_LONG_OCTETS = 1 << 16
"""From here on a body is worked on in a thread."""
_DONE, _TAKEN, _LATER = 200, 202, 503

Answer = tuple[int, BaseModel | Sequence[BaseModel]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for beside its body."""

    raw: bool
    dry_run: bool
    query: QueryParams


@dataclass(slots=True)
class Made:
    """The submissions of one request. `items` are those of each mail in it, or why it has none."""

    client: Client
    batch: bool = False
    items: list[list[Submission] | Problem] = field(default_factory=list)

    @property
    def submissions(self) -> list[Submission]:
        """All of them, in order."""
        return [each for item in self.items if not isinstance(item, Problem) for each in item]


class Handing:
    """Knows the bounds of messages, in octets: of one, and of all in one request."""

    def __init__(self, acceptance: Acceptance, *, size_limit: int, most: int) -> None:
        self._acceptance = acceptance
        self._size_limit = size_limit
        self._most = most

    async def made(self, body: bytearray, wish: Wish, handed: Handed) -> Made:
        """Raises RequestError for what cannot be read, and for a single mail that cannot be made."""
        if len(body) > _LONG_OCTETS or b'"variables"' in body:
            return await asyncio.to_thread(self._made, body, wish, handed)
        return self._made(body, wish, handed)

    def _made(self, body: bytearray, wish: Wish, handed: Handed) -> Made:
        if wish.raw:
            return Made(handed.client, items=[[raw_submission(body, wish.query, handed, self._size_limit)]])
        value = read_json(body)
        body.clear()
        desk = LetterDesk(handed, size_limit=self._size_limit, most=self._most)
        if not isinstance(value, list):
            return Made(handed.client, items=[desk.submissions(read_mail(value))])
        if not 0 < len(value) <= MOST_MAILS:
            raise RequestError(413 if value else 422, f"a batch has 1 to {MOST_MAILS} mails", where="body")
        made = Made(handed.client, batch=True)
        for number in range(len(value)):
            item, value[number] = value[number], None  # its files are in the message then
            made.items.append(_item(desk, item, number))
        return made

    async def taken(self, made: Made) -> Answer:
        """Saved, for all mails of the request in one transaction."""
        submissions = made.submissions
        answers = iter(await self._acceptance.take(submissions) if submissions else ())
        told: list[Accepted | Problem] = []
        put_off = bool(submissions)
        for item in made.items:
            if isinstance(item, Problem):
                told.append(item)
                continue
            pairs = [(each, next(answers)) for each in item]
            told.append(summed_up(pairs, made.client))
            put_off = put_off and all(_is_put_off(answer) for _, answer in pairs)
        if not made.batch:
            return (told[0].status, told[0]) if isinstance(told[0], Problem) else (_TAKEN, told[0])
        if put_off:  # as a whole, so that the client hands it in again
            return next((each.status, each) for each in told if isinstance(each, Problem) and each.status == _LATER)
        return _DONE, [*map(_item_answer, told)]

    async def judged(self, made: Made) -> Answer:
        """Decision lines; nothing is saved. Raises Unavailable."""
        if not made.batch:
            lines = await self._judged(made.client, made.submissions)
            return (lines.status, lines) if isinstance(lines, Problem) else (_DONE, Decisions(decisions=lines))
        told = []
        for item in made.items:
            found = item if isinstance(item, Problem) else await self._judged(made.client, item)
            if isinstance(found, Problem):
                told.append(DryRunItem(status=found.status, problem=found))
            else:
                told.append(DryRunItem(status=_DONE, decisions=found))
        return _DONE, told

    async def _judged(self, client: Client, submissions: Sequence[Submission]) -> list[dict[str, Any]] | Problem:
        lines: list[dict[str, Any]] = []
        for submission in submissions:
            found = await self._acceptance.judge(submission)
            if isinstance(found, Refusal):
                return refused(found, client)
            lines += decisions(found, client)
        return lines


def _item(desk: LetterDesk, value: Any, number: int) -> list[Submission] | Problem:
    place = f"[{number}]"
    try:
        return desk.submissions(read_mail(value, place), number, place)
    except RequestError as fault:
        return problem_of(fault)


def _is_put_off(answer: Receipt | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.kind is RefusalKind.LATER


def _item_answer(answer: Accepted | Problem) -> Item:
    if isinstance(answer, Problem):
        return Item(status=answer.status, problem=answer)
    if answer.refused is None:
        return Item(status=_TAKEN, mails=answer.mails, stream=answer.stream)
    return Item(status=_TAKEN, mails=answer.mails, stream=answer.stream, refused=answer.refused)
