"""What is said of a test that failed: short, and enough to see the mistake and to have it again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.properties import KNOWN
from sim.properties.base import Property, Violation
from sim.properties.own import named
from sim.report.story import Line, StoryCollector
from sim.report.timeline import TimelineCollector
from sim.scenario.load import Scenario
from sim.scenario.run import RunResult, run
from sim.shrink import NotBroken, Shrunk, shrink
from sim.testing.campaign import Broken
from sim.testing.example import text_of

TRIES: Final = 200
"""Runs that shrinking may take: seconds. `session-sim shrink TAPE` goes on where it stopped."""
SEEDS: Final = 5
"""Runs, with each fault and without it, that say whether it is guilty."""
BEFORE: Final = 14
AFTER: Final = 2
"""Lines of the story before and after the break."""


@dataclass(frozen=True, slots=True)
class Found:
    """A failing run, shrunk if it could be, watched, and written down. `files`: where, by kind."""

    promise: Property
    violation: Violation
    result: RunResult
    lines: Sequence[Line]
    files: dict[str, Path]
    shrunk: Shrunk | None = None


def examined(broken: Broken, out: Path, tries: int = TRIES) -> Found:
    """Shrink a failing run, watch it, and write its files to `out`; `tries` 0: as it is."""
    assert broken.promise is not None
    assert broken.tape is not None
    one = broken.promise
    builtin = one.name in KNOWN
    shrunk = None
    with named([one]):
        if tries:
            # Not broken this time: workflow code that is not deterministic. Then the run as it was seen is all there is.
            with suppress(NotBroken):
                shrunk = shrink(broken.tape, one.name, tries=tries, seeds=SEEDS)
        tape = shrunk.tape if shrunk is not None else broken.tape
        tables = dict(tape.scenario)
        if not builtin:
            # The tape goes to whoever runs `session-sim replay`, where nobody knows the test's own checks.
            for name in ("expect", "properties"):
                tables.pop(name, None)
        scenario = Scenario.from_dict(tables, source="the tape's scenario")
        story, timeline = StoryCollector(), TimelineCollector()
        result = run(scenario, tape.seed, deviations=tape.deviations, properties=[one], observers=[story, timeline])
    violations = result.verdicts[one.name].violations
    violation = violations[0] if violations else broken.violation
    assert violation is not None
    files = _written(result, scenario, story, timeline, out)
    return Found(one, violation, result, around(list(story.story().told()), violation), files, shrunk)


def _written(result: RunResult, scenario: Scenario, story: StoryCollector, timeline: TimelineCollector, out: Path) -> dict[str, Path]:
    from sim.cli import versions
    from sim.cli.judgement import judged
    from sim.report import html

    out.mkdir(parents=True, exist_ok=True)
    tape, page, toml = out / "run.tape", out / "report.html", out / "scenario.toml"
    result.tape.write(tape)
    text = text_of(scenario)
    toml.write_text(text, "utf-8")
    contents = html.Contents(
        result.to_json(), judged(result, scenario.model.expect), timeline.timeline(result.ended_at_us), story.story(),
        f"session-sim replay {tape}", text, versions.program(), scenario.model.title, scenario.model.modules,
    )  # fmt: skip
    page.write_text(html.render(contents), "utf-8", errors="backslashreplace")
    return {"tape": tape, "report": page, "scenario": toml}


def around(lines: Sequence[Line], violation: Violation) -> list[Line]:
    """The lines of a story that lead to the break, and a few more."""
    until = sum(line.time <= violation.time_us for line in lines)
    return list(lines[max(until - BEFORE, 0) : until + AFTER])


def text(found: Found, test: str, seed: int, runs: int, faults: str = "", shown: Path | None = None) -> str:
    """The whole message.

    Args:
        found: what was found.
        test: the test's id, for the command that replays it.
        seed: the seed that found it.
        runs: in how many runs.
        faults: what the nemesis had in store.
        shown: paths are written relative to this.
    """
    one, violation = found.promise, found.violation
    files = {kind: str(_relative(path, shown)) for kind, path in found.files.items()}
    message = " ".join(violation.message.splitlines()[0].split()) if violation.message else ""
    rows = [("promise", one.sentence), ("source", one.source), ("seed", f"{seed} (run {runs} of this test)")]
    if found.shrunk is not None:
        deviations, shrunk = found.shrunk.deviations, found.shrunk
        stopped = "" if shrunk.complete else f", not the smallest yet: session-sim shrink {files['tape']}"
        rows.append(("shrunk", f"to {_many(deviations.faults, 'fault')} in {_many(shrunk.tries, 'run')}{stopped}"))
        guilty = [suspect.words for suspect in shrunk.guilty]
        rows.append(("guilty", "; ".join(guilty) or ("none alone" if shrunk.suspects else "no fault: it happens without any")))
    else:
        rows.append(("faults", faults))
    rows += [
        ("replay", f"pytest {_quoted(test)} --session-sim-replay {files['tape']}"),
        ("look", f"session-sim explain {files['tape']} --long"),
        ("report", files["report"]),
        ("scenario", files["scenario"]),
    ]
    head = f"{one.name} is broken: {message}"
    more = violation.message.splitlines()[1:]
    return "\n".join([head, *(f"  {line}" for line in more), "", *_table(rows), "", *_story(found)])


def _story(found: Found) -> list[str]:
    lines, broken = [], False
    for line in found.lines:
        if not broken and line.time > found.violation.time_us:
            lines.append(f"  ✗ here {found.promise.name} is broken")
            broken = True
        lines.append(f"    {line}")
    return lines if broken else [*lines, f"  ✗ here {found.promise.name} is broken"]


def text_of_error(broken: Broken, runs: int, out: Path, shown: Path | None = None) -> str:
    """What is said when workflow code did what cannot go on: there is no tape of such a run, but a scenario."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "scenario.toml"
    file.write_text(text_of(broken.scenario), "utf-8")
    again = f"session-sim run {_relative(file, shown)} --seed {broken.seed}"
    rows = [("seed", f"{broken.seed} (run {runs} of this test)"), ("faults", broken.faults), ("again", again)]
    return "\n".join([broken.error, "", *_table(rows)])


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<9} {value}" for name, value in rows if value]


def _relative(path: Path, start: Path | None) -> Path:
    return path.relative_to(start) if start is not None and path.is_relative_to(start) else path


def _quoted(test: str) -> str:
    return f"'{test}'" if any(c in test for c in " []()&;|$*?") else test


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
