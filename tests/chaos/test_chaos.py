"""A process may be killed at any moment: no mail is doubled, none is lost, and few are in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from .rounds import Round, play, random_rounds, seam_rounds
from .scene import Scene

SEED = 1


@pytest_asyncio.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return await Scene.make(tmp_path_factory.mktemp("chaos") / "scene")


@pytest.mark.parametrize("each", [*seam_rounds(12, SEED), *random_rounds(8, SEED)], ids=str)
async def test_no_mail_is_doubled_or_lost_when_a_sender_is_killed(each: Round, scene: Scene, tmp_path: Path) -> None:
    result = await play(each, scene.copy(tmp_path / "house"))
    assert result.wrong == ()
