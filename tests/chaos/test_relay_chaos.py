"""Whatever dies in a relay, every mail that it answered is delivered once, in doubt, or failed and said so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from .relay_rounds import RelayResult, RelayRound, Victim, play_relay, relay_rounds
from .relay_scene import RelayScene
from .relay_seams import Broken, RelaySeam

SEED = 1
ROUNDS = relay_rounds(20, SEED)
AT_ONCE = 3
"""Most of a round is waiting for processes that start."""
BROKEN = (
    RelayRound(100, RelaySeam.BEFORE_250, 3, Victim.LISTENER, 30, 0.0, broken=Broken.ANSWERS_FIRST),
    RelayRound(101, RelaySeam.BEFORE_END, 2, Victim.WORKER, 30, 0.0, broken=Broken.SENDS_AGAIN),
    RelayRound(102, RelaySeam.AFTER_BEGIN, 2, Victim.WORKER, 30, 0.0, broken=Broken.SETTLES_FIRST),
)


class Played:
    """Rounds that run some at a time, whichever test asks for them first."""

    def __init__(self, scene: RelayScene) -> None:
        self._scene = scene
        self._few = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[RelayRound, asyncio.Task[RelayResult]] = {}

    def begin(self, rounds: Sequence[RelayRound]) -> None:
        for each in rounds:
            self._tasks[each] = asyncio.create_task(self._one(each))

    async def result(self, each: RelayRound) -> RelayResult:
        return await self._tasks[each]

    async def end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _one(self, each: RelayRound) -> RelayResult:
        async with self._few:
            return await play_relay(each, self._scene.copy(self._scene.folder.parent / f"round-{each.number}"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    rounds = Played(await RelayScene.make(tmp_path_factory.mktemp("relay-chaos") / "scene"))
    asked = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [each.params["each"] for each in asked if each is not None and "each" in each.params]
    rounds.begin([each for each in (*ROUNDS, *BROKEN) if each in wanted])
    yield rounds
    await rounds.end()


@pytest.mark.parametrize("each", ROUNDS, ids=str)
async def test_no_answered_mail_is_doubled_or_lost_when_a_process_of_the_relay_is_killed(
    each: RelayRound, played: Played
) -> None:
    result = await played.result(each)
    assert result.wrong == ()
    assert result.killed


@pytest.mark.parametrize("each", BROKEN, ids=lambda each: each.broken.value)
async def test_the_judge_notices_a_relay_that_loses_or_doubles(each: RelayRound, played: Played) -> None:
    result = await played.result(each)
    assert result.sums.lost or result.sums.doubled, result
