"""What a person may ask of whoever holds their data (LGPD, art. 18): to see it, and to have it erased.

Too rare to learn from examples and too grave to guess, so it is read by rule: the message becomes `informar` with
the entity `direito` (`ver` or `apagar`), and a rule of `data/rules/conversation.yml` opens the form.
"""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from language.folding import fold_tokens

SEE, ERASE = "ver", "apagar"
_MINE = r"(?:(?:todos |todas )?(?:os |as |o |a )?(?:meus?|minhas?) )"
_WHAT = r"(?:dados(?: pessoais)?|informacoes(?: pessoais)?|conversas?|historico|mensagens)"
_ERASE = re.compile(
    rf"\b(?:apag|exclu|delet|remov|elimin)\w* (?:{_MINE}{_WHAT}|(?:tudo|o que) (?:que )?(?:voces? )?(?:tem|guard\w+|sab\w+) (?:de|sobre) mim)"
    r"|(?:exclusao|remocao|eliminacao) (?:de|dos) (?:meus )?dados"
)
_SEE = re.compile(
    r"(?:(?:oi|ola|bom dia|boa tarde|boa noite|theo) )*"
    r"(?:(?:eu|quero|queria|gostaria|de|preciso|pode|posso|me|quais|sao|ver|mostr\w+|consult\w+|acess\w+|saber|uma|copia) )*"
    rf"{_MINE}dados(?: pessoais)?(?: por favor)?"
    r"|(?:.* )?(?:o que|(?:quais|que) (?:dados|informacoes)) (?:e que )?(?:voces? |a start |a empresa )?(?:tem|guard\w+|sab\w+|armazen\w+)"
    r"(?: guardado)? (?:de|sobre) mim"
)


def right_in(text: str) -> str | None:
    """`ver`, `apagar`, or None for a message that asks for neither."""
    folded = " ".join(token for token in fold_tokens(text) if token.isalnum())
    if re.search(r"\b(?:nao|n) (?:quero |precisa |e para )?(?:apag|exclu|delet|remov)", folded):
        return None
    if _ERASE.search(folded):
        return ERASE
    return SEE if _SEE.fullmatch(folded) else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class DataRights(IntentClassifier, GraphComponent):
    """Overrules the classifier where a message asks for the customer's own data."""

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> DataRights:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets the intent and adds the entity where the rule applies."""
        for message in messages:
            text = message.get(TEXT) or ""
            right = right_in(text)
            if right is None:
                continue
            sure = {"name": "informar", "confidence": 1.0}
            entity = {
                "entity": "direito", "start": 0, "end": len(text), "value": right, "confidence_entity": 1.0,
                "extractor": type(self).__name__,
            }  # fmt: skip
            message.set(INTENT, sure, add_to_output=True)
            message.set("intent_ranking", [sure], add_to_output=True)
            message.set(ENTITIES, [*message.get(ENTITIES, []), entity], add_to_output=True)
        return messages
