"""The report of a failing run: what was promised, what happened instead, who did it, when it was decided, and how to do it again."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from sim.properties import KNOWN
from sim.properties.base import Violation
from sim.report.clock import length, stamp
from sim.report.difference import compare
from sim.report.regression import counted, regression_test, scenario_text
from sim.report.story import Line, Story, StoryCollector
from sim.report.timeline import TimelineCollector
from sim.report.timeline_parts import Timeline
from sim.scenario.load import Scenario
from sim.scenario.run import RunResult, run
from sim.shrink.examination import Examination
from sim.trace.tape import Tape

MARGIN: Final = 1_000_000
"""How much of the run is shown after the property was broken, at the least; microseconds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report of a failing run is made of.

    `violation`: the first one. `commands`: what does it again, in the shell. `scenario`: the smallest one as TOML, without the
    text of workflow modules, but with a word on where to have it. `test`: the
    regression test. `difference`: from the nearest run that keeps the property, None without one; see `compare`.
    """

    examination: Examination
    result: RunResult
    violation: Violation
    story: Story
    timeline: Timeline
    scenario: str
    test: str
    commands: tuple[str, ...]
    difference: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The property."""
        return self.examination.shrunk.broken

    @property
    def promise(self) -> str:
        return KNOWN[self.name].sentence

    @property
    def source(self) -> str:
        return KNOWN[self.name].source

    @property
    def size(self) -> str:
        """How small it is: "1 fault, 1 unusual choice; before 9 faults, 517 unusual choices"."""
        small = self.examination.shrunk
        now = counted(small.deviations.faults, small.deviations.choices)
        if small.before is None or small.before == small.deviations:
            return now
        return f"{now}; the run that was given had {counted(small.before.faults, small.before.choices)}"

    @property
    def guilty(self) -> str:
        """Who did it, in words."""
        words = [suspect.words for suspect in self.examination.shrunk.guilty]
        if words:
            return " and ".join(words)
        return "no fault: it needs none" if not self.examination.shrunk.suspects else "no single fault"

    def told(self) -> list[Line]:
        """The long story until soon after the property was broken."""
        end = self.end
        return [line for line in self.story.told(long=True) if line.time <= end]

    @property
    def end(self) -> int:
        """How much of the run is worth looking at, microseconds."""
        broken_at = self.violation.time_us
        return min(self.result.ended_at_us, max(broken_at + broken_at // 4, broken_at + MARGIN))

    @property
    def decided(self) -> Line | None:
        """The sentence of the story at which it was decided; None when no moment stands out."""
        jump = self.examination.decisive.jump
        if jump is None:
            return None
        lines = [line for line in self.told() if line.time >= max(jump[1].time, 0)]
        at_once = [line for line in lines if line.time == max(jump[1].time, 0)]
        return min(at_once, key=lambda line: (_is_start(line), line.weight), default=lines[0] if lines else None)

    @property
    def decision(self) -> str:
        """When it was decided, in words."""
        jump, line = self.examination.decisive.jump, self.decided
        if jump is None or line is None:
            return "No moment decides it: whatever is fixed, it breaks about as often as before."
        before, after = jump
        kind = "unplanned" if after.unplanned.value - before.unplanned.value >= after.planned.value - before.planned.value else "planned"
        was, now = getattr(before, kind), getattr(after, kind)
        also = "without the faults that are still to come" if kind == "unplanned" else "with the same faults"
        return f"With all fixed until {stamp(after.time, 3)} it breaks in {now} forks ({also}), in {was} before."


def _is_start(line: Line) -> bool:
    """Whether everybody starts at this time anyway, so that the line tells nothing of the decision."""
    return line.time == 0 and (" starts on " in line.text)


def failure_of(examination: Examination, original: str = "") -> Failure:
    """Run the smallest run once more, with somebody looking, and put everything together.

    Args:
        examination: what was found out.
        original: where the tape is that was shrunk, for the command that does it again.
    """
    small = examination.shrunk
    result, line, story = _watched(small.tape)
    found = result.verdicts[small.broken].violations[0]
    difference = None
    if examination.passing is not None:
        passing, _, other = _watched(examination.passing.tape)
        told = [one.told(routine=True) for one in (story, other)]
        difference = compare((small.tape, examination.passing.tape), [result, passing], told)
    commands = _commands(small.broken, original)
    whole = f"`{commands[1]}` writes both as {PurePath(original).stem}/shrunk.toml" if len(commands) > 2 else "its text stands below"
    scenario = scenario_text(small, whole)
    return Failure(examination, result, found, story, line, scenario, regression_test(small), commands, difference)


def _watched(tape: Tape) -> tuple[RunResult, Timeline, Story]:
    timeline, story = TimelineCollector(), StoryCollector()
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    result = run(scenario, tape.seed, deviations=tape.deviations, observers=[timeline, story])
    return result, timeline.timeline(result.ended_at_us), story.story()


def _commands(name: str, original: str) -> tuple[str, ...]:
    again = ["session-sim replay shrunk.tape", "session-sim explain shrunk.tape --long"]
    if original and original != "-":
        folder = PurePath(original).stem
        first = (["session-sim", "replay", original], ["session-sim", "shrink", original, "--property", name, "--out", folder])
        again = [*map(shlex.join, first), f"session-sim replay {shlex.quote(f'{folder}/shrunk.tape')}"]
    return tuple(again)


# -- as a page -----------------------------------------------------------------------------------------------------------


def render(failure: Failure, version: str = "") -> str:
    """The report as one HTML file."""
    from sim.report import html
    from sim.report.plots import decisive, style
    from sim.report.plots import timeline as timeline_plot

    small = failure.examination.shrunk
    line = replace(failure.timeline, end=failure.end)
    decided = failure.decided
    rows = [{**html.row(one), "decided": one is decided, "broken": False} for one in failure.told()]
    modules = sorted(small.tape.scenario.get("modules", {}).items())
    return html.template("failure.html.j2").render(
        name=f"{failure.name} is broken",
        scenario_name=failure.result.scenario,
        failure=failure,
        small=small,
        seed=small.tape.seed,
        deviations=sorted(small.tape.deviations.items()),
        timeline=html.themed(style.svg(timeline_plot.draw(line, f"{failure.result.scenario}, seed {small.tape.seed}")), "timeline"),
        curve=html.themed(style.svg(decisive.draw(failure.examination.decisive)), "decisive"),
        lines=_with_violation(rows, failure.violation),
        decided=decided,
        suspects=small.suspects,
        passing=failure.examination.passing,
        difference=failure.difference,
        modules=modules,
        tape=base64.b64encode(small.tape.to_bytes()).decode("ascii"),
        length=length,
        version=version,
    )


def _with_violation(rows: Sequence[dict[str, Any]], violation: Violation) -> list[dict[str, Any]]:
    """The lines of the story, and where the promise was broken."""
    words = {"time": stamp(violation.time_us, 3), "text": violation.message, "key": True, "sessions": "", "decided": False, "broken": True}
    before = [one for one in rows if one["time"] <= words["time"]]
    return [*before, words, *rows[len(before) :]]
