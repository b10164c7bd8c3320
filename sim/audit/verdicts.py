"""What histories say about the promises: the properties' own observers, fed with what the histories tell.

Some promises a history decides. Others it can only show to be broken: that an activity ran without a slot may be in it, that
none did is not, for what happens on workers after a run has closed leaves no event. All others need to see workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sim.audit import words
from sim.audit.observe import Rule, Scenery, observations, worker_started, workflow_worker
from sim.audit.sessions import Session
from sim.properties import ALL, Judge, Setting, Verdict, VerdictKind, Violation
from sim.properties.base import KEPT_VIOLATIONS
from sim.properties.emitter import Emitter
from sim.protocol import observations as obs

_BY_TIMES = ("slot_limit", "activity_needs_slot")
"""What is judged here by when slots were surely taken or free: an observer takes a time for what it is."""

_BY_OBSERVER = tuple(name for name, p in ALL.items() if (p.history_decides or p.history_convicts) and name not in _BY_TIMES)

_ON_WORKERS = (obs.TokenTaken, obs.AttemptBegan)
_SETTING = Setting()


class Verdicts:
    """Hears the histories of one workflow after the other, and judges."""

    def __init__(self, scenery: Scenery) -> None:
        self._scenery = scenery
        self._judge = Judge(_SETTING, _BY_OBSERVER)
        self._emitter = Emitter()
        self._judge.attach(self._emitter)
        self._emitter.emit(*workflow_worker())
        self._queue_of = {node: queue for queue, node in scenery.nodes.items()}
        self._limit = Verdict(VerdictKind.UNDECIDABLE)
        self._without_slot: list[Violation] = []

    def take_in(self, runs: Sequence[Sequence[Session]]) -> None:
        """Hear the runs of one workflow, in their order; each with its sessions.

        Workflow after workflow is heard, so time goes back between them. What is judged here concerns one workflow each.
        """
        emit, known = self._emitter.emit, self._judge.scene.workers
        for sessions in runs:
            for session in sessions:
                self._without_slot.extend(_without_slot(session, self._scenery))
            for time, node, observation in observations(sessions, self._scenery, Rule.CERTAIN):
                if node not in known and type(observation) in _ON_WORKERS:
                    self._introduce(time, node, observation.identity)
                emit(time, node, observation)

    def _introduce(self, time: int, node: str, identity: str) -> None:
        worker = self._scenery.workers.by_queue.get(self._queue_of.get(node, ""))
        if worker is not None:
            self._emitter.emit(*worker_started(worker, self._scenery))
        else:
            self._emitter.emit(time, node, obs.WorkerStarted(identity, "", "", "", 0, False))

    def judge_limit(self, limit: int) -> None:
        """Whether ever more sessions than the limit had a slot of one worker object; all that were are in these histories.

        Put to the test where a worker was surely full.
        """
        exercised, violations, doubtful = 0, [], False
        for worker in self._scenery.workers.by_queue.values():
            most, since = worker.most(surely=True)
            exercised += most >= limit
            doubtful = doubtful or worker.most(surely=False)[0] > limit
            if most > limit:
                message = f"{worker.name} runs {most} sessions, its limit is {limit}"
                violations.append(Violation(since, message, worker=worker.name))
        self._limit = _convicted(violations, exercised)
        if not violations and not doubtful:
            self._limit = Verdict(VerdictKind.HELD if exercised else VerdictKind.NOT_EXERCISED, exercised)

    def verdicts(self) -> dict[str, Verdict]:
        """Every property's verdict, in the order of the documentation. To be called once."""
        judged = self._judge.finish(0)
        return {name: self._verdict(name, judged) for name in ALL}

    def _verdict(self, name: str, judged: Mapping[str, Verdict]) -> Verdict:
        if name in _BY_TIMES:
            return self._limit if name == "slot_limit" else _convicted(self._without_slot)
        if name not in judged:
            return Verdict(VerdictKind.UNDECIDABLE)
        verdict = judged[name]
        if verdict.kind is VerdictKind.BROKEN or ALL[name].history_decides:
            return verdict
        return replace(verdict, kind=VerdictKind.UNDECIDABLE)


def _convicted(violations: Sequence[Violation], exercised: int = 0) -> Verdict:
    """Broken, or nothing is known."""
    kind = VerdictKind.BROKEN if violations else VerdictKind.UNDECIDABLE
    return Verdict(kind, max(exercised, len(violations)), len(violations), tuple(violations[:KEPT_VIOLATIONS]))


def _without_slot(session: Session, scenery: Scenery) -> Iterator[Violation]:
    for activity, span in session.surely_without_slot:
        worker, kind = scenery.workers.by_queue[session.queue].name, activity.command.activity_type
        message = f"{kind} of {session.name} runs for {words.span(span)} on {worker}, where it has no slot any more"
        yield Violation(session.slot_freed_at or 0, message, session.run.name, session.name, worker)


def undecidable(verdicts: Iterable[tuple[str, Verdict]]) -> list[str]:
    """The names of those that the histories cannot decide."""
    return [name for name, verdict in verdicts if verdict.kind is VerdictKind.UNDECIDABLE]
