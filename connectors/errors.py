"""What can go wrong at a gateway, by meaning.

GatewayError                  the gateway refused the message; trying again changes nothing
├── NotAuthorised             it does not accept our tokens or our subscription
└── TemporaryGatewayError     time-out, 5xx, 429: the same message may pass later
"""

from __future__ import annotations

import traceback


class GatewayError(Exception):
    """The message was refused. `about_content`: its form was at fault, not the account."""

    about_content = True


class NotAuthorised(GatewayError):
    """Wrong token, wrong instance or a lapsed subscription: no message will pass until it is mended."""

    about_content = False


class TemporaryGatewayError(GatewayError):
    """Worth another try. `retry_after` is in seconds where the gateway named it."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class TurnFailed(BaseException):
    """A turn could not be finished; nothing of it may be kept.

    Not an `Exception`: Rasa catches those around an action, drops the action's events and goes on, which
    leaves the customer in silence and the talk in a state from which it never comes back.
    """


class TurnTaken(TurnFailed):
    """Somebody else answered meanwhile: an attendant on the phone, or another process."""


def without_text(error: BaseException) -> str:
    """An error for the log: its type and the lines it went through.

    Never its text: a database names the values of a failed statement, a validator what it validated, and
    those are what a customer wrote.
    """
    return type(error).__name__ + "\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip()
