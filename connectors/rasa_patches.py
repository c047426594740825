"""Changes to Rasa 3.6.21's insides, each with its reason.

`tests/unit/connectors/test_rasa_patches.py` fails when a newer Rasa makes one moot. `apply()` is called by
the tracker store, which every Rasa process with our `endpoints.yml` loads.
"""

from __future__ import annotations

from typing import Any, NoReturn

from jsonschema.validators import validator_for
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core import events

from connectors.errors import TurnFailed

_applied = False


def apply() -> None:
    """Applies every patch once."""
    global _applied
    if not _applied:
        _check_action_answers_quickly()
        _remember_event_classes()
        _never_forget_a_customer()
        _fail_a_turn_as_a_whole()
        _applied = True


def _check_action_answers_quickly() -> None:
    """Rasa re-checks its own JSON schema at every action answer: 25-30 ms of the event loop each time."""
    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate


def _remember_event_classes() -> None:
    """Rasa walks all event classes for every stored event, which makes long talks slow."""
    resolve = events.Event.resolve_by_type
    known: dict[str, Any] = {}

    def resolve_by_type(type_name: str, default: Any = None) -> Any:
        if type_name not in known:
            found = resolve(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    events.Event.resolve_by_type = staticmethod(resolve_by_type)


def _never_forget_a_customer() -> None:
    """Rasa answers a failed read as if the customer were new, and keeps a failed write in memory only.

    The error goes up instead: the turn fails as a whole, its messages stay in the inbox, it is run again.
    """

    def raise_it(self: FailSafeTrackerStore, error: Exception) -> NoReturn:
        raise error

    FailSafeTrackerStore.on_tracker_store_error = raise_it
    FailSafeTrackerStore.on_tracker_store_retrieve_error = raise_it


def _fail_a_turn_as_a_whole() -> None:
    """Rasa goes on predicting after an action failed, and after ten actions stops without an `action_listen`:
    the customer gets silence, and every later message of the talk meets the same limit.
    """
    run, reached = RemoteAction.run, MessageProcessor.is_action_limit_reached

    async def run_or_fail(self: RemoteAction, *args: Any, **kwargs: Any) -> Any:
        try:
            return await run(self, *args, **kwargs)
        except ActionExecutionRejection:
            raise
        except Exception as error:
            raise TurnFailed(f"{self.name()}: {type(error).__name__}") from error

    def reached_or_fail(self: MessageProcessor, *args: Any, **kwargs: Any) -> bool:
        if reached(self, *args, **kwargs):
            raise TurnFailed("too many actions in one turn")
        return False

    RemoteAction.run = run_or_fail
    MessageProcessor.is_action_limit_reached = reached_or_fail
