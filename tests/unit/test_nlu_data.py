"""The training sentences and the test messages: clean, balanced, and strangers to each other."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from language.folding import fold_tokens

ROOT = Path(__file__).resolve().parents[2]
TRAINING, TESTS = ROOT / "data" / "nlu", ROOT / "tests" / "nlu"
LEAST_PER_INTENT = 150
#: From this many words on, a test message that resembles a training sentence proves nothing.
LONG_ENOUGH_TO_COUNT = 4
TOO_SIMILAR = 0.9
#: "salve", "contratação": a word that people type by itself cannot be said in a second way. So many messages may be one.
ONE_WORD_COINCIDENCES = 0.03
ANNOTATION = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


def read(folder: Path) -> Iterator[tuple[str, str]]:
    """(intent, sentence without its annotations) of every example below a folder."""
    for file in sorted(folder.glob("*.yml")):
        for item in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            if "intent" in item:
                for line in item["examples"].splitlines():
                    if line.strip():
                        yield item["intent"], ANNOTATION.sub(r"\1", line.strip().removeprefix("- "))


def words(text: str) -> tuple[str, ...]:
    """A sentence as the model reads it, without its signs, unless it is nothing but signs."""
    tokens = fold_tokens(text)
    return tuple(t for t in tokens if re.match(r"\w", t)) or tuple(tokens)


@pytest.fixture(scope="module")
def training() -> list[tuple[str, str]]:
    return list(read(TRAINING))


@pytest.fixture(scope="module")
def messages() -> list[tuple[str, str]]:
    return list(read(TESTS))


def sentences(messages: list[tuple[str, str]]) -> list[str]:
    """The messages that have words: one number in place of another is no copy."""
    return [text for _, text in messages if any(character.isalpha() for character in text)]


@pytest.mark.parametrize("file", sorted([*TRAINING.glob("*.yml"), *TESTS.glob("*.yml")]), ids=lambda f: f.name)
def test_every_file_is_clean(file):
    text = file.read_text(encoding="utf-8")
    assert "\t" not in text
    content = yaml.safe_load(text)
    assert content["version"] == "3.1"
    for item in content["nlu"]:
        for line in item["examples"].splitlines():
            assert not line.strip() or re.match(r"- \S", line), f"{file.name}: {line!r} is no example"


def test_every_intent_has_enough_examples(training, messages):
    count = Counter(intent for intent, _ in training)
    assert {intent: n for intent, n in count.items() if n < LEAST_PER_INTENT} == {}
    assert {intent for intent, _ in messages} == set(count)


def test_no_sentence_belongs_to_two_intents(training):
    intents = defaultdict(set)
    for intent, text in training:
        intents[words(text)].add(intent)
    assert {" ".join(sentence): found for sentence, found in intents.items() if len(found) > 1} == {}


def test_no_sentence_is_written_twice(training):
    repeated = {text: times for (_, text), times in Counter(training).items() if times > 1}
    assert repeated == {}


def test_no_test_message_is_a_training_sentence(training, messages):
    trained = {words(text) for _, text in training}
    same = [text for text in sentences(messages) if words(text) in trained]
    assert [text for text in same if len(words(text)) > 1] == []
    assert len(same) <= ONE_WORD_COINCIDENCES * len(messages)


def test_no_test_message_nearly_copies_a_training_sentence(training, messages):
    # Sets of words instead of an edit distance: another order of the same words is a copy too.
    sets = [frozenset(words(text)) for _, text in training]
    holding = defaultdict(set)
    for number, sentence in enumerate(sets):
        for word in sentence:
            holding[word].add(number)
    copies = []
    for text in sentences(messages):
        mine = frozenset(words(text))
        if len(words(text)) < LONG_ENOUGH_TO_COUNT or len(mine) < 2:
            continue
        # So like it is only what holds one of its rarest words: no more than a tenth of them can be missing.
        rarest = sorted(mine, key=lambda word: len(holding[word]))[: len(mine) // 10 + 1]
        for number in set.union(*(holding[word] for word in rarest)):
            if len(mine & sets[number]) / len(mine | sets[number]) >= TOO_SIMILAR:
                copies.append((text, training[number][1]))
    assert copies == []
