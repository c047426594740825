"""A new model is taken without a restart, and a broken one never."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.engine.storage.local_model_storage import LocalModelStorage

from connectors import model as module
from connectors.model import ModelWatch


class Watched:
    """An agent, its file, and a watch whose looks and pauses are counted. Loading is replaced: it takes seconds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "theo.tar.gz"
        self.pauses, self.loads = 0, 0
        nlg = TemplatedNaturalLanguageGenerator({"utter_oi": [{"text": "velho"}]})
        store = SimpleNamespace(domain="old")
        self.agent: Any = SimpleNamespace(
            processor=self.processor("A"), tracker_store=store, lock_store=None, nlg=nlg, action_endpoint=None,
            http_interpreter=None, domain="old", model_id="A", _set_fingerprint=lambda: None,
        )  # fmt: skip
        self.watch = ModelWatch(self.pause)
        monkeypatch.setattr(LocalModelStorage, "metadata_from_archive", self.metadata)
        monkeypatch.setattr(module, "MessageProcessor", self.load)
        self.write("A")

    def processor(self, name: str) -> Any:
        domain = SimpleNamespace(responses={"utter_oi": [{"text": name}]})
        return SimpleNamespace(model_path=self.file, domain=domain, name=name)

    def metadata(self, path: Path) -> Any:
        return SimpleNamespace(model_id=path.read_text())

    def load(self, path: Path, *_: Any, **__: Any) -> Any:
        self.loads += 1
        name = path.read_text()
        if name == "broken":
            raise ValueError("no model")
        return self.processor(name)

    @contextlib.asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        self.pauses += 1
        yield

    def write(self, name: str) -> None:
        """As `make train` does: the new file takes the place of the old one at once."""
        new = self.file.with_suffix(".new")
        new.write_text(name)
        os.replace(new, self.file)

    async def looks(self, times: int = 2) -> list[bool]:
        return [await self.watch.look(self.agent) for _ in range(times)]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(tmp_path, monkeypatch)


async def test_another_model_is_taken_between_turns(watched: Watched) -> None:
    assert await watched.looks() == [False, False], "the model at work is no news"
    watched.write("B")
    assert await watched.looks(3) == [False, True, False]
    assert (watched.agent.processor.name, watched.pauses, watched.loads) == ("B", 1, 1)
    assert watched.agent.domain is watched.agent.tracker_store.domain is watched.agent.processor.domain
    assert watched.agent.nlg.responses == {"utter_oi": [{"text": "B"}]}


async def test_one_that_came_before_the_first_look_is_taken_too(watched: Watched) -> None:
    watched.write("B")
    assert await watched.looks() == [False, True]


async def test_a_file_that_is_still_growing_waits(watched: Watched) -> None:
    for part in ("B", "BB", "BBB"):
        watched.file.write_text(part)
        assert await watched.looks(1) == [False]
    assert await watched.looks(1) == [True]
    assert watched.agent.processor.name == "BBB"


async def test_a_broken_one_is_reported_once_and_the_old_one_stays(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.write("broken")
    assert await watched.looks(4) == [False] * 4
    assert watched.agent.processor.name == "A"
    assert (watched.loads, watched.pauses) == (1, 0)
    assert caplog.text.count("The new model cannot be loaded; the one at work stays") == 1
    watched.write("B")
    assert await watched.looks() == [False, True], "the next one is taken"


async def test_a_file_that_is_gone_and_an_agent_without_a_model_are_no_news(watched: Watched) -> None:
    watched.file.unlink()
    assert await watched.looks() == [False, False]
    watched.agent.processor = None
    assert await watched.looks() == [False, False]
    assert not await watched.watch.look(None)


def test_it_takes_what_rasa_itself_would_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`take` repeats the end of `Agent.load_model`; a newer Rasa that sets more must be seen here."""
    import inspect

    from rasa.core.agent import Agent

    lines = [line.strip() for line in inspect.getsource(Agent.load_model).splitlines()]
    assigned = [line.split(" = ")[0] for line in lines if line.startswith("self.") and " = " in line]
    assert assigned == ["self.processor", "self.domain", "self.tracker_store.domain", "self.nlg.responses"]
