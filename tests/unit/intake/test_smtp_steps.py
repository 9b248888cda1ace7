"""A coroutine goes on within the call that brings what it waits for."""

import asyncio
from collections.abc import Generator
from types import coroutine

from penstock.intake.smtp_steps import BROUGHT, Steps


@coroutine
def brought() -> Generator[object, None, None]:
    yield BROUGHT


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_brought_is_answered_before_the_call_returns() -> None:
    seen: list[str] = []

    async def work() -> None:
        for each in ("begun", "first", "second"):
            seen.append(each)
            await brought()
        seen.append("over")

    steps = Steps(work(), asyncio.get_running_loop())
    for each in ("begun", "first", "second", "over"):
        steps.go_on()
        assert seen[-1] == each


async def test_futures_tasks_and_turns_are_waited_for_as_in_a_task() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    seen: list[int | str] = []

    async def slow() -> str:
        async with asyncio.timeout(1):
            await asyncio.sleep(0)
        return "done"

    async def work() -> None:
        seen.append(await answer)
        seen.append(await asyncio.create_task(slow()))
        await asyncio.sleep(0)
        await brought()
        seen.append("over")

    steps = Steps(work(), loop)
    steps.go_on()
    await settled()
    assert seen == []
    answer.set_result(7)
    await settled()
    await settled()
    assert seen == [7, "done"]
    steps.go_on()
    assert seen == [7, "done", "over"]


async def test_what_fails_shows_where_it_was_waited_for() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    seen: list[str] = []

    async def work() -> None:
        try:
            await answer
        except OSError:
            seen.append("fault")
            await brought()
            seen.append("over")

    steps = Steps(work(), asyncio.get_running_loop())
    steps.go_on()
    answer.set_exception(OSError())
    await settled()
    steps.go_on()
    assert seen == ["fault", "over"]


async def test_what_is_cancelled_ends_it_and_is_tidied_up() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended: list[bool] = []

    async def work() -> None:
        try:
            await answer
        finally:
            ended.append(True)

    Steps(work(), asyncio.get_running_loop()).go_on()
    answer.cancel()
    await settled()
    assert ended == [True]
