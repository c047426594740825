"""The stories of this folder, played to the end: their actions really run, on the sample records.

`rasa test` predicts the next action and believes the story in everything else: what a form asks next, when it
is complete. Here the same words go to the same model with the real actions behind it, and each turn must run the
actions that the story says and end at the question that it says. A story's `metadata.quem` is the sample
customer whose phone it is written from; without it the phone is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.nlu.training_data.entities_parser import replace_entities

from backoffice.seed import SAMPLE
from backoffice.sql import SqlErp

FOLDER = Path(__file__).resolve().parent
UNKNOWN_PHONE = "5583977770000"
#: What Rasa runs around every turn, and what forms run to ask and to check.
AROUND = re.compile(r"action_listen|action_session_start|action_extract_slots|action_ask_\w+|validate_\w+")


@dataclass
class Turn:
    """What is written, and what is to happen. `asks` is None where the story does not say."""

    words: str
    actions: list[str] = field(default_factory=list)
    asks: str | None = None
    loop: str | None = None


def turns_of(story: dict[str, Any]) -> list[Turn]:
    turns: list[Turn] = []
    loop: str | None = None
    for step in story["steps"]:
        if "user" in step:
            turns.append(Turn(replace_entities(step["user"].strip()), loop=loop))
        elif "action" in step:
            turns[-1].actions.append(step["action"])
        elif "slot_was_set" in step:
            turns[-1].asks = str(step["slot_was_set"][0]["requested_slot"])
        elif "active_loop" in step:
            turns[-1].loop = loop = step["active_loop"]
    return turns


def stories() -> Iterator[Any]:
    for file in sorted(FOLDER.rglob("test_*.yml")):
        for story in yaml.safe_load(file.read_text(encoding="utf-8"))["stories"]:
            name = f"{file.parent.name}/{file.stem.removeprefix('test_')}: {story['story']}"
            yield pytest.param(story, id=name)


def phone_of(story: dict[str, Any]) -> str | None:
    name = (story.get("metadata") or {}).get("quem")
    if name is None:
        return UNKNOWN_PHONE
    customers = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["customers"]
    (phone,) = [customer["phone"] for customer in customers if customer["name"].startswith(name)]
    return phone if phone is None else str(phone)


@pytest.mark.parametrize("story", stories())
async def test_what_a_story_says_really_happens(story: dict[str, Any], agent: Agent, database: str) -> None:
    SqlErp.open(database, reset=True).close()
    chat, phone = story["story"], phone_of(story)
    for number, turn in enumerate(turns_of(story)):
        before = await agent.tracker_store.get_or_create_tracker(chat)
        seen = len(before.events)
        said = CollectingOutputChannel()
        metadata = {"phone": phone, "turn": f"turn-{number}", "channel": "zapi"}
        await agent.handle_message(UserMessage(turn.words, said, chat, metadata=metadata))
        after = await agent.tracker_store.get_or_create_tracker(chat)
        events = [event.as_dict() for event in list(after.events)[seen:]]
        ran = [e["name"] for e in events if e["event"] == "action" and not AROUND.fullmatch(e["name"] or "")]
        told = f"turn {number + 1}, {turn.words!r}: Theo said {[m.get('text') for m in said.messages]}"
        assert ran == turn.actions, told
        assert after.active_loop_name == turn.loop, told
        if turn.asks is not None:
            assert str(after.get_slot("requested_slot")) == turn.asks, told
        assert said.messages, f"turn {number + 1}, {turn.words!r}: Theo said nothing"
