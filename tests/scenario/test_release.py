"""A run that is over lets go of itself: what is asked of it first stays, and next to nothing waits for the collector of cycles."""

from __future__ import annotations

import gc
from pathlib import Path

from sim import Scenario, run
from sim.fuzz.schedulers import UNIFORM
from sim.fuzz.subject import Seeds, run_chunk
from sim.scenario.fuzzing import ground_of
from sim.scenario.run import PreparedRun

SMALL = Scenario.load(Path(__file__).parents[2] / "scenarios" / "jobqueue_small.toml")


def left_by(release: bool) -> int:
    """How many objects a run leaves to the collector."""
    prepared = PreparedRun(SMALL, 3)
    prepared.run()
    if release:
        prepared.release()
    del prepared
    return gc.collect()


def test_hardly_anything_waits_for_the_collector() -> None:
    left_by(True)  # what is made once for all runs
    gc.disable()
    try:
        kept, released = left_by(False), left_by(True)
    finally:
        gc.enable()
    assert kept > 1_000
    assert released * 4 < kept


def test_figures_outlast_the_nodes() -> None:
    prepared = PreparedRun(SMALL, 3)
    prepared.run()
    sim = prepared.sim
    told = sim.now, sim.messages, sim.local_messages, sim.timers_fired, sim.digest.hexdigest()
    prepared.release()
    assert not sim.seats
    assert (sim.now, sim.messages, sim.local_messages, sim.timers_fired, sim.digest.hexdigest()) == told
    assert run(SMALL, 3).digest == told[-1]


def test_runs_of_a_chunk_are_the_same_as_alone() -> None:
    ground = ground_of(SMALL)
    together = run_chunk(Seeds(ground, UNIFORM, (), (1, 2, 3)))
    for row in together.rows:
        (alone,) = run_chunk(Seeds(ground, UNIFORM, (), (row.seed,))).rows
        assert alone == row
