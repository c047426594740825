"""The first-level script: every path ends, asks nothing twice and nothing that is known."""

from __future__ import annotations

import itertools

import pytest

from actions.forms.support import TRIED, did_in_vain, read_answer, visit_wish
from backoffice.first_level import End, Step, Symptom, next_step
from backoffice.support import DiagnosisOutcome
from language.folding import strip_accents

ASKED = (DiagnosisOutcome.NO_POWER, DiagnosisOutcome.ONLINE_OK, DiagnosisOutcome.UNKNOWN)


def play(outcome, symptom, answer_all, *, tried=(), app=False):
    """The steps asked when every answer is `answer_all`, and the end."""
    answers: dict[Step, bool] = {}
    while isinstance(step := next_step(outcome, symptom, answers, tried, app=app), Step):
        assert step not in answers and step not in tried, f"{step} is asked again"
        answers[step] = answer_all
    return list(answers), step


@pytest.mark.parametrize(
    ("outcome", "symptom", "app"), itertools.product(ASKED, Symptom, (False, True)), ids=str
)
def test_every_path_ends_within_four_questions(outcome, symptom, app):
    for answer in (True, False):
        steps, end = play(outcome, symptom, answer, app=app)
        assert isinstance(end, End) and len(steps) <= 4


@pytest.mark.parametrize("outcome", [DiagnosisOutcome.NO_LIGHT, DiagnosisOutcome.WEAK_SIGNAL])
def test_light_is_not_asked_about(outcome):
    assert next_step(outcome, Symptom.NO_INTERNET, {}) is End.VISIT


def test_no_power_goes_along_the_power():
    assert play(DiagnosisOutcome.NO_POWER, Symptom.NO_INTERNET, False) == ([Step.LIGHTS, Step.POWER], End.VISIT)


def test_what_was_tried_is_not_asked():
    steps, end = play(DiagnosisOutcome.ONLINE_OK, Symptom.NO_INTERNET, False, tried=(Step.RESTART,))
    assert (steps, end) == ([Step.CABLE], End.VISIT)


def test_red_light_means_a_visit():
    assert next_step(DiagnosisOutcome.UNKNOWN, Symptom.NO_INTERNET, {Step.RED_LIGHT: True}) is End.VISIT


@pytest.mark.parametrize(
    ("step", "text", "intent", "answer"),
    [
        (Step.RED_LIGHT, "não tem luz vermelha", "negar", False),
        (Step.RED_LIGHT, "tem uma vermelha piscando", "sem_internet", True),
        (Step.RED_LIGHT, "só verde", "informar", False),
        (Step.LIGHTS, "só a pon piscando", "informar", True),
        (Step.LIGHTS, "ta tudo apagado", "modem_desligado", False),
        (Step.RESTART, "voltou sozinho", "afirmar", True),
        (Step.RESTART, "continua igual", "negar", False),
        (Step.RESTART, "ainda sem net", "sem_internet", False),
        (Step.POWER, "acendeu!", "afirmar", True),
        (Step.CABLE, "no cabo funciona", "informar", True),
        (Step.NEAR, "pertinho melhora", "informar", True),
        (Step.ONE_APP, "em tudo", "informar", False),
        (Step.RESTART, "peraí", "informar", None),
    ],
)
def test_answers_in_free_words(step, text, intent, answer):
    assert read_answer(step, text, intent) is answer


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("o técnico não veio", "nao_veio"),
        ("ninguém apareceu aqui", "nao_veio"),
        ("cancela a visita, já voltou", "cancelar"),
        ("dá pra remarcar pra sexta?", "remarcar"),
        ("não vou estar em casa", "remarcar"),
        ("que horas ele vem?", None),
    ],
)
def test_what_is_wanted_of_a_visit(text, wish):
    assert visit_wish(text) == wish


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("já reiniciei o modem", Step.RESTART),
        ("desliguei da tomada e liguei, já fiz isso de reiniciar", Step.RESTART),
        ("já testei em outra tomada", Step.POWER),
        ("no cabo também tá ruim", Step.CABLE),
    ],
)
def test_what_was_done_already_is_heard(text, step):
    folded = strip_accents(text.lower())
    assert step in [name for name, words in TRIED if words.search(folded)]


@pytest.mark.parametrize(
    ("text", "in_vain"),
    [
        ("já reiniciei", True), ("ja fiz isso", True), ("já tentei", True), ("fiz tudo isso", True),
        ("já reiniciei e voltou", False), ("já fiz e resolveu", False), ("sim", False), ("voltou", False), ("já", False),
    ],
)  # fmt: skip
def test_done_is_not_the_same_as_solved(text, in_vain):
    tried = [step.value for step, words in TRIED if words.search(strip_accents(text.lower()))]
    assert did_in_vain(text, Step.RESTART, tried) is in_vain
