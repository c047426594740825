"""Chooses among the variations of a response: never the one that was just sent."""

from __future__ import annotations

import copy
from typing import Any

from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

REMEMBERED = 6


class VariedResponses(TemplatedNaturalLanguageGenerator):
    """In the order of the domain, the first variation that is not among Theo's last sentences."""

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        super().__init__(domain.responses)

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Fills every variation and takes the first whose text was not said lately; else the one said longest ago."""
        if utter_action not in self.responses:
            return None
        slots = tracker.current_slot_values()
        fitting = ResponseVariationFilter(self.responses).responses_for_utter_action(utter_action, output_channel, slots)
        filled = [self._fill_response(copy.deepcopy(response), slots, **kwargs) for response in fitting]
        said = [e.text for e in reversed(tracker.events) if isinstance(e, BotUttered) and e.text][:REMEMBERED]
        fresh = [response for response in filled if response.get("text") not in said]
        if fresh or not filled:
            return fresh[0] if fresh else None
        return max(filled, key=lambda response: said.index(response["text"]))
