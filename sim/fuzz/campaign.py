"""A campaign: many seeds of one scenario with random faults, in any number of processes, resumed where it was interrupted.

What it comes to depends on the scenario and the seeds alone: chunks of seeds are fixed, and added up in the order of the seeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Final

from sim.faults.nemesis import Plan
from sim.fuzz import guard, verdicts
from sim.fuzz.corpus import ROUND, Corpus
from sim.fuzz.kept import Kept
from sim.fuzz.result import Coverage, FuzzResult, Guarded, Properties, Runs
from sim.fuzz.schedulers import UNIFORM, Schedule, of_name
from sim.fuzz.subject import Chunk, Seeds, merge
from sim.scenario.fuzzing import Ground, ground_of
from sim.scenario.load import Scenario
from sim.sweep.executor import Executor
from sim.sweep.jobs import Job

CHUNK: Final = 10
"""Seeds in a chunk, which is what is kept and resumed."""
PLATEAU_RUNS: Final = 300
PLATEAU_SHARE: Final = 3
"""A plateau: the last third of the runs, and at least `PLATEAU_RUNS`, brought no new transition, and no property newly tested or broken."""
SHARE: Final = 50
MOST_GUARDED: Final = 20
"""One seed in `SHARE` is run again in another process, `MOST_GUARDED` at most."""

Tell = Callable[[Chunk, int], None]
"""Called with all that is known so far, and how many runs there will be."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a campaign is done. None of it but `first`, `schedule` and `goals` has a say in what a run comes to.

    `first`: the first seed. `jobs`: processes; 0: one per core. `until_plateau`: stop when nothing new comes any more.
    `store`: the file that finished runs are kept in. `out`: where tapes go. `shrink`: runs that shrinking a tape may take; 0: none.
    `guarded`: how many seeds are run again in a fresh process.
    """

    first: int = 1
    jobs: int = 1
    until_plateau: bool = False
    store: Path | None = None
    out: Path | None = None
    shrink: int = 0
    guarded: int | None = None
    schedule: Schedule = UNIFORM
    goals: tuple[str, ...] = ()


def fuzz(
    scenario: Scenario,
    runs: int = 1000,
    *,
    seed: int = 1,
    jobs: int = 1,
    until_plateau: bool = False,
    store: Path | str | None = None,
    out: Path | str | None = None,
    shrink: int = 0,
    guarded: int | None = None,
    schedule: str = "uniform",
    goals: Sequence[str] = (),
    tell: Tell | None = None,
) -> FuzzResult:
    """Run a scenario under many seeds, each with faults of its own.

    Args:
        scenario: what is fuzzed; its `[fuzz]` table says what may happen.
        runs: how many seeds.
        seed: the first of them.
        jobs: processes; 0: one per core.
        until_plateau: stop early when nothing new comes any more.
        store: a file that finished runs are kept in: the same call goes on where it was interrupted.
        out: a folder for the tapes of what broke.
        shrink: how many runs making a tape smaller may take; 0: tapes are left as they are.
        guarded: how many seeds are run again in a fresh process with another PYTHONHASHSEED; None: one in fifty, at most twenty.
        schedule: "uniform" or "priority": who decides how long messages take.
        goals: moments that have to be seen, and properties that have to be put to the test, beside those of the scenario.
        tell: called after every chunk.

    Raises:
        ValueError: a number or a name is impossible.
        StoreError: the store cannot be used.
        WorkflowCodeError, UnknownActivityError: the scenario's own code is wrong.
    """
    if runs < 1:
        raise ValueError(f"runs is {runs}; expected at least 1")
    own = tuple(scenario.model.fuzz.goals) if scenario.model.fuzz is not None else ()
    options = Options(
        first=seed, jobs=jobs, until_plateau=until_plateau, store=Path(store) if store else None, out=Path(out) if out else None,
        shrink=shrink, guarded=guarded, schedule=of_name(schedule), goals=tuple(dict.fromkeys([*own, *goals])),
    )  # fmt: skip
    return Campaign(ground_of(scenario), runs, options, tell).result()


class Campaign:
    """One campaign at work."""

    def __init__(self, ground: Ground, runs: int, options: Options, tell: Tell | None = None) -> None:
        self.ground = ground
        self.runs = runs
        self.options = options
        self._tell = tell or (lambda chunk, runs: None)
        self._total = Chunk()
        self._corpus = Corpus(ground)
        self._resumed = 0
        self._seconds = 0.0
        self._news = 0
        """After how many runs something new came last."""

    def plan(self, seed: int) -> Plan:
        """What the nemesis has in store for a seed."""
        return self.ground.plan(seed)

    def result(self) -> FuzzResult:
        """Run what is not in the store yet, and say what all comes to. Ctrl-C ends it early, and what is finished counts."""
        options = self.options
        with Executor(options.jobs) as executor:
            kept = Kept(options.store, self.key(), self.runs) if options.store is not None else None
            rows, endless, guarded = Properties(), "", Guarded()
            try:
                stopped = self._runs(executor, kept)
                rows = verdicts.of(self.ground, self._total, options.schedule)
                if stopped != "interrupted":
                    rows = verdicts.with_tapes(self.ground, rows, options, executor, self._corpus)
                    endless = verdicts.endless_tape(self.ground, self._total, options, self._corpus)
                    guarded = self._guarded()
                    # Not before: whoever is killed while tapes are made goes on with all runs.
                    if kept is not None:
                        kept.finish(len(self._total.rows))
            except KeyboardInterrupt:
                stopped = "interrupted"
            finally:
                if kept is not None:
                    kept.close()
            # Nobody waits for chunks whose runs would not be kept.
            executor.close(at_once=stopped == "interrupted")
        total = self._total
        return FuzzResult(
            scenario=self.ground.scenario.name,
            most_steps=self.ground.most_steps,
            endless_tape=endless,
            first_seed=options.first,
            runs=Runs(total.rows),
            properties=rows,
            coverage=self._coverage(),
            guard=guarded,
            seconds=self._seconds,
            jobs=executor.processes,
            resumed=self._resumed,
            stopped=stopped,
            schedule=options.schedule.kind,
        )

    def key(self) -> str:
        """What tells campaigns apart: the scenario and everything that has a say in what its runs come to."""
        schedule = self.options.schedule
        said = [self.ground.scenario.to_dict(), schedule.kind, schedule.changes, self.options.goals, self.options.first]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def _numbers(self) -> list[tuple[int, ...]]:
        first, end = self.options.first, self.options.first + self.runs
        return [tuple(range(start, min(start + CHUNK, end))) for start in range(first, end, CHUNK)]

    def _runs(self, executor: Executor, kept: Kept | None) -> str:
        """All runs; why they ended early, "" when they did not."""
        numbers = self._numbers()
        for done in kept.chunks(numbers) if kept is not None else ():
            self._resumed += len(done.rows)
            if self._add(done):
                return "plateau"
        left = numbers[-(-len(self._total.rows) // CHUNK) :]
        began = monotonic()
        try:
            for chunk in self._made(executor, left):
                if kept is not None:
                    kept.add(chunk, self._total)
                if self._add(chunk):
                    return "plateau"
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            self._seconds = monotonic() - began
        return ""

    def _made(self, executor: Executor, left: Sequence[tuple[int, ...]]) -> Iterator[Chunk]:
        """What is left to run; in a guided campaign round by round, since what a round starts from is known when the last one is over."""
        guided = self.options.schedule.kind == "guided"
        each = ROUND // CHUNK
        rest = list(left)
        while rest:
            size = each - len(self._total.rows) // CHUNK % each if guided else len(rest)
            now, rest = rest[:size], rest[size:]
            for _, chunk in executor.results((self._job(numbers) for numbers in now), len(now)):
                yield chunk

    def _job(self, numbers: tuple[int, ...]) -> Job:
        options = self.options
        parents = self._corpus.parents(numbers) if options.schedule.kind == "guided" else ()
        return Job("sim.fuzz.subject:run_chunk", Seeds(self.ground, options.schedule, options.goals, numbers, parents))

    def _learn(self) -> None:
        """At the end of a round the corpus grows."""
        rows, total = self._total.rows, self._total
        if self.options.schedule.kind == "guided" and len(rows) % ROUND == 0:
            seeds = [row.seed for row in rows[-ROUND:]]
            # Also what was resumed has been chosen for: the same, since the corpus was the same.
            self._corpus.parents(seeds)
            self._corpus.learn(seeds, [*total.states.values(), *total.transitions.values()])

    def _add(self, chunk: Chunk) -> bool:
        """Take a chunk in; whether that is enough."""
        before = self._known()
        merge(self._total, chunk)
        if self._known() != before:
            self._news = len(self._total.rows)
        self._learn()
        self._tell(self._total, self.runs)
        done = len(self._total.rows)
        return self.options.until_plateau and done - self._news >= max(PLATEAU_RUNS, done // PLATEAU_SHARE)

    def _known(self) -> tuple[int, int, int]:
        total = self._total
        tested = sum(runs > 0 for runs, _ in total.exercised.values())
        return len(total.transitions), tested, len(total.broken)

    def _coverage(self) -> Coverage:
        total = self._total
        goals = dict(total.goals)
        for name in self.options.goals:
            if total.exercised.get(name, (0, 0))[0]:
                goals.setdefault(name, self.options.first)
        return Coverage(
            transitions=total.transitions, states=total.states, faults=total.faults, goals=goals,
            missing=tuple(name for name in self.options.goals if name not in goals), first=self.options.first, runs=len(total.rows),
        )  # fmt: skip

    def _guarded(self) -> Guarded:
        rows = self._total.rows
        number = self.options.guarded
        if number is None:
            number = min(-(-len(rows) // SHARE), MOST_GUARDED)
        step = max(len(rows) // number, 1) if number else 1
        chosen = rows[::step][:number]
        return guard.check(self.ground, {row.seed: row.digest for row in chosen}, self.options.schedule, self._corpus)
