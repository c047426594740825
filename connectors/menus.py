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
    "ultima": -1, "ultimo": -1, "cima": 1, "baixo": -1,
}  # fmt: skip
NUMBER_WORDS = {
    "um": 1, "dois": 2, "tres": 3, "quatro": 4, "cinco": 5,
    "seis": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
}  # fmt: skip
#: Ordinals that are days too: where the options are days, "quinta" is Thursday and not the fifth.
WEEKDAYS = {"segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo"}
_COUNTED = {"opcao", "opcoes", "numero", "item", "alternativa"}
#: Words around a choice that say nothing: "quero a opção 2 por favor". Not "as" and "os": "os dois" is both.
FILLERS = set(
    "a o de da do e eh opcao opcoes numero no num item alternativa quero queria escolho pode ser vou fica com"
    " por favor pfv pf prefiro essa esse manda mande ai entao acho que seria pra mim me mesmo"
    " obrigado obrigada obg".split()
)
#: Letters that a choice may have. No more are looked at: Python takes a quarter of an hour to bring a megabyte of
#: accents into their order.
LONGEST = 400
_SMALL_WORDS = set("a o as os e em no na um uma de da do das dos pra para por com que".split())
#: Options that answer a question of Theo's may be named by a part of their words. One that opens a service is
#: taken by its whole name only: "plano" alone is no wish for "Cancelar ou mudar plano", NLU reads it better.
ANSWERS = ("/informar{", "/afirmar", "/negar")


def fold(text: str) -> str:
    """Lower case, no accents, no emoji or punctuation, single spaces. Keycap digits become digits."""
    text = unicodedata.normalize("NFKD", text[:LONGEST].replace("\N{KEYCAP TEN}", "10"))
    text = "".join(c for c in text if not unicodedata.combining(c) and c not in "\ufe0f\u20e3")
    return re.sub(r"[^0-9a-z]+", " ", text.lower()).strip()


def choose(options: Sequence[Option], text: str) -> Option | None:
    """The option that the text names without doubt, or None: then it is an ordinary message."""
    folded = fold(text)
    if not options or not folded or len(folded) > 80 or len(text) > LONGEST:
        return None
    exact = [option for option in options if fold(option.title) == folded]
    if exact:
        return exact[0] if len(exact) == 1 else None
    words = folded.split()
    chosen = _by_number(options, words)
    if chosen is None:
        return _by_words(options, words)
    word = next(w for w in words if w not in FILLERS)
    if word in WEEKDAYS and not _COUNTED & set(words) and any(_is_day(option) for option in options):
        return _by_words(options, words)
    return None if any(_may_mean(word, option) for option in options if option is not chosen) else chosen


def _by_number(options: Sequence[Option], words: list[str]) -> Option | None:
    meaning = [w for w in words if w not in FILLERS]
    if len(meaning) != 1:
        return None
    word = re.sub(r"^(\d+)[ao]$", r"\1", meaning[0])
    number = ORDINALS.get(word) or NUMBER_WORDS.get(word) or (int(word) if word.isdigit() else 0)
    if number == -1:
        return options[-1]
    return options[number - 1] if 1 <= number <= len(options) else None


def _is_day(option: Option) -> bool:
    """Whether an option is a day of the agenda: "quarta, 25/11, de manhã"."""
    words = fold(option.title).split()
    return words[:1] != [] and words[0] in WEEKDAYS and any(word.isdigit() for word in words)


def _may_mean(word: str, option: Option) -> bool:
    """Whether a choice may be this option's own word: "5" for "Dia 5", "segunda" for "segunda, de manhã".

    A house number deep in an address is no reason to doubt that "2" is the second option.
    """
    title = fold(option.title).split()
    return word in title and (len(title) <= 2 or not word.isdigit())


def _by_words(options: Sequence[Option], words: list[str]) -> Option | None:
    said = {w for w in words if w not in FILLERS and w not in _SMALL_WORDS}
    if not any(len(w) >= 3 or w.isdigit() for w in said):
        return None
    fitting = []
    for option in options:
        title = {w for w in fold(option.title).split() if w not in FILLERS and w not in _SMALL_WORDS}
        if said == title or (said < title and option.payload.startswith(ANSWERS)):
            fitting.append(option)
    return fitting[0] if len(fitting) == 1 else None
