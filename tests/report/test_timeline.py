from __future__ import annotations

import itertools
import pickle
from pathlib import Path

from sim import Scenario, run
from sim.report.timeline import TimelineCollector
from sim.report.timeline_parts import Limits
from tests.report.clusters import SECOND, contention, file_processing, kill, start

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_a_killed_worker_leaves_a_session_that_nobody_knows_is_gone() -> None:
    line, _ = file_processing({8: kill, 15: start})
    first, second = line.sessions
    assert (first.end, second.end) == ("failed", "completed")
    assert first.session != second.session
    assert first.lost == 8 * SECOND
    assert first.ended is not None
    assert 13 * SECOND < first.ended - first.lost < 20.1 * SECOND
    assert next((h.lost, h.ended) for h in line.holds) == (True, 8 * SECOND)
    assert [lane.end for lane in line.lanes] == ["killed", "", ""] or [lane.end for lane in line.lanes] == ["", "killed", ""]
    assert [a.outcome for a in line.attempts] == ["completed", "lost", "completed", "completed", "completed"]
    assert line.workflows[0].status == "COMPLETED"


def test_a_slot_that_was_given_up_while_the_workflow_has_the_session_is_lost() -> None:
    line, _ = file_processing({8: lambda c, p: c.hold(p), 24: lambda c, p: c.release(p)})
    first = line.sessions[0]
    assert first.lost is not None
    assert first.ended is not None
    assert 20 * SECOND < first.lost < 24 * SECOND <= first.ended
    assert [(i.kind, i.detail, i.began, i.ended) for i in line.intervals] == [("hold", "both", 8 * SECOND, 24 * SECOND)]


def test_a_slot_that_a_worker_gives_back_late_is_not_that_of_the_worker_that_has_the_session_now() -> None:
    collector = TimelineCollector()
    run(Scenario.load(SCENARIOS / "host_zombie.toml"), 1, observers=[collector])
    (session,) = collector.timeline(0).sessions
    assert session.worker.startswith("second")
    assert session.lost is None


def test_directions_that_are_held_one_after_the_other_are_told_apart() -> None:
    plan = {
        8: lambda c, p: c.hold(p, up=True, down=False),
        9: lambda c, p: c.hold(p, up=False, down=True),
        10: lambda c, p: c.release(p, up=True, down=False),
        11: lambda c, p: c.release(p),
    }
    line, _ = file_processing(plan)
    assert [(i.detail, i.began // SECOND, (i.ended or 0) // SECOND) for i in line.intervals] == [
        ("up", 8, 9),
        ("both", 9, 10),
        ("down", 10, 11),
    ]


def test_a_freeze_ends_with_the_process() -> None:
    line, _ = file_processing({8: lambda c, p: c.freeze(p), 12: kill})
    assert [(i.kind, i.began, i.ended) for i in line.intervals] == [("freeze", 8 * SECOND, 12 * SECOND)]


def test_rows_are_the_slots_in_use() -> None:
    line, _ = contention(workers=2, workflows=6, slots=2)
    assert {h.row for h in line.holds} == {0, 1}
    for lane in line.lanes:
        for row in (0, 1):
            mine = sorted((h.began, h.ended or line.end) for h in line.holds if h.node == lane.node and h.row == row)
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(mine))
    assert max(value for _, value in line.used) == 4
    assert line.capacity[-1][1] == 4
    assert line.used[-1][1] == 0


def test_what_is_beyond_the_limits_is_counted() -> None:
    line, _ = file_processing(limits=Limits(attempts=1, heartbeats=0, curve=2))
    assert line.left_out["attempts"] == 2
    assert line.left_out["heartbeats"] > 0
    assert len(line.attempts) == 1
    assert not line.complete


def test_a_timeline_can_be_pickled() -> None:
    line, _ = file_processing({8: kill})
    again = pickle.loads(pickle.dumps(line))
    assert again == line
