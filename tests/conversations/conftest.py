"""Talks in one process: the trained model, and the real actions on the sample records behind it."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.utils.endpoints import EndpointConfig
from rasa.utils.log_utils import configure_structlog
from rasa_sdk.executor import ActionExecutor

import tests.conftest  # noqa: F401  the key that documents are sealed with
from actions.failures import owed
from actions.talk import erp
from connectors import rasa_patches
from scripts import run


class ActionServer(EndpointConfig):
    """The action server without the HTTP: what Rasa would send goes through JSON to the same actions."""

    def __init__(self) -> None:
        super().__init__("http://in-this-process.example")
        self._executor = ActionExecutor()
        self._executor.register_package("actions")

    async def request(self, method: str = "post", *_: Any, **request: Any) -> Any:
        return through_json(await self._executor.run(through_json(request["json"])))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The records that the actions of this process use."""
    url = f"sqlite:///{tmp_path_factory.mktemp('records')}/theo.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("THEO_SECRET", "a secret of this test, long enough to sign with")
        for opened in (erp, owed):
            opened.cache_clear()
        yield url
    for opened in (erp, owed):
        opened.cache_clear()


@pytest.fixture(scope="session")
def agent(database: str) -> Agent:
    assert run.MODEL.exists(), "there is no model: run `make train` first"
    configure_structlog(logging.ERROR)
    rasa_patches.apply()  # an action that fails fails its turn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = EndpointConfig(type="language.responses.VariedResponses")
        return Agent.load(str(run.MODEL), generator=words, action_endpoint=ActionServer())
