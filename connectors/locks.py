"""One conversation at a time: inside this process, and across processes where Redis is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

import redis.asyncio

logger = logging.getLogger(__name__)

#: How long a process that was killed still keeps its conversations from the others.
LIFETIME_SECONDS = 30.0
REDIS_TIMEOUT_SECONDS = 5.0


class Locks:
    """Named locks. With `redis_url`, Redis' own lock keeps two processes apart; a dead owner's expires."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._local: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        waits = {"socket_timeout": REDIS_TIMEOUT_SECONDS, "socket_connect_timeout": REDIS_TIMEOUT_SECONDS}
        self._redis = redis.asyncio.from_url(redis_url, **waits) if redis_url else None

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Waits for the lock and holds it. Raises redis.RedisError where Redis is away."""
        lock = self._local.get(name)
        if lock is None:
            lock = self._local[name] = asyncio.Lock()
        async with lock:
            if self._redis is None:
                yield
                return
            shared = self._redis.lock(f"theo:{name}", timeout=LIFETIME_SECONDS, sleep=0.05)
            async with shared:
                keeper = asyncio.create_task(_keep(shared))
                try:
                    yield
                finally:
                    keeper.cancel()

    async def ping(self) -> None:
        """Raises redis.RedisError when Redis is configured and away."""
        if self._redis is not None:
            await self._redis.ping()

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.close()


async def _keep(lock: redis.asyncio.lock.Lock) -> None:
    """Renews the lock while its work goes on, so that a long one never runs beside another."""
    while True:
        await asyncio.sleep(LIFETIME_SECONDS / 3)
        try:
            await lock.reacquire()
        except redis.RedisError as error:
            logger.error("The lock of a conversation could not be renewed: %s", type(error).__name__)
