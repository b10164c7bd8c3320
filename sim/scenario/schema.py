"""The schema of a scenario, version 1: what the sections of a TOML file are called, and what may stand in them.

Only what one value by itself can be asked is checked here; what depends on several is in `checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sim.model.durations import parse_duration
from sim.model.laws import Constant, Law, Uniform
from sim.protocol.mutants import Mutant
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.problems import did_you_mean
from sim.scenario.values import NEVER, Duration, DurationOrNever, LawField, PositiveDuration, SignedDuration
from sim.workflow.sdk import DEFAULT_SDK_VERSION, SdkVersion

SCHEMA_VERSION: Final = 1
_DEFAULTS: Final = WorkerOptions()
MOST_WORKERS: Final = 100_000
"""In one table. Each is an object from the start; billions, of a slip of the pen, would fill the memory without a word."""
MOST_POLLERS: Final = 10_000
"""Of a worker and a kind; each has a call under way at all times."""


class Section(BaseModel):
    """A table of the file. Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _sdk_version(text: object) -> object:
    if isinstance(text, str) and text:
        try:
            SdkVersion.parse(text)
        except ValueError:
            raise ValueError(f'is {text!r}; expected a version of the Go SDK, such as "1.48.0"') from None
    return text


SdkVersionText = Annotated[str, BeforeValidator(_sdk_version)]


def _mutant(name: object) -> object:
    known = [mutant.name.lower() for mutant in Mutant]
    if isinstance(name, str) and name not in known:
        raise ValueError(f"there is no planted bug {name!r}; {did_you_mean(name, known)}")
    return name


MutantName = Annotated[str, BeforeValidator(_mutant)]


class ClusterSection(Section):
    """The server."""

    task_queue: str = Field("tasks", min_length=1, description="the task queue of workers and workflows that name none")
    task_queues: list[str] = Field([], description="further task queues that exist from the start")
    partitions: int = Field(4, ge=1, description="partitions of a task queue")
    history_shards: int = Field(1, ge=1, description="history shards")
    sdk_version: SdkVersionText = Field(DEFAULT_SDK_VERSION, description="the Go SDK's version: which behaviours of P5 apply")


class ClockSection(Section):
    """A machine's clock."""

    drift_ppm: int = Field(0, gt=-1_000_000, description="how much faster it runs, parts per million")
    skew: SignedDuration = Field(0, description="how far its wall clock is ahead")


class LegsSection(Section):
    """Laws of one worker's calls; a leg without one has the network's."""

    request: LawField | None = Field(None, description="how long a message to the server takes")
    response: LawField | None = Field(None, description="how long a message from the server takes")


class NetworkSection(Section):
    """How long messages take: a call takes one request leg and one response leg."""

    request: LawField = Field(Uniform(1_000, 3_000), description="how long a message to the server takes")
    response: LawField = Field(Uniform(1_000, 3_000), description="how long a message from the server takes")


class CallLaws(Section):
    """A law for each kind of call, and for all others."""

    PollWorkflowTaskQueue: LawField | None = None
    PollActivityTaskQueue: LawField | None = None
    RespondWorkflowTaskCompleted: LawField | None = None
    RespondWorkflowTaskFailed: LawField | None = None
    SignalWorkflowExecution: LawField | None = None
    RecordActivityTaskHeartbeat: LawField | None = None
    RespondActivityTaskCompleted: LawField | None = None
    RespondActivityTaskFailed: LawField | None = None
    RespondActivityTaskCanceled: LawField | None = None
    ShutdownWorker: LawField | None = None
    other: LawField | None = Field(None, description="calls that have no law here")


class BusySection(Section):
    """Busy and idle periods of the machines together: what is drawn within one has something in common."""

    share: float = Field(0.0, ge=0, lt=1, strict=False, description="how likely a draw is to follow the period's instead of its own")
    period: PositiveDuration = Field(parse_duration("200ms"), description="how long a period is")


class WarmingSection(Section):
    """What is different while a worker is new."""

    period: PositiveDuration = Field(parse_duration("500ms"), description="for how long after the start of any worker")
    request: LawField | None = Field(None, description="ways of calls to the server then")
    returning: LawField | None = Field(None, description="what answers take then besides their ways")


class LatenciesSection(Section):
    """How long the parts of the server and of workers take, beside the network. `session-sim calibrate` writes such a table."""

    request: CallLaws = Field(CallLaws(), description="ways of single kinds of calls to the server, instead of network.request")
    response: CallLaws = Field(CallLaws(), description="ways of answers, instead of network.response")
    handling: CallLaws = Field(CallLaws(), description="from a request's arrival to its transaction: requests overtake each other")
    returning: CallLaws = Field(CallLaws(), description="what an answer takes besides its way: answers overtake each other")
    transfer_read: LawField | None = Field(None, description="from a transfer task's write to its read, at most 20 reads a second")
    reads_by_others: LawField | None = Field(None, description="how far others used up the 20 reads, as the time they take to come back")
    meeting: LawField | None = Field(None, description="how long a new poll and a task that waits elsewhere take to meet")
    timer_lateness: LawField | None = Field(None, description="how late the server's timers fire")
    goroutine_wake_up: LawField | None = Field(None, description="from waking the creation activity to its call")
    goroutine_answer: LawField | None = Field(None, description="from the start of the completion activity to its call")
    workflow_task: LawField | None = Field(None, description="from the receipt of a workflow task to the call that completes it")
    activity_start: LawField | None = Field(None, description="from the receipt of an activity task to its start")
    forwarding: LawField | None = Field(None, description="what a task takes besides to a poll of a queue that workers share")
    warming: WarmingSection | None = Field(None, description="after the start of a worker calls take longer")
    busy: BusySection | None = Field(None, description="busy periods: ways, answers, reads and workflow tasks are slow together")
    transaction: LawField | None = Field(None, description="how long an update of a run keeps others of the same run waiting")


class WorkerSection(Section):
    """A worker object, or `count` alike. Options have the Go SDK's names and defaults."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="the worker's name", examples=["w1"])
    count: int = Field(1, ge=1, le=MOST_WORKERS, description="how many; above 1 they are called NAME1, NAME2, ...")
    task_queue: str = Field("", description="its task queue; the cluster's when empty")
    host: str = Field("", description="its machine; one of its own when empty")
    process: str = Field("", description="workers that name the same process live and die together")
    start_at: DurationOrNever = Field(0, description='when its process starts; "never": only a fault starts it')
    restart_after: DurationOrNever = Field(NEVER, description='how long after a crash its process starts again, or "never"')
    sdk_version: SdkVersionText = Field("", description="the Go SDK's version; the cluster's when empty")
    clock: ClockSection = Field(ClockSection(), description="its machine's clock")
    network: LegsSection = Field(LegsSection(), description="its own laws of calls")
    enable_session_worker: bool = _DEFAULTS.enable_session_worker
    max_concurrent_session_execution_size: int = Field(_DEFAULTS.max_concurrent_session_execution_size, ge=0)
    max_concurrent_activity_execution_size: int = Field(_DEFAULTS.max_concurrent_activity_execution_size, ge=1)
    max_concurrent_workflow_task_execution_size: int = Field(_DEFAULTS.max_concurrent_workflow_task_execution_size, ge=1)
    max_concurrent_activity_task_pollers: int = Field(_DEFAULTS.max_concurrent_activity_task_pollers, ge=1, le=MOST_POLLERS)
    max_concurrent_workflow_task_pollers: int = Field(_DEFAULTS.max_concurrent_workflow_task_pollers, ge=1, le=MOST_POLLERS)
    worker_activities_per_second: int = Field(_DEFAULTS.worker_activities_per_second, ge=1)
    worker_stop_timeout: Duration = _DEFAULTS.worker_stop_timeout
    disable_workflow_worker: bool = _DEFAULTS.disable_workflow_worker
    local_activity_worker_only: bool = _DEFAULTS.local_activity_worker_only
    sticky_workflow_cache_size: int = Field(_DEFAULTS.sticky_workflow_cache_size, ge=0)
    max_heartbeat_throttle_interval: Duration = _DEFAULTS.max_heartbeat_throttle_interval
    default_heartbeat_throttle_interval: Duration = _DEFAULTS.default_heartbeat_throttle_interval
    resource_id: str = Field(_DEFAULTS.resource_id, description="host sessions: what its host is known by; the host's name when empty")
    asks_for_system_info: bool = _DEFAULTS.asks_for_system_info
    mutants: list[MutantName] = Field([], description="planted bugs, to show that a property notices; none in a real worker")


class ActivitySection(Section):
    """What every attempt of an activity type does."""

    duration: LawField = Field(Constant(0), description="how long an attempt works")
    heartbeat_every: Duration = Field(0, description='how often it calls RecordHeartbeat; "0s": never')
    obeys_cancellation: bool = Field(False, description="whether it returns when its context is done")
    failure_probability: float = Field(0.0, ge=0, le=1, strict=False, description="how likely an attempt is to fail")
    fails: Literal["retryable", "non_retryable", "panic"] = Field("retryable", description="how it fails")
    result: Any = Field(None, description="what it returns; its worker's identity when absent")


class BurstArrival(Section):
    """`size` workflows at a time."""

    size: int = Field(ge=1, description="how many at a time", examples=[10])
    every: PositiveDuration = Field(description="how long from one burst to the next", examples=["1m"])


class ClosedArrival(Section):
    """A closed loop: whenever one of `population` workflows closes, the next one starts."""

    population: int = Field(ge=1, description="how many are open at a time", examples=[100])
    total: int | None = Field(None, ge=1, description="how many are started in all; absent: until the end")
    think: LawField = Field(Constant(0), description="how long from a close to the next start")


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ArrivalSection(Section):
    """When workflows start: one of `at`, `poisson`, `every`, `burst`, `closed`, `file`."""

    at: Annotated[list[Duration], BeforeValidator(_one_or_more)] | None = Field(None, description="the times; `count` start at each")
    poisson: PositiveDuration | None = Field(None, description="mean time from one start to the next")
    every: LawField | None = Field(None, description="law of the time from one start to the next")
    burst: BurstArrival | None = None
    closed: ClosedArrival | None = None
    file: str | list[Duration] | None = Field(None, description="a CSV file beside the scenario with a start time a line")
    like: str | None = Field(None, description="the name of arrivals in the file of latencies, whose law `every` becomes")
    start: Duration = Field(0, description="when the arrivals begin")


class WorkflowSection(Section):
    """A workflow, or several alike."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="the workflow's id", examples=["w"])
    count: int | None = Field(None, ge=1, description="how many (at each time): 1, or with a law no limit; several are called ID-1, ...")
    workflow: str = Field(
        "", description="a function in a Python file beside the scenario", examples=["file_processing.py:file_processing"]
    )
    program: list[dict[str, Any]] | None = Field(None, description="a program as data, instead of a function")
    input: Any = Field(None, description="what the function gets as its argument")
    task_queue: str = Field("", description="its task queue; the cluster's when empty")
    execution_timeout: Duration = Field(0, description='workflow execution timeout; "0s": none')
    run_timeout: Duration = Field(0, description='workflow run timeout; "0s": none')
    task_timeout: Duration = Field(0, description='workflow task timeout; "0s": 10 s')
    arrival: ArrivalSection = Field(ArrivalSection(), description="when it starts; at the start of the run when absent")


def _moment(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class MomentSection(Section):
    """A moment of the protocol: the `nth` observation like this, and how long after it."""

    name: str = Field("", description="the moment's name; `session-sim describe moments` lists them")
    observation: str = Field("", description="the class of an observation or history event, instead of a name")
    nth: int = Field(1, ge=1, description="which one, counted from 1")
    where: dict[str, Any] = Field({}, description="fields that the observation has to have")
    after: Duration = Field(0, description="how long after it")


FaultKind = Literal[
    "kill", "lose_machine", "start", "restart", "stop", "pause", "slow_down", "partition", "lose_request", "lose_response",
    "delay_request", "delay_response", "duplicate_request", "error", "server_outage", "clock", "cancel", "terminate", "signal",
    "pause_activity", "unpause_activity",
]  # fmt: skip


class FaultSection(Section):
    """Something that is done to the cluster: what, to whom, when, and for how long."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)

    kind: FaultKind = Field(description="what is done", examples=["kill"])
    target: str = Field("", description="a process, a workflow, or @busy, @idle, @session:WORKFLOW, @there, @workflow")
    at: Duration | None = Field(None, description="when")
    moment: Annotated[MomentSection, BeforeValidator(_moment)] | None = Field(None, description="at which moment of the protocol")
    every: LawField | None = Field(None, description="law of the time from one to the next")
    until: Duration | None = Field(None, description="when it happens for the last time (with `every`, or a moment)")
    count: int | None = Field(None, ge=1, description="how often it happens (with `every`, or a moment: 1)")
    lasts: PositiveDuration | None = Field(None, alias="for", description="after how long it is undone")
    delay: Duration | None = Field(None, description="delay_*: how much longer; restart: how long until the start")
    factor: float | None = Field(None, gt=0, strict=False, description="slow_down: how many times as long everything takes")
    direction: Literal["both", "up", "down"] | None = Field(None, description="partition: up is to the server")
    method: str | None = Field(None, description="which calls; any when absent")
    queue: str | None = Field(None, description="only polls of this task queue, or `session` for session queues")
    nth: int | None = Field(None, ge=1, description="from which such call on, counted from 1")
    calls: int | None = Field(None, ge=1, description="how many calls (1)")
    noticed_after: Duration | None = Field(None, description="lose_*: when the caller learns that the connection broke (never)")
    code: str | None = Field(None, description="error: the gRPC code of the answer (Unavailable)")
    graceful: bool | None = Field(None, description="restart: stop gracefully instead of killing")
    exits: bool | None = Field(None, description="stop: whether the process ends when Stop has returned (true)")
    drift_ppm: int | None = Field(None, gt=-1_000_000, description="clock: the new drift")
    skew: SignedDuration | None = Field(None, description="clock: how far the wall clock jumps")
    name: str | None = Field(None, description="signal: its name")
    payload: Any = Field(None, description="signal, terminate: its payload")
    activity: str | None = Field(None, description="pause_activity: the activity type")
    reason: str | None = Field(None, description="cancel, terminate: the reason")


Verdict = Literal["held", "broken", "not exercised", "undecidable"]


class PropertiesSection(Section):
    """Which properties are judged: all that apply, unless said otherwise."""

    enable: list[str] | None = Field(None, description="only these")
    disable: list[str] = Field([], description="not these")


class FuzzSection(Section):
    """What a campaign of random faults may do, and what it demands. Everything has a default."""

    kinds: list[FaultKind] | None = Field(None, description="kinds of faults that may be drawn; all when absent")
    without: list[FaultKind] = Field([], description="kinds that may not")
    aims: list[str] | None = Field(None, description="faults aimed at moments, by name; all when absent, none when empty")
    strength: float = Field(1.0, ge=0, le=100, strict=False, description="so many times as many faults")
    window: PositiveDuration | None = Field(None, description="no fault begins later; as long as a run without faults takes when absent")
    signals: list[str] = Field([], description="names of signals that may be sent to workflows")
    quiet_after: Duration | None = Field(None, description="in the scenario of one run: when all faults are over")
    finish_within: PositiveDuration | None = Field(
        None, description="how long what is open then may take to end; when absent 3h, or three times as long as a run without faults"
    )
    most_steps: int | None = Field(
        None, ge=1, description="instants at which something happens; a run with more did not end. When absent 300,000, or 20 times a run's"
    )
    goals: list[str] = Field([], description="moments that have to be seen, and properties that have to be put to the test, in some run")
    expect: dict[str, Literal["broken"]] = Field({}, description="properties that may be found broken")


class ScenarioModel(Section):
    """A whole scenario."""

    schema_version: Literal[1] = Field(1, description="the version of this format")
    name: str = Field("", description="the scenario's name; the file's when empty")
    title: str = Field("", description="what it is, in a line")
    description: str = Field("", description="what it shows")
    until: PositiveDuration = Field(parse_duration("1h"), description="when the run ends at the latest")
    grace: Duration = Field(parse_duration("30s"), description="how long the run goes on after the last workflow closed")
    protocol: Literal["sessions", "host"] = Field("sessions", description="which variant of the session protocol is spoken")
    cluster: ClusterSection = ClusterSection()
    network: NetworkSection = NetworkSection()
    latencies: LatenciesSection = Field(LatenciesSection(), description="how long the parts take; a table, or a file with one")
    workers: list[WorkerSection] = Field(min_length=1, description="at least one [[workers]] table", examples=[])
    activities: dict[str, ActivitySection] = {}
    workflows: list[WorkflowSection] = Field(min_length=1, description="at least one [[workflows]] table", examples=[])
    faults: list[FaultSection] = []
    expect: dict[str, Verdict] = Field({}, description="the verdicts that are expected, by property")
    properties: PropertiesSection = PropertiesSection()
    fuzz: FuzzSection | None = Field(None, description="what campaigns of random faults may do (`session-sim fuzz`)")
    modules: dict[str, str] = Field({}, description="text of the workflow modules, by file name; filled when a scenario is loaded")


__all__ = [
    "SCHEMA_VERSION", "ActivitySection", "ArrivalSection", "BusySection", "CallLaws", "ClockSection", "ClusterSection",
    "FaultSection", "FuzzSection", "LatenciesSection", "Law", "LegsSection", "MomentSection", "NetworkSection", "PropertiesSection",
    "ScenarioModel", "Section", "WorkerSection", "WorkflowSection",
]  # fmt: skip
