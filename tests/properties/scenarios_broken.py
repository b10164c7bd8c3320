"""The promises that the real protocol does not keep, each with the smallest scenario found that shows it.

No bug is planted here. docs/PROPERTIES.md has the table.
"""

from __future__ import annotations

from collections.abc import Callable

from sim.properties import Verdict
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.simulator.places import Fate, Rule
from sim.workflow.sessions import CREATION_ACTIVITY
from tests.properties.clusters import COMPLETE, DEFER, SECOND, Stage, act, create, simple, spec, work
from tests.properties.scenarios_planted import TOKEN, kill_holder, recreate, sleep

Verdicts = dict[str, Verdict]


def apart(seed: int = 1, workers: str = "AB") -> Stage:
    """Sessions on these workers, workflow code on V and W: so the loss of a worker never takes the workflow's own with it."""
    specs = [spec(name, disable_workflow_worker=True) for name in workers] + [spec(name, enable_session_worker=False) for name in "VW"]
    return Stage(specs=specs, seed=seed)


def lose_signal_answer(stage: Stage, workers: str = "AB") -> Stage:
    """The first answer to a creation activity's signal is lost on its way to the worker."""
    rule = Rule(lambda message: isinstance(message, msg.Ok), Fate.LOSE, count=1, asked=lambda request, _: _is_signal(request))

    def plant() -> None:
        for name in workers:
            stage.cluster.down(name).rules.append(rule)

    return stage.at(0, plant)


def _is_signal(request: object) -> bool:
    return isinstance(request, msg.SignalWorkflowExecution)


def lost_worker_propagated() -> Verdicts:
    """Scenario 7: the worker is killed while an activity runs, the workflow returns the activity's error."""
    return kill_holder(Stage().start(simple(100_000)), 8).run(60)


def recreate_on_a_full_worker() -> Verdicts:
    """RecreateSession with 5 s on a worker whose only slot is taken."""
    stage = Stage("A", max_concurrent_session_execution_size=1)
    return stage.start([create(), DEFER, TOKEN, recreate(creation="5s")]).run(60)


def killed_before_the_signal(creation: str = "10s") -> Verdicts:
    """A minute of quiet; then a worker dies in the moment in which it is given a creation, the other stays idle."""
    stage, killed = apart(), list[str]()

    def die(time: int, node: str, recorded: obs.AttemptRecorded) -> None:
        if recorded.activity_type == CREATION_ACTIVITY and not killed:
            killed.append(recorded.identity)
            stage.sim.schedule(time, "test", lambda: stage.cluster.kill(recorded.identity))

    stage.sim.listen(obs.AttemptRecorded, die)
    return stage.start(simple(creation=creation), at=60).run(120)


def killed_before_the_signal_with_time_left() -> Verdicts:
    """The same with a CreationTimeout longer than the heartbeat timeout: the call fails with half of it left."""
    return killed_before_the_signal("50s")


def signal_answer_lost() -> Verdicts:
    """Scenario 11: the answer to the signal is lost; the creation activity moves to the other worker."""
    return lose_signal_answer(apart()).start(simple(60_000)).run(120)


def killed_after_its_signal_answer_was_lost() -> Verdicts:
    """As before; then the worker that the session is bound to is killed, and nobody notices."""
    stage = lose_signal_answer(apart()).start(simple(300_000))
    bound: list[str] = []
    stage.sim.listen(obs.AttemptBegan, lambda _, node, o: bound.append(node) if o.label == "work" else None)
    return stage.at(20, lambda: stage.cluster.kill(bound[0].partition(".")[0])).run(120)


def killed_after_its_signal_answer_was_lost_between() -> Verdicts:
    """The same between two activities: the second one waits on a queue that nobody polls any more."""
    stage = lose_signal_answer(apart()).start([create(), act(1_000), sleep(30), act(1_000)])
    bound: list[str] = []
    stage.sim.listen(obs.AttemptBegan, lambda _, node, o: bound.append(node) if o.label == "work" else None)
    return stage.at(20, lambda: stage.cluster.kill(bound[0].partition(".")[0])).run(120)


def other_holder_killed() -> Verdicts:
    """As before; then the worker that holds the slot is killed, the one that works is not."""
    stage = lose_signal_answer(apart()).start(simple(300_000))
    return stage.at(20, lambda: stage.cluster.kill(stage.holder())).run(120)


def short_partition() -> Verdicts:
    """The network of the worker is held for 12 s: less than H, more than the budget of a heartbeat call."""
    stage = apart().start(simple(60_000))
    held: list[str] = []
    stage.at(6, lambda: (held.append(stage.holder()), stage.cluster.hold(held[0])))
    return stage.at(18, lambda: stage.cluster.release(held[0])).run(90)


def short_server_outage() -> Verdicts:
    """The server is away for 12 s."""
    stage = apart().start(simple(60_000))
    return stage.at(6, stage.cluster.stop_server).at(18, stage.cluster.start_server).run(90)


def operator_pauses() -> Verdicts:
    """Scenario 27: an operator pauses the creation activity."""
    stage = apart().start(simple(60_000))
    pause = msg.PauseActivity("w", "internalSessionCreationActivity")
    return stage.at(8, lambda: stage.cluster.request(pause, "w")).run(60)


def left_behind() -> Verdicts:
    """No fault: the workflow completes its session while an activity that sends no heartbeats runs, and works on elsewhere."""
    left = {"op": "start", "in": "s", "fut": "f", "work": work(60_000, "left")}
    steps = [create(), left, sleep(2), COMPLETE, create(name="s2", queue="q2"), act(10_000, "s2")]
    return Stage(specs=[spec("A"), spec("B", "q2")]).start(steps).run(90)


def partition_and_failover() -> Verdicts:
    """Scenario 29 with a partition: the worker goes on while the workflow does the work again on another."""
    attempt = [create(), act(100_000)]
    stage = apart().start([{"op": "until_ok", "times": 2, "steps": attempt}])
    return stage.at(8, lambda: stage.cluster.hold(stage.holder())).run(90)


def machine_lost_with_the_sticky_worker() -> Verdicts:
    """The machine of the only worker is lost just after a heartbeat, with the workflow's own polls; another worker starts."""
    stage = Stage("A").start(simple(300_000))
    stage.cluster.specs["B"] = spec("B")
    stage.at(6.9, lambda: stage.cluster.lose_machine("A"))
    return stage.at(7, lambda: stage.cluster.start_process("B")).run(120)


def cancelled_after_the_loss() -> Verdicts:
    """The worker is killed and the workflow cancelled before that is known; clean-up goes on on a disconnected context."""
    cleanup = [{"op": "disconnected", "as": "d"}, {"op": "sleep", "in": "d", "ms": 60_000}]
    stage = apart().start([create(), DEFER, act(100_000, ignore=True), *cleanup])
    return kill_holder(stage, 8).cancel(9).run(120)


def killed_just_before_completion() -> Verdicts:
    """The worker is killed two seconds before the workflow completes the session."""
    return kill_holder(apart().start([create(), sleep(10), COMPLETE]), 8).run(60)


def cancelled_in_the_batch_of_the_failure() -> Verdicts:
    """The creation activity times out, then the workflow is cancelled, while no workflow worker lives to see either.

    When one does, the main coroutine completes the session without blocking (its context is cancelled), and the watcher, which
    runs after it and looks at no state, makes it Failed.
    """
    cleanup = [COMPLETE, {"op": "disconnected", "as": "d"}, {"op": "sleep", "in": "d", "ms": 10_000}]
    stage = apart().start([create(), act(100_000, ignore=True), *cleanup])
    kill_holder(stage, 8).at(20, lambda: stage.cluster.kill("V")).at(20, lambda: stage.cluster.kill("W")).cancel(29)
    return stage.at(32, lambda: stage.cluster.start_process("V")).run(60)


def never_a_slot_and_no_timeout() -> Verdicts:
    """CreationTimeout is not set, no run timeout either, and the only slot is taken for a quarter of an hour."""
    stage = Stage("A", max_concurrent_session_execution_size=1)
    stage.start(simple(900_000, execution="1000s"), "w1").start(simple(creation=""), "w2", at=1)
    return stage.run(700)


def frozen_before_completion() -> Verdicts:
    """The worker is frozen for two minutes; the workflow completes the session meanwhile."""
    stage = apart().start([create(), sleep(10), COMPLETE, sleep(300)])
    frozen: list[str] = []
    stage.at(8, lambda: (frozen.append(stage.holder()), stage.cluster.freeze(frozen[0])))
    return stage.at(128, lambda: stage.cluster.unfreeze(frozen[0])).run(200)


def completed_while_signalling() -> Verdicts:
    """H is 3 s, so a heartbeat has 1.2 s; the answer to the signal is lost, and that call has 10 s. No worker is lost."""
    stage = lose_signal_answer(apart())
    return stage.start([create(heartbeat="3s"), act(100), COMPLETE, sleep(60)]).run(90)


def recreated_with_one_activity_slot() -> Verdicts:
    """Scenario 30: one activity slot, which the recreated session's creation activity occupies itself."""
    stage = Stage("A", max_concurrent_activity_execution_size=1)
    return stage.start([create(), TOKEN, COMPLETE, recreate(), act(1_000, "s2", sts="30s", ignore=True)]).run(60)


def pollers_wait_after_an_outage() -> Verdicts:
    """An activity is to be retried; the server is away for six seconds, after which the pollers still wait out their backoff."""
    stage = apart().start([create(), DEFER, act(6_900, fail="retryable", attempts=2)])
    return stage.at(7.2, stage.cluster.stop_server).at(13.2, stage.cluster.start_server).run(60)


def recreate_on_a_dead_worker() -> Verdicts:
    """Scenario 25: RecreateSession with a minute, for a worker that is dead."""
    stage = apart().start([create(), TOKEN, sleep(10), recreate(creation="60s")])
    return kill_holder(stage, 8).run(120)


def stopped_with_time_to_spare() -> Verdicts:
    """A graceful stop with 30 s; the session's activity needs 10 s more, nothing else runs."""
    stage = Stage(specs=[spec("A", worker_stop_timeout=30 * SECOND), spec("W", enable_session_worker=False)])
    return stage.start([create(), act(15_000, obey=True)]).at(5, lambda: stage.cluster.stop("A")).run(60)


def work_outlives_its_session() -> Verdicts:
    """ExecutionTimeout 20 s; one activity of a minute that sends no heartbeats."""
    return Stage().start(simple(60_000, execution="20s")).run(90)


BROKEN: dict[str, list[tuple[Callable[[], Verdicts], str]]] = {
    "one_binding": [(signal_answer_lost, "P2.4f")],
    "activity_needs_slot": [(left_behind, "P3.6.6"), (short_partition, "P3.6.5"), (signal_answer_lost, "P2.4f")],
    "exclusive_work": [(left_behind, "P3.6.6"), (partition_and_failover, "P2.4g")],
    "failure_propagation": [
        (machine_lost_with_the_sticky_worker, "P4.5.8"),
        (killed_after_its_signal_answer_was_lost, "P2.4f"),
        (cancelled_after_the_loss, "P1.7.3"),
    ],
    "failure_is_seen": [(killed_just_before_completion, "P1.5.6"), (cancelled_after_the_loss, "P1.7.3")],
    "failure_is_failure": [(lost_worker_propagated, "P1.4.8")],
    "no_false_alarm": [
        (short_partition, "P3.6.5"),
        (short_server_outage, "P2.4k"),
        (other_holder_killed, "P2.4f"),
        (operator_pauses, "P2.4l"),
    ],
    "closed_is_final": [(cancelled_in_the_batch_of_the_failure, "P1.2.11")],
    "creation_bounded": [(recreate_on_a_full_worker, "P2.4b"), (killed_before_the_signal, "P2.4c")],
    "creation_returns": [(never_a_slot_and_no_timeout, "P1.1.3")],
    "creation_uses_free_slots": [(killed_before_the_signal_with_time_left, "P2.4c"), (killed_before_the_signal, "P2.4c")],
    "completion_frees_slot": [(completed_while_signalling, "P3.9"), (frozen_before_completion, "P3.11")],
    "session_activities_start": [(recreated_with_one_activity_slot, "P3.4.6"), (pollers_wait_after_an_outage, "P3.3")],
    "no_orphan_activity": [(recreate_on_a_dead_worker, "P4.6.8"), (killed_after_its_signal_answer_was_lost_between, "P2.4f")],
    "graceful_stop_waits": [(stopped_with_time_to_spare, "P3.8.1")],
    "execution_timeout_is_total": [(work_outlives_its_session, "P3.6.6")],
}
"""Property -> scenarios that break it, each with the section of docs/PROTOCOL.md that explains it."""
