"""Changes to Rasa 3.6.21's insides, each with its reason and its gain.

`tests/unit/connectors/test_rasa_patches.py` fails when a newer Rasa makes one moot. `apply()` is called by
the tracker store, which every Rasa process with our `endpoints.yml` loads.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import operator
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import Any, NoReturn

import aiohttp
import ujson
from jsonschema.validators import validator_for
from rasa.core import processor
from rasa.core.actions import forms
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.policies import rule_policy
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core import events
from rasa.shared.core.constants import PREVIOUS_ACTION, REQUESTED_SLOT, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, Event, SlotSet
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import AnySlotDict, DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT
from rasa.utils.endpoints import EndpointConfig

from connectors import turns
from connectors.errors import TurnFailed

#: An idle connection to the action server is given up before the server does so (Sanic: 5 s).
IDLE_SECONDS = 4.0
#: Less than a turn may take: Rasa's own limit is five minutes.
ACTION_SECONDS = turns.TURN_SECONDS

#: Where a tracker keeps the states of its talk.
STATES = "theo_states"
#: … and the events of it that were not taken back: (how many there are, the last, those).
APPLIED = "theo_applied"

_applied = False
_sessions: dict[int, aiohttp.ClientSession] = {}  # by the id of their endpoint, which has no hash


def apply() -> None:
    """Applies every patch once."""
    global _applied
    if not _applied:
        _check_action_answers_quickly()
        _keep_connections_to_actions()
        _remember_event_classes()
        _copy_trackers_without_a_replay()
        _copy_slots_quickly()
        _apply_the_events_once()
        _keep_the_states_of_a_turn()
        _replay_nothing_for_a_form()
        _try_the_rules_that_may_fit()
        _copy_nothing_for_a_silent_log()
        _run_the_graph_directly()
        _never_forget_a_customer()
        _fail_a_turn_as_a_whole()
        _applied = True


def _check_action_answers_quickly() -> None:
    """Rasa re-checks its own JSON schema at every action answer, and then holds every event against the schemas
    of all 23 kinds. Here the schema is checked once, and an event is held against its own kind's.

    Measured for an answer of eight events: 25-30 ms of the event loop → 3.8 ms by the first → 0.4 ms by both.
    """
    schema = RemoteAction.action_response_format_spec()
    validator_class = validator_for(schema)
    event = schema["properties"]["events"]["items"]
    common = {key: value for key, value in event.items() if key != "oneOf"}
    of_kind = {
        kind["properties"]["event"]["const"]: validator_class({**common, "allOf": [kind]}) for kind in event["oneOf"]
    }
    any_kind = validator_class(event)
    frame = {**schema["properties"], "events": {"type": "array", "items": {"type": "object"}}}
    answer = validator_class({**schema, "properties": frame})

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        answer.validate(result)
        for one in result.get("events", []):
            of_kind.get(one.get("event"), any_kind).validate(one)
        return True

    RemoteAction._validate_action_result = validate


def _keep_connections_to_actions() -> None:
    """Rasa opens a session and a connection for every call of an action. Here they are kept while in use.

    A turn lets others compute while it waits for an action. Measured: 1.7 → 0.5 ms for a call, server included.
    """
    request = EndpointConfig.request

    @contextlib.asynccontextmanager
    async def session(self: EndpointConfig) -> AsyncIterator[aiohttp.ClientSession]:
        kept = _sessions.get(id(self))
        if kept is None or kept.closed or kept._loop is not asyncio.get_running_loop():
            auth = aiohttp.BasicAuth(self.basic_auth["username"], self.basic_auth["password"]) if self.basic_auth else None
            kept = _sessions[id(self)] = aiohttp.ClientSession(
                headers=self.headers, auth=auth, timeout=aiohttp.ClientTimeout(total=ACTION_SECONDS),
                json_serialize=ujson.dumps,
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            )  # fmt: skip
        yield kept

    async def request_outside(self: EndpointConfig, *args: Any, **kwargs: Any) -> Any:
        async with turns.others_may_compute():
            return await request(self, *args, **kwargs)

    EndpointConfig.session = session
    EndpointConfig.request = request_outside


async def close() -> None:
    """Closes the connections to the action server."""
    for kept in [*_sessions.values()]:
        await kept.close()
    _sessions.clear()


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


def _copy_trackers_without_a_replay() -> None:
    """Rasa copies a tracker, once for every action, by replaying all of its events onto a new one.

    What is copied here is the state that the replay arrives at. Measured for 140 events: 0.4 → 0.2 ms.
    """

    def copied(self: DialogueStateTracker) -> DialogueStateTracker:
        tracker = copy.copy(self)
        tracker.events = self.events.copy()
        tracker.slots = AnySlotDict() if isinstance(self.slots, AnySlotDict) else {}
        for name, slot in self.slots.items():
            tracker.slots[name] = copy.copy(slot)
        tracker.active_loop = copy.copy(self.active_loop)
        tracker.__dict__.pop(STATES, None)  # what is kept there belongs to one tracker
        return tracker

    DialogueStateTracker.copy = copied


def _copy_slots_quickly() -> None:
    """Rasa makes every tracker, five or more in a turn, from copies of all slots, and leaves how to the `copy` module.

    Measured for the 68 slots of `domain.yml`: 0.29 → 0.11 ms a tracker.
    """

    def copied(self: Slot) -> Slot:
        slot = object.__new__(type(self))
        slot.__dict__.update(self.__dict__)
        return slot

    Slot.__copy__ = copied


def _apply_the_events_once() -> None:
    """Rasa goes over the whole talk to find what was taken back, whenever it is asked what was not: ten times a turn.

    Here the answer stands until there is another event. Measured for a talk of nine
    messages: 0.4 → 0.001 ms.
    """
    apply_all = DialogueStateTracker.applied_events

    def applied(self: DialogueStateTracker) -> list[Event]:
        size, last, found = self.__dict__.get(APPLIED, (0, None, []))
        if not self.events or size != len(self.events) or last is not self.events[-1]:
            found = apply_all(self)
            self.__dict__[APPLIED] = (len(self.events), self.events[-1] if self.events else None, found)
        return found.copy()

    DialogueStateTracker.applied_events = applied


def _keep_the_states_of_a_turn() -> None:
    """Rasa replays the talk on a new tracker for every prediction, twice for those after a message.

    Here a tracker keeps the replay, and the next prediction goes on from there. Measured for a talk of
    nine messages: 1.0 → 0.05 ms.
    """
    rebuild = Domain.states_for_tracker_history

    def states(self: Domain, tracker: DialogueStateTracker, *args: Any, **kwargs: Any) -> list[State]:
        if any(args) or kwargs.get("omit_unset_slots") or kwargs.get("ignore_rule_only_turns"):
            return rebuild(self, tracker, *args, **kwargs)
        applied = tracker.applied_events()
        kept = tracker.__dict__.get(STATES)
        if kept is None or not kept.leads_to(applied) or kept.domain is not self:
            kept = tracker.__dict__[STATES] = Replay(self, tracker.init_copy())
        kept.go_on(applied)
        # Whoever asked may change them: a policy drops the text or the intent.
        found = [*kept.states, self._clean_state(self.get_active_state(kept.tracker))]
        return [{part: dict(values) for part, values in state.items()} for state in found]

    Domain.states_for_tracker_history = states


@dataclass
class Replay:
    """A talk so far: the events that were replayed, the tracker that they made, the states before each action."""

    domain: Domain
    tracker: DialogueStateTracker
    events: list[Event] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def leads_to(self, applied: list[Event]) -> bool:
        """Whether nothing of it was taken back."""
        return len(self.events) <= len(applied) and all(map(operator.is_, self.events, applied))

    def go_on(self, applied: list[Event]) -> None:
        for event in applied[len(self.events) :]:
            if isinstance(event, ActionExecuted):
                self.states.append(self.domain._clean_state(self.domain.get_active_state(self.tracker)))
            self.tracker.update(event)
        self.events = applied


def _replay_nothing_for_a_form() -> None:
    """Rasa replays the talk on a new tracker before a form validates and before it asks.

    A copy of the tracker is in the same state. Measured for a talk of nine messages: 0.23 → 0.07 ms.
    """

    def temporary(
        self: forms.FormAction, tracker: DialogueStateTracker, additional: list[Event], domain: Domain
    ) -> DialogueStateTracker:
        copied = tracker.copy()
        asked = SlotSet(REQUESTED_SLOT, self.get_slot_to_fill(tracker))
        for event in (asked, ActionExecuted(self.name()), *additional):
            copied.update(event)
        return copied

    forms.FormAction._temporary_tracker = temporary


def _try_the_rules_that_may_fit() -> None:
    """Rasa holds every rule against the last state of the talk, up to four times a prediction.

    Here only those are tried that end in its action and its intent, or in no intent. Measured for the 148 rules of
    `data/`: 0.20 → 0.02 ms.
    """
    try_all = rule_policy.RulePolicy._get_possible_keys

    def end_of(state: State) -> tuple[Any, Any]:
        return state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME), state.get(USER, {}).get(INTENT)

    def possible(self: rule_policy.RulePolicy, lookup: dict[str, str], states: list[State]) -> set[str]:
        action, intent = end_of(states[-1]) if states else (None, None)
        if action is None:  # the beginning of a talk
            return try_all(self, lookup, states)
        indexes = self.__dict__.setdefault("theo_rules", {})
        if id(lookup) not in indexes:  # the lookups live as long as their policy
            indexes[id(lookup)] = index = defaultdict(list)
            for key in lookup:
                index[end_of(self._rule_key_to_state(key)[-1])].append(key)
        ends = {(action, intent), (action, None)}
        return try_all(self, dict.fromkeys(key for end in ends for key in indexes[id(lookup)].get(end, ())), states)

    rule_policy.RulePolicy._get_possible_keys = possible


def _copy_nothing_for_a_silent_log() -> None:
    """Rasa copies all events of an action, deeply and three times, for lines of the log that are off.

    These modules copy for nothing else. Measured: 0.06 ms for each copy of four events.
    """

    def deepcopy(value: Any) -> Any:
        return copy.deepcopy(value) if logging.getLogger("rasa").isEnabledFor(logging.DEBUG) else value

    quiet = SimpleNamespace(deepcopy=deepcopy)
    for module in (processor, forms, rule_policy):
        module.copy = quiet


def _run_the_graph_directly() -> None:
    """Rasa hands a dozen nodes to dask's scheduler, which plans and locks for them as for thousands, and finds
    the nodes that a target needs anew at every run, three times a turn. Here the order is found once.

    Measured: 0.46 → 0.01 ms a run, without the nodes' own work.
    """

    def run(
        self: DaskGraphRunner, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        wanted = tuple(targets or self._graph_schema.target_names)
        orders = self.__dict__.setdefault("theo_orders", {})
        if wanted not in orders:
            nodes = self._graph_schema.minimal_graph_schema(list(wanted)).nodes
            needs = {name: tuple(node.needs.values()) for name, node in nodes.items()}
            known = {name: set(needed) & set(needs) for name, needed in needs.items()}
            orders[wanted] = [(name, needs[name]) for name in TopologicalSorter(known).static_order()]
        # A node takes what it needs as (name, value), and gives back the same.
        given: dict[str, Any] = {name: (name, value) for name, value in (inputs or {}).items()}
        try:
            for name, needed in orders[wanted]:
                given[name] = self._instantiated_nodes[name](*(given.get(one, one) for one in needed))
        except RuntimeError as error:
            raise GraphRunError("Error running runner.") from error
        return dict(given[name] for name in wanted)

    DaskGraphRunner.run = run


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
    run, reached = RemoteAction.run, processor.MessageProcessor.is_action_limit_reached

    async def run_or_fail(self: RemoteAction, *args: Any, **kwargs: Any) -> Any:
        try:
            return await run(self, *args, **kwargs)
        except ActionExecutionRejection:
            raise
        except Exception as error:
            raise TurnFailed(f"{self.name()}: {type(error).__name__}") from error

    def reached_or_fail(self: processor.MessageProcessor, *args: Any, **kwargs: Any) -> bool:
        if reached(self, *args, **kwargs):
            raise TurnFailed("too many actions in one turn")
        return False

    RemoteAction.run = run_or_fail
    processor.MessageProcessor.is_action_limit_reached = reached_or_fail
