"""Workflow code driven by its replay log, without workers and without a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim import workflow
from sim.history import commands as cmd
from sim.history import visible as vis
from sim.history.failures import RetryState, TimeoutFailure, TimeoutType
from sim.workflow.environment import Execution, Info, Progress
from sim.workflow.sessions import Binding

INFO = Info("w", "server/run/w/1", "test", "q")
BOUND = vis.Signaled("w/1/s1", Binding("A@host-a", "host-a", "A"))
LOST = vis.ActivityFailed(
    1, TimeoutFailure(TimeoutType.HEARTBEAT, "activity Heartbeat timeout"), RetryState.NON_RETRYABLE_FAILURE
)  # fmt: skip
OPTIONS = workflow.SessionOptions(creation_timeout=workflow.seconds(60), execution_timeout=workflow.seconds(600))


class Driver:
    """Keeps the log of one run and gives its code what happens, task by task."""

    def __init__(self, function: Callable[..., Any], choices: list[int] | None = None) -> None:
        self.definition = workflow.workflow(function)
        self.log: list[vis.Visible] = []
        self.choices = list(choices or [])
        self.execution = Execution(self.definition, None, INFO)

    def choose(self, label: str, options: Any) -> int:
        return options[self.choices.pop(0) if self.choices else 0]  # type: ignore[no-any-return]

    def task(self, *events: vis.Visible) -> list[cmd.Command]:
        """One workflow task, completed: its commands."""
        progress = self.progress(*events)
        assert progress.error is None
        self.log += [vis.TaskBegan(0), *(vis.Asked(command) for command in progress.commands)]
        return list(progress.commands)

    def progress(self, *events: vis.Visible) -> Progress:
        self.log += events
        return self.execution.advance(self.log, len(self.log), 0, self.choose)

    def replayed(self) -> Execution:
        """A new execution that has replayed all tasks."""
        execution = Execution(self.definition, None, INFO)
        execution.replay(self.log)
        return execution


def kinds(commands: list[cmd.Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


async def one_activity(ctx: workflow.Context, _: object) -> object:
    session = await workflow.create_session(ctx, OPTIONS)
    try:
        return await workflow.execute_activity(session, "work").get(session)
    finally:
        await workflow.complete_session(session)


def test_a_session_is_two_activities_a_marker_and_a_signal() -> None:
    driver = Driver(one_activity)
    assert kinds(driver.task()) == ["RecordMarker", "ScheduleActivity"]
    (work,) = driver.task(BOUND)
    assert isinstance(work, cmd.ScheduleActivity)
    assert (work.task_queue, work.session) == ("A@host-a", "w/1/s1")
    assert driver.task(vis.ActivityCompleted(2, "done"))[0] == cmd.RequestCancelActivity(1)
    assert driver.task(vis.ActivityCompleted(1, None), vis.ActivityCompleted(3, None)) == [cmd.CompleteWorkflow("done")]


def test_a_lost_session_cancels_what_runs_and_the_workflow_ends_canceled() -> None:
    """P1.4.7, P1.4.8: the activity sees CanceledError, and propagating it cancels the workflow."""
    driver = Driver(one_activity)
    driver.task()
    driver.task(BOUND)
    assert driver.task(LOST) == [cmd.RequestCancelActivity(2), cmd.CancelWorkflow()]


def test_the_first_in_history_wins_the_creation() -> None:
    """P1.2.8: signal and failure in one batch."""
    first = Driver(one_activity)
    first.task()
    # The signal first: created; the watcher then fails the session, and what was just scheduled is cancelled.
    assert kinds(first.task(BOUND, LOST)) == ["ScheduleActivity", "RequestCancelActivity", "CancelWorkflow"]
    second = Driver(one_activity)
    second.task()
    (failed,) = second.task(LOST, BOUND)
    assert isinstance(failed, cmd.FailWorkflow)


def test_activities_of_a_failed_session_are_not_scheduled() -> None:
    """P1.4.1."""

    async def stubborn(ctx: workflow.Context, _: object) -> list[str]:
        session = await workflow.create_session(ctx, OPTIONS)
        seen = []
        for name in ("first", "second"):
            try:
                await workflow.execute_activity(session, name).get(session)
            except workflow.WorkflowError as error:
                seen.append(workflow.describe(error))
        return seen

    driver = Driver(stubborn)
    driver.task()
    driver.task(BOUND)
    expected = [cmd.RequestCancelActivity(2), cmd.CompleteWorkflow(["*internal.CanceledError", "ErrSessionFailed"])]
    assert driver.task(LOST) == expected


def test_a_timer_cancelled_in_its_own_task_is_started_and_cancelled() -> None:
    """What the Go SDK sends: replaying a history without the two, it calls the workflow non-deterministic."""

    async def impatient(ctx: workflow.Context, _: object) -> str:
        inner, cancel = workflow.with_cancel(ctx)
        timer = workflow.new_timer(inner, workflow.seconds(5))
        cancel()
        with pytest.raises(workflow.CanceledError):
            await timer.get(ctx)
        await workflow.sleep(ctx, 0)
        return "over"

    assert Driver(impatient).task() == [cmd.StartTimer(1, 5_000_000), cmd.CancelTimer(1), cmd.CompleteWorkflow("over")]


def test_a_timer_on_a_cancelled_context_is_started_and_cancelled_too() -> None:
    async def late(ctx: workflow.Context, _: object) -> str:
        inner, cancel = workflow.with_cancel(ctx)
        cancel()
        with pytest.raises(workflow.CanceledError):
            await workflow.sleep(inner, workflow.seconds(5))
        return "over"

    assert Driver(late).task() == [cmd.StartTimer(1, 5_000_000, "Sleep"), cmd.CancelTimer(1), cmd.CompleteWorkflow("over")]


async def siblings(ctx: workflow.Context, _: object) -> None:
    for name in ("left", "right"):
        branch, _cancel = workflow.with_cancel(ctx)
        workflow.execute_activity(branch, name)
    await workflow.new_timer(workflow.new_disconnected_context(ctx)[0], workflow.seconds(60)).get(ctx)


@pytest.mark.parametrize(("choice", "order"), [(0, [1, 2]), (1, [2, 1])])
def test_siblings_are_cancelled_in_an_order_left_to_chance_and_replayed_as_recorded(choice: int, order: list[int]) -> None:
    """P1.3.2."""
    driver = Driver(siblings, [choice])
    driver.task()
    assert [c.ordinal for c in driver.task(vis.CancelRequested()) if isinstance(c, cmd.RequestCancelActivity)] == order
    driver.replayed()  # raises NonDeterminismError if the recorded order were not followed


def test_code_that_does_something_else_is_caught() -> None:
    names = iter(["download", "upload"])

    async def fickle(ctx: workflow.Context, _: object) -> None:
        await workflow.execute_activity(ctx, next(names)).get(ctx)

    driver = Driver(fickle)
    driver.task()
    driver.execution = Execution(driver.definition, None, INFO)
    cause, message = driver.progress(vis.ActivityCompleted(1, None)).error or ("", "")
    assert cause == "NON_DETERMINISTIC_ERROR"
    assert "the history has activity 1 (download) where the workflow code asks for activity 1 (upload)" in message
    assert "no clock, no random numbers" in message


def test_what_is_not_modelled_is_refused() -> None:
    async def parent(ctx: workflow.Context, _: object) -> None:
        workflow.execute_child_workflow(ctx, "child")

    with pytest.raises(workflow.NotModelledError, match=r"ExecuteChildWorkflow is not modelled.*docs/LIMITS.md"):
        Driver(parent).task()


def test_all_coroutines_have_their_turn_before_the_workflow_closes() -> None:
    async def hasty(ctx: workflow.Context, _: object) -> str:
        async def other(inner: workflow.Context) -> None:
            workflow.execute_activity(inner, "late")

        workflow.go(ctx, other)
        return "first"

    assert kinds(Driver(hasty).task()) == ["ScheduleActivity", "CompleteWorkflow"]


@pytest.mark.parametrize(("start", "order"), [(0, [1, 2, 3]), (1, [2, 3, 1]), (2, [3, 1, 2])])
def test_siblings_are_cancelled_from_any_of_them_around(start: int, order: list[int]) -> None:
    async def siblings(ctx: workflow.Context, _: object) -> None:
        for _ in range(3):
            workflow.new_timer(workflow.with_cancel(ctx)[0], workflow.seconds(5))
        await workflow.sleep(workflow.new_disconnected_context(ctx)[0], workflow.seconds(5))

    driver = Driver(siblings, [start])
    driver.task()
    assert driver.task(vis.CancelRequested()) == [cmd.CancelTimer(ordinal) for ordinal in order]


def test_a_new_sibling_takes_the_slot_that_another_left() -> None:
    async def replaced(ctx: workflow.Context, _: object) -> None:
        made = [workflow.with_cancel(ctx) for _ in range(3)]
        made[1][1]()
        for inner, _ in (*made[::2], workflow.with_cancel(ctx)):
            workflow.new_timer(inner, workflow.seconds(5))
        await workflow.sleep(workflow.new_disconnected_context(ctx)[0], workflow.seconds(5))

    driver = Driver(replaced)
    driver.task()
    assert driver.task(vis.CancelRequested()) == [cmd.CancelTimer(ordinal) for ordinal in (1, 3, 2)]
