"""What each policy brings and costs: `make compare-policies`.

The stories of `tests/conversations/` are cut in two halves. Each row is trained on our rules and one half and asked the
other, with the right intents and entities, the way `rasa test core` does it; then the same the other way round. And
at each message of the asked half it is asked once more what it does after an intent that no rule knows: the
right answer is that Theo did not understand. Writes the table into `docs/modelo.md`. Stories that are the
same without their words count once. Minutes: about 15 on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import logging
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bench import as_stock
from bench.compare_nlu import DOCUMENT, put_between, run_apart

ROOT = as_stock.ROOT
BEGIN, END = "<!-- compare-policies: written by `make compare-policies` -->", "<!-- /compare-policies -->"
HALVES = (0, 1)
#: An intent that a trainer added without a rule.
NEW_INTENT, NOT_UNDERSTOOD = "sem_regra", "action_nao_entendi"
#: Title, and what `rasa init` has beside RulePolicy.
ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "rules": ("**`RulePolicy`**, as `config.yml` has it", ()),
    "memoization": ("… and `MemoizationPolicy`", ("MemoizationPolicy",)),
    "ted": ("… and `TEDPolicy`", ("MemoizationPolicy", "TEDPolicy")),
}


def policies_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """RulePolicy as it is, and these as `rasa init` writes them, in 100 epochs."""
    own = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["policies"]
    return [*own, *(policy for policy in as_stock.stock_config()["policies"] if policy["name"] in names)]


def halves(stories: Sequence[dict[str, Any]], asked: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(to train on, to ask): every other story, so that each subject is in both."""
    return [s for i, s in enumerate(stories) if i % 2 != asked], [s for i, s in enumerate(stories) if i % 2 == asked]


def short(policy: str | None) -> str:
    """`policy_2_TEDPolicy` → `TEDPolicy`."""
    return re.sub(r"policy_\d+_", "", policy or "none")


async def ask(agent: Any, trackers: Sequence[Any]) -> dict[str, Any]:
    """What the policies say to these talks. `milliseconds` is the median of a prediction, of the processor."""
    from rasa.core.test import _predict_tracker_actions

    times: list[float] = []
    predict = agent.processor._predict_next_with_tracker

    def timed(tracker: Any) -> Any:
        begun = time.process_time()
        prediction = predict(tracker)
        times.append((time.process_time() - begun) * 1000)
        return prediction

    agent.processor._predict_next_with_tracker = timed
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    whole = 0
    for tracker in trackers:
        _, _, actions, _ = await _predict_tracker_actions(tracker, agent)
        for one in actions:
            (right if one["action"] == one["predicted"] else wrong)[short(one["policy"])] += 1
        whole += all(one["action"] == one["predicted"] for one in actions)
    agent.processor._predict_next_with_tracker = predict
    return {"right": right, "wrong": wrong, "whole": whole, "talks": len(trackers), "milliseconds": statistics.median(times)}


def ask_what_is_new(agent: Any, trackers: Sequence[Any]) -> Counter[str]:
    """Each message's place in these talks with the new intent in it: how often which policy answered with what."""
    from rasa.core.test import emulate_loop_rejection
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    found: Counter[str] = Counter()
    for tracker in trackers:
        events = list(tracker.events)
        for at, event in enumerate(events):
            if not isinstance(event, UserUttered):
                continue
            here = DialogueStateTracker.from_events("new", events[:at], agent.domain.slots)
            here.update(UserUttered(intent={"name": NEW_INTENT, "confidence": 1.0}))
            action, prediction = agent.processor.predict_next_with_tracker_if_should(here)
            if action.name() == here.active_loop_name:  # the form finds no answer in it
                emulate_loop_rejection(here)
                action, prediction = agent.processor.predict_next_with_tracker_if_should(here)
            found["not understood" if action.name() == NOT_UNDERSTOOD else short(prediction.policy_name)] += 1
    return found


def measure(names: Sequence[str], asked: int) -> dict[str, Any]:
    """Trains on one half and asks the other, in this process."""
    from rasa.core.agent import Agent
    from rasa.model_training import train_core
    from rasa.shared.core.generator import TrainingDataGenerator
    from rasa.shared.importers.importer import TrainingDataImporter

    training, held_out = halves(as_stock.stories_of(ROOT / "tests" / "conversations"), asked)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        as_stock.write_data(folder, training)
        domain = folder / "domain.yml"
        text = domain.read_text(encoding="utf-8")
        domain.write_text(text.replace("\nintents:\n", f"\nintents:\n  - {NEW_INTENT}\n", 1), encoding="utf-8")
        config = {"recipe": "default.v1", "language": "pt", "assistant_id": "compare", "policies": policies_of(names)}
        as_stock.write_yaml(folder / "config.yml", config)
        begun = time.process_time()
        # Augmentation glues stories together: ten thousand of them, for a state that reaches five turns back.
        path = train_core(
            str(domain), str(folder / "config.yml"), str(folder / "data"), str(folder / "models"),
            additional_arguments={"augmentation_factor": 0},
        )  # fmt: skip
        seconds = time.process_time() - begun
        assert path is not None, "Rasa trained nothing"
        agent = Agent.load(path)
        told = {"version": "3.1", "stories": [as_stock.training_story(story) for story in held_out]}
        as_stock.write_yaml(folder / "asked.yml", told)
        importer = TrainingDataImporter.load_from_dict(
            training_data_paths=[str(folder / "asked.yml")], domain_path=str(domain)
        )
        generator = TrainingDataGenerator(
            importer.get_stories(), agent.domain, use_story_concatenation=False, augmentation_factor=0
        )
        trackers = generator.generate_story_trackers()
        answers = asyncio.run(ask(agent, trackers))
        return {
            **answers, "new": ask_what_is_new(agent, trackers),
            "training_seconds": seconds, "megabytes": Path(path).stat().st_size / 1e6,
        }  # fmt: skip


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """The rows as Markdown: counts are the sums of both halves; seconds, milliseconds and MB their means."""
    lines = [
        "| | actions right | whole talks right | decided by (right of all) | an intent without a rule: not understood "
        "| … answered by a guess | processor ms/prediction, median | processor s to train | MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, runs in results.items():
        right, wrong, new = (sum((Counter(run[key]) for run in runs), Counter[str]()) for key in ("right", "wrong", "new"))
        decided = right + wrong
        by = ", ".join(f"{policy} {right[policy]:,} of {count:,}" for policy, count in decided.most_common())
        understood_not = new.pop("not understood", 0)
        guesses = ", ".join(f"{policy} {count}" for policy, count in new.most_common()) or "0"
        mean = {key: statistics.mean(run[key] for run in runs) for key in ("milliseconds", "training_seconds", "megabytes")}
        lines.append(
            f"| {ROWS[name][0]} | {right.total():,} of {decided.total():,} ({right.total() / decided.total():.1%}) "
            f"| {sum(run['whole'] for run in runs)} of {sum(run['talks'] for run in runs)} | {by} "
            f"| {understood_not} of {understood_not + new.total()} | {guesses} | {mean['milliseconds']:.1f} "
            f"| {mean['training_seconds']:.0f} | {mean['megabytes']:.2f} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "HALF"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        logging.disable(logging.WARNING)
        name, asked = arguments.one
        print(json.dumps(measure(ROWS[name][1], int(asked))))
        return 0
    results: dict[str, list[dict[str, Any]]] = {}
    for name in ROWS:
        results[name] = [run_apart("bench.compare_policies", name, asked) for asked in HALVES]
        print(table({name: results[name]}).splitlines()[-1], flush=True)
    said = f"Measured on {dt.date.today().isoformat()}, {os.cpu_count()} cores; seconds and milliseconds are the processor's."
    put_between(DOCUMENT, BEGIN, END, f"\n{table(results)}\n\n{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
