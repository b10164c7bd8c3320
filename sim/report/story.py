"""The story of a run in the protocol's own words.

A `StoryCollector` keeps what nodes let the outside see; `tell` orders it, merges what belongs together, and leaves out what
is routine. Every observation class says itself in a sentence; what stands here is only what needs more than one of them:
when the last heartbeat was, how long something took, which activities a failed session takes with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from sim.history.events import ActivityTaskCancelRequested, WorkflowTaskFailed, Wrote
from sim.model.inputs import Name
from sim.protocol import observations as obs
from sim.report.clock import length, stamp
from sim.report.tables import LineRows
from sim.workflow import seen
from sim.workflow.sessions import FRAMEWORK_ACTIVITIES

if TYPE_CHECKING:
    from pandas import DataFrame

    from sim.scenario.cluster import Cluster
    from sim.simulator.simulation import Simulation

KINDS: tuple[type, ...] = (
    obs.WorkflowStarted, obs.WorkflowClosed, obs.ActivityScheduled, obs.ActivityClosed, obs.AttemptRecorded, obs.AttemptRetried,
    obs.HeartbeatRecorded, obs.WorkerStarted, obs.WorkerStopping, obs.WorkerStopped, obs.TokenTaken, obs.TokenReturned,
    obs.AttemptBegan, obs.AttemptEnded, obs.AttemptContextDone, obs.FaultHappened,
    obs.ResourcesTaken, obs.ResourcesReturned, obs.SessionWaits, obs.SessionTurnedAway,
    seen.SessionAsked, seen.SessionCreated, seen.SessionNotCreated, seen.SessionStateChanged, seen.SessionCompleteCalled,
    seen.SessionCompleteReturned, seen.AskedInVain, seen.AskedAgain, Wrote,
    seen.SessionDetached, seen.SessionReattached, obs.AttemptRefused, obs.ResourceWritten,
)  # fmt: skip


class Weight(IntEnum):
    """How much a line matters: a short story has the first kind, a long one the first two."""

    KEY = 0
    DETAIL = 1
    ROUTINE = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a story: at which time (microseconds), about which sessions ("": none)."""

    time: int
    text: str
    weight: Weight
    sessions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{stamp(self.time)} {self.text}"


@dataclass(slots=True)
class Story:
    """All lines of a run, in order, as a table. `left_out` observations came after the collector was full."""

    lines: LineRows
    left_out: int = 0

    def told(self, long: bool = False, routine: bool = False, session: str = "") -> LineRows:
        """The lines of a short or long story, as a table; with `session` those about it and about nobody in particular.

        Args:
            long: also what happens in between.
            routine: also heartbeats and calls that came back.
            session: a session's name ("w/1/s1"); a workflow's id or a beginning of the name takes all that it fits.
        """
        most = Weight.ROUTINE if routine else Weight.DETAIL if long or session else Weight.KEY
        return LineRows(line for line in self.lines if line.weight <= most and (not session or _about(line, session)))

    def to_frame(self) -> DataFrame:
        """All lines as a pandas frame. Raises ImportError when pandas is missing."""
        return self.lines.to_frame()

    def _repr_html_(self) -> str:
        """The short story, in a notebook."""
        from sim.report import notebook

        return notebook.page(self)


def _about(line: Line, session: str) -> bool:
    return not line.sessions or any(name == session or name.startswith(f"{session}/") for name in line.sessions)


class StoryCollector:
    """Keeps the first `limit` observations of a run. An observer for `sim.scenario.run.run`; it can be pickled."""

    def __init__(self, limit: int = 200_000) -> None:
        self.limit = limit
        self.seen: list[tuple[int, Name, Any]] = []
        self.left_out = 0

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen to everything that a story may tell."""
        for kind in KINDS:
            simulation.listen(kind, self._keep_events if kind is Wrote else self._keep)

    def _keep(self, time: int, node: Name, observation: object) -> None:
        if len(self.seen) < self.limit:
            self.seen.append((time, node, observation))
        else:
            self.left_out += 1

    def _keep_events(self, time: int, node: Name, wrote: Wrote) -> None:
        """Of histories only these are nowhere else."""
        if any(type(written.event) in (ActivityTaskCancelRequested, WorkflowTaskFailed) for written in wrote.events):
            self._keep(time, node, wrote)

    def story(self) -> Story:
        """The story of what was kept."""
        return Story(LineRows(tell(self.seen)), self.left_out)


def tell(observations: Iterable[tuple[int, Name, Any]]) -> list[Line]:
    """Turn observations, in the order in which they were made, into the lines of a story."""
    teller = Teller()
    for time, node, observation in observations:
        teller.hear(time, node, observation)
    return sorted(teller.lines, key=lambda line: line.time)


@dataclass(slots=True)
class Running:
    """An activity of a user that a run waits for."""

    name: str
    session: str
    worker: str = ""
    began: int | None = None


@dataclass(slots=True)
class Teller:
    """What it has to remember to tell one thing with another."""

    lines: list[Line] = field(default_factory=list)
    workflows: dict[str, str] = field(default_factory=dict)
    """Run -> workflow id."""
    holders: dict[str, Name] = field(default_factory=dict)
    """Session -> node of the worker that holds its slot."""
    beats: dict[str, int] = field(default_factory=dict)
    """Session -> its last heartbeat on the server."""
    asked: dict[str, int] = field(default_factory=dict)
    names: dict[Name, str] = field(default_factory=dict)
    """Worker's node -> its identity."""
    activities: dict[tuple[str, int], Running] = field(default_factory=dict)
    lost: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Session -> how and when its worker went, while nobody has noticed."""

    def hear(self, time: int, node: Name, o: Any) -> None:
        """Take the next observation. What is told in a way of its own has a method of its class's name."""
        own = getattr(self, f"_{type(o).__name__}", None)
        if own is not None:
            own(time, node, o)
        else:
            self.say(time, o.sentence(), _WEIGHTS.get(type(o), Weight.DETAIL), getattr(o, "session", ""))

    def say(self, time: int, text: str, weight: Weight, *sessions: str) -> None:
        """Add a line."""
        self.lines.append(Line(time, text, weight, tuple(s for s in sessions if s)))

    def _sessions_of(self, run: str) -> list[str]:
        prefix = "/".join(run.split("/")[2:])
        return [prefix] if prefix else []

    # -- workers and faults --------------------------------------------------------------------------------------------

    def _WorkerStarted(self, time: int, node: Name, o: obs.WorkerStarted) -> None:
        self.names[node] = o.identity
        self.say(time, o.sentence(), Weight.KEY)

    def _FaultHappened(self, time: int, node: Name, o: obs.FaultHappened) -> None:
        if o.kind in ("start", "stop"):
            return  # WorkerStarted and WorkerStopping say it
        text = o.sentence()
        if o.kind in ("kill", "lose_machine", "exit"):
            gone = sorted(session for session, holder in self.holders.items() if holder.partition("/")[0] == o.place)
            text += self._what_goes(time, gone)
            for session in gone:
                del self.holders[session]
                self.lost[session] = (o.target, time)
            self.say(time, text, Weight.KEY, *gone)
            return
        self.say(time, text, Weight.KEY)

    def _what_goes(self, time: int, sessions: list[str]) -> str:
        """What ends with a process: when it was last heard of, and what ran on it."""
        if not sessions:
            return ""
        beats = [self.beats[s] for s in sessions if s in self.beats]
        heard = f"; last heartbeat {stamp(max(beats))}" if beats else "; it had sent no heartbeat yet"
        running = sorted(f"`{a.name}`" for a in self.activities.values() if a.session in sessions and a.began is not None)
        return f"{heard}; it held {_list(sessions)}" + (f" and ran {_list(running)}" if running else "")

    # -- activities ----------------------------------------------------------------------------------------------------

    def _ActivityScheduled(self, time: int, node: Name, o: obs.ActivityScheduled) -> None:
        if o.activity_type not in FRAMEWORK_ACTIVITIES:
            self.activities[o.run, o.ordinal] = Running(o.activity_type, o.session)
        self.say(time, o.sentence(), Weight.ROUTINE, o.session)

    def _AttemptBegan(self, time: int, node: Name, o: obs.AttemptBegan) -> None:
        if o.activity_type in FRAMEWORK_ACTIVITIES:
            return  # TokenTaken says it
        running = self.activities.setdefault((o.run, o.ordinal), Running(o.activity_type, o.session))
        running.name, running.worker, running.began = o.label or o.activity_type, o.identity, time
        again = f", attempt {o.attempt}" if o.attempt > 1 else ""
        self.say(time, f"{o.identity} runs `{running.name}`{_of(o.session)}{again}", Weight.DETAIL, o.session)

    def _AttemptEnded(self, time: int, node: Name, o: obs.AttemptEnded) -> None:
        if o.activity_type in FRAMEWORK_ACTIVITIES:
            if o.outcome not in ("completed", "canceled"):
                self.say(time, o.sentence(), Weight.DETAIL, o.session)
            return
        running = self.activities.get((o.run, o.ordinal))
        took = f" after {length(time - running.began)}" if running is not None and running.began is not None else ""
        if running is not None:
            running.began = None
        name, weight = o.label or o.activity_type, Weight.DETAIL if o.outcome == "completed" else Weight.KEY
        text = f"`{name}`{_of(o.session)} completes on {o.identity}{took}"
        if o.outcome == "dropped":
            text = f"`{name}`{_of(o.session)} ends on {o.identity}{took}, too late: nobody is told"
        elif o.outcome != "completed":
            text = f"`{name}`{_of(o.session)} ends on {o.identity}{took}: {o.outcome}"
        self.say(time, text, weight, o.session)

    def _AttemptContextDone(self, time: int, node: Name, o: obs.AttemptContextDone) -> None:
        running = self.activities.get((o.run, o.ordinal))
        what = f"`{running.name}`" if running is not None else _internal(o.activity_type)
        self.say(time, f"{o.identity} cancels {what}{_of(o.session)}: {o.cause}", Weight.KEY, o.session)

    def _ActivityClosed(self, time: int, node: Name, o: obs.ActivityClosed) -> None:
        running = self.activities.pop((o.run, o.ordinal), None)
        name = f"`{running.name}`" if running is not None else _internal(o.activity_type)
        if "timeout" in o.how:
            since = ""
            if o.how.startswith("Heartbeat") and o.session in self.beats and running is None:
                since = f", {length(time - self.beats[o.session])} after its last heartbeat"
            self.say(time, f"server times {name}{_of(o.session)} out ({o.how}{since})", Weight.KEY, o.session)
        else:
            weight = Weight.ROUTINE if o.how in ("completed", "canceled") else Weight.DETAIL
            self.say(time, f"server records that {name}{_of(o.session)} {_ended(o.how)}", weight, o.session)

    def _Wrote(self, time: int, node: Name, wrote: Wrote) -> None:
        for written in wrote.events:
            event = written.event
            if isinstance(event, WorkflowTaskFailed) and event.message:
                text = f"a workflow task of {self.workflows.get(wrote.run, wrote.run)} fails on {event.identity}: {event.message}"
                self.say(time, text, Weight.KEY, *self._sessions_of(wrote.run))
            elif isinstance(event, ActivityTaskCancelRequested):
                running = self.activities.get((wrote.run, event.ordinal))
                if running is not None:
                    text = f"server notes that `{running.name}`{_of(running.session)} is to be cancelled"
                    self.say(time, text, Weight.DETAIL, running.session)

    # -- sessions and workflows ----------------------------------------------------------------------------------------

    def _SessionAsked(self, time: int, node: Name, o: seen.SessionAsked) -> None:
        self.asked[o.session] = time
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _SessionCreated(self, time: int, node: Name, o: seen.SessionCreated) -> None:
        asked = self.asked.pop(o.session, None)
        holder = self.names.get(self.holders.get(o.session, ""), o.task_queue)
        waited = f", {length(time - asked)} after it was asked for" if asked is not None else ""
        self.say(time, f"session {o.session} is open, on {holder}{waited}", Weight.KEY, o.session)

    def _SessionDetached(self, time: int, node: Name, o: seen.SessionDetached) -> None:
        text = o.sentence()
        if o.session in self.lost:
            who, when = self.lost.pop(o.session)
            text += f"; {length(time - when)} after {who} went"
        self.say(time, text, Weight.KEY, o.session)

    def _SessionReattached(self, time: int, node: Name, o: seen.SessionReattached) -> None:
        holder = self.names.get(self.holders.get(o.session, ""), o.task_queue)
        self.say(time, f"session {o.session} is taken up at epoch {o.epoch}, by {holder}", Weight.KEY, o.session)

    def _ResourceWritten(self, time: int, node: Name, o: obs.ResourceWritten) -> None:
        self.say(time, o.sentence(), Weight.ROUTINE if o.taken else Weight.KEY, o.session)

    def _SessionNotCreated(self, time: int, node: Name, o: seen.SessionNotCreated) -> None:
        asked = self.asked.pop(o.session, None)
        waited = f" after {length(time - asked)}" if asked is not None else ""
        self.say(time, o.sentence() + waited, Weight.KEY, o.session)

    def _SessionStateChanged(self, time: int, node: Name, o: seen.SessionStateChanged) -> None:
        text = o.sentence()
        if o.after == "Failed":
            taken = sorted(f"`{a.name}`" for a in self.activities.values() if a.session == o.session)
            text += f", {_list(taken)} cancelled" if taken else ""
            if o.session in self.lost:
                who, when = self.lost.pop(o.session)
                text += f"; {length(time - when)} after {who} went"
        self.say(time, text, Weight.KEY, o.session)

    def _TokenTaken(self, time: int, node: Name, o: obs.TokenTaken) -> None:
        self.holders[o.session] = node
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _ResourcesTaken(self, time: int, node: Name, o: obs.ResourcesTaken) -> None:
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _ResourcesReturned(self, time: int, node: Name, o: obs.ResourcesReturned) -> None:
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _SessionWaits(self, time: int, node: Name, o: obs.SessionWaits) -> None:
        self.say(time, o.sentence(), Weight.KEY, o.session)

    def _SessionTurnedAway(self, time: int, node: Name, o: obs.SessionTurnedAway) -> None:
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _TokenReturned(self, time: int, node: Name, o: obs.TokenReturned) -> None:
        # It may be on another worker by now.
        if self.holders.get(o.session) == node:
            del self.holders[o.session]
        self.say(time, o.sentence(), Weight.DETAIL, o.session)

    def _HeartbeatRecorded(self, time: int, node: Name, o: obs.HeartbeatRecorded) -> None:
        self.beats[o.session] = time
        self.say(time, o.sentence(), Weight.ROUTINE, o.session)

    def _WorkflowStarted(self, time: int, node: Name, o: obs.WorkflowStarted) -> None:
        self.workflows[o.run] = o.workflow_id
        self.say(time, o.sentence(), Weight.KEY, *self._sessions_of(o.run))

    def _WorkflowClosed(self, time: int, node: Name, o: obs.WorkflowClosed) -> None:
        for key in [key for key in self.activities if key[0] == o.run]:
            del self.activities[key]
        self.say(time, o.sentence(), Weight.KEY, *self._sessions_of(o.run))


_WEIGHTS: dict[type, Weight] = {
    obs.AttemptRecorded: Weight.ROUTINE,
    obs.AttemptRetried: Weight.KEY,
    obs.AttemptRefused: Weight.KEY,
    obs.WorkerStopping: Weight.KEY,
    obs.WorkerStopped: Weight.KEY,
    seen.SessionCompleteCalled: Weight.DETAIL,
    seen.SessionCompleteReturned: Weight.ROUTINE,
    seen.AskedInVain: Weight.KEY,
    seen.AskedAgain: Weight.KEY,
}


def _of(session: str) -> str:
    return f" of {session}" if session else ""


def _internal(activity_type: str) -> str:
    """What the session framework's own activities are called among people."""
    short = {"internalSessionCreationActivity": "the creation activity", "internalSessionCompletionActivity": "the completion activity"}
    return short.get(activity_type, activity_type)


def _ended(how: str) -> str:
    return how if how in ("completed", "failed") else f"is over: {how}"


def _list(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c", "a, b, c and 4 more"."""
    if len(words) > 6:
        return ", ".join(words[:5]) + f" and {len(words) - 5} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
