"""A place that somebody wants connected: read from a message, looked up, and judged by the records.

The slot `lugar` holds it as a plain dict (slots are stored as JSON) with the keys of `Place`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from actions.talk import Talk
from backoffice import sales
from backoffice.cep import CepDirectory, CepOutcome, CepReading, parse_cep
from backoffice.records import CoverageMap, Point
from backoffice.sales import CoverageOutcome
from language.folding import fold

#: After this many answers that did not settle the place, what is known has to do.
ENOUGH_TRIES = 3
#: What is still missing (`Place.falta`).
BAD_CEP, UNKNOWN_CEP, NO_CEP = "cep_incompleto", "cep_nao_existe", "sem_cep"
NOTHING = "tudo"
NEIGHBOURHOOD, CEP_TO_BE_SURE, CEP_OF_PIN = "bairro", "cep_para_confirmar", "cep_do_ponto"

VERDICTS = {
    CoverageOutcome.SERVED.value: "utter_cobertura_sim",
    CoverageOutcome.FULL.value: "utter_cobertura_lotada",
    CoverageOutcome.NOT_SERVED.value: "utter_cobertura_nao",
    CoverageOutcome.UNKNOWN.value: "utter_cobertura_incerta",
}

_STREET = re.compile(
    r"(?<!minha )(?<!nossa )(?<!nessa )(?<!dessa )(?<!essa )"
    r"\b(?:rua|r\.|av\.?|avenida|travessa|trav\.|alameda|estrada|rodovia|praca|ladeira)"
    r"\s+(?!que\b|onde\b|tem\b|toda\b|aqui\b|e\b|nao\b|ja\b|de (?:cima|baixo|tras)|do lado)\w{2,}"
)
#: Words that begin an address only where an address was asked for.
_ADDRESS = re.compile(
    r"\b(?:beco|quadra|qd\.?|loteamento|conjunto|sitio|granja|condominio|residencial|edificio|vila)\s+\w+"
)
_NO_CEP = re.compile(
    r"\b(?:nao|n|nem|num)\s+(?:\w+\s+){0,2}(?:sei|lembro|tenho|conheco|faco ideia)\b|\bsem (?:o )?cep\b|\besqueci\b"
)
#: Words that point at a place without naming it.
_NOWHERE = set(
    "a ai ali aqui casa cep de do da e em essa esse eu fica la lugar meu minha moro no na nessa nesse o ok pra para rua onde"
    " endereco bairro localizacao regiao voces vcs vc atende atendem tem chega internet fibra sim nao por favor ja"
    " pronto certo".split()
)
#: What no name of a neighbourhood holds.
_NOT_AN_AREA = re.compile(
    r"[\d?]|\b(?:quero|queria|preciso|plano|mega|giga|quanto|qual|quais|mais|barat\w+|car[oa]|melhor|pode|posso|vou|estou|to|tenho|sou|nome|obrigad\w+|"
    r"perai|espera|atendente|pessoa)\b"
)
_LEAD_IN = re.compile(
    r"^\W*(?:(?:e|eh|fica|moro|mora|seria|sera|ai|la|entao|bem|olha|pronto|aqui|o|no|na|em|bairro|meu|minha|endereco|do|de|da)\b[\s:,]*)+",
)


@dataclass(frozen=True)
class Said:
    """What one message says about a place."""

    point: Point | None = None
    cep: str | None = None
    cep_broken: bool = False
    """A CEP was tried, and digits are missing."""
    street: str | None = None
    served_area: str | None = None
    """A neighbourhood of the coverage list, as the list names it."""
    other_area: str | None = None
    """Words that can only be a neighbourhood that the list does not have."""
    knows_no_cep: bool = False

    def __bool__(self) -> bool:
        return self != Said()


@dataclass(frozen=True)
class Place:
    """What is known of the place, the verdict of the records, and what is missing for one."""

    cep: str | None = None
    rua: str | None = None
    bairro: str | None = None
    cidade: str | None = None
    lat: float | None = None
    lon: float | None = None
    veredito: str | None = None
    falta: str | None = None
    tentativas: int = 0

    @property
    def point(self) -> Point | None:
        return Point(self.lat, self.lon) if self.lat is not None and self.lon is not None else None

    @property
    def decided(self) -> bool:
        return self.veredito is not None

    @property
    def served(self) -> bool:
        return self.veredito == CoverageOutcome.SERVED.value


def place_of(slot: Any) -> Place:
    """The place that a slot holds; an empty one for None."""
    return Place(**slot) if isinstance(slot, dict) else Place()


def areas(records: CoverageMap) -> dict[str, str]:
    """Folded name → name of every neighbourhood on the coverage list (`Jardim Oceania / Bessa` is two)."""
    names = [name.strip() for served in records.ranges for name in served.neighbourhood.split("/")]
    return {fold(name): name for name in names}


def read_place(text: str, known: dict[str, str], *, asked: bool) -> Said:
    """What a text says about a place; `known` are the served neighbourhoods (see `areas`).

    `asked` is whether it answers "where?": only then may loose words be a neighbourhood that is not known.
    """
    folded = fold(text)
    cep = parse_cep(text)
    street = _STREET.search(folded) or (_ADDRESS.search(folded) if asked else None)
    if cep.reading is CepReading.OK and (asked or "cep" in folded):
        return Said(cep=cep.cep, street=_from(text, folded, street), served_area=_area(folded, known, street))
    if cep.reading is CepReading.INCOMPLETE and not street and (asked or "cep" in folded):
        return Said(cep_broken=True)
    if asked and re.fullmatch(r"\D{0,12}\d(?:[-. ]?\d){8,12}\D{0,3}", folded):  # a digit or two too many
        return Said(cep_broken=True)
    area = _area(folded, known, street)
    if street:
        after = re.search(r"\bbairro\s+(?:d[eoa]\s+)?([\w ]{3,40})", text, re.IGNORECASE)
        other = after.group(1).strip() if after and not area else None
        return Said(street=_from(text, folded, street), served_area=area, other_area=other)
    if area:
        return Said(served_area=area)
    if asked and _NO_CEP.search(folded):
        return Said(knows_no_cep=True)
    if (
        asked
        and re.search(r"\bcep\b", folded)
        and re.search(r"\d|\b(?:zero|um|dois|tres|cinco|cinquenta|oito)\b", folded)
    ):
        return Said(cep_broken=True)
    words = [w for w in re.findall(r"[a-z]+", folded) if w not in _NOWHERE]
    if asked and 0 < len(words) <= 5 and any(len(w) >= 4 for w in words) and not _NOT_AN_AREA.search(folded):
        return Said(other_area=capitals(_LEAD_IN.sub("", text.strip(), count=1).strip(" .!") or text.strip()))
    return Said()


def capitals(name: str) -> str:
    """A name typed all in small or all in capital letters, as one writes it: `jardim da aurora` → `Jardim da Aurora`."""
    words = [word.lower() if fold(word) in _SMALL else word for word in name.split()]
    return " ".join(w if w in _SMALL or not (w.islower() or w.isupper()) else w.capitalize() for w in words)


_SMALL = ("de", "da", "do", "das", "dos", "e")


def _from(text: str, folded: str, street: re.Match[str] | None) -> str | None:
    """The address as typed, from the word that begins it."""
    if street is None:
        return None
    begun = text[street.start() :] if len(folded) == len(text) else text
    begun = re.split(r"\W{1,3}(?:(?:com|e|quero|o)\s{1,3}){0,3}plano\b", begun, maxsplit=1, flags=re.IGNORECASE)[0]  # another wish
    return re.sub(r"\s+", " ", begun).strip(" .,;!?")[:160]


def _area(folded: str, known: dict[str, str], street: re.Match[str] | None) -> str | None:
    """The served neighbourhood that is named. The name of a street is none: it stands before its number."""
    if street:
        after = re.split(r"[,;\n\d]|\bbairro\b|\s-\s|\s(?:em|no)\s", folded[street.start() :], maxsplit=1)
        rest = after[1] if len(after) > 1 else ""
        if not rest:  # "rua josefa taveira mangabeira"
            end = folded.rstrip(" .!?")
            rest = next(
                (" " + n for n in known if end.endswith(" " + n) and end[street.start() : -len(n)].split()[1:]),
                "",
            )
        before = _LEAD_IN.sub("", folded[: street.start()], count=1).strip(" ,.-")
        rest = f"{before} {rest}" if before in known else rest  # "tambaú, rua silvino chaves 10"
    else:
        rest = folded
    found = [(m.start(), name) for folded_name, name in known.items() for m in re.finditer(rf"\b{folded_name}\b", rest)]
    return max(found)[1] if found else None  # of two, the last: "do bessa pra mangabeira"


@lru_cache(maxsize=1)
def cep_directory() -> CepDirectory:
    """The address services that the environment names; opened once."""
    return CepDirectory(os.environ)


async def hear_place(talk: Talk, slot: Any, *, asked: bool, starting: bool = False) -> dict[str, Any] | None:
    """The slot `lugar` after this message, or None when the message says nothing about a place."""
    records = await talk.ask(lambda erp: erp.coverage())
    latitude, longitude = talk.entity("latitude"), talk.entity("longitude")
    if starting and latitude is None and not place_of(slot).decided:
        latitude, longitude = _pin_before(talk)
    if latitude is not None and longitude is not None:
        said = Said(point=Point(float(latitude), float(longitude)))
    else:
        said = read_place(talk.text, areas(records), asked=asked)
        if not said and talk.entity("cep"):
            said = Said(cep=str(talk.entity("cep")))
    before = place_of(slot)
    if talk.intent in ("afirmar", "negar") and said.other_area:
        said = Said()  # loose words that agree or disagree name no neighbourhood
    if not said and asked and before.falta == UNKNOWN_CEP and talk.intent == "afirmar":
        said = Said(cep=before.cep)  # "é esse mesmo"
    if not said or (said.knows_no_cep and before.decided):
        return None
    if said.street and before.decided and not (said.cep or said.served_area or said.other_area):
        return None  # the street of the place that is settled already
    return asdict(await settle(talk, Place() if before.decided else before, said))


async def settle(talk: Talk, place: Place, said: Said) -> Place:
    """The place with what was said now, and its verdict if the records give one."""
    unsure = said.knows_no_cep and place.falta == NEIGHBOURHOOD  # of the neighbourhood too
    place = replace(place, falta=None, tentativas=place.tentativas + 1)
    if said.point:
        place = replace(place, lat=said.point.lat, lon=said.point.lon)
    if said.street:
        place = replace(place, rua=said.street)
    if said.served_area or said.other_area:
        place = replace(place, bairro=said.served_area or said.other_area)
    if said.cep:
        address, exists = await _look_up(said.cep)
        repeated = place.cep == said.cep
        place = replace(place, cep=said.cep)
        if not exists and not repeated and place.tentativas < ENOUGH_TRIES:
            return replace(place, falta=UNKNOWN_CEP)
        if address:
            place = replace(
                place,
                rua=place.rua or address.street,
                bairro=address.neighbourhood or place.bairro,
                cidade=address.city,
            )
    return await _judge(talk, place, said, street_has_to_do=unsure)


async def _judge(talk: Talk, place: Place, said: Said, *, street_has_to_do: bool) -> Place:
    area = said.served_area if place.cep is None else None  # a CEP says more than a name
    found = await talk.ask(sales.coverage, cep=place.cep, point=place.point, neighbourhood=area)
    if found.outcome is not CoverageOutcome.UNKNOWN:
        return replace(place, veredito=found.outcome.value, bairro=place.bairro or found.neighbourhood)
    enough = street_has_to_do or place.tentativas >= ENOUGH_TRIES
    known = place.cep or place.bairro or place.point or (place.rua if enough else None)
    if place.cep or (known and (place.tentativas >= ENOUGH_TRIES or said.knows_no_cep)):
        return replace(place, veredito=found.outcome.value)
    if not known and place.tentativas >= ENOUGH_TRIES:
        return replace(place, falta=NOTHING)
    if said.cep_broken:
        return replace(place, falta=BAD_CEP)
    if place.point:
        return replace(place, falta=CEP_OF_PIN)
    if place.bairro:
        return replace(place, falta=CEP_TO_BE_SURE)
    return replace(place, falta=NEIGHBOURHOOD if place.rua else NO_CEP)


async def _look_up(cep: str) -> tuple[Any, bool]:
    """(address or None, False when the CEP is known not to exist). Services that are down change nothing."""
    found = await asyncio.to_thread(lambda: cep_directory().find(cep))
    return found.address, found.outcome is not CepOutcome.NOT_FOUND


def _pin_before(talk: Talk, messages: int = 3) -> tuple[Any, Any]:
    """The place on the map among the customer's last messages, sent before it was asked for."""
    for event in [e for e in reversed(talk.tracker.events) if e.get("event") == "user"][:messages]:
        found = {e["entity"]: e.get("value") for e in (event.get("parse_data") or {}).get("entities") or []}
        if "latitude" in found and "longitude" in found:
            return found["latitude"], found["longitude"]
    return None, None


# -- in words ----------------------------------------------------------------------------------------


def place_name(talk: Talk, place: Place) -> str:
    """How the place is called in a sentence, from what is known of it."""
    if place.rua and place.bairro and fold(place.bairro) not in fold(place.rua):
        return talk.words("utter_lugar_rua", rua=place.rua, bairro=place.bairro)
    if place.rua:
        return place.rua
    if place.bairro:  # the list is of one city; a name that is not on it may be anywhere
        name = "utter_lugar_bairro" if place.served else "utter_lugar_bairro_dito"
        return talk.words(name, bairro=place.bairro.replace(" / ", " ou "))
    if place.cep:
        name = talk.words("utter_lugar_cep", cep=f"{place.cep[:5]}-{place.cep[5:]}")
        return f"{name}, {place.cidade}" if place.cidade else name
    return talk.words("utter_lugar_ponto")


def tell_verdict(talk: Talk, place: Place) -> None:
    talk.say(VERDICTS[str(place.veredito)], lugar=place_name(talk, place))


def ask_place(talk: Talk, slot: Any, first: str) -> None:
    """Asks where, or for what is still missing. `first` are the words of the first question."""
    missing = place_of(slot).falta
    talk.say(f"utter_falta_{missing}" if missing else first)


def full_address(place: Place, number: str | None) -> str | None:
    """One line for the people who read the request; None when nothing but a pin is known."""
    parts: Iterable[str | None] = (place.rua, number, place.bairro, place.cidade)
    said: list[str] = []
    for part in parts:
        if part and not any(_within(part, before) for before in said):
            said = [before for before in said if not _within(before, part)]
            said.append(part)
    return ", ".join(said) or None


def _within(part: str, whole: str) -> bool:
    """Whether a part of an address is said in a longer one; not as the name of its street."""
    words = re.escape(fold(part))
    return re.search(rf"(?:^|[,;]\s*){words}(?!\w)|(?<!\w){words}\W*$", fold(whole)) is not None
