"""For every property a small scenario in which a planted bug breaks it, and in which the real protocol does not.

Each function takes the bugs to plant and gives the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.properties import Verdict
from sim.protocol.mutants import Mutant, Mutants
from tests.properties.clusters import COMPLETE, DEFER, SECOND, Stage, act, create, simple, spec, work

Verdicts = dict[str, Verdict]
TOKEN = {"op": "token", "in": "s", "as": "t"}


def recreate(name: str = "s2", creation: str = "10s", **more: Any) -> dict[str, Any]:
    """The step that recreates the session whose token is `t`."""
    return {"op": "recreate", "signal": "t", "as": name, "creation": creation, "execution": "600s", **more}


def sleep(seconds: int) -> dict[str, Any]:
    """The step that sleeps."""
    return {"op": "sleep", "ms": seconds * 1000}


def kill_holder(stage: Stage, at: float) -> Stage:
    """Kill whoever holds a slot at this second."""
    return stage.at(at, lambda: stage.cluster.kill(stage.holder()))


def recreate_on_a_full_worker(bugs: Mutants) -> Verdicts:
    """One slot, taken; the same workflow recreates the session beside it."""
    stage = Stage("A", mutants=bugs, max_concurrent_session_execution_size=1)
    return stage.start([create(), DEFER, TOKEN, recreate(), act(10_000, "s2")]).run(60)


def partition_of_20_s(bugs: Mutants) -> Verdicts:
    """A heartbeat call cannot get through: the worker aborts the session (P3.6.5)."""
    stage = Stage(mutants=bugs).start(simple(60_000))
    held: list[str] = []
    stage.at(5, lambda: (held.append(stage.holder()), stage.cluster.hold(held[0])))
    return stage.at(25, lambda: stage.cluster.release(held[0])).run(90)


def several_activities(bugs: Mutants) -> Verdicts:
    """Two workers, six activities one after the other."""
    return Stage(mutants=bugs).start([create(), DEFER, *[act(500, name=f"a{i}") for i in range(6)]]).run(60)


def recreate_three_times(bugs: Mutants) -> Verdicts:
    """Two workers; the session is completed and recreated."""
    steps = [create(), TOKEN, COMPLETE]
    for i in range(3):
        steps += [recreate(f"r{i}"), act(500, f"r{i}"), {"op": "complete", "in": f"r{i}"}]
    return Stage(mutants=bugs).start(steps).run(120)


def one_activity(bugs: Mutants) -> Verdicts:
    """Two workers, one session, one activity of 20 s."""
    return Stage(mutants=bugs).start(simple()).run(60)


def long_activity(bugs: Mutants) -> Verdicts:
    """Two workers, one session, one activity of a minute."""
    return Stage(mutants=bugs).start(simple(60_000)).run(120)


def work_moves_on(bugs: Mutants) -> Verdicts:
    """An activity that heartbeats and obeys is left behind by CompleteSession; the next session works on another worker."""
    left = {"op": "start", "in": "s", "fut": "f", "hb": "1s", "work": work(60_000, "left", beat_ms=200, obey=True)}
    steps = [create(), left, sleep(2), COMPLETE, sleep(3), create(name="s2", queue="q2"), act(10_000, "s2")]
    return Stage(specs=[spec("A", mutants=bugs), spec("B", "q2", mutants=bugs)]).start(steps).run(60)


def killed_under_an_activity(bugs: Mutants) -> Verdicts:
    """The worker is killed while an activity runs."""
    return kill_holder(Stage(mutants=bugs).start(simple(100_000)), 8).run(90)


def killed_long_before_completion(bugs: Mutants) -> Verdicts:
    """The worker is killed; half a minute later the workflow completes the session."""
    return kill_holder(Stage(mutants=bugs).start([create(), sleep(60), COMPLETE]), 8).run(90)


def killed_long_before_the_next_activity(bugs: Mutants) -> Verdicts:
    """The worker is killed; half a minute later the workflow asks for an activity, and returns its error."""
    return kill_holder(Stage(mutants=bugs).start([create(), sleep(60), act(1_000)]), 8).run(90)


def activity_fails(bugs: Mutants) -> Verdicts:
    """An activity fails for good, the workflow goes on with the next."""
    return Stage(mutants=bugs).start([create(), DEFER, act(1_000, fail="non_retryable", ignore=True), act(1_000)]).run(60)


def completed_twice(bugs: Mutants) -> Verdicts:
    """CompleteSession is called again on a closed session."""
    return Stage(mutants=bugs).start([create(), COMPLETE, COMPLETE]).run(60)


def session_in_session(bugs: Mutants) -> Verdicts:
    """CreateSession with the context of an open session."""
    inner = create(name="s2", ignore=True) | {"in": "s"}
    return Stage(mutants=bugs).start([create(), DEFER, inner, act(1_000)]).run(60)


def other_queue(bugs: Mutants) -> Verdicts:
    """The activity options name another queue than the workflow's."""
    specs = [spec("A", mutants=bugs), spec("B", "q2", mutants=bugs)]
    return Stage(specs=specs).start([create(queue="q2"), DEFER, act(1_000)]).run(60)


def all_slots_taken(bugs: Mutants, until: float = 60) -> Verdicts:
    """One slot, taken; a second workflow wants one for ten seconds."""
    stage = Stage("A", mutants=bugs, max_concurrent_session_execution_size=1)
    stage.start(simple(900_000, execution="1000s"), "w1").start(simple(creation="10s"), "w2", at=1)
    return stage.run(until)


def all_slots_taken_for_long(bugs: Mutants) -> Verdicts:
    """The same, for longer than CreateSession may ever take."""
    return all_slots_taken(bugs, 700)


def second_of_two_slots(bugs: Mutants) -> Verdicts:
    """Two slots, one taken; a second workflow wants the other."""
    stage = Stage("A", mutants=bugs, max_concurrent_session_execution_size=2)
    return stage.start(simple(60_000), "w1").start(simple(1_000, creation="10s"), "w2", at=20).run(90)


def goes_on_after_completion(bugs: Mutants) -> Verdicts:
    """The workflow completes its session and sleeps."""
    return Stage(mutants=bugs).start([create(), act(1_000), COMPLETE, sleep(60)]).run(50)


def killed_before_the_next_activity(bugs: Mutants) -> Verdicts:
    """The worker is killed; before anybody knows, the workflow asks for an activity on it."""
    return kill_holder(Stage(mutants=bugs).start([create(), sleep(10), act(1_000)]), 8).run(120)


def stopped_beside_a_normal_activity(bugs: Mutants) -> Verdicts:
    """A graceful stop with 30 s; a normal activity of 20 s keeps the worker, the session's activity needs 10 s."""
    beside = {"op": "start", "fut": "n", "work": work(20_000, "normal")}
    stage = Stage("A", mutants=bugs, worker_stop_timeout=30 * SECOND)
    stage.start([beside, create(), act(10_000, name="inside")])
    return stage.at(3, lambda: stage.cluster.stop("A")).run(60)


def execution_timeout_between_activities(bugs: Mutants) -> Verdicts:
    """ExecutionTimeout 20 s; activities of 3 s, one after the other, for 45 s."""
    steps = [create(execution="20s"), DEFER, *[act(3_000, name=f"a{i}") for i in range(15)]]
    return Stage(mutants=bugs).start(steps).run(90)


PLANTED: dict[str, tuple[Mutant, Callable[[Mutants], Verdicts]]] = {
    "slot_limit": (Mutant.RECREATE_TAKES_NO_TOKEN, recreate_on_a_full_worker),
    "token_conservation": (Mutant.TOKEN_KEPT_ON_HEARTBEAT_ABORT, partition_of_20_s),
    "same_worker": (Mutant.SESSION_ACTIVITIES_ON_BASE_QUEUE, several_activities),
    "recreate_same_worker": (Mutant.RECREATE_ON_CREATION_QUEUE, recreate_three_times),
    "one_binding": (Mutant.ATTEMPT_FAILS_AFTER_SIGNAL, one_activity),
    "activity_needs_slot": (Mutant.TOKEN_RETURNED_AFTER_SIGNAL, one_activity),
    "exclusive_work": (Mutant.ACTIVITY_HEARTBEATS_DEAF, work_moves_on),
    "failure_propagation": (Mutant.WATCHER_IGNORES_FAILURES, killed_under_an_activity),
    "failure_is_seen": (Mutant.WATCHER_IGNORES_FAILURES, killed_long_before_completion),
    "failure_is_failure": (Mutant.FAILED_SESSION_LOOKS_CANCELED, killed_long_before_the_next_activity),
    "activity_failure_keeps_session": (Mutant.ACTIVITY_ERROR_FAILS_SESSION, activity_fails),
    "no_false_alarm": (Mutant.SESSION_HEARTBEATS_NOT_SENT, long_activity),
    "closed_is_final": (Mutant.COMPLETING_TWICE_FAILS_SESSION, completed_twice),
    "complete_is_safe": (Mutant.COMPLETE_KEEPS_CONTEXT, one_activity),
    "open_session_refused": (Mutant.OPEN_SESSION_NOT_REFUSED, session_in_session),
    "creation_queue": (Mutant.CREATION_IGNORES_OPTIONS, other_queue),
    "creation_bounded": (Mutant.CREATION_TIMEOUT_NOT_SENT, all_slots_taken),
    "creation_returns": (Mutant.CREATION_FAILURE_NOT_AWAITED, all_slots_taken_for_long),
    "creation_uses_free_slots": (Mutant.CREATION_POLLED_ONCE, second_of_two_slots),
    "completion_frees_slot": (Mutant.CREATION_ACTIVITY_DEAF, goes_on_after_completion),
    "session_activities_start": (Mutant.RESOURCE_QUEUE_NOT_POLLED, one_activity),
    "no_orphan_activity": (Mutant.WATCHER_IGNORES_FAILURES, killed_before_the_next_activity),
    "graceful_stop_waits": (Mutant.STOP_CANCELS_AT_ONCE, stopped_beside_a_normal_activity),
    "execution_timeout_is_total": (Mutant.EXECUTION_TIMEOUT_NOT_SENT, execution_timeout_between_activities),
}
"""Property -> a bug, and a scenario in which it shows."""

MORE: list[tuple[str, Mutant, Callable[[Mutants], Verdicts]]] = [
    ("complete_is_safe", Mutant.COMPLETES_FAILED_SESSIONS, killed_long_before_completion),
    ("failure_propagation", Mutant.FAILED_SESSION_LOOKS_CANCELED, killed_long_before_the_next_activity),
]
"""Further ones, for the parts of a promise that the first does not touch."""
