"""Liveness: does something always come in the end, if nobody waits for ever?

`leads_to` builds the state graph of a small system by the world itself and looks for a *lasso*: a path to a state from
which something is due, and from there a cycle (or an end) on which it never comes; `eventually_always` for one whose cycle comes by a
state in which something is not so. A cycle only counts when it is fair:
whatever may happen all the time on it, and is asked to be fair, happens on it. For weak fairness it is enough to look
at maximal strongly connected components: if one of them leaves out something that is possible everywhere in it, so does
every cycle in it; if not, the walk through all of it is a fair cycle. Nothing is cut short at states seen before, which
is where searches that check "eventually" on paths go wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import networkx as nx

from sim.checker.intern import Overflow
from sim.checker.result import Verdict
from sim.model.explorer import Invariant
from sim.model.promises import Eventually, EventuallyAlways, LeadsTo, Temporal
from sim.model.system import System
from sim.model.telling import told
from sim.model.world import Enabled, State, World

Fair = Callable[[Enabled], bool]
_Taken = tuple[int, Enabled]
"""A step: the number of the state in which it is taken, and the choice."""
LIMIT: Final = 200_000
"""States of the graph."""
TOO_MANY: Final = "liveness: more than {:,} states; choose smaller parameters"


def all_but_losses(choice: Enabled) -> bool:
    """Mail arrives, timers fire and moves are made in the end; nothing has to be lost."""
    return not choice.lost


@dataclass(frozen=True, slots=True)
class Lasso:
    """A run on which what is due never comes: `stem`, then `cycle` for ever; with an empty cycle nothing can happen any more."""

    stem: tuple[Enabled, ...]
    cycle: tuple[Enabled, ...]
    before: tuple[State, ...] = ()
    """The states in which these steps are taken, those of the stem first."""

    @classmethod
    def along(cls, graph: Graph, stem: Sequence[_Taken], cycle: Sequence[_Taken] = ()) -> Lasso:
        """The one of these steps."""
        first, again = (tuple(choice for _, choice in steps) for steps in (stem, cycle))
        return cls(first, again, tuple(graph.states[number] for number, _ in (*stem, *cycle)))

    def told(self) -> tuple[list[str], list[str]]:
        """The steps of both in words."""
        words = [told(*step) for step in zip((*self.stem, *self.cycle), self.before, strict=True)]
        return words[: len(self.stem)], words[len(self.stem) :]


@dataclass(frozen=True, slots=True)
class InTheEnd:
    """`lasso`: a run on which something stays due for ever; `states`: of the graph in which it was looked for; `why`: it is undecidable."""

    verdict: Verdict
    lasso: Lasso | None = None
    states: int = 0
    why: str = ""


@dataclass(slots=True)
class Graph:
    """All reachable states, by number in the order of a breadth-first search."""

    states: list[State] = field(default_factory=list)
    edges: list[list[tuple[Enabled, int]]] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, limit: int) -> Graph:
        """Raises Overflow when there are more than `limit` states."""
        graph, numbers = cls([world.initial()]), {world.initial(): 0}
        for state in graph.states:
            out: list[tuple[Enabled, int]] = []
            for choice in world.enabled(state):
                for _, after in world.apply(state, choice):
                    if after not in numbers:
                        if len(numbers) == limit:
                            raise Overflow(TOO_MANY.format(limit))
                        numbers[after] = len(numbers)
                        graph.states.append(after)
                    out.append((choice, numbers[after]))
            graph.edges.append(out)
        return graph

    def path(self, start: int, goals: set[int], within: set[int]) -> tuple[list[_Taken], int]:
        """The shortest way from a state to one of some others through `within`; at least one step if it begins at one. Raises KeyError."""
        came: dict[int, _Taken] = {}
        todo = deque([start])
        while todo:
            here = todo.popleft()
            for choice, after in self.edges[here]:
                if after in within and after not in came:
                    came[after] = (here, choice)
                    if after in goals:
                        return self._back(start, after, came), after
                    todo.append(after)
        raise KeyError(start)

    @staticmethod
    def _back(start: int, end: int, came: dict[int, _Taken]) -> list[_Taken]:
        steps = [came[end]]
        while steps[-1][0] != start:
            steps.append(came[steps[-1][0]])
        return steps[::-1]


def judged(system: System, limit: int = LIMIT, states: int = 0) -> dict[str, InTheEnd]:
    """What becomes of the system's promises of what comes in the end (`System.in_the_end`). `states`: so many it has at least."""
    if not system.in_the_end:
        return {}
    try:
        if states > limit:
            raise Overflow(TOO_MANY.format(limit))
        graph = Graph.of(system.world, limit)
    except Overflow as stop:
        return {name: InTheEnd(Verdict.UNDECIDABLE, None, limit, str(stop)) for name in system.in_the_end}
    lassos = {name: _lasso(system, promise, graph) for name, promise in system.in_the_end.items()}
    return {
        name: InTheEnd(Verdict.HELD if lasso is None else Verdict.BROKEN, lasso, len(graph.states)) for name, lasso in lassos.items()
    }  # fmt: skip


def _lasso(system: System, promise: Temporal, graph: Graph) -> Lasso | None:
    match promise:
        case LeadsTo(trigger=trigger, goal=goal):
            return leads_to(system, trigger, goal, graph=graph)
        case Eventually(goal=goal):
            return eventually(system, goal, graph=graph)
        case EventuallyAlways(goal=goal):
            return eventually_always(system, goal, graph=graph)


def leads_to(
    system: System, trigger: Invariant, goal: Invariant, fair: Fair = all_but_losses, limit: int = LIMIT,
    beyond: Invariant = lambda state: False, graph: Graph | None = None,
) -> Lasso | None:  # fmt: skip
    """None when every state in which `trigger` is true is followed (or is itself one) by one in which `goal` is; else a lasso.

    `fair` says which choices may not be possible for ever without being made (weak fairness). `beyond`: states that the system's
    bounds cut short, of which nothing is said: no lasso goes through them. `graph`: the system's, if it is known. Raises Overflow beyond
    `limit` states.
    """
    graph = Graph.of(system.world, limit) if graph is None else graph
    without = {number for number, state in enumerate(graph.states) if not goal(state) and not beyond(state)}
    due = [number for number in sorted(without) if trigger(graph.states[number])]
    waiting = _reachable(graph, due, without)
    ends = {number for number in waiting if not graph.edges[number]}
    cycles = [part for part in _components(graph, waiting) if _is_fair(graph, part, fair)]
    bad = ends.union(*cycles)
    if not bad:
        return None
    everything = set(range(len(graph.states)))
    first = next(number for number in due if _reachable(graph, [number], without) & bad)
    stem = [] if first == 0 else graph.path(0, {first}, everything)[0]
    last = first
    if first not in bad:
        more, last = graph.path(first, bad, without)
        stem += more
    part = next((part for part in cycles if last in part), None)
    return Lasso.along(graph, stem, _tour(graph, last, part, fair) if part is not None else ())


def eventually(
    system: System, goal: Invariant, fair: Fair = all_but_losses, limit: int = LIMIT, graph: Graph | None = None
) -> Lasso | None:  # fmt: skip
    """None when every run comes to a state in which `goal` is true."""
    first = system.world.initial()
    return leads_to(system, lambda state: state == first, goal, fair, limit, graph=graph)


def eventually_always(
    system: System, goal: Invariant, fair: Fair = all_but_losses, limit: int = LIMIT, beyond: Invariant = lambda state: False,
    graph: Graph | None = None,
) -> Lasso | None:  # fmt: skip
    """None when on every fair run `goal` is true from some state on for ever; else a lasso that comes by one in which it is not again and
    again, or ends there. `fair`, `beyond`, `graph` and `limit` as in `leads_to`.
    """
    graph = Graph.of(system.world, limit) if graph is None else graph
    within = _reachable(graph, [0], {number for number, state in enumerate(graph.states) if not beyond(state)})
    without = {number for number in within if not goal(graph.states[number])}
    ends = {number for number in without if not graph.edges[number]}
    cycles = [part for part in _components(graph, within) if part & without and _is_fair(graph, part, fair)]
    bad = ends.union(*(part & without for part in cycles))
    if not bad:
        return None
    stem, last = ([], 0) if 0 in bad else graph.path(0, bad, within)
    part = next((part for part in cycles if last in part), None)
    return Lasso.along(graph, stem, _tour(graph, last, part, fair) if part is not None else ())


def _reachable(graph: Graph, start: Iterable[int], within: set[int]) -> set[int]:
    found = set(start)
    todo = list(found)
    while todo:
        for _, after in graph.edges[todo.pop()]:
            if after in within and after not in found:
                found.add(after)
                todo.append(after)
    return found


def _components(graph: Graph, within: set[int]) -> list[set[int]]:
    """Maximal strongly connected components that have a cycle, in the order of their first states."""
    directed: nx.DiGraph[int] = nx.DiGraph()
    directed.add_edges_from((a, b) for a in sorted(within) for _, b in graph.edges[a] if b in within)
    parts = [part for part in nx.strongly_connected_components(directed) if len(part) > 1 or directed.has_edge(*(2 * tuple(part)))]
    return sorted(parts, key=min)


def _always_possible(graph: Graph, part: set[int], fair: Fair) -> set[Enabled]:
    each = [{choice for choice, _ in graph.edges[number] if fair(choice)} for number in part]
    return set.intersection(*each)


def _is_fair(graph: Graph, part: set[int], fair: Fair) -> bool:
    taken = {choice for number in part for choice, after in graph.edges[number] if after in part}
    return _always_possible(graph, part, fair) <= taken


def _tour(graph: Graph, start: int, part: set[int], fair: Fair) -> list[_Taken]:
    """A closed walk through the whole of a component, on which all is taken that has to be."""
    steps: list[_Taken] = []
    here = start
    for number in sorted(part - {start}):
        more, here = graph.path(here, {number}, part)
        steps += more
    wanted = sorted(_always_possible(graph, part, fair) - {choice for _, choice in steps}, key=Enabled.label)
    for choice in wanted:
        after = next(end for what, end in graph.edges[here] if what == choice)
        if after not in part:
            source, after = next((a, b) for a in sorted(part) for what, b in graph.edges[a] if what == choice and b in part)
            if source != here:
                steps += graph.path(here, {source}, part)[0]
                here = source
        steps.append((here, choice))
        here = after
    if here != start or not steps:
        steps += graph.path(here, {start}, part)[0]
    return steps
