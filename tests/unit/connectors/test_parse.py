"""Every kind of callback that Z-API sends, by a recorded body with invented values."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.addresses import canonical_phone
from connectors.messages import Connection, Delivery, Event, Ignored, Incoming
from connectors.zapi import parse as module
from connectors.zapi.parse import parse

FIXTURES = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("fixtures/*.json")}
EVENTS = {kind.__name__: kind for kind in (Incoming, Delivery, Connection, Ignored)}


def expected(fixture: dict[str, Any]) -> Event:
    values = dict(fixture["expected"])
    return EVENTS[values.pop("event")](**values)


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_reads(name: str) -> None:
    assert parse(FIXTURES[name]["body"]) == expected(FIXTURES[name])


def test_every_rule_and_attachment_has_a_fixture() -> None:
    source = Path(module.__file__).read_text()
    rules = set(re.findall(r'Ignored\("(\w+)"\)', source)) | {"waiting_stub", "no_content"}
    seen = [parse(fixture["body"]) for fixture in FIXTURES.values()]
    assert {event.rule for event in seen if isinstance(event, Ignored)} == rules
    attachments = {event.attachment for event in seen if isinstance(event, Incoming)} - {None}
    assert attachments == {*module.ATTACHMENTS.values(), "ligacao", "outro"}
    assert len({event.kind for event in seen if isinstance(event, Incoming)}) == 6


def test_a_message_survives_the_database() -> None:
    for fixture in FIXTURES.values():
        event = parse(fixture["body"])
        if isinstance(event, Incoming):
            assert Incoming.from_json(event.to_json()) == event


@pytest.mark.parametrize(
    ("change", "event"),
    [
        ({"text": {"message": "a\0b"}}, {"text": "ab"}),  # PostgreSQL takes no NUL
        ({"text": {"message": "oi \ud83d"}}, {"text": "oi "}),  # half an emoji is no UTF-8
        ({"messageId": "3EB0\0AB"}, {"message_id": "3EB0AB"}),
        ({"chatLid": "not a lid"}, {"lid": None}),
        ({"chatLid": "5583991110001"}, {"lid": None}),
        ({"chatLid": 7}, {"lid": None}),
        ({"momment": 10**400}, {"sent_at": None}),
        ({"momment": float("nan")}, {"sent_at": None}),
        ({"momment": True}, {"sent_at": None}),
        ({"momment": None}, {"sent_at": None}),
    ],
)
def test_odd_values(change: dict[str, Any], event: dict[str, Any]) -> None:
    read = parse({**FIXTURES["text"]["body"], **change})
    assert isinstance(read, Incoming)
    for name, value in event.items():
        assert getattr(read, name) == value


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, "-7.1", None, True])
def test_a_place_without_numbers_is_still_a_place(value: Any) -> None:
    body = {**FIXTURES["location"]["body"], "location": {"latitude": value, "longitude": -34.8}}
    read = parse(body)
    assert isinstance(read, Incoming)
    assert (read.attachment, read.latitude, read.longitude) == ("localizacao", None, None)


# -- any body -----------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=()), max_size=20)  # with NUL and halves of surrogate pairs
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({key for fixture in FIXTURES.values() for key in fixture["body"]})
INNER = sorted(
    {key for f in FIXTURES.values() for value in f["body"].values() if isinstance(value, dict) for key in value}
)
CONTENT = JSON | st.dictionaries(st.sampled_from(INNER), JSON, max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, JSON, max_size=5))
def test_any_object_is_an_event(body: dict[str, Any]) -> None:
    assert isinstance(parse(body), tuple(EVENTS.values()))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FIXTURES)), st.dictionaries(st.sampled_from(NAMES), CONTENT, max_size=4))
def test_any_change_of_a_recorded_body_is_an_event(name: str, change: dict[str, Any]) -> None:
    event = parse({**FIXTURES[name]["body"], **change})
    assert isinstance(event, tuple(EVENTS.values()))
    for value in dataclasses.astuple(event):
        if isinstance(value, str):
            assert "\0" not in value
            value.encode()
    if isinstance(event, Incoming):
        assert 0 < len(event.message_id) <= 128
        json.loads(event.to_json(), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize(
    ("address", "phone"),
    [
        ("558391110001", "5583991110001"),
        ("5583991110001", "5583991110001"),
        ("+55 (83) 99111-0001", "5583991110001"),
        ("558332110001", "558332110001"),  # a landline has no ninth digit
        ("351912345678", "351912345678"),
        ("70000000000001@lid", "70000000000001@lid"),  # never a phone
    ],
)
def test_canonical_phone(address: str, phone: str) -> None:
    assert canonical_phone(address) == phone
