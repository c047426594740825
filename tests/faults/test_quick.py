"""The short version of `make test-long`: Rasa is killed while every message comes several times."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.faults.scenarios import IN_FLIGHT
from tests.faults.world import City, Result, World

CONVERSATIONS = 20


async def play(stack: City) -> Result:
    async with World("rápido", stack) as world:
        world.weather.copies, world.weather.spread = 4, 4.0
        async with world.talking():
            await world.some_done(0.3)
            await asyncio.to_thread(stack.signal, "theo", signal.SIGKILL)
            note = world.fault_over()
            await asyncio.to_thread(stack.start, "theo")
        note()
        return await world.close_the_books(may_repeat=IN_FLIGHT)


@pytest.mark.timeout(300)
def test_vinte_conversas_um_kill_9_e_cada_webhook_ate_quatro_vezes(tmp_path: Path) -> None:
    with City(tmp_path, CONVERSATIONS) as stack:
        result = asyncio.run(play(stack))
    print(result)
    assert result.conversations == CONVERSATIONS
    assert result.deliveries > result.messages >= 60
    assert result.recovery_seconds > 0, "nobody waited when it was killed"
    assert not result.problems, "\n".join(result.problems)
