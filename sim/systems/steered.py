"""Choices that lead a run with a clock along a way that a search found, at times that its timers allow."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from sim.checker.traces import Leg
from sim.model import effects as fx
from sim.model.draws import NO_CHANCE, Stream
from sim.model.inputs import Deliver, Fault, Input, Move, Name, Reply, Withdrawn
from sim.model.instant import Micro
from sim.model.laws import Law
from sim.model.world import Parcel
from sim.simulator.choices import Choices
from sim.simulator.seats import Parcel as OnItsWay
from sim.simulator.simulation import Simulation
from sim.systems.run import LOST, as_in_worlds
from sim.trace.times import Solved

SECOND = 1_000_000


class Steered(Choices):
    """What happens when, as a way and its times have it; `taken` is what a tape has to say for it to happen again."""

    __slots__ = ("_answers", "_arrivals", "_drawn", "_end", "_moves", "_sim", "taken")

    def __init__(self, legs: Sequence[Leg], solved: Solved) -> None:
        super().__init__(NO_CHANCE, recording=True)
        self.taken: dict[str, int] = {}
        self._end = solved.at[-1] if solved.at else 0
        self._moves: dict[tuple[Name, str], deque[int]] = defaultdict(deque)
        self._arrivals: dict[tuple[Name, Input], deque[int]] = defaultdict(deque)
        """When messages arrive, in the order in which their way has them; LOST for those that do not."""
        self._answers: dict[Name, deque[int]] = defaultdict(deque)
        self._drawn: dict[tuple[Name, str], deque[int]] = defaultdict(deque)
        for owner, what, length in solved.drawn:
            self._drawn[owner, what].append(length)
        for leg, at in zip(legs, solved.at, strict=True):
            for micro in leg.outcome if isinstance(leg.outcome, tuple) else ():
                self._read(micro, at)

    def _read(self, micro: Micro, at: int) -> None:
        match micro.event:
            case Move(label):
                self._moves[micro.node, str(label)].append(at)
            case Fault(detail=Parcel(to=to, event=event)):
                self._arrivals[to, event].append(LOST)
            case Deliver() | Reply() | Withdrawn():
                self._arrivals[micro.node, micro.event].append(at)
            case _:
                pass
        if micro.outcome is not None:
            for (_, question), answer in zip(micro.outcome.asked, micro.outcome.answers, strict=True):
                if isinstance(question, fx.Choice):
                    self._answers[micro.node].append(answer)

    def attend(self, sim: Simulation) -> None:
        """The run that is led has this clock."""
        self._sim = sim

    def _take(self, label: str, value: int) -> int:
        self.taken[label] = value
        return value

    def sample(self, kind: str, entity: str, what: str, stream: Stream, law: Law, about: object = None) -> int:
        """A move comes when the way has it, a timer lasts as long as it does there."""
        usual = law.sample(stream.next())
        label = f"{kind}|{entity}|{what}|{stream.drawn}"
        if kind == "move" and self._moves[entity, what]:
            return self._take(label, self._moves[entity, what].popleft() - self._sim.now)
        if kind == "draw" and self._drawn[entity, what]:
            return self._take(label, self._drawn[entity, what].popleft())
        return usual

    def sample_at(self, what: str, entity: str, ordinal: int, law: Law) -> int:
        """The same for lengths that belong to something else than who asks."""
        if self._drawn[entity, what]:
            return self._take(f"draw|{entity}|{what}|{ordinal}", self._drawn[entity, what].popleft())
        return super().sample_at(what, entity, ordinal, law)

    def pick(self, entity: str, what: str, stream: Stream, choices: Sequence[object], weights: Sequence[int] | None) -> int:
        """What was chosen there."""
        stream.next()
        answers = self._answers[entity]
        return self._take(f"choose|{entity}|{what}|{stream.drawn}", answers.popleft()) if answers else 0

    def late(self, label: str, about: object = None) -> int:
        """When a message arrives; one that does not is on its way until the run is over."""
        if not isinstance(about, OnItsWay):
            return 0
        arrivals = self._arrivals[about.to, as_in_worlds(about.event)]
        at = arrivals.popleft() if arrivals else self._end + SECOND
        return self._take(label, LOST if at == LOST else at - self._sim.now) if at != self._sim.now else 0
