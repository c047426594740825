"""Each patch of `rasa_patches.py`: what Rasa does without it, and with it.

The first test of each pair runs on a fresh copy of Rasa's own module. When it fails, a newer Rasa has mended
the matter, and the patch can go.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.actions.forms import FormAction
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import FailSafeTrackerStore, InMemoryTrackerStore
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    Event,
    FollowupAction,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import EndpointConfig

from connectors import rasa_patches
from connectors.errors import TurnFailed

DOMAIN = Domain.from_dict({"intents": ["oi"], "actions": ["action_x"]})
RESULT: dict[str, Any] = {"events": [], "responses": []}


@pytest.fixture(autouse=True, scope="module")
def patched() -> None:
    rasa_patches.apply()
    rasa_patches.apply()  # twice changes nothing


def fresh(name: str) -> ModuleType:
    """A copy of a module of Rasa's, as it is in the package."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    calls: list[Any] = []
    real: Callable[..., Any] = getattr(owner, name)

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    return calls


# -- the schema of an action's answer -----------------------------------------------------------------


def test_rasa_checks_its_own_schema_at_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    action = fresh("rasa.core.actions.action").RemoteAction("action_x", None)
    kind = jsonschema.validators.validator_for(action.action_response_format_spec())
    checks = count_calls(monkeypatch, kind, "check_schema")
    for _ in range(3):
        action._validate_action_result(RESULT)
    assert len(checks) == 3


def test_ours_only_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    action = RemoteAction("action_x", None)
    kind = jsonschema.validators.validator_for(action.action_response_format_spec())
    checks = count_calls(monkeypatch, kind, "check_schema")
    assert action._validate_action_result(RESULT) is True
    assert checks == []


@pytest.mark.parametrize("result", [{"events": "none"}, {"events": [{"event": "no such event"}]}, []])
def test_and_still_refuses_what_is_none(result: Any) -> None:
    theirs = fresh("rasa.core.actions.action").RemoteAction("action_x", None)
    for action in (theirs, RemoteAction("action_x", None)):
        with pytest.raises(jsonschema.ValidationError):
            action._validate_action_result(result)


def test_an_event_is_held_against_its_own_kind_only(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = jsonschema.validators.validator_for(RemoteAction.action_response_format_spec())
    slot = {"event": "slot", "name": "dia", "value": 3, "timestamp": None}
    looks = {}
    for name, action in (("theirs", fresh("rasa.core.actions.action").RemoteAction), ("ours", RemoteAction)):
        with monkeypatch.context() as patch:
            seen = count_calls(patch, kind, "descend")
            action("action_x", None)._validate_action_result({"events": [slot] * 5, "responses": []})
            looks[name] = len(seen)
    assert looks["ours"] * 4 < looks["theirs"]


@pytest.mark.parametrize("event", ["user", "bot", "session_started", "action", "followup", "active_loop", "rewind"])
def test_every_kind_of_event_is_let_through(event: str) -> None:
    result = {"events": [{"event": event, "name": "x", "value": 1, "text": "oi"}], "responses": []}
    assert RemoteAction("action_x", None)._validate_action_result(result) is True


# -- the connection to the action server ---------------------------------------------------------------


@pytest.fixture
async def action_server() -> AsyncIterator[tuple[str, set[Any]]]:
    """The address of a server and the ports that it was called from."""
    callers: set[Any] = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        callers.add(request.transport.get_extra_info("peername"))
        return web.json_response(RESULT)

    app = web.Application()
    app.router.add_post("/webhook", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/webhook")), callers
    await rasa_patches.close()


async def test_rasa_connects_anew_for_every_action(action_server: tuple[str, set[Any]]) -> None:
    url, callers = action_server
    endpoint = fresh("rasa.utils.endpoints").EndpointConfig(url)
    for _ in range(3):
        assert await endpoint.request(json={}) == RESULT
    assert len(callers) == 3


async def test_ours_once(action_server: tuple[str, set[Any]]) -> None:
    url, callers = action_server
    endpoint = EndpointConfig(url)
    for _ in range(3):
        assert await endpoint.request(json={}) == RESULT
    assert len(callers) == 1
    await rasa_patches.close()
    assert await endpoint.request(json={}) == RESULT  # and again after the connection is gone


# -- the classes of events ----------------------------------------------------------------------------


def test_rasa_walks_all_event_classes_for_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    events = fresh("rasa.shared.core.events")
    walks = count_calls(monkeypatch, events.rasa.shared.utils.common, "all_subclasses")
    events.Event.resolve_by_type("user")
    once = len(walks)
    events.Event.resolve_by_type("user")
    assert len(walks) == 2 * once > 0


def test_ours_walks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Event.resolve_by_type("action")
    walks = count_calls(monkeypatch, sys.modules["rasa.shared.utils.common"], "all_subclasses")
    for _ in range(3):
        assert Event.resolve_by_type("action") is ActionExecuted
    assert walks == []


def test_an_unknown_type_is_not_remembered() -> None:
    assert Event.resolve_by_type("no such type", UserUttered) is UserUttered
    with pytest.raises(ValueError, match="no such type"):
        Event.resolve_by_type("no such type")
    assert Event.resolve_by_type("topic") is None  # of an older Rasa


# -- copies of a tracker ------------------------------------------------------------------------------


def busy_tracker() -> DialogueStateTracker:
    domain = Domain.from_dict({"intents": ["oi"], "slots": {"dia": {"type": "text", "mappings": [{"type": "custom"}]}}})
    tracker = DialogueStateTracker("5583991110001", domain.slots)
    opened = [UserUttered("oi"), ActionExecuted("dia_form"), ActiveLoop("dia_form"), SlotSet("dia", "3")]
    tracker.update_with_events([*opened, ActionExecuted("action_listen"), FollowupAction("action_x")], domain)
    return tracker


def test_rasa_replays_a_tracker_to_copy_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = busy_tracker()
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    fresh("rasa.shared.core.trackers").DialogueStateTracker.copy(tracker)
    assert len(replayed) == len(tracker.events)


def test_ours_is_the_same_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = busy_tracker()
    ours, theirs = tracker.copy(), tracker.travel_back_in_time(float("inf"))
    assert ours.current_state(EventVerbosity.ALL) == theirs.current_state(EventVerbosity.ALL)
    before = tracker.current_state(EventVerbosity.ALL)
    ours.update(SlotSet("dia", "4"))
    ours.update(ActionExecuted("action_listen"))
    ours.interrupt_loop(True)
    assert tracker.current_state(EventVerbosity.ALL) == before
    assert ours.get_slot("dia") == "4"
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    tracker.copy()
    assert replayed == []


# -- copies of slots ----------------------------------------------------------------------------------


def test_python_copies_a_slot_by_taking_it_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "__copy__" not in vars(fresh("rasa.shared.core.slots").Slot)


def test_ours_copies_a_slot_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    (slot,) = (one for one in busy_tracker().slots.values() if one.name == "dia")
    taken_apart = count_calls(monkeypatch, copy, "_reconstruct")
    copied = copy.copy(slot)
    assert taken_apart == []
    assert (type(copied), vars(copied)) == (type(slot), vars(slot))
    copied.value = "4"
    assert slot.value == "3"


# -- what was not taken back, and the states of a talk ------------------------------------------------

FORM = {"dia_form": {"required_slots": ["dia"]}}
TALK_DOMAIN = Domain.from_dict(
    {
        "intents": ["oi", "informar"], "actions": ["action_x"], "forms": FORM,
        "slots": {
            "dia": {"type": "text", "mappings": [{"type": "custom"}]},
            "requested_slot": {"type": "text", "influence_conversation": True, "mappings": [{"type": "custom"}]},
        },
    }
)  # fmt: skip
OI = {"name": "oi", "confidence": 1.0}
#: A form with an answer that it rejects, and words that are taken back.
TALK: list[Event] = [
    ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen"), UserUttered("oi", OI),
    ActionExecuted("dia_form"), ActiveLoop("dia_form"), SlotSet("requested_slot", "dia"), ActionExecuted("action_listen"),
    UserUttered("3", {"name": "informar", "confidence": 1.0}), ActionExecutionRejected("dia_form"),
    ActionExecuted("action_x"), ActionExecuted("dia_form"), ActionExecuted("action_listen"), UserUttered("ops", OI),
    UserUtteranceReverted(), ActionExecuted("action_listen"), UserUttered("4", OI), ActionExecuted("dia_form"),
    SlotSet("dia", "4"), SlotSet("requested_slot", None), ActiveLoop(None), ActionExecuted("action_x"),
    ActionReverted(), ActionExecuted("action_x"), ActionExecuted("action_listen"),
]  # fmt: skip


def test_rasa_applies_all_events_whenever_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = fresh("rasa.shared.core.trackers").DialogueStateTracker
    tracker = theirs.from_events("5583991110001", TALK, TALK_DOMAIN.slots)
    looked = count_calls(monkeypatch, theirs, "_first_loop_execution_or_unhappy_path")
    tracker.applied_events()
    once = len(looked)
    tracker.applied_events()
    assert len(looked) == 2 * once > 0


def test_ours_applies_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = fresh("rasa.shared.core.trackers").DialogueStateTracker
    tracker = DialogueStateTracker("5583991110001", TALK_DOMAIN.slots)
    for event in TALK:
        tracker.update(event)
        assert tracker.applied_events() == theirs.applied_events(tracker)
    expected = theirs.applied_events(tracker)
    looked = count_calls(monkeypatch, DialogueStateTracker, "_first_loop_execution_or_unhappy_path")
    tracker.applied_events().clear()  # whoever asks may do with it as they like
    assert tracker.applied_events() == expected
    assert looked == []


def test_rasa_replays_the_talk_for_its_states(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = DialogueStateTracker.from_events("5583991110001", TALK, TALK_DOMAIN.slots)
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    states = fresh("rasa.shared.core.domain").Domain.states_for_tracker_history
    for _ in range(3):
        states(TALK_DOMAIN, tracker)
    assert len(replayed) == 3 * len(tracker.applied_events())


def test_ours_goes_on_from_the_states_before(monkeypatch: pytest.MonkeyPatch) -> None:
    states = fresh("rasa.shared.core.domain").Domain.states_for_tracker_history
    tracker = DialogueStateTracker("5583991110001", TALK_DOMAIN.slots)
    for event in TALK:
        tracker.update(event)
        ours = TALK_DOMAIN.states_for_tracker_history(tracker)
        assert ours == states(TALK_DOMAIN, tracker)
        for state in ours:
            state.clear()  # a policy drops what it does not look at
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    TALK_DOMAIN.states_for_tracker_history(tracker)
    assert replayed == []
    tracker.copy().update(UserUttered("oi", OI))
    assert TALK_DOMAIN.states_for_tracker_history(tracker) == states(TALK_DOMAIN, tracker)


# -- the tracker that a form looks at ------------------------------------------------------------------


def form_tracker() -> DialogueStateTracker:
    return DialogueStateTracker.from_events("5583991110001", TALK[:7], TALK_DOMAIN.slots)


def test_rasa_replays_the_talk_for_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = form_tracker()
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    form = fresh("rasa.core.actions.forms").FormAction("dia_form", None)
    form._temporary_tracker(tracker, [SlotSet("dia", "4")], TALK_DOMAIN)
    assert len(replayed) > len(tracker.events)


def test_ours_copies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, theirs = form_tracker(), fresh("rasa.core.actions.forms").FormAction("dia_form", None)
    said = SlotSet("dia", "4")

    def told(state: DialogueStateTracker) -> Any:
        return re.sub(r"('timestamp'|'latest_event_time'): [\d.]+", "", str(state.current_state(EventVerbosity.ALL)))

    expected = theirs._temporary_tracker(tracker, [said], TALK_DOMAIN)
    replayed = count_calls(monkeypatch, DialogueStateTracker, "update")
    ours = FormAction("dia_form", None)._temporary_tracker(tracker, [said], TALK_DOMAIN)
    assert [type(event) for _, event, *_ in replayed] == [SlotSet, ActionExecuted, SlotSet]
    assert told(ours) == told(expected)
    assert tracker.get_slot("dia") is None


# -- the rules that may fit ---------------------------------------------------------------------------


def rule(*states: dict[str, Any]) -> str:
    return json.dumps(states)


LISTENS = {"prev_action": {"action_name": "action_listen"}}
RULES = {
    rule({**LISTENS, "user": {"intent": "oi"}}): "action_x",
    rule({**LISTENS, "user": {"intent": "oi"}, "slots": {"dia": [1.0]}}): "dia_form",
    rule({**LISTENS, "user": {"intent": "informar"}}): "action_x",
    rule(LISTENS): "action_default_fallback",
    rule({"user": {"intent": "oi"}}): "action_of_a_beginning",
    rule({**LISTENS, "user": {"intent": "oi"}}, {"user": {"intent": "oi"}, "prev_action": {"action_name": "action_x"}}): "action_listen",
    rule({"prev_action": {"action_name": "dia_form"}, "active_loop": {"name": "should_not_be_set"}}): "action_x",
}
SAYS_OI = {**LISTENS, "user": {"intent": "oi"}}
AFTER_X = {"user": {"intent": "oi"}, "prev_action": {"action_name": "action_x"}}
TALKS: list[list[dict[str, Any]]] = [
    [SAYS_OI], [SAYS_OI, AFTER_X], [{**SAYS_OI, "slots": {"dia": (1.0,)}}], [LISTENS], [{"user": {"intent": "oi"}}], [{}],
    [AFTER_X], [{**LISTENS, "user": {"intent": "informar"}}, AFTER_X], [{"prev_action": {"action_name": "dia_form"}}],
    [{"prev_action": {"action_name": "dia_form"}, "active_loop": {"name": "dia_form"}}], [],
]  # fmt: skip


def test_rasa_tries_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = fresh("rasa.core.policies.rule_policy").RulePolicy
    tried = count_calls(monkeypatch, theirs, "_is_rule_applicable")
    theirs._get_possible_keys(theirs.__new__(theirs), RULES, [SAYS_OI])
    assert len(tried) == len(RULES)


def test_ours_finds_the_same_among_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = fresh("rasa.core.policies.rule_policy").RulePolicy
    ours = RulePolicy.__new__(RulePolicy)
    found = [theirs._get_possible_keys(theirs.__new__(theirs), RULES, states) for states in TALKS]
    assert [ours._get_possible_keys(RULES, states) for states in TALKS] == found
    assert sum(map(bool, found)) > 5
    tried = count_calls(monkeypatch, RulePolicy, "_is_rule_applicable")
    ours._get_possible_keys(RULES, [{**LISTENS, "user": {"intent": "informar"}}])
    assert len(tried) < len(RULES) / 2


# -- the log ------------------------------------------------------------------------------------------

COPYING = ("rasa.core.processor", "rasa.core.actions.forms", "rasa.core.policies.rule_policy")


@pytest.mark.parametrize("name", COPYING)
def test_rasa_copies_for_the_log_and_for_nothing_else(name: str) -> None:
    source = Path(str(fresh(name).__file__)).read_text(encoding="utf-8")
    copies = re.findall(r"^.*\bcopy\.\w+\(.*$", source, re.MULTILINE)
    assert copies
    assert all(re.search(r"(\w+=|\"rule_policy.actions.find\", \w+=)copy\.deepcopy\(", line) for line in copies)


@pytest.mark.parametrize("name", COPYING)
def test_ours_copies_when_the_log_is_on(name: str, caplog: pytest.LogCaptureFixture) -> None:
    ours, said = importlib.import_module(name).copy, [{"text": "oi"}]
    with caplog.at_level("INFO", "rasa"):
        assert ours.deepcopy(said) is said
    with caplog.at_level("DEBUG", "rasa"):
        assert ours.deepcopy(said) is not said


# -- the graph of the model ---------------------------------------------------------------------------


class Node(GraphComponent):
    """Tells what it was given."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    @classmethod
    def create(cls, config: dict[str, Any], **_: Any) -> Node:
        return cls(config["name"])

    def tell(self, **given: Any) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in sorted(given.items()))})"


def runner_of(kind: Any) -> Any:
    def node(name: str, **needs: str) -> SchemaNode:
        return SchemaNode(needs, Node, "create", "tell", {"name": name}, eager=True)

    schema = GraphSchema(
        {
            "last": replace(node("last", a="first", b="second"), is_target=True),
            "second": node("second", a="first", said="__message__"),
            "first": node("first", said="__message__"),
        }
    )
    return kind.create(schema, None, ExecutionContext(schema))


def test_rasa_plans_every_run_of_the_graph_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = fresh("rasa.engine.runner.dask")
    planned = count_calls(monkeypatch, theirs.dask, "get")
    runner = runner_of(theirs.DaskGraphRunner)
    for _ in range(3):
        runner.run(inputs={"__message__": "oi"})
    assert len(planned) == 3


@pytest.mark.parametrize("targets", [None, ["second"], ["first", "last"]])
def test_ours_gives_the_same(targets: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = runner_of(fresh("rasa.engine.runner.dask").DaskGraphRunner).run({"__message__": "oi"}, targets)
    ours = runner_of(DaskGraphRunner)
    assert ours.run({"__message__": "oi"}, targets) == theirs
    planned = count_calls(monkeypatch, GraphSchema, "minimal_graph_schema")
    assert ours.run({"__message__": "oi"}, targets) == theirs
    assert planned == []


# -- the fail-safe tracker store ----------------------------------------------------------------------


class Away(InMemoryTrackerStore):
    async def retrieve(self, sender_id: str) -> None:
        raise ConnectionError("away")

    async def retrieve_full_tracker(self, sender_id: str) -> None:
        raise ConnectionError("away")

    async def save(self, tracker: DialogueStateTracker) -> None:
        raise ConnectionError("away")


async def test_rasa_takes_a_failed_read_for_a_new_customer() -> None:
    store = fresh("rasa.core.tracker_store").FailSafeTrackerStore(Away(DOMAIN))
    assert await store.retrieve("5583991110001") is None
    assert await store.retrieve_full_tracker("5583991110001") is None


async def test_rasa_keeps_a_failed_write_in_memory_only() -> None:
    store = fresh("rasa.core.tracker_store").FailSafeTrackerStore(Away(DOMAIN))
    await store.save(DialogueStateTracker("5583991110001", []))
    assert list(store.fallback_tracker_store.store) == ["5583991110001"]


async def test_ours_says_so() -> None:
    store = FailSafeTrackerStore(Away(DOMAIN))
    for failing in (
        store.retrieve("5583991110001"),
        store.retrieve_full_tracker("5583991110001"),
        store.save(DialogueStateTracker("5583991110001", [])),
        store.get_or_create_tracker("5583991110001"),
    ):
        with pytest.raises(ConnectionError, match="away"):
            await failing
    assert store._fallback_tracker_store is None


# -- an action that fails -----------------------------------------------------------------------------


class AwayEndpoint(EndpointConfig):
    """An action server that is away, or that rejects."""

    def __init__(self, error: Exception) -> None:
        super().__init__("http://127.0.0.1:9")
        self.error = error

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        raise self.error


def processor_of(kind: Any) -> Any:
    processor = kind.__new__(kind)
    processor.domain, processor.max_number_of_predictions = DOMAIN, 3
    processor.on_circuit_break = None
    return processor


async def run_action(processor: Any, action: Any) -> tuple[bool, DialogueStateTracker]:
    tracker = DialogueStateTracker("5583991110001", DOMAIN.slots)
    prediction = PolicyPrediction.for_action_name(DOMAIN, "action_x")
    goes_on = await processor._run_action(action, tracker, CollectingOutputChannel(), None, prediction)
    return goes_on, tracker


async def test_rasa_goes_on_after_a_failed_action() -> None:
    action = fresh("rasa.core.actions.action").RemoteAction("action_x", AwayEndpoint(ConnectionError("away")))
    goes_on, tracker = await run_action(processor_of(fresh("rasa.core.processor").MessageProcessor), action)
    assert goes_on is True
    assert [event.action_name for event in tracker.events] == ["action_x"]  # as if it had been done


async def test_ours_fails_the_turn() -> None:
    action = RemoteAction("action_x", AwayEndpoint(ConnectionError("segredo")))
    with pytest.raises(TurnFailed) as raised:
        await run_action(processor_of(MessageProcessor), action)
    assert str(raised.value).startswith("action_x: ")
    assert "segredo" not in str(raised.value)


async def test_a_form_may_still_reject() -> None:
    action = RemoteAction("action_x", AwayEndpoint(ActionExecutionRejection("action_x")))
    goes_on, tracker = await run_action(processor_of(MessageProcessor), action)
    assert goes_on is True
    assert [type(event).__name__ for event in tracker.events] == ["ActionExecutionRejected"]


# -- too many actions ---------------------------------------------------------------------------------


def endless() -> DialogueStateTracker:
    """A talk in which three actions ran without an end."""
    tracker = DialogueStateTracker("5583991110001", DOMAIN.slots)
    tracker.update_with_events([UserUttered("oi"), *[ActionExecuted("action_x")] * 3], DOMAIN)
    return tracker


async def test_rasa_stops_without_listening_and_never_comes_back() -> None:
    processor = processor_of(fresh("rasa.core.processor").MessageProcessor)
    tracker = endless()
    for _ in range(2):  # also for the next message of the customer's
        tracker.update(UserUttered("oi?"), DOMAIN)
        await processor._run_prediction_loop(CollectingOutputChannel(), tracker)
    assert not any(isinstance(e, ActionExecuted) and e.action_name == "action_listen" for e in tracker.events)


async def test_ours_fails_the_turn_too() -> None:
    with pytest.raises(TurnFailed, match="too many actions"):
        await processor_of(MessageProcessor)._run_prediction_loop(CollectingOutputChannel(), endless())


def test_a_turn_that_ends_is_not_too_long() -> None:
    processor = processor_of(MessageProcessor)
    assert processor.is_action_limit_reached(endless(), should_predict_another_action=False) is False
    tracker = endless()
    tracker.update(ActionExecuted("action_listen"), DOMAIN)
    assert processor.is_action_limit_reached(tracker, should_predict_another_action=True) is False
