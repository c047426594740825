"""The same data and seed give the same model: the same file, and the same answer to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from language.classifier import PortugueseIntentClassifier

EXAMPLES = [
    *((text, "pedir_segunda_via") for text in ("meu boleto", "segunda via da fatura", "manda o pix", "quero a conta")),
    *((text, "sem_internet") for text in ("to sem internet", "caiu tudo", "não conecta", "a net caiu de novo")),
    *((text, "saudar") for text in ("oi", "bom dia", "olá, tudo bem?", "opa")),
]
ASKED = ["cadê meu boleto", "a internet caiu", "oi, bom dia", "xyz"]


def trained(folder: Path, examples: list[tuple[str, str]]) -> list[list[dict[str, Any]]]:
    """Trains, stores, loads, and asks."""
    folder.mkdir()
    storage, resource, context = LocalModelStorage(folder), Resource("it"), ExecutionContext(GraphSchema({}))
    config = PortugueseIntentClassifier.get_default_config()
    data = TrainingData([Message({"text": text, "intent": intent}) for text, intent in examples])
    PortugueseIntentClassifier.create(config, storage, resource, context).train(data)
    model = PortugueseIntentClassifier.load(config, storage, resource, context)
    return [message.get("intent_ranking") for message in model.process([Message({"text": text}) for text in ASKED])]


def test_trained_twice_it_says_the_same(tmp_path: Path) -> None:
    first, second = trained(tmp_path / "one", EXAMPLES), trained(tmp_path / "two", EXAMPLES)
    assert first == second  # names and confidences, to the last bit
    files = [
        {path.relative_to(tmp_path / name): path.stat().st_size for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_other_data_say_something_else(tmp_path: Path) -> None:
    """The comparison can fail."""
    assert trained(tmp_path / "one", EXAMPLES) != trained(tmp_path / "two", EXAMPLES[:-1])
