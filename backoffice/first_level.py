"""The first-level script of a fibre connection: which question comes next, and where it ends.

One question at a time, none that the network or the customer has answered already.
Pure: answers in, a step or an end out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum

from backoffice.support import DiagnosisOutcome


class Symptom(str, Enum):
    """What the customer complains of; the names are those of the intents."""

    NO_INTERNET = "sem_internet"
    SLOW = "internet_lenta"
    OFF = "modem_desligado"
    OTHER = "pedir_suporte"


class Step(str, Enum):
    """A question; its answer is yes (True) or no (False)."""

    LIGHTS = "luzes"
    """Is any light of the equipment on?"""
    POWER = "tomada"
    """After checking cable and socket: did it light up?"""
    RED_LIGHT = "luz_vermelha"
    """Is a red light (LOS) on or blinking?"""
    RESTART = "reiniciar"
    """After a minute without power: is it good again?"""
    CABLE = "cabo"
    """By cable, is it good?"""
    ONE_APP = "um_aplicativo"
    """Is it one app only?"""
    NEAR = "perto"
    """Near the equipment, is it better?"""


class End(str, Enum):
    SOLVED = "resolvido"
    LIT = "acendeu"
    """The equipment has power again; whether the connection is back shows in a minute."""
    VISIT = "visita"
    WIFI = "wifi"
    """The connection is good; the house's Wi-Fi is not."""
    APP = "aplicativo"
    """One app only: the connection is good."""


def next_step(
    outcome: DiagnosisOutcome,
    symptom: Symptom,
    answers: Mapping[Step, bool],
    tried: Collection[Step] = (),
    *,
    app: bool = False,
) -> Step | End:
    """What to ask next, or how it ends. `tried`: what the customer did already, without success.

    `app`: one app was named. Only for outcomes that leave something to ask; a visit-only outcome ends in a visit at once.
    """
    known = {**dict.fromkeys(tried, False), **answers}
    if outcome in (DiagnosisOutcome.NO_LIGHT, DiagnosisOutcome.WEAK_SIGNAL):
        return End.VISIT
    if outcome is DiagnosisOutcome.NO_POWER or symptom is Symptom.OFF or known.get(Step.LIGHTS) is False:
        return _power(symptom, known)
    if symptom is Symptom.SLOW and outcome is DiagnosisOutcome.ONLINE_OK:
        return _slow(known, app)
    return _nothing_works(outcome, known)


def _power(symptom: Symptom, known: Mapping[Step, bool]) -> Step | End:
    if Step.LIGHTS not in known and symptom is not Symptom.OFF:
        return Step.LIGHTS
    if known.get(Step.LIGHTS):
        return _restart_then_visit(known)
    if Step.POWER not in known:
        return Step.POWER
    return End.LIT if known[Step.POWER] else End.VISIT


def _slow(known: Mapping[Step, bool], app: bool) -> Step | End:
    if Step.RESTART not in known:
        return Step.RESTART
    if known[Step.RESTART]:
        return End.SOLVED
    if app and Step.ONE_APP not in known:
        return Step.ONE_APP
    if known.get(Step.ONE_APP):
        return End.APP
    if Step.NEAR not in known and Step.CABLE not in known:
        return Step.NEAR
    return End.WIFI if known.get(Step.NEAR) or known.get(Step.CABLE) else End.VISIT


def _nothing_works(outcome: DiagnosisOutcome, known: Mapping[Step, bool]) -> Step | End:
    if outcome is DiagnosisOutcome.UNKNOWN:
        if Step.RED_LIGHT not in known:
            return Step.RED_LIGHT
        if known[Step.RED_LIGHT]:
            return End.VISIT
        return _restart_then_visit(known)
    if Step.RESTART not in known:
        return Step.RESTART
    if known[Step.RESTART]:
        return End.SOLVED
    if Step.CABLE not in known:
        return Step.CABLE
    return End.WIFI if known[Step.CABLE] else End.VISIT


def _restart_then_visit(known: Mapping[Step, bool]) -> Step | End:
    if Step.RESTART not in known:
        return Step.RESTART
    return End.SOLVED if known[Step.RESTART] else End.VISIT
