"""Hypothesis strategies for clusters, workloads, faults, and the scenarios they make.

Everything is drawn as the tables of a scenario, so whatever fails is a file that `session-sim run` takes. What is simpler
comes first everywhere (one worker, one short activity, `kill`, round times), since Hypothesis shrinks towards the first:
a failing scenario becomes one with the fewest workers, workflows, steps and faults, at the roundest times.

    from hypothesis import given
    from sim import run
    from sim.testing.strategies import scenarios

    @given(scenarios())
    def test_slots(scenario):
        assert run(scenario, seed=1).properties["slot_limit"] != "broken"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from sim.model.durations import format_duration
from sim.scenario.load import Scenario
from sim.testing.example import Example

SECOND: Final = 1_000_000
Table = dict[str, Any]

PROCESS_FAULTS: Final = ("kill", "stop", "partition", "pause", "lose_machine", "restart", "slow_down")
CALL_FAULTS: Final = ("lose_request", "lose_response", "delay_request", "delay_response", "duplicate_request", "error")
SERVER_FAULTS: Final = ("server_outage",)
CLIENT_FAULTS: Final = ("cancel", "terminate", "pause_activity")
KINDS: Final = (*PROCESS_FAULTS, *SERVER_FAULTS, *CLIENT_FAULTS, *CALL_FAULTS, "clock")
"""Kinds of faults that are drawn unless a test says which, the simplest first."""

_METHODS: Final = (
    "RecordActivityTaskHeartbeat", "SignalWorkflowExecution", "RespondActivityTaskCompleted", "RespondWorkflowTaskCompleted",
    "PollActivityTaskQueue",
)  # fmt: skip
_MOMENTS: Final = (
    "binding seen by the workflow", "activity runs", "session token taken", "activity scheduled", "session failed", "completion called",
    "completion scheduled", "creation scheduled", "workflow started",
)  # fmt: skip
_LASTS: Final = {"partition", "pause", "server_outage", "slow_down", "lose_machine", "kill", "stop", "clock"}
_ALWAYS_LASTS: Final = {"partition", "pause", "server_outage"}


_ROUND: Final = (0, 1, 5, 15, 30, 60)
"""Seconds. Few values, and those far apart: what is made as small as it can be in one place only just fails, and then nothing
in another place can be left out any more."""


def round_durations(fewest_s: int = 0, most_s: int = 60) -> st.SearchStrategy[str]:
    """Durations as people say them: 0, 1, 5, 15, 30 s, a minute, within these bounds; they shrink to the shortest.

    Raises ValueError when there is none within the bounds.
    """
    fitting = [s for s in _ROUND if fewest_s <= s <= most_s]
    if not fitting:
        raise ValueError(f"round_durations({fewest_s}, {most_s}): expected bounds with one of {', '.join(map(str, _ROUND))} between them")
    return st.sampled_from([format_duration(s * SECOND) for s in fitting])


def durations(fewest_s: int, most_s: int) -> st.SearchStrategy[str]:
    """Durations of whole seconds as a scenario writes them; they shrink to the shortest."""
    return st.integers(fewest_s, most_s).map(lambda s: format_duration(s * SECOND))


@st.composite
def clusters(draw: st.DrawFn, *, max_workers: int = 3, max_slots: int = 3, restarting: bool | None = None) -> Table:
    """The tables `workers` of a scenario.

    Args:
        draw: given by Hypothesis.
        max_workers: how many workers at most, each a process on a machine of its own.
        max_slots: how many session slots a worker has at most.
        restarting: whether workers start again after a crash; None: sometimes.
    """
    worker: Table = {"name": "w", "count": draw(st.integers(1, max_workers))}
    worker["max_concurrent_session_execution_size"] = draw(st.integers(1, max_slots))
    if draw(st.sampled_from([True, True, False])) if restarting is None else restarting:
        worker["restart_after"] = draw(st.sampled_from(["5s", "1s", "30s"]))
    stop_timeout = draw(st.sampled_from(["0s", "5s", "30s"]))
    if stop_timeout != "0s":
        worker["worker_stop_timeout"] = stop_timeout
    return {"workers": [worker]}


@st.composite
def _activities(draw: st.DrawFn) -> list[Table]:
    """A step of a session, and perhaps a pause after it."""
    manner = draw(st.sampled_from(["plain", "heartbeats", "fails once", "fails"]))
    ignore = draw(st.sampled_from([False, False, True]))
    pause = draw(st.sampled_from([0, 0, 0, 5, 30]))
    work: Table = {"name": "work", "ms": 1000 * draw(st.sampled_from(_ROUND))}
    step: Table = {"op": "act", "in": "s", "work": work}
    match manner:
        case "heartbeats":
            work |= {"beat_ms": 2000, "obey": True}
            step["hb"] = "10s"
        case "fails once":
            work["fail"] = "retryable"
            step["attempts"] = 2
        case "fails":
            work["fail"] = "non_retryable"
    return [step | ({"ignore": True} if ignore else {}), *([{"op": "sleep", "ms": 1000 * pause}] if pause else [])]


@st.composite
def programs(draw: st.DrawFn, *, max_activities: int = 3) -> list[Table]:
    """A workflow as data: a session with a few activities, perhaps tried again, perhaps recreated afterwards."""
    # What makes a program another one is drawn before the lengths of time: it is made simple first.
    shape = draw(st.sampled_from(["once", "until it passes", "recreated"]))
    create: Table = {"op": "create", "as": "s", "creation": "1m", "execution": draw(st.sampled_from(["10m", "30s"]))}
    steps = [create, {"op": "defer_complete", "in": "s"}]
    for more in draw(st.lists(_activities(), min_size=1, max_size=max_activities)):
        steps += more
    match shape:
        case "until it passes":
            return [{"op": "until_ok", "times": 3, "ms": 1000, "steps": steps}]
        case "recreated":
            again = {"op": "recreate", "as": "t", "signal": "where", "creation": "30s", "execution": "10m"}
            work = {"op": "act", "in": "t", "work": {"name": "more", "ms": 5000}}
            end = {"op": "complete", "in": "t"}
            return [*steps, {"op": "token", "in": "s", "as": "where"}, {"op": "complete", "in": "s"}, again, work, end]
    return steps


@st.composite
def behaviours(draw: st.DrawFn, *, max_seconds: int = 60) -> Table:
    """What an activity type does: an `[activities.TYPE]` table."""
    table: Table = {"duration": draw(round_durations(0, max_seconds))}
    if draw(st.booleans()):
        table |= {"heartbeat_every": "2s", "obeys_cancellation": True}
    failing = draw(st.sampled_from([0.0, 0.0, 0.2]))
    return table | ({"failure_probability": failing} if failing else {})


@st.composite
def workloads(
    draw: st.DrawFn,
    *,
    workflow: str = "",
    file: Path | str | None = None,
    argument: Any = None,
    activities: Sequence[str] = (),
    max_workflows: int = 3,
) -> Table:
    """The tables `workflows`, `activities` and `modules` of a scenario.

    Args:
        draw: given by Hypothesis.
        workflow: the function of a workflow of yours in `file`; without it programs are drawn.
        file: the Python file with it.
        argument: what it gets.
        activities: the types of its activities, which get behaviours; others end at once.
        max_workflows: how many workflows at most.
    """
    tables: Table = {"workflows": [], "activities": {name: draw(behaviours()) for name in activities}}
    section: Table = {}
    if workflow:
        if file is None:
            raise ValueError(f"workloads(workflow={workflow!r}) does not say where that is; expected file=Path('your_workflows.py')")
        path = Path(file)
        tables["modules"] = {path.name: path.read_text("utf-8")}
        section = {"workflow": f"{path.name}:{workflow}"} | ({"input": argument} if argument is not None else {})
    starts = st.sampled_from([0, 0, 5, 30])
    drawn = st.tuples(starts, st.just([]) if section else programs())
    for number, (start, program) in enumerate(draw(st.lists(drawn, min_size=1, max_size=max_workflows)), 1):
        arrival: Table = {"arrival": {"at": [format_duration(start * SECOND)]}} if start else {}
        tables["workflows"].append({"id": f"job{number}", **(section or {"program": program}), **arrival})
    return tables


def _names(tables: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The names of processes and workflows of a scenario's tables."""
    processes: list[str] = []
    for worker in tables["workers"]:
        count = worker.get("count", 1)
        processes += [worker["name"]] if count == 1 else [f"{worker['name']}{i}" for i in range(1, count + 1)]
    return processes, [workflow["id"] for workflow in tables["workflows"]]


@st.composite
def _when(draw: st.DrawFn, within_s: int) -> Table:
    """When a fault happens: at a moment of the protocol, so that it moves along when what comes before it is made smaller, or at a time."""
    name = draw(st.sampled_from([*_MOMENTS, ""]))
    if not name:
        return {"at": draw(durations(0, within_s))}
    moment: Table = {"name": name}
    nth, after = draw(st.integers(1, 4)), draw(round_durations(0, 30))
    moment |= ({"nth": nth} if nth > 1 else {}) | ({"after": after} if after != "0s" else {})
    return {"moment": moment if len(moment) > 1 else name}


@st.composite
def faults(draw: st.DrawFn, processes: Sequence[str], workflows: Sequence[str], kinds: Sequence[str] = KINDS, within_s: int = 120) -> Table:
    """A `[[faults]]` table: one of these kinds, where a moment of the protocol happens, or to one of these within so many seconds."""
    kind = draw(st.sampled_from(list(kinds)))
    when = draw(_when(within_s))
    table: Table = {"kind": kind}
    if kind in CLIENT_FAULTS:
        table["target"] = "@workflow" if "moment" in when else draw(st.sampled_from(list(workflows)))
    elif kind not in SERVER_FAULTS:
        table["target"] = "@there" if "moment" in when else draw(st.sampled_from([*processes, "@busy"]))
    table |= when
    if kind in _ALWAYS_LASTS or (kind in _LASTS and draw(st.booleans())):
        table["for"] = draw(round_durations(1, 60))
    match kind:
        case "slow_down":
            table["factor"] = float(draw(st.sampled_from([2, 10, 100])))
        case "clock":
            table["drift_ppm"] = draw(st.sampled_from([200, -200, 100_000]))
        case "pause_activity":
            table["activity"] = "internalSessionCreationActivity"
        case _ if kind in CALL_FAULTS:
            table |= {"method": draw(st.sampled_from(_METHODS)), "calls": draw(st.integers(1, 3))}
            if kind.startswith("delay"):
                table["delay"] = draw(round_durations(1, 30))
    return table


def fault_plans(
    processes: Sequence[str] = ("w",),
    workflows: Sequence[str] = ("job1",),
    *,
    kinds: Sequence[str] = KINDS,
    max_faults: int = 4,
    within_s: int = 120,
) -> st.SearchStrategy[list[Table]]:
    """The tables `faults` of a scenario: at most `max_faults`, of these kinds.

    Raises ValueError when a kind is not known here; `KINDS` are.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"fault_plans(kinds=...) has {', '.join(unknown)}; expected some of {', '.join(KINDS)}")
    return st.lists(faults(processes, workflows, kinds, within_s), max_size=max_faults)


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    cluster: st.SearchStrategy[Table] | None = None,
    workload: st.SearchStrategy[Table] | None = None,
    kinds: Sequence[str] = KINDS,
    max_faults: int = 4,
    properties: Sequence[str] = (),
    until: str = "30m",
) -> Scenario:
    """Scenarios that can be run, and print as files that `session-sim run` takes.

    Args:
        draw: given by Hypothesis.
        cluster: `clusters(...)`, or another strategy of the tables `workers`.
        workload: `workloads(...)`, or another strategy of the tables `workflows`, `activities` and `modules`.
        kinds: kinds of faults; `()` for none.
        max_faults: how many faults at most.
        properties: the promises and duties that are judged; all promises when empty.
        until: when a run ends at the latest.
    """
    tables: Table = {"name": "example", "until": until}
    tables |= draw(cluster if cluster is not None else clusters()) | draw(workload if workload is not None else workloads())
    plan = draw(fault_plans(*_names(tables), kinds=kinds, max_faults=max_faults)) if kinds else []
    if plan:
        tables["faults"] = plan
    if properties:
        tables["properties"] = {"enable": list(properties)}
    made = Scenario.from_dict(tables, source="drawn scenario")
    return Example(made.model, made.source)
