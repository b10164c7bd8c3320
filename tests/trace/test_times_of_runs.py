"""What a run with a clock did is allowed by the constraints that are read off its steps: no clock is ruled out that ran."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.model.canon import Frozen
from sim.model.inputs import Fired, Reply
from sim.model.instant import InstantWorld, Way
from sim.model.spans import (
    MILLISECOND,
    Clamp,
    DueBefore,
    Exactly,
    Greatest,
    Half,
    Least,
    Left,
    LeftBelow,
    Overdue,
    Plus,
    Span,
    Within,
)
from sim.model.system import System
from sim.model.world import Network, State
from sim.simulator.places import Delays
from sim.trace.times import extremes, solved, times
from tests.models import Order, Puppet, puppets, simulated
from tests.simulator.test_paths import LAWS

TAGS = st.sampled_from("tuvw")
MS = st.integers(0, 40).map(lambda n: n * MILLISECOND)
PLAIN: st.SearchStrategy[Span] = st.one_of(
    MS.map(Exactly), st.tuples(st.sampled_from("xyz"), MS, MS).map(lambda w: Within(w[0], min(w[1:]), max(w[1:])))
)
SPANS: st.SearchStrategy[Span] = st.one_of(
    PLAIN,
    TAGS.map(Left),
    st.builds(Clamp, st.one_of(PLAIN, TAGS.map(Left)), st.just(5 * MILLISECOND), st.just(20 * MILLISECOND)),
    st.builds(Least, PLAIN, st.one_of(PLAIN, TAGS.map(Left))),
    st.builds(Greatest, PLAIN, PLAIN),
    st.builds(Plus, st.one_of(PLAIN, TAGS.map(Left)), PLAIN),
    st.builds(Half, st.one_of(PLAIN, TAGS.map(Left))),
)
TESTS = st.one_of(TAGS.map(Overdue), st.builds(LeftBelow, TAGS, PLAIN), st.builds(DueBefore, TAGS, TAGS))


def orders(other: str) -> st.SearchStrategy[Order]:
    """What a node may do that talks to this one."""
    return st.one_of(
        st.tuples(st.just("arm"), TAGS, SPANS),
        st.tuples(st.just("deadline"), TAGS, SPANS),
        st.tuples(st.just("disarm"), TAGS),
        st.tuples(st.just("holds"), TESTS),
        st.tuples(st.just("send"), st.just(other), st.sampled_from([1, 2])),
        st.tuples(st.just("call"), st.just(other), st.just("?"), TAGS, PLAIN),
        st.tuples(st.just("abandon"), TAGS),
    )


TRIGGERS = st.sampled_from([1, 2, "?", *(Fired(tag) for tag in "tuvw"), *(Reply(tag, "!") for tag in "tu")])


@st.composite
def pairs(draw: st.DrawFn) -> dict[str, Puppet]:
    """Two nodes with timers of all kinds, that talk to one another."""
    found = {}
    for name, other in ("ab", "ba"):
        on = draw(st.dictionaries(TRIGGERS, st.lists(orders(other), max_size=3).map(tuple), max_size=5))
        if draw(st.booleans()):
            on["?"] = (*on.get("?", ()), ("answer", "!"))
        found[name] = Puppet(tuple(draw(st.lists(orders(other), min_size=1, max_size=5))), on)
    return found


@given(nodes=pairs(), seed=st.integers(0, 1000), law=LAWS, think=LAWS)
@settings(max_examples=200, deadline=None)
def test_every_run_has_times(nodes: dict[str, Puppet], seed: int, law: object, think: object) -> None:
    system = System(puppets(Network.ORDERED, **nodes))
    sim = simulated(system, seed, delays=Delays(law), think=think)  # type: ignore[arg-type]
    # Some would go on at one moment for ever.
    sim.run(60 * MILLISECOND, stop=lambda: len(sim.log) > 40)
    world = InstantWorld(system.world.nodes, Network.ORDERED, travels=lambda parcel: True)
    state, ways = world.initial(), list[Way]()
    for _, node, event, local in sim.log[:30]:
        choice = next((one for one in world.enabled(state) if (one.node, one.event) == (node, event)), None)
        # Who uses the tag of a call that is open hears more in one world than in the other.
        assume(choice is not None)
        assert choice is not None
        # Puppets keep what they were answered, so their state tells which outcome it was.
        way, state = next((way, after) for way, after in world.apply(state, choice) if local_of(after, node) == local)
        ways.append(way)
    at = times(ways)
    # Each comes no later than it did in the run.
    assert all(found <= time for found, (time, *_) in zip(at, sim.log, strict=False))
    assert solved(ways).at == at
    assert all(len(one) == len(ways) for one in extremes(ways))


def local_of(state: State, node: str) -> Frozen:
    return next(local for name, _, local in state.nodes if name == node)
