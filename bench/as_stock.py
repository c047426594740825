"""Our data as Rasa's own components read them: for the stock configuration and for its policies.

Two things differ. Our test stories become training stories: intents and entities, without the words. And our
examples are annotated, since DIET learns entities from marks and `language/entities.py` needs none.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bench.compare_nlu import Examples, read

ROOT = Path(__file__).resolve().parent.parent
#: What the project of the bench is trained on: a share of each intent's examples, and the epochs of DIET (`rasa init`
#: writes 100; the policies keep theirs). A turn costs the same however long its model was trained.
SHARE, EPOCHS = 0.25, 6
SEED = 42


def stories_of(folder: Path) -> list[dict[str, Any]]:
    """The stories of every `test_*.yml` below a folder, each named after its file, in the order of their names."""
    found = []
    for file in sorted(folder.rglob("test_*.yml")):
        for story in yaml.safe_load(file.read_text(encoding="utf-8"))["stories"]:
            found.append({**story, "story": f"{file.parent.name}/{file.stem}: {story['story']}"})
    return found


def training_story(story: dict[str, Any]) -> dict[str, Any]:
    """A test story to train on: what was said is left out, its entities stay."""
    steps = []
    for step in story["steps"]:
        if "user" not in step:
            steps.append(step)
            continue
        entities = [{name: value} for name, value in said_entities(step["user"].strip())]
        steps.append({"intent": step["intent"], **({"entities": entities} if entities else {})})
    return {"story": story["story"], "steps": steps}


def said_entities(text: str) -> Iterator[tuple[str, Any]]:
    """(entity, value) of a sentence of a test story: its marks, or what a tap brings with it."""
    from rasa.shared.nlu.training_data.entities_parser import find_entities_in_training_example

    if text.startswith("/"):
        _, brace, values = text.partition("{")
        yield from json.loads(brace + values).items() if brace else ()
        return
    for found in find_entities_in_training_example(text):
        yield found["entity"], found["value"]


def annotated(part: float) -> str:
    """That share of each intent's examples of `data/nlu/`, with the entities marked, as the text of an NLU file."""
    folder = ROOT / "data" / "nlu"
    return marked(read(folder).share(part, SEED), folder / "entities.yml")


def marked(examples: Examples, words: Path) -> str:
    """The examples with a mark around what `language/entities.py` finds in them; `words` is the file of listed words."""
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.engine.storage.resource import Resource
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLWriter
    from rasa.shared.nlu.training_data.loading import load_data
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from language.entities import PortugueseEntityExtractor

    listed = load_data(str(words))
    # What a customer types in brackets would be read as a mark.
    readable = [pair for pair in zip(examples.texts, examples.intents) if not set(pair[0]) & set("[](){}")]
    messages = [Message({"text": text, "intent": intent}) for text, intent in readable]
    with tempfile.TemporaryDirectory() as name:
        made: tuple[Any, ...] = ({}, LocalModelStorage(Path(name)), Resource("entities"), ExecutionContext(GraphSchema({})))
        PortugueseEntityExtractor.create(*made).train(listed)
        for message in PortugueseEntityExtractor.load(*made).process(messages):
            message.set("entities", apart(message.get("entities")))
    data = TrainingData(messages, listed.entity_synonyms, listed.regex_features, listed.lookup_tables)
    return str(RasaYAMLWriter().dumps(data))


def apart(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of entities that overlap the first, in the order of their places; values as text."""
    found: list[dict[str, Any]] = []
    for one in sorted(entities, key=lambda entity: entity["start"]):
        if not found or one["start"] >= found[-1]["end"]:
            found.append({key: one[key] for key in ("entity", "start", "end")} | {"value": str(one["value"])})
    return found


def stock_config(diet_epochs: int | None = None) -> dict[str, Any]:
    """The components and policies that Rasa takes where `config.yml` names none, as in what `rasa init` writes."""
    import rasa.engine.recipes

    file = Path(rasa.engine.recipes.__file__).parent / "config_files" / "default_config.yml"
    config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    for step in [*config["pipeline"], *config["policies"]]:
        if "epochs" in step:
            step["random_seed"] = SEED
        if step["name"] == "DIETClassifier" and diet_epochs:
            step["epochs"] = diet_epochs
    return {**config, "language": "pt", "assistant_id": "stock"}


def write_data(project: Path, stories: list[dict[str, Any]], nlu: str | None = None) -> None:
    """Our domain and rules, these stories, and the text of an NLU file, as a project of Rasa's."""
    shutil.copytree(ROOT / "data" / "rules", project / "data" / "rules", dirs_exist_ok=True)
    shutil.copy(ROOT / "domain.yml", project)
    told = {"version": "3.1", "stories": [training_story(story) for story in stories]}
    write_yaml(project / "data" / "stories.yml", told)
    if nlu is not None:
        (project / "data" / "nlu.yml").write_text(nlu, encoding="utf-8")


def write_yaml(path: Path, what: Any) -> None:
    path.write_text(yaml.safe_dump(what, allow_unicode=True, sort_keys=False), encoding="utf-8")


def fingerprint() -> str:
    """Of everything that the project of the bench is made from."""
    sources = [
        ROOT / "domain.yml", Path(__file__), ROOT / "language" / "entities.py",
        *sorted((ROOT / "data").rglob("*.yml")), *sorted((ROOT / "tests" / "conversations").rglob("test_*.yml")),
    ]  # fmt: skip
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
