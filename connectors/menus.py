"""A menu is answered by number, ordinal, emoji digit, tap or in the option's own words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from connectors.messages import Option

ORDINALS = {
    "primeira": 1, "primeiro": 1, "segunda": 2, "segundo": 2, "terceira": 3, "terceiro": 3,
    "quarta": 4, "quarto": 4, "quinta": 5, "quinto": 5, "sexta": 6, "sexto": 6,
    "setima": 7, "setimo": 7, "oitava": 8, "oitavo": 8, "nona": 9, "nono": 9, "decima": 10, "decimo": 10,
    "ultima": -1, "ultimo": -1,
}  # fmt: skip
NUMBER_WORDS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5,
    "seis": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
}  # fmt: skip
#: Words around a choice that say nothing: "quero a opção 2 por favor".
FILLERS = set(
    "a o as os de da do e eh opcao opcoes numero n no num item alternativa quero queria escolho pode ser"
    " vou fica com por favor pfv pf prefiro essa esse manda mande ai entao acho que seria pra mim me".split()
)
_SMALL_WORDS = set("a o as os de da do das dos e em no na ou um uma para pra por com que".split())


def fold(text: str) -> str:
    """Lower case, no accents, no emoji or punctuation, single spaces. Keycap digits become digits."""
    text = unicodedata.normalize("NFKD", text.replace("\N{KEYCAP TEN}", "10"))
    text = "".join(c for c in text if not unicodedata.combining(c) and c not in "\ufe0f\u20e3")
    return re.sub(r"[^0-9a-z]+", " ", text.lower()).strip()


def choose(options: Sequence[Option], text: str) -> Option | None:
    """The option that the text names without doubt, or None: then it is an ordinary message."""
    folded = fold(text)
    if not options or not folded or len(folded) > 80:
        return None
    words = folded.split()
    return _by_number(options, words) or _by_title(options, folded, words)


def _by_number(options: Sequence[Option], words: list[str]) -> Option | None:
    meaning = [w for w in words if w not in FILLERS]
    # "2ª via" folds to "2a via": an ordinal with its letter, but only where nothing else is said.
    if len(meaning) != 1:
        return None
    word = re.sub(r"^(\d+)[ao]$", r"\1", meaning[0])
    number = ORDINALS.get(word) or NUMBER_WORDS.get(word) or (int(word) if word.isdigit() else 0)
    if number == -1:
        return options[-1]
    return options[number - 1] if 1 <= number <= len(options) else None


def _by_title(options: Sequence[Option], folded: str, words: list[str]) -> Option | None:
    titles = [fold(option.title) for option in options]
    exact = [o for o, title in zip(options, titles) if title == folded]
    if len(exact) == 1:
        return exact[0]
    said = {w for w in words if w not in FILLERS and w not in _SMALL_WORDS}
    if not said or not any(len(w) >= 3 for w in said):
        return None
    inside = [o for o, title in zip(options, titles) if said <= set(title.split())]
    return inside[0] if len(inside) == 1 else None
