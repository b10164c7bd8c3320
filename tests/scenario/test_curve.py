"""A curve of fixed size has the area of what it was made of."""

from __future__ import annotations

import random

import pytest

from sim.scenario.measures.base import Curve


@pytest.mark.parametrize("longest", [1_000, 1_000_000, 300_000_000])
def test_a_curve_keeps_its_area(longest: int) -> None:
    luck = random.Random(longest)
    curve, time, area, height = Curve(), 0, 0, 0
    changes = []
    for _ in range(2_000):
        step = luck.randrange(longest)
        area += height * step
        time += step
        by = luck.choice((1, 1, -1)) if height else 1
        height += by
        changes.append((time, by))
        curve.change(time, by)
    assert curve.mean(time) == pytest.approx(area / time)
    plain = curve.to_plain(time)
    assert len(plain["means"]) <= Curve.MOST
    lengths = [min(plain["every_s"], time / 1e6 - i * plain["every_s"]) for i in range(len(plain["means"]))]
    assert sum(mean * length for mean, length in zip(plain["means"], lengths, strict=True)) == pytest.approx(area / 1e6, rel=1e-5)
    # One stretch by brute force.
    first, last = 0, plain["every_s"] * 1e6
    inside, height, before = 0.0, 0, 0
    for at, by in changes:
        inside += height * max(0, min(at, last) - max(before, first))
        height, before = height + by, at
    assert plain["means"][0] == pytest.approx(inside / min(last, time), abs=1e-6)
