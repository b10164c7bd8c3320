"""What the protocol's nodes let the outside see, beside history events (`sim.history.events.Wrote`) and what workflow
code sees of its sessions (`sim.workflow.seen`). Each class says itself in a sentence, for stories.

`run` is the run's node name, `session` the session's name, `worker` always the node that emits.
"""

from __future__ import annotations

from msgspec import Struct


class WorkflowStarted(Struct, frozen=True):
    run: str
    workflow_id: str
    workflow_type: str
    task_queue: str
    run_timeout: int = 0
    """The lesser of run and execution timeout, microseconds; 0 without any."""

    def sentence(self) -> str:
        return f"workflow {self.workflow_id} starts on queue {self.task_queue}"


class WorkflowCancelRequested(Struct, frozen=True):
    """Somebody asked to cancel a workflow, for the first time."""

    run: str
    workflow_id: str

    def sentence(self) -> str:
        return f"the cancellation of workflow {self.workflow_id} is requested"


class WorkflowTaskTaken(Struct, frozen=True):
    """The server gave a workflow task to this worker, or ("") took it back: what code then does for it is void."""

    run: str
    identity: str

    def sentence(self) -> str:
        return f"a workflow task goes to {self.identity}" if self.identity else "a workflow task is taken back"


class WorkflowClosed(Struct, frozen=True):
    """`status` as Temporal spells it: COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT, CONTINUED_AS_NEW."""

    run: str
    workflow_id: str
    status: str
    outcome: object = None
    next_run: str = ""

    def sentence(self) -> str:
        return f"workflow {self.workflow_id} ends {self.status}"


class ActivityScheduled(Struct, frozen=True):
    """Timeouts in microseconds; `schedule_to_start` 0 when there is none."""

    run: str
    ordinal: int
    activity_type: str
    task_queue: str
    session: str
    schedule_to_start: int = 0

    def sentence(self) -> str:
        return f"activity {self.activity_type} is scheduled on {self.task_queue}"


class ActivityClosed(Struct, frozen=True):
    """How an activity ended on the server: completed, failed, timed out (which timeout), canceled."""

    run: str
    ordinal: int
    activity_type: str
    session: str
    how: str
    retry_state: str = ""

    def sentence(self) -> str:
        return f"server closes {self.activity_type}: {self.how}"


class AttemptRecorded(Struct, frozen=True):
    """The server recorded the start of an attempt."""

    run: str
    ordinal: int
    attempt: int
    activity_type: str
    session: str
    identity: str

    def sentence(self) -> str:
        return f"server records the start of {self.activity_type}, attempt {self.attempt}, by {self.identity}"


class AttemptRetried(Struct, frozen=True):
    """An attempt failed or timed out and the server will try again after `backoff` microseconds."""

    run: str
    ordinal: int
    attempt: int
    activity_type: str
    session: str
    why: str
    backoff: int

    def sentence(self) -> str:
        return f"attempt {self.attempt} of {self.activity_type} ended ({self.why}); the next in {self.backoff / 1e6:g} s"


class HeartbeatRecorded(Struct, frozen=True):
    """The server recorded a heartbeat of a creation activity."""

    run: str
    ordinal: int
    session: str

    def sentence(self) -> str:
        return f"server records a heartbeat of {self.session}"


class WorkerStarted(Struct, frozen=True):
    """A worker object polls. `resource_queue` is its resource-specific queue, "" without a session worker."""

    identity: str
    host: str
    task_queue: str
    resource_queue: str
    max_sessions: int
    session_worker: bool
    host_queue: str = ""
    """The queue of its host, where sessions of processes before it are taken up; only in host sessions."""

    def sentence(self) -> str:
        slots = (
            f", {self.max_sessions} session slot{'s' if self.max_sessions != 1 else ''}" if self.session_worker else ", no session worker"
        )
        return f"{self.identity} starts on {self.host}{slots}"


class WorkerStopping(Struct, frozen=True):
    """A graceful stop began."""

    identity: str
    stop_timeout: int = 0

    def sentence(self) -> str:
        wait = f", waiting at most {self.stop_timeout / 1e6:g} s" if self.stop_timeout else ", waiting for nothing (WorkerStopTimeout is 0)"
        return f"{self.identity} begins a graceful stop{wait}"


class WorkerStopped(Struct, frozen=True):
    """Stop returned."""

    identity: str

    def sentence(self) -> str:
        return f"{self.identity} has stopped"


class OfCreation(Struct, frozen=True):
    """What is said of an attempt of a creation activity, by the worker (`identity`) that runs it or refuses to."""

    identity: str
    session: str
    run: str
    attempt: int


class TokenTaken(OfCreation, frozen=True):
    """A creation activity took a token of the worker's bucket; `free` are left."""

    free: int

    def sentence(self) -> str:
        return f"{self.identity} takes a slot for {self.session}; {self.free} free"


class TokenReturned(OfCreation, frozen=True):
    """A creation activity gave its token back; `free` are free now."""

    free: int

    def sentence(self) -> str:
        return f"{self.identity} frees the slot of {self.session}; {self.free} free"


class WorkerHasResources(Struct, frozen=True):
    """What a worker object that starts has for its sessions, (type, amount) each."""

    identity: str
    resources: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        return f"{self.identity} has {_amounts(self.resources)} for sessions"


class ResourcesTaken(OfCreation, frozen=True):
    """A creation activity took resources for its session. `demand`: what the session asked for; `free`: what is left."""

    demand: tuple[tuple[str, int], ...]
    taken: tuple[tuple[str, int], ...]
    free: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        return f"{self.identity} gives {_amounts(self.taken)} to {self.session}; free: {_amounts(self.free)}"


class ResourcesReturned(OfCreation, frozen=True):
    """A creation activity gave back what it had taken; `free`: what is free now."""

    free: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        return f"{self.identity} has the resources of {self.session} back; free: {_amounts(self.free)}"


class SessionWaits(OfCreation, frozen=True):
    """A session waits at a worker's door for what it asks for, behind those that came before it."""

    demand: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        return f"{self.session} waits at {self.identity} for {_amounts(self.demand)}"


class SessionWaitsNoMore(OfCreation, frozen=True):
    """A session has left a worker's door: it is let in, or its creation has ended."""

    def sentence(self) -> str:
        return f"{self.session} leaves the door of {self.identity}"


class SessionTurnedAway(OfCreation, frozen=True):
    """A worker has no room for a session and says so: it may be created elsewhere."""

    demand: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        return f"{self.identity} has no room for {self.session}, which asks for {_amounts(self.demand)}"


def _amounts(amounts: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{amount} {kind}" for kind, amount in amounts) or "nothing"


class OfAttempt(Struct, frozen=True):
    """What is said of an attempt of an activity, by the worker that has it."""

    identity: str
    run: str
    ordinal: int
    attempt: int
    activity_type: str
    session: str


class AttemptBegan(OfAttempt, frozen=True):
    """An attempt of an activity begins to run on a worker."""

    label: str = ""
    epoch: int = 0
    """Of the binding that the activity belongs to; 0 without epochs."""

    def sentence(self) -> str:
        return f"{self.identity} runs {self.label or self.activity_type}"


class AttemptEnded(OfAttempt, frozen=True):
    """An attempt ended on its worker. `outcome`: completed, canceled, failed: ..., dropped (nothing is sent)."""

    outcome: str
    label: str = ""

    def sentence(self) -> str:
        return f"{self.identity} ends {self.label or self.activity_type}: {self.outcome}"


class AttemptRefused(OfAttempt, frozen=True):
    """A worker does not begin an activity, since it does not hold its session at that epoch."""

    epoch: int

    def sentence(self) -> str:
        return f"{self.identity} refuses {self.activity_type} of epoch {self.epoch}: it does not hold {self.session} at that epoch"


class ResourceWritten(Struct, frozen=True):
    """Somebody asked to write to what a session's activities work on. `taken`: whether it was written."""

    run: str
    session: str
    epoch: int
    identity: str
    taken: bool

    def sentence(self) -> str:
        fate = "is written" if self.taken else "is refused: a newer epoch has written"
        return f"what {self.identity} writes for {self.session} at epoch {self.epoch} {fate}"


class AttemptContextDone(OfAttempt, frozen=True):
    """The context of a running attempt was cancelled on its worker."""

    cause: str

    def sentence(self) -> str:
        return f"{self.identity} cancels {self.activity_type}: {self.cause}"


class FaultHappened(Struct, frozen=True):
    """Something was done to the cluster. `kind` is the fault's name; `target` the process (or workflow, or "server");
    `place` its present place, whose name is the part before the slash of its nodes' names.

    Kinds: kill, lose_machine, exit (a process ended after a graceful stop), start, stop, freeze, unfreeze, hold, release
    (detail: up, down or both), slow_down, server_down, server_up, call (a rule on single calls; detail says which), clock,
    cancel, terminate, pause_activity, unpause_activity.
    """

    kind: str
    target: str
    place: str = ""
    detail: str = ""

    def sentence(self) -> str:
        said = _FAULTS.get(self.kind)
        if said is not None:
            return said.format(target=self.target, direction=_DIRECTIONS.get(self.detail, ""), detail=self.detail)
        return f"{self.target}: {self.kind.replace('_', ' ')}{f' ({self.detail})' if self.detail else ''}"


_FAULTS = {
    "kill": "{target} killed",
    "lose_machine": "the machine of {target} is lost",
    "exit": "{target} exits",
    "call": "a fault lies in wait for calls of {target}: {detail}",
    "start": "{target} is started",
    "stop": "{target} is told to stop",
    "freeze": "{target} is frozen",
    "unfreeze": "{target} runs again",
    "hold": "{target} is cut off: what goes {direction} is held",
    "release": "{target} is reachable again: what went {direction} arrives",
    "slow_down": "{target} takes {detail} as long",
    "server_down": "the server is down",
    "server_up": "the server is back",
    "cancel": "somebody asks to cancel workflow {target}",
    "terminate": "somebody terminates workflow {target}",
}
_DIRECTIONS = {"up": "to the server", "down": "to it from the server", "both": "either way"}
