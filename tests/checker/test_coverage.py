"""What a search has seen of state machines: read from its entries, complete, and painted as it is."""

from __future__ import annotations

from functools import cache

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.coverage import GONE, NEW, Coverage, coverage, of_fields
from sim.checker.result import CheckResult
from sim.model.instant import InstantWorld
from sim.report.plots import machines as diagram
from sim.report.plots import style
from sim.scenario.machines import BUCKET, CREATION, MACHINES, POLLER, SESSION, STOP
from tests.checker.test_sessions import system
from tests.models import build


@cache
def result(*size: int, **budgets: int) -> CheckResult:
    return check(system(*size, only=[], **budgets), Options(jobs=1))


@cache
def covered(*size: int, **budgets: int) -> dict[str, Coverage]:
    return {one.machine.name: one for one in coverage(MACHINES, result(*size, **budgets).handled())}


def test_without_faults_a_session_opens_fails_and_closes() -> None:
    session = covered(1, 1, 1)["session"]
    assert session.taken.keys() == {(NEW, "asked for"), ("asked for", "Open"), ("Open", "Closed"), ("Open", "Failed")}
    assert session.untaken == [(NEW, GONE), ("Failed", "Closed"), ("asked for", GONE)]
    assert all(words.keys() == {"timer workflow task"} for words in session.taken.values())


@pytest.mark.parametrize("budgets", [{}, {"crashes": 1}, {"stops": 1}, pytest.param({"slow": 1}, marks=pytest.mark.slow)], ids=str)
def test_nothing_is_taken_that_is_not_written_down(budgets: dict[str, int]) -> None:
    found = covered(1, 1, 1, **budgets)
    assert {name: one.unwritten for name, one in found.items() if one.unwritten} == {}


def test_what_breaks_a_promise_is_a_transition_that_is_not_written_down() -> None:
    """A cancelled workflow's session leaves Closed: `closed_is_final` is broken."""
    found = covered(1, 1, 1, cancels=1)
    assert {name: one.unwritten for name, one in found.items() if one.unwritten} == {"session": [("Closed", "Failed")]}


def test_only_a_stop_takes_the_transitions_of_a_stop() -> None:
    calm, stopped = covered(1, 1, 1), covered(1, 1, 1, stops=1)
    assert not calm[STOP.name].taken
    assert stopped[STOP.name].untaken == []
    assert all(two[1] != "stopped" for two in calm[POLLER.name].taken)
    assert ("polls", "stopped") in stopped[POLLER.name].taken
    assert any(two[1].endswith("closed") for two in stopped[BUCKET.name].taken)


def transitions_of_the_world(world: InstantWorld, limit: int = 2000) -> set[tuple[str, str]]:
    """Of the creation activity: by the world itself, one micro step after the other."""
    first = world.initial()
    seen, waiting, found = {first}, [first], set()
    while waiting:
        state = waiting.pop()
        for choice in world.enabled(state):
            for way, after in world.apply(state, choice):
                locals_now = {name: local for name, _, local in state.nodes}
                kinds = {name: kind for name, kind, _ in state.nodes}
                for micro in way:
                    if micro.outcome is not None and kinds.get(micro.node) is CREATION.kind:
                        was = CREATION.states(CREATION.kind.restored(locals_now[micro.node]))
                        now = CREATION.states(CREATION.kind.restored(micro.outcome.state))
                        found |= {(was.get(k, NEW), now.get(k, GONE)) for k in was.keys() | now.keys() if was.get(k) != now.get(k)}
                    if micro.outcome is not None:
                        locals_now[micro.node] = micro.outcome.state
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
                assert len(seen) < limit
    return found


@pytest.mark.parametrize("budgets", [{}, {"stops": 1}], ids=str)
def test_the_world_itself_takes_the_same(budgets: dict[str, int]) -> None:
    world = system(1, 1, 1, only=[], **budgets).world
    assert isinstance(world, InstantWorld)
    assert covered(1, 1, 1, **budgets)[CREATION.name].taken.keys() == transitions_of_the_world(world)


def test_every_machine_says_where_it_begins() -> None:
    for machine in MACHINES:
        states = {state for two in machine.transitions for state in two}
        assert machine.first in states
        reached, further = {machine.first}, True
        while further:
            further = bool(more := {two[1] for two in machine.transitions if two[0] in reached} - reached)
            reached |= more
        assert reached == states, machine.name


def test_of_other_systems_the_enums_are_painted() -> None:
    handled = list(check(build("two_phase_commit"), Options(jobs=1)).handled())
    found = {one.machine.name: one for one in coverage(of_fields(handled), handled)}
    assert set(found) == {"ResourceManager state", "TransactionManager state"}
    assert all(one.taken and not one.untaken and not one.unwritten for one in found.values())


def test_a_diagram_is_painted_by_what_was_taken() -> None:
    session = covered(1, 1, 1, cancels=1)[SESSION.name]
    colours = {two: diagram.colour_of(session, two) for two in session.known}
    assert colours["Open", "Closed"] == diagram.TAKEN
    assert colours[NEW, GONE] == diagram.UNTAKEN
    assert colours["Closed", "Failed"] == diagram.UNWRITTEN
    drawn = style.svg(diagram.draw(session))
    assert drawn == style.svg(diagram.draw(session))
    assert all(f">{state}<" in drawn for state in ("Open", "Failed", "Closed", "asked for"))
    assert {diagram.TAKEN, diagram.UNTAKEN, diagram.UNWRITTEN} <= {c for c in colours.values() if c in drawn}
    text = diagram.dot(session)
    assert f'"{NEW}" -> "{GONE}" [label="", color="{diagram.UNTAKEN}", style=dashed];' in text
    entries = session.entries(("Open", "Closed"))
    assert f'"Open" -> "Closed" [label="{entries}: timer workflow task", color="{diagram.TAKEN}", style=solid];' in text
