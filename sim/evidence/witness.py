"""Compares what the workers of a case saw with what they see in the run that goes along it.

Workers log what workflow code saw of each step, and the begin and end of every attempt of an activity. Compared are each
step's outcome, error chain and session state in order; of attempts the worker and whether there was an error; of those of
creation activities also when they began and ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sim.evidence.follow import TOLERANCE, Follower
from sim.evidence.recording import Key, Recording
from sim.model.spans import SECOND
from sim.protocol import observations as obs
from sim.simulator.simulation import Simulation
from sim.workflow.seen import Saw
from sim.workflow.sessions import CREATION_ACTIVITY


class Unseen(Exception):
    """A worker saw something else than the log has."""

    def __init__(self, run: str, event_id: int, recorded: str, ours: str) -> None:
        super().__init__(f"{run}: logged {recorded}, and in the run {ours}")
        self.run = run
        self.event_id = event_id
        self.recorded = recorded
        self.ours = ours


class Witness:
    """Listens to a run and keeps what its workers see. `follower` knows the events' ids."""

    def __init__(self, recording: Recording, follower: Follower) -> None:
        self._recording = recording
        self._follower = follower
        self._saw: dict[str, list[Saw]] = {}
        self._attempts: dict[Key, dict[str, Any]] = {}

    def attach(self, simulation: Simulation) -> None:
        simulation.listen(Saw, self._seen)
        simulation.listen(obs.AttemptBegan, self._began)
        simulation.listen(obs.AttemptEnded, self._ended)

    def _seen(self, time: int, node: str, saw: Saw) -> None:
        self._saw.setdefault(saw.run, []).append(saw)

    def _attempt(self, observation: obs.AttemptBegan | obs.AttemptEnded) -> dict[str, Any]:
        event_id = self._follower.scheduled_id(observation.run, observation.ordinal)
        return self._attempts.setdefault((observation.run, event_id, observation.attempt), {})

    def _began(self, time: int, node: str, began: obs.AttemptBegan) -> None:
        self._attempt(began).update(worker=began.identity, begin=time, type=began.activity_type)

    def _ended(self, time: int, node: str, ended: obs.AttemptEnded) -> None:
        self._attempt(ended).update(end=time, outcome=ended.outcome)

    def check(self) -> None:
        """Compare with the log.

        Raises:
            Unseen: the first thing that is not the same.
        """
        if self._recording.case.log is not None:
            for difference in (*self._steps(self._recording.case.log), *self._of_attempts()):
                raise difference

    # -- workflow code ------------------------------------------------------------------------------------------------

    def _steps(self, rows: tuple[Mapping[str, Any], ...]) -> Iterator[Unseen]:
        names = self._recording.names
        logged: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            if row["ev"] == "workflow_saw" and row.get("run") in names:
                logged.setdefault(names[row["run"]], []).append(row["saw"])
        for run in self._recording.runs:
            theirs, ours = logged.get(run, []), [_row(saw) for saw in self._saw.get(run, [])]
            for index in range(max(len(theirs), len(ours))):
                one = theirs[index] if index < len(theirs) else {}
                other = ours[index] if index < len(ours) else {}
                if not _same_step(one, other):
                    yield Unseen(run, 0, _told(one), _told(other))

    # -- activities ---------------------------------------------------------------------------------------------------

    def _of_attempts(self) -> Iterator[Unseen]:
        for key, logged in self._recording.attempts.items():
            run, event_id, attempt = key
            ours = self._attempts.get(key, {})
            what = f"attempt {attempt} of the activity scheduled by event {event_id}"
            if ours.get("worker") != logged.worker:
                yield Unseen(run, event_id, f"{what} on {logged.worker}", f"on {ours.get('worker', 'no worker')}")
            elif ours.get("type") == CREATION_ACTIVITY:
                if logged.end is not None and "outcome" in ours and _way(logged.error) not in ours["outcome"]:
                    yield Unseen(run, event_id, f"the end of {what}: {logged.error or 'no error'}", ours["outcome"])
                yield from self._times(run, event_id, what, ours, {"begin": logged.begin, "end": logged.end})

    def _times(self, run: str, event_id: int, what: str, ours: dict[str, Any], logged: dict[str, int | None]) -> Iterator[Unseen]:
        for word, time in logged.items():
            if time is not None and (word not in ours or abs(ours[word] - time) > TOLERANCE):
                yield Unseen(run, event_id, f"the {word} of {what} at {self._at(time)}", f"at {self._at(ours.get(word))}")

    def _at(self, time: int | None) -> str:
        return "no time" if time is None else f"{(time - self._recording.offset) / SECOND:.3f} s"


def _way(error: str) -> str:
    """How a creation activity that returned this error ended, in the words of `AttemptEnded.outcome`."""
    if not error:
        return "completed"
    if error.endswith("errorString: context canceled"):
        return "canceled"
    # After its deadline nothing is sent, whatever it returned.
    return "dropped" if "context deadline exceeded" in error and "SessionWorkerShutdown" in error else "failed"


_KEYS: Final = ("op", "in", "name", "error", "state", "value")


def _row(saw: Saw) -> dict[str, Any]:
    return {
        "op": saw.op, "in": saw.context, "name": saw.name, "error": saw.error, "state": saw.state, "value": saw.value, "ms": saw.elapsed_ms
    }  # fmt: skip


def _same_step(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    same = all((theirs.get(key) or "") == (ours.get(key) or "") for key in _KEYS)
    return same and abs(int(theirs.get("ms", 0)) - int(ours.get("ms", 0))) * 1000 <= TOLERANCE


def _told(step: Mapping[str, Any]) -> str:
    if not step:
        return "nothing more"
    return ", ".join(f"{key} {step[key]}" for key in (*_KEYS, "ms") if step.get(key) not in (None, ""))
