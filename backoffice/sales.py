"""Plans, coverage and people who want to be connected."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from backoffice.erp import Erp
from backoffice.records import Box, CoverageMap, Lead, NewLead, Plan, Point


def plans_for(erp: Erp, *, company: bool) -> tuple[Plan, ...]:
    """What a person, or a company, is offered; cheapest first."""
    return tuple(plan for plan in erp.plans() if plan.for_companies is company)


class CoverageOutcome(str, Enum):
    SERVED = "served"
    """By the records; whether it can be installed is settled at the survey."""
    FULL = "full"
    """There are boxes near, and none has a free port."""
    NOT_SERVED = "not_served"
    UNKNOWN = "unknown"
    """The records say neither yes nor no: a lead, and a person looks it up."""


@dataclass(frozen=True)
class Coverage:
    outcome: CoverageOutcome
    neighbourhood: str | None = None
    """As the coverage list names it."""
    box: Box | None = None
    """The nearest box with a free port, where a pin was given."""


REACH_METRES = 300
"""How far from a box a place can be connected."""


def coverage(
    erp: Erp, *, cep: str | None = None, point: Point | None = None, neighbourhood: str | None = None
) -> Coverage:
    """Whether a place is served, by the best of what is known of it.

    A pin on the map within 300 m of a box with a free port is served. A CEP that is known not to be served
    is not; one in a served range is. A neighbourhood is matched by name, without accents.
    What none of them decides is `unknown`, or `full` if there are boxes near the pin and all are taken.
    """
    records = erp.coverage()
    near = _near(records, point) if point else []
    free = [box for box in near if box.free > 0]
    if free:
        return Coverage(CoverageOutcome.SERVED, box=free[0])
    if cep is not None:
        cep = re.sub(r"\D", "", cep)
        if cep in records.not_served:
            return Coverage(CoverageOutcome.NOT_SERVED)
        for served in records.ranges:
            if served.first <= cep <= served.last:
                return Coverage(CoverageOutcome.SERVED, served.neighbourhood)
    elif neighbourhood is not None:
        for served in records.ranges:
            if any(_same_place(neighbourhood, name) for name in served.neighbourhood.split("/")):
                return Coverage(CoverageOutcome.SERVED, served.neighbourhood)
    return Coverage(CoverageOutcome.FULL if near else CoverageOutcome.UNKNOWN)


def register_lead(erp: Erp, new: NewLead, key: str) -> Lead:
    """Puts down who wants to be connected, with a protocol; the sales people call back. Not twice for one place."""
    return erp.create_lead(new, key)


def metres(a: Point, b: Point) -> float:
    """The distance of two points on the ground (haversine, Earth radius 6 371 008.8 m)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    )
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


def _near(records: CoverageMap, point: Point) -> list[Box]:
    distances = sorted((metres(point, box.point), box.id, box) for box in records.boxes)
    return [box for distance, _, box in distances if distance <= REACH_METRES]


def _same_place(said: str, name: str) -> bool:
    """Whether all words of the name were said, or all words said are in the name."""
    one, other = _words(said), _words(name)
    return bool(one and other) and (other <= one or one <= other)


_FILLERS = {"bairro", "do", "da", "de", "o", "a", "no", "na", "jd", "joao", "pessoa", "pb"}


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return {
        word for word in "".join(c if c.isalnum() else " " for c in plain).split() if word not in _FILLERS
    }
