"""Simulates drawn scenarios and exports their histories, for the real SDK to replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from conformance.draw import Table, scenario
from sim import Scenario, run
from sim.cli.artifacts import write_histories


def export(seeds: Iterable[int], folder: Path, draw: Callable[[int], Table] = scenario) -> list[Path]:
    """Simulate the scenario that each seed draws under that seed; its histories go to a folder of the scenario's name.

    `draw`: the tables of a seed; every seed's have a name of their own. Returns the files of all histories. Raises ScenarioError when a
    drawn scenario is none.
    """
    files: list[Path] = []
    for seed in seeds:
        drawn = Scenario.from_dict(draw(seed))
        recorder = run(drawn, seed, histories=True, properties=()).recorder
        assert recorder is not None
        place = folder / drawn.name
        write_histories(recorder, place, drawn.model.cluster.sdk_version)
        files += sorted(place.glob("*.json"))
    return files
