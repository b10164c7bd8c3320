"""A load read off histories is the load that made them."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest

from sim.cli.artifacts import write_histories
from sim.model.laws import Exponential
from sim.scenario.run import run
from sim.sizing.from_histories import TooFewError, observe
from sim.sizing.journeys import Journeys
from sim.sizing.load import Load, scenario_of

REAL = Path(__file__).parent.parent / "data" / "real"


def test_arrivals_and_holds_are_read_off(tmp_path: Path) -> None:
    journeys = Journeys()
    load = Load(Exponential(5_000_000), Exponential(20_000_000))
    result = run(scenario_of(load, 3, 4, 25), 3, properties=(), histories=True, observers=[journeys])
    assert result.recorder is not None
    assert write_histories(result.recorder, tmp_path, "1.48.0") == []
    seen = observe([tmp_path])
    assert (seen.sessions, seen.held) == (25, 25)
    gaps = [b.queued - a.queued for a, b in zip(journeys.all, journeys.all[1:], strict=False)]
    assert seen.gap.mean() == pytest.approx(fmean(gaps), rel=1e-3)
    # A session is held a little longer than its activity runs.
    assert seen.working == pytest.approx(fmean(j.work for j in journeys.all), rel=0.01)
    assert seen.working < seen.hold.mean() < seen.working + 300_000
    assert json.loads(next(tmp_path.glob("*.json")).read_text())["events"]


def test_one_history_is_too_few() -> None:
    with pytest.raises(TooFewError, match="1 sessions that were asked for"):
        observe([REAL / "happy_path"])
