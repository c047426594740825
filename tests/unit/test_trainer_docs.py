"""The guides of those who train and test Theo, `docs/treinador.md` and `docs/qa.md`, against the project.

What they name exists, what they tell to type is understood, their examples are what Rasa and `make check-data`
take, and the errors that they show are the errors that these mistakes really give.
"""

from __future__ import annotations

import copy
import re
import shlex
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import check_data, run
from scripts import test as test_script

ROOT = run.ROOT
DOCS = ROOT / "docs"
GUIDES = ("treinador.md", "qa.md")
TRAINER, QA = GUIDES
#: Folders that the programs fill; they are not there in a fresh copy of the project.
GENERATED = ("models/", "results/", "var/")
#: The folder that a trainer makes with the first story; there is none while rules do.
MADE_BY_HAND = ("data/stories/",)
#: What an example starts with: where it belongs.
PLACE = re.compile(r"# ([\w./-]+)(?: \((.+)\))?$")
PATH = re.compile(r"(?<![\w./*-])((?:\.?[\w-]+/)+(?:[\w-]+(?:\.[\w-]+)*)?|[\w-]+\.(?:json|log|md|png|py|yml))(?![\w*])")
#: A file that a guide names because it is wrong.
MISNAMED = "minha.yml"


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    guide: str
    language: str
    text: str


def read(guide: str) -> str:
    return (DOCS / guide).read_text(encoding="utf-8")


def blocks(guide: str, language: str | None = None) -> list[Block]:
    found = [Block(guide, m[1], m[2]) for m in re.finditer(r"^```(\w*)\n(.*?)^```$", read(guide), re.M | re.S)]
    return [block for block in found if language is None or block.language == language]


def prose(file: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.M | re.S)


def inline(guide: str) -> list[str]:
    """What stands between backticks in the running text and the tables."""
    return re.findall(r"`([^`\n]+)`", prose(DOCS / guide))


def code(guide: str) -> str:
    """Everything of a guide that is set as code, except the examples."""
    return "\n".join([*inline(guide), *(block.text for block in blocks(guide, ""))])


def commands(guide: str) -> list[list[str]]:
    """The Python commands that a guide tells to type, in words."""
    lines = [text for part in (*inline(guide), *(b.text for b in blocks(guide, ""))) for text in part.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(".venv/bin/python -m ")]


# -- what the guides name -------------------------------------------------------------------------------


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_exists(guide: str) -> None:
    named = set(PATH.findall(code(guide))) - {MISNAMED}
    assert len(named) > 15
    missing = [p for p in named if not p.startswith((*GENERATED, *MADE_BY_HAND)) and not any((r / p).exists() for r in (ROOT, DOCS))]
    assert [path for path in missing if not path.startswith(".venv/")] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_leads_somewhere(guide: str) -> None:
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", re.sub(r"`[^`\n]+`", "", prose(DOCS / guide)))
    assert links
    for file, anchor in links:
        target = DOCS / (file or guide)
        assert target.exists(), file
        if anchor:
            assert anchor in anchors(target), f"{file}#{anchor}"


def anchors(file: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(file), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_make_target_exists(guide: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", code(guide)))
    assert named
    assert named <= targets


@pytest.mark.parametrize("guide", GUIDES)
def test_every_python_command_is_understood(guide: str) -> None:
    found = commands(guide)
    assert found
    for command in found:
        module, arguments = command[2], command[3:]
        if module == "rasa":
            from rasa.__main__ import create_argument_parser

            create_argument_parser().parse_args(arguments)  # exits on an option that Rasa does not know
        elif module == "scripts.test":
            assert arguments[0] == "--only"
            assert set(arguments[1:]) <= {step.name for step in test_script.steps()}
        elif module == "scripts.check_data":
            assert all(f'"{argument}"' in Path(check_data.__file__).read_text("utf-8") for argument in arguments)
        else:
            assert module == "pytest"
            words = arguments[arguments.index("-k") + 1].split(" and ") if "-k" in arguments else []
            assert not words or any(all(word in name for word in words) for name in story_names(guide))


def story_names(guide: str) -> list[str]:
    found = [yaml.safe_load(block.text) for block in blocks(guide, "yaml")]
    return [story["story"] for content in found for story in content.get("stories", ())]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_response_and_action_in_the_text_exists(guide: str) -> None:
    known = names_of(domain()) | new_names(guide) | check_data.RASA_ACTIONS
    named = {
        w for part in inline(guide) for w in re.findall(r"\b(?:utter|action)_[a-z_]*[a-z]\b|\b[a-z_]+_form\b", part)
    }
    assert named
    assert named <= known


@pytest.mark.parametrize("guide", GUIDES)
def test_every_intent_that_was_understood_exists(guide: str) -> None:
    """In confidences, confusions, lists of errors and failed conversations."""
    shown = re.findall(
        r"`([a-z_]+)` \d,\d\d|`([a-z_]+) → ([a-z_]+)`|^ +\d+ +([a-z_]+) → ([a-z_]+)$|predicted: ([a-z_]+)"
        r"|\| `([a-z_]+)` \| `([a-z_]+)`|\"name\": \"([a-z_]+)\"",
        read(guide),
        re.M,
    )
    named = {name for names in shown for name in names if name}
    assert len(named) > 3
    assert named <= names_of(domain()) | new_names(guide) | check_data.RASA_ACTIONS | {check_data.FALLBACK}


# -- the examples ---------------------------------------------------------------------------------------


@lru_cache
def domain() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    return content


def names_of(content: dict[str, Any]) -> set[str]:
    """Intents, entities, slots, actions, forms and responses of a domain."""
    found: set[str] = set()
    for key in ("intents", "entities", "slots", "actions", "forms", "responses"):
        for item in content.get(key) or ():
            found.add(next(iter(item)) if isinstance(item, dict) else str(item))
    return found


def new_names(guide: str) -> set[str]:
    """What a guide's exercise adds to the domain."""
    return {
        name
        for block in blocks(guide, "yaml")
        if (place := PLACE.match(block.text.splitlines()[0])) and place[2] == "assunto novo"
        for name in names_of(yaml.safe_load(block.text))
    }


def examples() -> Iterator[Any]:
    for guide in GUIDES:
        for number, block in enumerate(blocks(guide, "yaml"), 1):
            yield pytest.param(block, id=f"{guide}-{number}")


@pytest.mark.parametrize("block", examples())
def test_an_example_is_what_its_place_takes(block: Block, tmp_path: Path) -> None:
    """Rasa reads it there, and it names only what exists or what the guide itself adds."""
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

    place = PLACE.match(block.text.splitlines()[0])
    assert place, "an example starts with a comment: the file where it belongs"
    assert place[1] in MADE_BY_HAND or (ROOT / place[1]).exists(), place[1]
    content = yaml.safe_load(block.text)
    known = names_of(domain()) | new_names(block.guide) | check_data.RASA_ACTIONS
    everything = domain_with(block.guide)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # how Rasa says that it leaves something out
        if place[1].startswith("data/nlu/"):
            assert set(content) == {"nlu"}
            data = RasaYAMLReader().reads(block.text)
            assert data.intent_examples or data.entity_synonyms
            assert data.intents <= known
            file = yaml.safe_load((ROOT / place[1]).read_text(encoding="utf-8"))
            there = {
                value for item in file["nlu"] for key, value in item.items() if key in ("intent", "synonym", "lookup")
            }
            asked = {value for item in content["nlu"] for key, value in item.items() if key in ("intent", "synonym")}
            assert asked <= there | new_names(block.guide), f"{place[1]} has no {asked - there}"
        elif place[1].startswith(("data/rules/", "data/stories/", "tests/conversations/")):
            assert set(content) == {"rules" if place[1].startswith("data/rules/") else "stories"}
            assert YAMLStoryReader(everything).read_from_string(block.text)
            steps = [step for part in content.values() for story in part for step in story["steps"]]
            named = {step[key] for step in steps for key in ("intent", "action", "active_loop") if step.get(key)}
            named |= {step["slot_was_set"][0]["requested_slot"] for step in steps if "slot_was_set" in step} - {None}
            assert named <= known
            check_words(steps)
        else:
            assert place[1] == "domain.yml"
            assert set(content) <= {"intents", "responses"}
            assert Domain.from_yaml(block.text).responses
            if place[2] != "assunto novo":
                assert names_of(content) <= names_of(domain())


@lru_cache
def domain_with(guide: str) -> Any:
    """Rasa's domain of the project and of a guide's exercise."""
    from rasa.shared.core.domain import Domain

    merged = Domain.load(ROOT / "domain.yml")
    for block in blocks(guide, "yaml"):
        if block.text.startswith("# domain.yml (assunto novo)"):
            merged = merged.merge(Domain.from_yaml(block.text))
    return merged


def check_words(steps: list[dict[str, Any]]) -> None:
    """What a customer types in a story: `/intent` of a menu is the story's intent, and entities exist."""
    from rasa.shared.nlu.training_data.entities_parser import find_entities_in_training_example

    known = names_of(domain())
    for step in steps:
        if "user" in step:
            payload = re.match(r"/(\w+)", step["user"])
            assert payload is None or payload[1] == step["intent"]
            assert {entity["entity"] for entity in find_entities_in_training_example(step["user"])} <= known


def test_what_the_exercise_adds_is_not_there_yet() -> None:
    assert new_names(TRAINER) == {"perguntar_audio", "utter_audio"}
    assert not new_names(TRAINER) & names_of(domain())


def test_the_examples_can_be_added_all_together(tmp_path: Path) -> None:
    """`make check-data` finds no error in a copy of the project with every example in its file."""
    for folder in (*check_data.CODE, "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    whole = copy.deepcopy(domain())
    for number, block in enumerate(blocks(TRAINER, "yaml")):
        place = PLACE.match(block.text.splitlines()[0])
        content = yaml.safe_load(block.text)
        assert place
        if place[1] == "domain.yml":
            whole["intents"] += content.get("intents", [])
            for name, versions in content["responses"].items():
                whole["responses"][name] = [*whole["responses"].get(name, []), *versions]
        elif place[1].startswith("data/"):
            folder = place[1].split("/")[1]
            (tmp_path / "data" / folder).mkdir(exist_ok=True)
            (tmp_path / "data" / folder / f"guide_{number}.yml").write_text(block.text, encoding="utf-8")
    (tmp_path / "domain.yml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    before = check_data.check(ROOT)
    after = check_data.check(tmp_path)
    assert set(strip(after.errors, tmp_path)) <= set(strip(before.errors, ROOT))
    assert set(strip(after.warnings["respostas que nada usa"], tmp_path)) <= set(
        strip(before.warnings["respostas que nada usa"], ROOT)
    )


def strip(findings: list[str], root: Path) -> list[str]:
    """Findings without folder and line numbers."""
    return [re.sub(r"(:|linha )\d+", r"\1N", finding.replace(f"{root}/", "")) for finding in findings]


# -- the mistakes ---------------------------------------------------------------------------------------

SMALL = {
    "domain.yml": """\
version: "3.1"
intents:
  - pedir_suporte
  - pedir_segunda_via
  - perguntar_se_e_robo
entities:
  - aplicativo
responses:
  utter_agradecer:
    - text: "Por nada! É só chamar."
    - text: "Disponha!"
  utter_robo:
    - text: "Sou um robô."
""",
    "data/nlu/support.yml": """\
version: "3.1"

nlu:
- intent: pedir_suporte
  examples: |
    - suporte
    - suporte tecnico
    - deu defeito
""",
    "data/nlu/billing.yml": """\
version: "3.1"

nlu:
- intent: pedir_segunda_via
  examples: |
    - boleto
- intent: perguntar_se_e_robo
  examples: |
    - vc é robô?
""",
    "data/rules/conversation.yml": """\
version: "3.1"

rules:
  - rule: suporte
    steps:
      - intent: pedir_suporte
      - action: utter_agradecer
  - rule: boleto
    steps:
      - intent: pedir_segunda_via
      - action: utter_agradecer
  - rule: é robô?
    steps:
      - intent: perguntar_se_e_robo
      - action: utter_robo
""",
}
THANKS = '"Por nada! É só chamar."'
#: (file, right, wrong): the mistakes of the guide, in its order.
MISTAKES = [
    ("data/nlu/support.yml", "    - suporte\n", "\t- suporte\n"),
    ("data/nlu/support.yml", "    - suporte tecnico", "  - suporte tecnico"),
    ("data/nlu/support.yml", "    - suporte tecnico", "    suporte tecnico"),
    ("data/nlu/support.yml", "examples: |", "examples:"),
    ("data/nlu/billing.yml", "    - boleto\n", "    - boleto\n    - suporte tecnico\n"),
    ("data/nlu/support.yml", "intent: pedir_suporte", "intent: pedir_suprte"),
    ("data/nlu/support.yml", "- deu defeito", "- o [premiere](aplicatvo) não abre"),
    ("domain.yml", THANKS, "Por nada: é só chamar."),
    ("domain.yml", THANKS, '"Escreva "menu" se precisar."'),
    ("domain.yml", THANKS, '"Por nada! É só chamar.'),
    ("domain.yml", '"Sou um robô."', '"Sou um robô.'),
    ("domain.yml", "  utter_robo:\n", '  utter_agradecer:\n    - text: "De nada!"\n  utter_robo:\n'),
    ("data/rules/conversation.yml", "utter_robo", "utter_robozinho"),
    ("domain.yml", "  - perguntar_se_e_robo\n", "  - perguntar_se_e_robo\n  - perguntar_audio\n"),
]


def findings_of(tree: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines with ✗ that `make check-data` prints."""
    check_data.main(["--pasta", str(tree)])
    printed = capsys.readouterr()
    return strip([line for line in f"{printed.out}\n{printed.err}".splitlines() if line.startswith("✗")], tree)


def write_small(tree: Path) -> Path:
    for name, text in SMALL.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    return tree


def shown_errors() -> set[str]:
    """The errors of `make check-data` in the guide. Those of `make train` are Rasa's own."""
    lines = [line for block in blocks(TRAINER, "") for line in block.text.splitlines() if line.startswith("✗")]
    return set(strip([line for line in lines if not line.startswith("✗ Training failed")], ROOT))


@pytest.mark.parametrize(("file", "right", "wrong"), MISTAKES)
def test_a_mistake_gives_the_error_that_the_guide_shows(
    file: str, right: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write_small(tmp_path)
    assert findings_of(tree, capsys) == []
    assert right in SMALL[file]
    (tree / file).write_text(SMALL[file].replace(right, wrong, 1), encoding="utf-8")
    assert shown_errors() & set(findings_of(tree, capsys))


def test_every_error_in_the_guide_comes_from_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: set[str] = set()
    for file, right, wrong in MISTAKES:
        tree = write_small(tmp_path)
        (tree / file).write_text(SMALL[file].replace(right, wrong, 1), encoding="utf-8")
        found |= set(findings_of(tree, capsys))
    assert shown_errors() <= found


# -- the guide of those who test ------------------------------------------------------------------------


def situations() -> list[str]:
    """The situations of the guide's table."""
    part = read(QA).split("## As nove situações")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", part, re.M)


def test_the_situations_are_those_of_the_conversations() -> None:
    files = [file.stem.removeprefix("test_") for file in (ROOT / "tests" / "conversations").glob("*/test_*.yml")]
    assert len(situations()) == 9
    assert set(situations()) == set(files)


def test_the_page_has_what_the_guide_says_it_has() -> None:
    part = read(QA).split("## Conversar no simulador")[1].split("Quem usar para começar")[0]
    page = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "simulator" / "page").glob("*.*s"))
    labels = {label for label in re.findall(r"\*\*([^*]+)\*\*", part) if label[0].isupper()}
    assert len(labels) > 12
    assert {label for label in labels if f'"{label}"' not in page} == set()


def test_the_people_of_the_guide_are_those_of_the_page() -> None:
    part = read(QA).split("| como | escreva |")[1].split("\n\n")[0]
    named = list(re.findall(r"^\| ([^|]+) \| `", part, re.M))
    named += re.findall(r"quem: ([^}]+)}", read(QA))
    contacts = yaml.safe_load((ROOT / "simulator" / "contacts.yml").read_text(encoding="utf-8"))["contacts"]
    assert len(named) > 8
    assert [who for who in named if not any(contact["name"].startswith(who) for contact in contacts)] == []


def test_a_document_in_a_story_is_that_of_who_writes() -> None:
    contacts = yaml.safe_load((ROOT / "simulator" / "contacts.yml").read_text(encoding="utf-8"))["contacts"]
    found = [story for block in blocks(QA, "yaml") for story in yaml.safe_load(block.text)["stories"]]
    assert found
    for story in found:
        documents = re.findall(r"\d{3}\.\d{3}\.\d{3}-\d{2}", str(story["steps"]))
        (who,) = {c["document"] for c in contacts if c["name"].startswith(story["metadata"]["quem"])}
        assert set(documents) == {who}


def test_the_questions_of_the_guide_are_slots_that_forms_ask() -> None:
    part = read(QA).split("| `requested_slot` | a pergunta |")[1].split("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", part, re.M)
    asked = {slot for form in domain()["forms"].values() for slot in form["required_slots"]}
    assert len(named) > 5
    assert set(named) <= asked


def test_the_verbs_of_a_talk_exist() -> None:
    from tests.integration.talk import Talk

    verbs = set(re.findall(r"(?<!/)\btheo\.(\w+)", code(QA)))
    assert len(verbs) > 5
    assert [verb for verb in verbs if not hasattr(Talk, verb)] == []


def test_a_file_that_rasa_skips_is_told_as_in_the_guide(tmp_path: Path) -> None:
    (tmp_path / MISNAMED).write_text("stories: []\n", encoding="utf-8")
    problem = test_script.read_stories(tmp_path, tmp_path).problem
    assert MISNAMED in problem
    assert problem in read(QA)
