"""The faults that can be switched on, and what their values may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SEND_STATUSES = (400, 403, 404, 429, 500)


class FaultError(ValueError):
    """A fault name or value that does not exist; the message says which."""


@dataclass
class Faults:
    """The present faults. Times are seconds.

    ``send_delay_seconds`` answers late although the message was accepted at once;
    ``send_hang`` neither accepts nor answers; ``send_reset`` breaks the connection off instead.
    """

    duplicates: int = 0
    reorder: bool = False
    send_status: int | None = None
    send_fail_count: int | None = None
    send_delay_seconds: float = 0
    send_hang: bool = False
    send_reset: bool = False
    drop_lists: bool = False
    delivery_error: str | None = None
    connected: bool = True
    webhook_retries: int = 3
    echo: bool = True
    pace_seconds: float = 0

    def as_json(self) -> dict[str, Any]:
        """Every fault by name."""
        return asdict(self)

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set the given faults, leave the others; one wrong value raises FaultError and changes nothing."""
        for name, value in wanted.items():
            rule = RULES.get(name)
            if rule is None:
                raise FaultError(f"There is no fault {name!r}.")
            if not rule[1](value):
                raise FaultError(f"{name} must be {rule[0]}.")
        for name, value in wanted.items():
            setattr(self, name, value)

    def take_send_failure(self) -> int | None:
        """The status this send must fail with, or None; counts ``send_fail_count`` down."""
        status = self.send_status
        if status is None or self.send_fail_count is None:
            return status
        self.send_fail_count -= 1
        if self.send_fail_count <= 0:
            self.send_status = self.send_fail_count = None
        return status


def is_whole(value: object, low: int, high: int) -> bool:
    """True for an int (not a bool) from low to high."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 600


def _flag(value: object) -> bool:
    return isinstance(value, bool)


RULES: dict[str, tuple[str, Callable[[object], bool]]] = {
    "duplicates": ("a whole number from 0 to 9", lambda v: is_whole(v, 0, 9)),
    "reorder": ("true or false", _flag),
    "send_status": ("null, 400, 403, 404, 429 or 500", lambda v: v is None or v in SEND_STATUSES),
    "send_fail_count": ("null or a whole number from 1", lambda v: v is None or is_whole(v, 1, 10**6)),
    "send_delay_seconds": ("a number of seconds from 0 to 600", _seconds),
    "send_hang": ("true or false", _flag),
    "send_reset": ("true or false", _flag),
    "drop_lists": ("true or false", _flag),
    "delivery_error": ("null or a text", lambda v: v is None or (isinstance(v, str) and v != "")),
    "connected": ("true or false", _flag),
    "webhook_retries": ("a whole number from 0 to 20", lambda v: is_whole(v, 0, 20)),
    "echo": ("true or false", _flag),
    "pace_seconds": ("a number of seconds from 0 to 600", _seconds),
}


class Connection:
    """Whether the company's phone is on line; whoever needs it waits for it."""

    def __init__(self) -> None:
        self._up = asyncio.Event()
        self._up.set()

    @property
    def up(self) -> bool:
        """True while the phone is connected."""
        return self._up.is_set()

    def set(self, up: bool) -> None:
        """Connect or disconnect."""
        if up:
            self._up.set()
        else:
            self._up.clear()

    async def wait(self) -> None:
        """Return when the phone is connected."""
        await self._up.wait()
