"""No pattern and no reader of text takes more than its length in time: a customer's message cannot stop the house.

Python's `re` tries every way in which a text may fit. Where two neighbours of a pattern want the same letters, or
a search begins anew at every letter, twice the text takes four times as long or worse. So every pattern meets texts
that are made for it, from its own parts, and what reads a message meets all of them that are cheap to think of.
"""

from __future__ import annotations

import ast
import datetime as dt
import functools
import importlib
import re
import sre_compile
import sre_constants as sre
import sre_parse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.forms import contract, places, sales, support
from backoffice import boleto, cep, documents, identity, phones, pix
from connectors import menus, turns
from connectors.messages import Option
from language import dates, entities, folding, sealed

ROOT = Path(__file__).parents[2]
PACKAGES = ("actions", "backoffice", "connectors", "language")
METHODS = ("search", "match", "fullmatch", "finditer", "sub", "split", "findall")
#: What reaches a pattern at most; `connectors/turns.py` cuts a message there.
LENGTH = turns.MAX_TEXT
#: Seconds below which nobody asks how the time grows, and how much longer twice the text may take.
FLOOR, GROWTH = 0.008, 3.0
TODAY = dt.date(2026, 7, 1)

Pattern = tuple[re.Pattern[str], frozenset[str]]


# -- which patterns there are -----------------------------------------------------------------------------


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not name.endswith("__main__"):
                yield name, file


def inside(value: Any) -> Iterator[re.Pattern[str]]:
    """The patterns in a value of a module, however deep in tuples and dicts."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            yield from inside(part)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from inside(part)


def flags_of(call: ast.Call) -> int:
    named = {node.attr for part in (*call.args[1:], *call.keywords) for node in ast.walk(part) if isinstance(node, ast.Attribute)}
    return functools.reduce(lambda all_, name: all_ | getattr(re, name), named & {"IGNORECASE", "DOTALL", "ASCII"}, 0)


@functools.cache
def patterns() -> dict[str, Pattern]:
    """Where → the pattern and how it is used: those of the modules, and those written at the call."""
    found: dict[str, Pattern] = {}
    for name, file in modules():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
        calls = [call for call in calls if call.func.attr in METHODS and isinstance(call.func.value, ast.Name)]  # type: ignore[attr-defined]
        used: dict[str, set[str]] = {}
        for call in calls:
            owner, method = call.func.value.id, call.func.attr  # type: ignore[attr-defined]
            used.setdefault(owner, set()).add(method)
            first = call.args[0] if call.args else None
            if owner == "re" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[f"{name}:{call.lineno}"] = re.compile(first.value, flags_of(call)), frozenset({method})
        for attribute, value in vars(importlib.import_module(name)).items():
            for number, pattern in enumerate(inside(value)):
                how = frozenset(used.get(attribute, {"search"}))
                found[f"{name}.{attribute}[{number}]"] = pattern, how
    for step, pair in support._STEP_WORDS.items():
        for number, words in enumerate(pair):
            found[f"actions.forms.support._STEP_WORDS[{step.name}, {number}]"] = re.compile(words), frozenset({"search"})
    return {where: how for where, how in found.items() if isinstance(how[0].pattern, str)}


# -- texts made for a pattern -----------------------------------------------------------------------------

LETTERS = "a0 ,.-/'é\n:x1E"


def one(state: Any, node: Any) -> str:
    """A letter that fits a node of one letter, else any."""
    small = sre_compile.compile(sre_parse.SubPattern(state, [node]))
    return next((letter for letter in LETTERS if small.fullmatch(letter)), "a")


def sample(tree: Any) -> str:
    """A short text that fits (look-arounds are not looked at)."""
    return "".join(_sample(tree.state, node) for node in tree)


def _sample(state: Any, node: Any) -> str:
    kind, value = node
    if kind is sre.LITERAL:
        return chr(value)
    if kind in (sre.IN, sre.ANY, sre.NOT_LITERAL):
        return one(state, node)
    if kind is sre.BRANCH:
        return sample(value[1][0])
    if kind is sre.SUBPATTERN:
        return sample(value[3])
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return sample(value[2]) * max(1, value[0])
    return ""


def attacks(tree: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(beginning, what is repeated) for every part of a pattern that may go on for long."""
    for index, node in enumerate(tree):
        kind, value = node
        parts: list[Any] = []
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            parts = [value[2]]
            if value[1] > 8:
                after = "".join(_sample(tree.state, n) for n in list(tree)[index + 1 :])
                pumps = {sample(value[2]), *(a for a in LETTERS if len(value[2]) == 1 and _fits(value[2], a))}
                for pump in sorted(pumps - {""}):
                    yield before, pump
                    yield "", before + pump  # a beginning that is found again and again
                    yield before + pump + after, pump
        elif kind is sre.BRANCH:
            parts = list(value[1])
        elif kind is sre.SUBPATTERN:
            parts = [value[3]]
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            parts = [value[1]]
        for part in parts:
            yield from attacks(part, before)
        before += _sample(tree.state, node)
    if before:
        yield "", before


def _fits(tree: Any, letter: str) -> bool:
    return sre_compile.compile(tree).fullmatch(letter) is not None


#: Long runs of one kind of letter, for everybody.
RUNS = ("a", "A", "0", " ", "\n", ".", "-", "/", ",", "?", "é", "。", "😀", "\u0301\u0327", "٣", "a ", "1 ", "1.", "a, ", "Aa ", "0-")
#: What no pattern of ours takes: here the search for a fit must fail.
ENDS = ("\x00~", "\x00x")


def seconds_of(read: Callable[[str], Any], text: str, times: int = 1) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.thread_time()  # what else runs on the machine does not count
        read(text)
        best = min(best, time.thread_time() - begun)
    return best


def is_slow(read: Callable[[str], Any], begin: str, pump: str, end: str, floor: float = FLOOR) -> str | None:
    """What is wrong where the time grows faster than the text; None where all is well."""

    def text(length: int) -> str:
        return (begin + pump * (length // len(pump) + 1))[: length - len(end)] + end

    length = LENGTH // 16  # first the short one: the worst must not be met at its longest
    if seconds_of(read, text(length)) < floor:
        length = LENGTH
        if seconds_of(read, text(length)) < floor:
            return None
    for times in (3, 10):  # a busy machine is noisy: what looks bad is measured again
        whole, half = seconds_of(read, text(length), times), seconds_of(read, text(length // 2), times)
        if whole < max(floor, GROWTH * half):
            return None
    return f"{begin[:40]!r} + {pump[:20]!r} × … + {end!r}: {half * 1000:.0f} ms, twice as long {whole * 1000:.0f} ms"


def uses(pattern: re.Pattern[str], how: frozenset[str]) -> Iterator[Callable[[str], Any]]:
    for method in sorted(how):
        if method == "finditer":
            yield lambda text: list(pattern.finditer(text))
        elif method == "sub":
            yield lambda text: pattern.sub("", text)
        else:
            yield getattr(pattern, method)


def slow_ways(pattern: re.Pattern[str], how: frozenset[str]) -> list[str]:
    """The texts that this pattern takes too long for."""
    made = {*attacks(sre_parse.parse(pattern.pattern, pattern.flags & ~re.UNICODE)), *(("", run) for run in RUNS)}
    return [
        trouble
        for read in uses(pattern, how)
        for begin, pump in sorted(made)
        for end in ENDS
        if (trouble := is_slow(read, begin, pump, end))
    ]


# -- the tests --------------------------------------------------------------------------------------------


def test_the_patterns_are_found() -> None:
    found = patterns()
    assert len(found) > 100
    for known in ("language.entities._CPF[0]", "backoffice.identity._BIRTHS[0]", "connectors.turns._INVISIBLE[0]"):
        assert known in found
    assert found["language.entities._SCORE[0]"][1] == {"fullmatch"}
    assert any(where.startswith("actions.forms.sales:") for where in found)  # written at the call


@pytest.mark.parametrize("package", PACKAGES)
def test_no_pattern_takes_longer_than_its_text(package: str) -> None:
    troubles = {
        where: slow
        for where, (pattern, how) in patterns().items()
        if where.startswith(package + ".") and (slow := slow_ways(pattern, how))
    }
    assert troubles == {}


@pytest.mark.parametrize(
    ("source", "method"),
    [
        (r"(a+)+$", "match"),
        (r"nota\s*(?:e|:)?\s*\d", "search"),
        (r"\W*x$", "search"),
        (r"(?:\w+ )*x", "match"),
        (r"esse\b.*\bmesmo", "search"),
    ],
)
def test_a_pattern_that_tries_every_way_is_found(source: str, method: str) -> None:
    """At a length at which the worst of them still ends."""
    pattern = re.compile(source)
    made = [*attacks(sre_parse.parse(source)), *(("", run) for run in RUNS)]
    length = 22 if source == r"(a+)+$" else LENGTH // 4
    read = next(uses(pattern, frozenset({method})))

    def grows(begin: str, pump: str) -> float:
        def text(size: int) -> str:
            return (begin + pump * size)[:size] + "\x00~"

        return seconds_of(read, text(length)) / max(seconds_of(read, text(length // 2)), 1e-6)

    # The machine may pause in the shorter one.
    assert any(max(grows(begin, pump) for begin, pump in made) > GROWTH for _ in range(3))


MENU = [Option("Dia 5", '/informar{"dia": "5"}'), Option("Segunda via da fatura", "/pedir_segunda_via")]
READERS: dict[str, Callable[[str], Any]] = {
    "entities.find": lambda text: list(entities.find(text, TODAY)),
    "dates.days": lambda text: list(dates.days(entities.fold_same_length(text), TODAY)),
    "dates.shifts": lambda text: list(dates.shifts(entities.fold_same_length(text))),
    "fold_tokens": folding.fold_tokens,
    "sealed.find": lambda text: list(sealed.find(text, TODAY)),
    "parse_document": documents.parse_document,
    "document_problem": documents.document_problem,
    "mask_documents": documents.mask_documents,
    "parse_cep": cep.parse_cep,
    "parse_birth": lambda text: identity.parse_birth(text, TODAY),
    "phones.canonical": phones.canonical,
    "pix.is_valid": pix.is_valid,
    "boleto.parse": lambda text: _boleto(text),
    "menus.choose": lambda text: menus.choose(MENU, text),
    "plain_text": turns.plain_text,
    "bubbles": turns.bubbles,
    "name_in": sales.name_in,
    "name_in_wish": contract.name_in_wish,
    "capitals": places.capitals,
}  # fmt: skip
#: Pieces that the readers look for, to be repeated, with runs between them.
PIECES = (
    "58037-120 ", "tel", "cep ", "dia 5 ", "5 de maio ", "12/12/2026 ", "segunda ", "manha ", "boa tarde ", "111.444.777-35 ",
    "11.444.777/0001-61 ", "20260101123456 ", "5583991110001 ", "300 mega ", "nota ", "rua a ", "bairro ", "meu nome e ", "Ana ",
    "000201", "8366", "nome da Ana ", "1 um ", "ﷺ", "İ", "ß", "\u200b", "/", "a\u0301",
)  # fmt: skip


def _boleto(text: str) -> object:
    try:
        return boleto.parse(text, TODAY)
    except boleto.BadLine:
        return None


@pytest.mark.parametrize("name", READERS)
def test_no_reader_takes_longer_than_its_text(name: str) -> None:
    def read(text: str) -> Any:
        return READERS[name](turns.plain_text(text))  # as it reaches them

    made = [("", pump) for pump in (*RUNS, *PIECES)]
    made += [(piece.strip() + run * (LENGTH // 8), piece) for piece in PIECES for run in (" ", "a")]
    slow = [
        trouble for begin, pump in made if (trouble := is_slow(read, begin, pump, "\x00x", floor=0.03))
    ]
    assert slow == []


def test_a_message_of_a_megabyte_is_no_menu_choice() -> None:
    """Python takes a quarter of an hour to bring that many accents into their order."""
    text = "5" + "\u0301\u0327" * 250_000
    assert menus.choose(MENU, text) is None
    assert seconds_of(lambda text: menus.choose(MENU, text), text) < 1
    assert seconds_of(turns.plain_text, text) < 1
