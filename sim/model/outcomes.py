"""Every way one handler can come out: the only place where a node's code is run without a clock.

`outcomes` runs `handle` again and again with longer scripts of answers until every question has been answered every
way. It is what a search stores in its tables, and what a test compares a live run with. `drawn` takes one of them by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from sim.model import effects as fx
from sim.model.canon import Frozen, thaw
from sim.model.inputs import Call, Input, Message, Name, Tag
from sim.model.node import Node
from sim.model.spans import Span, TimeTest

T = TypeVar("T")
Restored = Callable[[], Node]
Snapshot = Callable[[Any], Frozen]


class Outcome(Struct, frozen=True):
    """One way a handler came out: the answers it was given, the state it left, what it asked for and let see."""

    answers: tuple[int, ...]
    state: Frozen
    effects: tuple[fx.Effect, ...]
    seen: tuple[object, ...]
    asked: tuple[tuple[int, fx.Question], ...] = ()
    """The questions, each with the number of effects that had been asked for before it."""


class ScriptedStep:
    """A `Step` that writes effects down and answers questions from a script (0 beyond its end)."""

    __slots__ = ("_me", "answers", "asked", "effects", "named", "questions", "seen")

    def __init__(self, me: Name, answers: Sequence[int] = ()) -> None:
        self._me = me
        self.named = False
        """Whether the node has asked for its name: if not, what it did holds under any other name."""
        self.answers = list(answers)
        self.questions: list[fx.Question] = []
        self.asked: list[tuple[int, fx.Question]] = []
        self.effects: list[fx.Effect] = []
        self.seen: list[object] = []

    @property
    def me(self) -> Name:
        self.named = True
        return self._me

    @me.setter
    def me(self, name: Name) -> None:
        self._me = name

    def _ask(self, question: fx.Question) -> int:
        position = len(self.questions)
        self.questions.append(question)
        self.asked.append((len(self.effects), question))
        if position == len(self.answers):
            self.answers.append(0)
        return self.answers[position]

    def send(self, to: Name, message: Message) -> None:
        self.effects.append(fx.Send(to, message))

    def call(self, to: Name, request: Message, tag: Tag, budget: Span | None = None) -> None:
        self.effects.append(fx.Request(to, request, tag, budget))

    def reply(self, call: Call, message: Message) -> None:
        self.effects.append(fx.Answer(call, message))

    def abandon(self, tag: Tag) -> None:
        self.effects.append(fx.Abandon(tag))

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = (), late: Span | None = None) -> None:
        self.effects.append(fx.Arm(tag, after, beaten_by, late=late))

    def deadline(self, tag: Tag, after: Span) -> None:
        self.effects.append(fx.Arm(tag, after, fires=False))

    def disarm(self, tag: Tag) -> None:
        self.effects.append(fx.Disarm(tag))

    def mark(self, tag: Tag) -> None:
        """Without a clock every answer about a mark is possible, so nothing need be kept."""

    def holds(self, test: TimeTest) -> bool:
        return self._ask(fx.Holds(test)) == 1

    def earliest(self, tags: Sequence[Tag]) -> Tag:
        return tags[0] if len(tags) == 1 else tags[self._ask(fx.Earliest(tuple(tags)))]

    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        return options[0] if len(options) == 1 else options[self._ask(fx.Choice(label, len(options)))]

    def stamp(self) -> int:
        return 0

    def spawn(self, name: Name, node: Node) -> None:
        self.effects.append(fx.Spawn(name, node))

    def retire(self, name: Name) -> None:
        self.effects.append(fx.Retire(name))

    def emit(self, observation: object) -> None:
        self.seen.append(observation)

    def wants(self, kind: type) -> bool:
        return True


def outcome(kind: type[Node], me: Name, state: Frozen, event: Input, answers: Sequence[int] = ()) -> tuple[Outcome, list[fx.Question]]:
    """Handle `event` in `state` once, with these answers; also the questions that were asked."""
    result, step = _taken(me, event, answers, lambda: kind.restored(state), kind.snapshot)
    return result, step.questions


def _taken(me: Name, event: Input, answers: Sequence[int], restored: Restored, snapshot: Snapshot) -> tuple[Outcome, ScriptedStep]:
    node = restored()
    step = ScriptedStep(me, answers)
    # Whoever keeps mail in canonical form hands it over so; a node sees what was sent.
    node.handle(thaw(event), step)
    answers = tuple(step.answers[: len(step.questions)])
    return Outcome(answers, snapshot(node), tuple(step.effects), tuple(step.seen), tuple(step.asked)), step


class _DrawingStep(ScriptedStep):
    """Answers every question by a draw."""

    __slots__ = ("_pick",)

    def __init__(self, me: Name, pick: Callable[[int], int]) -> None:
        super().__init__(me)
        self._pick = pick

    def _ask(self, question: fx.Question) -> int:
        self.questions.append(question)
        self.answers.append(self._pick(question.options))
        return self.answers[-1]


def drawn(kind: type[Node], me: Name, state: Frozen, event: Input, pick: Callable[[int], int]) -> Outcome:
    """One outcome of `event` in `state`: `pick(n)` answers each question by a number below n."""
    node, step = kind.restored(state), _DrawingStep(me, pick)
    node.handle(thaw(event), step)
    return Outcome(tuple(step.answers), kind.snapshot(node), tuple(step.effects), tuple(step.seen))


def outcomes(kind: type[Node], me: Name, state: Frozen, event: Input) -> Iterator[Outcome]:
    """Every outcome of `event` in `state`, in the order of their answers.

    Raises RuntimeError when one handler asks so many questions that there are more than 65,536 outcomes.
    """
    return (result for result, _ in every(kind, me, event, lambda: kind.restored(state), kind.snapshot))


def outcomes_and_name(kind: type[Node], me: Name, state: Frozen, event: Input) -> tuple[tuple[Outcome, ...], bool]:
    """`outcomes`, and whether the node asked for its name; if not, they are those of every node in that state."""
    found = list(every(kind, me, event, lambda: kind.restored(state), kind.snapshot))
    return tuple(result for result, _ in found), any(step.named for _, step in found)


class Remembered:
    """`outcomes`, each worked out once: for whoever comes by the same states again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[Node], Frozen, Input, Name | None], tuple[Outcome, ...]] = {}

    def __call__(self, kind: type[Node], me: Name, state: Frozen, event: Input) -> tuple[Outcome, ...]:
        found = self._known.get((kind, state, event, None)) or self._known.get((kind, state, event, me))
        if found is None:
            found, named = outcomes_and_name(kind, me, state, event)
            self._known[kind, state, event, me if named else None] = found
        return found


def every(
    kind: type[Node], me: Name, event: Input, restored: Restored, snapshot: Snapshot
) -> Iterator[tuple[Outcome, ScriptedStep]]:  # fmt: skip
    """Every outcome, and the step that wrote it down. `restored` makes the node anew for each, `snapshot` gives its state."""
    script: list[int] = []
    for _ in range(65_536):
        result, step = _taken(me, event, script, restored, snapshot)
        questions = step.questions
        yield result, step
        script = list(result.answers)
        while script and script[-1] == questions[len(script) - 1].options - 1:
            script.pop()
        if not script:
            return
        script[-1] += 1
    raise RuntimeError(f"{kind.__name__} at {me}: handling {event} has more than 65,536 outcomes; ask fewer questions in one step")
