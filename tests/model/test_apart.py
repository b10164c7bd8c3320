"""Parts of a node's state: split and joined, fetched when they are looked at, and the same outcomes as of the whole."""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from sim.model.apart import Given, Needed, joined, outcomes_apart, rename_bundle, shields, split
from sim.model.inputs import Deliver, Input
from sim.model.node import Node, Step
from sim.model.outcomes import outcomes
from sim.model.renaming import rename
from sim.model.words import Words, ambiguous


@dataclass(slots=True)
class Drawer:
    things: dict[str, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Chest(Node):
    """Does to its dicts what a message says."""

    counts: dict[str, int] = field(default_factory=dict)
    drawer: Drawer = field(default_factory=Drawer)
    total: int = 0

    @staticmethod
    def apart() -> Mapping[tuple[str, ...], Callable[[Any], Hashable]]:
        return {("counts",): _part, ("drawer", "things"): _part}

    def shields(self) -> list[Hashable]:
        return [("full", name) for name, things in self.drawer.things.items() if len(things) > 1]

    def handle(self, event: Input, step: Step) -> None:
        assert isinstance(event, Deliver)
        match event.message:
            case ("add", name):
                self.counts[name] = self.counts.get(name, 0) + 1
                self.total += 1
            case ("put", name, thing):
                self.drawer.things.setdefault(name, []).append(thing)
            case ("drop", name):
                del self.counts[name]
            case ("sum",):
                self.total = sum(self.counts.values()) + len(self.drawer.things)
                step.emit(tuple(self.counts))


def _part(name: str) -> Hashable:
    return None if name == "common" else ("part", name)


CHEST = Chest({"a": 1, "b": 2, "common": 7}, Drawer({"a": [1, 2], "c": [3]}), 10)
SAID = [("add", "a"), ("add", "new"), ("add", "common"), ("put", "a", 9), ("put", "b", 9), ("drop", "b"), ("sum",)]


def test_a_state_is_split_and_joined_again() -> None:
    local = CHEST.snapshot()
    rest, parts = split(Chest, local)
    assert Chest.restored(rest) == Chest({"common": 7}, Drawer(), 10)
    assert sorted(map(str, parts)) == ["('part', 'a')", "('part', 'b')", "('part', 'c')"]
    assert joined(Chest, rest, parts.values()) == local


@pytest.mark.parametrize("message", SAID, ids=str)
def test_a_handler_that_is_given_parts_does_what_it_does_with_the_whole(message: Any) -> None:
    local, event = CHEST.snapshot(), Deliver(message, "x")
    rest, parts = split(Chest, local)
    given: dict[Hashable, Any] = {}
    while True:
        try:
            (partly,) = outcomes_apart(Chest, "me", rest, Given(given, list(parts)), event)
            break
        except Needed as needed:
            if needed.part in given:
                pytest.fail(f"{needed.part} is asked for twice")
            given[needed.part] = parts.get(needed.part, ())
    (whole,) = outcomes(Chest, "me", local, event)
    assert joined(Chest, partly.outcome.state, {**parts, **partly.parts}.values()) == whole.state
    assert partly.outcome.seen == whole.seen
    assert len(given) == (3 if message == ("sum",) else 0 if message[1] == "common" else 1)


def test_shields_are_those_of_the_parts() -> None:
    rest, parts = split(Chest, CHEST.snapshot())
    assert {shield for part, bundle in parts.items() for shield in shields(Chest, part, bundle)} == set(CHEST.shields())
    assert list(shields(Chest, None, rest)) == []


def test_a_part_under_other_names_is_in_order_again() -> None:
    _, parts = split(Chest, Chest({"a": 1}).snapshot())
    _, renamed = split(Chest, Chest({"b": 1}).snapshot())
    assert rename_bundle(parts["part", "a"], Words({"a": "b"})) == renamed["part", "b"]


def test_words_are_found_within_names() -> None:
    swap = Words({"w1": "w2", "w2": "w1", "job-1": "job-2", "job-2": "job-1"})
    assert swap.get("server/queue/activity/w1.1@host-w1") == "server/queue/activity/w2.1@host-w2"
    assert swap.get("server/run/job-1/1") == "server/run/job-2/1"
    assert [swap.get(text) for text in ("w11", "job-12", "xw1", "w1'2")] == ["w11", "job-12", "xw1", "w2'2"]


def test_words_are_found_within_encoded_names() -> None:
    swap = Words({"w1": "w2", "w2": "w1"})
    token = b'{"TaskQueue":"w1.1@host-w1"}'
    renamed = b'{"TaskQueue":"w2.1@host-w2"}'
    assert rename(token, swap) == renamed
    assert rename(base64.b64encode(token).decode(), swap) == base64.b64encode(renamed).decode()
    other = base64.b64encode(bytes(range(200, 230))).decode()
    assert [rename(text, swap) for text in (other, "A" * 20, b"\xff w1")] == [other, "A" * 20, b"\xff w1"]


@pytest.mark.parametrize(("words", "why"), [(["a", "b"], ""), (["job", "job-1"], "is a word of"), (["-a", "b"], "does not begin")])
def test_words_that_cannot_be_told_apart(words: list[str], why: str) -> None:
    assert why in ambiguous(words)
    assert bool(ambiguous(words)) == bool(why)
