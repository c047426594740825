"""Checks what Theo is trained with and reports in plain Portuguese: `make check-data`.

`rasa data validate` sees only part of this, and names no line. Here every finding has its file and line.
Errors (exit code 1): the same sentence in two intents, an example that Rasa would skip, an entity or intent
that the domain does not know, an intent without examples or without a rule, a line of the thesaurus that cannot be
read, a response that is used and does not exist. Warnings: repeated examples, intents with far fewer or far more
examples than the others, responses that nothing uses.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from rasa.shared.nlu.training_data.entities_parser import find_entities_in_training_example, replace_entities

from language.concepts import Concepts, ConceptsError

ROOT = Path(__file__).resolve().parent.parent
#: Where responses are named in code.
CODE = ("actions", "connectors", "language")
#: Rasa's own name for "not understood"; it has a rule and no examples.
FALLBACK = "nlu_fallback"
#: The key under which Rasa notes a response's name: no response itself.
RASAS_OWN = "utter_action"
#: An intent is unbalanced below this share of the median, or above this multiple of it.
FEW, MANY = 0.25, 4.0
#: Of each kind of warning this many are shown.
SHOWN = 12


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        file = self.file.relative_to(ROOT) if self.file.is_relative_to(ROOT) else self.file
        return f"{file}:{self.line}"


class Unreadable(ValueError):
    """A file that is no YAML, or that Rasa would not read, told as one sentence with its line."""


@dataclass(frozen=True)
class Example:
    """A training sentence, its annotations taken out."""

    intent: str
    text: str
    entities: tuple[str, ...]
    place: Place


@dataclass
class Report:
    """What was found. `errors` decide the exit code."""

    errors: list[str] = field(default_factory=list)
    warnings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    facts: list[str] = field(default_factory=list)


def fold(text: str) -> str:
    """Lower case without accents and punctuation; a sentence of nothing but signs or emoji stays as it is."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", plain).split()) or " ".join(text.split())


# -- reading --------------------------------------------------------------------------------------------


def read_examples(folder: Path) -> list[Example]:
    """Every example of every intent below the folder. Raises Unreadable for a file that is no YAML."""
    found: list[Example] = []
    for file in sorted(folder.rglob("*.yml")):
        for item in _items(file, "nlu"):
            intent = _scalar(item, "intent")
            if intent is not None:
                found += [_example(intent, line, place) for line, place in _lines(file, item.get("examples"))]
    return found


def _example(intent: str, line: str, place: Place) -> Example:
    entities = tuple(str(entity["entity"]) for entity in find_entities_in_training_example(line))
    return Example(intent, replace_entities(line), entities, place)


def _items(file: Path, key: str) -> Iterator[dict[str, yaml.Node]]:
    """The mappings of the list below `key`, as nodes that know their line. Raises Unreadable."""
    root = _compose(file)
    if not isinstance(root, yaml.MappingNode):
        return
    for name, value in root.value:
        if name.value == key and isinstance(value, yaml.SequenceNode):
            for item in value.value:
                if isinstance(item, yaml.MappingNode):
                    yield {str(k.value): v for k, v in item.value}


def _compose(file: Path) -> yaml.Node | None:
    """A file as nodes that know their line. Raises Unreadable."""
    return _nodes(file, file.read_text(encoding="utf-8"))


@lru_cache(maxsize=64)  # every check reads the same files
def _nodes(file: Path, text: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"{Place(file, mark.line + 1 if mark else 1)}: {_in_words(str(error.problem))}") from None
    for key, first in _written_twice(root):
        raise Unreadable(
            f"{Place(file, key.start_mark.line + 1)}: {key.value} já está escrito na linha {first.start_mark.line + 1}; "
            "junte os dois em um só."
        )
    return root


#: What a YAML reader finds wrong → what whoever wrote the line can do about it.
PROBLEMS = {
    "found character '\\t'": "há uma tabulação (tecla Tab) no começo da linha; troque por espaços.",
    "mapping values are not allowed here": "há um “:” no meio do texto; ponha o texto inteiro entre aspas.",
    "found unexpected end of stream": "abriu aspas e não fechou.",
    "expected <block end>": "o recuo desta linha não combina com o das linhas de cima, ou há aspas sobrando antes dela.",
    "could not find expected ':'": "falta “:” ou recuo nesta linha ou na de cima.",
}


def _in_words(problem: str) -> str:
    return next((words for start, words in PROBLEMS.items() if problem.startswith(start)), problem)


def _written_twice(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    """(again, first) of the keys that one mapping holds twice: Rasa refuses them, PyYAML forgets the first."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, yaml.ScalarNode] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key, seen[key.value]
                seen.setdefault(key.value, key)
            yield from _written_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _written_twice(value)


def _out_of_place(file: Path) -> Iterator[tuple[Place, str]]:
    """Bare words among the intents, rules or stories of a file: lines with too little indentation."""
    root = _compose(file)
    for _, value in root.value if isinstance(root, yaml.MappingNode) else ():
        for item in value.value if isinstance(value, yaml.SequenceNode) else ():
            if isinstance(item, yaml.ScalarNode):
                yield Place(file, item.start_mark.line + 1), str(item.value)[:60]


def _scalar(item: dict[str, yaml.Node], key: str) -> str | None:
    node = item.get(key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def _lines(file: Path, node: yaml.Node | None) -> Iterator[tuple[str, Place]]:
    """The entries of an `examples: |` block."""
    if not isinstance(node, yaml.ScalarNode):
        return
    first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
    for offset, line in enumerate(str(node.value).splitlines()):
        text = re.sub(r"^\s*-\s*", "", line).strip()
        if text:
            yield text, Place(file, first + offset)


def read_rules(folder: Path) -> tuple[dict[str, Place], dict[str, Place]]:
    """(intents, actions) that rules and stories name, each with one place."""
    intents: dict[str, Place] = {}
    actions: dict[str, Place] = {}
    for file in sorted(folder.rglob("*.yml")):
        for kind in ("rules", "stories"):
            for item in _items(file, kind):
                for name, node in _pairs(item.get("steps")):
                    if name in ("intent", "action") and isinstance(node, yaml.ScalarNode):
                        known = intents if name == "intent" else actions
                        known.setdefault(str(node.value), Place(file, node.start_mark.line + 1))
    return intents, actions


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Every key and value below a node, at any depth."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value
            yield from _pairs(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _pairs(value)


def responses_in_code(folders: Iterable[Path]) -> tuple[dict[str, Place], set[str]]:
    """(names of responses, beginnings of names that are put together at run time) in Python files."""
    names: dict[str, Place] = {}
    beginnings: set[str] = set()
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr) and node.values:
                    head = node.values[0]
                    if isinstance(head, ast.Constant) and str(head.value).startswith("utter_"):
                        beginnings.add(str(head.value))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if node.value != RASAS_OWN and re.fullmatch(r"utter_[a-z0-9_]*[a-z0-9]", node.value):
                        names.setdefault(node.value, Place(file, node.lineno))
                    elif re.fullmatch(r"utter_[a-z0-9_]*_", node.value):
                        beginnings.add(node.value)
    return names, beginnings


# -- judging --------------------------------------------------------------------------------------------


def check(root: Path = ROOT) -> Report:
    """Reads `data/`, `domain.yml` and the code below `root`."""
    report = Report()
    domain_file = root / "domain.yml"
    _compose(domain_file)
    domain: dict[str, Any] = yaml.safe_load(domain_file.read_text(encoding="utf-8"))
    examples = read_examples(root / "data")
    rule_intents, rule_actions = read_rules(root / "data")
    intents = [next(iter(i)) if isinstance(i, dict) else str(i) for i in domain.get("intents") or ()]
    where = _lines_of_names(domain_file)

    _check_skipped(root / "data", report)
    _check_repetitions(examples, report)
    _check_names(examples, intents, domain, where, report)
    _check_rules(intents, rule_intents, where, report)
    _check_balance(examples, intents, report)
    _check_ideas(root / "data" / "nlu" / "conceitos.txt", report)
    _check_responses(root, domain, rule_actions, where, report)
    return report


def _lines_of_names(file: Path) -> dict[str, Place]:
    """Where each name of the domain is first written as a key or a list entry."""
    found: dict[str, Place] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r"\s+(?:-\s+)?([a-z_0-9]+):?\s*(?:#.*)?$", line)
        if match:
            found.setdefault(match.group(1), Place(file, number))
    return found


def _check_skipped(folder: Path, report: Report) -> None:
    """Examples that Rasa leaves out with a warning that nobody reads, and blocks that it does not take at all."""
    for file in sorted(folder.rglob("*.yml")):
        for place, words in _out_of_place(file):
            report.errors.append(f"{place}: “{words}” está fora do lugar; confira o recuo desta linha.")
        for item in _items(file, "nlu"):
            node = item.get("examples")
            if isinstance(node, yaml.SequenceNode):
                report.errors.append(f"{Place(file, node.start_mark.line)}: falta o | depois de “examples:”.")
            elif isinstance(node, yaml.ScalarNode):
                first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
                for offset, line in enumerate(str(node.value).splitlines()):
                    if line.strip() and not line.startswith("-"):
                        report.errors.append(
                            f"{Place(file, first + offset)}: “{line.strip()}” não começa com “- ” alinhado aos outros "
                            "exemplos, e por isso não contaria."
                        )


def _check_repetitions(examples: list[Example], report: Report) -> None:
    seen: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        seen[fold(example.text)].append(example)
    for same in seen.values():
        first = same[0]
        others = [e for e in same if e.intent != first.intent]
        for other in others:
            report.errors.append(
                f"{other.place}: “{other.text}” está em {other.intent} e também em {first.intent} ({first.place})."
            )
        for again in same[1:]:
            if again.intent == first.intent:
                report.warnings["exemplos repetidos"].append(
                    f"{again.place}: “{again.text}” repete {first.place}, em {first.intent}."
                )


def _check_names(
    examples: list[Example], intents: list[str], domain: dict[str, Any], where: dict[str, Place], report: Report
) -> None:
    entities = {next(iter(e)) if isinstance(e, dict) else str(e) for e in domain.get("entities") or ()}
    for example in examples:
        for entity in example.entities:
            if entity not in entities:
                report.errors.append(f"{example.place}: a entidade “{entity}” não existe em domain.yml.")
    strange = {e.intent: e.place for e in reversed(examples) if e.intent not in intents}
    report.errors += [f"{place}: a intenção {name} não existe em domain.yml." for name, place in strange.items()]
    taught = {example.intent for example in examples}
    for name in intents:
        if name not in taught:
            report.errors.append(f"{_at(where, name)}a intenção {name} não tem nenhum exemplo.")


def _check_rules(intents: list[str], rule_intents: dict[str, Place], where: dict[str, Place], report: Report) -> None:
    for name in intents:
        if name not in rule_intents:
            report.errors.append(f"{_at(where, name)}a intenção {name} não tem regra: Theo não saberia o que fazer.")
    for name, place in rule_intents.items():
        if name not in intents and name != FALLBACK:
            report.errors.append(f"{place}: a regra fala da intenção {name}, que não existe em domain.yml.")


def _check_balance(examples: list[Example], intents: list[str], report: Report) -> None:
    counts = {name: sum(example.intent == name for example in examples) for name in intents}
    counts = {name: number for name, number in counts.items() if number}
    if not counts:
        return
    median = statistics.median(counts.values())
    few, many = min(counts, key=lambda n: counts[n]), max(counts, key=lambda n: counts[n])
    report.facts.append(
        f"{sum(counts.values())} exemplos em {len(counts)} intenções: de {counts[few]} ({few}) a {counts[many]} "
        f"({many}), metade delas com {median:.0f} ou mais."
    )
    for name, number in sorted(counts.items(), key=lambda pair: pair[1]):
        if number < FEW * median or number > MANY * median:
            word = "poucos" if number < median else "muitos"
            report.warnings["intenções desequilibradas"].append(
                f"{name} tem {number} exemplos, {word} perto da mediana ({median:.0f})."
            )


def _check_ideas(file: Path, report: Report) -> None:
    if not file.exists():
        return
    try:
        Concepts(file.read_text(encoding="utf-8"))
    except ConceptsError as error:
        report.errors.append(f"{Place(file, error.line)}: {error.problem}")


def _check_responses(
    root: Path, domain: dict[str, Any], rule_actions: dict[str, Place], where: dict[str, Place], report: Report
) -> None:
    responses = set(domain.get("responses") or ())
    names, beginnings = responses_in_code(root / folder for folder in CODE)
    used = {**names, **{name: place for name, place in rule_actions.items() if name.startswith("utter_")}}
    asked = {  # Rasa says these by itself where a form has no action of its own for the question
        f"utter_ask_{name}"
        for form, content in (domain.get("forms") or {}).items()
        for slot in (content or {}).get("required_slots") or ()
        for name in (slot, f"{form}_{slot}")
    }
    for name, place in sorted(used.items()):
        if name not in responses:
            report.errors.append(f"{place}: a resposta {name} é usada aqui e não existe em domain.yml.")
    for start in sorted(beginnings):
        if not any(name.startswith(start) for name in responses):
            report.errors.append(f"nenhuma resposta de domain.yml começa com {start}, e o código usa uma assim.")
    actions = {next(iter(a)) if isinstance(a, dict) else str(a) for a in domain.get("actions") or ()}
    for name, place in sorted(rule_actions.items()):
        known = name in actions or name in (domain.get("forms") or ()) or name.startswith(("utter_", "action_"))
        if not known or (name.startswith("action_") and name not in actions and name not in RASA_ACTIONS):
            report.errors.append(f"{place}: a ação {name} é usada aqui e não existe em domain.yml.")
    for name in sorted(responses - set(used) - asked):
        if not any(name.startswith(start) for start in beginnings):
            report.warnings["respostas que nada usa"].append(f"{_at(where, name)}{name}")


#: Actions that Rasa brings along.
RASA_ACTIONS = {"action_listen", "action_restart", "action_deactivate_loop", "action_default_fallback", "action_back"}


def _at(where: dict[str, Place], name: str) -> str:
    return f"{where[name]}: " if name in where else ""


# -- telling --------------------------------------------------------------------------------------------


def tell(report: Report, everything: bool = False) -> str:
    """The report as it is read."""
    lines = [f"• {fact}" for fact in report.facts]
    for kind, found in report.warnings.items():
        lines.append(f"! {kind}: {len(found)}")
        shown = found if everything else found[:SHOWN]
        lines += [f"    {text}" for text in shown]
        if len(found) > len(shown):
            lines.append(f"    … e mais {len(found) - len(shown)} (python -m scripts.check_data --tudo mostra todos)")
    lines += [f"✗ {error}" for error in report.errors]
    warnings = sum(len(found) for found in report.warnings.values())
    ending = "Nada impede o treino." if not report.errors else "Corrija o que está marcado com ✗ antes de treinar."
    lines.append(f"{len(report.errors)} erros, {warnings} avisos. {ending}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Confere os dados de treino do Theo.")
    parser.add_argument("--tudo", action="store_true", help="mostra todos os avisos")
    parser.add_argument("--pasta", type=Path, default=ROOT, help="outra pasta com data/ e domain.yml")
    chosen = parser.parse_args(arguments)
    try:
        report = check(chosen.pasta)
    except (OSError, Unreadable, yaml.YAMLError) as error:
        print(f"✗ Não consegui ler os dados: {error}", file=sys.stderr)
        return 1
    print(tell(report, chosen.tudo))
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
