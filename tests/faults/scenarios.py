"""What goes wrong, one scenario each, while the customers of a `World` talk."""

from __future__ import annotations

import asyncio
import signal

from tests.faults.world import City, Result, World

#: How many sends the outbox has under way at once: what a kill may find between "taken" and "noted".
IN_FLIGHT = 16


async def kill_theo(stack: City, count: int | None = None, times: int = 2) -> Result:
    """`kill -9` of Rasa with its channel, in the middle of talks."""
    async with World("kill -9 no Rasa", stack, count) as world:
        async with world.talking():
            for number in range(times):
                await world.some_done((number + 1) / (times + 2))
                await asyncio.to_thread(stack.signal, "theo", signal.SIGKILL)
                note = world.fault_over()
                await asyncio.to_thread(stack.start, "theo")
        note()
        return await world.close_the_books(may_repeat=IN_FLIGHT * times)


async def repeated_webhooks(stack: City, count: int | None = None) -> Result:
    """Every message comes up to nine times, out of order, each time with another `momment`."""
    async with World("webhooks repetidos até 9 vezes, fora de ordem", stack, count) as world:
        world.weather.copies, world.weather.spread = 9, 8.0
        async with world.talking():
            note = world.fault_over()
        note()
        return await world.close_the_books()
