"""Simulates drawn scenarios and exports their histories, for the real SDK to replay."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.draw import scenario
from sim import Scenario, run
from sim.cli.artifacts import write_histories


def export(seeds: Iterable[int], folder: Path) -> list[Path]:
    """Simulate the scenario of each seed under that seed; its histories go to a folder of the scenario's name.

    Returns the files of all histories. Raises ScenarioError when a drawn scenario is none.
    """
    files: list[Path] = []
    for seed in seeds:
        drawn = Scenario.from_dict(scenario(seed))
        recorder = run(drawn, seed, histories=True, properties=()).recorder
        assert recorder is not None
        place = folder / drawn.name
        write_histories(recorder, place, drawn.model.cluster.sdk_version)
        files += sorted(place.glob("*.json"))
    return files
