"""One task per conversation, and no wake-up is lost."""

from __future__ import annotations

import asyncio

from connectors.workers import Workers
from tests.unit.connectors.fakes import eventually


async def test_a_name_is_worked_on_once_at_a_time_and_again_when_it_was_woken_meanwhile() -> None:
    begun: list[str] = []
    running: list[str] = []
    go = asyncio.Event()

    async def work(name: str) -> None:
        assert name not in running
        begun.append(name)
        running.append(name)
        await go.wait()
        running.remove(name)

    workers = Workers(work)
    for name in ("a", "b", "a", "a"):
        workers.wake(name)
    await eventually(lambda: len(begun) == 2)
    workers.wake("a")
    assert begun == ["a", "b"]
    go.set()
    await eventually(lambda: not workers.busy)
    assert begun == ["a", "b", "a"]


async def test_a_pause_ends_when_the_process_stops() -> None:
    ended: list[bool] = []

    async def work(name: str) -> None:
        ended.append(await workers.pause(0.01))
        ended.append(await workers.pause(60))

    workers = Workers(work)
    workers.wake("a")
    await eventually(lambda: ended)
    await workers.stop(5)
    assert ended == [True, False]


async def test_stopping_cancels_what_takes_too_long_and_starts_nothing_more() -> None:
    begun: list[str] = []

    async def work(name: str) -> None:
        begun.append(name)
        await asyncio.sleep(60)

    workers = Workers(work)
    workers.wake("a")
    await eventually(lambda: begun)
    workers.wake("a")
    await asyncio.wait_for(workers.stop(0.05), 5)
    workers.wake("b")
    await asyncio.sleep(0)
    assert begun == ["a"]
    assert not workers.busy
