"""One run's workflow code, executed from its replay log.

`Execution.advance` applies the log's next entries in order, runs the coroutines after each boundary and gives the
commands of the last task. It is a function of (definition, input, log, answers): a worker may drop an execution at any
time and build it again from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final, Protocol

from msgspec import Struct

from sim.history.commands import (
    CancelTimer,
    CancelWorkflow,
    Closing,
    Command,
    CompleteWorkflow,
    ContinueAsNew,
    FailWorkflow,
    RecordMarker,
    RequestCancelActivity,
    ScheduleActivity,
    StartTimer,
)
from sim.history.failures import ApplicationFailure
from sim.history.visible import (
    ActivityCanceled,
    ActivityCompleted,
    ActivityFailed,
    Asked,
    CancelRequested,
    Signaled,
    TaskBegan,
    TimerFired,
    Visible,
)
from sim.workflow.containment import contained, panicked
from sim.workflow.context import SMALL_MAP, Context, Scope
from sim.workflow.coroutines import Dispatcher
from sim.workflow.definition import Definition
from sim.workflow.errors import (
    ActivityError,
    CanceledError,
    ContinueAsNewError,
    NonDeterminismError,
    NotModelledError,
    SessionFailedError,
    WorkflowError,
    canceled_in,
    chain,
    to_error,
    to_failure,
)
from sim.workflow.futures import Channel, Future
from sim.workflow.mutants import Mutants
from sim.workflow.repairs import Repairs
from sim.workflow.sdk import DEFAULT_SDK_VERSION, SdkVersion
from sim.workflow.variants import Variant

_MAP_ORDER: Final = "map order of sibling contexts"


class Info(Struct, frozen=True):
    """What `get_info` tells workflow code about its run."""

    workflow_id: str
    run: str
    workflow_type: str
    task_queue: str
    sdk: SdkVersion = SdkVersion.parse(DEFAULT_SDK_VERSION)
    mutants: Mutants = ()
    """Planted bugs of the framework; empty but in tests of properties."""
    variant: Variant = Variant.SESSIONS
    """Which variant of the session framework the code is linked with."""
    repairs: Repairs = ()
    """Repairs of the framework (`sim.workflow.repairs`); the Go SDK has none."""


class Chooser(Protocol):
    """Answers what Go leaves to chance."""

    def __call__(self, label: str, options: Sequence[int]) -> int: ...


def _first(label: str, options: Sequence[int]) -> int:
    return options[0]


class Progress(Struct, frozen=True):
    """What one workflow task came to. `error`: the task failed (a panic, or non-determinism) with this cause."""

    commands: tuple[Command, ...]
    seen: tuple[object, ...]
    error: tuple[str, str] | None = None


class Pending:
    """An activity or timer that was asked for and has not ended."""

    __slots__ = ("activity_type", "argument", "cancel_sent", "future", "ordinal", "scope", "wait_for_cancellation")

    def __init__(
        self, ordinal: int, future: Future, scope: Scope, activity_type: str = "", argument: object = None,
        wait_for_cancellation: bool = False,
    ) -> None:  # fmt: skip
        self.ordinal = ordinal
        self.future = future
        self.scope = scope
        self.activity_type = activity_type
        self.argument = argument
        self.wait_for_cancellation = wait_for_cancellation
        self.cancel_sent = False


class Environment:
    """What contexts reach: commands, pending things, channels, the clock of the current task."""

    __deletable__: ClassVar = ["root"]
    """For the compiled build: what code that is over lets go of."""

    def __init__(self, definition: Definition, info: Info, choose: Chooser | None = None) -> None:
        self.definition = definition
        self.info = info
        self.now = 0
        self.replaying = False
        self.dispatcher = Dispatcher()
        self.root = Context(self, Scope(None))
        self.commands: list[Command] = []
        self.seen: list[object] = []
        self.closing: Closing | None = None
        self.queries: dict[str, Callable[..., object]] = {}
        self.open_sessions: dict[str, object] = {}
        self.choose: Chooser = choose or _first
        self._activities: dict[int, Pending] = {}
        self._timers: dict[int, Pending] = {}
        self._channels: dict[str, Channel] = {}
        self._markers: dict[int, object] = {}
        self._count = {"activity": 0, "timer": 0, "marker": 0, "session": 0}
        self.ended_by_cancellation: list[tuple[str, object]] = []
        """Types and arguments of the activities that were open when the workflow's cancellation reached them."""
        self.at_end: list[Callable[[], None]] = []
        """What lets go of things that refer to each other, once the code is over."""
        self.recorded_cancels: Sequence[int] = ()
        """While replaying: ordinals of the activities whose cancellation the history records next, in order."""

    def release(self) -> None:
        """The code is over: let go of what refers to this, or to other contexts, which would wait for the collector of cycles."""
        for let_go in self.at_end:
            let_go()
        for held in (self.at_end, self._activities, self._timers, self._channels, self.open_sessions, self.queries):
            held.clear()
        del self.root

    @property
    def sdk(self) -> SdkVersion:
        """The version of the SDK that runs this code."""
        return self.info.sdk

    # -- what workflow code asks for ---------------------------------------------------------------------------------

    def issue(self, command: Command) -> None:
        """Add a command, unless the coroutines are only being unwound."""
        if not self.dispatcher.closing:
            self.commands.append(command)

    def next_ordinal(self, kind: str) -> int:
        """The next number of this kind of thing in this run, from 1."""
        self._count[kind] += 1
        return self._count[kind]

    def new_session_id(self) -> str:
        """A session id, unique in the simulation; the recorder turns it into a uuid."""
        return f"{self.info.workflow_id}/{self.info.run.rpartition('/')[2]}/s{self.next_ordinal('session')}"

    def observe(self, observation: object) -> None:
        """Let the outside see something, once: not again when it is replayed."""
        if not self.replaying and not self.dispatcher.closing:
            self.seen.append(observation)

    def schedule_activity(self, ctx: Context, command: ScheduleActivity, wait_for_cancellation: bool) -> Future:
        """Ask for an activity; its future fails at once when the context is cancelled already."""
        future = Future()
        pending = Pending(command.ordinal, future, ctx.scope, command.activity_type, command.input, wait_for_cancellation)
        self._activities[command.ordinal] = pending
        self.issue(command)
        if ctx.scope.canceled:
            self._cancel_activity(pending)
        else:
            ctx.scope.hooks[command.ordinal] = lambda: self._cancel_activity(pending)
        return future

    def cancel_activity(self, future: Future) -> None:
        """Ask for the cancellation of the activity that this is the future of, whatever its context; nothing when it has ended."""
        for pending in self._activities.values():
            if pending.future is future:
                self._cancel_activity(pending)
                return

    def _cancel_activity(self, pending: Pending) -> None:
        if pending.ordinal not in self._activities or pending.cancel_sent:
            return
        pending.cancel_sent = True
        self.issue(RequestCancelActivity(pending.ordinal))
        if not pending.wait_for_cancellation:
            pending.future.resolve(error=_why_over(pending.scope))

    def start_timer(self, ctx: Context, duration: int, summary: str = "") -> Future:
        """A timer of `duration` microseconds; not positive: it has fired already, without a command."""
        future = Future()
        if duration <= 0:
            future.resolve()
            return future
        ordinal = self.next_ordinal("timer")
        pending = Pending(ordinal, future, ctx.scope)
        self._timers[ordinal] = pending
        self.issue(StartTimer(ordinal, duration, summary))
        if ctx.scope.canceled:
            self._cancel_timer(pending)
        else:
            ctx.scope.hooks[-ordinal] = lambda: self._cancel_timer(pending)
        return future

    def _cancel_timer(self, pending: Pending) -> None:
        """Both commands are sent, also when the timer was started in the same task, or on a context cancelled before."""
        if pending.ordinal not in self._timers:
            return
        del self._timers[pending.ordinal]
        self.issue(CancelTimer(pending.ordinal))
        pending.future.resolve(error=_why_over(pending.scope))

    def side_effect(self, function: Callable[[], object]) -> object:
        """The value of `function`, taken once: replay gives the recorded one."""
        ordinal = self.next_ordinal("marker")
        value = self._markers[ordinal] if ordinal in self._markers else function()
        self.issue(RecordMarker(ordinal, value))
        return value

    def channel(self, name: str) -> Channel:
        """The channel of this signal."""
        if name not in self._channels:
            self._channels[name] = Channel(name)
        return self._channels[name]

    def cancel(self, scope: Scope, session_failed: bool = False) -> None:
        """Cancel a scope: its own hooks in order of registration, then its children in an order left to chance."""
        if scope.canceled:
            return
        scope.canceled, scope.session_failed = True, session_failed
        hooks, scope.hooks = list(scope.hooks.values()), {}
        for hook in hooks:
            hook()
        slots, scope.children = scope.children, []
        for child in self._in_map_order(slots):
            self.cancel(child, session_failed)
        if scope.parent is not None:
            scope.parent.disown(scope)

    def _in_map_order(self, slots: list[Scope | None]) -> Iterator[Scope]:
        """The children of a scope: a small map is gone through from any slot around, a larger one in any order (P1.3.2)."""
        children = [child for child in slots if child is not None]
        if len(children) > 1 and len(slots) <= SMALL_MAP and not self.replaying:
            start = self.choose(_MAP_ORDER, range(len(children)))
            children = children[start:] + children[:start]
            yield from children
            return
        while children:
            yield children.pop(self._next_child(children))

    def _next_child(self, children: list[Scope]) -> int:
        if len(children) == 1:
            return 0
        if self.replaying:
            for ordinal in self.recorded_cancels:
                for i, child in enumerate(children):
                    if ordinal in child.activities():
                        return i
            return 0
        return self.choose(_MAP_ORDER, range(len(children)))

    # -- what happened -----------------------------------------------------------------------------------------------

    def remember_marker(self, ordinal: int, value: object) -> None:
        """Markers are known before the code of their batch runs."""
        self._markers[ordinal] = value

    def apply(self, entry: Visible) -> None:
        """One thing the history says, in order."""
        match entry:
            case Signaled(name, payload):
                self.channel(name).send_async(payload)
            case CancelRequested():
                before = [a for a in self._activities.values() if not a.cancel_sent]
                self.cancel(self.root.scope)
                self.ended_by_cancellation += [(a.activity_type, a.argument) for a in before if a.cancel_sent]
            case ActivityCompleted(ordinal, result):
                self._close_activity(ordinal, result, None)
            case ActivityFailed(ordinal, failure, retry_state):
                activity = self._activities.get(ordinal)
                kind = activity.activity_type if activity else ""
                self._close_activity(ordinal, None, ActivityError(ordinal, kind, retry_state, to_error(failure)))
            case ActivityCanceled(ordinal, details):
                activity = self._activities.get(ordinal)
                kind = activity.activity_type if activity else ""
                failed = activity is not None and activity.scope.session_failed
                why = SessionFailedError() if failed else ActivityError(ordinal, kind, None, CanceledError(details))
                self._close_activity(ordinal, None, why)
            case TimerFired(ordinal):
                timer = self._timers.pop(ordinal, None)
                # Its cancellation in this very batch is not sent (P1.7.9).
                self.commands = [c for c in self.commands if not (isinstance(c, CancelTimer) and c.ordinal == ordinal)]
                if timer is not None:
                    timer.scope.hooks.pop(-ordinal, None)
                    timer.future.resolve()
            case _:
                raise TypeError(f"{entry} is not something that happens to workflow code")

    def _close_activity(self, ordinal: int, result: object, error: BaseException | None) -> None:
        activity = self._activities.pop(ordinal, None)
        if activity is None:
            raise NonDeterminismError(f"the history closes activity {ordinal}, which the workflow code never asked for")
        activity.scope.hooks.pop(ordinal, None)
        # A cancel request that was issued in this very batch and not sent yet is not sent at all.
        self.commands = [c for c in self.commands if not (isinstance(c, RequestCancelActivity) and c.ordinal == ordinal)]
        activity.future.resolve(result, error)


def _why_over(scope: Scope) -> WorkflowError:
    """What ends at once with this scope ends with this error."""
    return SessionFailedError() if scope.session_failed else CanceledError()


class Execution:
    """The code of one run and how far it has come."""

    def __init__(self, definition: Definition, argument: object, info: Info) -> None:
        self.env = Environment(definition, info)
        self.tasks = 0
        """How many workflow tasks have been executed."""
        self._position = 0
        self._ahead = False
        """Whether the last task was run live, so that its boundary is still to come in the log."""
        self._expected: list[Command] = []
        self.env.dispatcher.spawn(self._main(argument))

    async def _main(self, argument: object) -> None:
        self.env.closing = await _outcome(self.env, argument)

    @contained
    def advance(self, log: Sequence[Visible], upto: int, now: int, choose: Chooser) -> Progress:
        """Replay `log` up to index `upto`, then run the task that its last entries bring.

        Raises NotModelledError when the code asks for something this project refuses, WorkflowCodeError when it would end
        the program.
        """
        self.env.choose = choose
        try:
            self._run_to(log, upto, now)
        except NotModelledError:
            raise
        except NonDeterminismError as error:
            return Progress((), (), ("NON_DETERMINISTIC_ERROR", str(error)))
        except Exception as error:  # whatever user code lets out is a panic
            return Progress((), (), ("WORKFLOW_WORKER_UNHANDLED_FAILURE", panicked(self.env.definition.function, error)))
        finally:
            # Who chooses knows the whole world, which must not stay for as long as a workflow of a dead worker.
            self.env.choose = _first
        commands = tuple(self._expected)
        if self.env.closing is not None:
            commands += (self.env.closing,)
        return Progress(commands, tuple(self.env.seen))

    @contained
    def replay(self, log: Sequence[Visible]) -> None:
        """Replay the tasks that were completed, and no other: where queries are answered. Raises NonDeterminismError."""
        boundaries = [i for i, entry in enumerate(log) if isinstance(entry, TaskBegan)]
        if boundaries:
            end = boundaries[-1] + 1
            while end < len(log) and isinstance(log[end], Asked):
                end += 1
            self._apply(log, end)

    def _run_to(self, log: Sequence[Visible], upto: int, now: int) -> None:
        self._run_task(self._apply(log, upto), now, replaying=False)
        self._ahead = True

    def _apply(self, log: Sequence[Visible], upto: int) -> list[Visible]:
        """Go through the log and replay the tasks in it; gives what came after the last of them."""
        batch: list[Visible] = []
        # By their classes, which have no subclasses: a pattern costs several times as much.
        for i in range(self._position, upto):
            entry = log[i]
            if type(entry) is Asked:
                self._match(entry.command)
            elif type(entry) is not TaskBegan:
                batch.append(entry)
            elif self._ahead:
                self._ahead = False
            else:
                self._look_ahead(log, i + 1, upto)
                self._run_task(batch, entry.now, replaying=True)
                batch = []
        self._position = upto
        return batch

    def _look_ahead(self, log: Sequence[Visible], start: int, upto: int) -> None:
        """What the history recorded of the task that is about to be replayed: values and orders left to chance."""
        cancels: list[int] = []
        for i in range(start, upto):
            entry = log[i]
            if not isinstance(entry, Asked):
                break
            if isinstance(entry.command, RecordMarker):
                self.env.remember_marker(entry.command.ordinal, entry.command.value)
            elif isinstance(entry.command, RequestCancelActivity):
                cancels.append(entry.command.ordinal)
        self.env.recorded_cancels = cancels

    def _run_task(self, batch: Sequence[Visible], now: int, replaying: bool) -> None:
        env = self.env
        if self._expected:
            raise NonDeterminismError(f"the workflow code asks for {_spell(self._expected[0])}, which the history does not have")
        env.now, env.replaying = now, replaying
        env.commands, env.seen = [], []
        for entry in batch:
            env.apply(entry)
        env.dispatcher.run()
        self.tasks += 1
        self._expected = env.commands

    def _match(self, recorded: Command) -> None:
        """Compare a command of the history with what the code asked for; cancel requests may come in any order."""
        for i, mine in enumerate(self._expected):
            if _same(mine, recorded):
                del self._expected[i]
                return
            if not isinstance(mine, RequestCancelActivity):
                break
        asked = _spell(self._expected[0]) if self._expected else "nothing"
        raise NonDeterminismError(
            f"the history has {_spell(recorded)} where the workflow code asks for {asked}; workflow code must do the same "
            "again when it is replayed: no clock, no random numbers, no state outside the function"
        )

    @contained
    def query(self, name: str, *arguments: object) -> object:
        """Ask a query handler; raises KeyError for an unknown name."""
        if name == "__open_sessions":
            return dict(self.env.open_sessions)
        return self.env.queries[name](*arguments)

    @contained
    def close(self) -> None:
        """Destroy the coroutines; what their `finally` blocks do reaches nobody. To be called once, at the end."""
        self.env.dispatcher.close()
        self.env.release()


async def _outcome(env: Environment, argument: object) -> Closing:
    """Run the workflow function to its end and say how it closes the run."""
    try:
        return CompleteWorkflow(await env.definition.function(env.root, argument))
    except ContinueAsNewError as again:
        return ContinueAsNew(again.workflow_type, again.input)
    except WorkflowError as error:
        for wrapped in chain(error):
            # The frames that it passed refer to it, and to all that the code had: they would wait for the collector of cycles.
            wrapped.__traceback__ = None
        canceled = canceled_in(error)
        if canceled is not None:
            # Also when nobody asked for a cancellation: a propagated session failure ends the run as CANCELED.
            return CancelWorkflow(canceled.details)
        failure = to_failure(error)
        return FailWorkflow(failure if failure is not None else ApplicationFailure(str(error)))


def _same(mine: Command, recorded: Command) -> bool:
    match mine, recorded:
        case ScheduleActivity(), ScheduleActivity():
            return mine.ordinal == recorded.ordinal and mine.activity_type == recorded.activity_type
        case ((RequestCancelActivity() | CancelTimer() | StartTimer() | RecordMarker()), _):
            return type(mine) is type(recorded) and mine.ordinal == recorded.ordinal
        case _:
            return type(mine) is type(recorded)


def _spell(command: Command) -> str:
    match command:
        case ScheduleActivity():
            return f"activity {command.ordinal} ({command.activity_type})"
        case RequestCancelActivity():
            return f"the cancellation of activity {command.ordinal}"
        case StartTimer() | CancelTimer() | RecordMarker():
            return f"{type(command).__name__} {command.ordinal}"
        case _:
            return type(command).__name__
