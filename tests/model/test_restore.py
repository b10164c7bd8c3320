"""A node may be stored and taken up again at any time, and nobody notices: what every search and every cache relies on."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.model.canon import Frozen, freeze
from sim.model.inputs import Name
from sim.model.node import Node
from sim.model.outcomes import ScriptedStep, outcome
from sim.model.world import World
from tests.models import SYSTEMS, build, reachable


@cache
def local_states_of(name: str) -> set[tuple[type[Node], Frozen]]:
    """Every local state that some node reaches."""
    return {(kind, local) for state in reachable(build(name).world) for _, kind, local in state.nodes}


@pytest.mark.parametrize("name", SYSTEMS)
def test_restoring_and_taking_a_snapshot_changes_nothing(name: str) -> None:
    found = local_states_of(name)
    assert len(found) > 5
    for kind, local in found:
        node = kind.restored(local)
        assert repr(node.snapshot()) == repr(local)
        # Also into a node that was in another state before.
        other = kind.restored(next(state for cls, state in found if cls is kind))
        other.restore(local)
        assert other.snapshot() == local
        assert kind.rename(local, {}) == local


@pytest.mark.parametrize("name", SYSTEMS)
def test_two_restored_nodes_share_nothing(name: str) -> None:
    for kind, local in local_states_of(name):
        one, other = kind.restored(local), kind.restored(local)
        for field in type(one).__slots__:  # type: ignore[attr-defined]
            value: Any = getattr(one, field)
            assert not isinstance(value, (list, dict, set)) or value is not getattr(other, field)


@pytest.mark.parametrize("name", SYSTEMS)
@given(data=st.data())
@settings(max_examples=40)
def test_a_node_that_was_stored_before_every_input_does_what_a_live_one_does(name: str, data: st.DataObject) -> None:
    world: World = build(name).world
    state = world.initial()
    live: dict[Name, Node] = {n: kind.restored(local) for n, kind, local in state.nodes}
    for _ in range(30):
        choices = list(world.enabled(state))
        if not choices:
            break
        choice = data.draw(st.sampled_from(choices))
        result, after = data.draw(st.sampled_from(list(world.apply(state, choice))))
        if result is not None:
            step = ScriptedStep(choice.node, result.answers)
            live[choice.node].handle(choice.event, step)
            assert live[choice.node].snapshot() == result.state
            assert freeze(step.effects) == freeze(list(result.effects))
            assert tuple(step.seen) == result.seen
            before = next((kind, local) for n, kind, local in state.nodes if n == choice.node)
            assert outcome(before[0], choice.node, before[1], choice.event, result.answers)[0] == result
        state = after
    assert {n: node.snapshot() for n, node in live.items()} == {n: local for n, _, local in state.nodes}
