"""From files to findings."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.audit.facts import Run, facts_of
from sim.audit.observe import Scenery, nodes_of
from sim.audit.result import AuditResult
from sim.audit.sessions import Session, sessions_of
from sim.audit.verdicts import Verdicts
from sim.audit.workers import Workers
from sim.history.events import ActivityTaskScheduled
from sim.history.files import Left, histories
from sim.history.temporal_reader import History, HistoryError


def audit(paths: str | Path | Iterable[str | Path], slots: int | None = None) -> AuditResult:
    """Find the sessions in histories of any workflows, and say what became of them and of the promises.

    Args:
        paths: files or folders with histories as Temporal exports them; "-" is standard input.
        slots: MaxConcurrentSessionExecutionSize of the workers, so that `slot_limit` can be judged.

    What is damaged, or no history, stands in the result's `damaged`, and the others are looked at all the same.

    Raises:
        HistoryError: nothing of it could be read.
    """
    left = Left()
    with _no_collector():
        found = histories([paths] if isinstance(paths, str | Path) else paths, left)
        result = audit_histories(_of_the_sdk(found, left), slots)
    if left.damaged and not result.runs:
        raise left.damaged[0]
    result.passed_over = left.names
    result.damaged = [str(error) for error in left.damaged]
    return result


def _of_the_sdk(found: Iterable[History], left: Left) -> Iterator[History]:
    """Without those of host sessions, which are entered in `left`: their creation activities follow each other within one session."""
    for history in found:
        event = next((e for e in history.events if isinstance(e.event, ActivityTaskScheduled) and e.event.command.epoch), None)
        if event is None:
            yield history
        else:
            message = "is an activity of a host session; expected a history of the SDK's own sessions, for only those are audited"
            left.damaged.append(HistoryError(history.source, f"event {event.event_id}", message))


def audit_histories(found: Iterable[History], slots: int | None = None) -> AuditResult:
    """The same for histories that have been read."""
    runs, older = _latest(facts_of(history) for history in found)
    by_workflow = _named(runs)
    workers = Workers()
    chains: list[list[list[Session]]] = []
    for chain in by_workflow.values():
        of_chain = [(run, sessions_of(run)) for run in chain]
        for run, sessions in of_chain:
            workers.take_in(run, sessions)
        chains.append([sessions for _, sessions in of_chain if sessions])
    workers.finish()
    scenery = Scenery(workers, nodes_of(workers), slots or 0)
    verdicts = Verdicts(scenery)
    for one in chains:
        verdicts.take_in(one)
    if slots is not None:
        verdicts.judge_limit(slots)
    sessions = sorted((s for one in chains for ss in one for s in ss), key=lambda s: (s.creation.scheduled_at, s.name))
    return AuditResult(runs, sessions, workers, scenery, verdicts.verdicts(), slots, older=older)


def _latest(found: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """Of several histories of one run the longest counts; the others are named."""
    longest: dict[str, Run] = {}
    older: list[str] = []
    for run in found:
        known = longest.get(run.run_id)
        if known is None or run.events > known.events:
            longest[run.run_id] = run
            older.extend([known.source] if known is not None else [])
        else:
            older.append(run.source)
    return list(longest.values()), older


def _named(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs of each workflow in the order in which they began, with their names."""
    chains: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.began, run.run_id)):
        chain = chains.setdefault(run.workflow_id, [])
        chain.append(run)
        run.name = f"{run.workflow_id}/{len(chain)}"
    return chains


@contextmanager
def _no_collector() -> Iterator[None]:
    """Histories are trees: without cycles there is nothing for the collector to find, and it would look all the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
