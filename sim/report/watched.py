"""A run watched afterwards: its tape is run again with somebody looking.

A run is the same with and without watchers, so nobody has to say beforehand that they want a picture, and a result that was sent
to another process, or kept for a year, still has one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.report.story import Story, StoryCollector
from sim.report.timeline import TimelineCollector
from sim.report.timeline_parts import Limits, Timeline
from sim.scenario.load import Scenario
from sim.scenario.replay import ReplayResult
from sim.scenario.run import RunResult, run
from sim.trace.tape import Tape


class Diverged(Exception):
    """The run that a tape gives now is not the one it was made of."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a run: its timeline, and its story in sentences. Everything is plain data."""

    scenario: str
    seed: int
    digest: str
    timeline: Timeline
    story: Story

    def _repr_html_(self) -> str:
        """The picture and the short story, in a notebook."""
        from sim.report import notebook

        return notebook.page(self)


def watch(what: RunResult | ReplayResult | Tape, limits: Limits | None = None, observations: int = 200_000) -> Watched:
    """Run a tape, or the tape of a result, once more, and look.

    Args:
        what: the run.
        limits: how much of each kind of thing the timeline keeps.
        observations: how many the story is made of.

    Raises:
        ScenarioError: the tape's scenario does not suit this program.
        Diverged: it was another run this time: another version of the program, or workflow code that is not deterministic.
    """
    tape = _tape(what)
    timeline, story = TimelineCollector(limits), StoryCollector(observations)
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    # Judging costs time and changes nothing.
    result = run(scenario, tape.seed, deviations=tape.deviations, observers=[timeline, story], properties=())
    if result.digest != tape.digest:
        made = f"made by {tape.made_by}; replay(tape) says where they part"
        raise Diverged(f"the run is not the one on the tape: its digest is {result.digest}, the tape's is {tape.digest}, {made}")
    return Watched(result.scenario, result.seed, result.digest, timeline.timeline(result.ended_at_us), story.story())


def _tape(what: RunResult | ReplayResult | Tape) -> Tape:
    match what:
        case Tape():
            return what
        case RunResult():
            return what.tape
        case ReplayResult():
            return what.result.tape
        case _:
            raise TypeError(f"watch takes the result of run or replay, or a tape; this is a {type(what).__name__}")
