"""Words of one meaning, gathered: `grana`, `pila` and `dinheiro` count as one for the classifier.

The examples do not hold every word a customer may use; with this list (`data/nlu/conceitos.txt`, which trainers edit) a
word nobody trained stands in for one that was. It says nothing about intents: those are learned from the examples.
"""

from __future__ import annotations

from collections.abc import Sequence

EXCEPTIONS = "-"
_CACHED_WORDS = 50_000


class ConceptsError(ValueError):
    """A line that cannot be read, told in Portuguese. `line` is its number, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"linha {line}: {problem}")
        self.line, self.problem = line, problem


class Concepts:
    """A thesaurus: words as folded by `language.folding`, `*` for any ending, the longest match wins."""

    def __init__(self, text: str) -> None:
        """Reads lines `idea: word word* …`; `#` begins a comment. Raises ConceptsError."""
        self.text = text
        self._exact: dict[str, tuple[str, ...]] = {}
        self._beginnings: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            idea, separator, words = line.partition(":")
            if not separator or not idea.strip() or not words.split():
                raise ConceptsError(number, f"esperava “ideia: palavra palavra*” e veio “{line}”")
            for word in words.split():
                table, key = (self._beginnings, word[:-1]) if word.endswith("*") else (self._exact, word)
                if "*" in key or not key:
                    raise ConceptsError(number, f"o * só vale no fim da palavra, e veio “{word}”")
                table[key] = (*table.get(key, ()), *([idea.strip()] if idea.strip() != EXCEPTIONS else []))

    def of(self, word: str) -> tuple[str, ...]:
        """The ideas of a folded word: those of the word itself, else of its longest listed beginning."""
        found = self._known.get(word)
        if found is None:
            found = self._look_up(word)
            if len(self._known) < _CACHED_WORDS:
                self._known[word] = found
        return found

    def _look_up(self, word: str) -> tuple[str, ...]:
        if word in self._exact:
            return self._exact[word]
        beginnings = (word[:length] for length in range(len(word), 1, -1))
        return next((self._beginnings[b] for b in beginnings if b in self._beginnings), ())

    def chain(self, tokens: Sequence[str]) -> list[tuple[str, ...]]:
        """A message as the ideas in it, in order; words that turn a meaning round (`nao`, `sem` …) stand for themselves."""
        ideas = ((self.of(token) or ((token,) if token in TURNING else ())) for token in tokens)
        return [idea for idea in ideas if idea]


#: Words that turn the meaning of their neighbours.
TURNING = frozenset({"nao", "nem", "sem", "ja", "?"})
