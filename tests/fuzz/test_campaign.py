"""Campaigns: the same whatever runs them, resumed where they were, and what they say of properties."""

from __future__ import annotations

import pickle
from pathlib import Path
from unittest.mock import Mock

import pytest

from sim import Scenario, fuzz, replay
from sim.fuzz import verdicts
from sim.fuzz.campaign import CHUNK
from sim.fuzz.result import FuzzResult
from sim.fuzz.subject import Chunk
from sim.properties import KNOWN
from sim.properties.known import KNOWN_BROKEN
from sim.trace import tape as tapes
from tests.properties.scenarios_broken import BROKEN

DIRECTORY = Path(__file__).parents[2] / "scenarios"


def scenario(name: str = "file_processing", *settings: str) -> Scenario:
    return Scenario.load(DIRECTORY / f"{name}.toml", settings)


def told(result: FuzzResult) -> object:
    """Everything but how long it took, and where."""
    said = result.to_json()
    for name in ("seconds", "seeds_per_second", "jobs", "resumed"):
        del said[name]
    return said, result.runs, result.coverage.states, result.coverage.transitions


def test_a_campaign_is_the_same_in_any_number_of_processes() -> None:
    alone = fuzz(scenario(), 25, guarded=0)
    assert told(fuzz(scenario(), 25, jobs=2, guarded=0)) == told(alone)
    assert [row.seed for row in alone.runs] == list(range(1, 26))
    assert alone.stopped == ""
    assert len({row.digest for row in alone.runs}) == 25


def test_it_finds_what_the_protocol_is_known_for_and_says_so() -> None:
    result = fuzz(scenario(), 60, guarded=0)
    found = next(row for row in result.broken if row.name == "failure_is_failure")
    assert found.known.startswith("P1.4.8")
    assert not found.as_expected
    assert not result.as_expected
    assert found.at_least < found.broken_runs / found.exercised_runs <= found.at_most
    held = next(row for row in result.properties if row.name == "token_conservation")
    assert held.verdict == "held"
    assert held.at_most == pytest.approx(1 - 0.05 ** (1 / held.exercised_runs))
    assert "open_session_refused" in result.not_exercised


def test_what_the_scenario_allows_is_no_failure() -> None:
    names = [row.name for row in fuzz(scenario(), 60, guarded=0).broken]
    result = fuzz(scenario("file_processing", *(f"fuzz.expect.{name}=broken" for name in names)), 60, guarded=0)
    assert [row.name for row in result.broken] == names
    assert result.as_expected


def test_tapes_stand_alone(tmp_path: Path) -> None:
    result = fuzz(scenario(), 60, out=tmp_path, guarded=0)
    assert result.broken
    for row in result.broken:
        tape = tapes.read(Path(row.tape))
        outcome = replay(tape)
        assert outcome.identical
        assert outcome.result.properties[row.name] == "broken"
        assert tape.seed == row.seed
        assert row.seed in [r.seed for r in result.runs if row.name in r.broken]


def test_tapes_are_made_small(tmp_path: Path) -> None:
    result = fuzz(scenario(), 20, out=tmp_path, shrink=40, guarded=0)
    row = next(row for row in result.broken if row.name == "failure_is_failure")
    assert row.shrunk is not None
    assert row.shrunk.faults <= 2
    outcome = replay(tapes.read(Path(row.shrunk.tape)))
    assert outcome.result.properties["failure_is_failure"] == "broken"
    assert row.shrunk.guilty


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("what", ["with_tapes", "endless_tape"])
def test_one_that_ends_while_tapes_are_made_goes_on_with_all_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, how: type[BaseException]
) -> None:
    """An error stands for a kill: what is left behind is the same."""
    store = tmp_path / "kept.sqlite"

    def again() -> FuzzResult:
        return fuzz(scenario(), 30, store=store, out=tmp_path / "tapes", guarded=0)

    with monkeypatch.context() as patched:
        patched.setattr(verdicts, what, Mock(side_effect=how))
        if how is KeyboardInterrupt:
            first = again()
            assert (first.stopped, len(first.runs)) == ("interrupted", 30)
            assert first.properties
        else:
            with pytest.raises(how):
                again()
    second = again()
    assert (second.resumed, second.stopped) == (30, "")
    assert told(second) == told(fuzz(scenario(), 30, out=tmp_path / "tapes", guarded=0))
    assert again().resumed == 0


def test_an_interrupted_campaign_goes_on(tmp_path: Path) -> None:
    whole = fuzz(scenario(), 50, guarded=0)

    def interrupt(known: Chunk, runs: int) -> None:
        if len(known.rows) == 20:
            raise KeyboardInterrupt

    store = tmp_path / "kept.sqlite"
    first = fuzz(scenario(), 50, store=store, guarded=0, tell=interrupt)
    assert first.stopped == "interrupted"
    assert [row.seed for row in first.runs] == list(range(1, 21))
    second = fuzz(scenario(), 50, store=store, guarded=0)
    assert second.resumed == 20
    assert told(second) == told(whole)


def test_a_finished_campaign_is_begun_anew_or_made_longer(tmp_path: Path) -> None:
    store = tmp_path / "kept.sqlite"
    short = fuzz(scenario(), 15, store=store, guarded=0)
    assert fuzz(scenario(), 15, store=store, guarded=0).resumed == 0
    longer = fuzz(scenario(), 40, store=store, guarded=0)
    assert longer.resumed == 10  # the second chunk was half full
    assert told(longer) == told(fuzz(scenario(), 40, guarded=0))
    assert longer.runs[:15] == short.runs
    other = fuzz(scenario("file_processing", "workers.w.count=3"), 10, store=store, guarded=0)
    assert other.resumed == 0


def test_a_campaign_stops_at_a_plateau() -> None:
    steps = [{"op": "sleep", "ms": 1}]
    content = {"workers": [{"name": "w"}], "workflows": [{"id": "w", "program": steps}], "fuzz": {"strength": 0}, "grace": "0s"}
    never = Scenario.from_dict(content)  # the same few transitions in every run
    result = fuzz(never, 2000, until_plateau=True, guarded=0)
    assert result.stopped == "plateau"
    newest = max(result.coverage.transitions.values())
    assert 300 <= len(result.runs) - newest <= 300 + CHUNK
    assert fuzz(never, 40, until_plateau=True, guarded=0).stopped == ""


def test_goals() -> None:
    result = fuzz(scenario(), 20, goals=["session failed", "open_session_refused", "token_conservation"], guarded=0)
    assert set(result.coverage.goals) == {"session failed", "token_conservation"}
    assert result.coverage.missing == ("open_session_refused",)


def test_coverage_grows_and_is_counted_by_seeds() -> None:
    coverage = fuzz(scenario(), 50, guarded=0).coverage
    by_ten = coverage.new_states(10)
    assert len(by_ten) == 5
    assert sum(by_ten) == len(coverage.states) > 200
    assert by_ten[0] > by_ten[-1] > 0
    assert sum(hit for _, hit in coverage.faults.values()) > 30
    assert "Worker: nothing, Fault start" in coverage.transitions


def test_results_can_be_pickled_and_become_frames() -> None:
    result = fuzz(scenario(), 10, guarded=0)
    assert pickle.loads(pickle.dumps(result)) == result
    frame = result.to_frame()
    assert list(frame["seed"]) == list(range(1, 11))
    assert result.properties.to_frame().shape[0] == len(result.properties)


def test_all_known_findings_are_known() -> None:
    assert set(KNOWN_BROKEN) == set(BROKEN)
    for name, (section, _) in KNOWN_BROKEN.items():
        assert section in {section for _, section in BROKEN[name]}
        assert name in KNOWN


def test_impossible_arguments() -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        fuzz(scenario(), 0)
    with pytest.raises(ValueError, match="no scheduler"):
        fuzz(scenario(), 1, schedule="perfect")


def test_a_guided_campaign_is_the_same_however_it_is_run(tmp_path: Path) -> None:
    def interrupt(known: Chunk, runs: int) -> None:
        if len(known.rows) == 70:
            raise KeyboardInterrupt

    whole = fuzz(scenario(), 110, schedule="guided", guarded=0)
    store = tmp_path / "kept.sqlite"
    fuzz(scenario(), 110, schedule="guided", guarded=0, store=store, tell=interrupt)
    assert told(fuzz(scenario(), 110, schedule="guided", guarded=0, store=store)) == told(whole)
    uniform = fuzz(scenario(), 110, guarded=0)
    assert uniform.runs[:50] == whole.runs[:50]  # the first round has nothing to start from
    assert uniform.runs[50:] != whole.runs[50:]


def test_tapes_of_a_guided_campaign_stand_alone(tmp_path: Path) -> None:
    result = fuzz(scenario(), 70, schedule="guided", guarded=3, out=tmp_path)
    assert result.guard.differing == ()
    for row in result.broken:
        assert replay(tapes.read(Path(row.tape))).identical


def test_other_schedules_leave_tapes_that_stand_alone(tmp_path: Path) -> None:
    result = fuzz(scenario(), 20, schedule="priority", out=tmp_path, guarded=1)
    assert result.guard.differing == ()
    tape = tapes.read(Path(result.broken[0].tape))
    assert tape.deviations
    assert replay(tape).identical
    uniform = fuzz(scenario(), 20, guarded=0)
    assert {row.digest for row in uniform.runs}.isdisjoint(row.digest for row in result.runs)
