"""The world without a clock: what each network may do with mail, what closes a call, what a timer is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.model.canon import freeze
from sim.model.inputs import Call, Deliver, Fired, Input, Move, NoSuchNode, Reply
from sim.model.spans import SECOND, Exactly
from sim.model.world import Enabled, Network, OpenCall, Parcel, State, Timer, World, rename_state
from tests.models import Order, Puppet, puppets, reachable

SECONDS = Exactly(SECOND)


def labels(world: World, state: State) -> list[str]:
    return [choice.label() for choice in world.enabled(state)]


def take(world: World, state: State, *wanted: str) -> State:
    """The state after these choices, by label."""
    for label in wanted:
        choice = next(c for c in world.enabled(state) if c.label() == label)
        ((_, state),) = world.apply(state, choice)
    return state


def heard(state: State, name: str) -> list[object]:
    """What a puppet has heard."""
    return next(kind.restored(local) for n, kind, local in state.nodes if n == name).heard  # type: ignore[attr-defined]


def does(*plan: Order) -> Puppet:
    return Puppet(plan)


def test_a_bag_delivers_each_message_once_in_any_order() -> None:
    world = puppets(a=does(("send", "b", 1), ("send", "b", 2), ("send", "b", 2)), b=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert labels(world, state) == ["b: Deliver 1 from a", "b: Deliver 2 from a"]
    ends = {tuple(heard(s, "b")) for s in reachable(world) if not labels(world, s)}
    one, two = Deliver(1, "a"), Deliver(2, "a")
    assert ends == {(one, two, two), (two, one, two), (two, two, one)}


def test_an_ordered_network_keeps_the_order_of_each_pair() -> None:
    world = puppets(Network.ORDERED, a=does(("send", "b", 1), ("send", "b", 2), ("send", "c", 3)), b=Puppet(), c=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert labels(world, state) == ["b: Deliver 1 from a", "c: Deliver 3 from a"]
    assert {tuple(heard(s, "b")) for s in reachable(world) if not labels(world, s)} == {(Deliver(1, "a"), Deliver(2, "a"))}


def test_an_ordered_network_does_not_keep_the_order_between_pairs_and_a_queue_does() -> None:
    orders = (("b", 1), ("c", 3), ("b", 2)), (("c", 3), ("b", 1), ("b", 2)), (("b", 1), ("b", 2), ("c", 3))
    for network, distinct in ((Network.ORDERED, 1), (Network.QUEUE, 3)):
        ends = set()
        for order in orders:
            world = puppets(network, a=does(*(("send", *one) for one in order)), b=Puppet(), c=Puppet())
            state = take(world, world.initial(), "a: Move go")
            ends.add(tuple((p.to, p.event.message) for p in state.mail if isinstance(p.event, Deliver)))
        assert len(ends) == distinct


def test_a_queue_delivers_the_first_of_all() -> None:
    world = puppets(Network.QUEUE, a=does(("send", "b", 1), ("send", "c", 3), ("send", "b", 2)), b=Puppet(), c=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert labels(world, state) == ["b: Deliver 1 from a"]
    assert labels(world, take(world, state, "b: Deliver 1 from a")) == ["c: Deliver 3 from a"]


def test_in_a_set_equal_messages_are_one_and_stay() -> None:
    world = puppets(Network.SET, a=does(("send", "b", 1), ("send", "b", 1)), b=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert len(state.mail) == 1
    state = take(world, state, *["b: Deliver 1 from a"] * 3)
    assert heard(state, "b") == [Deliver(1, "a")] * 3
    assert len(state.mail) == 1


@pytest.mark.parametrize("network", Network)
def test_a_lost_message_is_gone_and_nobody_takes_it(network: Network) -> None:
    world = puppets(network, lossy=True, a=does(("send", "b", 1)), b=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert labels(world, state) == ["b: Deliver 1 from a", "b: lose Deliver 1 from a"]
    (lost,) = (c for c in world.enabled(state) if c.lost)
    assert list(world.apply(state, lost)) == [(None, State(state.nodes, (), (), ()))]


def test_a_lost_answer_leaves_the_call_and_its_budget_open() -> None:
    world = puppets(lossy=True, a=does(("call", "b", "?", "t", SECONDS)), b=Puppet(on={"?": (("answer", "!"),)}))
    state = take(world, world.initial(), "a: Move go", "b: Deliver ? from a", "a: lose Reply ! to t")
    assert (state.mail, state.timers, state.calls) == ((), (Timer("a", "t"),), (OpenCall("a", "t", "b"),))


def test_only_some_messages_may_be_lost() -> None:
    world = World({"a": does(("send", "b", 1), ("send", "b", 2)), "b": Puppet()}, lossy=lambda parcel: parcel.event.message == 1)
    state = take(world, world.initial(), "a: Move go")
    assert labels(world, state) == ["b: Deliver 1 from a", "b: lose Deliver 1 from a", "b: Deliver 2 from a"]


def calling(*then: Order, answer: Order = ("answer", "!")) -> World:
    """`a` asks `b` with a budget; when `a` is poked by `c` it does something else."""
    poke = {"poke": then}
    return puppets(a=Puppet((("call", "b", "?", "t", SECONDS),), poke), b=Puppet(on={"?": (answer,)}), c=does(("send", "a", "poke")))


def test_a_reply_closes_the_call_and_its_budget() -> None:
    world = calling()
    state = take(world, world.initial(), "a: Move go", "b: Deliver ? from a", "a: Reply ! to t")
    assert heard(state, "a") == [Reply("t", "!")]
    assert (state.timers, state.calls) == ((), ())


def inputs_to(world: World, name: str) -> Iterator[list[object]]:
    """What a puppet has heard, in each state where nothing can happen any more."""
    for state in reachable(world):
        if not labels(world, state):
            yield heard(state, name)


def test_reply_or_end_of_budget_never_both() -> None:
    ends = [[event for event in found if not isinstance(event, Deliver)] for found in inputs_to(calling(), "a")]
    assert all(end in ([Reply("t", "!")], [Fired("t")]) for end in ends)
    assert {type(event) for end in ends for event in end} == {Reply, Fired}


def test_a_reply_on_its_way_when_the_budget_ends_is_dropped() -> None:
    world = calling()
    state = take(world, world.initial(), "a: Move go", "b: Deliver ? from a", "a: Fired t")
    assert (state.mail, state.timers, state.calls) == ((), (), ())


def test_an_abandoned_call_gets_neither() -> None:
    world = calling(("abandon", "t"))
    start = take(world, world.initial(), "c: Move go", "a: Move go")
    answered = take(world, start, "b: Deliver ? from a", "a: Deliver poke from c")
    asked = take(world, start, "a: Deliver poke from c", "b: Deliver ? from a")
    assert answered == asked
    assert labels(world, answered) == []


def test_disarming_the_budget_leaves_the_call_open() -> None:
    world = calling(("disarm", "t"))
    state = take(world, world.initial(), "c: Move go", "a: Move go", "a: Deliver poke from c")
    assert (state.timers, state.calls) == ((), (OpenCall("a", "t", "b"),))
    state = take(world, state, "b: Deliver ? from a", "a: Reply ! to t")
    assert state.calls == ()


def test_a_call_without_budget_waits() -> None:
    world = puppets(a=does(("call", "b", "?", "t")), b=Puppet())
    state = take(world, world.initial(), "a: Move go", "b: Deliver ? from a")
    assert labels(world, state) == []
    assert state.calls == (OpenCall("a", "t", "b"),)
    assert heard(state, "b") == [Deliver("?", "a", Call("a", "t"))]


def test_a_timer_may_fire_until_it_is_disarmed_or_becomes_a_deadline() -> None:
    poke: tuple[Order, ...] = (("disarm", "x"), ("deadline", "y", SECONDS))
    world = puppets(
        a=Puppet((("arm", "x", SECONDS), ("arm", "y", SECONDS), ("deadline", "z", SECONDS)), {"poke": poke}), c=does(("send", "a", "poke"))
    )
    state = take(world, world.initial(), "c: Move go", "a: Move go")
    assert labels(world, state) == ["a: Deliver poke from c", "a: Fired x", "a: Fired y"]
    assert labels(world, take(world, state, "a: Deliver poke from c")) == []
    assert labels(world, take(world, state, "a: Fired x", "a: Fired y")) == ["a: Deliver poke from c"]


def test_nobody_there() -> None:
    world = puppets(a=does(("send", "ghost", 1), ("call", "ghost", "?", "t")))
    state = take(world, world.initial(), "a: Move go", "ghost: Deliver 1 from a", "ghost: Deliver ? from a", "a: Reply NoSuchNode() to t")
    assert heard(state, "a") == [Reply("t", NoSuchNode())]
    assert (state.mail, state.calls) == ((), ())


def test_a_node_that_is_retired_takes_its_timers_and_calls_along() -> None:
    leave = Puppet((("call", "b", "?", "t", SECONDS), ("arm", "x", SECONDS), ("retire", "a")))
    world = puppets(a=leave, b=Puppet(on={"?": (("answer", "!"),)}))
    state = take(world, world.initial(), "a: Move go")
    assert ([n for n, _, _ in state.nodes], state.timers, state.calls) == (["b"], (), ())
    assert take(world, state, "b: Deliver ? from a").mail == ()


def test_a_spawned_node_takes_part() -> None:
    world = puppets(a=does(("spawn", "child", does(("send", "a", "hello")))))
    state = take(world, world.initial(), "a: Move go", "child: Move go", "a: Deliver hello from child")
    assert heard(state, "a") == [Deliver("hello", "child")]


def test_messages_arrive_as_they_were_sent_and_later_changes_do_not_show() -> None:
    world = puppets(a=does(("send", "b", {"k": [1]})), b=Puppet())
    state = take(world, world.initial(), "a: Move go")
    assert state.mail == (Parcel("a", "b", Deliver(freeze({"k": [1]}), "a")),)
    assert hash(state) == hash(take(world, world.initial(), "a: Move go"))
    ((_, after),) = world.apply(state, next(iter(world.enabled(state))))
    assert heard(after, "b") == [Deliver({"k": [1]}, "a")]


@pytest.mark.parametrize(
    ("event", "label"),
    [(Move("go"), "n: Move go"), (Fired("t"), "n: Fired t"), (Reply("t", 1), "n: Reply 1 to t"), (Deliver(1, "s"), "n: Deliver 1 from s")],
)
def test_labels(event: Input, label: str) -> None:
    assert Enabled("n", event).label() == label


@pytest.mark.parametrize("network", [Network.BAG, Network.ORDERED, Network.QUEUE])
def test_renaming_a_state_goes_everywhere_and_back(network: Network) -> None:
    world = puppets(network, a=does(("send", "b", "a"), ("send", "b", "0"), ("call", "b", "?", "t", SECONDS)), b=Puppet())
    state = take(world, world.initial(), "a: Move go")
    renamed = rename_state(state, {"a": "b", "b": "a"}, network)
    assert (renamed.timers, renamed.calls) == ((Timer("b", "t"),), (OpenCall("b", "t", "a"),))
    assert {(p.source, p.to) for p in renamed.mail} == {("b", "a")}
    if network.keeps_order:
        assert [p.event.message for p in renamed.mail] == ["b", "0", "?"]
    assert rename_state(renamed, {"a": "b", "b": "a"}, network) == state
