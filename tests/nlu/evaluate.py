"""Mede o entendimento do Theo nas mensagens de `tests/nlu/`: `python -m tests.nlu.evaluate`.

Writes `confusao.png` and `erros.md` into the folder of `--out`. Exit code 1 below a gate.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
OUT_OF_SCOPE = "fora_do_escopo"
#: What the model has to keep: a little under what it reached last (95.2 %, 0.997 and 92.0 % on 2026-11-22).
#: Below any of them the exit code is 1.
GATES = {"intencoes": 0.94, "entidades": 0.98, "fora_do_escopo": 0.90}
#: Where it has to get.
TARGETS = {"intencoes": 0.95, "entidades": 0.98, "fora_do_escopo": 0.90}
Entity = tuple[str, int, int]


@dataclass(frozen=True)
class Answer:
    """One message: what it is, what Theo made of it, and how sure he was."""

    text: str
    expected: str
    got: str
    confidence: float
    expected_entities: frozenset[Entity]
    got_entities: frozenset[Entity]

    @property
    def is_right(self) -> bool:
        return self.expected == self.got


@dataclass(frozen=True)
class Report:
    """The figures, each from 0 to 1; `milliseconds` is the mean for a message."""

    intents: float
    entities: float
    out_of_scope: float
    calibration_error: float
    milliseconds: float
    confusions: list[tuple[tuple[str, str], int]]

    def failures(self, gates: dict[str, float]) -> list[str]:
        """The figures below the given ones, told in Portuguese."""
        reached = {"intencoes": self.intents, "entidades": self.entities, "fora_do_escopo": self.out_of_scope}
        return [f"{name}: {reached[name]:.1%}, mínimo {least:.0%}" for name, least in gates.items() if reached[name] < least]


def read_messages(folder: Path) -> list[Any]:
    """The labelled messages of every `*.yml` in a folder, as Rasa reads them."""
    from rasa.shared.nlu.training_data.loading import load_data

    return [m for path in sorted(folder.glob("*.yml")) for m in load_data(str(path)).intent_examples]


async def parse_all(model: Path, messages: list[Any]) -> tuple[list[Answer], float]:
    """Every message through the trained model. Returns the answers and the milliseconds each took."""
    import structlog
    from rasa.core.agent import Agent

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    agent = Agent.load(str(model))
    await agent.parse_message("oi")
    answers, begun = [], time.perf_counter()
    for message in messages:
        text = message.get("text")
        parsed = await agent.parse_message(text)
        # A fallback is what the customer would meet: no guess counts in its place.
        answers.append(
            Answer(
                text, message.get("intent"), str(parsed["intent"]["name"]), float(parsed["intent"]["confidence"]),
                _spans(message.get("entities") or []), _spans(parsed["entities"]),
            )
        )  # fmt: skip
    return answers, (time.perf_counter() - begun) * 1000 / max(1, len(messages))


def _spans(entities: list[dict[str, Any]]) -> frozenset[Entity]:
    return frozenset((e["entity"], e["start"], e["end"]) for e in entities)


def report(answers: list[Answer], milliseconds: float) -> Report:
    """The figures of a set of answers."""
    found = sum(len(a.expected_entities & a.got_entities) for a in answers)
    named = sum(len(a.expected_entities) + len(a.got_entities) for a in answers)
    strange = [a for a in answers if a.expected == OUT_OF_SCOPE]
    confusions = Counter((a.expected, a.got) for a in answers if not a.is_right)
    return Report(
        intents=sum(a.is_right for a in answers) / len(answers),
        entities=2 * found / named if named else 1.0,
        out_of_scope=sum(a.is_right for a in strange) / len(strange) if strange else 1.0,
        calibration_error=calibration_error(answers),
        milliseconds=milliseconds,
        confusions=confusions.most_common(15),
    )


def calibration_error(answers: list[Answer], bins: int = 10) -> float:
    """Expected calibration error: how far confidence and being right are apart, over ten equal bins."""
    total = 0.0
    for index in range(bins):
        inside = [a for a in answers if index / bins <= a.confidence < (index + 1) / bins or (index == bins - 1 and a.confidence == 1)]
        if inside:
            sure = sum(a.confidence for a in inside) / len(inside)
            right = sum(a.is_right for a in inside) / len(inside)
            total += abs(sure - right) * len(inside) / len(answers)
    return total


def draw(answers: list[Answer], path: Path) -> None:
    """The confusion matrix as a picture: rows are what was meant, columns what was understood."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    names = sorted({a.expected for a in answers} | {a.got for a in answers})
    place = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for answer in answers:
        table[place[answer.expected], place[answer.got]] += 1
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(14, 13))
    axes.imshow(share, cmap="YlGnBu", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("o que o Theo entendeu")
    axes.set_ylabel("o que o cliente queria")
    for row, column in zip(*np.nonzero(table)):
        axes.text(
            column, row, int(table[row, column]), ha="center", va="center", fontsize=7,
            color="white" if share[row, column] > 0.6 else "black",
        )  # fmt: skip
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_errors(answers: list[Answer], path: Path) -> None:
    """What was misunderstood, the surest mistakes first."""
    wrong = sorted((a for a in answers if not a.is_right), key=lambda a: -a.confidence)
    lines = ["# O que o Theo não entendeu", "", "| mensagem | era | entendeu | certeza |", "|---|---|---|---|"]
    lines += [f"| {a.text.replace('|', '/')} | `{a.expected}` | `{a.got}` | {a.confidence:.0%} |" for a in wrong]
    lines += ["", "## Entidades", "", "| mensagem | faltou | sobrou |", "|---|---|---|"]
    for answer in answers:
        missing, extra = answer.expected_entities - answer.got_entities, answer.got_entities - answer.expected_entities
        if missing or extra:
            told = [", ".join(f"{name}: {answer.text[s:e]}" for name, s, e in sorted(some)) for some in (missing, extra)]
            lines.append(f"| {answer.text.replace('|', '/')} | {told[0]} | {told[1]} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "theo.tar.gz")
    parser.add_argument("--messages", type=Path, default=ROOT / "tests" / "nlu")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "nlu")
    arguments = parser.parse_args()
    messages = read_messages(arguments.messages)
    if not messages or not arguments.model.exists():
        print(f"✗ Não há mensagens em {arguments.messages} ou modelo em {arguments.model}.", file=sys.stderr)
        return 2
    answers, milliseconds = asyncio.run(parse_all(arguments.model, messages))
    found = report(answers, milliseconds)
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw(answers, arguments.out / "confusao.png")
    write_errors(answers, arguments.out / "erros.md")
    print(f"Mensagens de teste:         {len(answers)}")
    print(f"Intenções certas:           {found.intents:.1%}")
    print(f"Entidades (F1):             {found.entities:.3f}")
    print(f"fora_do_escopo reconhecido: {found.out_of_scope:.1%}")
    print(f"Erro de calibração (ECE):   {found.calibration_error:.3f}")
    print(f"Tempo por mensagem:         {found.milliseconds:.1f} ms")
    print("Confusões mais comuns (era → entendeu):")
    for (expected, got), times in found.confusions:
        print(f"  {times:3d}  {expected} → {got}")
    print(f"Veja {arguments.out / 'erros.md'} e {arguments.out / 'confusao.png'}.")
    for missing in found.failures(TARGETS):
        print(f"• Ainda falta para a meta: {missing}")
    failures = found.failures(GATES)
    for failure in failures:
        print(f"✗ Abaixo do mínimo: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
