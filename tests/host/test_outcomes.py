"""Every row of the table of outcomes in docs/design/host-sessions.md: what becomes of a session when this happens to its host.

Processes A and B are of one host, `h`; W runs workflows only. Heartbeats are recorded at 0 s, 6.7 s, 13.3 s, ...; H is 20 s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import Scenario
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.report.story import StoryCollector
from sim.scenario.run import run as run_scenario
from sim.simulator.places import Fate, Rule
from sim.workflow import seen
from sim.workflow.variants import Variant
from tests.properties.clusters import COMPLETE, DEFER, SECOND, Program, Stage, act, create, spec
from tests.properties.scenarios_host import host_stage, surviving
from tests.properties.scenarios_planted import sleep

ROWS = "test_every_row_of_the_table_is_a_test_of_this_file"
PAGE = Path(__file__).parents[2] / "docs" / "design" / "host-sessions.md"


class Run:
    """A stage, and what was seen on it: (second, observation), rounded to tenths."""

    def __init__(self, stage: Stage, steps: Program, **start: Any) -> None:
        self.stage = stage
        self.heard: list[tuple[float, Any]] = []
        kinds = (
            seen.SessionDetached, seen.SessionReattached, seen.SessionStateChanged, seen.SessionCreated, seen.Saw, obs.AttemptBegan,
            obs.AttemptEnded, obs.ResourceWritten, obs.TokenTaken, obs.WorkflowClosed,
        )  # fmt: skip
        for kind in kinds:
            stage.sim.listen(kind, lambda time, node, o: self.heard.append((round(time / SECOND, 1), o)))
        stage.start(steps, **start)

    def run(self, seconds: float) -> Run:
        self.verdicts = self.stage.run(seconds)
        return self

    def times(self, kind: type) -> list[float]:
        return [time for time, o in self.heard if type(o) is kind]

    def all(self, kind: type) -> list[Any]:
        return [o for _, o in self.heard if type(o) is kind]

    @property
    def states(self) -> list[str]:
        return [o.after for o in self.all(seen.SessionStateChanged)]

    @property
    def work(self) -> list[tuple[float, str, str]]:
        """When and where activities of users began."""
        return [(time, o.identity, o.label) for time, o in self.heard if type(o) is obs.AttemptBegan and o.label]

    @property
    def status(self) -> list[str]:
        return [o.status for o in self.all(obs.WorkflowClosed)]

    def saw(self, op: str) -> list[str]:
        return [o.error for o in self.all(seen.Saw) if o.op == op]


def killed(stage: Stage, at: float, *back: float) -> Stage:
    """A is killed, and started at these seconds."""
    stage.at(at, lambda: stage.cluster.kill("A"))
    for second in back:
        stage.at(second, lambda: stage.cluster.start_process("A"))
    return stage


LONG = surviving(act(30_000, name="a"), act(1_000, name="b"))


def test_a_restart_faster_than_the_heartbeat_timeout() -> None:
    """Nobody notices until H after the last heartbeat; then the new process takes the session up, and the activity begins anew."""
    run = Run(killed(host_stage(), 10, 12), LONG).run(120)
    assert run.times(seen.SessionDetached) == run.times(seen.SessionReattached) == [26.7]
    assert run.work == [(0.0, "A", "a"), (26.7, "A'1", "a"), (56.7, "A'1", "b")]
    assert run.states == ["Closed"]
    assert run.status == ["COMPLETED"]


def test_a_restart_slower_than_the_heartbeat_timeout() -> None:
    """The creation activity waits on the host's queue; the process that starts takes the session up at once."""
    run = Run(killed(host_stage(), 10, 50), LONG).run(120)
    assert run.times(seen.SessionDetached) == [26.7]
    assert run.times(seen.SessionReattached) == [50.0]
    assert run.status == ["COMPLETED"]


def test_a_host_that_is_not_back_in_time() -> None:
    """Failed when the grace is over, 60 s after the loss was seen; what waits gets ErrSessionFailed."""
    run = Run(killed(host_stage(), 10), LONG).run(120)
    assert run.times(seen.SessionStateChanged) == [86.7]
    assert run.states == ["Failed"]
    assert run.saw("act") == ["ErrSessionFailed"]
    assert run.status == ["FAILED"]


def test_the_grace_can_be_chosen() -> None:
    run = Run(killed(host_stage(), 10), surviving(act(30_000, name="a"), grace="5s")).run(120)
    assert run.times(seen.SessionStateChanged) == [31.7]


def test_a_graceful_restart() -> None:
    """The running activity ends, then the session is let go of; the new process takes it up as soon as it polls."""
    stage = host_stage(worker_stop_timeout=30 * SECOND)
    stage.at(10, lambda: stage.cluster.stop("A"))
    stage.at(32, lambda: stage.cluster.start_process("A"))
    run = Run(stage, LONG).run(120)
    assert run.work == [(0.0, "A", "a"), (32.0, "A'1", "b")]
    assert run.times(seen.SessionDetached) == [30.0]
    assert run.times(seen.SessionReattached) == [32.0]
    assert run.status == ["COMPLETED"]
    assert run.verdicts["graceful_stop_waits"].broken == 0


@pytest.mark.parametrize("same", [True, False])
def test_a_restart_on_another_machine(same: bool) -> None:
    """Where it has the same resource id (a volume that has moved, say) the session is taken up; another id is another host."""
    options = {"variant": Variant.HOST, "disable_workflow_worker": True}
    specs = [spec("A", resource_id="h", **options), spec("B", resource_id="h" if same else "i", **options)]
    stage = Stage(specs=[*specs, spec("W", enable_session_worker=False, variant=Variant.HOST)])
    stage.cluster.kill("B")
    stage.at(40, lambda: stage.cluster.start_process("B"))
    run = Run(killed(stage, 10), LONG).run(150)
    assert run.times(seen.SessionReattached) == ([40.0] if same else [])
    assert [o.host for o in run.all(seen.SessionReattached)] == (["host-b"] if same else [])
    assert run.states == (["Closed"] if same else ["Failed"])


def test_two_processes_on_one_host() -> None:
    """Only the one that is bound works; the other takes the session up when the first is lost, and keeps it when that is back."""
    stage, bound = host_stage("AB"), list[str]()
    stage.at(10, lambda: (bound.append(stage.holder()), stage.cluster.kill(bound[0])))
    stage.at(40, lambda: stage.cluster.start_process(bound[0]))
    run = Run(stage, LONG).run(120)
    other = "B" if bound == ["A"] else "A"
    assert run.times(seen.SessionReattached) == [26.7]
    assert run.work == [(0.0, bound[0], "a"), (26.7, other, "a"), (56.7, other, "b")]
    assert run.verdicts["no_two_incarnations"].broken == 0
    assert run.status == ["COMPLETED"]


def test_a_frozen_process_that_goes_on() -> None:
    """Its write comes after that of its successor, with an older epoch, and is refused."""
    stage = host_stage("AB")
    frozen: list[str] = []
    stage.at(3, lambda: (frozen.append(stage.holder()), stage.cluster.freeze(frozen[0])))
    stage.at(100, lambda: stage.cluster.unfreeze(frozen[0]))
    run = Run(stage, surviving(act(5_000), sleep(120))).run(200)
    writes = [(o.identity, o.taken) for o in run.all(obs.ResourceWritten)]
    other = "B" if frozen == ["A"] else "A"
    assert writes == [(other, True), (frozen[0], False)]
    assert run.all(obs.ResourceWritten)[0].epoch > run.all(obs.ResourceWritten)[1].epoch
    assert run.status == ["COMPLETED"]


def test_the_story_of_a_zombie() -> None:
    """What happened to the session stands in the short story, by name."""
    collector = StoryCollector()
    run_scenario(Scenario.load("scenarios/host_zombie.toml"), 1, observers=[collector])
    told = "\n".join(str(line) for line in collector.story().told())
    for words in ("has lost its process", "is taken up at epoch 3, by second", "writes for job/1/s1 at epoch 1 is refused"):
        assert words in told, told


def test_a_partition_shorter_than_the_heartbeat_timeout() -> None:
    """Nothing happens: a heartbeat that does not get through is no end, against P3.6.5."""
    stage = host_stage()
    stage.at(8, lambda: stage.cluster.hold("A"))
    stage.at(20, lambda: stage.cluster.release("A"))
    run = Run(stage, LONG).run(120)
    assert run.work == [(0.0, "A", "a"), (30.0, "A", "b")]
    assert not run.all(seen.SessionDetached)
    assert run.status == ["COMPLETED"]


def test_a_partition_longer_than_the_heartbeat_timeout() -> None:
    """The process lets go when its lease is over, not later than the server's timeout; when it is back it takes the session up again."""
    stage = host_stage()
    stage.at(8, lambda: stage.cluster.hold("A"))
    stage.at(50, lambda: stage.cluster.release("A"))
    run = Run(stage, surviving(act(100_000, name="a", obey=True))).run(200)
    assert [(time, o.outcome) for time, o in run.heard if type(o) is obs.AttemptEnded and o.label][:1] == [
        (26.7, "failed: context canceled")
    ]
    assert run.times(seen.SessionDetached) == [26.7]
    # The creation activity was given to a poll of A, and timed out there at 46.7 s; the next one waited.
    assert run.times(seen.SessionReattached) == [50.0]
    assert run.status == ["COMPLETED"]


def test_a_wall_clock_that_jumps() -> None:
    """Nothing here looks at one: same run, to the microsecond."""
    runs = []
    for skew in (0, 3600 * SECOND, -3600 * SECOND):
        stage = killed(host_stage(), 10, 12)
        stage.at(5, lambda skew=skew, stage=stage: stage.cluster.set_clock("A", 0, skew))
        runs.append(Run(stage, LONG).run(120).heard)
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("drift", [-100_000, 100_000])
def test_a_clock_that_runs_wrong(drift: int) -> None:
    """A slow one lets a lease outlive the server's timeout by as much: then two processes may work, and fencing decides."""
    stage = host_stage("AB")
    for process in "AB":
        stage.cluster.set_clock(process, drift, 0)
    held: list[str] = []
    stage.at(8, lambda: (held.append(stage.holder()), stage.cluster.hold(held[0])))
    stage.at(90, lambda: stage.cluster.release(held[0]))
    run = Run(stage, surviving(act(5_000, name="a"), act(60_000, name="b", obey=True))).run(300)
    lost = next(time for time, o in run.heard if type(o) is obs.AttemptEnded and o.label == "b" and o.identity == held[0])
    assert (lost > run.times(seen.SessionDetached)[0]) == (drift < 0)
    assert run.verdicts["fenced_writes"].broken == 0
    assert run.status == ["COMPLETED"]


def test_a_crash_loop_has_one_grace() -> None:
    """The process crashes five seconds after each start: it is taken up and lost until the grace that began with the first loss is over."""
    stage = host_stage()
    for start in range(0, 200, 10):
        killed(stage, start + 5, start + 10)
    run = Run(stage, LONG).run(200)
    detached, failed = run.times(seen.SessionDetached), run.times(seen.SessionStateChanged)
    assert detached == [21.0, 42.0, 63.1, 84.1]
    assert failed == [84.1]
    assert run.states == ["Failed"]


def test_crashes_that_are_far_apart_have_a_grace_each() -> None:
    stage = host_stage()
    for start in (0, 100, 200):
        killed(stage, start + 50, start + 55)
    run = Run(stage, surviving(*[act(40_000, name=name) for name in "abcd"])).run(400)
    assert len(run.times(seen.SessionReattached)) >= 2
    assert run.status == ["COMPLETED"]


def test_a_full_host() -> None:
    """While the process was away another session took its only slot: it waits for that, within its grace."""
    stage = host_stage(max_concurrent_session_execution_size=1)
    run = Run(killed(stage, 10, 12), LONG)
    stage.start([create(name="s", creation="60s"), DEFER, act(40_000, name="other")], "second", at=13)
    run.run(150)
    assert run.times(seen.SessionDetached) == [26.7]
    assert [53.0 <= time <= 56.0 for time in run.times(seen.SessionReattached)] == [True]
    assert run.status == ["COMPLETED", "COMPLETED"]


def test_an_activity_that_may_run_once_ends_with_the_process() -> None:
    """Nobody can tell whether it ran."""
    run = Run(killed(host_stage(), 10, 12), surviving(act(30_000, name="a", attempts=1, ignore=True), act(1_000, name="b"))).run(120)
    assert [name for _, _, name in run.work] == ["a", "b"]
    assert run.times(seen.SessionDetached) == [26.7]
    assert ["SessionWorkerRestarted" in error for error in run.saw("act")] == [True, False]
    assert run.status == ["COMPLETED"]


def test_what_is_asked_for_meanwhile_waits() -> None:
    """Also what is asked for once only: it has not begun anywhere."""
    run = Run(killed(host_stage(), 10, 60), surviving(sleep(40), act(1_000, name="b", attempts=1))).run(120)
    assert run.work == [(60.0, "A'1", "b")]
    assert run.status == ["COMPLETED"]


def test_completed_while_detached() -> None:
    """Closed at once: nobody holds a slot."""
    run = Run(killed(host_stage(), 10), [create(survive_restart=True), sleep(40), COMPLETE]).run(120)
    assert run.times(seen.SessionStateChanged) == [40.0]
    assert run.states == ["Closed"]
    assert run.status == ["COMPLETED"]


def test_cancelled_while_detached() -> None:
    """The workflow's cancellation ends what waits."""
    stage = killed(host_stage(), 10)
    run = Run(stage, surviving(act(30_000)))
    stage.cancel(40)
    run.run(120)
    assert ["CanceledError" in error for error in run.saw("act")] == [True]
    assert run.status == ["CANCELED"]


def test_a_session_that_need_not_survive() -> None:
    """As in the original: the loss of the process is the session's."""
    run = Run(killed(host_stage(), 10, 12), [create(), DEFER, act(30_000)]).run(120)
    assert run.times(seen.SessionStateChanged) == [26.7]
    assert run.states == ["Failed"]


def test_the_execution_timeout_counts_from_the_first_binding() -> None:
    """It passes while the session is detached, or bound for the second time."""
    run = Run(killed(host_stage(), 10, 12), surviving(act(100_000), execution="60s")).run(150)
    assert run.times(seen.SessionReattached) == [26.7]
    assert run.times(seen.SessionStateChanged) == [60.0]
    assert run.states == ["Failed"]


def lost_call(stage: Stage, kind: type, answer: bool) -> None:
    """The first call of this kind of A is lost, or its answer is."""
    rule = Rule(lambda message: True, Fate.LOSE, 1, asked=lambda request, callee: isinstance(request, kind))
    stage.cluster.add_rule("A", not answer, rule, "lost")


@pytest.mark.parametrize("answer", [True, False])
def test_a_signal_that_is_lost(answer: bool) -> None:
    """The attempt ends for good, and the next one has an epoch of its own: whichever signal arrives, one process is bound."""
    stage = host_stage()
    lost_call(stage, msg.SignalWorkflowExecution, answer)
    run = Run(stage, LONG).run(150)
    assert len(run.times(seen.SessionReattached)) == answer
    assert {o.epoch for o in run.all(obs.AttemptBegan) if o.label} == ({1, 2} if answer else {2})
    assert run.verdicts["one_binding"].broken == 0
    assert run.status == ["COMPLETED"]


def test_an_attempt_that_comes_too_late_binds_nothing() -> None:
    """The creation activity is given to a frozen process, times out there, and goes to another; the first claims it in vain."""
    stage = host_stage("AB")
    frozen: list[str] = []
    stage.at(3, lambda: (frozen.append(stage.holder()), stage.cluster.freeze(frozen[0])))
    stage.at(100, lambda: stage.cluster.unfreeze(frozen[0]))
    run = Run(stage, surviving(act(5_000), sleep(120))).run(200)
    assert [o.identity for o in run.all(obs.TokenTaken)] == [frozen[0], "B" if frozen == ["A"] else "A"]


def test_recreated_on_its_host_after_a_restart() -> None:
    """The token names the host: a process that was started since serves it."""
    steps = [create(survive_restart=True), {"op": "token", "in": "s", "as": "t"}, COMPLETE, sleep(30)]
    steps += [{"op": "recreate", "signal": "t", "as": "r", "creation": "60s", "execution": "600s"}, act(1_000, "r", "again")]
    steps += [{"op": "complete", "in": "r"}]
    run = Run(killed(host_stage(), 10, 12), steps).run(90)
    assert run.work == [(30.1, "A'1", "again")]
    assert run.verdicts["recreate_same_worker"].broken == 0
    assert run.status == ["COMPLETED"]


def test_every_row_of_the_table_is_a_test_of_this_file() -> None:
    rows = [line.split("`")[-2] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and line.endswith("` |")]
    tests = [name for name in globals() if name.startswith("test_") and name not in ("test_the_story_of_a_zombie", ROWS)]
    assert sorted(rows) == sorted(tests)
