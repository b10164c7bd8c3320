"""Simulations followed through a world whose clock moves in ticks: what real clocks do has to be among what ticks allow.

A tick world does not say which of several windows a timer has that was armed in one instant, so a run is followed by all
states that look as it does. Ticks pass when the run's clock passes a multiple of the unit. In the checked world what is
prompt takes no time, in a run some milliseconds: a tick that falls among them passes when it is done. What was begun among
them began, for the checked world, before that tick, and so it may end one tick later there than it has to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sim.model.inputs import Fired, Name
from sim.model.instant import PROMPT, TICK, InstantWorld
from sim.scenario.checked import OPERATOR
from sim.scenario.following import MOST, UNLIMITED, Astray, Cause, Follower, Look, Spent
from sim.scenario.projected import DEADLINES, Station
from tools.agreement.compare import blueprints_of
from tools.agreement.runs import Run
from tools.agreement.scopes import Scope

Candidate = tuple[int, int, bool]
"""The number of a state, how many ticks have yet to pass there, and whether something happened while one had."""


@dataclass(slots=True)
class Ticking:
    """One run that is followed. `states`: all that it may be in."""

    follower: Follower
    run: Run
    unit: int
    states: frozenset[Candidate] = frozenset()
    clock: int = -1
    most: int = 0

    def __call__(self, stations: Mapping[Name, Station], causes: Sequence[Cause]) -> bool:
        look = frozenset(map(self.follower.station, stations.values()))
        clock = self.run.sim.now // self.unit
        if self.clock < 0:
            self.states = frozenset({(self.follower.first(look), 0, False)})
        else:
            passed = {c for state in self.states for c in self._pass(*state, clock - self.clock)}
            self.states = self._after(passed, look, frozenset(causes))
        self.clock = clock
        self.most = max(self.most, len(self.states))
        return True

    def _after(self, passed: Iterable[Candidate], look: Look, causes: frozenset[Cause]) -> frozenset[Candidate]:
        """The states after an instant. Raises Spent when only more of a budget leads to one, Astray when nothing does."""
        follower = self.follower
        found = frozenset((n, late, shifted or late > 0) for number, late, shifted in passed for n in self._reached(number, look, causes))
        if found:
            return found
        for kinds in UNLIMITED:
            relaxed = [follower.relaxed(number, kinds) for number, _, _ in passed]
            if any(self._reached(number, look, causes) for number in relaxed):
                raise Spent(" and ".join(kinds), str(causes))
        why = "; ".join(dict.fromkeys(follower.parting(number, look, causes) for number, _, _ in passed)) or "no tick may pass before"
        raise Astray(f"at {self.run.sim.now / 1e6:.6f} s no state of ticks looks so: {why}")

    def _pass(self, number: int, late: int, shifted: bool, ticks: int) -> Iterable[Candidate]:
        """The state after this many ticks, and those that were late before."""
        world = self.follower.world
        for left in range(late + ticks, 0, -1):
            state = self.follower.states[number]
            if PROMPT in world.shields(state):
                return [(number, left, shifted)]
            if any(timer.armed.must_end for timer in state.timers):
                return [(number, left, shifted)] if shifted and left == 1 else []
            following = self.follower.successors(number, TICK)
            number = following[0] if following else number
        return [(number, 0, shifted)]

    def _reached(self, number: int, look: Look, causes: frozenset[Cause]) -> set[int]:
        """All states of this look that the causes lead to, in any order.

        Timers that measure a length there too have to be among the choices; the server's timers may have found nothing due.
        """
        follower, first = self.follower, (number, self._needed(number, causes))
        frontier, seen = [first], {first}
        for _ in range(min(len(causes), MOST)):
            frontier = [
                (after, needed - {(choice.node, choice.event)})
                for n, needed in frontier
                for choice in follower.choices(n, causes)
                for after in follower.successors(n, choice)
            ]
            frontier = [state for state in frontier if state not in seen]
            seen.update(frontier)
        return {n for n, needed in seen if not needed and follower.looks[n] == look}

    def _needed(self, number: int, causes: frozenset[Cause]) -> frozenset[Cause]:
        measured = {(timer.node, timer.tag) for timer in self.follower.states[number].timers if timer.armed.window is not None}
        fired = ((node, event) for node, event in causes if isinstance(event, Fired) and (node, event.tag) in measured)
        return frozenset((node, event) for node, event in fired if not (isinstance(event.tag, tuple) and event.tag[0] in DEADLINES))


@dataclass(slots=True)
class InTicks:
    """What came of the runs of a scope. `most`: states that one run may have been in at once."""

    ended: int = 0
    spent: int = 0
    most: int = 0
    astray: list[str] = field(default_factory=list)


def in_ticks(scope: Scope, seeds: Iterable[int], unit: int, world: InstantWorld | None = None) -> InTicks:
    """Follow runs of a scope, with clocks that are right, through its world with ticks of `unit` microseconds."""
    world = world or scope.world(unit)
    follower, result = Follower(world), InTicks()
    for seed in seeds:
        run = Run(scope.scenario(), seed, blueprints_of(world), OPERATOR, scope.budgets)
        run.rates = False
        watched = Ticking(follower, run, unit)
        try:
            run.run(watched)
            result.ended += 1
        except Spent:
            result.spent += 1
        except Astray as astray:
            result.astray.append(f"seed {seed}: {astray}")
        result.most = max(result.most, watched.most)
    return result
