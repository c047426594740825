"""The one error tree of the back office.

BackofficeError
 ├─ Unavailable   the system behind did not answer, or not in time; the same call may be tried again
 ├─ NotFound      the id, protocol or document is not in the records
 └─ Refused       the system understood and said no; `reason` is a short machine word
"""

from __future__ import annotations


class BackofficeError(Exception):
    """Base of everything this package raises on purpose."""


class Unavailable(BackofficeError):
    """The system behind did not answer, or not in time. Retrying with the same key is safe."""


class NotFound(BackofficeError):
    """There is no such record."""


class Refused(BackofficeError):
    """The system declined the request; nothing was changed.

    `reason` is one of the words listed with the method that raises it, for example `slot_full`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
