"""What a run came to, in a user's words: its workflows, and every activity with what its attempts did. For checks of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sim.history.events import ActivityTaskScheduled, Written, Wrote
from sim.properties.base import Listener
from sim.protocol import observations as obs
from sim.workflow.errors import describe, to_error
from sim.workflow.sessions import FRAMEWORK_ACTIVITIES

OPEN = "RUNNING"


@dataclass(slots=True)
class Workflow:
    """A workflow. `status`: as Temporal spells it, RUNNING when it has not ended; `ended_us` None then.

    `outcome`: what it returned, or how it failed in the SDK's words. A workflow that continues as new is one all along.
    """

    id: str
    started_us: int
    status: str = OPEN
    outcome: object = None
    ended_us: int | None = None
    cancel_requested: bool = False


@dataclass(slots=True)
class Attempt:
    """An attempt as its worker sees it, whoever learns of it. `outcome`: completed, canceled, failed: ..., dropped, or "" if none."""

    worker: str
    began_us: int
    ended_us: int | None = None
    outcome: str = ""


@dataclass(slots=True)
class Activity:
    """An activity of a workflow. `how`: the way in which the server closed it, "" when it has not."""

    workflow: str
    type: str
    argument: object
    session: str
    scheduled_us: int
    how: str = ""
    attempts: dict[int, Attempt] = field(default_factory=dict)
    """By number, from 1."""

    @property
    def completions(self) -> int:
        """How often its work was done to the end on a worker, whether or not anybody learned of it."""
        return sum(attempt.outcome == "completed" for attempt in self.attempts.values())


class Account:
    """What has happened so far. Times are microseconds since the start of the run."""

    def __init__(self) -> None:
        self.workflows: dict[str, Workflow] = {}
        """By id."""
        self.all_activities: list[Activity] = []
        """In the order in which they were scheduled, without those of the session framework."""
        self.histories: dict[str, list[Written]] = {}
        """The events of each run, with their times, by the run's name: `server/run/WORKFLOW/NUMBER`."""
        self.ended_us = 0
        """When the run was over."""
        self._open: dict[tuple[str, int], Activity] = {}

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many workflows have each status."""
        found: dict[str, int] = {}
        for workflow in self.workflows.values():
            found[workflow.status] = found.get(workflow.status, 0) + 1
        return found

    def activities(self, type: str) -> Iterator[Activity]:
        """The activities of this type."""
        return (activity for activity in self.all_activities if activity.type == type)

    def completions(self, type: str, argument: object = None) -> int:
        """How often the work of this type (and this argument, unless it is None) was done to the end."""
        return sum(a.completions for a in self.activities(type) if argument is None or a.argument == argument)

    # -- listening -----------------------------------------------------------------------------------------------------

    def listeners(self) -> Mapping[type, Listener]:
        """What it has to be told."""
        return {
            obs.WorkflowStarted: self._started,
            obs.WorkflowCancelRequested: self._cancel_requested,
            obs.WorkflowClosed: self._closed,
            Wrote: self._wrote,
            obs.AttemptBegan: self._began,
            obs.AttemptEnded: self._ended,
            obs.ActivityClosed: self._activity_closed,
        }

    def _started(self, time: int, node: str, o: obs.WorkflowStarted) -> None:
        self.workflows.setdefault(o.workflow_id, Workflow(o.workflow_id, time))

    def _cancel_requested(self, time: int, node: str, o: obs.WorkflowCancelRequested) -> None:
        if o.workflow_id in self.workflows:
            self.workflows[o.workflow_id].cancel_requested = True

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        workflow = self.workflows.get(o.workflow_id)
        if workflow is not None and not o.next_run:
            failed = type(o.outcome).__module__ == "sim.history.failures"
            workflow.status, workflow.ended_us = o.status, time
            workflow.outcome = describe(to_error(o.outcome)) if failed else o.outcome  # type: ignore[arg-type]

    def _wrote(self, time: int, node: str, o: Wrote) -> None:
        self.histories.setdefault(o.run, []).extend(o.events)
        for written in o.events:
            if isinstance(written.event, ActivityTaskScheduled):
                command = written.event.command
                if command.activity_type not in FRAMEWORK_ACTIVITIES:
                    workflow = o.run.split("/")[2]
                    activity = Activity(workflow, command.activity_type, command.input, command.session, time)
                    self.all_activities.append(activity)
                    self._open[o.run, command.ordinal] = activity

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        activity = self._open.get((o.run, o.ordinal))
        if activity is not None:
            activity.attempts[o.attempt] = Attempt(o.identity, time)

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        activity = self._open.get((o.run, o.ordinal))
        if activity is not None and o.attempt in activity.attempts:
            attempt = activity.attempts[o.attempt]
            attempt.ended_us, attempt.outcome = time, o.outcome

    def _activity_closed(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        activity = self._open.get((o.run, o.ordinal))
        if activity is not None:
            activity.how = o.how
