"""The intent classifier: four views of a message (words, letters, stems, ideas), weighed by TF-IDF, on which one
linear support vector machine per intent votes. Small, fast, deterministic; docs/modelo.md compares it with others.

What is stored inside the model archive is data (JSON and plain numpy arrays): loading it runs no pickled code.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasa.shared.utils.io
import scipy.sparse
import snowballstemmer
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from language import wishes
from language.concepts import Concepts
from language.folding import fold_tokens

INTENT_RANKING = "intent_ranking"
_stem = lru_cache(maxsize=50_000)(snowballstemmer.stemmer("portuguese").stemWord)

#: Words that carry no wish: how people address, hedge, join and soften.
FILLERS = frozenset(
    """visse oxe oxente uai so bah tche egua mano maninho mana parceiro brother bro truta meu minha filho filha fi moco moca
    senhor senhora sr sra dona seu amigo amiga querido querida amor chefe patrao rei gente pessoal galera vei veio veinho cara
    rapaz menino menina viu ne hein ai la aqui ali entao assim tipo bem ola oi opa dia boa bom tarde noite por favor gentileza
    prezado prezados senhores atenciosamente obrigado oh ah eh eita vixe ave maria nossa credo deus ceu pelo pela me te se lhe
    o a os as um uma uns umas de do da dos das em no na nos nas ao e que para com mas eu voce voces ele ela eles elas isso
    esse essa este esta isto aquele aquela la ja tambem mesmo hum hmm theo , . ! ? ; : ( ) " ' - … / *""".split()
)


def word_grams(tokens: Sequence[str]) -> list[str]:
    """Words and pairs of neighbours, where the edges of the message count as neighbours too."""
    padded = ["^", *tokens, "$"]
    return [*tokens, *(f"{a} {b}" for a, b in zip(padded, padded[1:]))]


def char_grams(tokens: Sequence[str], longest: int = 4) -> list[str]:
    """Pieces of 1 to `longest` letters inside each word: they recognise what is misspelt or inflected."""
    grams: list[str] = []
    for token in tokens:
        padded = f" {token} "
        for size in range(1, longest + 1):
            grams.extend(padded[i : i + size] for i in range(max(1, len(padded) - size + 1)))
    return grams


def stem_grams(tokens: Sequence[str]) -> list[str]:
    """Stems of the words that say something, and pairs of them: what stands between them does not part them."""
    return word_grams([_stem(token) for token in tokens if token not in FILLERS])


def idea_grams(tokens: Sequence[str], concepts: Concepts) -> list[str]:
    """The ideas of a message (`data/nlu/conceitos.txt`), and which follows which directly or over one other."""
    chain = concepts.chain(tokens)
    grams = [idea for ideas in chain for idea in ideas]
    for gap, mark in ((1, ">"), (2, ">>")):
        grams.extend(f"{a}{mark}{b}" for first, then in zip(chain, chain[gap:]) for a in first for b in then)
    return grams


class View(NamedTuple):
    """One way of counting a message. What fewer than `least` examples hold is not learned."""

    grams: Callable[[Sequence[str]], Iterable[str]]
    weight: float
    least: int


def views(concepts: Concepts) -> tuple[View, ...]:
    """The views in their fixed order. Each is scaled on its own, so that none drowns another."""
    return (
        View(word_grams, 1.0, 2),
        View(char_grams, 1.0, 2),
        View(stem_grams, 0.7, 2),
        View(lambda tokens: idea_grams(tokens, concepts), 0.7, 1),
    )


class Vectoriser:
    """Messages → sparse TF-IDF rows (sublinear counts, each view of its weight's length)."""

    def __init__(self, concepts: Concepts, vocabularies: list[dict[str, int]], idf: NDArray[Any]) -> None:
        self.concepts, self.vocabularies, self.idf = concepts, vocabularies, idf
        self._views = views(concepts)

    @classmethod
    def fit(cls, messages: Sequence[Sequence[str]], concepts: Concepts) -> Vectoriser:
        """Learns the n-grams of the messages (lists of folded tokens) and how rare each is."""
        vocabularies: list[dict[str, int]] = []
        idf: list[float] = []
        for view in views(concepts):
            seen = Counter(gram for tokens in messages for gram in set(view.grams(tokens)))
            kept = sorted(gram for gram, count in seen.items() if count >= view.least)
            vocabularies.append({gram: len(idf) + i for i, gram in enumerate(kept)})
            idf.extend(math.log((1 + len(messages)) / (1 + seen[gram])) + 1 for gram in kept)
        return cls(concepts, vocabularies, np.asarray(idf, dtype=np.float32))

    def row(self, tokens: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(columns, weights) of one message."""
        columns: list[NDArray[Any]] = []
        weights: list[NDArray[Any]] = []
        for view, vocabulary in zip(self._views, self.vocabularies):
            counts = Counter(column for gram in view.grams(tokens) if (column := vocabulary.get(gram)) is not None)
            if not counts:
                continue
            where = np.fromiter(counts, dtype=np.int32, count=len(counts))
            weight = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self.idf[where]
            columns.append(where)
            weights.append(weight * (view.weight / np.linalg.norm(weight)))
        if not columns:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        return np.concatenate(columns), np.concatenate(weights)

    def matrix(self, messages: Sequence[Sequence[str]]) -> scipy.sparse.csr_matrix:
        """All messages, one row each."""
        rows = [self.row(tokens) for tokens in messages]
        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        return scipy.sparse.csr_matrix(
            (np.concatenate([w for _, w in rows]), np.concatenate([c for c, _ in rows]), ends),
            shape=(len(rows), len(self.idf)),
        )


class LinearModel:
    """What training leaves behind: a vectoriser and one row of weights per n-gram."""

    def __init__(self, vectoriser: Vectoriser, weights: NDArray[Any], bias: NDArray[Any], intents: list[str]) -> None:
        self.vectoriser, self.weights, self.bias, self.intents = vectoriser, weights, bias, intents

    @classmethod
    def fit(cls, texts: Sequence[str], intents: Sequence[str], config: dict[str, Any], concepts: Concepts) -> LinearModel:
        """Trains on texts as typed. Fixed seed: the same data give the same model."""
        from sklearn.svm import LinearSVC  # a quarter of a second that only training needs to spend

        messages = [fold_tokens(text) for text in texts]
        vectoriser = Vectoriser.fit(messages, concepts)
        machine = LinearSVC(C=config["C"], random_state=config["random_state"])
        machine.fit(vectoriser.matrix(messages), list(intents))
        weights, bias = machine.coef_.T, machine.intercept_
        if len(machine.classes_) == 2:  # scikit-learn keeps only the second of two classes
            weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
        return cls(vectoriser, weights.astype(np.float16).astype(np.float32), bias, [str(c) for c in machine.classes_])

    def scores(self, text: str) -> NDArray[Any]:
        """The votes for every intent: about -1 for no, +1 for yes."""
        columns, weights = self.vectoriser.row(fold_tokens(text))
        return np.asarray(weights @ self.weights[columns] + self.bias)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PortugueseIntentClassifier(IntentClassifier, GraphComponent):
    """Rasa's side of `LinearModel`. Needs no tokenizer and no featurizer before it."""

    def __init__(
        self, config: dict[str, Any], storage: ModelStorage, resource: Resource, model: LinearModel | None = None
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._storage, self._resource, self._model = storage, resource, model

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`concepts`: the thesaurus, a path from the project's root, or none.

        `sharpness` turns votes into probabilities; it was fitted on cross-validation (docs/modelo.md).
        """
        return {"C": 1.0, "concepts": None, "sharpness": 5.0, "random_state": 42, "ranking_length": 5}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> PortugueseIntentClassifier:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fits the model to the examples that have an intent, and stores it as JSON and arrays."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        if len({e.get(INTENT) for e in examples}) < 2:
            return self._resource
        thesaurus = Path(self._config["concepts"]).read_text(encoding="utf-8") if self._config["concepts"] else ""
        texts, intents = [e.get(TEXT) for e in examples], [e.get(INTENT) for e in examples]
        self._model = LinearModel.fit(texts, intents, self._config, Concepts(thesaurus))
        with self._storage.write_to(self._resource) as folder:
            vectoriser = self._model.vectoriser
            words = {
                "intents": self._model.intents, "concepts": thesaurus,
                "vocabularies": [list(v) for v in vectoriser.vocabularies],
            }  # fmt: skip
            rasa.shared.utils.io.dump_obj_as_json_to_file(folder / "words.json", words)
            np.savez_compressed(
                folder / "weights.npz", idf=vectoriser.idf, bias=self._model.bias,
                weights=self._model.weights.astype(np.float16),  # half the size, same answers
            )  # fmt: skip
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PortugueseIntentClassifier:  # fmt: skip
        try:
            with model_storage.read_from(resource) as folder:
                words = rasa.shared.utils.io.read_json_file(folder / "words.json")
                with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
                    idf, bias, weights = arrays["idf"], arrays["bias"], arrays["weights"].astype(np.float32)
        except ValueError:  # trained without examples: nothing was stored
            return cls(config, model_storage, resource)
        vocabularies, first = [], 0
        for grams in words["vocabularies"]:
            vocabularies.append({gram: first + i for i, gram in enumerate(grams)})
            first += len(grams)
        model = LinearModel(Vectoriser(Concepts(words["concepts"]), vocabularies, idf), weights, bias, words["intents"])
        return cls(config, model_storage, resource, model)

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds `intent` and `intent_ranking`; an empty text or an untrained model gets no intent."""
        for message in messages:
            text = message.get(TEXT)
            ranking = wishes.in_order(text, self._ranking(text), self._ranking) if text and text.strip() else []
            best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
            message.set(INTENT, best, add_to_output=True)
            message.set(INTENT_RANKING, ranking[: self._config["ranking_length"]], add_to_output=True)
        return messages

    def _ranking(self, text: str) -> list[dict[str, Any]]:
        if self._model is None:
            return []
        votes = self._config["sharpness"] * self._model.scores(text)
        chances = np.exp(votes - votes.max())
        chances /= chances.sum()
        order = np.argsort(-chances, kind="stable").tolist()
        return [{"name": self._model.intents[i], "confidence": chance} for i, chance in zip(order, chances[order].tolist())]
