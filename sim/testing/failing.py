"""What is said of a test that failed: short, and enough to see the mistake and to have it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sim.model.draws import NO_CHANCE
from sim.properties import KNOWN
from sim.properties.base import Property, Violation
from sim.properties.own import named
from sim.report.story import Line, StoryCollector
from sim.report.timeline import TimelineCollector
from sim.scenario.load import Scenario
from sim.scenario.run import RunResult, run
from sim.shrink import NotBroken, Shrunk
from sim.shrink.examination import Examination, examine
from sim.testing.alike import alike
from sim.testing.campaign import Broken
from sim.testing.example import text_of

TRIES: Final = 200
"""Runs that shrinking may take: seconds. `session-sim shrink TAPE` goes on where it stopped."""
SEEDS: Final = 5
"""Runs, with each fault and without it, that say whether it is guilty."""
FORKS: Final = 3
"""Runs at each prefix of the run that say when it was decided."""
BEFORE: Final = 14
AFTER: Final = 2
"""Lines of the story before and after the break."""
NAMED: Final = 6
"""So many lines before those are kept as they are of what the violation names: the first, and the last ones."""

INSTEAD: Final = {
    "failure_is_failure": "catch CanceledError; unless ctx.canceled says that somebody cancelled the workflow, a worker was lost: "
    'begin again, or raise ApplicationError("...")',
}
"""What to do about a promise that the protocol does not keep by itself, and whose message says nothing of that."""


@dataclass(frozen=True, slots=True)
class Found:
    """A failing run, shrunk if it could be, watched, and written down. `lines`: its short story; `files`: where, by kind."""

    promise: Property
    violation: Violation
    result: RunResult
    lines: Sequence[Line]
    files: dict[str, Path]
    shrunk: Shrunk | None = None


def examined(broken: Broken, out: Path, test: str = "", tries: int = TRIES, shown: Path | None = None) -> Found:
    """Shrink a failing run, look into it, and write its files.

    Args:
        broken: the run.
        out: the folder for the files.
        test: the id of the test that found it.
        tries: runs that shrinking may take; 0: the run stays as it is.
        shown: paths are written relative to this.

    Returns:
        what was found out; without `shrunk` when the run does not break the property again, as workflow code is not
        deterministic, or when nothing was tried.
    """
    assert broken.promise is not None
    assert broken.tape is not None
    one = broken.promise
    builtin = one.name in KNOWN
    out.mkdir(parents=True, exist_ok=True)
    files = {kind: out / name for kind, name in (("tape", "run.tape"), ("report", "report.html"), ("scenario", "scenario.toml"))}
    examination = None
    seen = broken.violation.message if broken.violation is not None else ""
    with named([alike(one, seen)], instead=True):
        if tries:
            with suppress(NotBroken):
                examination = examine(broken.tape, one.name, tries=tries, seeds=SEEDS, forks=FORKS)
        tape = broken.tape if examination is None else examination.shrunk.tape
        scenario = Scenario.from_dict(_judging(tape.scenario, one.name if builtin else ""), source="the tape's scenario")
        watched = StoryCollector(), TimelineCollector()
        result = run(scenario, tape.seed, deviations=tape.deviations, properties=[one], observers=watched)
        result.tape.write(files["tape"])
        files["scenario"].write_text(text_of(scenario), "utf-8")
        shown_tape = str(_relative(files["tape"], shown))
        again = f"pytest {_quoted(test)} --session-sim-replay {shown_tape}"
        page = _plain_page(result, scenario, *watched, again)
        if examination is not None:
            page = _page(examination, again, f"session-sim explain {shown_tape} --long", builtin)
        files["report"].write_text(page, "utf-8", errors="backslashreplace")
    violations = result.verdicts[one.name].violations
    violation = violations[0] if violations else broken.violation
    assert violation is not None
    return Found(one, violation, result, watched[0].story().told(), files, None if examination is None else examination.shrunk)


def _judging(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A scenario that is judged by what the test has failed for, and expects it no more than the test does.

    It names no check of a test's own (`name` is ""): whoever runs `session-sim replay` does not know it.
    """
    rest = {key: table for key, table in tables.items() if key not in ("expect", "properties")}
    return {**rest, "properties": {"enable": [name]}} if name else rest


def _page(examination: Examination, again: str, look: str, builtin: bool) -> str:
    """The report of a run that was shrunk."""
    from sim.cli import versions
    from sim.report.failure import failure_of, render

    failure = replace(failure_of(examination), commands=(again, look))
    if not builtin:
        failure = replace(
            failure, test=f"# The check is one of your own test, which runs this again as long as the tape is there:\n# {again}\n"
        )
    return render(failure, versions.program())


def _plain_page(result: RunResult, scenario: Scenario, story: StoryCollector, timeline: TimelineCollector, again: str) -> str:
    """The report of a run as it is."""
    from sim.cli import versions
    from sim.cli.judgement import judged
    from sim.report import html

    contents = html.Contents(
        result.to_json(), judged(result, scenario.model.expect), timeline.timeline(result.ended_at_us), story.story(),
        again, text_of(scenario), versions.program(), scenario.model.title, scenario.model.modules,
    )  # fmt: skip
    return html.render(contents)


def around(lines: Sequence[Line], violation: Violation) -> list[int]:
    """Which lines of a story lead to the break, a few more, and which before them are about what the violation names."""
    until = sum(line.time <= violation.time_us for line in lines)
    start = max(until - BEFORE, 0)
    names = {violation.session, *re.findall(r"[^\s,;:()]+", violation.message)}
    told = [i for i in range(start) if names.intersection(_names(lines[i]))]
    if len(told) > NAMED:
        told[1 : 1 - NAMED] = []
    return [*told, *range(start, min(until + AFTER, len(lines)))]


def _names(line: Line) -> set[str]:
    """Of what a line speaks: sessions, and `activities` as they stand in it."""
    return {*line.sessions, *re.findall(r"`[^`]+`", line.text)}


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
    rows = [("promise", one.sentence), ("source", one.source), ("instead", INSTEAD.get(one.name, "")), ("seed", _luck(seed, runs))]
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
    lines, broken, last = [], False, -1
    for i in around(found.lines, found.violation):
        line, left_out, last = found.lines[i], i - last - 1, i
        if left_out:
            lines.append(f"    … {_many(left_out, 'line')} left out")
        if not broken and line.time > found.violation.time_us:
            lines.append(f"  ✗ here {found.promise.name} is broken")
            broken = True
        lines.append(f"    {line}")
    return lines if broken else [*lines, f"  ✗ here {found.promise.name} is broken"]


def _luck(seed: int, runs: int) -> str:
    if seed == NO_CHANCE:
        return "none: everything takes the median of its law; first come, first served"
    return f"{seed} (run {runs} of this test)"


def text_of_error(broken: Broken, runs: int, out: Path, shown: Path | None = None) -> str:
    """What is said when workflow code did what cannot go on: there is no tape of such a run, but a scenario."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "scenario.toml"
    file.write_text(text_of(broken.scenario), "utf-8")
    again = f"session-sim run {_relative(file, shown)} --seed {broken.seed}"
    rows = [("seed", _luck(broken.seed, runs)), ("faults", broken.faults), ("again", again)]
    return "\n".join([broken.error, "", *_table(rows)])


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<9} {value}" for name, value in rows if value]


def _relative(path: Path, start: Path | None) -> Path:
    return path.relative_to(start) if start is not None and path.is_relative_to(start) else path


def _quoted(test: str) -> str:
    return f"'{test}'" if any(c in test for c in " []()&;|$*?") else test


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
