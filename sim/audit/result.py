"""What an audit found: typed, picklable, as JSON, as a table, in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Final

from sim import frames
from sim.audit.facts import Activity, Run
from sim.audit.observe import Rule, Scenery, observations, worker_started
from sim.audit.sessions import End, Session
from sim.audit.verdicts import undecidable
from sim.audit.words import STOPPED, cause_of, outcome_of, span
from sim.audit.workers import Worker, Workers
from sim.properties import Verdict, VerdictKind

if TYPE_CHECKING:
    from pandas import DataFrame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time: int | None) -> str | None:
    """A time (microseconds since 1970) as RFC 3339; None for none."""
    return None if time is None else (_EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _seconds(span: int | None) -> float | None:
    return None if span is None else span / 1e6


@dataclass(slots=True)
class AuditResult:
    """The sessions of some histories, the workers that served them, and what became of the promises.

    `limit`: the session slots of a worker object, None when nobody said. Times are microseconds since 1970.
    """

    runs: list[Run]
    sessions: list[Session]
    workers: Workers
    scenery: Scenery
    verdicts: dict[str, Verdict]
    limit: int | None = None
    passed_over: list[str] = field(default_factory=list)
    """Files of folders that hold no history."""
    older: list[str] = field(default_factory=list)
    """Histories that another of the same run, which goes further, stands for."""
    damaged: list[str] = field(default_factory=list)
    """What could not be read, each with its place and what was expected."""

    @property
    def properties(self) -> dict[str, str]:
        """Every property with its verdict."""
        return {name: verdict.kind.value for name, verdict in self.verdicts.items()}

    @property
    def undecidable(self) -> list[str]:
        """The properties that these histories cannot decide."""
        return undecidable(self.verdicts.items())

    @property
    def as_expected(self) -> bool:
        """Whether no promise is shown to be broken."""
        return not any(verdict.kind is VerdictKind.BROKEN for verdict in self.verdicts.values())

    @property
    def canceled_by_loss(self) -> list[Run]:
        """Runs that ended CANCELED because of a lost worker, and nobody had asked for that (P1.4.8)."""
        lost = {s.run.name for s in self.sessions if s.end is End.FAILED and s.last_heard is not None}
        return [run for run in self.runs if run.status == "CANCELED" and not run.cancel_id and run.name in lost]

    @property
    def waits(self) -> list[int]:
        """How long creations took that came to something, microseconds, in the order of asking."""
        return [wait for s in self.sessions if s.bound is not None and (wait := _wait(s)) is not None]

    @property
    def began(self) -> int:
        """When the first run began."""
        return min((run.began for run in self.runs), default=0)

    @property
    def ended(self) -> int:
        """The last time that a history tells of."""
        return max((run.last_at for run in self.runs), default=0)

    def ends(self) -> dict[str, int]:
        """How many sessions ended how, in the order of `End`."""
        return {end.value: sum(s.end is end for s in self.sessions) for end in End}

    def observed(self) -> Iterable[tuple[int, str, Any]]:
        """All that the histories tell, as observations in the order of time, counted from the beginning of the first run."""
        origin = self.began
        by_run: dict[str, list[Session]] = {}
        for session in self.sessions:
            by_run.setdefault(session.run.name, []).append(session)
        found = [worker_started(worker, self.scenery) for worker in self.workers.by_queue.values()]
        for sessions in by_run.values():
            found.extend(observations(sessions, self.scenery, Rule.LIKELY))
        found.sort(key=lambda one: one[0])
        return [(time - origin, node, observation) for time, node, observation in found]

    # -- as data --------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The object that `audit --json` prints."""
        return {
            "histories": len(self.runs),
            "events": sum(run.events for run in self.runs),
            "from": iso(self.began) if self.runs else None,
            "to": iso(self.ended) if self.runs else None,
            "sessions": [self.session(session) for session in self.sessions],
            "ends": self.ends(),
            "properties": self.properties,
            "undecidable": self.undecidable,
            "evidence": {name: _evidence(verdict) for name, verdict in self.verdicts.items() if verdict.exercised or verdict.broken},
            "workers": [self.worker(worker) for worker in self.workers.by_queue.values()],
            "workflows": [_workflow(run) for run in self.runs],
            "canceled_by_loss": [{"workflow_id": run.workflow_id, "run_id": run.run_id} for run in self.canceled_by_loss],
            "slots": self.limit,
            "passed_over": [*self.passed_over, *self.older],
            "damaged": list(self.damaged),
        }

    def session(self, session: Session) -> dict[str, Any]:
        """One session as plain data."""
        worker = self.workers.of(session.queue)
        between = session.lost_between
        return {
            "workflow_id": session.run.workflow_id,
            "run_id": session.run.run_id,
            "session_id": session.session_id,
            "asked_at": iso(session.creation.scheduled_at),
            "created_at": iso(session.created_at),
            "wait_s": _seconds(_wait(session)),
            "attempts": session.attempts,
            "attempts_known": session.attempts_known,
            "recreated": session.recreated,
            "worker": worker.name if worker is not None else session.creation.identity or None,
            "host": worker.host if worker is not None else None,
            "queue": session.queue or None,
            "ended_at": iso(session.ended_at),
            "end": session.end.value,
            "cause": self.cause(session),
            "detection_s": _seconds(session.detection),
            "last_heard_at": iso(session.last_heard),
            "lost_between": None if between is None else [iso(between[0]), iso(between[1])],
            "double_binding": session.moved,
            "bindings": [
                {"at": iso(b.at), "queue": b.queue, "host": b.host, "worker": self.workers.by_queue[b.queue].name} for b in session.bindings
            ],
            "activities": [_activity(session, activity) for activity in session.activities],
        }  # fmt: skip

    def cause(self, session: Session) -> str:
        """Why a session ended, with what is known of its worker from elsewhere."""
        text, closed = cause_of(session), session.creation.closed_at
        if (
            session.end is not End.FAILED
            or closed is None
            or session.last_heard is None
            or session.gave_up
            or session.told
            or session.stopped
        ):
            return text
        worker = self.workers.of(session.bindings[-1].queue)
        if session.shut_down and worker is not None and worker.stopped_at(closed):
            return STOPPED
        # A worker that stops may still report what ran; one that takes another session does not stop (P3.8).
        again = worker.heard_after(closed, signals_only=session.shut_down) if worker is not None else None
        if again is None:
            return text
        later = f"{span(again - closed)} later"
        if session.shut_down:
            return f"{text}; it took another session {later}, so it did not stop"
        return f"{text}; it was heard of again {later}"

    def worker(self, worker: Worker) -> dict[str, Any]:
        """One worker object as plain data."""
        return {
            "worker": worker.name,
            "host": worker.host,
            "queue": worker.queue,
            "sessions": len({held.session.name for held in worker.held}),
            "failed": worker.failed,
            "most_at_once": worker.most(surely=False)[0],
            "surely_at_once": worker.most(surely=True)[0],
            "first_heard_at": iso(worker.first_at),
            "last_heard_at": iso(worker.last_at),
        }

    def to_frame(self) -> DataFrame:
        """The sessions as a pandas frame, a row each; points of time count from `began`. ImportError when pandas is missing."""
        return frames.frame(self._columns(), self.sessions)

    def _columns(self) -> frames.Columns[Session]:
        began, of = self.began, self.workers.of

        def since(time: int | None) -> int | None:
            return None if time is None else time - began

        return (
            frames.text("workflow_id", lambda s: s.run.workflow_id),
            frames.text("run_id", lambda s: s.run.run_id),
            frames.text("session_id", lambda s: s.session_id),
            frames.seconds("asked_s", lambda s: since(s.creation.scheduled_at)),
            frames.seconds("created_s", lambda s: since(s.created_at)),
            frames.seconds("wait_s", _wait),
            frames.count("attempts", lambda s: s.attempts),
            frames.flag("recreated", lambda s: s.recreated),
            frames.text("worker", lambda s: worker.name if (worker := of(s.queue)) is not None else None),
            frames.text("queue", lambda s: s.queue),
            frames.seconds("ended_s", lambda s: since(s.ended_at)),
            frames.text("end", lambda s: s.end.value),
            frames.text("cause", self.cause),
            frames.seconds("detection_s", lambda s: s.detection),
            frames.flag("double_binding", lambda s: s.moved),
            frames.count("activities", lambda s: len(s.activities)),
        )

    def _repr_html_(self) -> str:
        """The sessions as a table, for notebooks."""
        columns = ("workflow_id", "worker", "wait_s", "attempts", "end", "detection_s", "cause")
        rows: list[Mapping[str, Any]] = [self.session(session) for session in self.sessions[:200]]
        head = "".join(f"<th>{column}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(_cell(row[c]))}</td>" for c in columns) + "</tr>" for row in rows)
        broken = ", ".join(name for name, verdict in self.properties.items() if verdict == "broken") or "none"
        return f"<p>{len(self.sessions)} sessions; promises broken: {escape(broken)}</p>{_WIDE}<table><tr>{head}</tr>{body}</table></div>"


_WIDE: Final = '<div style="overflow-x: auto">'


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _wait(session: Session) -> int | None:
    """From asking to having the session, or to being told that there is none."""
    until = session.created_at if session.bound is not None else session.ended_at
    return None if until is None else until - session.creation.scheduled_at


def _workflow(run: Run) -> dict[str, Any]:
    return {
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "status": run.status or "RUNNING",
        "began_at": iso(run.began),
        "ended_at": iso(run.closed_at),
        "sdk": run.sdk,
        "file": run.source,
    }


def _activity(session: Session, activity: Activity) -> dict[str, Any]:
    without = next((over for one, over in session.without_slot if one is activity), None)
    after = next((over for one, over in session.after_failure if one is activity), None)
    return {
        "event_id": activity.event_id,
        "type": activity.command.activity_type,
        "scheduled_at": iso(activity.scheduled_at),
        "started_at": iso(activity.started_at),
        "ended_at": iso(activity.closed_at),
        "attempt": activity.attempt,
        "worker": activity.identity or None,
        "outcome": outcome_of(activity),
        "without_slot_s": _seconds(without),
        "after_failure_s": _seconds(after),
        "may_run_on": activity in session.left_running,
        "scheduled_when_lost": activity in session.unstarted_when_lost,
    }


def _evidence(verdict: Verdict) -> dict[str, Any]:
    return {
        "exercised": verdict.exercised,
        "broken": verdict.broken,
        "violations": [
            {"at": iso(v.time_us), "message": v.message, "run": v.run, "session": v.session, "worker": v.worker} for v in verdict.violations
        ],
    }  # fmt: skip
