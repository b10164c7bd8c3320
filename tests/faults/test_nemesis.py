"""The nemesis: the same faults for the same seed, all kinds of them, and all of them over in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.faults import KINDS
from sim.faults.nemesis import Aim, Luck, Surroundings, Tuning, plan, possible, rounded
from sim.model.durations import parse_duration
from sim.scenario.aims import AIMS, aims_of
from sim.scenario.fuzzing import ground_of
from sim.scenario.load import Scenario
from sim.scenario.moments import MOMENTS
from sim.scenario.run import run

DIRECTORY = Path(__file__).parents[2] / "scenarios"
SECOND = 1_000_000
SEEDS = range(400)

AROUND = Surroundings(
    processes=("p", "q"), horizon_us=60 * SECOND, workflows=("w",), activities=("a",), moments={"begins": 3, "ends": 1},
    methods=("Poll", "Beat"), queues=("mine",), aims=(Aim("hit", "a hit", "kill", "begins", lasts=(SECOND, 2 * SECOND)),),
)  # fmt: skip


def tables(around: Surroundings, tuning: Tuning | None = None) -> list[dict[str, Any]]:
    return [table for seed in SEEDS for table in plan(seed, around, tuning).tables]


def test_a_seed_has_the_same_faults_every_time() -> None:
    assert [plan(seed, AROUND) for seed in SEEDS] == [plan(seed, AROUND) for seed in SEEDS]
    assert len({str(plan(seed, AROUND).tables) for seed in SEEDS}) > len(SEEDS) * 3 // 4


def test_all_kinds_of_faults_are_drawn_and_every_seed_has_only_some() -> None:
    assert {table["kind"] for table in tables(AROUND)} == set(KINDS)
    numbers = {len(plan(seed, AROUND).kinds) for seed in SEEDS}
    assert min(numbers) <= 3
    assert max(numbers) >= 15
    assert max(numbers) < len(KINDS) + 1


def test_all_faults_end_before_it_is_quiet() -> None:
    for seed in SEEDS:
        found = plan(seed, AROUND)
        for table in found.tables:
            assert bool(KINDS[table["kind"]].undone) == ("for" in table), table
            begins = parse_duration(table.get("at", table.get("until", "")))
            lasts = parse_duration(table.get("for", "0s"))
            assert begins + lasts <= found.quiet_us
            assert lasts <= max(found.longest_us, 2 * SECOND)


def test_what_there_is_nobody_for_is_not_drawn() -> None:
    nobody = Surroundings(processes=(), horizon_us=SECOND)
    assert possible(nobody, Tuning()) == ("server_outage",)
    assert {table["kind"] for table in tables(nobody)} == {"server_outage"}
    assert plan(1, nobody, Tuning(kinds=())).tables == ()


def test_tuning() -> None:
    assert {table["kind"] for table in tables(AROUND, Tuning(kinds=("kill", "pause")))} == {"kill", "pause"}
    assert tables(AROUND, Tuning(strength=0)) == []
    assert len(tables(AROUND, Tuning(strength=3000))) > 2 * len(tables(AROUND))
    latest = [parse_duration(t.get("at", t.get("until", ""))) for t in tables(AROUND, Tuning(window_us=SECOND))]
    assert max(latest) <= SECOND


def test_a_fault_at_a_moment_does_not_happen_for_ever() -> None:
    """What it does may be the very moment that it waits for."""
    at_moments = [table for table in tables(AROUND) if "moment" in table]
    assert at_moments
    assert all(table["count"] <= 5 for table in at_moments)


@pytest.mark.parametrize("name", ["jobqueue_small", "recreate_continue_as_new", "cancel_with_cleanup"])
def test_every_plan_makes_a_scenario(name: str) -> None:
    ground = ground_of(Scenario.load(DIRECTORY / f"{name}.toml"))
    for seed in range(200):
        scenario = ground.with_faults(ground.plan(seed))
        assert Scenario.from_dict(scenario.to_dict()).model.faults == scenario.model.faults


def test_the_draws_of_a_run_are_not_touched() -> None:
    scenario = Scenario.load(DIRECTORY / "file_processing.toml", ["fuzz.strength=0"])
    ground = ground_of(scenario)
    fuzzed = run(ground.with_faults(ground.plan(7)), 7)
    assert fuzzed.digest == run(Scenario.load(DIRECTORY / "file_processing.toml"), 7).digest
    assert fuzzed.properties["workflows_finish"] in ("held", "not exercised")


def test_aims_name_what_there_is() -> None:
    names = [aim.name for aim in AIMS]
    assert len(set(names)) == len(names)
    for aim in AIMS:
        assert aim.kind in KINDS
        assert aim.moment in MOMENTS
        assert bool(KINDS[aim.kind].undone) == (aim.lasts is not None), aim.name
    assert [aim.name for aim in aims_of(["lose the signal"])] == ["lose the signal"]
    with pytest.raises(KeyError):
        aims_of(["nothing"])


def test_every_aim_hits() -> None:
    """Each aim, alone, is hit in some seed of a scenario in which its moment happens."""
    hit: set[str] = set()
    for aim in AIMS:
        aims = f'["{aim.name}"]'
        ground = ground_of(Scenario.load(DIRECTORY / "file_processing.toml", [f"fuzz.aims={aims}", f'fuzz.kinds=["{aim.kind}"]']))
        for seed in range(12):
            found = ground.plan(seed)
            aimed = [i for i, table in enumerate(found.tables) if table.get("moment", {}).get("name") == aim.moment]
            if aimed and any(run(ground.with_faults(found), seed, properties=()).faults[i] for i in aimed):
                hit.add(aim.name)
                break
    assert hit == {aim.name for aim in AIMS}


def test_lengths_are_spread_over_their_octaves() -> None:
    luck = Luck(1)
    values = [luck.length("x", number, 1000, 1_024_000) for number in range(1, 2001)]
    assert min(values) >= 1000
    assert max(values) <= 1_024_000
    below = sum(value < 32_000 for value in values)
    assert 800 < below < 1200  # half of the octaves
    assert rounded(123_456) == 120_000
    assert rounded(7) == 7


def test_a_plan_says_itself() -> None:
    found = next(p for seed in SEEDS if len((p := plan(seed, AROUND)).tables) == 2 and p.aims)
    assert found.sentence().startswith(f"seed {found.seed}: 2 faults of ")
    assert "aimed at 1 moment" in found.sentence()
