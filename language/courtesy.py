"""A greeting or a thank-you does not hide a wish: "oi bom dia, quero a segunda via" wants the bill."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message

COURTESY = frozenset({"saudar", "agradecer", "despedir", "elogiar"})
#: Intents that a courtesy may stand beside without being one wish more.
NO_WISH = COURTESY | {"afirmar", "negar", "informar", "desistir", "nao_entendi", "fora_do_escopo", "reclamar"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class WishBeforeCourtesy(IntentClassifier, GraphComponent):
    """Where a courtesy leads the ranking and a wish is clearly there too, the wish is the intent.

    The two shared the confidence because both were said; the wish takes the courtesy's share.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._threshold = float(config.get("threshold", 0.2))

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`threshold`: the least confidence of a wish that was said beside a courtesy."""
        return {"threshold": 0.2}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> WishBeforeCourtesy:
        return cls(config)

    def process(self, messages: list[Message]) -> list[Message]:
        """Reorders `intent` and `intent_ranking` where the rule applies."""
        for message in messages:
            ranking = message.get("intent_ranking") or []
            if not ranking or ranking[0]["name"] not in COURTESY:
                continue
            wish = next((r for r in ranking if r["name"] not in NO_WISH), None)
            if wish is None or wish["confidence"] < self._threshold:
                continue
            courtesy = ranking[0]
            first = {**wish, "confidence": wish["confidence"] + courtesy["confidence"]}
            rest = [r for r in ranking if r not in (wish, courtesy)]
            message.set(INTENT, first, add_to_output=True)
            message.set("intent_ranking", [first, *rest, {**courtesy, "confidence": 0.0}], add_to_output=True)
        return messages
