"""What the activities of a scenario do: functions of the task alone, whichever worker runs it and when."""

from __future__ import annotations

from sim.model.draws import DRAW_BITS, draw
from sim.model.spans import Drawn
from sim.protocol.messages import ActivityTask
from sim.protocol.worker.work import Behaviour, Failing, Work
from sim.scenario.schema import ActivitySection


def behaviour_of(name: str, section: ActivitySection, seed: int) -> Behaviour:
    """The behaviour of activity type `name`.

    Its draws are named by workflow, activity (type and number in its run) and attempt, so they are the same wherever
    and whenever the attempt runs.
    """
    threshold = int(section.failure_probability * (1 << DRAW_BITS))
    failing = Failing(section.fails)

    def behaviour(task: ActivityTask) -> Work:
        entity = f"{task.run.partition('/run/')[2]}/{name}/{task.ordinal}"
        fails = threshold > 0 and draw(seed, "activity fails", entity, task.attempt) < threshold
        return Work(
            Drawn("activity", section.duration, entity, task.attempt),
            section.heartbeat_every,
            section.obeys_cancellation,
            failing if fails else Failing.NO,
            section.result,
            name,
        )

    return behaviour
