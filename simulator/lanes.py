"""Work that must happen in order within a lane, while the lanes go on beside each other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


class Lanes:
    """Any number of named lanes. A lane exists only while it has work, so many names cost nothing."""

    def __init__(self) -> None:
        self._work: dict[str, deque[Work]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, lane: str, work: Work) -> None:
        """Do ``work`` after everything that is already in ``lane``."""
        waiting = self._work.get(lane)
        if waiting is not None:
            waiting.append(work)
            return
        self._work[lane] = deque([work])
        self._tasks[lane] = asyncio.create_task(self._run(lane))

    def clear(self) -> None:
        """Drop everything that waits and stop what is under way."""
        for task in self._tasks.values():
            task.cancel()
        self._work.clear()
        self._tasks.clear()

    async def _run(self, lane: str) -> None:
        waiting = self._work[lane]
        while waiting:
            work = waiting.popleft()
            try:
                await work()
            except Exception:
                logger.exception("work in lane %s failed", lane)
        del self._work[lane], self._tasks[lane]
