"""What `make test-long` calls a failure: each limit of the crowd and of the flood can be missed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.load import FLOOD, Load, wrong_with_flood, wrong_with_load

GOOD = Load(webhook_median=0.1, webhook_p95=0.3, wait_median=15.0, wait_p95=25.0, memory_before=200.0, memory_peak=230.0)
KEPT = Counter({(True, "surplus"): FLOOD - 30, (True, "done"): 31, (False, "done"): 200})


def test_a_good_crowd_passes() -> None:
    assert wrong_with_load(GOOD) == []


@pytest.mark.parametrize(
    ("load", "problem"),
    [
        (replace(GOOD, memory_peak=320.0), "memory grew from 200 to 320 MB"),
        (replace(GOOD, webhook_p95=5.5), "95 % of the webhook calls took up to 5.5 s"),
    ],
)
def test_a_crowd_that_costs_too_much_does_not(load: Load, problem: str) -> None:
    assert wrong_with_load(load) == [problem]


def test_a_good_flood_passes() -> None:
    assert wrong_with_flood([0.3, 0.4], [0.4, 0.5], 1, KEPT) == []


@pytest.mark.parametrize(
    ("noisy", "told", "change", "problem"),
    [
        ([0.4, 9.0], 1, {}, "the others waited 9.0 s instead of 0.4 s"),
        ([0.4], 0, {}, "who wrote too much was told 0 times"),
        ([0.4], 3, {}, "who wrote too much was told 3 times"),
        ([0.4], 1, {(False, "surplus"): 2}, "2 messages of others were set aside"),
        ([0.4], 1, {(True, "done"): 30}, "of the flood"),
        ([0.4], 1, {(True, "surplus"): 0, (True, "done"): FLOOD + 1}, "of the flood"),
    ],
)
def test_a_flood_that_harms_does_not(
    noisy: list[float], told: int, change: dict[tuple[bool, str], int], problem: str
) -> None:
    (found,) = wrong_with_flood([0.3, 0.4], noisy, told, Counter({**KEPT, **change}))
    assert found.startswith(problem)
