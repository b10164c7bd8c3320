"""Every planted bug, in a crowd, shrinks to what is known to be needed."""

from __future__ import annotations

import pytest

from sim import Scenario, run, shrink
from sim.protocol.mutants import Mutant
from tests.shrink.blown_up import in_a_crowd
from tests.shrink.planted import CASES, Planted

IDS = [f"{name}-{bug.name.lower()}" for name, bug, _ in CASES]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bug", "planted"), CASES, ids=IDS)
def test_a_planted_bug_shrinks_to_the_known_way(name: str, bug: Mutant, planted: Planted) -> None:
    """At most three deviations more than the faults of its scenario; and it is still the bug that breaks the promise."""
    small = shrink(in_a_crowd(planted.tables(bug), name), name, seeds=0)
    assert small.complete
    assert small.deviations.total <= len(planted.faults) + 3
    tables = small.tape.scenario
    assert bug.name.lower() in tables["workers"][0]["mutants"]
    mended = Scenario.from_dict({**tables, "workers": [{**worker, "mutants": []} for worker in tables["workers"]]})
    assert run(mended, small.tape.seed, deviations=small.tape.deviations).properties[name] != "broken"


@pytest.mark.parametrize(("name", "bug", "planted"), CASES, ids=IDS)
def test_the_scenario_alone_shows_the_bug(name: str, bug: Mutant, planted: Planted) -> None:
    tables = planted.tables(bug)
    assert run(Scenario.from_dict(tables), 1, properties=(name,)).properties[name] == "broken"
