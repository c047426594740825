"""The entity extractor: documents by their check digits, places, speeds, days, and the words of
`data/nlu/entities.yml`. It learns that file at training; everything else is rules.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from unicodedata import decimal
from zoneinfo import ZoneInfo

import rasa.shared.utils.io
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from stdnum.br import cnpj, cpf

from language import dates, sealed
from language.folding import strip_accents

TIMEZONE = ZoneInfo("America/Fortaleza")
#: Entities whose words are listed in `data/nlu/entities.yml` (a lookup of values, synonyms of each).
LISTED = ("aplicativo", "forma_pagamento")

Found = tuple[str, int, int, Any]

#: Kind of a token → the entity that is under the seal.
_SEALED = {"cpf": "cpf", "cnpj": "cnpj", "data": "dia"}
_CPF = re.compile(r"(?<!\d)(?:\d[\s.\-/]{0,3}){10}\d(?!\d)")
_CNPJ = re.compile(
    r"(?<![0-9a-z])[0-9a-z]{2}[.\s-]?[0-9a-z]{3}[.\s-]?[0-9a-z]{3}[/\s.-]?[0-9a-z]{4}[-\s.]?\d{2}(?![0-9a-z])"
)
_PROTOCOL = re.compile(r"(?<!\d)20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[\s.-]?\d{6}(?!\d)")
_CEP = re.compile(r"(?<![\d.,/-])\d{2}\.?\d{3}\s?-?\s?\d{3}(?![\d]|[-/.]\d)")
_PHONE_BEFORE = re.compile(r"(?:tel|telefone|fone|fixo|whatsapp|zap|celular|ligar?|numero)\W{0,3}(?:(?:eh?|:)\W{0,3})?(?:\(?\d{2}\)?\W{0,3})?$")
#: How far before a number its name is looked for, in letters.
_NEAR = 40
_NUMBER_WORDS = {
    "um": 1, "uma": 1, "dois": 2, "cem": 100, "cento": 100, "duzentos": 200, "trezentos": 300,
    "quatrocentos": 400, "quinhentos": 500, "seiscentos": 600, "setecentos": 700, "oitocentos": 800,
    "novecentos": 900, "mil": 1000, "dez": 10, "vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50,
}  # fmt: skip
_SPEED = re.compile(
    r"(?<![\w.,])(\d{1,4}(?:[.,]\d)?|" + "|".join(_NUMBER_WORDS) + r")\s?(gigas?|gbps|gb|g|megas?|megabits?|mbps|mbs|mb|m)\b(?!\s?(?:de\s+(?:ram|memoria|internet\s+movel)))"
)
_SCORES = {w: i for i, w in enumerate("zero um dois tres quatro cinco seis sete oito nove dez".split())}
_SCORE = re.compile(r"\W*(?:(?:minha )?nota\s*(?:(?:eh?|:)\s*)?|dou\s+(?:nota\s+)?)?(10|\d|" + "|".join(_SCORES) + r")\W*")


def find(text: str, today: dt.date) -> Iterator[Found]:
    """(entity, start, end, value) of everything but the listed words. Values are normalised:
    digits, upper-case places, Mbps, ISO dates, `manha`/`tarde`, whole numbers; what is sealed stays so.
    """
    folded = fold_same_length(text)
    for match in sealed.TOKEN.finditer(folded):
        entity = _SEALED.get(match.group(1))
        if entity:
            yield entity, match.start(), match.end(), match.group()
    folded = sealed.TOKEN.sub(lambda match: " " * len(match.group()), folded)  # nothing else is read into them
    taken: list[tuple[int, int]] = []
    for name, start, end, value in _documents(folded):
        taken.append((start, end))
        yield name, start, end, value
    for name, start, end, value in _rest(folded, today):
        if all(end <= s or start >= e for s, e in taken):
            taken.append((start, end))
            yield name, start, end, value


def fold_same_length(text: str) -> str:
    """Lower case without accents, digits of any script as 0 to 9, every character in its place."""
    return "".join(str(decimal(c)) if c.isdecimal() else (strip_accents(c).lower() or " ")[:1] for c in text)


def _documents(folded: str) -> Iterator[Found]:
    taken: list[tuple[int, int]] = []
    for match in _CNPJ.finditer(folded):
        value = re.sub(r"[^0-9A-Z]", "", match.group().upper())
        if _PROTOCOL.fullmatch(match.group()) and ("protocolo" in folded or not cnpj.is_valid(value)):
            continue
        if cnpj.is_valid(value):
            taken.append(match.span())
            yield "cnpj", match.start(), match.end(), value
    for match in _PROTOCOL.finditer(folded):
        if all(match.end() <= s or match.start() >= e for s, e in taken):
            taken.append(match.span())
            yield "protocolo", match.start(), match.end(), re.sub(r"\D", "", match.group())
    for match in _CPF.finditer(folded):
        value = re.sub(r"\D", "", match.group())
        if cpf.is_valid(value) and all(match.end() <= s or match.start() >= e for s, e in taken):
            yield "cpf", match.start(), match.end(), value


def _rest(folded: str, today: dt.date) -> Iterator[Found]:
    for start, end, date in dates.days(folded, today):
        if not (_EIGHT.fullmatch(folded[start:end]) and re.search(r"cep\W{0,5}$", folded[max(0, start - _NEAR) : start])):
            yield "dia", start, end, date.isoformat()
    for match in _CEP.finditer(folded):
        if not _PHONE_BEFORE.search(folded[max(0, match.start() - _NEAR) : match.start()]):
            yield "cep", match.start(), match.end(), re.sub(r"\D", "", match.group())
    for match in _SPEED.finditer(folded):
        number, unit = match.groups()
        amount = _NUMBER_WORDS.get(number) or float(number.replace(",", "."))
        if unit in ("m", "g") and not number[0].isdigit():
            continue
        mbps = int(amount * (1000 if unit.startswith("g") else 1))
        if 1 <= mbps <= 10_000:
            yield "velocidade", match.start(), match.end(), mbps
    for start, end, shift in dates.shifts(folded):
        yield "turno", start, end, shift
    score = _SCORE.fullmatch(folded)
    if score:
        word = score.group(1)
        yield "nota", score.start(1), score.end(1), _SCORES[word] if word in _SCORES else int(word)


_EIGHT = re.compile(r"\d{8}")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class PortugueseEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Adds the entities of `find` and of the listed words to each message."""

    def __init__(self, storage: ModelStorage, resource: Resource, words: dict[str, dict[str, str]] | None = None) -> None:
        self._storage, self._resource = storage, resource
        self._words = words or {}
        self._patterns = {
            entity: re.compile(r"(?<!\w)(?:" + "|".join(_stretchable(w) for w in sorted(listed, key=len, reverse=True)) + r")(?!\w)")
            for entity, listed in self._words.items()
            if listed
        }

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> PortugueseEntityExtractor:
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns the lookups and synonyms of the listed entities."""
        words: dict[str, dict[str, str]] = {}
        for table in training_data.lookup_tables:
            if table["name"] in LISTED and isinstance(table["elements"], list):
                values = {str(value) for value in table["elements"]}
                listed = {fold_same_length(value.replace("_", " ")): value for value in values}
                for variant, value in training_data.entity_synonyms.items():
                    if value in values:
                        listed[fold_same_length(variant)] = value
                words[table["name"]] = listed
        with self._storage.write_to(self._resource) as folder:
            rasa.shared.utils.io.dump_obj_as_json_to_file(folder / "words.json", words)
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PortugueseEntityExtractor:  # fmt: skip
        with model_storage.read_from(resource) as folder:
            words = rasa.shared.utils.io.read_json_file(folder / "words.json")
        return cls(model_storage, resource, words)

    def process(self, messages: list[Message]) -> list[Message]:
        today = dt.datetime.now(TIMEZONE).date()
        for message in messages:
            found = [
                {"entity": name, "start": start, "end": end, "value": value, "confidence_entity": 1.0}
                for name, start, end, value in [*find(message.get(TEXT) or "", today), *self._listed(message.get(TEXT) or "")]
            ]
            found.sort(key=lambda entity: entity["start"])
            message.set(
                ENTITIES, message.get(ENTITIES, []) + self.add_extractor_name(found), add_to_output=True
            )
        return messages

    def _listed(self, text: str) -> Iterator[Found]:
        folded = fold_same_length(text)
        for entity, pattern in self._patterns.items():
            for match in pattern.finditer(folded):
                yield entity, match.start(), match.end(), self._value(entity, match.group())

    def _value(self, entity: str, said: str) -> str:
        words = self._words[entity]
        return words[said] if said in words else next(v for w, v in words.items() if re.fullmatch(_stretchable(w), said))


def _stretchable(word: str) -> str:
    """A pattern that also takes the last letter drawn out: `boletooo`."""
    return re.escape(word) + (re.escape(word[-1]) + "*" if word[-1:].isalpha() else "")
