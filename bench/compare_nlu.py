"""Compares ways to understand a message: `make compare-nlu`, or `python -m bench.compare_nlu --rows 'svm*'`.

Every row is trained on `data/nlu/` and asked the messages of `tests/nlu/`. The first guess counts, without a
fallback. Results are kept in `bench/nlu_results.json` with their date, so that a row that takes long (`--slow`)
is not measured each time; the table of all of them goes into `docs/modelo.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import fnmatch
import functools
import hashlib
import json
import logging
import os
import pickle
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import yaml

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "nlu_results.json"
DOCUMENT = ROOT / "docs" / "modelo.md"
PICTURE = ROOT / "docs" / "curva-de-aprendizado.png"
BEGIN, END = "<!-- compare-nlu: written by `make compare-nlu` -->", "<!-- /compare-nlu -->"
OUT_OF_SCOPE = "fora_do_escopo"
SEEDS = (42, 7, 2026)
#: A row that takes longer has no place in the table.
ROW_SECONDS = 1500
#: From votes of -1…1 to probabilities: the figure of language/classifier.py for its own votes.
SHARPNESS = 3.5
Guess = tuple[str, float]


@dataclass(frozen=True)
class Examples:
    """Labelled messages; `files` is where the training ones come from."""

    texts: list[str]
    intents: list[str]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\0".join([*self.texts, *self.intents]).encode()).hexdigest()[:12]

    def share(self, part: float, seed: int) -> Examples:
        """That share of every intent's examples, at least two of each."""
        by_intent: dict[str, list[str]] = {}
        for text, intent in zip(self.texts, self.intents):
            by_intent.setdefault(intent, []).append(text)
        chance = random.Random(seed)
        kept = [
            (text, intent)
            for intent, texts in sorted(by_intent.items())
            for text in chance.sample(texts, max(2, round(part * len(texts))))
        ]
        return Examples([text for text, _ in kept], [intent for _, intent in kept])


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1; milliseconds a message; seconds of training; megabytes of the stored model."""

    accuracy: float
    macro_f1: float
    calibration_error: float
    out_of_scope: float
    milliseconds: float
    training_seconds: float
    megabytes: float


class Model(Protocol):
    """What a row trains."""

    megabytes: float

    def fit(self, examples: Examples, seed: int) -> None: ...

    def guesses(self, texts: Sequence[str]) -> Iterable[Guess]: ...


@dataclass(frozen=True)
class Row:
    title: str
    model: Callable[[], Model]
    #: One seed where the seed changes nothing.
    seeds: tuple[int, ...] = SEEDS[:1]
    slow: bool = False
    share: float = 1.0


# -- words as typed → words as counted --------------------------------------------------------------------


def plain(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def folded(text: str) -> list[str]:
    from language.folding import fold_tokens

    return fold_tokens(text)


def stemmed(text: str) -> list[str]:
    """Folded, then the stem of every word by Snowball's rules for Portuguese."""
    return [_stem(word) for word in folded(text)]


@functools.cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("portuguese")


@functools.lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    from language.folding import strip_accents

    return strip_accents(_stemmer().stemWord(word))


class Corrector:
    """Unknown words of four letters or more become the nearest word of the training data."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.known: Counter[str] = Counter()
        self._cache: dict[str, str] = {}

    def learn(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in folded(text))
        self.known = Counter({word: count for word, count in counts.items() if count >= 3 and len(word) > 2})
        self._cache = {}
        if self.library == "symspell":
            from symspellpy import SymSpell

            self._symspell = SymSpell(max_dictionary_edit_distance=2)
            for word, count in self.known.items():
                self._symspell.create_dictionary_entry(word, count)

    def __call__(self, text: str) -> list[str]:
        return [self._nearest(word) for word in folded(text)]

    def _nearest(self, word: str) -> str:
        if len(word) < 4 or word in self.known or not word.isalpha():
            return word
        if word not in self._cache:
            self._cache[word] = self._search(word, 1 if len(word) < 7 else 2)
        return self._cache[word]

    def _search(self, word: str, distance: int) -> str:
        if self.library == "symspell":
            from symspellpy import Verbosity

            found = self._symspell.lookup(word, Verbosity.TOP, max_edit_distance=distance)
            return str(found[0].term) if found else word
        from rapidfuzz import process
        from rapidfuzz.distance import DamerauLevenshtein

        best = process.extractOne(
            word, self.known.keys(), scorer=DamerauLevenshtein.distance, score_cutoff=distance
        )  # fmt: skip
        return str(best[0]) if best else word


def noisy(text: str, chance: random.Random) -> str:
    """The message as typed in a hurry: one word in five has a letter swapped, lost, doubled or hit beside."""
    beside = {"a": "s", "e": "r", "o": "p", "i": "u", "u": "i", "s": "d", "r": "t", "t": "r", "n": "m", "m": "n"}
    words = text.split()
    for index, word in enumerate(words):
        if len(word) < 4 or chance.random() > 0.2:
            continue
        at = chance.randrange(1, len(word) - 1)
        kind = chance.randrange(4)
        if kind == 0:
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        elif kind == 1:
            word = word[:at] + word[at + 1 :]
        elif kind == 2:
            word = word[:at] + word[at] * 2 + word[at + 1 :]
        else:
            word = word[:at] + beside.get(word[at], word[at]) + word[at + 1 :]
        words[index] = word
    return " ".join(words)


# -- the models -------------------------------------------------------------------------------------------


class Linear:
    """TF-IDF of words, word pairs and character n-grams, and one linear machine per intent."""

    megabytes = 0.0

    def __init__(self, kind: str, words: Callable[[str], list[str]] | Corrector = plain, noise: bool = False) -> None:
        self.kind, self.words, self.noise = kind, words, noise

    def fit(self, examples: Examples, seed: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import FeatureUnion
        from sklearn.svm import LinearSVC

        texts, intents = examples.texts, examples.intents
        if isinstance(self.words, Corrector):
            self.words.learn(texts)
        if self.noise:
            chance = random.Random(seed)
            texts, intents = [*texts, *(noisy(text, chance) for text in texts)], [*intents, *intents]
        words = TfidfVectorizer(analyzer="word", tokenizer=str.split, token_pattern=None, ngram_range=(1, 2),
                                lowercase=False, sublinear_tf=True)  # fmt: skip
        chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), lowercase=False, sublinear_tf=True)
        self.counts = FeatureUnion([("words", words), ("chars", chars)])
        rows = self.counts.fit_transform([self._prepared(text) for text in texts])
        if self.kind == "logistic":
            self.machine = LogisticRegression(C=20, solver="liblinear", class_weight="balanced", random_state=seed)
        else:
            self.machine = LinearSVC(C=1.0, class_weight="balanced", random_state=seed)
        self.machine.fit(rows, intents)
        self.machine.coef_ = self.machine.coef_.astype("float32")
        vocabularies = [list(part.vocabulary_) for _, part in self.counts.transformer_list]
        small = pickle.dumps((self.machine.coef_.astype("float16"), vocabularies))
        self.megabytes = len(zlib.compress(small, 6)) / 1e6

    def _prepared(self, text: str) -> str:
        return " ".join(self.words(text))

    def guesses(self, texts: Sequence[str]) -> Iterable[Guess]:
        import numpy as np

        for text in texts:
            row = self.counts.transform([self._prepared(text)])
            if self.kind == "logistic":
                chances = self.machine.predict_proba(row)[0]
            else:
                votes = np.exp(SHARPNESS * self.machine.decision_function(row)[0])
                chances = votes / votes.sum()
            best = int(chances.argmax())
            yield str(self.machine.classes_[best]), float(chances[best])


class Ours:
    """`language/classifier.py` as it is, by the door that Rasa uses."""

    megabytes = 0.0

    def fit(self, examples: Examples, seed: int) -> None:
        from rasa.engine.graph import ExecutionContext, GraphSchema
        from rasa.engine.storage.local_model_storage import LocalModelStorage
        from rasa.engine.storage.resource import Resource
        from rasa.shared.nlu.training_data.message import Message
        from rasa.shared.nlu.training_data.training_data import TrainingData

        from language.classifier import PortugueseIntentClassifier

        self._folder = tempfile.TemporaryDirectory()
        storage = LocalModelStorage(Path(self._folder.name))
        own = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"][0]
        config = {**PortugueseIntentClassifier.get_default_config(), **own, "random_state": seed}
        context = ExecutionContext(GraphSchema({}))
        messages = [Message({"text": t, "intent": i}) for t, i in zip(examples.texts, examples.intents)]
        trainer = PortugueseIntentClassifier.create(config, storage, Resource("ours"), context)
        trainer.train(TrainingData(messages))
        self._model = PortugueseIntentClassifier.load(config, storage, Resource("ours"), context)
        stored = [path for path in Path(self._folder.name).rglob("*") if path.is_file()]
        self.megabytes = sum(len(zlib.compress(path.read_bytes(), 6)) for path in stored) / 1e6

    def guesses(self, texts: Sequence[str]) -> Iterable[Guess]:
        from rasa.shared.nlu.training_data.message import Message

        for text in texts:
            (message,) = self._model.process([Message({"text": text})])
            yield str(message.get("intent")["name"]), float(message.get("intent")["confidence"])


class Rasa:
    """A pipeline of Rasa's, trained and asked as Rasa does it."""

    megabytes = 0.0

    def __init__(self, pipeline: Callable[[int], list[dict[str, Any]]]) -> None:
        self.pipeline = pipeline

    def fit(self, examples: Examples, seed: int) -> None:
        import yaml
        from rasa.core.agent import Agent
        from rasa.model_training import train_nlu

        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        config = {"recipe": "default.v1", "language": "pt", "assistant_id": "compare", "pipeline": self.pipeline(seed)}
        (folder / "config.yml").write_text(yaml.safe_dump(config))
        by_intent: dict[str, list[str]] = {}
        for text, intent in zip(examples.texts, examples.intents):
            by_intent.setdefault(intent, []).append(" ".join(text.split()))
        # A list of mappings, since a text may hold Rasa's own brackets.
        nlu = [
            {"intent": intent, "examples": "".join(f"- {re.sub(r'[][{}()]', ' ', text)}\n" for text in texts)}
            for intent, texts in by_intent.items()
        ]
        (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True))
        os.environ["RASA_TELEMETRY_ENABLED"] = "false"
        path = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder / "models"))
        assert path is not None, "Rasa trained nothing"
        self.megabytes = Path(path).stat().st_size / 1e6
        self._agent = Agent.load(path)
        asyncio.run(self._agent.parse_message("oi"))

    def guesses(self, texts: Sequence[str]) -> Iterable[Guess]:
        async def one(text: str) -> Guess:
            parsed = await self._agent.parse_message(text)
            return str(parsed["intent"]["name"]), float(parsed["intent"]["confidence"])

        for text in texts:
            yield asyncio.run(one(text))


def counted() -> list[dict[str, Any]]:
    """Rasa's tokenizer and sparse features, as `rasa init` writes them."""
    return [
        {"name": "WhitespaceTokenizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    ]


def diet(epochs: int, layers: int | None = None, **options: Any) -> Callable[[int], list[dict[str, Any]]]:
    """DIET on those features; `layers=0` is its bag of words without a transformer."""

    def pipeline(seed: int) -> list[dict[str, Any]]:
        own = {"name": "DIETClassifier", "epochs": epochs, "random_seed": seed, "constrain_similarities": True}
        if layers is not None:
            own |= {"number_of_transformer_layers": layers, "entity_recognition": False}
        return [*counted(), {**own, **options}]

    return pipeline


def stock(epochs: int) -> Callable[[int], list[dict[str, Any]]]:
    """The pipeline that `rasa init` writes, without its fallback."""

    def pipeline(seed: int) -> list[dict[str, Any]]:
        tokenizer, *features = counted()
        learns = {"epochs": epochs, "random_seed": seed, "constrain_similarities": True}
        return [
            tokenizer, {"name": "RegexFeaturizer"}, {"name": "LexicalSyntacticFeaturizer"}, *features,
            {"name": "DIETClassifier", **learns}, {"name": "EntitySynonymMapper"}, {"name": "ResponseSelector", **learns},
        ]  # fmt: skip

    return pipeline


class NlpJs:
    """node-nlp (NLP.js) for Portuguese, in a process of its own; `NODE_NLP` is the folder it is installed in."""

    megabytes = 0.0

    def __init__(self, **options: float) -> None:
        self.options = options

    def fit(self, examples: Examples, seed: int) -> None:
        folder = install_node_nlp()
        self._process = subprocess.Popen(
            ["node", str(ROOT / "bench" / "nlpjs.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "NODE_PATH": str(folder / "node_modules")}, cwd=folder,
        )  # fmt: skip
        lesson = {"examples": list(zip(examples.texts, examples.intents)), "options": self.options}
        self.megabytes = float(self._ask(lesson)["megabytes"])

    def _ask(self, what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("node ended")
        return json.loads(line)

    def guesses(self, texts: Sequence[str]) -> Iterable[Guess]:
        for text in texts:
            answer = self._ask(text)
            yield answer["intent"], answer["score"]
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def install_node_nlp() -> Path:
    """The folder with node-nlp in it, fetched by npm where it is missing."""
    folder = Path(os.environ.get("NODE_NLP") or Path(tempfile.gettempdir()) / "theo-node-nlp")
    if not (folder / "node_modules" / "node-nlp").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), "node-nlp@4.27.0"],
            check=True, timeout=600, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return folder


#: DIET learns from this share of every intent's examples, for so many epochs (`rasa init` writes 100): with all of
#: them one epoch takes minutes on two cores.
FEW, EPOCHS = 0.1, 20

ROWS: dict[str, Row] = {
    "ours": Row("**`language/classifier.py`**, as it is", Ours, SEEDS),
    "svm": Row("linear SVM, words + character n-grams", lambda: Linear("svm")),
    "svm-fold": Row("… of folded text", lambda: Linear("svm", folded)),
    "svm-fold-stem": Row("… folded, stems", lambda: Linear("svm", stemmed)),
    "svm-fold-rapidfuzz": Row("… folded, corrected (rapidfuzz)", lambda: Linear("svm", Corrector("rapidfuzz"))),
    "svm-fold-symspell": Row("… folded, corrected (symspellpy)", lambda: Linear("svm", Corrector("symspell"))),
    "svm-fold-noise": Row("… folded, examples doubled with typing noise", lambda: Linear("svm", folded, True), SEEDS),
    "logistic": Row("logistic regression, words + character n-grams", lambda: Linear("logistic")),
    "logistic-fold": Row("… of folded text", lambda: Linear("logistic", folded)),
    "logistic-fold-stem": Row("… folded, stems", lambda: Linear("logistic", stemmed)),
    "nlpjs": Row("NLP.js (node-nlp 4.27, Portuguese), as shipped", NlpJs),
    "nlpjs-slow": Row(
        "… learning rate 0.005 in place of 0.6, 60 epochs", lambda: NlpJs(learningRate=0.005, iterations=60, deltaErrorThresh=0)
    ),
    "diet-bow": Row(
        f"DIET without transformer, {FEW:.0%} of the examples, {EPOCHS} epochs",
        lambda: Rasa(diet(EPOCHS, 0, hidden_layers_sizes={"text": [256, 128]})), SEEDS, slow=True, share=FEW,
    ),
    "diet": Row(f"DIET as shipped, {FEW:.0%}, {EPOCHS} epochs", lambda: Rasa(diet(EPOCHS)), slow=True, share=FEW),
    "stock": Row(f"the pipeline of `rasa init`, {FEW:.0%}, {EPOCHS} epochs", lambda: Rasa(stock(EPOCHS)), slow=True, share=FEW),
}  # fmt: skip
#: The learning curve: these rows, with these shares of every intent's examples.
CURVED, CURVE = ("ours", "svm-fold"), (FEW, 0.25, 0.5)
for _name in CURVED:
    for _share in CURVE:
        _whole = ROWS[_name]
        ROWS[f"{_name}@{_share:.0%}"] = replace(
            _whole, title=f"{_whole.title}, {_share:.0%} of the examples", share=_share, seeds=_whole.seeds[:1]
        )


# -- measuring --------------------------------------------------------------------------------------------


def read(folder: Path) -> Examples:
    from tests.nlu.evaluate import read_messages

    messages = read_messages(folder)
    return Examples([m.get("text") for m in messages], [m.get("intent") for m in messages])


def measure(row: Row, seed: int, training: Examples, asked: Examples) -> Figures:
    """Trains and asks in this process."""
    model = row.model()
    some = training.share(row.share, seed) if row.share < 1 else training
    begun = time.perf_counter()
    model.fit(some, seed)
    seconds = time.perf_counter() - begun
    guesses: list[Guess] = []
    times: list[float] = []
    begun = time.perf_counter()
    for guess in model.guesses(asked.texts):
        now = time.perf_counter()
        guesses.append(guess)
        times.append((now - begun) * 1000)
        begun = now
    return figures(guesses, asked, statistics.median(times), seconds, model.megabytes)


def figures(guesses: Sequence[Guess], asked: Examples, ms: float, seconds: float, megabytes: float) -> Figures:
    """What the guesses are worth. The milliseconds are the median."""
    from sklearn.metrics import f1_score

    from tests.nlu.evaluate import Answer, calibration_error

    answers = [
        Answer(text, intent, name, min(1.0, confidence), frozenset(), frozenset())
        for text, intent, (name, confidence) in zip(asked.texts, asked.intents, guesses)
    ]
    strange = [answer for answer in answers if answer.expected == OUT_OF_SCOPE]
    return Figures(
        accuracy=sum(a.is_right for a in answers) / len(answers),
        macro_f1=float(f1_score(asked.intents, [name for name, _ in guesses], average="macro", zero_division=0)),
        calibration_error=calibration_error(answers),
        out_of_scope=sum(a.is_right for a in strange) / max(1, len(strange)),
        milliseconds=ms,
        training_seconds=seconds,
        megabytes=megabytes,
    )


def run_apart(module: str, name: str, number: int) -> dict[str, Any]:
    """What `python -m MODULE --one NAME NUMBER` prints: a row in a process of its own, without what another one loaded."""
    command = [sys.executable, "-W", "ignore", "-m", module, "--one", name, str(number)]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "RASA_TELEMETRY_ENABLED": "false"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **quiet, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=ROW_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def one(name: str, seed: int) -> None:
    """Prints the figures of one row with one seed as a line of JSON."""
    logging.disable(logging.WARNING)
    if not name.startswith(("diet", "stock")):
        from connectors import rasa_lean

        rasa_lean.apply()
    training, asked = read(ROOT / "data" / "nlu"), read(ROOT / "tests" / "nlu")
    found = measure(ROWS[name], seed, training, asked)
    print(json.dumps({
        "seed": seed, "data": training.fingerprint, "examples": len(training.texts), "asked": len(asked.texts),
        **asdict(found),
    }))  # fmt: skip


# -- telling ----------------------------------------------------------------------------------------------


def table(results: dict[str, Any]) -> str:
    """The rows that were measured, as Markdown."""
    lines = [
        "| | accuracy | macro F1 | ECE | out of scope | ms/message | training s | MB | measured |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        if name not in results:
            continue
        runs = results[name]["runs"]

        def mean(key: str, runs: list[Any] = runs) -> float:
            return statistics.mean(run[key] for run in runs)

        spread = max(run["accuracy"] for run in runs) - min(run["accuracy"] for run in runs)
        accuracy = f"{mean('accuracy'):.1%}" + (f" ± {spread / 2:.1%}" if len(runs) > 1 else "")
        lines.append(
            f"| {row.title} | {accuracy} | {mean('macro_f1'):.3f} | {mean('calibration_error'):.3f} "
            f"| {mean('out_of_scope'):.1%} | {mean('milliseconds'):.1f} | {mean('training_seconds'):.0f} "
            f"| {mean('megabytes'):.1f} | {results[name]['date']}, {runs[0]['examples']} examples |"
        )
    return "\n".join(lines)


def curve(results: dict[str, Any]) -> str:
    """The learning curve as Markdown, where it was measured."""
    shares = [*CURVE, 1.0]
    lines = [
        "| accuracy with … of each intent's examples | " + " | ".join(f"{share:.0%}" for share in shares) + " |",
        "|---|" + "---|" * len(shares),
    ]
    for name in CURVED:
        cells = []
        for share in shares:
            found = results.get(name if share == 1 else f"{name}@{share:.0%}")
            cells.append(f"{statistics.mean(r['accuracy'] for r in found['runs']):.1%}" if found else "–")
        lines.append(f"| {ROWS[name].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(results: dict[str, Any], path: Path) -> None:
    """The learning curve as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots(figsize=(6.5, 4))
    for name, label in zip(CURVED, ("language/classifier.py", "one SVM on words and characters, folded")):
        points = []
        for share in [*CURVE, 1.0]:
            found = results.get(name if share == 1 else f"{name}@{share:.0%}")
            if found:
                points.append((share * 100, 100 * statistics.mean(r["accuracy"] for r in found["runs"])))
        if points:
            axes.plot(*zip(*points), marker="o", label=label)
    axes.set_xlabel("% of each intent's examples")
    axes.set_ylabel("% right on tests/nlu")
    axes.grid(alpha=0.3)
    axes.legend()
    picture.tight_layout()
    picture.savefig(path, dpi=110)
    plt.close(picture)


def put_between(document: Path, begin: str, end: str, middle: str) -> None:
    """Puts a table between its marks in a document."""
    before, mark, rest = document.read_text(encoding="utf-8").partition(begin)
    _, other_mark, after = rest.partition(end)
    if not mark or not other_mark:
        raise SystemExit(f"{document.name} has lost the marks of the table.")
    document.write_text(before + begin + middle + end + after, encoding="utf-8")


def write_document(results: dict[str, Any]) -> None:
    """The table of docs/modelo.md, and its picture."""
    middle = f"\n{table(results)}\n\n{curve(results)}\n\n![learning curve]({PICTURE.name})\n"
    put_between(DOCUMENT, BEGIN, END, middle)
    draw(results, PICTURE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", nargs="+", default=["*"], metavar="NAME", help=f"of {', '.join(ROWS)}; * is allowed".replace("%", "%%"))
    parser.add_argument("--slow", action="store_true", help="also the rows that take many minutes")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SEED"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], int(arguments.one[1]))
        return 0
    wanted = [n for n in ROWS if any(n == p or fnmatch.fnmatch(n, p) for p in arguments.rows)]
    failed = []
    for name in wanted:
        row = ROWS[name]
        if row.slow and not arguments.slow:
            continue
        try:
            runs = [run_apart("bench.compare_nlu", name, seed) for seed in row.seeds]
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"✗ {name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        # Read again each time: two runs of this program may measure different rows.
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[name] = {"date": dt.date.today().isoformat(), "runs": runs}
        RESULTS.write_text(json.dumps({n: results[n] for n in ROWS if n in results}, indent=1) + "\n")
        print(f"{name:22s} " + "  ".join(f"{key} {runs[0][key]:.3f}" for key in Figures.__annotations__), flush=True)
    if RESULTS.exists():
        write_document(json.loads(RESULTS.read_text()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
