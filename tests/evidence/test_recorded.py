"""Recorded cases that only one mechanism each explains: without it no run goes along them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.evidence.case import read_case
from sim.evidence.conforming import judge
from sim.evidence.cuts import Cuts
from sim.evidence.expected import Expected
from sim.evidence.follow import Follower
from sim.evidence.recording import Recording
from sim.evidence.result import Verdict
from sim.protocol import messages as msg

RECORDED = Path(__file__).parent.parent / "data" / "recorded"

EXPLAINED = {
    "random-1": "an answer that reached a stopped process is read when it goes on, also if the server was killed meanwhile",
    "random-10": "an attempt was started, and lost with its worker's stop: only the timeouts after it tell when",
    "random-15": "a call was on its way when the server was killed",
    "random-53": "the task that came with a completion was lost when its worker stopped",
    "random-67": "a run was closed by force under the task that came with a completion",
    "random-72": "a process was stopped before it had sent its signal",
    "random-139": "a creation activity asked a server that it could not reach, for 5 s (P2.2d)",
    "random-214": "a task that waited for a later one of its run was dropped (P3.2.6)",
    "random-234": "timers that no event tells of made a heartbeat timeout late (P4.3.11)",
    "answers_held_creating": "the answer to a signal was on its way when the network was held, and heartbeats began only after that",
    "outage_completion": "the ends of two activities were on their way when the server was killed, and had no effect",
    "shared-362": "a poll of a sticky queue came after a task that was on its way to it",
    "shared-374": "a process stood still over a deadline: the heartbeat that was due failed for it, so the end was told (P3.9.1)",
    "shared-426": "of two answers that were sent at the same time one came after its run had closed",
    "queue_cut": "seven tasks wait in four partitions, and the last one is started third: it waits behind none of the others",
    "shared-102": "a heartbeat was answered under whose way its run was closed: it had arrived before",
    "shared-112": "a timer was read ahead for another workflow of the shard, so that the next one came sooner (P4.3.10)",
    "shared-136": "a poll came only when the tasks that waited had been cancelled",
    "shared-139": "a run timed out before the deadline of its activity, which was later by 13 ms, could fire",
    "shared-166": "a poll brought a task that came after it, and not the older one that waited",
}


def test_there_is_a_reason_for_each() -> None:
    assert sorted(EXPLAINED) == sorted(folder.name for folder in RECORDED.iterdir())


@pytest.mark.parametrize("name", EXPLAINED)
def test_it_is_accepted(name: str) -> None:
    result = judge(read_case(RECORDED / name))
    assert (result.verdict, result.rejection) == (Verdict.ACCEPTED, None), EXPLAINED[name]


def test_what_a_call_is_about_is_over_under_its_way() -> None:
    recording = Recording(read_case(RECORDED / "shared-102"))
    run = "server/run/random_102-w1/1"
    activity = recording.runs[run].activities[6]
    over = Expected(recording, Follower(recording, 1)).over(run, activity)
    completed = next(at for at in recording.runs[run].events if at.event_id == 16)
    assert activity.closed is None
    assert over == completed.time


def test_a_killed_server_cuts_off_every_worker() -> None:
    case = read_case(RECORDED / "random-15")
    recording = Recording(case)
    killed = recording.offset + next(h.at for h in case.timeline if h.what == "server killed")
    cuts = Cuts(recording)
    assert cuts.of_requests("A", killed - 1) == killed + 1 < (cuts.of_answers("A", killed - 1) or 0)
    assert cuts.of_requests("A", killed + 1) is None


def test_when_a_lost_attempt_was_started() -> None:
    """Two attempts of 3 s each, and a second between them, before the end of the last one's ScheduleToStart timeout."""
    recording = Recording(read_case(RECORDED / "random-10"))
    run, scheduled = "server/run/random-10-w2/1", 18
    activity = recording.runs[run].activities[scheduled]
    assert activity.closed is not None

    class Known(Follower):
        def scheduled_id(self, run: str, ordinal: int) -> int:
            return scheduled

    expected = Expected(recording, Known(recording, 1))
    item = msg.ActivityTaskItem(run, 1, 1, 3_000_000)
    start = expected.start(item, activity.scheduled.time)
    assert expected.start(item) is None
    assert start is not None
    assert 0 < activity.closed.time - start.time - 7_000_000 < 10_000
