"""What no choice can change: an event that the histories before it decide.

The commands of a workflow task are a function of the history that the task was given: workflow code is deterministic, and the
server writes all commands of a task at once, behind its WorkflowTaskCompleted (P4.1.7, P4.5.2). So where a run had the same
history as the recording up to there, and its next command is another one than the recorded event, every run that comes so far
has that command there: which poll met which task, and how long a call took, has no way left to it.

Only a cancelled activity has something written between two commands that is decided elsewhere: one that was not started ends
at once.
"""

from __future__ import annotations

from typing import Final

from sim.evidence.follow import TOLERANCE, Diverged
from sim.evidence.normal import Comparison
from sim.evidence.recording import Recording
from sim.history import events as ev
from sim.history.recorder import Recorder
from sim.history.temporal_json import to_json

COMMANDS: Final = (
    ev.ActivityTaskScheduled, ev.ActivityTaskCancelRequested, ev.MarkerRecorded, ev.TimerStarted, ev.TimerCanceled,
    ev.WorkflowExecutionCompleted, ev.WorkflowExecutionFailed, ev.WorkflowExecutionCanceled, ev.WorkflowExecutionContinuedAsNew,
)  # fmt: skip
"""Events that commands write."""


def settled(recording: Recording, recorder: Recorder, diverged: Diverged) -> bool:
    """Whether the event at which a run parted is decided by the history before it, which is the recorded one."""
    if diverged.run not in recorder or diverged.run not in recording.runs or diverged.event_id < 2:
        return False
    theirs, ours = recording.runs[diverged.run].events, recorder[diverged.run].events
    if diverged.event_id > min(len(theirs), len(ours)):
        return False
    before = ours[diverged.event_id - 2].event
    if not isinstance(before, (ev.WorkflowTaskCompleted, *COMMANDS)) or isinstance(before, ev.ActivityTaskCancelRequested):
        return False
    one, other = theirs[diverged.event_id - 1].event, ours[diverged.event_id - 1].event
    return isinstance(other, COMMANDS) | isinstance(one, COMMANDS) and _same_before(recording, recorder, diverged)


def _same_before(recording: Recording, recorder: Recorder, diverged: Diverged) -> bool:
    """Whether the history before the event is the recorded one in all its values."""
    case = recording.case
    run = next(run for run in case.runs if recording.names[run.history.run_id] == diverged.run)
    ours = to_json(recorder[diverged.run], case.t0 - recording.offset, case.sdk, run.workflow_id)
    one, other = ({"events": events[: diverged.event_id - 1]} for events in (run.history.raw["events"], ours["events"]))
    return Comparison(TOLERANCE).first_difference(one, other, 0) is None
