"""The recorder numbers and links events as a server does, and names things the same way everywhere."""

from __future__ import annotations

import base64
import json
import re
from uuid import UUID

import pytest
from by_hand import (
    NEXT,
    RESOURCE,
    RUN,
    SESSION,
    TOKEN,
    Binding,
    at,
    continue_as_new,
    happy_path,
    opening,
    record,
    session_with_work,
    signal,
)

from sim.history.events import (
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskScheduled,
    ActivityTaskStarted,
    Event,
    TimerFired,
    WorkflowExecutionCompleted,
    WorkflowExecutionSignaled,
    WorkflowTaskStarted,
    Wrote,
)
from sim.history.recorder import Links, Names, RecordedRun, Recorder

ABBREVIATIONS = {
    "WES": "WorkflowExecutionStarted",
    "WTSch": "WorkflowTaskScheduled",
    "WTSt": "WorkflowTaskStarted",
    "WTC": "WorkflowTaskCompleted",
    "Mk": "MarkerRecorded",
    "ATSch": "ActivityTaskScheduled",
    "ATSt": "ActivityTaskStarted",
    "ATC": "ActivityTaskCompleted",
    "ATF": "ActivityTaskFailed",
    "ATTO": "ActivityTaskTimedOut",
    "ATCR": "ActivityTaskCancelRequested",
    "WESig": "WorkflowExecutionSignaled",
    "WEC": "WorkflowExecutionCompleted",
    "WEF": "WorkflowExecutionFailed",
    "WECan": "WorkflowExecutionCanceled",
    "WECAN": "WorkflowExecutionContinuedAsNew",
}
SHORT = {name: short for short, name in ABBREVIATIONS.items()}
CREATED = ["WES", "WTSch", "WTSt 2", "WTC 2,3", "Mk/4", "ATSch/4", "WESig", "WTSch", "WTSt 8", "WTC 8,9"]
WORKED = [*CREATED, "ATSch/10", "ATSt 11", "ATC 11,12", "WTSch", "WTSt 14", "WTC 14,15", "ATCR 6/16", "ATSch/16"]


def text(event: Event, links: Links) -> str:
    """Short name, scheduled and started event ids, and after a slash that of the workflow task's completion."""
    ids = f" {links.scheduled}" if links.scheduled else ""
    ids += f",{links.started}" if links.started else ""
    return SHORT[type(event).__name__] + ids + (f"/{links.completed}" if links.completed else "")


def story(run: RecordedRun) -> list[str]:
    assert [recorded.event_id for recorded in run.events] == list(range(1, len(run.events) + 1))
    return [text(recorded.event, recorded.links) for recorded in run.events]


def test_happy_path_1a() -> None:
    end = ["ATSt 18", "ATC 18,19", "WTSch", "ATSt 6", "ATC 6,22", "WTSt 21", "WTC 21,24", "WEC/25"]
    run = record("happy_path")[RUN]
    assert story(run) == WORKED + end
    assert [activity.activity_id for activity in run.activities.values()] == ["6", "11", "18"]


def test_creation_timeout_2() -> None:
    assert story(record("creation_timeout")[RUN]) == [*CREATED[:6], "ATTO 6", "WTSch", "WTSt 8", "WTC 8,9", "WEF/10"]


def test_worker_killed_7() -> None:
    end = ["ATSch/10", "ATSt 6", "ATTO 6,12", "WTSch", "WTSt 14", "WTC 14,15", "ATCR 11/16", "WECan/16"]
    assert story(record("worker_killed")[RUN]) == CREATED + end


def test_graceful_stop_10() -> None:
    end = ["ATSch/10", "ATSt 6", "ATF 6,12", "WTSch", "WTSt 14", "WTC 14,15", "ATCR 11/16", "WEF/16"]
    assert story(record("graceful_stop")[RUN]) == CREATED + end


def test_continue_as_new_17() -> None:
    recorder = record("continue_as_new")
    end = ["ATSt 18", "ATC 18,19", "WTSch", "ATSt 6", "ATC 6,22", "WTSt 21", "WTC 21,24", "WECAN/25"]
    assert story(recorder[RUN]) == WORKED + end
    assert story(recorder[NEXT])[:7] == CREATED[:7]


def test_workflow_tasks_that_time_out_or_fail() -> None:
    run = record("rare_events")[RUN]
    timed_out = [recorded.links for recorded in run.events if type(recorded.event).__name__ == "WorkflowTaskTimedOut"]
    assert timed_out == [Links(10), Links(12, 13)]
    failed = [recorded.links for recorded in run.events if type(recorded.event).__name__ == "WorkflowTaskFailed"]
    assert failed == [Links(15, 16), Links(18, 19)]


def test_timers_and_cancellations() -> None:
    run = record("rare_events")[RUN]
    assert run.timers == {1: 7, 2: 8}
    links = {type(recorded.event).__name__: recorded.links for recorded in run.events}
    assert links["TimerFired"] == Links(started=7)
    assert links["TimerCanceled"] == Links(started=8, completed=24)
    assert links["ActivityTaskCanceled"] == Links(6, 0, 0, 25)


def test_pieces_do_not_matter() -> None:
    whole = Recorder(7)
    whole(0, RUN, Wrote(RUN, tuple(written for wrote in happy_path() for written in wrote.events)))
    assert whole[RUN].events == record("happy_path")[RUN].events


def test_runs_are_kept_apart_and_forgotten() -> None:
    recorder = record("continue_as_new")
    assert [run.run for run in recorder] == [RUN, NEXT]
    recorder.forget(RUN)
    recorder.forget("never")
    assert RUN not in recorder
    assert NEXT in recorder
    with pytest.raises(KeyError):
        recorder[RUN]
    assert recorder.names.session(SESSION) == SESSION
    assert recorder.names.session("w1/2/s1") != "w1/2/s1"
    assert recorder.names.queue(RESOURCE) != RESOURCE


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (
            [ActivityTaskStarted(4, 1, "A", None)],
            r"event 5 of run w1/1 \(ActivityTaskStarted\) refers to activity 4, but it was not scheduled",
        ),
        ([ActivityTaskCancelRequested(4)], "activity 4"),
        ([TimerFired(1)], "timer 1, but it was not started"),
    ],
)
def test_what_refers_to_nothing_is_refused(events: list[Event], reason: str) -> None:
    recorder = Recorder(1)
    recorder(0, RUN, Wrote(RUN, tuple(opening())))
    with pytest.raises(ValueError, match=reason):
        recorder(0, RUN, Wrote(RUN, tuple(at(0, *events))))


def test_an_end_needs_its_beginning() -> None:
    for events, reason in (
        ((WorkflowTaskStarted("A"),), "none was scheduled"),
        ((WorkflowExecutionCompleted(None),), "a completed workflow task, but there is none"),
    ):
        with pytest.raises(ValueError, match=reason):
            Recorder(1)(0, RUN, Wrote(RUN, tuple(at(0, *events))))
    recorder = Recorder(1)
    recorder(0, RUN, Wrote(RUN, tuple(session_with_work())))
    with pytest.raises(ValueError, match="activity 1, but it was not started"):
        recorder(0, RUN, Wrote(RUN, tuple(at(0, ActivityTaskCompleted(1, None, "A")))))


# -- names ----------------------------------------------------------------------------------------------------------


def test_ids_have_the_shapes_of_real_ones() -> None:
    names = record("happy_path").names
    for text in (names.run(RUN), names.session(SESSION), names.request(RUN, 3), names.resource_id("A.1")):
        assert UUID(text).version == 4
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(f"{uuid}@host-a", names.queue(RESOURCE))
    assert re.fullmatch(f"host-a:{uuid}", names.sticky("host-a:A.1"))
    assert names.queue(RESOURCE) == f"{names.resource_id('A.1')}@host-a"
    assert names.resource_id("A.1") not in names.sticky("host-a:A.1")


def test_ids_depend_on_seed_and_name_alone() -> None:
    first, again, other = record("happy_path").names, record("continue_as_new").names, record("happy_path", seed=8).names
    assert first.session(SESSION) == again.session(SESSION) != other.session(SESSION)
    assert first.queue(RESOURCE) == again.queue(RESOURCE)
    assert len({first.request(RUN, n) for n in range(1, 50)} | {first.request(NEXT, n) for n in range(1, 50)}) == 98


def test_names_in_payloads() -> None:
    names = record("happy_path").names
    queue, session = names.queue(RESOURCE), names.session(SESSION)
    bound = {"Taskqueue": queue, "HostName": "host-a", "ResourceID": queue.removesuffix("@host-a")}
    assert names.translate(Binding(RESOURCE, "host-a", "A.1")) == bound
    assert names.translate({"of": [SESSION, ("A.1", 1.5, None, True)]}) == {"of": [session, ["A.1", 1.5, None, True]]}
    assert names.translate("someone.1@example.com") == "someone.1@example.com"
    assert names.translate("w9/1/s1") == "w9/1/s1"


def test_recreate_tokens_name_the_same_queue() -> None:
    names = record("happy_path").names
    there = {"Taskqueue": names.queue(RESOURCE)}
    plain = base64.b64decode(TOKEN)
    for payload in (TOKEN, plain):
        text = names.translate([payload])
        assert isinstance(text, list)
        assert json.loads(base64.b64decode(text[0])) == there
    text = names.translate(plain.decode())
    assert isinstance(text, str)
    assert json.loads(text) == there
    for broken in (TOKEN[:-3], '{"Taskqueue', '{"Taskqueue"}'):
        assert names.translate(broken) == broken


def test_plain_names() -> None:
    names = record("continue_as_new", plain=True).names
    assert (names.run(RUN), names.session(SESSION), names.queue(RESOURCE), names.sticky("host-a:A.1")) == (
        RUN,
        SESSION,
        RESOURCE,
        "host-a:A.1",
    )
    assert names.translate([TOKEN, SESSION]) == [TOKEN, SESSION]
    assert names.translate(Binding(RESOURCE, "host-a", "A.1")) == {"Taskqueue": RESOURCE, "HostName": "host-a", "ResourceID": "A.1"}


def test_the_queue_of_a_worker_is_learned_from_the_signal() -> None:
    recorder = Recorder(3)
    recorder(0, RUN, Wrote(RUN, (*opening(), signal(0))))
    assert recorder.names.queue(RESOURCE) != RESOURCE


def test_a_signal_of_the_user_teaches_nothing() -> None:
    recorder = Recorder(3)
    signal_of_user = WorkflowExecutionSignaled("go", {"Taskqueue": RESOURCE}, "client")
    recorder(0, RUN, Wrote(RUN, (*opening(), *at(0, signal_of_user))))
    assert recorder.names.queue(RESOURCE) == RESOURCE


def test_a_queue_for_creations_is_nobodys() -> None:
    names = Names(1)
    for queue in ("Q", "team@site__internal_session_creation"):
        names.learn_resource(queue)
        assert names.queue(queue) == queue


def test_scheduled_activities_keep_our_names_until_export() -> None:
    run = Recorder(1)
    for wrote in continue_as_new():
        run(0, wrote.run, wrote)
    queues = [recorded.event.command.task_queue for recorded in run[NEXT].events if isinstance(recorded.event, ActivityTaskScheduled)]
    assert queues == [RESOURCE, RESOURCE]
