"""Every simulated run is a path of the world without a clock: whatever the simulator does, the search has seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.model.canon import Frozen
from sim.model.inputs import Input, Name
from sim.model.laws import Constant, Exponential, Law, Uniform
from sim.model.spans import MILLISECOND
from sim.model.system import System
from sim.model.world import Enabled, Network, State, World
from sim.simulator.places import Delays, Fate, Rule
from tests.models import SYSTEMS, Logged, build, reachable, simulated

LAWS: st.SearchStrategy[Law] = st.sampled_from(
    [Constant(0), Constant(7), Uniform(0, 3), Uniform(1, 400 * MILLISECOND), Exponential(90 * MILLISECOND), Exponential(MILLISECOND)]
)


def on_the_way(state: State, world: World, node: Name, event: Input) -> tuple[State, Enabled]:
    """The choice that is this event, after losing what was sent before it and has not arrived."""
    for _ in range(len(state.mail) + 1):
        choices = list(world.enabled(state))
        for choice in choices:
            if (choice.node, choice.event, choice.lost) == (node, event, False):
                return state, choice
        blocked = next(p for p in state.mail if (p.to, p.event) == (node, event))
        lost = next(
            c for c in choices if c.lost and c.parcel is not None and (c.parcel.source, c.parcel.to) == (blocked.source, blocked.to)
        )
        ((_, state),) = world.apply(state, lost)
    raise AssertionError(f"{node}: {event} is not enabled")


def walk(system: System, log: list[tuple[int, Name, Input, Frozen]]) -> list[State]:
    """The states of the world along a log of inputs; fails where one is not enabled or leads elsewhere."""
    states = [system.world.initial()]
    for time, node, event, local in log:
        state, choice = on_the_way(states[-1], system.world, node, event)
        matching = [after for _, after in system.world.apply(state, choice) if next(s for n, _, s in after.nodes if n == node) == local]
        assert len(matching) == 1, f"at {time} us {choice.label()} leads to {local}, which is none of its outcomes"
        states.append(matching[0])
    return states


@pytest.mark.parametrize("name", SYSTEMS)
@given(seed=st.integers(), law=LAWS, back=LAWS, think=LAWS, houses=st.lists(st.integers(0, 3), min_size=5, max_size=5), data=st.data())
@settings(max_examples=60)
def test_every_run_is_a_path(name: str, seed: int, law: Law, back: Law, think: Law, houses: list[int], data: st.DataObject) -> None:
    system = build(name)
    nodes = sorted(system.world.nodes)
    places = {node: f"p{house}" for node, house in zip(nodes, houses, strict=False)}
    sim = simulated(system, seed, places, delays=Delays(law, {("p0", ""): back}), think=think)
    if system.world.lossy is not None:
        lose_some(sim, data)
    sim.run(until=60_000 * MILLISECOND)
    states = walk(system, sim.log)
    assert len(sim.log) >= 3
    # At its end the simulation holds what the world holds.
    assert {n: s for n, _, s in states[-1].nodes} == {seat.name: seat.node.snapshot() for seat in sim.seats.values()}
    assert {(t.node, t.tag) for t in states[-1].timers} == {(seat.name, tag) for seat in sim.seats.values() for tag in seat.timers}
    assert {(c.node, c.tag) for c in states[-1].calls} == {(seat.name, tag) for seat in sim.seats.values() for tag in seat.calls}


def lose_some(sim: Logged, data: st.DataObject) -> None:
    """Lose what a drawn list says, on every link."""
    fates = data.draw(st.lists(st.booleans(), max_size=12))
    rule = Rule(lambda _: fates.pop(0) if fates else False, Fate.LOSE)
    for source in list(sim.places):
        for target in list(sim.places):
            if source != target:
                sim.link(source, target).rules.append(rule)


def test_with_clocks_the_lease_keeps_its_promise() -> None:
    system = build("lease_lock", 3)
    for seed in range(20):
        sim = simulated(system, seed, delays=Delays(Uniform(MILLISECOND, 50 * MILLISECOND)))
        sim.run()
        assert all(system.invariants["one holder"](state) for state in walk(system, sim.log))
        assert all(system.invariants["fenced"](state) for state in walk(system, sim.log))


def test_runs_see_many_of_the_states_and_no_others() -> None:
    system = build("two_phase_commit", 3)
    everything, seen = reachable(system.world), set()
    for seed in range(60):
        sim = simulated(system, seed, think=Exponential(100 * MILLISECOND), delays=Delays(Exponential(100 * MILLISECOND)))
        sim.run()
        seen |= set(walk(system, sim.log))
    assert seen <= everything
    assert len(seen) > 60


def test_a_run_that_is_no_path_is_noticed() -> None:
    system = build("alternating_bit")
    sim = simulated(system, 1)
    sim.run()
    walk(system, sim.log)
    time, node, event, _ = sim.log[2]
    wrong = [*sim.log[:2], (time, node, event, ("no such state",)), *sim.log[3:]]
    with pytest.raises(AssertionError, match="none of its outcomes"):
        walk(system, wrong)
    without_loss = replace(system.world, lossy=None)
    assert system.world.network is Network.ORDERED
    with pytest.raises((AssertionError, StopIteration)):
        walk(System(without_loss), sim.log[3:])
