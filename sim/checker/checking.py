"""`check`: one system, every reachable state, a verdict for each promise and goal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter

from sim.checker import traces
from sim.checker.compared import Collision
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints, Keys, TooNarrow, Unfit, collision_probability
from sim.checker.layout import layout
from sim.checker.predicates import Predicates
from sim.checker.progress import Progress
from sim.checker.result import CheckResult, Judgement, Verdict
from sim.checker.search import Found, Search
from sim.checker.warm import warm
from sim.checker.words import WordSearch
from sim.model.garbage import WITH_TABLES, seldom_collected
from sim.model.instant import InstantWorld
from sim.model.system import System
from sim.model.world import Network, World

SEEDS = 3
"""Of fingerprints, that are tried before an exact search is given up: a collision is very unlikely."""
SCOUTED = 100_000
"""States that are looked at to choose the fields of packed keys."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to search. `jobs` threads, 0 for one per core; `memory` bytes, 0 for half of the machine's."""

    exact: bool = False
    """Whether states are told apart by all of them and not by 64 bits: packed into 63 bits where they fit, or else compared whole."""
    symmetry: bool = True
    """Whether interchangeable nodes (`System.symmetry`) are taken for one another: then states are orbits."""
    sharing: bool = True
    """Whether what a handler did holds under other names of interchangeable nodes too, in a world without delays: the same states, from
    fewer handler calls. Without it, and without symmetry, nothing depends on how nodes are renamed."""
    parts: bool = True
    """Whether nodes are kept in parts where their class says what lies apart: the same states, from fewer local ones."""
    subsumption: bool = True
    """Whether a state is left out if one was met before it that differs in nothing but budgets of faults, none of which is smaller, in a
    world without delays where no promise looks at budgets: what happens after it happens after that one, too.
    """
    once: bool = True
    """Whether steps of two nodes that do not touch each other are taken in one order only, where states are words: the same states
    at the same depths, met fewer times."""
    jobs: int = 0
    memory: int = 0
    limit: int = 1 << 32
    seed: int = 0
    """Of fingerprints: another seed is an independent second opinion."""


Watch = Callable[[Progress], None]


def check(system: System, options: Options = Options(), watch: Watch | None = None) -> CheckResult:
    """Visit every reachable state of a system, shortest paths first.

    The result is the same for any number of threads. Raises Overflow when the system does not fit into the checker's
    fixed sizes, `traces.NoSuchPath` when a path that the tables show is none of the world's.
    """
    compile_s = warm(system.world, options.exact)
    began = perf_counter()
    with seldom_collected(WITH_TABLES):
        search, found = _searched(system, options, watch)
        return _result(system, options, search, found, compile_s, perf_counter() - began)


def _searched(system: System, options: Options, watch: Watch | None) -> tuple[Search, Found]:
    world, symmetric = system.world, options.symmetry and bool(system.symmetry)
    words = world.network is Network.SET and not isinstance(world, InstantWorld) and not symmetric
    if words or options.exact:
        scout = _search(system, Fingerprints(options.seed), replace(options, limit=min(SCOUTED, options.limit)), watch)
        found = scout.run()
        if not (options.exact or SCOUTED <= found.states < options.limit):
            return scout, found
        if words:
            # They may not fit, or something happen that words cannot say.
            with suppress(Unfit):
                return _searched_in_words(scout, options, watch)
        if options.exact:
            return _searched_exactly(system, scout, options, watch)
    search = _search(system, Fingerprints(options.seed), options, watch)
    return search, search.run()


def _searched_in_words(scout: Search, options: Options, watch: Watch | None) -> tuple[Search, Found]:
    """Search a world in which mail stays. Raises Unfit where its states are no words."""
    while True:
        keys = layout(scout.compiler, 1, 0)
        try:
            search = WordSearch(scout.compiler, keys, *_resources(options), options.limit, watch, options.once)
            return search, search.run()
        except TooNarrow:
            # The tables are kept, and the keys have room for all that is in them now.
            continue


def _searched_exactly(system: System, scout: Search, options: Options, watch: Watch | None) -> tuple[Search, Found]:
    try:
        return _searched_packed(system, scout, options, watch)
    except Unfit:
        for seed in range(options.seed, options.seed + SEEDS):
            with suppress(Collision):
                search = _search(system, Fingerprints(seed), replace(options, seed=seed), watch, whole=True)
                return search, search.run()
        raise


def _searched_packed(system: System, scout: Search, options: Options, watch: Watch | None) -> tuple[Search, Found]:
    keys = layout(scout.compiler, 1, 4)
    while True:
        search = _search(system, keys, options, watch)
        try:
            return search, search.run()
        except TooNarrow:
            # The tables are small beside the search, so it simply begins again with what it has learned.
            keys = layout(search.compiler, 2 * keys.copies + 1, 2 * keys.places)


def _search(system: System, keys: Keys, options: Options, watch: Watch | None, whole: bool = False) -> Search:
    jobs, memory = _resources(options)
    predicates = Predicates(system.invariants, system.goals)
    symmetry = system.symmetry if options.symmetry else ()
    if isinstance(system.world, InstantWorld):
        groups = system.symmetry if options.sharing else symmetry
        own = {"merges": options.symmetry, "whole": whole, **_of_search(options)}
        return InstantSearch(system.world, keys, predicates, jobs, memory, options.limit, watch, groups, **own)
    return Search(system.world, keys, predicates, jobs, memory, options.limit, watch, symmetry, whole)


def _of_search(options: Options) -> dict[str, bool]:
    """The reductions that a search makes of a world without delays, beside those of the world itself."""
    return {"parts": options.parts, "subsumption": options.subsumption}


def _resources(options: Options) -> tuple[int, int]:
    """Threads and bytes."""
    return options.jobs or os.cpu_count() or 1, options.memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _result(system: System, options: Options, search: Search, found: Found, compile_s: float, search_s: float) -> CheckResult:
    complete = not found.stopped
    if search.compared is not None:
        options = replace(options, subsumption=False)
    states = max(1, found.states)
    stations = [s for s in search.compiler.interner.stations if s is not None and s.kind is not None]
    local_states: dict[str, int] = {}
    for kind, _ in {(s.kind, s.local): None for s in stations}:
        assert kind is not None
        local_states[kind.__name__] = local_states.get(kind.__name__, 0) + 1
    stuck = search.trace.path(found.first_stuck) if found.first_stuck >= 0 else None
    return CheckResult(
        states=found.states,
        generated=found.generated,
        depth=found.depth,
        complete=complete,
        stopped=found.stopped,
        deadlocks=found.stuck,
        deadlock=_path(search, stuck) if stuck is not None else None,
        properties={name: _judged(system, search, found, number, complete) for number, name in enumerate(search.predicates.names)},
        compile_s=compile_s,
        search_s=search_s,
        bytes_per_state=(search.budget.highest + search.compiler.nbytes) / states,
        compiled_bytes=search.compiled,
        handler_calls=sum(search.compiler.handlers.calls.values()),
        local_states=dict(sorted(local_states.items())),
        collision_probability=_collision_probability(system.world, search),
        bounds=_bounds(system, options),
        handled=search.compiler.handlers.handled,
    )


def _collision_probability(world: World, search: Search) -> float:
    """As `keys.collision_probability`, of all that was visited."""
    if search.keys.exact or search.compared is not None:
        return 0.0
    mail = not isinstance(world, InstantWorld) or world.travels is not None
    copies = search.rows.mail if mail and world.network is Network.BAG else 1
    return collision_probability(sum(p.count for p in search.partitions), copies)


def _judged(system: System, search: Search, found: Found, number: int, complete: bool) -> Judgement:
    goal = number >= search.predicates.invariants
    if number not in found.hits:
        name = search.predicates.names[number]
        if complete and name in system.exercised and name not in search.compiler.handlers.exercised:
            return Judgement(Verdict.NOT_EXERCISED, goal)
        return Judgement(Verdict.UNDECIDABLE if not complete else Verdict.NOT_EXERCISED if goal else Verdict.HELD, goal)
    path = _path(search, search.trace.path(found.hits[number]))
    last = path[-1].state if path else system.world.initial()
    if bool(search.predicates.of[number](last)) != goal:
        raise traces.NoSuchPath(f"{search.predicates.names[number]}: the state at the end of the path does not decide it")
    witnesses = found.witnesses.get(number, [])

    def others() -> Iterator[tuple[traces.Leg, ...]]:
        return (_path(search, search.trace.path(witness)) for witness in witnesses)

    return Judgement(Verdict.HELD if goal else Verdict.BROKEN, goal, path, others if witnesses else None)


def _path(search: Search, outcomes: list[int]) -> tuple[traces.Leg, ...]:
    by_keys = search.symmetric or isinstance(search, InstantSearch)
    return tuple(traces.walk_orbits(search, outcomes) if by_keys else traces.walk(search.compiler, outcomes))


def _bounds(system: System, options: Options) -> dict[str, object]:
    world = system.world
    groups = [list(group) for group in system.symmetry] if options.symmetry else []
    if isinstance(world, InstantWorld):
        reductions = [*system.reductions, *(name for name, is_made in _of_search(options).items() if is_made)]
        return {**system.bounds, "symmetry": groups, "reductions": sorted(reductions)}
    losses = "any" if world.lossy is not None else "none"
    return {"time": "free", "network": world.network.name.lower(), "losses": losses, "symmetry": groups, **system.bounds}
