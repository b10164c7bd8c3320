"""Stories of the checker: whatever happens by itself to a node of the protocol, the node says what that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.model.inputs import Fired, Move
from sim.model.walks import Uniform, walk
from sim.scenario.checked import Bounds, system_of
from sim.scenario.load import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EVERYTHING = Bounds(
    crashes=1, restarts=1, stops=1, cancels=1, lost_requests=2, lost_responses=2, lost_machines=1, pauses=1, partitions=1, duplicates=1,
    slow=-1, retries=3,
)  # fmt: skip


@pytest.mark.parametrize("name", ["file_processing", "recreate_continue_as_new", "gpu_pool_typed", "host_rolling_deploy", "ml_training"])
def test_nodes_say_what_happens_to_them(name):
    """Timers and moves, whatever their tags are made of."""
    world = system_of(Scenario.load(SCENARIOS / f"{name}.toml"), EVERYTHING).world
    told = set()
    for seed in range(4):
        for stride in walk(world, Uniform(seed), seed, 80).strides:
            if isinstance(stride.event.choice.event, Fired | Move):
                told.add((stride.event.choice.event, stride.told))
    assert len(told) > 10
    assert [(event, words) for event, words in told if words.endswith(" fires") or "('" in words] == []
