"""Aims: faults at the moments at which the protocol of sessions is most likely to be hurt, by name."""

from __future__ import annotations

from typing import Final

from sim.faults.nemesis import Aim
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY

_MS, _S = 1_000, 1_000_000
_SIGNAL: Final = {"method": "SignalWorkflowExecution"}
_BEAT: Final = {"method": "RecordActivityTaskHeartbeat"}
_DONE: Final = {"method": "RespondActivityTaskCompleted"}
_CREATION: Final = {"activity_type": CREATION_ACTIVITY}
_COMPLETION: Final = {"activity_type": COMPLETION_ACTIVITY}
_BRIEF: Final = (1 * _S, 15 * _S)
_LONG: Final = (5 * _S, 60 * _S)

AIMS: Final = (
    Aim(
        "kill before the signal", "the worker is killed between the start of its creation activity and its signal",
        "kill", "creation activity started", after=(0, 3 * _MS), lasts=_LONG,
    ),
    Aim("kill after the signal", "the worker is killed when it has just signalled", "kill", "session token taken",
        after=(0, 10 * _MS), lasts=_LONG),
    Aim("kill at the binding", "the worker is killed when the workflow has just learned of it", "kill", "binding seen by the workflow",
        target="@busy", after=(0, 20 * _MS), lasts=_LONG),
    Aim("kill the session", "the session's worker is killed while it holds the slot", "kill", "session token taken",
        after=(1 * _S, 30 * _S), lasts=_LONG),
    Aim("lose the session's machine", "the machine of the session's worker vanishes", "lose_machine", "session token taken",
        after=(0, 20 * _S), lasts=_LONG),
    Aim("kill at completion", "the worker is killed when CompleteSession is called", "kill", "completion scheduled",
        target="@busy", after=(0, 10 * _MS), lasts=_LONG),
    Aim("kill in the completion", "the worker is killed while the completion activity runs", "kill", "completion activity runs",
        after=(0, 3 * _MS), lasts=_LONG),
    Aim("kill the activity", "the worker is killed while an activity runs", "kill", "activity runs", after=(0, 10 * _S), lasts=_LONG),
    Aim("lose the signal", "the signal of the creation activity does not arrive", "lose_request", "creation activity started",
        lasts=_BRIEF, parameters={**_SIGNAL, "calls": 1}),
    Aim("lose the signal's answer", "the signal arrives, its answer does not", "lose_response", "creation activity started",
        lasts=_LONG, parameters=_SIGNAL),
    Aim("repeat the signal", "the signal arrives twice", "duplicate_request", "creation activity started",
        lasts=_BRIEF, parameters=_SIGNAL),
    Aim("delay the signal", "the signal is late", "delay_request", "creation activity started",
        lasts=_BRIEF, parameters={**_SIGNAL, "delay": 5 * _S}),
    Aim("lose heartbeats", "the session's heartbeats do not arrive", "lose_request", "session token taken",
        after=(0, 10 * _S), lasts=_LONG, parameters=_BEAT),
    Aim("lose heartbeats' answers", "the answers to the session's heartbeats do not arrive", "lose_response", "session token taken",
        after=(0, 10 * _S), lasts=_LONG, parameters=_BEAT),
    Aim("lose the creation's end", "nobody hears that the creation activity ended", "lose_request", "completion called",
        target="@busy", lasts=_BRIEF, parameters=_DONE),
    Aim("lose the completion's end", "nobody hears that the completion activity ended", "lose_request", "activity scheduled",
        target="@busy", where=_COMPLETION, lasts=_BRIEF, parameters=_DONE),
    Aim("cut off at the binding", "the worker is cut off when it has just got a session", "partition", "session token taken",
        after=(0, 5 * _S), lasts=_LONG),
    Aim("cut off at work", "the worker is cut off while an activity runs", "partition", "activity runs", after=(0, 10 * _S), lasts=_LONG),
    Aim("cut off at completion", "the worker is cut off when CompleteSession is called", "partition", "completion called",
        target="@busy", lasts=_LONG),
    Aim("freeze the session", "the session's worker stands still", "pause", "session token taken", after=(0, 10 * _S), lasts=_LONG),
    Aim("stop the session", "the session's worker is stopped gracefully", "stop", "session token taken",
        after=(0, 20 * _S), lasts=_LONG),
    Aim("stop at work", "the worker is stopped gracefully while an activity runs", "stop", "activity runs",
        after=(0, 5 * _S), lasts=_LONG),
    Aim("deploy during the creation", "the worker is replaced between the start of its creation activity and its signal",
        "restart", "creation activity started", after=(0, 3 * _MS), parameters={"delay": 2 * _S}),
    Aim("outage at the creation", "the server is away when a session is created", "server_outage", "creation scheduled", target="",
        after=(0, 20 * _MS), lasts=_BRIEF),
    Aim("outage in the session", "the server is away while a session is open", "server_outage", "binding seen by the workflow", target="",
        after=(0, 20 * _S), lasts=_LONG),
    Aim("cancel while creating", "the workflow is cancelled while it waits for its session", "cancel", "session asked for",
        target="@workflow", after=(0, 20 * _MS)),
    Aim("cancel in the session", "the workflow is cancelled while it has a session", "cancel", "binding seen by the workflow",
        target="@workflow", after=(0, 30 * _S)),
    Aim("retry the creation", "the report of the creation's failure is lost, so another attempt follows", "error",
        "creation activity started", lasts=_BRIEF, where=_CREATION, parameters={**_SIGNAL, "code": "ResourceExhausted"}),
)  # fmt: skip
"""All aims, by what they are for."""


def aims_of(names: list[str] | None) -> tuple[Aim, ...]:
    """The aims of these names; None: all. Raises KeyError for a name that there is not."""
    known = {aim.name: aim for aim in AIMS}
    return AIMS if names is None else tuple(known[name] for name in names)
