"""How long an open poll waits: its time runs from when it came, whatever it is given meanwhile."""

from __future__ import annotations

from sim.model import effects as fx
from sim.model.inputs import Call, Deliver, Fired, Input, Reply
from sim.model.outcomes import ScriptedStep
from sim.protocol import messages as msg
from sim.protocol.queue import TaskQueue, poll_tag

CALL = Call("w", "poll")
POLL = poll_tag(CALL)
ITEM = msg.WorkflowTaskItem("server/run/job/1", 1)
START = ("start", *POLL[1:])
REFUSED = msg.Refused(msg.Code.NOT_FOUND, "gone")


def effects(queue: TaskQueue, event: Input) -> list[fx.Effect]:
    step = ScriptedStep("server/queue")
    queue.handle(event, step)
    return step.effects


def polled() -> TaskQueue:
    queue = TaskQueue(1)
    assert [e.tag for e in effects(queue, Deliver(msg.Poll("w"), "w", CALL)) if isinstance(e, fx.Arm)] == [POLL]
    return queue


def test_a_refused_start_leaves_the_poll_what_was_left_of_its_time() -> None:
    queue = polled()
    for _ in range(2):
        given = effects(queue, Deliver(msg.AddTask(ITEM), "server/shard/0"))
        assert any(isinstance(e, fx.Request) for e in given)
        assert not any(isinstance(e, fx.Disarm) and e.tag == POLL for e in given)
        assert not any(isinstance(e, fx.Arm) and e.tag == POLL for e in effects(queue, Reply(START, REFUSED)))
    assert fx.Answer(CALL, msg.NoTask()) in effects(queue, Fired(POLL))


def test_a_poll_whose_time_ends_while_its_task_is_refused_ends_empty() -> None:
    queue = polled()
    effects(queue, Deliver(msg.AddTask(ITEM), "server/shard/0"))
    assert effects(queue, Fired(POLL)) == []
    assert fx.Answer(CALL, msg.NoTask()) in effects(queue, Reply(START, REFUSED))
    assert not queue.open


def test_a_poll_that_got_its_task_has_no_timer_left() -> None:
    queue = polled()
    effects(queue, Deliver(msg.AddTask(ITEM), "server/shard/0"))
    assert fx.Disarm(POLL) in effects(queue, Reply(START, msg.Ok()))
