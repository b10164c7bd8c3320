"""A history shard: starts runs, knows the current run of each workflow, and owns the transfer queue (P4.6.11, P4.3.10).

Runs write transfer tasks; the shard reads all that is written 1 to 3 ms later, at most 20 times a second (a token bucket
of 20), and hands the tasks to matching. Every load of one of its queues sets the mark "load", before which plus one
second no timer of the shard fires.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.model.inputs import Call, Deliver, Fired, Input, Name, NoSuchNode, Reply, Withdrawn
from sim.model.node import Node, Step
from sim.model.spans import MILLISECOND, Drawn, Exactly, Excess, Greatest, Left, Plus, Within
from sim.protocol import messages as msg
from sim.protocol.names import run_name
from sim.protocol.pace import AT_ONCE, Pace
from sim.protocol.run import Run, RunSpec
from sim.protocol.workflow_task import DEFAULT_TIMEOUT, MAX_TIMEOUT

READ_INTERVAL = 50 * MILLISECOND
BURST = 20
READ_DELAY = Within("transfer read", 1_000, 3_000)


@dataclass(slots=True)
class Shard(Node):
    """`current`: workflow id -> its open run. `written`: transfer tasks not read yet."""

    current: dict[str, Name] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    """How many runs the workflow ids with several have had (an id may be used again)."""
    written: list[msg.Transfer] = field(default_factory=list)
    reading: bool = False
    offered: dict[int, msg.Transfer] = field(default_factory=dict)
    """Tasks offered to sticky queues, which may refuse, by the tag of the call."""
    pace: Pace = AT_ONCE
    plain: bool = False
    """Of the runs: see `RunSpec`. Then the bucket of reads is left out too: only a fine clock could tell."""

    @staticmethod
    def prompt() -> frozenset[str]:
        return frozenset({"read"})

    def handle(self, event: Input, step: Step) -> None:
        # The common ones by their classes, which have no subclasses: a pattern costs several times as much.
        if type(event) is Deliver:
            message = event.message
            if type(message) is msg.Transfer:
                self.written.append(message)
                if not self.reading:
                    self._read_soon(step)
                return
            if type(message) is msg.TimerQueueLoaded:
                step.mark("load")
                return
        elif type(event) is Fired and event.tag == "read":
            self._read(step)
            return
        match event:
            case Deliver(message=msg.StartWorkflow() as start, call=call):
                self._start(start, call, step)
            case Deliver(message=msg.RunClosed(workflow_id, next_run)):
                self._closed(workflow_id, next_run, step)
            case Deliver(message=message, call=call):
                self._pass_on(message, call, step)
            case Reply(tag=tag, message=message):
                assert isinstance(tag, int)
                transfer = self.offered.pop(tag)
                if isinstance(message, (msg.StickyUnavailable, NoSuchNode)):
                    step.send(transfer.otherwise, msg.AddTask(transfer.item))
            case Withdrawn():
                return
            case _:
                raise TypeError(f"a shard cannot take {event}")

    def clause(self, event: Input) -> str:
        return "tasks that were written go to their queues" if isinstance(event, Fired) else ""

    # -- the transfer queue ---------------------------------------------------------------------------------------------

    def _read_soon(self, step: Step) -> None:
        if not self.reading:
            self.reading = True
            if self.pace.reads_by_others is not None:
                # Others share the bucket: it is at most as full as they left it.
                step.deadline("tat", Greatest(Left("tat"), Drawn("reads by others", self.pace.reads_by_others)))
            # The bucket as a theoretical arrival time ("tat"): BURST intervals of it may be used in advance.
            step.arm("read", Plus(READ_DELAY, Excess("tat", (BURST - 1) * READ_INTERVAL)))

    def _read(self, step: Step) -> None:
        step.mark("load")
        if not self.plain:
            step.deadline("tat", Plus(Left("tat"), Exactly(READ_INTERVAL)))
        self.reading = False
        written, self.written = self.written, []
        # The tasks of one read are carried out side by side: those of one queue reach it in any order.
        if len(written) > 1 and len({transfer.queue for transfer in written}) < len(written):
            written = _in_some_order(written, step)
        for transfer in written:
            if transfer.otherwise:
                tag = 0
                while tag in self.offered:
                    tag += 1
                self.offered[tag] = transfer
                step.call(transfer.queue, msg.AddTask(transfer.item), tag)
            else:
                step.send(transfer.queue, msg.AddTask(transfer.item))

    # -- workflows ------------------------------------------------------------------------------------------------------

    def _start(self, start: msg.StartWorkflow, call: Call | None, step: Step) -> None:
        if start.workflow_id in self.current:
            if call is not None:
                step.reply(call, msg.Refused(msg.Code.INVALID_ARGUMENT, f"workflow {start.workflow_id} is running"))
            return
        number = self.numbers.get(start.workflow_id, 0) + 1
        name = run_name(start.workflow_id, number)
        # A workflow task may not take longer than the run.
        longest = min((t for t in (start.execution_timeout, start.run_timeout) if t), default=MAX_TIMEOUT)
        spec = RunSpec(
            start.workflow_id, number, start.workflow_type, start.task_queue, start.input, step.me, start.execution_timeout,
            start.run_timeout, min(start.task_timeout or DEFAULT_TIMEOUT, longest), start.identity,
            transaction=self.pace.transaction, plain=self.plain,
        )  # fmt: skip
        self.current[start.workflow_id] = name
        step.spawn(name, Run(spec))
        step.send(name, msg.Began())
        if call is not None:
            step.reply(call, msg.Ok())

    def _closed(self, workflow_id: str, next_run: Name, step: Step) -> None:
        """The close is a transfer task too: the queue is read for it, which moves the mark."""
        if next_run:
            self.current[workflow_id] = next_run
            self.numbers[workflow_id] = int(next_run.rpartition("/")[2])
        else:
            self.current.pop(workflow_id, None)
        self._read_soon(step)

    def _pass_on(self, message: object, call: Call | None, step: Step) -> None:
        """Hand a client's request by workflow id to the current run."""
        run = self.current.get(getattr(message, "workflow_id", ""))
        if run is not None:
            step.send(run, message)
        if call is not None:
            step.reply(call, msg.Ok() if run is not None else msg.Refused(msg.Code.NOT_FOUND, "workflow execution already completed"))


def _in_some_order(written: list[msg.Transfer], step: Step) -> list[msg.Transfer]:
    left, order = list(written), []
    while left:
        order.append(step.choose("order of transfer tasks", tuple(left)))
        left.remove(order[-1])
    return order
