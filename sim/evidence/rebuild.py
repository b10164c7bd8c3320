"""A case as a scenario: the same workers, programs and faults, at the same times.

Everything here is input to the cluster: what was started, killed, cut and asked for, and when. What a case's timeline notes
late is taken from where it stands more exactly: the start of a workflow, a cancel request and a client's signal from the
event that the server wrote, the start of a worker from its own log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sim.evidence.case import Case, CaseError, Happening, option_duration
from sim.evidence.casefile import LOG
from sim.history import events as ev
from sim.history.proto_json import event_attributes, payload_values
from sim.history.temporal_reader import ReadEvent
from sim.model.durations import format_duration
from sim.model.spans import SECOND
from sim.scenario.load import Scenario
from sim.scenario.problems import ScenarioError

LEAD: Final = SECOND
"""The scenario begins this long before the first thing that happened, microseconds."""

LINGER: Final = SECOND
"""And goes on this long after the last thing that was recorded."""

NOTED_LATE: Final = 50_000
"""Whoever recorded looked for a new worker this often, so that its start may be noted this much too late."""

CALL_LIMIT: Final = SECOND
"""A client's call is carried out within this time of its being made."""

OPTIONS: Final[Mapping[str, str]] = {
    "sessions": "max_concurrent_session_execution_size",
    "activities": "max_concurrent_activity_execution_size",
    "no_workflow": "disable_workflow_worker",
    "no_session": "enable_session_worker",
    "stop_timeout": "worker_stop_timeout",
}
"""A case's options of workers -> the scenario's."""

_SIZE: Final = 1000
_MODES: Final = ("lose_request", "lose_response", "delay_request", "delay_response", "error")
_CALL_FAULT: Final = "call fault "
_HELD: Final = "network held ("
_RELEASED: Final = "network released"
_CLEARED: Final = "call faults end"
_CLEARED_ONE: Final = "end of call fault "
SERVER_KILLED: Final = "server killed"
_SERVER_STARTED: Final = "server started"
SERVER_ANSWERS: Final = "server answers"
_CLIENT_EVENTS: Final[Mapping[str, type]] = {
    "cancel workflow": ev.WorkflowExecutionCancelRequested,
    "terminate workflow": ev.WorkflowExecutionTerminated,
}
_OWN_ERRORS: Final = ("Canceled", "DeadlineExceeded")
"""Errors that a worker may have of itself: they do not tell whether the server answered."""
_IGNORED: Final = ("start workflow", "signal workflow", "SIGCONT", _CLEARED, _SERVER_STARTED, SERVER_ANSWERS)
"""Lines of the timeline that are told by others, or had no effect."""


def offset_of(case: Case) -> int:
    """The scenario's time at the case's t0, microseconds."""
    return LEAD - min([0, *(happening.at for happening in case.timeline)])


def scenario_of(case: Case) -> Scenario:
    """The case as a scenario.

    Raises:
        CaseError: it has something that this simulator does not do.
    """
    offset = offset_of(case)
    content = {
        "name": case.name,
        "title": case.what,
        "until": format_duration(offset + _last(case) + LINGER),
        "grace": format_duration(_last(case) + LINGER),
        "cluster": {"task_queue": case.task_queue, "sdk_version": case.sdk},
        "workers": [_worker(case, name, offset) for name in case.workers],
        "workflows": [_workflow(case, section, offset) for section in case.workflows],
        "faults": list(_faults(case, offset)),
        "properties": {"enable": []},
    }
    try:
        return Scenario.from_dict(content, source=str(case.file))
    except ScenarioError as error:
        raise CaseError(str(error)) from None


def _last(case: Case) -> int:
    """The last thing that was recorded, microseconds after t0."""
    events = max(run.history.events[-1].time for run in case.runs) - case.t0
    rows = round(case.log[-1]["t"] * SECOND) if case.log else 0
    return max(events, rows, *(happening.at for happening in case.timeline))


# -- workers ----------------------------------------------------------------------------------------------------------


def _worker(case: Case, name: str, offset: int) -> dict[str, Any]:
    given = case.workers[name]
    if unknown := sorted(set(given) - {*OPTIONS, "host"}):
        raise CaseError(f"{case.file}: workers.{name}.{unknown[0]}: there is no such option; known are host, {', '.join(OPTIONS)}")
    starts = _starts(case, name)
    stop_timeout = option_duration(str(given.get("stop_timeout", "0s")), case.file, f"workers.{name}.stop_timeout")
    return {
        "name": name,
        "host": case.host(name),
        "start_at": format_duration(max(0, starts[0] + offset)) if starts else "never",
        "enable_session_worker": not given.get("no_session", False),
        "max_concurrent_session_execution_size": given.get("sessions", _SIZE),
        "max_concurrent_activity_execution_size": given.get("activities", _SIZE),
        "worker_stop_timeout": format_duration(stop_timeout),
        "disable_workflow_worker": bool(given.get("no_workflow", False)),
        "asks_for_system_info": True,
    }  # fmt: skip


def _starts(case: Case, name: str) -> list[int]:
    """When a worker's process started, each time, microseconds after t0."""
    noted = [happening.at for happening in case.timeline if happening.what == "start worker" and happening.who == name]
    if case.log is None:
        return [at - NOTED_LATE for at in noted]
    rows = [row for row in case.log if row["ev"] == "worker_started" and str(row.get("worker", "")).partition("'")[0] == name]
    logged = [round(row["t"] * SECOND) for row in rows]
    return logged if len(logged) == len(noted) else noted


# -- workflows --------------------------------------------------------------------------------------------------------


def _workflow(case: Case, section: Mapping[str, Any], offset: int) -> dict[str, Any]:
    workflow = str(section["id"])
    first = next((run.history.events[0] for run in case.runs if run.workflow_id == workflow), None)
    if first is None:
        raise CaseError(f"{case.file}: workflows: {workflow!r} has no run; expected a history of it among the runs")
    options = section.get("options", {})
    if unknown := sorted(set(options) - {"execution_timeout", "run_timeout", "task_timeout"}):
        raise CaseError(f"{case.file}: workflows: {workflow}: the option {unknown[0]!r} is not known here")
    timeouts = {key: format_duration(option_duration(str(value), case.file, key)) for key, value in options.items()}
    begin = first.time - case.t0 + offset
    return {"id": workflow, "program": list(section["steps"]), "arrival": {"at": format_duration(begin)}, **timeouts}


# -- faults -----------------------------------------------------------------------------------------------------------


def _faults(case: Case, offset: int) -> Iterator[dict[str, Any]]:
    for index, happening in enumerate(case.timeline):
        told = happening.what in _IGNORED or happening.what.startswith((_RELEASED, _CLEARED_ONE))
        if not told and not happening.what.endswith(" refused"):
            yield from _fault(case, index, happening, offset)
    yield from _signals(case, offset)


def _fault(case: Case, index: int, happening: Happening, offset: int) -> Iterator[dict[str, Any]]:
    """What a line of the timeline comes to."""
    at, what, who = happening.at + offset, happening.what, happening.who
    fault: dict[str, Any] = {"target": who, "at": format_duration(max(0, at))}
    if what == "start worker":
        yield from _further_start(case, index, happening, offset)
    elif what == "kill -9":
        yield {"kind": "kill", **fault}
    elif what.startswith("machine lost"):
        yield {"kind": "lose_machine", **fault}
    elif what.startswith("graceful stop"):
        yield {"kind": "stop", **fault}
    elif what == "SIGSTOP":
        yield {"kind": "pause", **fault, **_until(case, index, who, ("SIGCONT",))}
    elif what.startswith(_HELD):
        direction = what[len(_HELD) : -1]
        yield {"kind": "partition", **fault, "direction": direction, **_until(case, index, who, (_RELEASED, f"{_RELEASED} ({direction})"))}
    elif what.startswith(_CALL_FAULT):
        rule = _rule(case, what)
        until = _until(case, index, who, (_CLEARED, f"{_CLEARED_ONE}{rule.get('id')}"))
        made = _call_fault(rule)
        yield from ({**made, **fault, **hit} for hit in (_hits(case, happening, rule) if "match" in rule else (until,)))
    elif what == SERVER_KILLED:
        yield from _outage(case, index, offset)
    elif what.partition(" (")[0] in _CLIENT_EVENTS:
        yield from _client_call(case, happening, offset)
    else:
        raise CaseError(f"{case.file}: timeline[{index}]: {what!r} is not known here")


def _further_start(case: Case, index: int, happening: Happening, offset: int) -> Iterator[dict[str, Any]]:
    """The first start is the worker's own; the others are done to it."""
    earlier = sum(h.what == "start worker" and h.who == happening.who for h in case.timeline[:index])
    if earlier:
        at = _starts(case, happening.who)[earlier] + offset
        yield {"kind": "start", "target": happening.who, "at": format_duration(max(0, at))}


def _until(case: Case, index: int, who: str, ends: tuple[str, ...]) -> dict[str, str]:
    """How long it lasted: until the next line that ends it."""
    begin = case.timeline[index].at
    end = next((h.at for h in case.timeline[index + 1 :] if h.who == who and h.what in ends), None)
    return {} if end is None else {"for": format_duration(max(1, end - begin))}


def _outage(case: Case, index: int, offset: int) -> Iterator[dict[str, Any]]:
    """The server was away until it wrote something after its new start, or answered; it may do the one before the other."""
    begin = case.timeline[index].at
    outage: dict[str, Any] = {"kind": "server_outage", "at": format_duration(max(0, begin + offset))}
    later = case.timeline[index + 1 :]
    started = next((h.at for h in later if h.what == _SERVER_STARTED), None)
    answers = next((h.at for h in later if h.what == SERVER_ANSWERS), None)
    if started is None or answers is None:
        yield outage
        return
    answers = min([answers, *_answered_calls(case, started)])
    written = (event.time - case.t0 for run in case.runs for event in run.history.events)
    end = min([answers, *(at for at in written if at >= started)])
    yield {**outage, "for": format_duration(max(1, end - begin))}
    for name in case.workers:
        # A worker's connection may come back later than the server answers others.
        until = max([answers, *(at + 1 for at in _refused_calls(case, name, started))])
        if until > end:
            refused = {"kind": "error", "code": "Unavailable", "at": format_duration(end + offset), "for": format_duration(until - end)}
            yield {**refused, "target": name}


def _calls(case: Case, since: int) -> Iterator[tuple[int, str, str]]:
    """When calls began that workers made since then, whose they were, and their errors."""
    for row in case.log or ():
        if row["ev"] == "rpc" and "fault" not in row:
            began = round(row["t"] * SECOND) - round(float(row.get("ms", 0)) * 1000)
            if began >= since:
                yield began, str(row.get("worker", "")).partition("'")[0], str(row.get("error", ""))


def _answered_calls(case: Case, since: int) -> Iterator[int]:
    """When calls began that workers made since then and that had no error."""
    return (began for began, _, error in _calls(case, since) if not error)


def _refused_calls(case: Case, worker: str, since: int) -> Iterator[int]:
    """When a worker's calls began since then that were refused, before one that was answered."""
    for began, who, error in sorted(_calls(case, since)):
        if who == worker:
            if error == "Unavailable":
                yield began
            elif error not in _OWN_ERRORS:
                return


def _hits(case: Case, happening: Happening, rule: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    """Which calls a fault hit of those that have a text in them (`match`): a log tells it, the text of requests is nowhere."""
    if case.log is None:
        raise CaseError(f"{case.file}: timeline: the fault {happening.what!r} is about some calls only; expected a {LOG} that tells which")
    begun = sorted(
        (round(row["t"] * SECOND) - round(float(row.get("ms", 0)) * 1000), row.get("fault", ""))
        for row in case.log
        if (row["ev"], row.get("method")) == ("rpc", rule["method"]) and str(row.get("worker", "")).partition("'")[0] == happening.who
    )
    since = [fault for began, fault in begun if began >= happening.at]
    return ({"nth": number, "calls": 1} for number, fault in enumerate(since, 1) if fault == rule["mode"])


def _call_fault(rule: Mapping[str, Any]) -> dict[str, Any]:
    mode, block = rule["mode"], int(rule.get("block_ms", 0)) * 1000
    fault: dict[str, Any] = {"kind": mode, "method": rule["method"]}
    if rule.get("count"):
        fault["calls"] = int(rule["count"])
    if rule.get("skip"):
        fault["nth"] = int(rule["skip"]) + 1
    if rule.get("queue"):
        fault["queue"] = rule["queue"]
    if mode == "error":
        fault["code"] = rule.get("code") or "PermissionDenied"
    elif block:
        fault["noticed_after" if mode.startswith("lose") else "delay"] = format_duration(block)
    return fault


def _rule(case: Case, what: str) -> dict[str, Any]:
    """The fault of calls that a line of the timeline tells."""
    try:
        rule = json.loads(what.removeprefix(_CALL_FAULT))
    except ValueError:
        rule = None
    if not isinstance(rule, dict) or not isinstance(rule.get("method"), str) or rule.get("mode") not in _MODES:
        raise CaseError(
            f"{case.file}: timeline: the fault {what!r} is not known here; expected an object with method, and mode one of "
            f"{', '.join(_MODES)}"
        )
    if not all(isinstance(rule.get(key, 0), int) for key in ("count", "block_ms")):
        raise CaseError(f"{case.file}: timeline: the fault {what!r} has a count or block_ms that is no whole number")
    return rule


# -- clients ----------------------------------------------------------------------------------------------------------


def _client_call(case: Case, happening: Happening, offset: int) -> Iterator[dict[str, Any]]:
    """A cancel request or termination: when the server carried it out, or as noted when that left no event."""
    kind = happening.what.partition(" ")[0]
    event_type = _CLIENT_EVENTS[happening.what.partition(" (")[0]]
    workflows = [happening.who] if happening.who else list(dict.fromkeys(run.workflow_id for run in case.runs))
    for workflow in workflows:
        found = [event for event in _events_of(case, workflow) if isinstance(event.event, event_type)]
        times = [event.time - case.t0 for event in found if abs(event.time - case.t0 - happening.at) <= CALL_LIMIT]
        if times or happening.who or len(workflows) == 1:
            at = times[0] if times else happening.at
            yield {"kind": kind, "target": workflow, "at": format_duration(max(0, at + offset)), **_said(found)}


def _said(found: Sequence[ReadEvent]) -> dict[str, Any]:
    """What a client said along with its call."""
    attributes = event_attributes(found[0].raw) if found else {}
    reason, details = attributes.get("reason") or attributes.get("cause"), payload_values(attributes.get("details"))
    return {**({"reason": reason} if reason else {}), **({"payload": details[0]} if details else {})}


def _signals(case: Case, offset: int) -> Iterator[dict[str, Any]]:
    """Signals that clients sent: those whose name is no session's."""
    for run in case.runs:
        sessions = {e.event.value for e in run.history.events if isinstance(e.event, ev.MarkerRecorded)}
        for event in run.history.events:
            signal = event.event
            if isinstance(signal, ev.WorkflowExecutionSignaled) and signal.name not in sessions and not signal.identity.endswith("@"):
                at = format_duration(max(0, event.time - case.t0 + offset))
                yield {"kind": "signal", "target": run.workflow_id, "at": at, "name": signal.name, "payload": signal.payload}


def _events_of(case: Case, workflow: str) -> Iterator[ReadEvent]:
    return (event for run in case.runs if run.workflow_id == workflow for event in run.history.events)
