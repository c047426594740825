"""A new model without a restart: loaded beside the one at work, taken between two turns."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.core.processor import MessageProcessor
from rasa.engine.storage.local_model_storage import LocalModelStorage

from connectors.errors import without_text

logger = logging.getLogger(__name__)
Stamp = tuple[int, int, int]


class ModelWatch:
    """Looks at the file that Rasa's agent was loaded from. `pause` keeps turns away while it is open."""

    def __init__(self, pause: Callable[[], contextlib.AbstractAsyncContextManager[None]]) -> None:
        self._pause = pause
        self._seen: Stamp | None = None
        self._settled: Stamp | None = None

    async def look(self, agent: Any) -> bool:
        """Takes the model in the file when it is another one. True when it did.

        A file is read once it is the same at two looks, since it may be in the middle of a copy. One that
        cannot be loaded is reported once, and the model at work stays.
        """
        processor = getattr(agent, "processor", None)
        if processor is None:
            return False
        path = Path(processor.model_path)
        stamp = _stamp(path)
        if stamp is None or stamp == self._settled:
            return False
        if stamp != self._seen:
            self._seen = stamp
            return False
        self._settled = stamp
        try:
            metadata = await asyncio.to_thread(LocalModelStorage.metadata_from_archive, path)
            if metadata.model_id == agent.model_id:
                return False
            logger.info("A new model is there; it is being loaded.")
            processor = await asyncio.to_thread(
                MessageProcessor,
                path,
                agent.tracker_store,
                agent.lock_store,
                agent.nlg,
                action_endpoint=agent.action_endpoint,
                http_interpreter=agent.http_interpreter,
            )
        except Exception as error:  # noqa: BLE001 - whatever is in that file, the model at work goes on
            logger.error("The new model cannot be loaded; the one at work stays: %s", without_text(error))
            return False
        async with self._pause():
            take(agent, processor)
        logger.info("The new model is at work.")
        return True


def take(agent: Any, processor: MessageProcessor) -> None:
    """What `Agent.load_model` does once its processor is made (rasa 3.6.21)."""
    agent.processor = processor
    agent.domain = agent.tracker_store.domain = processor.domain
    agent._set_fingerprint()
    if isinstance(agent.nlg, TemplatedNaturalLanguageGenerator):
        agent.nlg.responses = processor.domain.responses


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:  # it is being replaced
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
