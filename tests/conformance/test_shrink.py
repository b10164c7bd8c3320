"""How a rejected case is made smaller, with a made-up server and judge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance import judging
from conformance.draw import scenario
from conformance.judging import SCENARIO, SMALLER, JudgeError, kind, shrink_case, write_scenario
from conformance.plan import Plan
from conformance.record import Rig
from conformance.shrink import Improvement, Limits, Shrinker, Tried
from conformance.smaller import Candidate, Table
from sim import Scenario

TABLE = scenario(0)
PLENTY = Limits(recordings=10_000)
RIG = Rig(Path("worker"), Path("server"), "1.48.0", "1.32.1")


def activities(table: Table) -> int:
    return json.dumps(table["workflows"]).count('"act"')


def shrunk(
    rejected: Callable[[Table], str], limits: Limits = PLENTY, table: Table = TABLE, **more: Any
) -> tuple[list[Improvement], Shrinker]:
    """What comes of a table when a candidate is rejected as the function says."""

    async def attempt(candidate: Candidate) -> Tried | None:
        await asyncio.sleep(0)
        verdict = rejected(candidate.table)
        return None if verdict == "cannot be recorded" else Tried(verdict, Path(candidate.what))

    async def go() -> list[Improvement]:
        return [improvement async for improvement in shrinker.improvements()]

    shrinker = Shrinker(table, "rejected", attempt, limits, **more)
    return asyncio.run(go()), shrinker


def test_what_matters_stays_and_the_rest_goes() -> None:
    found, _ = shrunk(lambda table: "rejected" if activities(table) else "")
    best = found[-1].candidate.table
    assert activities(best) == 1
    assert (best["faults"], len(best["workers"]), len(best["workflows"])) == ([], 1, 1)
    sizes = [improvement.candidate.size for improvement in found]
    assert sizes == sorted(sizes, reverse=True)


def test_another_kind_of_rejection_does_not_count() -> None:
    found, _ = shrunk(lambda table: "rejected" if len(table["faults"]) == len(TABLE["faults"]) else "rejected elsewhere")
    assert found
    assert all(len(improvement.candidate.table["faults"]) == len(TABLE["faults"]) for improvement in found)


def test_nothing_smaller_is_nothing() -> None:
    found, shrinker = shrunk(lambda table: "")
    assert found == []
    assert shrinker.recordings > 50


def test_a_candidate_gets_a_second_try() -> None:
    def second_time() -> Callable[[Table], str]:
        seen: set[str] = set()

        def rejected(table: Table) -> str:
            key = json.dumps(table)
            known = key in seen
            seen.add(key)
            return "rejected" if known else ""

        return rejected

    found, shrinker = shrunk(second_time())
    assert found[-1].candidate.size < 30
    assert shrinker.recordings >= 2 * len(found)
    once, _ = shrunk(second_time(), Limits(recordings=10_000, repeats=1))
    assert once == []


def test_the_number_of_recordings_is_a_limit() -> None:
    said: list[str] = []
    found, shrinker = shrunk(lambda table: "", Limits(recordings=7, at_once=3), tell=said.append)
    assert (found, shrinker.recordings) == ([], 7)
    assert said[-1] == "the limit is reached after 7 recordings"
    assert said[0].startswith("recording 1 of 7: ") or said[0].startswith("recording 3 of 7: ")


def test_time_is_a_limit() -> None:
    clock = iter(range(0, 10_000, 10))
    found, shrinker = shrunk(lambda table: "rejected", Limits(seconds=60.0, at_once=1), now=lambda: float(next(clock)))
    assert found
    assert shrinker.recordings < 7


def test_what_cannot_be_recorded_is_no_recording() -> None:
    found, shrinker = shrunk(lambda table: "cannot be recorded")
    assert (found, shrinker.recordings) == ([], 0)


def test_so_many_are_recorded_at_once() -> None:
    running = most = 0

    async def attempt(candidate: Candidate) -> Tried:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return Tried("", Path())

    async def go() -> None:
        async for _ in Shrinker(TABLE, "rejected", attempt, Limits(recordings=12, at_once=4)).improvements():
            raise AssertionError("nothing is rejected")

    asyncio.run(go())
    assert most == 4


# -- cases as folders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "wanted"),
    [
        ("WorkflowTaskStarted by A at 8.394 s", "rejected at WorkflowTaskStarted"),
        ("ActivityTaskTimedOut (retry_state TIMEOUT) at 1.6 s", "rejected at ActivityTaskTimedOut"),
        ("TimerFired at 1.660 s", "rejected at TimerFired"),
        ("", "rejected"),
    ],
)
def test_the_kind_of_a_rejection_is_the_event_that_nothing_explains(recorded: str, wanted: str) -> None:
    assert kind("rejected", recorded) == wanted
    assert kind("accepted", recorded) == ""


def test_a_scenario_is_written_as_toml_that_loads(tmp_path: Path) -> None:
    for seed in range(20):
        write_scenario(scenario(seed), tmp_path)
        assert Scenario.load(tmp_path / SCENARIO).model == Scenario.from_dict(scenario(seed)).model


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recorded case; recordings have the names of their scenario's activities, and are rejected when there is one."""

    async def record(plan: Plan, rig: Rig, out: Path) -> Path:
        folder = out / plan.name
        folder.mkdir(parents=True)
        (folder / "case.json").write_text(json.dumps([flow.steps for flow in plan.flows]))
        return folder

    async def kind_of(folder: Path) -> str:
        return "rejected" if '"act"' in (folder / "case.json").read_text() else ""

    monkeypatch.setattr(judging, "record", record)
    monkeypatch.setattr(judging, "kind_of", kind_of)
    folder = tmp_path / TABLE["name"]
    folder.mkdir()
    (folder / "case.json").write_text(json.dumps(TABLE))
    return folder


def test_the_smallest_case_lies_in_the_rejected_ones_folder(recorded: Path) -> None:
    smallest = asyncio.run(shrink_case(recorded, TABLE, RIG, Limits(recordings=500), lambda _: None))
    assert smallest == recorded / SMALLER
    assert sorted(path.name for path in recorded.iterdir()) == ["case.json", SMALLER]
    kept = Scenario.load(smallest / SCENARIO)
    assert kept.name == TABLE["name"]
    assert len(json.loads((smallest / "case.json").read_text())) == len(kept.model.workflows) == 1


def test_an_accepted_case_is_not_made_smaller(recorded: Path) -> None:
    (recorded / "case.json").write_text("[]")
    with pytest.raises(JudgeError, match="there is nothing to make smaller"):
        asyncio.run(shrink_case(recorded, TABLE, RIG, Limits(), lambda _: None))


def test_the_best_until_now_is_kept_when_it_is_interrupted(recorded: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(_interrupted(recorded))
    assert Scenario.load(recorded / SMALLER / SCENARIO).name == TABLE["name"]
    assert not (recorded / "tries").exists()


async def _interrupted(folder: Path) -> None:
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if sum("still rejected" in earlier for earlier in said) == 2:
            raise KeyboardInterrupt

    await shrink_case(folder, TABLE, RIG, Limits(recordings=500), tell)
