"""What the activities of a scenario do: functions of the task alone, whichever worker runs it and when."""

from __future__ import annotations

from collections.abc import Callable

from sim.model.laws import Law, Uniform
from sim.model.spans import Drawn
from sim.protocol.messages import ActivityTask
from sim.protocol.worker.work import Behaviour, Failing, Work
from sim.scenario.schema import ActivitySection

Sample = Callable[[str, str, int, Law], int]
"""A choice of the run: the value of a law by (purpose, entity, ordinal from 1)."""

MILLION = 1_000_000
OF_A_MILLION = Uniform(0, MILLION - 1)


def behaviour_of(name: str, section: ActivitySection, sample: Sample) -> Behaviour:
    """The behaviour of activity type `name`.

    Its choices are named by workflow, activity (type and number in its run) and attempt, so they are the same wherever
    and whenever the attempt runs. Whether it fails is a number below a million: with a probability of p those below
    p million mean failure, so a deviation to 0 makes an attempt fail that may fail at all.
    """
    threshold = round(section.failure_probability * MILLION)
    failing = Failing(section.fails)

    def behaviour(task: ActivityTask) -> Work:
        entity = f"{task.run.partition('/run/')[2]}/{name}/{task.ordinal}"
        fails = threshold > 0 and sample("activity fails", entity, task.attempt, OF_A_MILLION) < threshold
        return Work(
            Drawn("activity", section.duration, entity, task.attempt),
            section.heartbeat_every,
            section.obeys_cancellation,
            failing if fails else Failing.NO,
            section.result,
            name,
        )

    return behaviour
