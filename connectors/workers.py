"""One task per conversation that has something to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Workers:
    """Runs `work(name)` once at a time per name, and again when it was woken meanwhile.

    `work` must not raise an `Exception`; it looks at `stopping` between its steps and waits with `pause`.
    """

    def __init__(self, work: Callable[[str], Awaitable[None]]) -> None:
        self._work = work
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self.stopping = asyncio.Event()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def wake(self, name: str) -> None:
        """There is something to do under this name. Ignored once `stop` was called."""
        if self.stopping.is_set():
            return
        if name in self._tasks:
            self._again.add(name)
            return
        task = asyncio.create_task(self._run(name))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._finished(name))

    async def _run(self, name: str) -> None:
        await self._work(name)

    def _finished(self, name: str) -> None:
        del self._tasks[name]
        if name in self._again:
            self._again.discard(name)
            self.wake(name)

    async def pause(self, seconds: float) -> bool:
        """Waits; False when the process stops meanwhile."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    async def stop(self, seconds: float) -> None:
        """Starts no more work and lets what is under way end; after `seconds` it is cancelled."""
        self.stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
