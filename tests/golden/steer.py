"""Find the tape with which the simulator repeats a recording: `python -m tests.golden.steer tests/data/real/happy_path`.

Every event of a history has a choice that decides when it is written: the delay of the call that brings it, or how long
the server's transfer queue waits. The earliest event that is off in time is corrected by the choice that made it, and
the run is repeated, until none is off. Prints the deviations as JSON, and what still differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.history import events as ev
from sim.history.compare import differences
from sim.history.proto_json import parse_time
from sim.history.recorder import Recorded
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY
from tests.golden.recordings import Performance, Recording, perform

TOLERANCE = 300
"""An event is off when it differs by more than this from the recording, microseconds."""

READ = "|transfer read|"
BROUGHT_BY: Mapping[type, str] = {
    ev.WorkflowTaskStarted: READ,
    ev.ActivityTaskStarted: READ,
    ev.WorkflowTaskCompleted: "|RespondWorkflowTaskCompleted|",
    ev.WorkflowTaskFailed: "|RespondWorkflowTaskCompleted|",
    ev.WorkflowExecutionSignaled: "|SignalWorkflowExecution|",
    ev.ActivityTaskCompleted: "|RespondActivityTaskCompleted|",
    ev.ActivityTaskFailed: "|RespondActivityTaskFailed|",
    ev.ActivityTaskTimedOut: "|RecordActivityTaskHeartbeat|",
}
"""Which choice decides when an event is written: the last of this kind before it."""

GOROUTINES = {CREATION_ACTIVITY: "|goroutine wake-up|", COMPLETION_ACTIVITY: "|goroutine answer|"}
"""The results of these two are sent over one connection: what decides their order is which goroutine runs first."""

Key = tuple[str, int, int]
"""Event type, which activity (from 1), and the how-manieth of these."""


def keys_of_real(events: Sequence[Mapping[str, Any]]) -> dict[Key, int]:
    """When each event of a recorded history happened, microseconds since its first."""
    activities: dict[str, int] = {}
    times: dict[Key, int] = {}
    first = parse_time(events[0]["eventTime"])
    for event in events:
        name = "".join(word.capitalize() for word in event["eventType"].removeprefix("EVENT_TYPE_").split("_"))
        attributes = next((value for key, value in event.items() if key.endswith("EventAttributes")), {})
        if name == "ActivityTaskScheduled":
            activities[event["eventId"]] = len(activities) + 1
        activity = activities.get(attributes.get("scheduledEventId", ""), 0)
        times[_key(times, name, activity)] = parse_time(event["eventTime"]) - first
    return times


def keys_of_simulated(events: Sequence[Recorded]) -> dict[Key, Recorded]:
    """The events of a simulated history under the same keys."""
    activities: dict[int, int] = {}
    found: dict[Key, Recorded] = {}
    for recorded in events:
        if isinstance(recorded.event, ev.ActivityTaskScheduled):
            activities[recorded.event_id] = len(activities) + 1
        found[_key(found, type(recorded.event).__name__, activities.get(recorded.links.scheduled, 0))] = recorded
    return found


def _key(known: Mapping[Key, object], name: str, activity: int) -> Key:
    number = 1
    while (name, activity, number) in known:
        number += 1
    return name, activity, number


def steer(recording: Recording, rounds: int = 300) -> dict[str, int]:
    """Deviations with which the simulator writes the recorded histories, as far as they could be found."""
    deviations: dict[str, int] = {}
    stuck: set[tuple[str, Key]] = set()
    wanted = {workflow: keys_of_real(history["events"]) for workflow, history in recording.histories.items()}
    for _ in range(rounds):
        performance = perform(recording, deviations)
        correction = _earliest_correction(recording, performance, wanted, stuck)
        if correction is None:
            break
        deviations |= correction
    return deviations


def _earliest_correction(
    recording: Recording, performance: Performance, wanted: Mapping[str, Mapping[Key, int]], stuck: set[tuple[str, Key]]
) -> dict[str, int] | None:
    """The new value of the choice behind the earliest event that is off; None when nothing can be corrected."""
    off = []
    for workflow, times in wanted.items():
        events = performance.run(workflow)
        for key, recorded in keys_of_simulated(events).items():
            late = recorded.time - events[0].time - times.get(key, recorded.time - events[0].time)
            if abs(late) > TOLERANCE and (workflow, key) not in stuck:
                off.append((times[key] + recording.begin(workflow), workflow, key, recorded, late))
    for _, workflow, key, recorded, late in sorted(off, key=lambda entry: entry[0]):
        label, value = _cause(performance, workflow, recorded)
        if label and max(0, value - late) != value:
            return {label: max(0, value - late)}
        stuck.add((workflow, key))
    return None


def _cause(performance: Performance, workflow: str, recorded: Recorded) -> tuple[str, int]:
    """The last choice before the event that could have brought it, and its value; an empty label when there is none."""
    run = f"server/run/{workflow}/1"
    event = recorded.event
    choices = list((performance.sim.choices.recorded or {}).items())
    made = performance.causes[run, recorded.event_id]
    kind = BROUGHT_BY.get(type(event), "")
    before = reversed(choices[:made])
    if isinstance(event, ev.ActivityTaskStarted):
        # It is written long after it happened: what decided is the first read after the activity was scheduled.
        before = iter(choices[performance.causes[run, recorded.links.scheduled] :])
    elif isinstance(event, ev.ActivityTaskCompleted):
        kind = GOROUTINES.get(performance.recorder[run].activities[event.ordinal].activity_type, kind)
    elif isinstance(event, ev.ActivityTaskTimedOut) and not event.started:
        kind = ""
    return next(((label, value) for label, value in before if kind and kind in label), ("", 0))


def remaining(recording: Recording, deviations: Mapping[str, int], tolerance_ms: int = 100) -> list[str]:
    """What still differs from the recording, in sentences."""
    performance = perform(recording, deviations)
    version = recording.case["sdk"].removeprefix("go").strip()
    return [
        f"{workflow}: {difference}"
        for workflow, history in recording.histories.items()
        for difference in differences(history, performance.export(workflow, version), tolerance_ms)
    ]


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        case = Recording.load(Path(folder))
        tape = steer(case)
        print(json.dumps(tape, indent=1))
        for difference in remaining(case, tape, 5):
            print(difference, file=sys.stderr)
