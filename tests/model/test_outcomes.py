"""All outcomes of one handler: every question answered every way, in order, each once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model import effects as fx
from sim.model.canon import freeze
from sim.model.inputs import Call, Deliver, Fault, Input, Move
from sim.model.node import Node, Step
from sim.model.outcomes import ScriptedStep, outcome, outcomes
from sim.model.spans import Exactly, Left, Overdue
from tests.models import Order, Puppet


@dataclass(slots=True)
class Asker(Node):
    """Asks one question of each of these numbers of options, and keeps the answers."""

    sizes: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()

    def handle(self, event: Input, step: Step) -> None:
        self.answers += tuple(step.choose(f"q{i}", range(size)) for i, size in enumerate(self.sizes))


@dataclass(slots=True)
class Curious(Node):
    """What it asks next depends on the answer: a tree, not a product."""

    path: str = ""

    def handle(self, event: Input, step: Step) -> None:
        if step.holds(Overdue("a")):
            self.path = "yes, " + step.choose("then", ["x", "y", "z"])
        else:
            self.path = f"no, {step.earliest(['s', 't'])}"


GO = Move("go")


@given(st.lists(st.integers(1, 4), max_size=4).map(tuple))
def test_every_combination_of_answers_once_and_in_order(sizes: tuple[int, ...]) -> None:
    found = list(outcomes(Asker, "me", Asker(sizes).snapshot(), GO))
    assert [Asker.restored(o.state).answers for o in found] == list(product(*(range(size) for size in sizes)))
    # A question with one option is none.
    assert [o.answers for o in found] == list(product(*(range(size) for size in sizes if size > 1)))


def test_questions_that_depend_on_answers() -> None:
    found = [(o.answers, Curious.restored(o.state).path) for o in outcomes(Curious, "me", Curious().snapshot(), GO)]
    assert found == [((0, 0), "no, s"), ((0, 1), "no, t"), ((1, 0), "yes, x"), ((1, 1), "yes, y"), ((1, 2), "yes, z")]


@given(st.lists(st.integers(2, 4), min_size=1, max_size=4).map(tuple), st.data())
def test_a_script_gives_the_outcome_of_its_answers(sizes: tuple[int, ...], data: st.DataObject) -> None:
    script = [data.draw(st.integers(0, size - 1)) for size in sizes]
    result, questions = outcome(Asker, "me", Asker(sizes).snapshot(), GO, script)
    assert result in set(outcomes(Asker, "me", Asker(sizes).snapshot(), GO))
    assert (result.answers, Asker.restored(result.state).answers) == (tuple(script), tuple(script))
    assert questions == [fx.Choice(f"q{i}", size) for i, size in enumerate(sizes)]


def test_beyond_the_end_of_a_script_the_first_option_is_taken_and_too_long_a_script_is_cut() -> None:
    state = Asker((3, 3)).snapshot()
    assert outcome(Asker, "me", state, GO, [2])[0].answers == (2, 0)
    assert outcome(Asker, "me", state, GO, [2, 1, 1, 1])[0].answers == (2, 1)


def test_questions_say_what_was_asked() -> None:
    step = ScriptedStep("me", [1, 1])
    assert step.holds(Overdue("a"))
    assert step.earliest(["s", "t"]) == "t"
    assert step.earliest(["only"]) == "only"
    assert step.questions == [fx.Holds(Overdue("a")), fx.Earliest(("s", "t"))]
    assert [q.options for q in step.questions] == [2, 2]


def test_too_many_outcomes_are_refused() -> None:
    full = outcomes(Asker, "me", Asker((256, 256)).snapshot(), GO)
    assert sum(1 for _ in full) == 65_536
    with pytest.raises(RuntimeError, match=r"Asker at me.*more than 65,536"):
        list(outcomes(Asker, "me", Asker((257, 256)).snapshot(), GO))


def test_effects_are_written_down_in_order() -> None:
    child = Puppet()
    orders: list[tuple[Order, fx.Effect]] = [
        (("send", "b", "hello"), fx.Send("b", "hello")),
        (("call", "b", "please", "t", Exactly(5)), fx.Request("b", "please", "t", Exactly(5))),
        (("abandon", "t"), fx.Abandon("t")),
        (("arm", "u", Left("t"), ("ack",)), fx.Arm("u", Left("t"), ("ack",), fires=True)),
        (("deadline", "v", Exactly(7)), fx.Arm("v", Exactly(7), (), fires=False)),
        (("disarm", "v"), fx.Disarm("v")),
        (("reply", Call("b", "t"), "yes"), fx.Answer(Call("b", "t"), "yes")),
        (("spawn", "c", child), fx.Spawn("c", child)),
        (("retire", "c"), fx.Retire("c")),
    ]
    step = ScriptedStep("me")
    Puppet().handle(Fault("do", (*(order for order, _ in orders), ("emit", "seen"), ("mark", "m"), ("stamp",))), step)
    assert step.effects == [effect for _, effect in orders]
    assert step.seen == ["seen"]
    assert step.wants(str)


def test_a_state_is_never_changed() -> None:
    state = Asker((2, 2)).snapshot()
    before = repr(state)
    list(outcomes(Asker, "me", state, GO))
    assert repr(state) == before


def test_a_node_sees_messages_as_they_were_sent() -> None:
    message: Hashable = freeze({"list": [1, 2]})
    result, _ = outcome(Puppet, "me", Puppet().snapshot(), Deliver(message, "a"))
    assert Puppet.restored(result.state).heard == [Deliver({"list": [1, 2]}, "a")]
