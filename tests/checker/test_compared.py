"""Exact searches of what no 63 bits hold: states compared whole, and a collision of fingerprints that is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.compared import Collision
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.search import Search
from sim.model.instant import InstantWorld, with_ticks
from sim.model.spans import SECOND
from sim.model.system import System
from sim.model.windows import Ticks
from sim.model.world import Network, World
from tests.checker.test_search import same
from tests.checker.test_sessions import ACT, broken, in_windows, system
from tests.model.test_explorer import ordered_commit
from tests.models import Puppet, build, puppets


def searches() -> Iterator[tuple[str, World]]:
    """Worlds of each kind of search."""
    yield "mail that stays", build("two_phase_commit", 3).world
    yield "mail in order", build("alternating_bit").world
    yield "calls and timers", build("lease_lock", 3).world
    yield "a clock", with_ticks(build("lease_lock", 2).world, Ticks(SECOND))


def search_of(world: World, **more: Any) -> Search:
    kind = InstantSearch if isinstance(world, InstantWorld) else Search
    return kind(world, Fingerprints(), Predicates({}, {}), whole=True, **more)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("name", "world"), list(searches()), ids=[name for name, _ in searches()])
def test_the_same_states(name: str, world: World, jobs: int) -> None:
    found = search_of(world, jobs=jobs).run()
    assert found.states == check(System(world), Options(jobs=1, subsumption=False)).states


def test_orbits_are_compared_too() -> None:
    for one in (build("two_phase_commit", 5), ordered_commit(4), build("lease_lock", 3)):
        found = search_of(one.world, symmetry=one.symmetry).run()
        assert found.states == check(one, Options(jobs=1)).states


@pytest.mark.parametrize(("name", "world"), list(searches()), ids=[name for name, _ in searches()])
@pytest.mark.parametrize("bits", [0, 1, 5])
def test_a_collision_is_noticed(name: str, world: World, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many bits; without any all states are one, and equal to the one before."""
    whole = Fingerprints._draw
    monkeypatch.setattr(Fingerprints, "_draw", lambda self, index: whole(self, index) % (1 << bits))
    with pytest.raises(Collision):
        search_of(world).run()


def test_after_a_collision_other_fingerprints_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = system(1, 1, 1, only=["one_binding"], crashes=1)
    expected = check(plain, Options(jobs=1, subsumption=False))
    drawn = Fingerprints._draw
    monkeypatch.setattr(Fingerprints, "_draw", lambda self, index: drawn(self, index) if self.seed else drawn(self, index) % 64)
    result = check(plain, Options(exact=True))
    assert (result.states, result.depth, result.collision_probability) == (expected.states, expected.depth, 0.0)


@pytest.mark.parametrize("kind", ["untimed", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("windows", "without symmetry"))])
def test_sessions_are_searched_exactly(kind: str) -> None:
    whole = in_windows(5, 1, 1, 1, program=ACT, crashes=1) if kind == "windows" else system(2, 1, 1, only=["one_binding"], crashes=1)
    symmetry = kind != "without symmetry"
    exact = check(whole, Options(exact=True, symmetry=symmetry, sharing=symmetry))
    usual = check(whole, Options(subsumption=False, symmetry=symmetry, sharing=symmetry))
    assert (exact.states, exact.generated, exact.depth, broken(exact)) == (usual.states, usual.generated, usual.depth, broken(usual))
    assert (exact.collision_probability, usual.collision_probability > 0) == (0.0, True)
    assert "subsumption" not in exact.bounds["reductions"]  # type: ignore[operator]


@pytest.mark.parametrize("network", [Network.BAG, Network.ORDERED, Network.QUEUE])
def test_what_does_not_fit_into_63_bits_is_compared(network: Network) -> None:
    nodes = {f"n{i}": Puppet((("send", f"n{(i + 1) % 4}", ("a", i)), ("send", f"n{(i + 1) % 4}", ("b", i)))) for i in range(4)}
    many = System(puppets(network, **nodes))
    result = check(many, Options(exact=True, jobs=1))
    same(many, result)
    assert result.collision_probability == 0.0


def test_the_end_of_memory_is_a_stop() -> None:
    found = search_of(build("two_phase_commit", 7).world, memory=8_000_000).run()
    assert "memory: " in found.stopped
    assert 1_000 < found.states < 296_448
