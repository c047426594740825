"""Calls that cannot prove themselves, counted per address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

#: So many wrong calls of one address in so many seconds are answered one by one; those after them with 429.
MOST, WINDOW_SECONDS = 30, 60.0
#: Addresses that are remembered; the one heard of longest ago makes room.
REMEMBERED = 10_000


class Strangers:
    """Counts wrong calls. A call with the right token is never held back: Z-API itself comes from few addresses,
    and perhaps through the same proxy as whoever is guessing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, address: str) -> int:
        """One more wrong call of this address: how many it made in the current window."""
        now = self._clock()
        begun, calls = self._wrong.pop(address, (now, 0))
        if now - begun >= WINDOW_SECONDS:
            begun, calls = now, 0
        self._wrong[address] = (begun, calls + 1)
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
        return calls + 1
